// SPDX-License-Identifier: ISC
package dev.armoire.simd.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.armoire.simd.x86.Assembler;
import dev.armoire.simd.x86.Condition;
import dev.armoire.simd.x86.Gp;
import dev.armoire.simd.x86.Label;
import dev.armoire.simd.x86.Mem;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import org.jspecify.annotations.Nullable;

/**
 * Assembled code as a method handle, without a compiler, a library file or JNI. It runs at full speed from its first call,
 * where the same loop in Java is interpreted until the JIT has come round to it.
 *
 * <p>Code is written to fresh memory that becomes executable only after it is no longer writable, and stays for the life of
 * the process. Functions follow the C convention of x86-64 Linux: arguments in RDI, RSI, RDX, RCX, R8 and R9, the result
 * in RAX; RBX, RBP and R12 to R15 are preserved.
 *
 * <p>Calls do not leave the Java state of the thread ({@link Linker.Option#critical}), so segments may lie in the heap, and
 * garbage collection waits for a call to end: a function should return within a millisecond.
 */
public final class MachineCode {
    /** {@code (a, b, c, x, y, z) -> long}: one shape for all, because each new one costs start-up time. */
    private static final FunctionDescriptor SHAPE =
            FunctionDescriptor.of(JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    private static final long PROT_READ_WRITE = 0x3;
    private static final long PROT_READ_EXEC = 0x5;
    private static final long MAP_PRIVATE_ANONYMOUS = 0x22;
    private static final long NO_FILE = -1;
    private static final long LOWEST_ERROR = -4095;

    private static final @Nullable String REFUSAL;
    private static final boolean HAS_AVX512;
    private static final @Nullable Mapper MAPPER;

    static {
        Mapper mapper = null;
        String refusal = null;
        boolean hasAvx512 = false;
        try {
            if (!System.getProperty("os.name").equals("Linux")
                    || !System.getProperty("os.arch").equals("amd64")) {
                refusal = "not x86-64 Linux";
            } else {
                mapper = Mapper.ofSystem();
                int[] found = features(mapper);
                refusal = missingFeature(found);
                hasAvx512 = refusal == null && hasAvx512(found);
            }
        } catch (RuntimeException | LinkageError e) {
            // Hardened systems and JVMs without native access: the Java twins do the same work.
            refusal = "machine code is refused here: " + e.getMessage();
        }
        MAPPER = refusal == null ? mapper : null;
        REFUSAL = refusal;
        HAS_AVX512 = hasAvx512;
    }

    private MachineCode() {}

    /** Why machine code for AVX2, with AES and carry-less products, cannot run in this process, or null if it can. */
    public static @Nullable String refusal() {
        return REFUSAL;
    }

    /** Whether machine code may be for AVX-512 (F, DQ, BW, VL), too. */
    public static boolean hasAvx512() {
        return HAS_AVX512;
    }

    /**
     * Makes code executable.
     *
     * @return a handle of type {@code (MemorySegment, MemorySegment, MemorySegment, long, long, long)long}
     * @throws IllegalStateException if {@link #refusal} is not null, or the system has no memory for it
     */
    public static MethodHandle link(Assembler code) {
        if (MAPPER == null) {
            throw new IllegalStateException(String.valueOf(REFUSAL));
        }
        return MAPPER.link(code.toByteArray());
    }

    /** What puts code into memory, or null where {@link #refusal} says why it cannot. */
    static @Nullable Mapper mapper() {
        return MAPPER;
    }

    /** What asks the system for memory and puts code into it. */
    record Mapper(MethodHandle call, MemorySegment mmap, MemorySegment mprotect) {
        @SuppressWarnings("restricted")
        static Mapper ofSystem() {
            Linker linker = Linker.nativeLinker();
            MethodHandle call = linker.downcallHandle(SHAPE, Linker.Option.critical(true));
            return new Mapper(
                    call,
                    linker.defaultLookup().findOrThrow("mmap"),
                    linker.defaultLookup().findOrThrow("mprotect"));
        }

        @SuppressWarnings("restricted")
        MethodHandle link(byte[] code) {
            long address = map(code.length);
            if (address == 0) {
                throw new IllegalStateException("no memory for " + code.length + " bytes of code");
            }
            var memory = MemorySegment.ofAddress(address).reinterpret(code.length, Arena.global(), null);
            memory.copyFrom(MemorySegment.ofArray(code));
            if (call(mprotect, address, code.length, PROT_READ_EXEC, 0, 0) != 0) {
                throw new IllegalStateException("the system does not make memory executable");
            }
            return MethodHandles.insertArguments(call, 0, memory);
        }

        /** The address of fresh memory, all zeros, that can be read and written; 0 if there is none. */
        long map(long bytes) {
            long address = call(mmap, 0, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, NO_FILE);
            return Long.compareUnsigned(address, LOWEST_ERROR) >= 0 ? 0 : address;
        }

        /** Any function of up to five integers: pointers and numbers travel in the same registers. */
        long call(MemorySegment function, long a, long b, long c, long d, long e) {
            try {
                return (long) call.invokeExact(
                        function,
                        MemorySegment.ofAddress(a),
                        MemorySegment.ofAddress(b),
                        MemorySegment.ofAddress(c),
                        d,
                        e,
                        0L);
            } catch (Throwable e1) {
                throw new IllegalStateException("a native call failed", e1);
            }
        }
    }

    // --------------------------------------------------------------------------------------- what the CPU can do

    private static final int AES_PCLMULQDQ_OSXSAVE_AVX = 1 << 1 | 1 << 25 | 1 << 27 | 1 << 28;
    private static final int BMI1_AVX2 = 1 << 3 | 1 << 5;
    private static final int AVX512_F_DQ_BW_VL = 1 << 16 | 1 << 17 | 1 << 30 | 1 << 31;
    /** The system saves XMM and YMM registers. */
    private static final long YMM_STATE = 0x6;
    /** Mask registers and all parts of ZMM registers, too. */
    private static final long ZMM_STATE = 0xE6;

    private static int[] features(Mapper mapper) {
        int[] found = new int[4];
        try {
            long ignored = (long) mapper.link(cpuid().toByteArray())
                    .invokeExact(MemorySegment.ofArray(found), MemorySegment.NULL, MemorySegment.NULL, 0L, 0L, 0L);
            assert ignored == 0;
        } catch (Throwable e) {
            throw new IllegalStateException("a native call failed", e);
        }
        return found;
    }

    private static @Nullable String missingFeature(int[] found) {
        if ((found[0] & AES_PCLMULQDQ_OSXSAVE_AVX) != AES_PCLMULQDQ_OSXSAVE_AVX
                || (found[2] & YMM_STATE) != YMM_STATE) {
            return "no AES or PCLMULQDQ instructions, or no AVX state";
        }
        return (found[1] & BMI1_AVX2) == BMI1_AVX2 ? null : "no AVX2 and BMI1";
    }

    private static boolean hasAvx512(int[] found) {
        return (found[1] & AVX512_F_DQ_BW_VL) == AVX512_F_DQ_BW_VL && (found[2] & ZMM_STATE) == ZMM_STATE;
    }

    /** Fills a with ECX of leaf 1, EBX of leaf 7, and the lower half of XCR0 (0 where that cannot be asked for). */
    private static Assembler cpuid() {
        var asm = new Assembler();
        var noState = new Label();
        asm.push(Gp.RBX);
        asm.mov(Gp.RAX, 1);
        asm.xor32(Gp.RCX, Gp.RCX);
        asm.cpuid();
        asm.mov32(Mem.at(Gp.RDI, 0), Gp.RCX);
        asm.mov(Gp.RAX, 7);
        asm.xor32(Gp.RCX, Gp.RCX);
        asm.cpuid();
        asm.mov32(Mem.at(Gp.RDI, 4), Gp.RBX);
        asm.mov32(Gp.RAX, Mem.at(Gp.RDI, 0));
        asm.and(Gp.RAX, 1 << 27);
        asm.j(Condition.ZERO, noState);
        asm.xor32(Gp.RCX, Gp.RCX);
        asm.xgetbv();
        asm.mov32(Mem.at(Gp.RDI, 8), Gp.RAX);
        asm.bind(noState);
        asm.xor32(Gp.RAX, Gp.RAX);
        asm.pop(Gp.RBX);
        asm.ret();
        return asm;
    }
}
