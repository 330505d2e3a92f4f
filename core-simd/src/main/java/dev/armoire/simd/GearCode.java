// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import static dev.armoire.simd.x86.Gp.R10;
import static dev.armoire.simd.x86.Gp.R11;
import static dev.armoire.simd.x86.Gp.R12;
import static dev.armoire.simd.x86.Gp.R13;
import static dev.armoire.simd.x86.Gp.R14;
import static dev.armoire.simd.x86.Gp.R15;
import static dev.armoire.simd.x86.Gp.R8;
import static dev.armoire.simd.x86.Gp.R9;
import static dev.armoire.simd.x86.Gp.RAX;
import static dev.armoire.simd.x86.Gp.RBP;
import static dev.armoire.simd.x86.Gp.RBX;
import static dev.armoire.simd.x86.Gp.RCX;
import static dev.armoire.simd.x86.Gp.RDI;
import static dev.armoire.simd.x86.Gp.RDX;
import static dev.armoire.simd.x86.Gp.RSI;
import static dev.armoire.simd.x86.Gp.RSP;

import dev.armoire.simd.x86.Assembler;
import dev.armoire.simd.x86.Condition;
import dev.armoire.simd.x86.Gp;
import dev.armoire.simd.x86.Label;
import dev.armoire.simd.x86.Mem;
import dev.armoire.simd.x86.Vec;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes {@code long first(byte *window, long *constants, void *unused, long warmUpFrom, long from, long to)}, the machine
 * code of {@link NativeGearScan}. It knows two ways to go on from a position:
 *
 * <p><b>Two stretches</b> side by side, a byte of each in four instructions, of which {@code lea} does shift and addition in
 * one cycle. The loads from the table limit it: 0.86 cycles a byte.
 *
 * <p><b>A block</b> adds to those two eight stretches in the lanes of a vector. The scalar and the vector units of a core
 * have little to do with each other, so both run at nearly their full speed. Lanes look up 64 bytes at once in byte planes
 * of the table (plane p holds byte p of every constant, in four registers). Five planes fit: 40 bits of fingerprint, which
 * are exact, since bit p depends on bits 0 to p alone. Where those bits have none of the mask is a candidate, one position in
 * a thousand, whose whole fingerprint is then looked at. A block with a hit is gone over again with two stretches, which
 * find the earliest.
 */
final class GearCode {
    static final int TABLE_LONGS = 256;
    /** After the table: the mask, the bytes of a stretch when there are two, and whether blocks are worth while. */
    static final int MASK = TABLE_LONGS;

    static final int STRETCH = MASK + 1;
    static final int USES_BLOCKS = STRETCH + 1;
    /** From here on only for blocks: planes, and in which order bytes are looked up and merged. */
    static final int PLANES = MASK + Long.BYTES;

    static final int PLANE_COUNT = 5;
    static final int PAIRED = PLANES + PLANE_COUNT * TABLE_LONGS / Long.BYTES;
    static final int SPREAD = PAIRED + Long.BYTES;
    static final int LONGS = SPREAD + Long.BYTES;

    /** Bytes of a stretch between two looks at where it ends. */
    static final int UNROLLED = 8;

    private static final int LANES = 8;
    private static final int VECTOR_BYTES = 64;
    /** Columns of 64 bytes in a lane's stretch: odd, so that the eight do not collide in the cache. */
    private static final int COLUMNS = 33;

    private static final int LANE_BYTES = COLUMNS * VECTOR_BYTES;
    /** Bytes of each scalar stretch while the lanes do eight: from 24 to 32 there is no more to win, as measured. */
    private static final int SCALAR_STEPS = 28;

    private static final int ROWS = LANE_BYTES / Long.BYTES;
    private static final int SCALAR_BYTES = ROWS * SCALAR_STEPS;
    static final int BLOCK_BYTES = 2 * SCALAR_BYTES + LANES * LANE_BYTES;

    /** What a lane's bits depend on, in rows of eight bytes. */
    private static final int WARM_UP_ROWS = PLANE_COUNT;

    private static final Gp WINDOW = RDI;
    private static final Gp CONSTANTS = RSI;
    private static final Gp MASK_BITS = RDX;
    private static final Gp TO = R9;
    /** Where the first of two stretches ends. */
    private static final Gp STOP = RBP;

    /** The first stretch, or the only one: address, fingerprint, and what was looked up last. */
    private static final Gp FIRST = RCX;

    private static final Gp F1 = RAX;
    private static final Gp G1 = R10;
    private static final Gp SECOND = R8;
    private static final Gp F2 = R11;
    private static final Gp G2 = RBX;

