// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * The Vector API: eight stretches side by side, one in each 64-bit lane. A row is eight bytes of each stretch. All 64 are
 * looked up at once in the table's byte planes (plane p holds byte p of every constant: 256 bytes in four vectors), and
 * the eight planes of results are merged into eight steps of eight lanes.
 *
 * <p>Owns scratch memory for one block of eight stretches. A block with a hit is scanned again by the scalar form, which
 * finds the earliest.
 */
final class VectorGearScan implements GearScan {
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int LANES = LongVector.SPECIES_512.length();
    private static final int VECTOR_BYTES = ByteVector.SPECIES_512.length();
    private static final int PLANES = Long.BYTES;

    /** Rows of a block: no multiple of 512, so that the stretches do not collide in the cache. */
    private static final int MOST_ROWS = 257;

    private static final int FEWEST_ROWS = 16;

    /** Merge the first or second halves of all lanes of two vectors: bytes in turns, then pairs, then fours. */
    private static final ByteVector ONES_FIRST = merging(1, 0);

    private static final ByteVector ONES_SECOND = merging(1, 1);
    private static final ByteVector TWOS_FIRST = merging(2, 0);
    private static final ByteVector TWOS_SECOND = merging(2, 1);
    private static final ByteVector FOURS_FIRST = merging(4, 0);
    private static final ByteVector FOURS_SECOND = merging(4, 1);

    private final long[] table;
    private final byte[] planes = new byte[PLANES * GearTable.GEAR.length];
    private final long mask;
    private final ScalarGearScan scalar;
    private final long[] rows;
    private final byte[] found = new byte[PLANES * VECTOR_BYTES];
    private final long[] fingerprints = new long[LANES];

    VectorGearScan(long[] table, long mask) {
        this.table = table;
        this.mask = mask;
        this.scalar = new ScalarGearScan(table, mask);
        for (int i = 0; i < planes.length; i++) {
            planes[i] = (byte) (table[i % table.length] >>> Byte.SIZE * (i / table.length));
        }
        // A hit wastes about a block of work.
        long usualRows = GearScan.usualDistance(mask) / 32 / VECTOR_BYTES;
        this.rows = new long[LANES * Math.clamp(usualRows, FEWEST_ROWS, MOST_ROWS)];
    }

    @Override
    public long first(MemorySegment window, long origin, long from, long to) {
        Objects.checkFromToIndex(origin, from, to);
        long blockBytes = (long) rows.length * Long.BYTES;
        long position = from;
        for (; position <= to - blockBytes; position += blockBytes) {
            if (hasHit(window, origin, position)) {
                return scalar.first(window, origin, position, position + blockBytes);
            }
        }
        return scalar.first(window, origin, position, to);
    }

    private boolean hasHit(MemorySegment window, long origin, long position) {
        int stretch = rows.length / LANES * Long.BYTES;
        for (int lane = 0; lane < LANES; lane++) {
            long start = position + (long) lane * stretch;
            fingerprints[lane] = warmUp(window, Math.max(origin, start - WARM_UP), start);
            for (int row = 0, at = lane; at < rows.length; row++, at += LANES) {
                rows[at] = window.get(U64, start + (long) row * Long.BYTES);
            }
        }
        for (int at = 0; at < rows.length; at += LANES) {
            lookUp(at);
            if (fourStepsHit(ONES_FIRST) || fourStepsHit(ONES_SECOND)) {
                return true;
            }
        }
        return false;
    }

    private long warmUp(MemorySegment window, long from, long to) {
        long f = 0;
        for (long i = from; i < to; i++) {
            f = (f << 1) + table[window.get(ValueLayout.JAVA_BYTE, i) & 0xFF];
        }
        return f;
    }

    /** All 64 bytes of a row in all planes. */
    private void lookUp(int at) {
        ByteVector row = LongVector.fromArray(LongVector.SPECIES_512, rows, at).reinterpretAsBytes();
        VectorMask<Byte> upper = row.compare(VectorOperators.LT, (byte) 0);
        for (int plane = 0; plane < PLANES; plane++) {
            int from = plane * GearTable.GEAR.length;
            ByteVector lowHalf = row.selectFrom(plane(from), plane(from + VECTOR_BYTES));
            ByteVector highHalf = row.selectFrom(plane(from + 2 * VECTOR_BYTES), plane(from + 3 * VECTOR_BYTES));
            lowHalf.blend(highHalf, upper).intoArray(found, plane * VECTOR_BYTES);
        }
    }

    private ByteVector plane(int from) {
        return ByteVector.fromArray(ByteVector.SPECIES_512, planes, from);
    }

    /** Four steps of all lanes; no vector crosses a call that C2 might not inline. */
    private boolean fourStepsHit(ByteVector half) {
        ByteVector p01 = half.selectFrom(found(0), found(1));
        ByteVector p23 = half.selectFrom(found(2), found(3));
        ByteVector p45 = half.selectFrom(found(4), found(5));
        ByteVector p67 = half.selectFrom(found(6), found(7));
        ByteVector low = TWOS_FIRST.selectFrom(p01, p23);
        ByteVector high = TWOS_FIRST.selectFrom(p45, p67);
        LongVector f = LongVector.fromArray(LongVector.SPECIES_512, fingerprints, 0);
        f = step(f, FOURS_FIRST.selectFrom(low, high));
        VectorMask<Long> hits = hits(f);
        f = step(f, FOURS_SECOND.selectFrom(low, high));
        hits = hits.or(hits(f));
        low = TWOS_SECOND.selectFrom(p01, p23);
        high = TWOS_SECOND.selectFrom(p45, p67);
        f = step(f, FOURS_FIRST.selectFrom(low, high));
        hits = hits.or(hits(f));
        f = step(f, FOURS_SECOND.selectFrom(low, high));
        hits = hits.or(hits(f));
        f.intoArray(fingerprints, 0);
        return hits.anyTrue();
    }

    private ByteVector found(int plane) {
        return ByteVector.fromArray(ByteVector.SPECIES_512, found, plane * VECTOR_BYTES);
    }

    private static LongVector step(LongVector f, ByteVector gear) {
        return f.add(f).add(gear.reinterpretAsLongs());
    }

    private VectorMask<Long> hits(LongVector f) {
        return f.and(mask).compare(VectorOperators.EQ, 0);
    }

    /** Indexes that put {@code bytes} bytes of one vector beside the same of another, out of one half of each lane. */
    private static ByteVector merging(int bytes, int half) {
        byte[] indexes = new byte[VECTOR_BYTES];
        for (int i = 0; i < VECTOR_BYTES; i++) {
            int lane = i / Long.BYTES;
            int byteOfLane = i % Long.BYTES;
            int pair = byteOfLane / (2 * bytes);
            int other = byteOfLane / bytes % 2;
            indexes[i] = (byte) (other * VECTOR_BYTES
                    + lane * Long.BYTES
                    + half * (Long.BYTES / 2)
                    + pair * bytes
                    + byteOfLane % bytes);
        }
        return ByteVector.fromArray(ByteVector.SPECIES_512, indexes, 0);
    }
}
