// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import static dev.armoire.simd.x86.Gp.R10;
import static dev.armoire.simd.x86.Gp.R11;
import static dev.armoire.simd.x86.Gp.R12;
import static dev.armoire.simd.x86.Gp.R13;
import static dev.armoire.simd.x86.Gp.R8;
import static dev.armoire.simd.x86.Gp.R9;
import static dev.armoire.simd.x86.Gp.RAX;
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
import dev.armoire.simd.x86.Vec;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;

/**
 * {@link Entropy} as machine code: counting, and eight logarithms at once, or four with AVX2, by the very operations of
 * {@link Entropy#log2} in their order, none of them fused, so that every bit is the same.
 */
final class NativeEntropy {
    /** What 32-bit counters can count. */
    static final long MAX_BYTES = 0xFFFF_FFFFL;

    /** Most bytes of one call, which garbage collection has to wait for: a third of a millisecond. */
    private static final long CALL_BYTES = 1 << 20;

    private static final int TABLE_BYTES = 256 * Integer.BYTES;
    private static final int TABLES = 4;
    /** From here on runs of one value would wait for their own last increment more than clearing four tables costs. */
    private static final int MANY_BYTES = 2048;

    /** Four tables of counters, then eight terms. */
    private static final int TERMS_AT = TABLES * TABLE_BYTES;

    private static final int SCRATCH_BYTES = TERMS_AT + 8 * Double.BYTES;

    private static final double EXPONENT_OF_HALF = 1022;

    /**
     * A double with all bits of its fraction clear: an integer there is what it is more than this. AVX2 has no instruction
     * to convert unsigned integers.
     */
    private static final double INTEGER = 0x1p52;

    private static final MemorySegment CONSTANTS = MemorySegment.ofArray(new double[] {
        Entropy.INVERSE_LN2,
        Entropy.HALF_SQRT2,
        Entropy.LN2_HIGH,
        Entropy.LN2_LOW,
        Entropy.L1,
        Entropy.L2,
        Entropy.L3,
        Entropy.L4,
        Entropy.L5,
        Entropy.L6,
        Entropy.L7,
        0.5,
        1,
        2,
        EXPONENT_OF_HALF,
        Double.longBitsToDouble(Entropy.MANTISSA_MASK),
        INTEGER,
        INTEGER + EXPONENT_OF_HALF,
        -1
    });

    // Handles must be constants to be called without a detour.

    private static final class Avx512 {
        static final MethodHandle CODE = MachineCode.link(new Code(true).assemble());
    }

    private static final class Avx2 {
        static final MethodHandle CODE = MachineCode.link(new Code(false).assemble());
    }

    private static final ThreadLocal<MemorySegment> SCRATCH =
            ThreadLocal.withInitial(() -> MemorySegment.ofArray(new long[SCRATCH_BYTES / Long.BYTES]));

    private NativeEntropy() {}

    /** As {@link Entropy#ofBytes}, for 1 to {@link #MAX_BYTES} bytes, by code for AVX-512 or for AVX2. */
    static double ofBytes(MemorySegment data, boolean isAvx512) {
        long length = data.byteSize();
        MemorySegment scratch = SCRATCH.get();
        long bits = 0;
        for (long from = 0; from < length; from += CALL_BYTES) {
            bits = call(isAvx512, data, scratch, from, Math.min(length, from + CALL_BYTES), length);
        }
        return Double.longBitsToDouble(bits);
    }

    private static long call(
            boolean isAvx512, MemorySegment data, MemorySegment scratch, long from, long to, long length) {
        try {
            return isAvx512
                    ? (long) Avx512.CODE.invokeExact(data, scratch, CONSTANTS, from, to, length)
                    : (long) Avx2.CODE.invokeExact(data, scratch, CONSTANTS, from, to, length);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("a native call failed", e);
        }
    }