    /** The first lane's address of the column, and eight times the number of bytes that its row is further on. */
    private static final Gp LANE = R12;

    private static final Gp ROW = R13;
    private static final Gp CANDIDATES = R14;
    private static final Gp AT = R15;

    private static final List<Gp> SAVED = List.of(RBX, RBP, R12, R13, R14, R15);

    /** On the stack: a column, transposed to rows, then registers that the block needs otherwise. */
    private static final int SAVED_WINDOW = 512;

    private static final int SAVED_TO = SAVED_WINDOW + Long.BYTES;
    private static final int BLOCK_START = SAVED_TO + Long.BYTES;
    private static final int BLOCK_F1 = BLOCK_START + Long.BYTES;
    private static final int FRAME_BYTES = BLOCK_F1 + Long.BYTES;

    private final Assembler asm = new Assembler();
    private final Label twoStretches = new Label();
    private final Label oneStretch = new Label();
    private final Label secondHit = new Label();
    private final Label done = new Label();

    private GearCode() {}

    /** The code, with blocks where the CPU has AVX512_VBMI; without them any x86-64 with AVX runs it. */
    static Assembler assemble(boolean withBlocks) {
        return new GearCode().write(withBlocks);
    }

    private Assembler write(boolean withBlocks) {
        for (Gp saved : SAVED) {
            asm.push(saved);
        }
        asm.sub(RSP, FRAME_BYTES);
        for (Gp position : new Gp[] {FIRST, SECOND, TO}) {
            asm.add(position, WINDOW);
        }
        asm.mov(Mem.at(RSP, SAVED_WINDOW), WINDOW);
        asm.mov(MASK_BITS, constant(MASK));
        asm.xor32(F1, F1);
        warmUp(SECOND, FIRST, F1, G1);
        if (withBlocks) {
            blocks();
        }
        twoStretches();
        asm.bind(oneStretch);
        oneStretch(TO);
        asm.mov(FIRST, TO);
        asm.bind(done);
        asm.vzeroupper();
        asm.mov(RAX, FIRST);
        asm.sub(RAX, Mem.at(RSP, SAVED_WINDOW));
        asm.add(RSP, FRAME_BYTES);
        for (Gp saved : SAVED.reversed()) {
            asm.pop(saved);
        }
        asm.ret();
        return asm;
    }

    private static Mem constant(int index) {
        return Mem.at(CONSTANTS, index * Long.BYTES);
    }

    /** Moves {@code at} to {@code stop} and takes the bytes between into the fingerprint. */
    private void warmUp(Gp stop, Gp at, Gp fingerprint, Gp gear) {
        var loop = new Label();
        var end = new Label();
        asm.bind(loop);
        asm.cmp(at, stop);
        asm.j(Condition.NOT_BELOW, end);
        step(at, 0, fingerprint, gear);
        asm.add(at, 1);
        asm.jmp(loop);
        asm.bind(end);
    }

    private void step(Gp at, int displacement, Gp fingerprint, Gp gear) {
        asm.movzx8(gear, Mem.at(at, displacement));
        asm.mov(gear, Mem.at(CONSTANTS, gear, Long.BYTES, 0));
        asm.lea(fingerprint, Mem.at(gear, fingerprint, 2, 0));
    }

    /** From {@link #FIRST} on, as long as two stretches are left. */
    private void twoStretches() {
        var loop = new Label();
        asm.bind(twoStretches);
        asm.mov(G1, constant(STRETCH));
        asm.lea(STOP, Mem.at(FIRST, G1, 1, 0));
        asm.lea(SECOND, Mem.at(FIRST, G1, 2, 0));
        asm.cmp(SECOND, TO);
        asm.j(Condition.ABOVE, oneStretch);
        startSecond();
        asm.align(32);
        asm.bind(loop);
        var hits = new Hits();
        for (int i = 0; i < UNROLLED; i++) {
            hits.stepBoth();
        }
        asm.add(FIRST, UNROLLED);
        asm.add(SECOND, UNROLLED);
        asm.cmp(FIRST, STOP);
        asm.j(Condition.BELOW, loop);
        asm.mov(FIRST, SECOND);
        asm.mov(F1, F2);
        asm.jmp(twoStretches);
        hits.bind();
        // An earlier hit may still lie in what the first stretch has not seen.
        asm.bind(secondHit);
        oneStretch(STOP);
        asm.mov(FIRST, SECOND);
        asm.jmp(done);
    }

    private void startSecond() {
        asm.lea(SECOND, Mem.at(STOP, -GearScan.WARM_UP));
        asm.xor32(F2, F2);
        warmUp(STOP, SECOND, F2, G2);
    }

