// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Argon2id's blocks in plain Java. A derivation is usually the first hot loop that a JVM runs, so it is laid out to be
 * compiled soon: one small method does all the mixing, and the arrays around it are L1-sized. For one thread.
 */
final class ScalarArgon2id implements Argon2idFill {
    private static final int BLOCK_LONGS = Argon2idMatrix.BLOCK_LONGS;
    private static final long LOW_HALF = 0xFFFF_FFFFL;
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Argon2idMatrix matrix;
    private final MemorySegment memory;
    private final long[] current = new long[BLOCK_LONGS];
    private final long[] reference = new long[BLOCK_LONGS];
    private final long[] mixed = new long[BLOCK_LONGS];
    private final long[] transposed = new long[BLOCK_LONGS];
    private final long[] addressInput = new long[BLOCK_LONGS];
    private final long[] addresses = new long[BLOCK_LONGS];

    /** Works on {@code memory}, which is borrowed for as long as this is used. */
    ScalarArgon2id(Argon2idMatrix matrix, MemorySegment memory) {
        this.matrix = matrix;
        this.memory = memory;
    }

    @Override
    public void write(long offset, long[] block) {
        MemorySegment.copy(block, 0, memory, U64, offset, BLOCK_LONGS);
    }

    @Override
    public void read(long offset, long[] block) {
        MemorySegment.copy(memory, U64, offset, block, 0, BLOCK_LONGS);
    }

    @Override
    public void fillSegment(int pass, int slice, int lane) {
        boolean independent = Argon2idMatrix.independent(pass, slice);
        int first = Argon2idMatrix.firstIndex(pass, slice);
        if (independent) {
            matrix.startAddresses(pass, slice, lane, addressInput);
        }
        read(matrix.previousOffset(slice, lane, first), current);
        for (int i = first; i < matrix.segmentLength(); i++) {
            if (independent && (i == first || i % BLOCK_LONGS == 0)) {
                nextAddresses();
            }
            long random = independent ? addresses[i % BLOCK_LONGS] : current[0];
            fillBlock(matrix.referenceOffset(pass, slice, lane, i, random), matrix.offset(slice, lane, i), pass > 0);
        }
    }

    /**
     * Computes the block after {@link #current}. A method of its own, because one called a million times is compiled once
     * and for good, while the loop around it is compiled again at every turn that the profile has not seen.
     */
    private void fillBlock(long referenceOffset, long target, boolean overwrite) {
        read(referenceOffset, reference);
        xor(reference, current);
        mix(reference);
        if (overwrite) {
            read(target, current);
            xor(current, mixed);
        } else {
            System.arraycopy(mixed, 0, current, 0, BLOCK_LONGS);
        }
        xor(current, reference);
        write(target, current);
    }

    private void nextAddresses() {
        addressInput[6]++;
        mix(addressInput);
        System.arraycopy(mixed, 0, addresses, 0, BLOCK_LONGS);
        xor(addresses, addressInput);
        mix(addresses);
        xor(addresses, mixed);
    }

    /** The permutation over the rows, then over the columns, of a block seen as 8 by 8 pairs; into {@link #mixed}. */
    private void mix(long[] block) {
        for (int row = 0; row < 8; row++) {
            permute(block, 16 * row, transposed, 2 * row);
        }
        for (int column = 0; column < 8; column++) {
            permute(transposed, 16 * column, mixed, 2 * column);
        }
    }

    @Override
    public void close() {
        for (long[] scratch : new long[][] {current, reference, mixed, transposed, addresses}) {
            Arrays.fill(scratch, 0);
        }
    }

    private static void xor(long[] into, long[] from) {
        for (int k = 0; k < BLOCK_LONGS; k++) {
            into[k] ^= from[k];
        }
    }

