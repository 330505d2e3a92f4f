// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import dev.armoire.simd.x86.Assembler;
import dev.armoire.simd.x86.Condition;
import dev.armoire.simd.x86.Gp;
import dev.armoire.simd.x86.Label;
import dev.armoire.simd.x86.Mem;
import dev.armoire.simd.x86.Vec;

/**
 * How {@link Argon2idCode} permutes a block with AVX2, which has registers for a quarter of it beside what is in between. Words
 * lie in the matrix as RFC 9106 counts them, four to a register: row r is registers 4r to 4r+3, column pair p is every
 * fourth from p on.
 *
 * <p>A register of a row is one of BLAKE2's a, b, c and d, and for the diagonals its four words turn. In a column pair a is the
 * first two registers, b the next two and so on, with the words of one column in the lower halves and those of the other in
 * the upper ones: there the diagonals take from two registers one half each, and d only changes its name. As with AVX-512,
 * b stays where it is, because it is computed last and needed first.
 */
final class Argon2idAvx2 {
    private static final int REGISTER_BYTES = 32;
    private static final int ROWS = 8;
    private static final int ROW_REGISTERS = 4;
    private static final int BLOCK_BYTES = Argon2idMatrix.BLOCK_BYTES;
    private static final int LINE_BYTES = 64;

    private static final Vec TURN_24 = Vec.ymm(14);
    private static final Vec TURN_16 = Vec.ymm(15);
    private static final int SWAP_HALVES_OF_WORDS = 0xB1;

    /** What belongs at {@link Argon2idCode#ORDERS}: the orders of bytes that turn words by 24 bits and by 16. */
    static final long[] ORDER_WORDS = {
        0x0201000706050403L,
        0x0A09080F0E0D0C0BL,
        0x0201000706050403L,
        0x0A09080F0E0D0C0BL,
        0x0100070605040302L,
        0x09080F0E0D0C0B0AL,
        0x0100070605040302L,
        0x09080F0E0D0C0B0AL
    };

    private Argon2idAvx2() {}

    /** Makes room on the stack for a block between its rows and its columns; uses RAX. */
    static void begin(Assembler asm) {
        asm.mov(Gp.RAX, Gp.RSP);
        asm.sub(Gp.RSP, BLOCK_BYTES + Long.BYTES);
        asm.and(Gp.RSP, -LINE_BYTES);
        asm.mov(Mem.at(Gp.RSP, BLOCK_BYTES), Gp.RAX);
        asm.vmovdqu32(TURN_24, Argon2idCode.word(Argon2idCode.ORDERS));
        asm.vmovdqu32(TURN_16, Argon2idCode.word(Argon2idCode.ORDERS + REGISTER_BYTES / Long.BYTES));
    }

    static void end(Assembler asm) {
        asm.mov(Gp.RSP, Mem.at(Gp.RSP, BLOCK_BYTES));
    }

    /** The previous block XORed with the reference, permuted row by row, two at a time, to the stack. */
    static void rows(Assembler asm) {
        for (int row = 0; row < ROWS; row += 2) {
            for (int i = 0; i < 2 * ROW_REGISTERS; i++) {
                int register = row * ROW_REGISTERS + i;
                asm.vmovdqu32(Vec.ymm(i), part(Argon2idCode.PREVIOUS, register));
                asm.vpxord(Vec.ymm(i), Vec.ymm(i), part(Argon2idCode.REFERENCE, register));
            }
            int[] a = {0, 4};
            int[] b = {1, 5};
            int[] c = {2, 6};
            int[] d = {3, 7};
            mix(asm, a, b, c, d);
            turnRows(asm, 1);
            mix(asm, a, b, c, d);
            turnRows(asm, -1);
            for (int i = 0; i < 2 * ROW_REGISTERS; i++) {
                asm.vmovdqu32(part(Gp.RSP, row * ROW_REGISTERS + i), Vec.ymm(i));
            }
        }
    }

    /** Rows to their diagonals, or back for a {@code direction} of -1. */
    private static void turnRows(Assembler asm, int direction) {
        for (int role = 0; role < ROW_REGISTERS; role++) {
            int places = direction * Argon2idCode.ROTATIONS[role];
            for (int i = role; places != 0 && i < 2 * ROW_REGISTERS; i += ROW_REGISTERS) {
                asm.vpermq(Vec.ymm(i), Vec.ymm(i), Argon2idCode.rotation(places));
            }
        }
    }

