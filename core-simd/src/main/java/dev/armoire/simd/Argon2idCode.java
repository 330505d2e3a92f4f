// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import dev.armoire.simd.x86.Assembler;
import dev.armoire.simd.x86.Condition;
import dev.armoire.simd.x86.Gp;
import dev.armoire.simd.x86.Label;
import dev.armoire.simd.x86.Mem;
import dev.armoire.simd.x86.Vec;

/**
 * The code that computes a run of Argon2id's blocks. How a block is permuted with AVX2 is in {@link Argon2idAvx2}.
 *
 * <p>A block is 8 by 8 pairs of words, permuted row by row and then column by column. With AVX-512 it lies in 16 registers of four pairs
 * each: register {@code 4 * g + h} has the pairs of rows 2h and 2h+1 in columns 2g and 2g+1. The rows are permuted in four
 * groups of registers with the same h, two rows at a time, and the columns in four groups with the same g. So from rows to
 * columns nothing moves to another register, and words only change places within theirs:
 *
 * <pre>
 *   rows:    row 2h, columns 2g 2g+1 | row 2h+1, columns 2g 2g+1
 *   columns: column 2g, rows 2h 2h+1 | column 2g+1, rows 2h 2h+1
 * </pre>
 *
 * <p>In a group the registers are BLAKE2's a, b, c and d. For its diagonals a, c and d are rotated, but not b, which is what
 * is computed last and needed first. They are put straight by the same permutation that exchanges rows for columns. The one
 * after the columns is the first thing done to the next block, so words lie in the matrix as the columns' diagonals had
 * them, at {@link #PLACES}. That makes 56 permutations of single registers for a block.
 *
 * <p>A block takes 100 ns if the matrix fits into the cache, and about 300 ns in 256 MiB on a Zen 4: the rest is the wait
 * for a reference block that cannot be asked for before the first word of the block before it is known. That word is in
 * the first group of columns, which is computed alone, and the others while memory answers (about a tenth less time than in pairs).
 * Asking ahead for what is overwritten, or for more than one reference block where they are known, made no difference above the noise.
 */
final class Argon2idCode {
    private static final int BLOCK_BYTES = Argon2idMatrix.BLOCK_BYTES;
    private static final int BLOCK_LONGS = Argon2idMatrix.BLOCK_LONGS;
    private static final int REGISTERS = 16;
    private static final int REGISTER_BYTES = 64;
    private static final int REGISTER_LONGS = REGISTER_BYTES / Long.BYTES;

    /** What the code is told, in words. Those of a block and of lanes are as in {@link Argon2idMatrix#referenceOffset}. */
    static final int PREVIOUS_OFFSET = 0;

    static final int NEXT_AREA = 1;
    static final int OTHER_LANES_AREA = 2;
    static final int OLDEST = 3;
    static final int LANE_LENGTH = 4;
    static final int LANE = 5;
    static final int FIRST_REFERENCE_LANE = 6;
    static final int REFERENCE_LANES = 7;

    /** 2^64 divided by the number of lanes, rounded up; 0 for one lane. */
    static final int REFERENCE_LANES_RECIPROCAL = 8;

    /** Not 0 if a new block is XORed with the one in its place. */
    static final int OVERWRITE = 9;

    /** Four registers: the permutations between rows and columns for a, b, c and d; or what {@link Argon2idAvx2} needs. */
    static final int ORDERS = 16;

    static final int JOB_LONGS = ORDERS + 4 * REGISTER_LONGS;

    /** How far the diagonals have a, b, c and d rotated, in words. */
    static final int[] ROTATIONS = {1, 0, 3, 2};

    private static final int XOR_OF_THREE = 0x96;
    private static final int UPPER_HALF_TWICE = 0xEE;

    /** Where AVX-512 has the words of a block in the matrix, in words. */
    static final int[] PLACES = places();

    /** The first word of a block decides on the next reference. */
    private static final int RANDOM_PLACE = PLACES[0];

    /** What AVX-512 wants at {@link #ORDERS}. */
    static final long[] ORDER_WORDS = orders();

    private Argon2idCode() {}

