// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What to check.
 *
 * @param targets checked one after the other, in this order
 * @param fast asks only whether the contents of files are there, and does not read them
 * @param store reads every packfile of the store first, whether a snapshot needs it or not
 * @param workers threads that read and verify, at least 1
 * @param sample which packfiles are read of the store; null for all
 * @param log remembers which ones were read; null to forget
 */
public record CheckRequest(
        List<Target> targets,
        boolean fast,
        boolean store,
        int workers,
        @Nullable Sample sample,
        @Nullable ReadLog log) {
    /** Reads all that is asked for, and remembers nothing. */
    public CheckRequest(List<Target> targets, boolean fast, boolean store, int workers) {
        this(targets, fast, store, workers, null, null);
    }

    /**
     * A part of the packfiles: those that were read the longest time ago, or never, come first.
     *
     * @param percent of how many packfiles, 1 to 100
     * @param isNewOnly whether only those count that were never read and found well
     */
    public record Sample(int percent, boolean isNewOnly) {}
}
