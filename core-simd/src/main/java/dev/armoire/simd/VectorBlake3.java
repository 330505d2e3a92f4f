// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import static jdk.incubator.vector.VectorOperators.ROR;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * BLAKE3 of many chunks at once: each vector lane works on a chunk (or a parent) of its own, 16 of them with 512-bit vectors,
 * 8 with 256-bit ones. Holds scratch arrays; one thread at a time.
 *
 * <p>A round is a method of its own and leaves its state in an array. The loads and stores hide behind the arithmetic, and a
 * small method is compiled within a fraction of a second, where all seven rounds in one took several.
 */
final class VectorBlake3 implements Blake3Kernel {
    /** No wider than a block has words. */
    private static final VectorSpecies<Integer> LANES =
            IntVector.SPECIES_PREFERRED.vectorBitSize() > 512 ? IntVector.SPECIES_512 : IntVector.SPECIES_PREFERRED;

    private static final int WIDTH = LANES.length();

    private static final int ROUNDS = 7;
    private static final int BLOCK_WORDS = 16;
    private static final int BLOCK_BYTES = 64;
    private static final int CHUNK_WORDS = 256;
    private static final int CHUNK_BLOCKS = 16;
    private static final int CV_WORDS = Blake3.CV_WORDS;
    /** Hashed sooner than by scalar code, whatever the width. */
    private static final int FEWEST_CHUNKS = 3;

    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Per round, where in the transposed block each mixing step finds its two words. */
    private static final int[][] ORDER = order();

    /** Lanes of two vectors in turns: their lower halves, and their upper halves. */
    private static final IntVector INTERLEAVE_LOW = interleaving(0);

    private static final IntVector INTERLEAVE_HIGH = interleaving(WIDTH / 2);

    private final int[] state = new int[16 * WIDTH];
    private final int[] tail = new int[8 * WIDTH];
    private final int[] block = new int[BLOCK_WORDS * WIDTH];
    private final int[] columns = new int[WIDTH * WIDTH];

    private final int[] key;
    private final int modeFlags;
    private final ScalarBlake3 scalar;
    private final int[] batch = new int[WIDTH * CHUNK_WORDS];

    VectorBlake3(int[] key, int modeFlags) {
        this.key = key;
        this.modeFlags = modeFlags;
        this.scalar = new ScalarBlake3(key, modeFlags);
        Arrays.fill(tail, 0, WIDTH, ScalarBlake3.IV0);
        Arrays.fill(tail, WIDTH, 2 * WIDTH, ScalarBlake3.IV1);
        Arrays.fill(tail, 2 * WIDTH, 3 * WIDTH, ScalarBlake3.IV2);
        Arrays.fill(tail, 3 * WIDTH, 4 * WIDTH, ScalarBlake3.IV3);
        Arrays.fill(tail, 6 * WIDTH, 7 * WIDTH, BLOCK_BYTES);
    }

    /** Bits of a vector on this CPU, as far as the Vector API uses it. */
    static int vectorBits() {
        return LANES.vectorBitSize();
    }

    static int width() {
        return WIDTH;
    }

    @Override
    public void compress(Words state, Words message, int at, int blocks, int length, long counter, int flags) {
        scalar.compress(state, message, at, blocks, length, counter, flags);
    }

    @Override
    public void hashTree(MemorySegment data, long position, int chunks, long counter, int levels, Words cvs) {
        if (chunks < FEWEST_CHUNKS) {
            scalar.hashTree(data, position, chunks, counter, levels, cvs);
            return;
        }
        for (int i = 0; i < chunks; i += WIDTH) {
            // Lanes left over hash what an earlier batch left there, and nobody reads it.
            int words = Math.min(WIDTH, chunks - i) * CHUNK_WORDS;
            MemorySegment.copy(data, U32, position + (long) i * Blake3.CHUNK_BYTES, batch, 0, words);
            hashChunks(batch, counter + i, cvs.array(), i * CV_WORDS);
        }
        int parents = chunks;
        for (int level = 0; level < levels; level++) {
            parents /= 2;
            for (int i = 0; i < parents; i += WIDTH) {
                hashParents(cvs.array(), 2 * i * CV_WORDS, cvs.array(), i * CV_WORDS);
            }
        }
    }

