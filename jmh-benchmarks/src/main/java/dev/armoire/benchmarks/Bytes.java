// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** Counts the bytes that a benchmark went through; JMH prints them per second beside the operations. */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.OPERATIONS)
public class Bytes {
    /** Bytes of this iteration; JMH reads the field and sets it to zero. */
    public long bytes;
}
