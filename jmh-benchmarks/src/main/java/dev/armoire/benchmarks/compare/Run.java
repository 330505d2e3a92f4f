// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.compare;

import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * All steps of one program on one data set, once.
 *
 * @param steps what each took, by its name
 * @param logicalBytes of all contents, summed over the backups that had changed data
 * @param storedBytes of all files of the store at the end
 * @param restored what the restored tree is like; null when it was not looked at in this round
 * @param failure why the steps end early, or null
 */
record Run(
        DataSet data,
        Peer peer,
        int round,
        SequencedMap<String, Measured> steps,
        long logicalBytes,
        long storedBytes,
        Trees.@Nullable Comparison restored,
        @Nullable String failure) {}