    /**
     * {@code long entropy(byte *data, void *scratch, double *constants, long from, long to, long length)}: clears the counters
     * if {@code from} is 0, counts the bytes of [from, to), and if {@code to} is {@code length} returns the entropy's bits.
     */
    private static final class Code {
        private static final Gp DATA = RDI;
        private static final Gp SCRATCH = RSI;
        private static final Gp CONSTANTS = R10;
        private static final Gp TO = R8;
        private static final Gp LENGTH = R9;
        /** All the same for few bytes. */
        private static final Gp[] TABLE = {RSI, R11, R12, R13};

        // Places among the constants. Those of before INTEGER have registers of their own with AVX-512.
        private static final int INVERSE_LN2 = 0;
        private static final int HALF_SQRT2 = 1;
        private static final int LN2_HIGH = 2;
        private static final int LN2_LOW = 3;
        /** L1 to L7 follow each other. */
        private static final int L = 3;

        private static final int HALF = 11;
        private static final int ONE = 12;
        private static final int TWO = 13;
        private static final int EXPONENT_OF_HALF = 14;
        private static final int MANTISSA = 15;
        private static final int INTEGER = 16;
        private static final int INTEGER_AND_EXPONENT_OF_HALF = 17;
        private static final int MINUS_ONE = 18;
        private static final int FIRST_CONSTANT = 16;
        private static final int FIRST_AND_SECOND_OR_THIRD = 0xEA;
        private static final int ALL_ZERO = 0xF;

        private static final List<Gp> SAVED = List.of(RBX, R12, R13);

        private final boolean isAvx512;
        private final int vectorBytes;
        private final Assembler asm;
        private final Label isMore = new Label();

        Code(boolean isAvx512) {
            this.isAvx512 = isAvx512;
            this.vectorBytes = isAvx512 ? 64 : 32;
            this.asm = new Assembler(isAvx512);
        }

        private Vec vec(int number) {
            return new Vec(number, vectorBytes * Byte.SIZE);
        }

        /** Where a constant is in all lanes: for AVX2 in a register that the next one takes. */
        private Vec constant(int place) {
            if (isAvx512) {
                return vec(FIRST_CONSTANT + place);
            }
            asm.vpbroadcastq(vec(13), Mem.at(CONSTANTS, place * Double.BYTES));
            return vec(13);
        }

        Assembler assemble() {
            for (Gp saved : SAVED) {
                asm.push(saved);
            }
            asm.mov(CONSTANTS, RDX);
            setTables();
            clearOnce();
            count();
            asm.xor32(RAX, RAX);
            asm.cmp(TO, LENGTH);
            asm.j(Condition.NOT_ZERO, isMore);
            entropy();
            asm.vzeroupper();
            asm.bind(isMore);
            for (Gp saved : SAVED.reversed()) {
                asm.pop(saved);
            }
            asm.ret();
            return asm;
        }

        private void setTables() {
            var isSet = new Label();
            for (int i = 1; i < TABLES; i++) {
                asm.mov(TABLE[i], SCRATCH);
            }
            asm.cmp(LENGTH, MANY_BYTES);
            asm.j(Condition.BELOW, isSet);
            for (int i = 1; i < TABLES; i++) {
                asm.add(TABLE[i], i * TABLE_BYTES);
            }
            asm.bind(isSet);
        }

        private void clearOnce() {
            var isClear = new Label();
            var loop = new Label();
            asm.test(RCX, RCX);
            asm.j(Condition.NOT_ZERO, isClear);
            asm.vpxord(vec(0), vec(0), vec(0));
            asm.mov(RAX, SCRATCH);
            asm.lea(RDX, Mem.at(TABLE[TABLES - 1], TABLE_BYTES));
            asm.bind(loop);
            asm.vmovdqu32(Mem.at(RAX), vec(0));
            asm.add(RAX, vectorBytes);
            asm.cmp(RAX, RDX);
            asm.j(Condition.BELOW, loop);
            asm.bind(isClear);
        }