    /**
     * BLAKE2b's round with multiplications (RFC 9106 section 3.6) on 16 consecutive longs. The result is stored transposed,
     * as 8 pairs one row apart, so the columns are consecutive for the second half, which transposes them back: one method
     * serves both, with every index a constant away from its base.
     */
    private static void permute(long[] in, int from, long[] out, int to) {
        long v0 = in[from];
        long v1 = in[from + 1];
        long v2 = in[from + 2];
        long v3 = in[from + 3];
        long v4 = in[from + 4];
        long v5 = in[from + 5];
        long v6 = in[from + 6];
        long v7 = in[from + 7];
        long v8 = in[from + 8];
        long v9 = in[from + 9];
        long v10 = in[from + 10];
        long v11 = in[from + 11];
        long v12 = in[from + 12];
        long v13 = in[from + 13];
        long v14 = in[from + 14];
        long v15 = in[from + 15];
        v0 = blaMka(v0, v4);
        v12 = Long.rotateRight(v12 ^ v0, 32);
        v8 = blaMka(v8, v12);
        v4 = Long.rotateRight(v4 ^ v8, 24);
        v0 = blaMka(v0, v4);
        v12 = Long.rotateRight(v12 ^ v0, 16);
        v8 = blaMka(v8, v12);
        v4 = Long.rotateRight(v4 ^ v8, 63);
        v1 = blaMka(v1, v5);
        v13 = Long.rotateRight(v13 ^ v1, 32);
        v9 = blaMka(v9, v13);
        v5 = Long.rotateRight(v5 ^ v9, 24);
        v1 = blaMka(v1, v5);
        v13 = Long.rotateRight(v13 ^ v1, 16);
        v9 = blaMka(v9, v13);
        v5 = Long.rotateRight(v5 ^ v9, 63);
        v2 = blaMka(v2, v6);
        v14 = Long.rotateRight(v14 ^ v2, 32);
        v10 = blaMka(v10, v14);
        v6 = Long.rotateRight(v6 ^ v10, 24);
        v2 = blaMka(v2, v6);
        v14 = Long.rotateRight(v14 ^ v2, 16);
        v10 = blaMka(v10, v14);
        v6 = Long.rotateRight(v6 ^ v10, 63);
        v3 = blaMka(v3, v7);
        v15 = Long.rotateRight(v15 ^ v3, 32);
        v11 = blaMka(v11, v15);
        v7 = Long.rotateRight(v7 ^ v11, 24);
        v3 = blaMka(v3, v7);
        v15 = Long.rotateRight(v15 ^ v3, 16);
        v11 = blaMka(v11, v15);
        v7 = Long.rotateRight(v7 ^ v11, 63);
        v0 = blaMka(v0, v5);
        v15 = Long.rotateRight(v15 ^ v0, 32);
        v10 = blaMka(v10, v15);
        v5 = Long.rotateRight(v5 ^ v10, 24);
        v0 = blaMka(v0, v5);
        v15 = Long.rotateRight(v15 ^ v0, 16);
        v10 = blaMka(v10, v15);
        v5 = Long.rotateRight(v5 ^ v10, 63);
        v1 = blaMka(v1, v6);
        v12 = Long.rotateRight(v12 ^ v1, 32);
        v11 = blaMka(v11, v12);
        v6 = Long.rotateRight(v6 ^ v11, 24);
        v1 = blaMka(v1, v6);
        v12 = Long.rotateRight(v12 ^ v1, 16);
        v11 = blaMka(v11, v12);
        v6 = Long.rotateRight(v6 ^ v11, 63);
        v2 = blaMka(v2, v7);
        v13 = Long.rotateRight(v13 ^ v2, 32);
        v8 = blaMka(v8, v13);
        v7 = Long.rotateRight(v7 ^ v8, 24);
        v2 = blaMka(v2, v7);
        v13 = Long.rotateRight(v13 ^ v2, 16);
        v8 = blaMka(v8, v13);
        v7 = Long.rotateRight(v7 ^ v8, 63);
        v3 = blaMka(v3, v4);
        v14 = Long.rotateRight(v14 ^ v3, 32);
        v9 = blaMka(v9, v14);
        v4 = Long.rotateRight(v4 ^ v9, 24);
        v3 = blaMka(v3, v4);
        v14 = Long.rotateRight(v14 ^ v3, 16);
        v9 = blaMka(v9, v14);
        v4 = Long.rotateRight(v4 ^ v9, 63);
        out[to] = v0;
        out[to + 1] = v1;
        out[to + 16] = v2;
        out[to + 17] = v3;
        out[to + 32] = v4;
        out[to + 33] = v5;
        out[to + 48] = v6;
        out[to + 49] = v7;
        out[to + 64] = v8;
        out[to + 65] = v9;
        out[to + 80] = v10;
        out[to + 81] = v11;
        out[to + 96] = v12;
        out[to + 97] = v13;
        out[to + 112] = v14;
        out[to + 113] = v15;
    }

    private static long blaMka(long x, long y) {
        return x + y + 2 * (x & LOW_HALF) * (y & LOW_HALF);
    }
}
