// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.report;

import java.util.Map;

/**
 * One line of a micro-benchmark.
 *
 * @param suite what was measured, such as {@code Blake3}
 * @param work what was done, such as {@code hash}
 * @param who who did it: {@code Armoire native}, {@code Bouncy Castle}
 * @param parameters of the input, in the order of the columns
 * @param perSecond operations
 * @param error half the width of the 99.9 % interval of {@code perSecond}
 * @param bytesPerSecond NaN where operations are what counts
 * @param scannedPerSecond bytes that were looked at; NaN where that is all of them
 * @param allocatedBytes on the heap, per operation; NaN if not measured
 */
public record Result(
        String suite,
        String work,
        String who,
        Map<String, String> parameters,
        double perSecond,
        double error,
        double bytesPerSecond,
        double scannedPerSecond,
        double allocatedBytes) {
    /** Whether this is ours. */
    public boolean isArmoire() {
        return who.startsWith("Armoire");
    }

    boolean countsBytes() {
        return bytesPerSecond > 0;
    }

    /** GB/s, or million operations per second. */
    double speed() {
        return (countsBytes() ? bytesPerSecond / 1e3 : perSecond) / 1e6;
    }
}