        /** Eight bytes a turn, each neighbour in another table. */
        private void count() {
            var loop = new Label();
            var bytes = new Label();
            var end = new Label();
            Gp stop = RCX;
            asm.lea(RDX, Mem.at(DATA, TO, 1, 0));
            asm.add(DATA, RCX);
            asm.bind(loop);
            asm.lea(stop, Mem.at(DATA, Long.BYTES));
            asm.cmp(stop, RDX);
            asm.j(Condition.ABOVE, bytes);
            asm.mov(RAX, Mem.at(DATA));
            for (int i = 0; i < Long.BYTES; i += 2) {
                asm.movzx8(RBX, RAX);
                increment(i, RBX);
                asm.movzx8High(RBX, RAX);
                increment(i + 1, RBX);
                asm.shr(RAX, 2 * Byte.SIZE);
            }
            asm.mov(DATA, stop);
            asm.jmp(loop);
            asm.bind(bytes);
            asm.cmp(DATA, RDX);
            asm.j(Condition.NOT_BELOW, end);
            asm.movzx8(RBX, Mem.at(DATA));
            increment(0, RBX);
            asm.add(DATA, 1);
            asm.jmp(bytes);
            asm.bind(end);
        }

        private void increment(int table, Gp value) {
            asm.add32(Mem.at(TABLE[table % TABLES], value, Integer.BYTES, 0), 1);
        }

        /** Minus the sum of p * log2(p), in the order of the values as Go adds them; a vector of values a turn. */
        private void entropy() {
            Vec length = vec(15);
            Vec entropy = Vec.xmm(14);
            if (isAvx512) {
                for (int i = 0; i < INTEGER; i++) {
                    asm.vpbroadcastq(constant(i), Mem.at(CONSTANTS, i * Double.BYTES));
                }
                asm.vpbroadcastq(length, LENGTH);
                asm.vcvtuqq2pd(length, length);
            } else {
                asm.vmovq(Vec.xmm(15), LENGTH);
                asm.vpbroadcastq(length, length);
                toDouble(length);
            }
            asm.vpxord(entropy, entropy, entropy);
            var loop = new Label();
            var next = new Label();
            asm.xor32(RAX, RAX);
            asm.bind(loop);
            Vec counts = new Vec(0, vectorBytes * Byte.SIZE / 2);
            Vec p = vec(0);
            sumOfTables(counts);
            if (isAvx512) {
                asm.vptestnmq(1, counts, counts);
                asm.kmovq(RDX, 1);
                asm.cmp(RDX, ALL_ZERO);
            } else {
                asm.vptest(counts, counts);
            }
            asm.j(Condition.ZERO, next);
            if (isAvx512) {
                asm.vcvtudq2pd(p, counts);
            } else {
                asm.vpmovzxdq(p, counts);
                toDouble(p);
            }
            asm.vdivpd(p, p, length);
            log2(vec(1), p);
            // For p = 0 that is 0 times -1023, which changes no sum.
            asm.vmulpd(p, p, vec(1));
            asm.vmovdqu32(Mem.at(SCRATCH, TERMS_AT), p);
            for (int i = 0; i < vectorBytes; i += Double.BYTES) {
                asm.vsubsd(entropy, entropy, Mem.at(SCRATCH, TERMS_AT + i));
            }
            asm.bind(next);
            asm.add(RAX, vectorBytes / 2);
            asm.cmp(RAX, TABLE_BYTES);
            asm.j(Condition.BELOW, loop);
            asm.vmovq(RAX, entropy);
        }

        private void toDouble(Vec integers) {
            asm.vpor(integers, integers, constant(INTEGER));
            asm.vsubpd(integers, integers, constant(INTEGER));
        }