    private static int[] places() {
        int[] places = new int[BLOCK_LONGS];
        for (int word = 0; word < BLOCK_LONGS; word++) {
            int row = word / 16;
            int column = word / 2 % 8;
            int h = row / 2;
            places[word] =
                    REGISTER_LONGS * (4 * (column / 2) + h) + 4 * (column & 1) + rotated(h, 2 * (row & 1) + (word & 1));
        }
        return places;
    }

    private static long[] orders() {
        long[] orders = new long[4 * REGISTER_LONGS];
        for (int role = 0; role < 4; role++) {
            for (int to = 0; to < REGISTER_LONGS; to++) {
                orders[role * REGISTER_LONGS + to] = 4L * (to >> 1 & 1) + rotated(role, 2 * (to >> 2) + (to & 1));
            }
        }
        return orders;
    }

    /** Where the diagonals have word {@code index} of a, b, c or d. */
    private static int rotated(int role, int index) {
        return (index + ROTATIONS[role]) % 4;
    }

    static final Gp JOB = Gp.RDI;
    private static final Gp MATRIX = Gp.RSI;
    static final Gp TARGET = Gp.RCX;
    static final Gp REFERENCE = Gp.R8;
    private static final Gp COUNT = Gp.R9;
    static final Gp PREVIOUS = Gp.R10;
    private static final Gp NEXT_REFERENCE = Gp.R11;
    private static final Gp AREA = Gp.RBX;
    private static final Gp OTHER_AREA = Gp.RBP;
    private static final Gp START = Gp.R12;
    private static final Gp LENGTH = Gp.R13;
    private static final Gp OWN_LANE = Gp.R14;
    private static final Gp RANDOMS = Gp.R15;
    private static final Gp[] SAVED = {Gp.RBX, Gp.RBP, Gp.R12, Gp.R13, Gp.R14, Gp.R15};

    /**
     * {@code (job, blocks, next randoms or null, offset of the first target, offset of its reference, count)}. Targets
     * follow each other; the randoms for all but the first are read from the blocks before if none are given.
     */
    static Assembler fill(boolean isAvx512) {
        var asm = new Assembler(isAvx512);
        for (Gp register : SAVED) {
            asm.push(register);
        }
        asm.mov(RANDOMS, Gp.RDX);
        asm.mov(PREVIOUS, word(PREVIOUS_OFFSET));
        asm.add(PREVIOUS, MATRIX);
        asm.add(TARGET, MATRIX);
        asm.add(REFERENCE, MATRIX);
        asm.mov(AREA, word(NEXT_AREA));
        asm.mov(OTHER_AREA, word(OTHER_LANES_AREA));
        asm.mov(START, word(OLDEST));
        asm.mov(LENGTH, word(LANE_LENGTH));
        asm.mov(OWN_LANE, word(LANE));
        if (isAvx512) {
            for (int role = 0; role < 4; role++) {
                asm.vmovdqu32(order(role), word(ORDERS + role * REGISTER_LONGS));
            }
            for (int i = 0; i < REGISTERS; i++) {
                asm.vmovdqu32(Vec.zmm(i), part(PREVIOUS, i));
            }
        } else {
            Argon2idAvx2.begin(asm);
        }

        var next = new Label();
        asm.align(64);
        asm.bind(next);
        if (isAvx512) {
            for (int i = 0; i < REGISTERS; i++) {
                asm.vpxord(Vec.zmm(i), Vec.zmm(i), part(REFERENCE, i));
            }
        }
        var dependent = new Label();
        asm.test(RANDOMS, RANDOMS);
        asm.j(Condition.ZERO, dependent);
        asm.mov(NEXT_REFERENCE, Mem.at(RANDOMS));
        asm.add(RANDOMS, Long.BYTES);
        nextReference(asm);
        asm.bind(dependent);

        if (isAvx512) {
            for (int i = 0; i < REGISTERS; i++) {
                asm.vpermq(Vec.zmm(i), order(i % 4), Vec.zmm(i));
            }
            permute(asm, 4, 1, 0, 1, 2, 3);
            for (int i = 0; i < REGISTERS; i++) {
                asm.vpermq(Vec.zmm(i), order(i / 4), Vec.zmm(i));
            }
            permute(asm, 1, 4, 0);
        } else {
            Argon2idAvx2.rows(asm);
            Argon2idAvx2.columns(asm, 0);
        }
        var known = new Label();
        asm.test(RANDOMS, RANDOMS);
        asm.j(Condition.NOT_ZERO, known);
        if (isAvx512) {
            random(asm);
        } else {
            asm.mov(NEXT_REFERENCE, Mem.at(TARGET));
        }
        nextReference(asm);
        asm.bind(known);
        if (isAvx512) {
            permute(asm, 1, 4, 1, 2, 3);
            store(asm);
        } else {
            Argon2idAvx2.columns(asm, 1, 2, 3);
        }

        asm.mov(PREVIOUS, TARGET);
        asm.add(TARGET, BLOCK_BYTES);
        asm.mov(REFERENCE, NEXT_REFERENCE);
        asm.sub(COUNT, 1);
        asm.j(Condition.NOT_ZERO, next);

        asm.vzeroupper();
        if (!isAvx512) {
            Argon2idAvx2.end(asm);
        }
        for (int i = SAVED.length; i-- > 0; ) {
            asm.pop(SAVED[i]);
        }
        asm.xor32(Gp.RAX, Gp.RAX);
        asm.ret();
        return asm;
    }