    /** Steps of both stretches, and where their hits go. */
    private final class Hits {
        private final List<Label> first = new ArrayList<>();
        private final List<Label> second = new ArrayList<>();

        /** One byte further on; the addresses stay. */
        void stepBoth() {
            int i = first.size();
            step(FIRST, i, F1, G1);
            step(SECOND, i, F2, G2);
            test(F1, first);
            test(F2, second);
        }

        private void test(Gp fingerprint, List<Label> hits) {
            var hit = new Label();
            hits.add(hit);
            asm.test(fingerprint, MASK_BITS);
            asm.j(Condition.ZERO, hit);
        }

        void bind() {
            for (int i = 0; i < first.size(); i++) {
                asm.bind(first.get(i));
                asm.add(FIRST, i);
                asm.jmp(done);
                asm.bind(second.get(i));
                asm.add(FIRST, i + 1);
                asm.add(SECOND, i);
                asm.jmp(secondHit);
            }
        }
    }

    /** Goes to {@link #done} with a hit, or falls through. */
    private void oneStretch(Gp stop) {
        var loop = new Label();
        var end = new Label();
        asm.cmp(FIRST, stop);
        asm.j(Condition.NOT_BELOW, end);
        asm.bind(loop);
        step(FIRST, 0, F1, G1);
        asm.test(F1, MASK_BITS);
        asm.j(Condition.ZERO, done);
        asm.add(FIRST, 1);
        asm.cmp(FIRST, stop);
        asm.j(Condition.BELOW, loop);
        asm.bind(end);
    }

    // ---------------------------------------------------------------------------------------------------- blocks

    private static final Vec F = Vec.zmm(0);
    private static final Vec MASK_LANES = Vec.zmm(1);
    private static final Vec PAIRED_ORDER = Vec.zmm(2);
    private static final Vec SPREAD_ORDER = Vec.zmm(3);

    /** Mask registers: bytes of the upper and the lower half of the table, and lanes without a candidate. */
    private static final int UPPER = 1;

    private static final int LOWER = 2;
    private static final int CLEAN_EVEN = 3;
    private static final int CLEAN_ODD = 4;
    private static final int ALL_LANES = 0xFF;

    /** Of four 128-bit parts of two registers each, those with an even number, and the others. */
    private static final int EVEN_PARTS = 0x88;

    private static final int ODD_PARTS = 0xDD;

    private final Label blockHit = new Label();

    private static Vec plane(int plane, int quarter) {
        return Vec.zmm(32 - 4 * PLANE_COUNT + 4 * plane + quarter);
    }

    private void blocks() {
        var next = new Label();
        asm.mov(G1, constant(USES_BLOCKS));
        asm.test(G1, G1);
        asm.j(Condition.ZERO, twoStretches);
        asm.lea(G1, Mem.at(FIRST, BLOCK_BYTES));
        asm.cmp(G1, TO);
        asm.j(Condition.ABOVE, twoStretches);
        asm.mov(Mem.at(RSP, SAVED_TO), TO);
        asm.vpbroadcastq(MASK_LANES, MASK_BITS);
        // Of the mask only what the planes are exact about.
        asm.vpsllq(MASK_LANES, MASK_LANES, Long.SIZE - Byte.SIZE * PLANE_COUNT);
        asm.vpsrlq(MASK_LANES, MASK_LANES, Long.SIZE - Byte.SIZE * PLANE_COUNT);
        for (int i = 0; i < 4 * PLANE_COUNT; i++) {
            asm.vmovdqu32(plane(i / 4, i % 4), Mem.at(CONSTANTS, PLANES * Long.BYTES + i * VECTOR_BYTES));
        }
        asm.bind(next);
        asm.mov(Mem.at(RSP, BLOCK_START), FIRST);
        asm.mov(Mem.at(RSP, BLOCK_F1), F1);
        asm.lea(STOP, Mem.at(FIRST, SCALAR_BYTES));
        startSecond();
        warmUpLanes();
        columns();

        asm.lea(FIRST, Mem.at(LANE, (LANES - 1) * LANE_BYTES));
        asm.lea(SECOND, Mem.at(FIRST, BLOCK_BYTES));
        asm.mov(STOP, FIRST);
        asm.sub(FIRST, GearScan.WARM_UP);
        asm.xor32(F1, F1);
        warmUp(STOP, FIRST, F1, G1);
        asm.mov(TO, Mem.at(RSP, SAVED_TO));
        asm.cmp(SECOND, TO);
        asm.j(Condition.NOT_ABOVE, next);
        asm.jmp(twoStretches);

        asm.bind(blockHit);
        asm.lea(TO, Mem.at(AT, 1));
        asm.mov(FIRST, Mem.at(RSP, BLOCK_START));
        asm.mov(F1, Mem.at(RSP, BLOCK_F1));
    }

