// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.MemorySegment;

/**
 * Looks for hits: positions where the Gear fingerprint has no bit of a mask. The fingerprint starts with 0 and goes on with
 * {@code fp = (fp << 1) + G[byte]} modulo 2^64, so a byte is shifted out after 64 steps. A stretch in the middle can
 * therefore start on its own after a warm-up of {@value #WARM_UP} bytes, and all forms scan several stretches side by side,
 * since a single one leaves the CPU waiting for its own last addition. The earliest hit is the answer, exactly as if one
 * loop had run over all bytes. Table and mask belong to the scan; one thread at a time.
 */
sealed interface GearScan permits ScalarGearScan, VectorGearScan, NativeGearScan {
    /** Bytes before a position that its fingerprint depends on, besides its own. */
    int WARM_UP = 63;

    /**
     * First hit of {@code [from, to)}, or {@code to} if there is none.
     *
     * @param window borrowed for the call
     * @param origin where the fingerprint starts with 0, at most {@code from}
     * @throws IndexOutOfBoundsException if the window is shorter than {@code to}
     */
    long first(MemorySegment window, long origin, long from, long to);

    /** {@code ones} bits spread evenly from the top; none for less than 1. */
    static long spreadMask(int ones) {
        long mask = 0;
        for (int i = 0; i < ones; i++) {
            mask |= 1L << (Long.SIZE - 1 - i * (Long.SIZE / ones));
        }
        return mask;
    }

    /** Usual bytes up to a hit. */
    static long usualDistance(long mask) {
        return 1L << Math.min(Long.bitCount(mask), Integer.SIZE);
    }
}