    static Mem word(int index) {
        return Mem.at(JOB, index * Long.BYTES);
    }

    private static Mem part(Gp block, int register) {
        return Mem.at(block, register * REGISTER_BYTES);
    }

    private static Vec order(int role) {
        return Vec.zmm(28 + role);
    }

    private static Vec scratch(int number) {
        return Vec.zmm(16 + number);
    }

    /** From the random value in NEXT_REFERENCE to the address there, of which all lines are asked for; uses RAX, RDX. */
    private static void nextReference(Assembler asm) {
        // x mod n = high half of ((x * reciprocal mod 2^64) * n) for x and n below 2^32 (Lemire, Kaser and Kurz 2019).
        asm.mov(Gp.RAX, NEXT_REFERENCE);
        asm.shr(Gp.RAX, 32);
        asm.imul(Gp.RAX, word(REFERENCE_LANES_RECIPROCAL));
        asm.mul(word(REFERENCE_LANES));
        asm.add(Gp.RDX, word(FIRST_REFERENCE_LANE));
        asm.mov32(NEXT_REFERENCE, NEXT_REFERENCE);
        asm.imul(NEXT_REFERENCE, NEXT_REFERENCE);
        asm.shr(NEXT_REFERENCE, 32);
        asm.mov(Gp.RAX, OTHER_AREA);
        asm.cmp(Gp.RDX, OWN_LANE);
        asm.cmov(Condition.ZERO, Gp.RAX, AREA);
        asm.add(AREA, 1);
        asm.imul(NEXT_REFERENCE, Gp.RAX);
        asm.shr(NEXT_REFERENCE, 32);
        asm.sub(Gp.RAX, 1);
        asm.sub(Gp.RAX, NEXT_REFERENCE);
        asm.add(Gp.RAX, START);
        asm.mov(NEXT_REFERENCE, Gp.RAX);
        asm.sub(NEXT_REFERENCE, LENGTH);
        asm.cmov(Condition.NOT_BELOW, Gp.RAX, NEXT_REFERENCE);
        asm.imul(Gp.RDX, LENGTH);
        asm.add(Gp.RAX, Gp.RDX);
        asm.shl(Gp.RAX, Integer.numberOfTrailingZeros(BLOCK_BYTES));
        asm.lea(NEXT_REFERENCE, Mem.at(MATRIX, Gp.RAX, 1, 0));
        for (int i = 0; i < REGISTERS; i++) {
            asm.prefetcht0(part(NEXT_REFERENCE, i));
        }
    }

