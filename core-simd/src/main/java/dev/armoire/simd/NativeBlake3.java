// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import dev.armoire.simd.ffi.MachineCode;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Objects;

/** BLAKE3 in machine code, where {@link MachineCode#refusal} has nothing against it. */
final class NativeBlake3 implements Blake3Kernel {
    private final MemorySegment tables;
    private final boolean isAvx512;

    /** @param isAvx512 whether it is code for AVX-512, or for AVX2 */
    NativeBlake3(int[] key, int modeFlags, boolean isAvx512) {
        this.tables = MemorySegment.ofArray(Blake3Code.tables(key, modeFlags));
        this.isAvx512 = isAvx512;
    }

    @Override
    public void compress(Words state, Words message, int at, int blocks, int length, long counter, int flags) {
        Objects.checkFromIndexSize(at, blocks * Blake3Code.BLOCK_WORDS, message.array().length);
        long place = (long) at * Integer.BYTES << Integer.SIZE | blocks;
        long last = (long) flags << Integer.SIZE | length;
        if (isAvx512) {
            call(Avx512.COMPRESS, message.bytes(), state.bytes(), place, counter, last);
        } else {
            call(Avx2.COMPRESS, message.bytes(), state.bytes(), place, counter, last);
        }
    }

    @Override
    public void hashTree(MemorySegment data, long position, int chunks, long counter, int levels, Words cvs) {
        Objects.checkFromIndexSize(position, (long) chunks * Blake3.CHUNK_BYTES, data.byteSize());
        Objects.checkFromIndexSize(0, (chunks + SPARE_CVS) * Blake3.CV_WORDS, cvs.array().length);
        long shape = (long) levels << Integer.SIZE | chunks;
        if (isAvx512) {
            call(Avx512Tree.FUNCTION, data, cvs.bytes(), position, counter, shape);
        } else {
            call(Avx2Tree.FUNCTION, data, cvs.bytes(), position, counter, shape);
        }
    }

    private void call(MethodHandle function, MemorySegment in, MemorySegment out, long a, long b, long c) {
        try {
            long ignored = (long) function.invokeExact(in, tables, out, a, b, c);
        } catch (RuntimeException | Error e) {
            throw e; // a segment that is closed, or another thread's
        } catch (Throwable e) {
            throw new IllegalStateException("a native call failed", e);
        }
    }

    // Handles must be constants to be called without a detour. Each is assembled when it is needed for the first time:
    // those for trees when there is something long to hash.

    private static final class Avx512 {
        static final MethodHandle COMPRESS = MachineCode.link(Blake3Code.compress());
    }

    private static final class Avx512Tree {
        static final MethodHandle FUNCTION = MachineCode.link(Blake3Code.tree(true));
    }

    private static final class Avx2 {
        static final MethodHandle COMPRESS = MachineCode.link(Blake3Code.compressAvx2());
    }

    private static final class Avx2Tree {
        static final MethodHandle FUNCTION = MachineCode.link(Blake3Code.tree(false));
    }
}