    /**
     * Chaining values of {@link #width()} chunks.
     *
     * @param chunks the chunks one behind the other, as little-endian words
     * @param counter number of the first chunk
     * @param cvs receives 8 words per chunk from index {@code cvAt}
     */
    void hashChunks(int[] chunks, long counter, int[] cvs, int cvAt) {
        for (int lane = 0; lane < WIDTH; lane++) {
            tail[4 * WIDTH + lane] = (int) (counter + lane);
            tail[5 * WIDTH + lane] = (int) ((counter + lane) >>> 32);
        }
        start();
        for (int i = 0; i < CHUNK_BLOCKS; i++) {
            int flags = modeFlags;
            if (i == 0) {
                flags |= Blake3.CHUNK_START;
            } else if (i == CHUNK_BLOCKS - 1) {
                flags |= Blake3.CHUNK_END;
            }
            compress(chunks, i * BLOCK_WORDS, CHUNK_WORDS, flags);
        }
        store(cvs, cvAt);
    }

    /**
     * Chaining values of {@link #width()} parents.
     *
     * @param children twice as many chaining values, from index {@code childAt}
     * @param cvs receives 8 words per parent from index {@code cvAt}; may be {@code children}, at or before {@code childAt}
     */
    void hashParents(int[] children, int childAt, int[] cvs, int cvAt) {
        Arrays.fill(tail, 4 * WIDTH, 6 * WIDTH, 0);
        start();
        compress(children, childAt, BLOCK_WORDS, modeFlags | Blake3.PARENT);
        store(cvs, cvAt);
    }

    private void start() {
        for (int i = 0; i < CV_WORDS; i++) {
            Arrays.fill(state, i * WIDTH, (i + 1) * WIDTH, key[i]);
        }
    }

    /** One block of every lane; those of neighbouring lanes lie {@code stride} words apart. */
    private void compress(int[] words, int at, int stride, int flags) {
        for (int half = 0; half < BLOCK_WORDS; half += WIDTH) {
            transpose(words, at + half, stride, half * WIDTH);
        }
        Arrays.fill(tail, 7 * WIDTH, 8 * WIDTH, flags);
        System.arraycopy(tail, 0, state, 8 * WIDTH, tail.length);
        for (int i = 0; i < ROUNDS; i++) {
            round(state, block, ORDER[i]);
        }
        for (int i = 0; i < CV_WORDS * WIDTH; i += WIDTH) {
            IntVector.fromArray(LANES, state, i)
                    .lanewise(XOR, IntVector.fromArray(LANES, state, i + 8 * WIDTH))
                    .intoArray(state, i);
        }
    }

    /**
     * Turns WIDTH rows of WIDTH words into columns. Interleaving row i with row i + WIDTH/2 moves the top bit of the row
     * number to the bottom of the column number; after as many turns as the numbers have bits, the two have changed places.
     * Two turns at a time stay in registers.
     */
    private void transpose(int[] words, int at, int stride, int blockAt) {
        switch (WIDTH) {
            case 16 -> {
                interleaveTwice(words, at, stride, columns, 0);
                interleaveTwice(columns, 0, WIDTH, block, blockAt);
            }
            case 8 -> {
                interleaveTwice(words, at, stride, columns, 0);
                interleave(columns, 0, WIDTH, block, blockAt);
            }
            case 4 -> interleaveTwice(words, at, stride, block, blockAt);
            default -> throw new UnsupportedOperationException("no transposition for " + LANES);
        }
    }

    private static void interleave(int[] from, int at, int stride, int[] to, int toAt) {
        for (int i = 0; i < WIDTH / 2; i++) {
            IntVector a = IntVector.fromArray(LANES, from, at + i * stride);
            IntVector b = IntVector.fromArray(LANES, from, at + (i + WIDTH / 2) * stride);
            INTERLEAVE_LOW.selectFrom(a, b).intoArray(to, toAt + 2 * i * WIDTH);
            INTERLEAVE_HIGH.selectFrom(a, b).intoArray(to, toAt + (2 * i + 1) * WIDTH);
        }
    }

