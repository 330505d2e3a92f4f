// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import dev.armoire.simd.ffi.MachineCode;
import dev.armoire.simd.x86.Assembler;
import dev.armoire.simd.x86.Condition;
import dev.armoire.simd.x86.Gp;
import dev.armoire.simd.x86.Label;
import dev.armoire.simd.x86.Mem;
import dev.armoire.simd.x86.Vec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Objects;

/**
 * xxHash32 with seed 0, the checksum inside LZ4 frames (format 1 §7.1). Holds the state of one running message and
 * allocates nothing after its construction; one thread at a time.
 */
public final class XxHash32 {
    private static final int PRIME1 = 0x9E3779B1;
    private static final int PRIME2 = 0x85EBCA77;
    private static final int PRIME3 = 0xC2B2AE3D;
    private static final int PRIME4 = 0x27D4EB2F;
    private static final int PRIME5 = 0x165667B1;

    private static final int STRIPE_BYTES = 16;
    private static final int SCRATCH_BYTES = 4096;
    /** What machine code takes at a time. */
    private static final int GROUP_STRIPES = 4;

    private static final int GROUP_BYTES = GROUP_STRIPES * STRIPE_BYTES;

    /** Of one call of machine code, about a millisecond. */
    private static final long CALL_BYTES = 8 << 20;

    // Whole stripes wait here for the next round; the words are the bytes as they lie in memory (see Blake3).
    private final Words scratch = Words.of(new int[SCRATCH_BYTES / Integer.BYTES]);
    private int scratchLength;
    private long totalLength;
    private final Words lanes = Words.of(new int[4]);
    private final boolean machineCode;

    /** A checksum of no bytes yet. */
    public XxHash32() {
        this(Kernels.machineCode());
    }

    XxHash32(boolean machineCode) {
        this.machineCode = machineCode;
        startLanes();
    }

    /** The checksum of one message, borrowed for the call. */
    public static int of(MemorySegment data) {
        var hash = new XxHash32();
        hash.update(data);
        return hash.value();
    }

    /** Adds bytes, heap or native, borrowed for the call. */
    public void update(MemorySegment data) {
        long length = data.byteSize();
        long position = 0;
        while (position < length) {
            if (machineCode && scratchLength == 0 && length - position >= SCRATCH_BYTES) {
                long groups = Math.min(length - position, CALL_BYTES) / GROUP_BYTES;
                Native.consume(data, position, groups, lanes);
                totalLength += groups * GROUP_BYTES;
                position += groups * GROUP_BYTES;
            }
            int step = (int) Math.min(SCRATCH_BYTES - scratchLength, length - position);
            MemorySegment.copy(data, position, scratch.bytes(), scratchLength, step);
            added(step);
            position += step;
        }
    }

    /** Adds {@code length} bytes of an array, borrowed for the call. */
    public void update(byte[] data, int offset, int length) {
        int position = offset;
        int end = offset + length;
        while (position < end) {
            int step = Math.min(SCRATCH_BYTES - scratchLength, end - position);
            MemorySegment.copy(data, position, scratch.bytes(), ValueLayout.JAVA_BYTE, scratchLength, step);
            added(step);
            position += step;
        }
    }

    /** The checksum of all bytes so far, which more may follow. */
    public int value() {
        int[] l = lanes.array();
        int l0 = l[0];
        int l1 = l[1];
        int l2 = l[2];
        int l3 = l[3];
        int stripes = scratchLength / STRIPE_BYTES;
        consume(stripes);
        int hash = totalLength < STRIPE_BYTES
                ? PRIME5
                : Integer.rotateLeft(l[0], 1)
                        + Integer.rotateLeft(l[1], 7)
                        + Integer.rotateLeft(l[2], 12)
                        + Integer.rotateLeft(l[3], 18);
        // The scratch keeps its bytes, so the lanes go back to where it begins.
        setLanes(l0, l1, l2, l3);
        hash += (int) totalLength;
        int[] words = scratch.array();
        int word = stripes * (STRIPE_BYTES / Integer.BYTES);
        int left = scratchLength % STRIPE_BYTES;
        for (; left >= Integer.BYTES; left -= Integer.BYTES) {
            hash = Integer.rotateLeft(hash + words[word++] * PRIME3, 17) * PRIME4;
        }
        for (int i = 0; i < left; i++) {
            hash = Integer.rotateLeft(hash + ((words[word] >>> (Byte.SIZE * i)) & 0xFF) * PRIME5, 11) * PRIME1;
        }
        hash = (hash ^ (hash >>> 15)) * PRIME2;
        hash = (hash ^ (hash >>> 13)) * PRIME3;
        return hash ^ (hash >>> 16);
    }

