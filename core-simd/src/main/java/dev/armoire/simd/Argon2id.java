// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import dev.armoire.simd.ffi.LargeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Argon2id version 0x13 (RFC 9106) without secret and associated data: passphrase to master key. The matrix lies outside
 * the Java heap and is gone before {@link #derive} returns.
 */
public final class Argon2id {
    /** Most memory a derivation may ask for. */
    public static final int MAX_MEMORY_KIB = 4 << 20;

    /** Most passes over the memory. */
    public static final int MAX_PASSES = 64;

    /** Most lanes; they are filled one after the other. */
    public static final int MAX_LANES = 255;

    private static final int VERSION = 0x13;
    private static final int MIN_OUTPUT_BYTES = 4;
    private static final int MIN_SALT_BYTES = 8;
    private static final int H0_BYTES = 64;
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** What fills the matrix. */
    enum Form {
        JAVA,
        AVX2,
        AVX512;

        private static Form best() {
            return Kernels.avx512() ? AVX512 : Kernels.machineCode() ? AVX2 : JAVA;
        }

        private Argon2idFill fill(Argon2idMatrix matrix, MemorySegment memory) {
            return this == JAVA
                    ? new ScalarArgon2id(matrix, memory)
                    : new NativeArgon2id(matrix, memory, this == AVX512);
        }
    }

    private Argon2id() {}

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
        derive(password, salt, passes, memoryKiB, lanes, out, Form.best());
    }

    /** The same in a form that this machine must have. */
    static void derive(byte[] password, byte[] salt, int passes, int memoryKiB, int lanes, byte[] out, Form form) {
        check("passes", passes, 1, MAX_PASSES);
        check("lanes", lanes, 1, MAX_LANES);
        check("memory in KiB", memoryKiB, 2 * Argon2idMatrix.SLICES * lanes, MAX_MEMORY_KIB);
        check("salt bytes", salt.length, MIN_SALT_BYTES, Integer.MAX_VALUE);
        check("output bytes", out.length, MIN_OUTPUT_BYTES, Integer.MAX_VALUE);

        byte[] h0 = new byte[H0_BYTES];
        new Blake2b(H0_BYTES)
                .updateInt(lanes)
                .updateInt(out.length)
                .updateInt(memoryKiB)
                .updateInt(passes)
                .updateInt(VERSION)
                .updateInt(Argon2idMatrix.TYPE_ID)
                .updateInt(password.length)
                .update(password)
                .updateInt(salt.length)
                .update(salt)
                .updateInt(0)
                .updateInt(0)
                .digest(h0, 0);

        int lanesBlocks = Argon2idMatrix.SLICES * lanes;
        var matrix = new Argon2idMatrix(passes, lanes, memoryKiB / lanesBlocks * lanesBlocks);
        try (var memory = new LargeMemory(matrix.sizeBytes());
                var fill = form.fill(matrix, memory.segment())) {
            start(matrix, fill, h0);
            for (int pass = 0; pass < passes; pass++) {
                for (int slice = 0; slice < Argon2idMatrix.SLICES; slice++) {
                    for (int lane = 0; lane < lanes; lane++) {
                        fill.fillSegment(pass, slice, lane);
                    }
                }
            }
            finish(matrix, fill, out);
        } finally {
            Arrays.fill(h0, (byte) 0);
        }
    }

    private static void check(String name, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(
                    "Argon2id " + name + " must be " + min + " to " + max + ", found " + value);
        }
    }

    /** The first two blocks of every lane. */
    private static void start(Argon2idMatrix matrix, Argon2idFill fill, byte[] h0) {
        byte[] seed = Arrays.copyOf(h0, H0_BYTES + 2 * Integer.BYTES);
        byte[] bytes = new byte[Argon2idMatrix.BLOCK_BYTES];
        long[] block = new long[Argon2idMatrix.BLOCK_LONGS];
        for (int lane = 0; lane < matrix.lanes(); lane++) {
            seed[H0_BYTES + Integer.BYTES] = (byte) lane;
            for (int i = 0; i < 2; i++) {
                seed[H0_BYTES] = (byte) i;
                expand(seed, bytes);
                MemorySegment.copy(MemorySegment.ofArray(bytes), U64, 0, block, 0, block.length);
                fill.write(matrix.offset(0, lane, i), block);
            }
        }
        Arrays.fill(seed, (byte) 0);
        Arrays.fill(bytes, (byte) 0);
        Arrays.fill(block, 0);
    }

    /** The last blocks of all lanes, XORed and hashed. */
    private static void finish(Argon2idMatrix matrix, Argon2idFill fill, byte[] out) {
        long[] sum = new long[Argon2idMatrix.BLOCK_LONGS];
        long[] last = new long[Argon2idMatrix.BLOCK_LONGS];
        for (int lane = 0; lane < matrix.lanes(); lane++) {
            fill.read(matrix.lastOffset(lane), last);
            for (int i = 0; i < sum.length; i++) {
                sum[i] ^= last[i];
            }
        }
        byte[] bytes = new byte[Argon2idMatrix.BLOCK_BYTES];
        MemorySegment.copy(sum, 0, MemorySegment.ofArray(bytes), U64, 0, sum.length);
        expand(bytes, out);
        Arrays.fill(bytes, (byte) 0);
        Arrays.fill(sum, 0);
        Arrays.fill(last, 0);
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
}