    private static void interleaveTwice(int[] from, int at, int stride, int[] to, int toAt) {
        for (int i = 0; i < WIDTH / 4; i++) {
            IntVector a = IntVector.fromArray(LANES, from, at + i * stride);
            IntVector b = IntVector.fromArray(LANES, from, at + (i + WIDTH / 4) * stride);
            IntVector c = IntVector.fromArray(LANES, from, at + (i + WIDTH / 2) * stride);
            IntVector d = IntVector.fromArray(LANES, from, at + (i + 3 * WIDTH / 4) * stride);
            IntVector acLow = INTERLEAVE_LOW.selectFrom(a, c);
            IntVector acHigh = INTERLEAVE_HIGH.selectFrom(a, c);
            IntVector bdLow = INTERLEAVE_LOW.selectFrom(b, d);
            IntVector bdHigh = INTERLEAVE_HIGH.selectFrom(b, d);
            INTERLEAVE_LOW.selectFrom(acLow, bdLow).intoArray(to, toAt + 4 * i * WIDTH);
            INTERLEAVE_HIGH.selectFrom(acLow, bdLow).intoArray(to, toAt + (4 * i + 1) * WIDTH);
            INTERLEAVE_LOW.selectFrom(acHigh, bdHigh).intoArray(to, toAt + (4 * i + 2) * WIDTH);
            INTERLEAVE_HIGH.selectFrom(acHigh, bdHigh).intoArray(to, toAt + (4 * i + 3) * WIDTH);
        }
    }

    private void store(int[] cvs, int cvAt) {
        for (int lane = 0; lane < WIDTH; lane++) {
            for (int i = 0; i < CV_WORDS; i++) {
                cvs[cvAt + lane * CV_WORDS + i] = state[i * WIDTH + lane];
            }
        }
    }

