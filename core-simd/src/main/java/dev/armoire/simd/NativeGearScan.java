// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import dev.armoire.simd.ffi.MachineCode;
import dev.armoire.simd.x86.Assembler;
import dev.armoire.simd.x86.Gp;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Objects;

/** Machine code, as {@link GearCode} writes it. Immutable, so any thread may use it. */
final class NativeGearScan implements GearScan {
    private static final int LONGEST_STRETCH = 5336;
    private static final int SHORTEST_STRETCH = 344;

    /** Most bytes of one call, which garbage collection has to wait for: a quarter of a millisecond. */
    private static final long CALL_BYTES = 1 << 20;

    /** With fewer bits of a mask in the lanes, candidates are so many that looking at them costs more than lanes win. */
    private static final int FEWEST_BITS_IN_LANES = 9;

    private final MemorySegment constants;
    private final boolean isAvx512;

    /** @param isAvx512 whether lanes take part where the CPU has AVX512_VBMI, or only general purpose registers do */
    NativeGearScan(long[] table, long mask, boolean isAvx512) {
        long[] values = new long[GearCode.LONGS];
        System.arraycopy(table, 0, values, 0, GearCode.TABLE_LONGS);
        values[GearCode.MASK] = mask;
        // A hit wastes half a stretch of work.
        long stretch = Math.clamp(GearScan.usualDistance(mask) / 32, SHORTEST_STRETCH, LONGEST_STRETCH);
        values[GearCode.STRETCH] = stretch / GearCode.UNROLLED * GearCode.UNROLLED;
        this.constants = MemorySegment.ofArray(values);
        this.isAvx512 = isAvx512;
        int bitsInLanes = Long.bitCount(mask << Long.SIZE - Byte.SIZE * GearCode.PLANE_COUNT);
        if (isAvx512
                && Avx512.HAS_BYTE_PERMUTES
                && bitsInLanes >= FEWEST_BITS_IN_LANES
                && GearScan.usualDistance(mask) >= 4 * GearCode.BLOCK_BYTES) {
            values[GearCode.USES_BLOCKS] = 1;
            setUpBlocks(table);
        }
    }

    private void setUpBlocks(long[] table) {
        for (int plane = 0; plane < GearCode.PLANE_COUNT; plane++) {
            for (int i = 0; i < table.length; i++) {
                setByte(GearCode.PLANES, plane * table.length + i, (int) (table[i] >>> Byte.SIZE * plane));
            }
        }
        for (int i = 0; i < 64; i++) {
            int item = i % 16;
            // Bytes of two streams in turns, then of those every fourth in one 32-bit lane.
            setByte(GearCode.PAIRED, i, item % 2 * Long.BYTES + item / 2);
            setByte(GearCode.SPREAD, i, item % 4 * 4 + item / 4);
        }
    }

    private void setByte(int index, int offset, int value) {
        constants.set(ValueLayout.JAVA_BYTE, (long) index * Long.BYTES + offset, (byte) value);
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
            return isAvx512
                    ? (long) Avx512.CODE.invokeExact(window, constants, MemorySegment.NULL, warmUpFrom, from, to)
                    : (long) Stretches.CODE.invokeExact(window, constants, MemorySegment.NULL, warmUpFrom, from, to);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("a native call failed", e);
        }
    }

    // Handles must be constants to be called without a detour; each is assembled when it is needed for the first time.

    private static final class Stretches {
        static final MethodHandle CODE = MachineCode.link(GearCode.assemble(false));
    }

    private static final class Avx512 {
        static final boolean HAS_BYTE_PERMUTES = hasBytePermutes();
        static final MethodHandle CODE = MachineCode.link(GearCode.assemble(HAS_BYTE_PERMUTES));

        /** Whether the CPU has AVX512_VBMI. */
        private static boolean hasBytePermutes() {
            var asm = new Assembler();
            asm.push(Gp.RBX);
            asm.mov(Gp.RAX, 7);
            asm.xor32(Gp.RCX, Gp.RCX);
            asm.cpuid();
            asm.mov32(Gp.RAX, Gp.RCX);
            asm.pop(Gp.RBX);
            asm.ret();
            try {
                long features = (long) MachineCode.link(asm)
                        .invokeExact(MemorySegment.NULL, MemorySegment.NULL, MemorySegment.NULL, 0L, 0L, 0L);
                return (features & 1 << 1) != 0;
            } catch (Throwable e) {
                throw new IllegalStateException("a native call failed", e);
            }
        }
    }
}