    /** Permutes pairs of columns from the stack, XORs them with what they were made of, and stores them in the new block. */
    static void columns(Assembler asm, int... pairs) {
        for (int pair : pairs) {
            for (int row = 0; row < ROWS; row++) {
                asm.vmovdqu32(Vec.ymm(row), part(Gp.RSP, row * ROW_REGISTERS + pair));
            }
            int[] a = {0, 1};
            int[] b = {2, 3};
            int[] c = {4, 5};
            int[] d = {6, 7};
            mix(asm, a, b, c, d);
            takeHalves(asm, 8, 1, 0);
            takeHalves(asm, 1, 0, 1);
            takeHalves(asm, 9, 4, 5);
            takeHalves(asm, 5, 5, 4);
            // Now a is 8 and 1, c is 9 and 5.
            mix(asm, new int[] {8, 1}, b, new int[] {9, 5}, new int[] {7, 6});
            takeHalves(asm, 0, 8, 1);
            takeHalves(asm, 1, 1, 8);
            takeHalves(asm, 4, 5, 9);
            takeHalves(asm, 5, 9, 5);
            store(asm, pair);
        }
    }

    /** In each half of a register: the upper word of {@code first}, then the lower one of {@code second}. */
    private static void takeHalves(Assembler asm, int to, int first, int second) {
        asm.vpalignr(Vec.ymm(to), Vec.ymm(second), Vec.ymm(first), Long.BYTES);
    }

    private static void store(Assembler asm, int pair) {
        for (int row = 0; row < ROWS; row++) {
            int register = row * ROW_REGISTERS + pair;
            asm.vpxord(Vec.ymm(row), Vec.ymm(row), part(Argon2idCode.PREVIOUS, register));
            asm.vpxord(Vec.ymm(row), Vec.ymm(row), part(Argon2idCode.REFERENCE, register));
        }
        var fresh = new Label();
        asm.mov(Gp.RAX, Argon2idCode.word(Argon2idCode.OVERWRITE));
        asm.test(Gp.RAX, Gp.RAX);
        asm.j(Condition.ZERO, fresh);
        for (int row = 0; row < ROWS; row++) {
            asm.vpxord(Vec.ymm(row), Vec.ymm(row), part(Argon2idCode.TARGET, row * ROW_REGISTERS + pair));
        }
        asm.bind(fresh);
        for (int row = 0; row < ROWS; row++) {
            asm.vmovdqu32(part(Argon2idCode.TARGET, row * ROW_REGISTERS + pair), Vec.ymm(row));
        }
    }

    private static Mem part(Gp block, int register) {
        return Mem.at(block, register * REGISTER_BYTES);
    }

    private static void mix(Assembler asm, int[] a, int[] b, int[] c, int[] d) {
        addAndTurn(asm, a, b, d, 32);
        addAndTurn(asm, c, d, b, 24);
        addAndTurn(asm, a, b, d, 16);
        addAndTurn(asm, c, d, b, 63);
    }

    /** {@code x += y + 2 * low(x) * low(y); z = (z ^ x) >>> bits}, rotated, for two independent sets in turn. */
    private static void addAndTurn(Assembler asm, int[] x, int[] y, int[] z, int bits) {
        for (int i = 0; i < x.length; i++) {
            asm.vpmuludq(spare(i), Vec.ymm(x[i]), Vec.ymm(y[i]));
        }
        for (int i = 0; i < x.length; i++) {
            asm.vpaddq(Vec.ymm(x[i]), Vec.ymm(x[i]), Vec.ymm(y[i]));
        }
        for (int twice = 0; twice < 2; twice++) {
            for (int i = 0; i < x.length; i++) {
                asm.vpaddq(Vec.ymm(x[i]), Vec.ymm(x[i]), spare(i));
            }
        }
        for (int i = 0; i < x.length; i++) {
            asm.vpxord(Vec.ymm(z[i]), Vec.ymm(z[i]), Vec.ymm(x[i]));
        }
        for (int i = 0; i < x.length; i++) {
            turn(asm, Vec.ymm(z[i]), bits, spare(i));
        }
    }

    private static void turn(Assembler asm, Vec words, int bits, Vec spare) {
        switch (bits) {
            case 32 -> asm.vpshufd(words, words, SWAP_HALVES_OF_WORDS);
            case 24 -> asm.vpshufb(words, words, TURN_24);
            case 16 -> asm.vpshufb(words, words, TURN_16);
            case 63 -> {
                asm.vpaddq(spare, words, words);
                asm.vpsrlq(words, words, 63);
                asm.vpor(words, words, spare);
            }
            default -> throw new IllegalArgumentException("no turn by " + bits + " bits");
        }
    }

    private static Vec spare(int number) {
        return Vec.ymm(10 + number);
    }
}