    /** From 0 with the bytes before the lanes' stretches; sets {@link #LANE}. */
    private void warmUpLanes() {
        asm.lea(LANE, Mem.at(STOP, SCALAR_BYTES - VECTOR_BYTES));
        transposeColumn();
        asm.vpxord(F, F, F);
        for (int row = Long.BYTES - WARM_UP_ROWS; row < Long.BYTES; row++) {
            row(Mem.at(RSP, row * VECTOR_BYTES), null);
        }
        asm.add(LANE, VECTOR_BYTES);
    }

    private void columns() {
        var nextColumn = new Label();
        var nextRow = new Label();
        var clean = new Label();
        var candidates = new Label();
        var end = new Label();
        asm.bind(nextColumn);
        transposeColumn();
        asm.xor32(ROW, ROW);
        asm.align(32);
        asm.bind(nextRow);
        var hits = new Hits();
        row(Mem.at(RSP, ROW, 1, 0), hits);
        // The next block lies as far ahead for each stretch: more streams than the hardware follows by itself.
        asm.prefetcht0(Mem.at(FIRST, BLOCK_BYTES));
        asm.prefetcht0(Mem.at(SECOND, BLOCK_BYTES));
        asm.add(FIRST, SCALAR_STEPS);
        asm.add(SECOND, SCALAR_STEPS);
        asm.kmovq(G1, CLEAN_EVEN);
        asm.kmovq(G2, CLEAN_ODD);
        asm.and(G1, G2);
        asm.cmp(G1, ALL_LANES);
        asm.j(Condition.NOT_ZERO, candidates);
        asm.bind(clean);
        asm.add(ROW, VECTOR_BYTES);
        asm.cmp(ROW, Long.BYTES * VECTOR_BYTES);
        asm.j(Condition.BELOW, nextRow);
        asm.add(LANE, VECTOR_BYTES);
        asm.lea(G1, Mem.at(STOP, SCALAR_BYTES + LANE_BYTES));
        asm.cmp(LANE, G1);
        asm.j(Condition.BELOW, nextColumn);
        asm.jmp(end);
        hits.bind();
        asm.bind(candidates);
        lookAtCandidates(clean);
        asm.bind(end);
    }

    /** 64 bytes of each lane, so that a row on the stack has eight of each, in the order of the lanes. */
    private void transposeColumn() {
        Vec spare = Vec.zmm(2);
        for (int i = 0; i < LANES; i++) {
            asm.vmovdqu32(Vec.zmm(4 + i), Mem.at(LANE, i * LANE_BYTES));
            asm.prefetcht0(Mem.at(LANE, i * LANE_BYTES + BLOCK_BYTES));
        }
        for (int i = 4; i < 4 + LANES; i += 2) {
            asm.vpunpcklqdq(spare, Vec.zmm(i), Vec.zmm(i + 1));
            asm.vpunpckhqdq(Vec.zmm(i + 1), Vec.zmm(i), Vec.zmm(i + 1));
            asm.vmovdqa32(Vec.zmm(i), spare);
        }
        for (int i : new int[] {4, 5, 8, 9}) {
            asm.vshufi32x4(spare, Vec.zmm(i), Vec.zmm(i + 2), EVEN_PARTS);
            asm.vshufi32x4(Vec.zmm(i + 2), Vec.zmm(i), Vec.zmm(i + 2), ODD_PARTS);
            asm.vmovdqa32(Vec.zmm(i), spare);
        }
        for (int i = 0; i < 4; i++) {
            asm.vshufi32x4(spare, Vec.zmm(4 + i), Vec.zmm(8 + i), EVEN_PARTS);
            asm.vmovdqu32(Mem.at(RSP, i * VECTOR_BYTES), spare);
            asm.vshufi32x4(spare, Vec.zmm(4 + i), Vec.zmm(8 + i), ODD_PARTS);
            asm.vmovdqu32(Mem.at(RSP, (4 + i) * VECTOR_BYTES), spare);
        }
        asm.vmovdqu32(PAIRED_ORDER, Mem.at(CONSTANTS, PAIRED * Long.BYTES));
        asm.vmovdqu32(SPREAD_ORDER, Mem.at(CONSTANTS, SPREAD * Long.BYTES));
    }

