// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import dev.armoire.simd.x86.Assembler;
import dev.armoire.simd.x86.Condition;
import dev.armoire.simd.x86.Gp;
import dev.armoire.simd.x86.Label;
import dev.armoire.simd.x86.Mem;
import dev.armoire.simd.x86.Vec;

/**
 * The part of {@link Blake3Code#tree} that hashes one group of chunks or parents, each in a 32-bit lane of its own. With AVX-512 all
 * 32 vector registers are in use: 16 words of state, 16 of message. AVX2 has half of them, so the message is on the stack, and with
 * it one word of the state, whose register serves for what is in between. A wide group is always 16 whole chunks; a narrow one is
 * one to eight chunks or parents.
 */
final class Blake3Lanes {
    /** The first block of the group; advanced to the next group. */
    static final Gp DATA = Gp.RDI;

    /** The table for what is hashed, see {@link Blake3Code}. */
    static final Gp TABLE = Gp.RSI;

    /** Receives a chaining value per lane; advanced by them. */
    static final Gp OUT = Gp.RDX;

    /** Chunks or parents left, at least one. */
    static final Gp COUNT = Gp.RCX;

    /** Number of the first lane's chunk. */
    static final Gp COUNTER = Gp.R8;

    private static final Gp BLOCKS_LEFT = Gp.RAX;
    private static final Gp FLAGS = Gp.R9;
    /** The next block of each lane of a narrow group; the first one alone for wide groups. */
    private static final Gp[] LANE = {Gp.R10, Gp.R11, Gp.R12, Gp.R13, Gp.R14, Gp.R15, Gp.RBX, Gp.RBP};

    private static final Mem LOW_COUNTERS = Mem.at(Gp.RSP, 0);
    private static final Mem HIGH_COUNTERS = Mem.at(Gp.RSP, 64);
    private static final int MESSAGE_AT = 128;
    private static final int AVX2_BYTES = 32;
    /** The word of the state that AVX2 has no register for: of the third row, which is used least. */
    private static final int STACKED = 11;

    private static final Mem STACKED_WORD = Mem.at(Gp.RSP, MESSAGE_AT + Blake3Code.BLOCK_WORDS * AVX2_BYTES);
    private static final int BYTE_ORDERS_AT = MESSAGE_AT + (Blake3Code.BLOCK_WORDS + 1) * AVX2_BYTES;

    /** Bytes from RSP on that a group uses. */
    static final int FRAME_BYTES = BYTE_ORDERS_AT + 2 * AVX2_BYTES;

    /** Where the first row of four columns, or of four diagonals, has its words; then the second, third and fourth. */
    private static final int[][] COLUMNS = {{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9, 10, 11}, {12, 13, 14, 15}};

    private static final int[][] DIAGONALS = {{0, 1, 2, 3}, {5, 6, 7, 4}, {10, 11, 8, 9}, {15, 12, 13, 14}};

    private static final int LANE_BITS = 32;
    private static final int QUARTER_BITS = 128;
    private static final int SOME_MASK = 1;

    private final Assembler asm;
    private final int lanes;
    /** Quarters of 128 bits that a vector has: four lanes each. */
    private final int quarters;

    Blake3Lanes(Assembler asm, int lanes) {
        this.asm = asm;
        this.lanes = lanes;
        this.quarters = lanes * LANE_BITS / QUARTER_BITS;
    }

    /** What AVX2 turns words by is where chunks and parents find it. */
    static void copyByteOrders(Assembler asm) {
        for (int order = 0; order < 2; order++) {
            Vec bytes = Vec.ymm(order);
            asm.vmovdqu32(bytes, Mem.at(TABLE, Blake3Code.BYTE_ORDERS + order * AVX2_BYTES));
            asm.vmovdqu32(Mem.at(Gp.RSP, BYTE_ORDERS_AT + order * AVX2_BYTES), bytes);
        }
    }

    void hashGroup() {
        var block = new Label();
        var done = new Label();
        findLanes();
        prepareCounters();
        for (int i = 0; i < Blake3Code.CV_BYTES / Integer.BYTES; i++) {
            asm.vpbroadcastd(state(i), Mem.at(TABLE, Blake3Code.KEY + Integer.BYTES * i));
        }
        asm.mov32(BLOCKS_LEFT, Mem.at(TABLE, Blake3Code.BLOCKS));
        asm.lea(FLAGS, Mem.at(TABLE, Blake3Code.FIRST_FLAGS));

        asm.bind(block);
        loadBlocks();
        compress();
        for (int i = 0; i < (isWide() ? 1 : lanes); i++) {
            asm.add(LANE[i], Blake3Code.BLOCK_BYTES);
        }
        asm.lea(FLAGS, Mem.at(TABLE, Blake3Code.MIDDLE_FLAGS));
        asm.sub(BLOCKS_LEFT, 1);
        asm.j(Condition.ZERO, done);
        asm.cmp(BLOCKS_LEFT, 1);
        asm.j(Condition.NOT_ZERO, block);
        asm.lea(FLAGS, Mem.at(TABLE, Blake3Code.LAST_FLAGS));
        asm.jmp(block);

        asm.bind(done);
        storeChainingValues();
    }

