// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Argon2id version 0x13 (RFC 9106) without secret and associated data: passphrase to master key. The matrix lies outside
 * the Java heap and is wiped and freed before {@link #derive} returns.
 *
 * <p>A derivation takes about a second and stands before every command on an encrypted store, so it is usually the first
 * hot loop a JVM runs. It is laid out to be compiled soon: one small method does all the mixing, and the arrays around it
 * are L1-sized.
 */
public final class Argon2id {
    /** Most memory a derivation may ask for. */
    public static final int MAX_MEMORY_KIB = 4 << 20;

    /** Most passes over the memory. */
    public static final int MAX_PASSES = 64;

    /** Most lanes; they are filled one after the other. */
    public static final int MAX_LANES = 255;

    private static final int VERSION = 0x13;
    private static final int TYPE_ID = 2;
    private static final int SLICES = 4;
    private static final int BLOCK_BYTES = 1024;
    private static final int BLOCK_LONGS = BLOCK_BYTES / Long.BYTES;
    private static final int MIN_OUTPUT_BYTES = 4;
    private static final int MIN_SALT_BYTES = 8;
    private static final int H0_BYTES = 64;
    private static final long LOW_HALF = 0xFFFF_FFFFL;
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MemorySegment matrix;
    private final int passes;
    private final int lanes;
    private final int blocks;
    private final int laneLength;
    private final int segmentLength;

    private final long[] current = new long[BLOCK_LONGS];
    private final long[] reference = new long[BLOCK_LONGS];
    private final long[] mixed = new long[BLOCK_LONGS];
    private final long[] transposed = new long[BLOCK_LONGS];
    private final long[] addressInput = new long[BLOCK_LONGS];
    private final long[] addresses = new long[BLOCK_LONGS];

    private Argon2id(MemorySegment matrix, int passes, int lanes, int blocks) {
        this.matrix = matrix;
        this.passes = passes;
        this.lanes = lanes;
        this.blocks = blocks;
        this.laneLength = blocks / lanes;
        this.segmentLength = laneLength / SLICES;
    }

    /**
     * Fills {@code out} with the key. Password and salt are borrowed for the call and not changed.
     *
     * @param salt 8 bytes or more
     * @param passes 1 to {@link #MAX_PASSES}
     * @param memoryKiB at least 8 for each lane, at most {@link #MAX_MEMORY_KIB}; taken off-heap during the call
     * @param lanes 1 to {@link #MAX_LANES}
     * @param out 4 bytes or more
     * @throws IllegalArgumentException if a parameter is outside those limits, before any memory is taken
     */
    public static void derive(byte[] password, byte[] salt, int passes, int memoryKiB, int lanes, byte[] out) {
        check("passes", passes, 1, MAX_PASSES);
        check("lanes", lanes, 1, MAX_LANES);
        check("memory in KiB", memoryKiB, 2 * SLICES * lanes, MAX_MEMORY_KIB);
        check("salt bytes", salt.length, MIN_SALT_BYTES, Integer.MAX_VALUE);
        check("output bytes", out.length, MIN_OUTPUT_BYTES, Integer.MAX_VALUE);

        byte[] h0 = new byte[H0_BYTES];
        new Blake2b(H0_BYTES)
                .updateInt(lanes)
                .updateInt(out.length)
                .updateInt(memoryKiB)
                .updateInt(passes)
                .updateInt(VERSION)
                .updateInt(TYPE_ID)
                .updateInt(password.length)
                .update(password)
                .updateInt(salt.length)
                .update(salt)
                .updateInt(0)
                .updateInt(0)
                .digest(h0, 0);

        int blocks = memoryKiB / (SLICES * lanes) * (SLICES * lanes);
        try (var arena = Arena.ofConfined()) {
            var matrix = arena.allocate((long) blocks * BLOCK_BYTES, BLOCK_BYTES);
            try {
                var run = new Argon2id(matrix, passes, lanes, blocks);
                run.start(h0);
                run.fill();
                run.finish(out);
            } finally {
                matrix.fill((byte) 0);
                Arrays.fill(h0, (byte) 0);
            }
        }
    }

    private static void check(String name, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(
                    "Argon2id " + name + " must be " + min + " to " + max + ", found " + value);
        }
    }

    /** The first two blocks of every lane. */
    private void start(byte[] h0) {
        byte[] seed = Arrays.copyOf(h0, H0_BYTES + 2 * Integer.BYTES);
        byte[] block = new byte[BLOCK_BYTES];
        for (int lane = 0; lane < lanes; lane++) {
            seed[H0_BYTES + Integer.BYTES] = (byte) lane;
            for (int i = 0; i < 2; i++) {
                seed[H0_BYTES] = (byte) i;
                expand(seed, block);
                MemorySegment.copy(block, 0, matrix, ValueLayout.JAVA_BYTE, offset(lane, i), BLOCK_BYTES);
            }
        }
        Arrays.fill(seed, (byte) 0);
        Arrays.fill(block, (byte) 0);
    }

    private void fill() {
        for (int pass = 0; pass < passes; pass++) {
            for (int slice = 0; slice < SLICES; slice++) {
                for (int lane = 0; lane < lanes; lane++) {
                    fillSegment(pass, slice, lane);
                }
            }
        }
    }

    private void fillSegment(int pass, int slice, int lane) {
        // The "i" half of "id": in the first half of the first pass the password does not choose addresses.
        boolean independent = pass == 0 && slice < SLICES / 2;
        int first = pass == 0 && slice == 0 ? 2 : 0;
        int base = slice * segmentLength;
        if (independent) {
            startAddresses(pass, slice, lane);
        }
        load(offset(lane, (base + first + laneLength - 1) % laneLength), current);
        for (int i = first; i < segmentLength; i++) {
            if (independent && (i == first || i % BLOCK_LONGS == 0)) {
                nextAddresses();
            }
            long random = independent ? addresses[i % BLOCK_LONGS] : current[0];
            fillBlock(referenceOffset(pass, slice, lane, i, random), offset(lane, base + i), pass > 0);
        }
    }

    /**
     * Computes the block after {@link #current}. A method of its own, because one called a million times is compiled once
     * and for good, while the loop around it is compiled again at every turn that the profile has not seen.
     */
    private void fillBlock(long referenceOffset, long target, boolean overwrite) {
        load(referenceOffset, reference);
        xor(reference, current);
        mix(reference);
        if (overwrite) {
            load(target, current);
            xor(current, mixed);
        } else {
            System.arraycopy(mixed, 0, current, 0, BLOCK_LONGS);
        }
        xor(current, reference);
        MemorySegment.copy(current, 0, matrix, U64, target, BLOCK_LONGS);
    }

    /** Where the block lies that the pseudo-random value points to (RFC 9106 section 3.4.2). */
    private long referenceOffset(int pass, int slice, int lane, int index, long random) {
        int referenceLane = pass == 0 && slice == 0 ? lane : (int) ((random >>> 32) % lanes);
        int finished = pass == 0 ? slice * segmentLength : laneLength - segmentLength;
        long area;
        if (referenceLane == lane) {
            area = finished + index - 1L;
        } else {
            area = finished - (index == 0 ? 1L : 0);
        }
        long j1 = random & LOW_HALF;
        long x = (j1 * j1) >>> 32;
        long z = area - 1 - ((area * x) >>> 32);
        long start = pass == 0 || slice == SLICES - 1 ? 0 : (slice + 1L) * segmentLength;
        long position = start + z;
        return offset(referenceLane, (int) (position < laneLength ? position : position - laneLength));
    }

    private void startAddresses(int pass, int slice, int lane) {
        Arrays.fill(addressInput, 0);
        addressInput[0] = pass;
        addressInput[1] = lane;
        addressInput[2] = slice;
        addressInput[3] = blocks;
        addressInput[4] = passes;
        addressInput[5] = TYPE_ID;
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

    /** The last blocks of all lanes, XORed and hashed. */
    private void finish(byte[] out) {
        Arrays.fill(current, 0);
        for (int lane = 0; lane < lanes; lane++) {
            load(offset(lane, laneLength - 1), reference);
            xor(current, reference);
        }
        byte[] last = new byte[BLOCK_BYTES];
        MemorySegment.copy(current, 0, MemorySegment.ofArray(last), U64, 0, BLOCK_LONGS);
        expand(last, out);
        Arrays.fill(last, (byte) 0);
        for (long[] scratch : new long[][] {current, reference, mixed, transposed, addresses}) {
            Arrays.fill(scratch, 0);
        }
    }

    private long offset(int lane, int index) {
        return ((long) lane * laneLength + index) * BLOCK_BYTES;
    }

    private void load(long offset, long[] block) {
        MemorySegment.copy(matrix, U64, offset, block, 0, BLOCK_LONGS);
    }

    private static void xor(long[] into, long[] from) {
        for (int k = 0; k < BLOCK_LONGS; k++) {
            into[k] ^= from[k];
        }
    }

    /** The variable-length hash H' (RFC 9106 section 3.3). */
    private static void expand(byte[] input, byte[] out) {
        int length = out.length;
        if (length <= Blake2b.MAX_DIGEST_BYTES) {
            new Blake2b(length).updateInt(length).update(input).digest(out, 0);
            return;
        }
        byte[] v = new byte[Blake2b.MAX_DIGEST_BYTES];
        new Blake2b(v.length).updateInt(length).update(input).digest(v, 0);
        int half = v.length / 2;
        int at = 0;
        for (; length - at > v.length; at += half) {
            System.arraycopy(v, 0, out, at, half);
            int left = length - at - half;
            if (left > v.length) {
                new Blake2b(v.length).update(v).digest(v, 0);
            } else {
                new Blake2b(left).update(v).digest(out, at + half);
            }
        }
        Arrays.fill(v, (byte) 0);
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