    /**
     * Eight steps of all lanes. With {@code mixed}, {@value #SCALAR_STEPS} steps of the scalar stretches go in
     * between, so that the CPU finds work for all its units at any time.
     */
    private void row(Mem row, @Nullable Hits mixed) {
        Vec bytes = Vec.zmm(4);
        Vec[] found = {Vec.zmm(5), Vec.zmm(6), Vec.zmm(7), Vec.zmm(8), Vec.zmm(9)};
        asm.vmovdqu32(bytes, row);
        asm.vpshufb(bytes, bytes, PAIRED_ORDER);
        asm.vpmovb2m(UPPER, bytes);
        asm.knotq(LOWER, UPPER);
        mix(mixed);
        for (int i = 0; i < PLANE_COUNT; i++) {
            asm.vmovdqa32(found[i], bytes);
            asm.vpermi2b(found[i], plane(i, 2), plane(i, 3), UPPER);
            mix(mixed);
            asm.vpermi2b(found[i], plane(i, 0), plane(i, 1), LOWER);
            mix(mixed);
        }
        // Plane 4 goes to the lowest byte of 32-bit lanes, planes 0 to 3 to such lanes of two steps of two streams
        // each.
        asm.vpshufb(found[4], found[4], SPREAD_ORDER);
        mix(mixed);
        Vec a = Vec.zmm(10);
        Vec b = Vec.zmm(11);
        asm.vpunpcklbw(a, found[0], found[1]);
        mix(mixed);
        asm.vpunpckhbw(found[0], found[0], found[1]);
        mix(mixed);
        asm.vpunpcklbw(b, found[2], found[3]);
        mix(mixed);
        asm.vpunpckhbw(found[2], found[2], found[3]);
        mix(mixed);
        asm.vpunpcklwd(found[1], a, b);
        mix(mixed);
        asm.vpunpckhwd(found[3], a, b);
        mix(mixed);
        asm.vpunpcklwd(a, found[0], found[2]);
        mix(mixed);
        asm.vpunpckhwd(b, found[0], found[2]);
        mix(mixed);
        Vec[] low = {found[1], found[3], a, b};
        for (int pair = 0; pair < low.length; pair++) {
            // What the upper 24 bits hold does not matter.
            Vec high = pair == 0 ? found[4] : bytes;
            if (pair > 0) {
                asm.vpsrlq(high, found[4], Byte.SIZE * pair);
            }
            asm.vpunpckldq(found[0], low[pair], high);
            asm.vpunpckhdq(found[2], low[pair], high);
            stepLanes(found[0], CLEAN_EVEN, pair == 0);
            mix(mixed);
            stepLanes(found[2], CLEAN_ODD, pair == 0);
            mix(mixed);
        }
    }

    private static void mix(@Nullable Hits mixed) {
        if (mixed != null) {
            mixed.stepBoth();
        }
    }

    /** Two mask registers, so that tests do not wait for each other. */
    private void stepLanes(Vec gear, int clean, boolean isFirst) {
        asm.vpaddq(F, F, F);
        asm.vpaddq(F, F, gear);
        if (isFirst) {
            asm.vptestmq(clean, F, MASK_LANES);
        } else {
            asm.vptestmqAnd(clean, F, MASK_LANES);
        }
    }

    /** Looks at all eight positions of the lanes with one, with whole fingerprints; back to {@code clean} if none is a hit. */
    private void lookAtCandidates(Label clean) {
        Gp fingerprint = WINDOW;
        Gp gear = TO;
        var next = new Label();
        asm.mov(CANDIDATES, ALL_LANES);
        asm.sub(CANDIDATES, G1);
        asm.bind(next);
        asm.tzcnt(AT, CANDIDATES);
        asm.mov(G1, LANE_BYTES);
        asm.imul(AT, G1);
        asm.add(AT, LANE);
        asm.mov(G1, ROW);
        asm.shr(G1, 3);
        asm.add(AT, G1);
        asm.xor32(fingerprint, fingerprint);
        for (int i = -GearScan.WARM_UP; i < 0; i++) {
            step(AT, i, fingerprint, gear);
        }
        var hits = new Label[Long.BYTES];
        for (int i = 0; i < hits.length; i++) {
            hits[i] = new Label();
            step(AT, i, fingerprint, gear);
            asm.test(fingerprint, MASK_BITS);
            asm.j(Condition.ZERO, hits[i]);
        }
        asm.lea(G1, Mem.at(CANDIDATES, -1));
        asm.and(CANDIDATES, G1);
        asm.j(Condition.NOT_ZERO, next);
        asm.jmp(clean);
        for (int i = 0; i < hits.length; i++) {
            asm.bind(hits[i]);
            asm.add(AT, i);
            asm.jmp(blockHit);
        }
    }
}