        private void sumOfTables(Vec sum) {
            var isOne = new Label();
            asm.vmovdqu32(sum, Mem.at(TABLE[0], RAX, 1, 0));
            asm.cmp(TABLE[0], TABLE[1]);
            asm.j(Condition.ZERO, isOne);
            for (int i = 1; i < TABLES; i++) {
                asm.vpaddd(sum, sum, Mem.at(TABLE[i], RAX, 1, 0));
            }
            asm.bind(isOne);
        }

        /** {@link Entropy#log2}, with its names. */
        private void log2(Vec result, Vec x) {
            Vec exponent = vec(2);
            Vec fraction = vec(3);
            asm.vpsrlq(exponent, x, 52);
            if (isAvx512) {
                asm.vcvtuqq2pd(exponent, exponent);
                asm.vsubpd(exponent, exponent, constant(EXPONENT_OF_HALF));
                asm.vmovdqa32(fraction, x);
                asm.vpternlogd(fraction, constant(MANTISSA), constant(HALF), FIRST_AND_SECOND_OR_THIRD);
            } else {
                asm.vpor(exponent, exponent, constant(INTEGER));
                asm.vsubpd(exponent, exponent, constant(INTEGER_AND_EXPONENT_OF_HALF));
                asm.vpand(fraction, x, constant(MANTISSA));
                asm.vpor(fraction, fraction, constant(HALF));
            }
            lnOfFraction(result, fraction);
            asm.vmulpd(result, result, constant(INVERSE_LN2));
            asm.vaddpd(result, result, exponent);
            if (isAvx512) {
                asm.vcmpeqpd(1, fraction, constant(HALF));
                asm.vsubpd(result, exponent, constant(ONE), 1);
            } // else that makes no difference: the logarithm of a half is -1 without it, too
        }

        private void lnOfFraction(Vec result, Vec fraction) {
            Vec k = vec(4);
            Vec f = vec(5);
            Vec s = vec(6);
            Vec s2 = vec(7);
            Vec s4 = vec(8);
            Vec r = vec(9);
            Vec t2 = vec(10);
            Vec h = vec(11);
            if (isAvx512) {
                asm.vmovdqa32(f, fraction);
                asm.vpxord(k, k, k);
                asm.vcmpltpd(1, fraction, constant(HALF_SQRT2));
                asm.vaddpd(f, fraction, fraction, 1);
                asm.vsubpd(k, k, constant(ONE), 1);
            } else {
                asm.vcmpltpd(k, fraction, constant(HALF_SQRT2));
                asm.vpand(f, k, fraction);
                asm.vaddpd(f, f, fraction);
                asm.vpand(k, k, constant(MINUS_ONE));
            }
            asm.vsubpd(f, f, constant(ONE));
            asm.vaddpd(s, f, constant(TWO));
            asm.vdivpd(s, f, s);
            asm.vmulpd(s2, s, s);
            asm.vmulpd(s4, s2, s2);
            polynomial(r, s4, 7, 5, 3, 1);
            asm.vmulpd(r, r, s2);
            polynomial(t2, s4, 6, 4, 2);
            asm.vmulpd(t2, t2, s4);
            asm.vaddpd(r, r, t2);
            asm.vmulpd(h, f, constant(HALF));
            asm.vmulpd(h, h, f);
            asm.vaddpd(r, r, h);
            asm.vmulpd(r, r, s);
            asm.vmulpd(t2, k, constant(LN2_LOW));
            asm.vaddpd(r, r, t2);
            asm.vsubpd(h, h, r);
            asm.vsubpd(h, h, f);
            asm.vmulpd(result, k, constant(LN2_HIGH));
            asm.vsubpd(result, result, h);
        }

        /** Coefficients from that of the highest power down. */
        private void polynomial(Vec result, Vec x, int highest, int... lower) {
            asm.vmulpd(result, x, constant(L + highest));
            for (int i = 0; i < lower.length; i++) {
                asm.vaddpd(result, result, constant(L + lower[i]));
                if (i + 1 < lower.length) {
                    asm.vmulpd(result, result, x);
                }
            }
        }
    }
}
