// SPDX-License-Identifier: ISC
package dev.armoire.packfile.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import net.jpountz.lz4.LZ4Factory;

/**
 * LZ4's C functions (lz4.h). Owns the state of the compressor, which spares clearing 16 KiB for each little block. None of
 * the handles is {@code critical}: a block of 4 MiB takes milliseconds, during which the collector would wait.
 */
final class NativeLz4 implements Lz4Blocks {
    /** LZ4_STREAM_MINSIZE: sizeof(LZ4_stream_t). */
    static final long STATE_BYTES = (16 << 10) + 32;

    private static final int NO_ACCELERATION = 1;

    private final Arena arena = Arena.ofShared(); // made, used and closed by different threads, one after the other
    private final MemorySegment state = arena.allocate(STATE_BYTES, 16); // zeros, as LZ4_initStream leaves it

    static boolean isAvailable() {
        return Library.LOADED.isPresent();
    }

    @Override
    public int compress(MemorySegment source, MemorySegment target) {
        int written;
        try {
            written = (int) Compress.HANDLE.invokeExact(
                    state,
                    source,
                    target,
                    Math.toIntExact(source.byteSize()),
                    Math.toIntExact(target.byteSize()),
                    NO_ACCELERATION);
        } catch (Throwable t) {
            throw PackedLibrary.unexpected(t);
        }
        if (written <= 0) {
            throw new IllegalArgumentException(
                    source.byteSize() + " bytes may need more than " + target.byteSize() + " when compressed");
        }
        return written;
    }

    @Override
    public int decompress(MemorySegment block, MemorySegment target) {
        try {
            return (int) Decompress.HANDLE.invokeExact(
                    block, target, Math.toIntExact(block.byteSize()), Math.toIntExact(target.byteSize()));
        } catch (Throwable t) {
            throw PackedLibrary.unexpected(t);
        }
    }

    @Override
    public int decompressFrom(MemorySegment sequences, MemorySegment target, int before) {
        MemorySegment written = target.asSlice(before);
        int room = Math.toIntExact(written.byteSize());
        try {
            return (int) DecompressFrom.HANDLE.invokeExact(
                    sequences, written, Math.toIntExact(sequences.byteSize()), room, room, target, before);
        } catch (Throwable t) {
            throw PackedLibrary.unexpected(t);
        }
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    private static final class Library {
        static final Optional<SymbolLookup> LOADED =
                PackedLibrary.load(LZ4Factory.class, "/net/jpountz/util/", "/liblz4-java");

        private Library() {}

        @SuppressWarnings("restricted")
        static MethodHandle handle(String name, MemoryLayout... arguments) {
            return Linker.nativeLinker()
                    .downcallHandle(LOADED.orElseThrow().findOrThrow(name), FunctionDescriptor.of(JAVA_INT, arguments));
        }
    }

    // Each handle in a class of its own: binding one takes milliseconds, and many commands need only one.

    private static final class Compress {
        /** {@code int (void* state, char* source, char* target, int sourceBytes, int targetBytes, int acceleration)}. */
        static final MethodHandle HANDLE = Library.handle(
                "LZ4_compress_fast_extState_fastReset", ADDRESS, ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT);

        private Compress() {}
    }

    private static final class Decompress {
        /** {@code int (char* block, char* target, int blockBytes, int targetBytes)}. */
        static final MethodHandle HANDLE = Library.handle("LZ4_decompress_safe", ADDRESS, ADDRESS, JAVA_INT, JAVA_INT);

        private Decompress() {}
    }

    private static final class DecompressFrom {
        /**
         * {@code int (char* sequences, char* target, int sequencesBytes, int wantedBytes, int targetBytes, char* before, int
         * beforeBytes)}; fastest where {@code before} ends at {@code target}.
         */
        static final MethodHandle HANDLE = Library.handle(
                "LZ4_decompress_safe_partial_usingDict",
                ADDRESS,
                ADDRESS,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                ADDRESS,
                JAVA_INT);

        private DecompressFrom() {}
    }
}