    private boolean isWide() {
        return lanes > LANE.length;
    }

    /** Lanes beyond the last chunk or parent work on that one, so nothing behind it is read. */
    private void findLanes() {
        asm.mov(LANE[0], DATA);
        if (isWide()) {
            asm.add(DATA, lanes * Blake3.CHUNK_BYTES);
            return;
        }
        asm.mov(Gp.RAX, Mem.at(TABLE, Blake3Code.STRIDE));
        for (int i = 1; i < lanes; i++) {
            asm.lea(LANE[i], Mem.at(LANE[i - 1], Gp.RAX, 1, 0));
            asm.cmp(COUNT, i);
            asm.cmov(Condition.NOT_ABOVE, LANE[i], LANE[i - 1]);
        }
        asm.lea(DATA, Mem.at(DATA, Gp.RAX, lanes, 0));
    }

    private void prepareCounters() {
        if (!asm.isAvx512()) {
            for (int i = 0; i < lanes; i++) {
                asm.mov32(Gp.RAX, Mem.at(TABLE, Blake3Code.LANE_COUNTERS + Integer.BYTES * i));
                asm.add(Gp.RAX, COUNTER);
                asm.mov32(Mem.at(Gp.RSP, Integer.BYTES * i), Gp.RAX);
                asm.shr(Gp.RAX, Integer.SIZE);
                asm.mov32(Mem.at(Gp.RSP, HIGH_COUNTERS.displacement() + Integer.BYTES * i), Gp.RAX);
            }
            return;
        }
        Vec added = state(0);
        Vec low = state(1);
        Vec high = state(2);
        asm.vmovdqu32(added, Mem.at(TABLE, Blake3Code.LANE_COUNTERS));
        asm.vpbroadcastd(low, COUNTER);
        asm.vpaddd(low, low, added);
        asm.vmovdqu32(LOW_COUNTERS, low);
        asm.vpcmpltud(SOME_MASK, low, added);
        asm.mov(Gp.RAX, COUNTER);
        asm.shr(Gp.RAX, Integer.SIZE);
        asm.vpbroadcastd(high, Gp.RAX);
        asm.vpbroadcastd(added, Mem.at(TABLE, Blake3Code.ONE));
        asm.vpaddd(high, high, added, SOME_MASK);
        asm.vmovdqu32(HIGH_COUNTERS, high);
    }

    /** Word {@code i} of each lane's block into {@code message(i)}, by way of the upper half of the state. */
    private void loadBlocks() {
        for (int word = 0; word < Blake3Code.BLOCK_WORDS; word += 4) {
            int offset = Integer.BYTES * word;
            for (int i = 0; i < 4; i++) {
                asm.vmovdqu32(quarter(8 + i), lane(i, offset));
                for (int quarter = 1; quarter < quarters; quarter++) {
                    asm.vinserti32x4(state(8 + i), state(8 + i), lane(4 * quarter + i, offset), quarter);
                }
            }
            if (asm.isAvx512()) {
                transpose(8, 12, 16 + word);
            } else {
                transpose(8, 12, 8);
                for (int i = 0; i < 4; i++) {
                    asm.vmovdqu32(stackedMessage(word + i), state(8 + i));
                }
            }
        }
    }

    private Mem lane(int lane, int offset) {
        return isWide() ? Mem.at(LANE[0], lane * Blake3.CHUNK_BYTES + offset) : Mem.at(LANE[lane], offset);
    }

    /** Transposes 4 x 4 words in each quarter of the four registers from {@code from} on; four from {@code by} on are lost. */
    private void transpose(int from, int by, int to) {
        asm.vpunpckldq(vector(by), vector(from), vector(from + 1));
        asm.vpunpckhdq(vector(by + 1), vector(from), vector(from + 1));
        asm.vpunpckldq(vector(by + 2), vector(from + 2), vector(from + 3));
        asm.vpunpckhdq(vector(by + 3), vector(from + 2), vector(from + 3));
        asm.vpunpcklqdq(vector(to), vector(by), vector(by + 2));
        asm.vpunpckhqdq(vector(to + 1), vector(by), vector(by + 2));
        asm.vpunpcklqdq(vector(to + 2), vector(by + 1), vector(by + 3));
        asm.vpunpckhqdq(vector(to + 3), vector(by + 1), vector(by + 3));
    }