    /** Starts again with no bytes. */
    public void reset() {
        scratchLength = 0;
        totalLength = 0;
        startLanes();
    }

    @SuppressWarnings("ConstantOverflow") // sums are modulo 2^32
    private void startLanes() {
        setLanes(PRIME1 + PRIME2, PRIME2, 0, -PRIME1);
    }

    private void setLanes(int l0, int l1, int l2, int l3) {
        int[] l = lanes.array();
        l[0] = l0;
        l[1] = l1;
        l[2] = l2;
        l[3] = l3;
    }

    private void added(int bytes) {
        scratchLength += bytes;
        totalLength += bytes;
        if (scratchLength == SCRATCH_BYTES) {
            consume(SCRATCH_BYTES / STRIPE_BYTES);
            scratchLength = 0;
        }
    }

    /** Mixes stripes of the scratch into the lanes. */
    private void consume(int stripes) {
        int groups = machineCode ? stripes / GROUP_STRIPES : 0;
        if (groups > 0) {
            Native.consume(scratch.bytes(), 0, groups, lanes);
        }
        int[] words = scratch.array();
        int[] l = lanes.array();
        int l0 = l[0];
        int l1 = l[1];
        int l2 = l[2];
        int l3 = l[3];
        for (int i = 4 * GROUP_STRIPES * groups, end = 4 * stripes; i < end; i += 4) {
            l0 = Integer.rotateLeft(l0 + words[i] * PRIME2, 13) * PRIME1;
            l1 = Integer.rotateLeft(l1 + words[i + 1] * PRIME2, 13) * PRIME1;
            l2 = Integer.rotateLeft(l2 + words[i + 2] * PRIME2, 13) * PRIME1;
            l3 = Integer.rotateLeft(l3 + words[i + 3] * PRIME2, 13) * PRIME1;
        }
        setLanes(l0, l1, l2, l3);
    }

    /**
     * The same loop as machine code, without a copy. Adding, rotating and multiplying in a lane takes five cycles, which is all
     * that a stripe needs to take if a vector makes the other products: a core multiplies one pair of words a cycle.
     */
    private static final class Native {
        private static final Gp[] LANES = {Gp.RAX, Gp.R9, Gp.R10, Gp.R11};
        private static final MethodHandle CONSUME = MachineCode.link(code());

        static void consume(MemorySegment data, long position, long groups, Words lanes) {
            Objects.checkFromIndexSize(position, groups * GROUP_BYTES, data.byteSize());
            try {
                long ignored =
                        (long) CONSUME.invokeExact(data, lanes.bytes(), MemorySegment.NULL, position, groups, 0L);
            } catch (RuntimeException | Error e) {
                throw e; // a segment that is closed, or another thread's
            } catch (Throwable e) {
                throw new IllegalStateException("a native call failed", e);
            }
        }

        private static Assembler code() {
            var asm = new Assembler(false); // nothing is gained by wider vectors
            var group = new Label();
            Vec factor = Vec.ymm(0);
            Vec products = Vec.ymm(1);
            int halfBytes = GROUP_BYTES / 2;
            asm.add(Gp.RDI, Gp.RCX);
            asm.mov(Gp.RCX, PRIME2);
            asm.vmovq(factor, Gp.RCX);
            asm.vpbroadcastd(factor, factor);
            asm.mov(Gp.RCX, PRIME1);
            for (int i = 0; i < LANES.length; i++) {
                asm.mov32(LANES[i], Mem.at(Gp.RSI, Integer.BYTES * i));
            }
            asm.bind(group);
            for (int half = 0; half < GROUP_BYTES; half += halfBytes) {
                asm.vpmulld(products, factor, Mem.at(Gp.RDI, half));
                asm.vmovdqu32(Mem.at(Gp.RSP, half - GROUP_BYTES), products); // no call follows, so this is ours
            }
            for (int i = 0; i < GROUP_STRIPES * LANES.length; i++) {
                Gp lane = LANES[i % LANES.length];
                asm.add32(lane, Mem.at(Gp.RSP, Integer.BYTES * i - GROUP_BYTES));
                asm.rol32(lane, 13);
                asm.imul32(lane, Gp.RCX);
            }
            asm.add(Gp.RDI, GROUP_BYTES);
            asm.sub(Gp.R8, 1);
            asm.j(Condition.NOT_ZERO, group);
            for (int i = 0; i < LANES.length; i++) {
                asm.mov32(Mem.at(Gp.RSI, Integer.BYTES * i), LANES[i]);
            }
            asm.vzeroupper();
            asm.ret();
            return asm;
        }
    }
}