    private static void round(int[] v, int[] m, int[] order) {
        IntVector v0 = IntVector.fromArray(LANES, v, 0);
        IntVector v1 = IntVector.fromArray(LANES, v, 1 * WIDTH);
        IntVector v2 = IntVector.fromArray(LANES, v, 2 * WIDTH);
        IntVector v3 = IntVector.fromArray(LANES, v, 3 * WIDTH);
        IntVector v4 = IntVector.fromArray(LANES, v, 4 * WIDTH);
        IntVector v5 = IntVector.fromArray(LANES, v, 5 * WIDTH);
        IntVector v6 = IntVector.fromArray(LANES, v, 6 * WIDTH);
        IntVector v7 = IntVector.fromArray(LANES, v, 7 * WIDTH);
        IntVector v8 = IntVector.fromArray(LANES, v, 8 * WIDTH);
        IntVector v9 = IntVector.fromArray(LANES, v, 9 * WIDTH);
        IntVector v10 = IntVector.fromArray(LANES, v, 10 * WIDTH);
        IntVector v11 = IntVector.fromArray(LANES, v, 11 * WIDTH);
        IntVector v12 = IntVector.fromArray(LANES, v, 12 * WIDTH);
        IntVector v13 = IntVector.fromArray(LANES, v, 13 * WIDTH);
        IntVector v14 = IntVector.fromArray(LANES, v, 14 * WIDTH);
        IntVector v15 = IntVector.fromArray(LANES, v, 15 * WIDTH);
        v0 = v0.add(v4).add(IntVector.fromArray(LANES, m, order[0]));
        v12 = v12.lanewise(XOR, v0).lanewise(ROR, 16);
        v8 = v8.add(v12);
        v4 = v4.lanewise(XOR, v8).lanewise(ROR, 12);
        v0 = v0.add(v4).add(IntVector.fromArray(LANES, m, order[1]));
        v12 = v12.lanewise(XOR, v0).lanewise(ROR, 8);
        v8 = v8.add(v12);
        v4 = v4.lanewise(XOR, v8).lanewise(ROR, 7);
        v1 = v1.add(v5).add(IntVector.fromArray(LANES, m, order[2]));
        v13 = v13.lanewise(XOR, v1).lanewise(ROR, 16);
        v9 = v9.add(v13);
        v5 = v5.lanewise(XOR, v9).lanewise(ROR, 12);
        v1 = v1.add(v5).add(IntVector.fromArray(LANES, m, order[3]));
        v13 = v13.lanewise(XOR, v1).lanewise(ROR, 8);
        v9 = v9.add(v13);
        v5 = v5.lanewise(XOR, v9).lanewise(ROR, 7);
        v2 = v2.add(v6).add(IntVector.fromArray(LANES, m, order[4]));
        v14 = v14.lanewise(XOR, v2).lanewise(ROR, 16);
        v10 = v10.add(v14);
        v6 = v6.lanewise(XOR, v10).lanewise(ROR, 12);
        v2 = v2.add(v6).add(IntVector.fromArray(LANES, m, order[5]));
        v14 = v14.lanewise(XOR, v2).lanewise(ROR, 8);
        v10 = v10.add(v14);
        v6 = v6.lanewise(XOR, v10).lanewise(ROR, 7);
        v3 = v3.add(v7).add(IntVector.fromArray(LANES, m, order[6]));
        v15 = v15.lanewise(XOR, v3).lanewise(ROR, 16);
        v11 = v11.add(v15);
        v7 = v7.lanewise(XOR, v11).lanewise(ROR, 12);
        v3 = v3.add(v7).add(IntVector.fromArray(LANES, m, order[7]));
        v15 = v15.lanewise(XOR, v3).lanewise(ROR, 8);
        v11 = v11.add(v15);
        v7 = v7.lanewise(XOR, v11).lanewise(ROR, 7);
        v0 = v0.add(v5).add(IntVector.fromArray(LANES, m, order[8]));
        v15 = v15.lanewise(XOR, v0).lanewise(ROR, 16);
        v10 = v10.add(v15);
        v5 = v5.lanewise(XOR, v10).lanewise(ROR, 12);
        v0 = v0.add(v5).add(IntVector.fromArray(LANES, m, order[9]));
        v15 = v15.lanewise(XOR, v0).lanewise(ROR, 8);
        v10 = v10.add(v15);
        v5 = v5.lanewise(XOR, v10).lanewise(ROR, 7);
        v1 = v1.add(v6).add(IntVector.fromArray(LANES, m, order[10]));
        v12 = v12.lanewise(XOR, v1).lanewise(ROR, 16);
        v11 = v11.add(v12);
        v6 = v6.lanewise(XOR, v11).lanewise(ROR, 12);
        v1 = v1.add(v6).add(IntVector.fromArray(LANES, m, order[11]));
        v12 = v12.lanewise(XOR, v1).lanewise(ROR, 8);
        v11 = v11.add(v12);
        v6 = v6.lanewise(XOR, v11).lanewise(ROR, 7);
        v2 = v2.add(v7).add(IntVector.fromArray(LANES, m, order[12]));
        v13 = v13.lanewise(XOR, v2).lanewise(ROR, 16);
        v8 = v8.add(v13);
        v7 = v7.lanewise(XOR, v8).lanewise(ROR, 12);
        v2 = v2.add(v7).add(IntVector.fromArray(LANES, m, order[13]));
        v13 = v13.lanewise(XOR, v2).lanewise(ROR, 8);
        v8 = v8.add(v13);
        v7 = v7.lanewise(XOR, v8).lanewise(ROR, 7);
        v3 = v3.add(v4).add(IntVector.fromArray(LANES, m, order[14]));
        v14 = v14.lanewise(XOR, v3).lanewise(ROR, 16);
        v9 = v9.add(v14);
        v4 = v4.lanewise(XOR, v9).lanewise(ROR, 12);
        v3 = v3.add(v4).add(IntVector.fromArray(LANES, m, order[15]));
        v14 = v14.lanewise(XOR, v3).lanewise(ROR, 8);
        v9 = v9.add(v14);
        v4 = v4.lanewise(XOR, v9).lanewise(ROR, 7);
        v0.intoArray(v, 0);
        v1.intoArray(v, 1 * WIDTH);
        v2.intoArray(v, 2 * WIDTH);
        v3.intoArray(v, 3 * WIDTH);
        v4.intoArray(v, 4 * WIDTH);
        v5.intoArray(v, 5 * WIDTH);
        v6.intoArray(v, 6 * WIDTH);
        v7.intoArray(v, 7 * WIDTH);
        v8.intoArray(v, 8 * WIDTH);
        v9.intoArray(v, 9 * WIDTH);
        v10.intoArray(v, 10 * WIDTH);
        v11.intoArray(v, 11 * WIDTH);
        v12.intoArray(v, 12 * WIDTH);
        v13.intoArray(v, 13 * WIDTH);
        v14.intoArray(v, 14 * WIDTH);
        v15.intoArray(v, 15 * WIDTH);
    }

    private static int[][] order() {
        int[] permutation = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};
        int[][] order = new int[ROUNDS][BLOCK_WORDS];
        for (int i = 0; i < BLOCK_WORDS; i++) {
            int word = i;
            for (int round = 0; round < ROUNDS; round++) {
                order[round][i] = word * WIDTH;
                word = permutation[word];
            }
        }
        return order;
    }

    private static IntVector interleaving(int first) {
        int[] lanes = new int[WIDTH];
        for (int i = 0; i < WIDTH; i++) {
            lanes[i] = first + i / 2 + (i % 2) * WIDTH;
        }
        return IntVector.fromArray(LANES, lanes, 0);
    }
}