    private void compress() {
        for (int i = 0; i < 4; i++) {
            asm.vpbroadcastd(state(8 + i), Mem.at(TABLE, Blake3Code.IV + Integer.BYTES * i));
        }
        if (!asm.isAvx512()) {
            asm.vmovdqu32(STACKED_WORD, state(STACKED));
        }
        asm.vmovdqu32(state(12), LOW_COUNTERS);
        asm.vmovdqu32(state(13), HIGH_COUNTERS);
        asm.vpbroadcastd(state(14), Mem.at(TABLE, Blake3Code.BLOCK_LENGTH));
        asm.vpbroadcastd(state(15), Mem.at(FLAGS));
        int[] words = new int[Blake3Code.BLOCK_WORDS];
        for (int i = 0; i < words.length; i++) {
            words[i] = i;
        }
        for (int round = 0; round < Blake3Code.ROUNDS; round++) {
            mix(COLUMNS, words, 0);
            mix(DIAGONALS, words, words.length / 2);
            int[] before = words.clone();
            for (int i = 0; i < words.length; i++) {
                words[i] = before[Blake3Code.PERMUTATION[i]];
            }
        }
        for (int i = 0; i < words.length / 2; i++) {
            if (isStacked(8 + i)) {
                asm.vpxord(state(i), state(i), STACKED_WORD);
            } else {
                asm.vpxord(state(i), state(i), state(8 + i));
            }
        }
    }

    /** The function G of four columns or diagonals, one step of all four at a time: each fills the waits of the others. */
    private void mix(int[][] rows, int[] words, int first) {
        for (int step = 0; step < Blake3Code.ROTATIONS.length; step += 2) {
            for (int i = 0; i < 4; i++) {
                Vec a = state(rows[0][i]);
                int word = words[first + 2 * i + step / 2];
                if (asm.isAvx512()) {
                    asm.vpaddd(a, a, message(word));
                } else {
                    asm.vpaddd(a, a, stackedMessage(word));
                }
            }
            mixStep(rows[0], rows[1], rows[3], Blake3Code.ROTATIONS[step]);
            mixStep(rows[2], rows[3], rows[1], Blake3Code.ROTATIONS[step + 1]);
        }
    }

    private void mixStep(int[] sum, int[] term, int[] turned, int bits) {
        for (int i = 0; i < 4; i++) {
            if (isStacked(sum[i])) {
                asm.vpaddd(state(STACKED), state(term[i]), STACKED_WORD);
                asm.vmovdqu32(STACKED_WORD, state(STACKED));
            } else {
                asm.vpaddd(state(sum[i]), state(sum[i]), state(term[i]));
            }
        }
        for (int i = 0; i < 4; i++) {
            asm.vpxord(state(turned[i]), state(turned[i]), state(sum[i]));
        }
        for (int i = 0; i < 4; i++) {
            Blake3Code.rotate(asm, state(turned[i]), bits, Gp.RSP, BYTE_ORDERS_AT, state(STACKED));
        }
    }

    private boolean isStacked(int word) {
        return word == STACKED && !asm.isAvx512();
    }

    private static Mem stackedMessage(int word) {
        return Mem.at(Gp.RSP, MESSAGE_AT + word * AVX2_BYTES);
    }

    private void storeChainingValues() {
        for (int half = 0; half < 2; half++) {
            transpose(4 * half, 12, 8);
            for (int i = 0; i < 4; i++) {
                int offset = Blake3Code.CV_BYTES * i + Blake3Code.CV_BYTES / 2 * half;
                asm.vmovdqu32(Mem.at(OUT, offset), quarter(8 + i));
                for (int quarter = 1; quarter < quarters; quarter++) {
                    asm.vextracti32x4(Mem.at(OUT, offset + 4 * quarter * Blake3Code.CV_BYTES), vector(8 + i), quarter);
                }
            }
        }
        asm.add(OUT, lanes * Blake3Code.CV_BYTES);
    }

    private Vec state(int word) {
        return vector(word);
    }

    private Vec message(int word) {
        return vector(16 + word);
    }

    private Vec vector(int number) {
        return new Vec(number, lanes * LANE_BITS);
    }

    private static Vec quarter(int number) {
        return new Vec(number, QUARTER_BITS);
    }
}