    /** The first word of the new block to NEXT_REFERENCE, ahead of the rest; uses RAX. */
    private static void random(Assembler asm) {
        int register = RANDOM_PLACE / REGISTER_LONGS;
        if (RANDOM_PLACE % REGISTER_LONGS != 1) {
            throw new AssertionError("the random word is taken from the upper half of 128 bits");
        }
        asm.vpshufd(Vec.xmm(scratch(0).number()), Vec.xmm(register), UPPER_HALF_TWICE);
        asm.vmovq(NEXT_REFERENCE, scratch(0));
        int at = RANDOM_PLACE * Long.BYTES;
        asm.xor(NEXT_REFERENCE, Mem.at(PREVIOUS, at));
        asm.xor(NEXT_REFERENCE, Mem.at(REFERENCE, at));
        var fresh = new Label();
        asm.mov(Gp.RAX, word(OVERWRITE));
        asm.test(Gp.RAX, Gp.RAX);
        asm.j(Condition.ZERO, fresh);
        asm.xor(NEXT_REFERENCE, Mem.at(TARGET, at));
        asm.bind(fresh);
    }

    private static void store(Assembler asm) {
        for (int i = 0; i < REGISTERS; i++) {
            asm.vmovdqu32(scratch(i % 8), part(PREVIOUS, i));
            asm.vpternlogd(Vec.zmm(i), scratch(i % 8), part(REFERENCE, i), XOR_OF_THREE);
        }
        var fresh = new Label();
        asm.mov(Gp.RAX, word(OVERWRITE));
        asm.test(Gp.RAX, Gp.RAX);
        asm.j(Condition.ZERO, fresh);
        for (int i = 0; i < REGISTERS; i++) {
            asm.vpxord(Vec.zmm(i), Vec.zmm(i), part(TARGET, i));
        }
        asm.bind(fresh);
        for (int i = 0; i < REGISTERS; i++) {
            asm.vmovdqu32(part(TARGET, i), Vec.zmm(i));
        }
    }

    /**
     * BLAKE2b's round with multiplications (RFC 9106 section 3.6) on groups of registers, step by step in turn, as one alone
     * would wait for its own results. Word {@code a} of a group is register {@code group * step}, the others follow at
     * every {@code stride}.
     */
    private static void permute(Assembler asm, int stride, int step, int... groups) {
        mix(asm, stride, step, groups);
        for (int group : groups) {
            for (int role = 0; role < 4; role++) {
                if (ROTATIONS[role] != 0) {
                    Vec register = Vec.zmm(group * step + role * stride);
                    asm.vpermq(register, register, rotation(ROTATIONS[role]));
                }
            }
        }
        mix(asm, stride, step, groups);
    }

    /** The order for vpermq with which word i of four comes to {@code i + places}. */
    static int rotation(int places) {
        int order = 0;
        for (int to = 0; to < 4; to++) {
            order |= ((to - places) & 3) << 2 * to;
        }
        return order;
    }

    private static void mix(Assembler asm, int stride, int step, int... groups) {
        int a = 0;
        int b = stride;
        int c = 2 * stride;
        int d = 3 * stride;
        addAndRotate(asm, a, b, d, 32, step, groups);
        addAndRotate(asm, c, d, b, 24, step, groups);
        addAndRotate(asm, a, b, d, 16, step, groups);
        addAndRotate(asm, c, d, b, 63, step, groups);
    }

    /** {@code x += y + 2 * low(x) * low(y); z = (z ^ x) >>> bits}, rotated. */
    private static void addAndRotate(Assembler asm, int x, int y, int z, int bits, int step, int... groups) {
        for (int group : groups) {
            asm.vpmuludq(scratch(group), Vec.zmm(x + group * step), Vec.zmm(y + group * step));
        }
        for (int group : groups) {
            asm.vpaddq(Vec.zmm(x + group * step), Vec.zmm(x + group * step), Vec.zmm(y + group * step));
        }
        for (int twice = 0; twice < 2; twice++) {
            for (int group : groups) {
                asm.vpaddq(Vec.zmm(x + group * step), Vec.zmm(x + group * step), scratch(group));
            }
        }
        for (int group : groups) {
            asm.vpxord(Vec.zmm(z + group * step), Vec.zmm(z + group * step), Vec.zmm(x + group * step));
        }
        for (int group : groups) {
            asm.vprorq(Vec.zmm(z + group * step), Vec.zmm(z + group * step), bits);
        }
    }
}
