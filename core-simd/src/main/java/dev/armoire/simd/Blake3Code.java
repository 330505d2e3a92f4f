// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import static dev.armoire.simd.x86.Vec.xmm;
import static dev.armoire.simd.x86.Vec.ymm;
import static dev.armoire.simd.x86.Vec.zmm;

import dev.armoire.simd.x86.Assembler;
import dev.armoire.simd.x86.Condition;
import dev.armoire.simd.x86.Gp;
import dev.armoire.simd.x86.Label;
import dev.armoire.simd.x86.Mem;
import dev.armoire.simd.x86.Vec;

/**
 * BLAKE3 as machine code: {@link #tree} for what there is much of, {@link #compress} and its twin for AVX2 for single blocks. All
 * read tables of constants, which {@link #tables} makes for a key.
 */
final class Blake3Code {
    /** Chunks or parents of a narrow group: {@link #tree} writes chaining values for as many, whatever their number is. */
    static final int NARROW = 8;

    private static final int WIDE = 16;

    // A table for chunks, then one for parents: 32 bits each unless said, offsets in bytes.
    static final int KEY = 0;
    static final int IV = 32;
    static final int BLOCK_LENGTH = 48;
    static final int ONE = 52;
    /** Flags of the first, of a middle and of the last block. */
    static final int FIRST_FLAGS = 56;

    static final int MIDDLE_FLAGS = 60;
    static final int LAST_FLAGS = 64;
    /** Blocks per lane. */
    static final int BLOCKS = 68;
    /** 64 bits: how many bytes a lane's first block lies behind that of the lane before. */
    static final int STRIDE = 72;
    /** 64 bits: what a narrow group adds to the chunk counter. */
    static final int STEP = 80;
    /** What each of 16 lanes adds to the chunk counter. */
    static final int LANE_COUNTERS = 96;

    private static final int TABLE_BYTES = 160;

    // After both tables: which word each lane of a block takes for the first round, and which lane of one round for the
    // next.
    private static final int FIRST_ORDER = 2 * TABLE_BYTES;
    private static final int NEXT_ORDER = FIRST_ORDER + 64;
    /** The order of bytes that turns words by 16 bits, then the one for 8 bits: 256 bits each, for AVX2. */
    static final int BYTE_ORDERS = NEXT_ORDER + 64;

    private static final int TABLES_BYTES = BYTE_ORDERS + 64;

