// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import dev.armoire.simd.ffi.MachineCode;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Objects;

/** BLAKE3 in machine code, where {@link MachineCode#refusal} has nothing against it. */
final class NativeBlake3 implements Blake3Kernel {
    private static final MethodHandle COMPRESS = MachineCode.link(Blake3Code.compress());

    private final MemorySegment tables;

    NativeBlake3(int[] key, int modeFlags) {
        this.tables = MemorySegment.ofArray(Blake3Code.tables(key, modeFlags));
    }

    @Override
    public void compress(Words state, Words message, int at, int blocks, int length, long counter, int flags) {
        Objects.checkFromIndexSize(at, blocks * Blake3Code.BLOCK_WORDS, message.array().length);
        call(
                COMPRESS,
                message.bytes(),
                state.bytes(),
                (long) at * Integer.BYTES << Integer.SIZE | blocks,
                counter,
                (long) flags << Integer.SIZE | length);
    }

    @Override
    public void hashTree(MemorySegment data, long position, int chunks, long counter, int levels, Words cvs) {
        Objects.checkFromIndexSize(position, (long) chunks * Blake3.CHUNK_BYTES, data.byteSize());
        Objects.checkFromIndexSize(0, (chunks + SPARE_CVS) * Blake3.CV_WORDS, cvs.array().length);
        call(Tree.FUNCTION, data, cvs.bytes(), position, counter, (long) levels << Integer.SIZE | chunks);
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

    /** Assembled when there is something long to hash for the first time. */
    private static final class Tree {
        static final MethodHandle FUNCTION = MachineCode.link(Blake3Code.tree());
    }
}
