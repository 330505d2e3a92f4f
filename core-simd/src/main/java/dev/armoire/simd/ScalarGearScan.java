// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Objects;

/** Plain Java: three stretches side by side. Owns a small scratch array. */
final class ScalarGearScan implements GearScan {
    /** Bytes of one stretch: odd, so that three of them never collide in the cache, and half an L1 holds them. */
    private static final int LONGEST_STRETCH = 5333;

    private static final int SHORTEST_STRETCH = 341;

    private final long[] table;
    private final boolean hasLibraryTable;
    private final long mask;
    private final byte[] scratch;
    private long fingerprint;

    ScalarGearScan(long[] table, long mask) {
        this.table = table;
        this.hasLibraryTable = Arrays.equals(table, GearTable.GEAR);
        this.mask = mask;
        // A hit wastes about one and a half stretches of work: keep that near a twentieth of a usual scan.
        long stretch = Math.clamp(GearScan.usualDistance(mask) / 32, SHORTEST_STRETCH, LONGEST_STRETCH);
        this.scratch = new byte[3 * (int) stretch];
    }

    @Override
    public long first(MemorySegment window, long origin, long from, long to) {
        Objects.checkFromToIndex(origin, from, to);
        fingerprint = 0;
        int warmUp = (int) Math.min(WARM_UP, from - origin);
        MemorySegment.copy(window, ValueLayout.JAVA_BYTE, from - warmUp, scratch, 0, warmUp);
        fingerprint = fingerprintOf(0, warmUp);
        for (long position = from; position < to; ) {
            int length = (int) Math.min(scratch.length, to - position);
            // C2 keeps bounds and liveness checks of a segment inside the loop; a copy within L1 costs far less.
            MemorySegment.copy(window, ValueLayout.JAVA_BYTE, position, scratch, 0, length);
            int hit = firstInScratch(length);
            if (hit < length) {
                return position + hit;
            }
            position += length;
        }
        return to;
    }

    /** Three stretches only with the library's table: with any other, range checks cost what they win. */
    private int firstInScratch(int length) {
        return length == scratch.length && hasLibraryTable ? scanThree() : scanOne(0, length);
    }

    private int scanThree() {
        byte[] bytes = scratch;
        long m = mask;
        int second = bytes.length / 3;
        int third = 2 * second;
        long f = fingerprint;
        long f2 = fingerprintOf(second - WARM_UP, second);
        long f3 = fingerprintOf(third - WARM_UP, third);
        int i = 0;
        for (; i < second; i++) {
            // A constant array of a size that C2 knows, even when it enters within the loop: no range checks.
            f = (f << 1) + GearTable.GEAR[bytes[i] & 0xFF];
            f2 = (f2 << 1) + GearTable.GEAR[bytes[i + second] & 0xFF];
            f3 = (f3 << 1) + GearTable.GEAR[bytes[i + third] & 0xFF];
            if ((f & m) == 0) {
                return i;
            }
            if ((f2 & m) == 0 || (f3 & m) == 0) {
                break;
            }
        }
        if (i == second) {
            fingerprint = f3;
            return bytes.length;
        }
        // A later stretch was hit: the earliest hit may still lie in what the earlier ones have not seen.
        fingerprint = f;
        int hit = scanOne(i + 1, second);
        if (hit < second) {
            return hit;
        }
        if ((f2 & m) == 0) {
            return second + i;
        }
        fingerprint = f2;
        hit = scanOne(second + i + 1, third);
        return hit < third ? hit : third + i;
    }

    private int scanOne(int from, int to) {
        long[] gear = table;
        byte[] bytes = scratch;
        long m = mask;
        long f = fingerprint;
        for (int i = from; i < to; i++) {
            // Written as a shift and an addition: C2 makes one `lea` of it, which it does not of f + f + g.
            f = (f << 1) + gear[bytes[i] & 0xFF];
            if ((f & m) == 0) {
                return i;
            }
        }
        fingerprint = f;
        return to;
    }

    private long fingerprintOf(int from, int to) {
        long f = 0;
        for (int i = from; i < to; i++) {
            f = (f << 1) + table[scratch[i] & 0xFF];
        }
        return f;
    }
}