    static final int ROUNDS = 7;
    static final int BLOCK_WORDS = 16;
    static final int BLOCK_BYTES = 64;
    static final int CV_BYTES = 32;
    static final int[] PERMUTATION = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};
    /** By how much a step of the function G rotates. */
    static final int[] ROTATIONS = {16, 12, 8, 7};

    private static final Gp[] PRESERVED = {Gp.RBX, Gp.RBP, Gp.R12, Gp.R13, Gp.R14, Gp.R15};

    private static final Mem SAVED_OUT = Mem.at(Gp.RSP, Blake3Lanes.FRAME_BYTES);
    private static final Mem SAVED_COUNT = Mem.at(Gp.RSP, Blake3Lanes.FRAME_BYTES + 8);
    private static final Mem LEVELS = Mem.at(Gp.RSP, Blake3Lanes.FRAME_BYTES + 16);
    private static final Mem PARENT_TABLE = Mem.at(Gp.RSP, Blake3Lanes.FRAME_BYTES + 24);
    private static final Mem SAVED_STACK = Mem.at(Gp.RSP, Blake3Lanes.FRAME_BYTES + 32);
    private static final int FRAME_BYTES = Blake3Lanes.FRAME_BYTES + 40;
    private static final int LINE_BYTES = 64;

    private Blake3Code() {}

    /** The tables of a key. */
    static int[] tables(int[] key, int modeFlags) {
        int[] tables = new int[TABLES_BYTES / Integer.BYTES];
        for (int table = 0; table < FIRST_ORDER; table += TABLE_BYTES) {
            System.arraycopy(key, 0, tables, (table + KEY) / Integer.BYTES, key.length);
            put(tables, table + IV, ScalarBlake3.IV0, ScalarBlake3.IV1, ScalarBlake3.IV2, ScalarBlake3.IV3);
            put(tables, table + BLOCK_LENGTH, BLOCK_BYTES);
            put(tables, table + ONE, 1);
        }
        put(tables, FIRST_FLAGS, modeFlags | Blake3.CHUNK_START, modeFlags, modeFlags | Blake3.CHUNK_END);
        put(tables, BLOCKS, Blake3.CHUNK_BYTES / BLOCK_BYTES);
        put(tables, STRIDE, Blake3.CHUNK_BYTES);
        put(tables, STEP, NARROW);
        for (int lane = 0; lane < WIDE; lane++) {
            put(tables, LANE_COUNTERS + Integer.BYTES * lane, lane);
        }
        put(tables, TABLE_BYTES + FIRST_FLAGS, modeFlags | Blake3.PARENT);
        put(tables, TABLE_BYTES + BLOCKS, 1);
        put(tables, TABLE_BYTES + STRIDE, BLOCK_BYTES);
        int[] order = firstOrder();
        put(tables, FIRST_ORDER, order);
        int[] laneOf = new int[BLOCK_WORDS];
        for (int lane = 0; lane < BLOCK_WORDS; lane++) {
            laneOf[order[lane]] = lane;
        }
        for (int lane = 0; lane < BLOCK_WORDS; lane++) {
            put(tables, NEXT_ORDER + Integer.BYTES * lane, laneOf[PERMUTATION[order[lane]]]);
        }
        for (int i = 0; i < 8; i++) {
            int bytes = 0x04040404 * (i % 4);
            put(tables, BYTE_ORDERS + Integer.BYTES * i, bytes + 0x01000302);
            put(tables, BYTE_ORDERS + 32 + Integer.BYTES * i, bytes + 0x00030201);
        }
        return tables;
    }

    private static void put(int[] tables, int offset, int... values) {
        System.arraycopy(values, 0, tables, offset / Integer.BYTES, values.length);
    }

    /** The words of the first round as {@link #compress} wants them: x and y of the four columns, then of the four diagonals. */
    private static int[] firstOrder() {
        int[] order = new int[BLOCK_WORDS];
        for (int i = 0; i < 4; i++) {
            order[i] = 2 * i;
            order[4 + i] = 2 * i + 1;
            // Row a has turned by one lane, so the last diagonal comes first.
            order[8 + i] = 8 + 2 * ((i + 3) % 4);
            order[12 + i] = 9 + 2 * ((i + 3) % 4);
        }
        return order;
    }

    /**
     * {@code (data, tables, cvs, offset of data, counter, chunks | levels << 32)}: writes the chaining values of whole chunks, then
     * computes as many levels of parents above them, each in place of its children. With AVX-512 groups of 16 chunks go through
     * 512-bit vectors, the rest through 256-bit ones: those take half the time for half the lanes, and parents are the same loop again
     * with one block per lane.
     */
    static Assembler tree(boolean isAvx512) {
        var asm = new Assembler(isAvx512);
        var narrow = new Blake3Lanes(asm, NARROW);
        var wideGroup = new Label();
        var narrowGroup = new Label();
        var level = new Label();
        var done = new Label();
        for (Gp register : PRESERVED) {
            asm.push(register);
        }
        asm.mov(Gp.RAX, Gp.RSP);
        asm.sub(Gp.RSP, FRAME_BYTES);
        asm.and(Gp.RSP, -LINE_BYTES);
        asm.mov(SAVED_STACK, Gp.RAX);
        asm.add(Blake3Lanes.DATA, Gp.RCX);
        asm.mov32(Blake3Lanes.COUNT, Gp.R9);
        asm.shr(Gp.R9, Integer.SIZE);
        asm.mov(LEVELS, Gp.R9);
        asm.mov(SAVED_OUT, Blake3Lanes.OUT);
        asm.mov(SAVED_COUNT, Blake3Lanes.COUNT);
        asm.lea(Gp.RAX, Mem.at(Blake3Lanes.TABLE, TABLE_BYTES));
        asm.mov(PARENT_TABLE, Gp.RAX);

        if (isAvx512) {
            var wide = new Blake3Lanes(asm, WIDE);
            asm.bind(wideGroup);
            asm.cmp(Blake3Lanes.COUNT, WIDE);
            asm.j(Condition.BELOW, narrowGroup);
            wide.hashGroup();
            asm.add(Blake3Lanes.COUNTER, WIDE);
            asm.sub(Blake3Lanes.COUNT, WIDE);
            asm.j(Condition.NOT_ZERO, wideGroup);
            asm.jmp(level);
        } else {
            Blake3Lanes.copyByteOrders(asm);
        }

        asm.bind(narrowGroup);
        narrow.hashGroup();
        asm.add(Blake3Lanes.COUNTER, Mem.at(Blake3Lanes.TABLE, STEP));
        asm.sub(Blake3Lanes.COUNT, NARROW);
        asm.j(Condition.ABOVE, narrowGroup);

        asm.bind(level);
        asm.mov(Gp.RAX, LEVELS);
        asm.sub(Gp.RAX, 1);
        asm.j(Condition.BELOW, done);
        asm.mov(LEVELS, Gp.RAX);
        asm.mov(Blake3Lanes.COUNT, SAVED_COUNT);
        asm.shr(Blake3Lanes.COUNT, 1);
        asm.mov(SAVED_COUNT, Blake3Lanes.COUNT);
        asm.mov(Blake3Lanes.OUT, SAVED_OUT);
        asm.mov(Blake3Lanes.DATA, Blake3Lanes.OUT);
        asm.mov(Blake3Lanes.TABLE, PARENT_TABLE);
        asm.xor32(Blake3Lanes.COUNTER, Blake3Lanes.COUNTER);
        asm.jmp(narrowGroup);

        asm.bind(done);
        asm.vzeroupper();
        asm.mov(Gp.RSP, SAVED_STACK);
        for (int i = PRESERVED.length - 1; i >= 0; i--) {
            asm.pop(PRESERVED[i]);
        }
        asm.ret();
        return asm;
    }

    /**
     * {@code (words, tables, state, offset of words << 32 | blocks, counter, length | flags << 32)}: compresses blocks of one chunk,
     * or one parent, into the chaining value in {@code state}, which also receives the second half of the last output. Each row
     * of four state words is in one register. CHUNK_START, if it is among the flags, holds for the first block only.
     */
    static Assembler compress() {
        var asm = new Assembler();
        Vec a = xmm(0);
        Vec b = xmm(1);
        Vec c = xmm(2);
        Vec d = xmm(3);
        Vec message = zmm(4);
        Vec[] part = {xmm(4), xmm(5), xmm(6), xmm(7)};
        Vec oldA = xmm(8);
        Vec oldB = xmm(9);
        Vec counter = xmm(10);
        Vec iv = xmm(11);
        Vec firstOrder = zmm(12);
        Vec nextOrder = zmm(13);
        var block = new Label();

        beginBlocks(asm, a, b);
        asm.vmovdqu32(iv, Mem.at(Gp.RSI, IV));
        asm.vmovdqu32(firstOrder, Mem.at(Gp.RSI, FIRST_ORDER));
        asm.vmovdqu32(nextOrder, Mem.at(Gp.RSI, NEXT_ORDER));
        asm.vpbroadcastq(counter, Gp.R8);
        asm.mov(Gp.RAX, ~((long) Blake3.CHUNK_START << Integer.SIZE));

        asm.bind(block);
        asm.vmovdqu32(message, Mem.at(Gp.RDI));
        asm.vpermd(message, firstOrder, message);
        asm.vmovdqa32(oldA, a);
        asm.vmovdqa32(oldB, b);
        asm.vmovdqa32(c, iv);
        asm.vpbroadcastq(d, Gp.R9);
        asm.vpunpcklqdq(d, counter, d);
        for (int round = 0; round < ROUNDS; round++) {
            if (round > 0) {
                asm.vpermd(message, nextOrder, message);
            }
            for (int i = 1; i < part.length; i++) {
                asm.vextracti32x4(part[i], message, i);
            }
            mixRows(asm, a, b, c, d, part[0], part[1]);
            turnRows(asm, a, c, d, true);
            mixRows(asm, a, b, c, d, part[2], part[3]);
            turnRows(asm, a, c, d, false);
        }
        endBlocks(asm, block, a, b, c, d, oldA, oldB);
        return asm;
    }

    /**
     * {@link #compress} for AVX2: the words of a round are in two registers, x and y of the columns and those of the diagonals, and
     * each of the next round's is made of both.
     */
    static Assembler compressAvx2() {
        var asm = new Assembler(false);
        Vec a = xmm(0);
        Vec b = xmm(1);
        Vec c = xmm(2);
        Vec d = xmm(3);
        Vec columns = ymm(4);
        Vec diagonals = ymm(5);
        Vec spare = ymm(6);
        Vec next = ymm(7);
        Vec oldA = xmm(8);
        Vec oldB = xmm(9);
        Vec counter = xmm(10);
        Vec upper = xmm(11);
        Vec columnOrder = ymm(12);
        Vec diagonalOrder = ymm(13);
        int[] tables = tables(new int[Blake3.CV_WORDS], 0);
        var block = new Label();

        beginBlocks(asm, a, b);
        asm.vmovdqu32(columnOrder, Mem.at(Gp.RSI, NEXT_ORDER));
        asm.vmovdqu32(diagonalOrder, Mem.at(Gp.RSI, NEXT_ORDER + 32));
        asm.vmovq(counter, Gp.R8);
        asm.mov(Gp.RAX, ~((long) Blake3.CHUNK_START << Integer.SIZE));

        asm.bind(block);
        // All words of the first round's columns are in the first half of a block, those of its diagonals in the
        // second.
        asm.vmovdqu32(columns, Mem.at(Gp.RSI, FIRST_ORDER));
        asm.vpermd(columns, columns, Mem.at(Gp.RDI));
        asm.vmovdqu32(diagonals, Mem.at(Gp.RSI, FIRST_ORDER + 32));
        asm.vpermd(diagonals, diagonals, Mem.at(Gp.RDI, 32));
        asm.vmovdqa32(oldA, a);
        asm.vmovdqa32(oldB, b);
        asm.vmovdqu32(c, Mem.at(Gp.RSI, IV));
        asm.vmovq(d, Gp.R9);
        asm.vpunpcklqdq(d, counter, d);
        for (int round = 0; round < ROUNDS; round++) {
            if (round > 0) {
                asm.vpermd(next, columnOrder, columns);
                asm.vpermd(spare, columnOrder, diagonals);
                asm.vpblendd(next, next, spare, fromDiagonals(tables, 0));
                asm.vpermd(columns, diagonalOrder, columns);
                asm.vpermd(diagonals, diagonalOrder, diagonals);
                asm.vpblendd(diagonals, columns, diagonals, fromDiagonals(tables, 8));
                asm.vmovdqa32(columns, next);
            }
            asm.vextracti32x4(upper, columns, 1);
            mixRows(asm, a, b, c, d, xmm(columns.number()), upper);
            turnRows(asm, a, c, d, true);
            asm.vextracti32x4(upper, diagonals, 1);
            mixRows(asm, a, b, c, d, xmm(diagonals.number()), upper);
            turnRows(asm, a, c, d, false);
        }
        endBlocks(asm, block, a, b, c, d, oldA, oldB);
        return asm;
    }

    /** Where the first block and how many there are, and the chaining value. */
    private static void beginBlocks(Assembler asm, Vec a, Vec b) {
        asm.mov(Gp.RAX, Gp.RCX);
        asm.shr(Gp.RAX, Integer.SIZE);
        asm.add(Gp.RDI, Gp.RAX);
        asm.mov32(Gp.RCX, Gp.RCX);
        asm.vmovdqu32(a, Mem.at(Gp.RDX));
        asm.vmovdqu32(b, Mem.at(Gp.RDX, 16));
    }

    /** Diagonals become columns, or columns again: all rows but b turn, because b is what the next step waits for. */
    private static void turnRows(Assembler asm, Vec a, Vec c, Vec d, boolean toDiagonals) {
        asm.vpshufd(a, a, toDiagonals ? 0x93 : 0x39);
        asm.vpshufd(d, d, 0x4E);
        asm.vpshufd(c, c, toDiagonals ? 0x39 : 0x93);
    }

    /** The next block, with the flags that RAX leaves; after the last one the results and the return. */
    private static void endBlocks(Assembler asm, Label block, Vec a, Vec b, Vec c, Vec d, Vec oldA, Vec oldB) {
        asm.vpxord(a, a, c);
        asm.vpxord(b, b, d);
        asm.add(Gp.RDI, BLOCK_BYTES);
        asm.and(Gp.R9, Gp.RAX);
        asm.sub(Gp.RCX, 1);
        asm.j(Condition.NOT_ZERO, block);

        asm.vpxord(c, c, oldA);
        asm.vpxord(d, d, oldB);
        asm.vmovdqu32(Mem.at(Gp.RDX), a);
        asm.vmovdqu32(Mem.at(Gp.RDX, 16), b);
        asm.vmovdqu32(Mem.at(Gp.RDX, 32), c);
        asm.vmovdqu32(Mem.at(Gp.RDX, 48), d);
        asm.vzeroupper();
        asm.ret();
    }

    /** A bit for each of eight lanes from {@code lane} on: whether the next round takes it from this one's diagonals. */
    private static int fromDiagonals(int[] tables, int lane) {
        int bits = 0;
        for (int i = 0; i < 8; i++) {
            bits |= tables[NEXT_ORDER / Integer.BYTES + lane + i] >> 3 << i;
        }
        return bits;
    }

    /** Turns words to the right; {@code spare} is lost where AVX2 has no instruction for it. */
    static void rotate(Assembler asm, Vec vector, int bits, Gp byteOrders, int at, Vec spare) {
        if (asm.isAvx512()) {
            asm.vprord(vector, vector, bits);
        } else if (bits == 16 || bits == 8) {
            asm.vpshufb(vector, vector, Mem.at(byteOrders, bits == 16 ? at : at + 32));
        } else {
            asm.vpsrld(spare, vector, bits);
            asm.vpslld(vector, vector, Integer.SIZE - bits);
            asm.vpor(vector, vector, spare);
        }
    }

    /** The function G of all four columns. For AVX2 register 6 is lost. */
    private static void mixRows(Assembler asm, Vec a, Vec b, Vec c, Vec d, Vec x, Vec y) {
        for (int step = 0; step < ROTATIONS.length; step += 2) {
            asm.vpaddd(a, a, step == 0 ? x : y);
            asm.vpaddd(a, a, b);
            asm.vpxord(d, d, a);
            rotate(asm, d, ROTATIONS[step], Gp.RSI, BYTE_ORDERS, xmm(6));
            asm.vpaddd(c, c, d);
            asm.vpxord(b, b, c);
            rotate(asm, b, ROTATIONS[step + 1], Gp.RSI, BYTE_ORDERS, xmm(6));
        }
    }
}
