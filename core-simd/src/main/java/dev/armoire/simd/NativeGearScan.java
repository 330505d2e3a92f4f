// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import static dev.armoire.simd.x86.Gp.R10;
import static dev.armoire.simd.x86.Gp.R11;
import static dev.armoire.simd.x86.Gp.R8;
import static dev.armoire.simd.x86.Gp.R9;
import static dev.armoire.simd.x86.Gp.RAX;
import static dev.armoire.simd.x86.Gp.RBP;
import static dev.armoire.simd.x86.Gp.RBX;
import static dev.armoire.simd.x86.Gp.RCX;
import static dev.armoire.simd.x86.Gp.RDI;
import static dev.armoire.simd.x86.Gp.RDX;
import static dev.armoire.simd.x86.Gp.RSI;

import dev.armoire.simd.ffi.MachineCode;
import dev.armoire.simd.x86.Assembler;
import dev.armoire.simd.x86.Condition;
import dev.armoire.simd.x86.Gp;
import dev.armoire.simd.x86.Label;
import dev.armoire.simd.x86.Mem;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Objects;

/**
 * Machine code: two stretches side by side, a byte of each in four instructions, of which {@code lea} does shift and
 * addition in one cycle. Immutable, so any thread may use it.
 */
final class NativeGearScan implements GearScan {
    private static final int LONGEST_STRETCH = 5336;
    private static final int SHORTEST_STRETCH = 344;
    /** Bytes of a stretch between two looks at where it ends. */
    private static final int UNROLLED = 8;

    /** Most bytes of one call, which garbage collection has to wait for: a quarter of a millisecond. */
    private static final long CALL_BYTES = 1 << 20;

    private static final int TABLE = 256;

    /** After the table: the mask, then the bytes of a stretch. */
    private static final int MASK_AT = TABLE * Long.BYTES;

    private static final int STRETCH_AT = MASK_AT + Long.BYTES;

    private static final MethodHandle CODE = MachineCode.link(new Code().assemble());

    private final MemorySegment constants;

    NativeGearScan(long[] table, long mask) {
        long[] values = Arrays.copyOf(table, TABLE + 2);
        values[TABLE] = mask;
        // A hit wastes half a stretch of work.
        long stretch = Math.clamp(GearScan.usualDistance(mask) / 32, SHORTEST_STRETCH, LONGEST_STRETCH);
        values[TABLE + 1] = stretch / UNROLLED * UNROLLED;
        this.constants = MemorySegment.ofArray(values);
    }

    @Override
    public long first(MemorySegment window, long origin, long from, long to) {
        Objects.checkFromToIndex(origin, from, to);
        Objects.checkFromToIndex(from, to, window.byteSize());
        for (long position = from; position < to; ) {
            long end = Math.min(to, position + CALL_BYTES);
            long hit = call(window, Math.max(origin, position - WARM_UP), position, end);
            if (hit < end) {
                return hit;
            }
            position = end;
        }
        return to;
    }

    private long call(MemorySegment window, long warmUpFrom, long from, long to) {
        try {
            return (long) CODE.invokeExact(window, constants, MemorySegment.NULL, warmUpFrom, from, to);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("a native call failed", e);
        }
    }

    /**
     * {@code long first(byte *window, long *constants, void *unused, long warmUpFrom, long from, long to)}. Positions become
     * addresses at once.
     */
    private static final class Code {
        private static final Gp WINDOW = RDI;
        private static final Gp TABLE = RSI;
        private static final Gp MASK = RDX;
        /** The first stretch, or the only one: address, fingerprint, and what was looked up last. */
        private static final Gp FIRST = RCX;

        private static final Gp F1 = RAX;
        private static final Gp G1 = R10;
        /** The second stretch. */
        private static final Gp SECOND = R8;

        private static final Gp F2 = R11;
        private static final Gp G2 = RBX;
        private static final Gp TO = R9;
        private static final Gp STOP = RBP;

        private final Assembler asm = new Assembler();
        private final Label oneStretch = new Label();
        private final Label done = new Label();

        Assembler assemble() {
            asm.push(RBX);
            asm.push(RBP);
            for (Gp position : new Gp[] {FIRST, SECOND, TO}) {
                asm.add(position, WINDOW);
            }
            asm.mov(MASK, Mem.at(TABLE, MASK_AT));
            asm.xor32(F1, F1);
            warmUp(SECOND, FIRST, F1, G1);
            twoStretches();
            asm.bind(oneStretch);
            oneStretch(TO);
            asm.mov(FIRST, TO);
            asm.bind(done);
            asm.mov(RAX, FIRST);
            asm.sub(RAX, WINDOW);
            asm.pop(RBP);
            asm.pop(RBX);
            asm.ret();
            return asm;
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
            asm.mov(gear, Mem.at(TABLE, gear, Long.BYTES, 0));
            asm.lea(fingerprint, Mem.at(gear, fingerprint, 2, 0));
        }

        /** From {@link #FIRST} on, as long as two stretches are left. */
        private void twoStretches() {
            var next = new Label();
            var loop = new Label();
            asm.bind(next);
            asm.mov(G1, Mem.at(TABLE, STRETCH_AT));
            asm.lea(STOP, Mem.at(FIRST, G1, 1, 0));
            asm.lea(SECOND, Mem.at(FIRST, G1, 2, 0));
            asm.cmp(SECOND, TO);
            asm.j(Condition.ABOVE, oneStretch);
            asm.lea(SECOND, Mem.at(STOP, -WARM_UP));
            asm.xor32(F2, F2);
            warmUp(STOP, SECOND, F2, G2);
            var hits = new Label[2 * UNROLLED];
            asm.align(32);
            asm.bind(loop);
            for (int i = 0; i < UNROLLED; i++) {
                hits[2 * i] = new Label();
                hits[2 * i + 1] = new Label();
                step(FIRST, i, F1, G1);
                step(SECOND, i, F2, G2);
                asm.test(F1, MASK);
                asm.j(Condition.ZERO, hits[2 * i]);
                asm.test(F2, MASK);
                asm.j(Condition.ZERO, hits[2 * i + 1]);
            }
            asm.add(FIRST, UNROLLED);
            asm.add(SECOND, UNROLLED);
            asm.cmp(FIRST, STOP);
            asm.j(Condition.BELOW, loop);
            asm.mov(FIRST, SECOND);
            asm.mov(F1, F2);
            asm.jmp(next);
            for (int i = 0; i < UNROLLED; i++) {
                asm.bind(hits[2 * i]);
                asm.add(FIRST, i);
                asm.jmp(done);
                asm.bind(hits[2 * i + 1]);
                asm.add(FIRST, i + 1);
                asm.add(SECOND, i);
                asm.jmp(secondHit);
            }
            // An earlier hit may still lie in what the first stretch has not seen.
            asm.bind(secondHit);
            oneStretch(STOP);
            asm.mov(FIRST, SECOND);
            asm.jmp(done);
        }

        private final Label secondHit = new Label();

        /** Goes to {@link #done} with a hit, or falls through. */
        private void oneStretch(Gp stop) {
            var loop = new Label();
            var end = new Label();
            asm.bind(loop);
            asm.cmp(FIRST, stop);
            asm.j(Condition.NOT_BELOW, end);
            step(FIRST, 0, F1, G1);
            asm.test(F1, MASK);
            asm.j(Condition.ZERO, done);
            asm.add(FIRST, 1);
            asm.jmp(loop);
            asm.bind(end);
        }
    }
}
