// SPDX-License-Identifier: ISC
package dev.armoire.packfile.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.util.ZstdVersion;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * zstd's C functions (zstd.h). Owns one context for each direction, kept from call to call: making one costs more than a
 * small blob. Results are lengths, or error codes, which are small negative numbers.
 */
final class NativeZstd implements ZstdFrames {
    private static final int COMPRESSION_LEVEL = 100; // ZSTD_c_compressionLevel
    private static final int CHECKSUM_FLAG = 201; // ZSTD_c_checksumFlag

    private final MemorySegment compression;
    private final MemorySegment decompression;
    private boolean closed;

    NativeZstd(int level) {
        compression = create(Library.CREATE_CCTX);
        set(COMPRESSION_LEVEL, level);
        set(CHECKSUM_FLAG, 1);
        decompression = create(Library.CREATE_DCTX);
    }

    static boolean isAvailable() {
        return Loaded.LIBRARY.isPresent();
    }

    @Override
    public long compress(MemorySegment source, MemorySegment target) {
        long written = call(Library.COMPRESS, compression, target, source);
        if (written < 0) {
            throw new IllegalArgumentException(source.byteSize() + " bytes do not compress into " + target.byteSize()
                    + ": zstd's error " + written);
        }
        return written;
    }

    @Override
    public long decompress(MemorySegment frames, MemorySegment target) {
        return call(Library.DECOMPRESS, decompression, target, frames);
    }

    private long call(MethodHandle function, MemorySegment context, MemorySegment target, MemorySegment source) {
        if (closed) {
            throw new IllegalStateException("these zstd contexts were closed");
        }
        try {
            return (long) function.invokeExact(context, target, target.byteSize(), source, source.byteSize());
        } catch (Throwable t) {
            throw PackedLibrary.unexpected(t);
        }
    }

    private static MemorySegment create(MethodHandle function) {
        MemorySegment context;
        try {
            context = (MemorySegment) function.invokeExact();
        } catch (Throwable t) {
            throw PackedLibrary.unexpected(t);
        }
        if (context.equals(MemorySegment.NULL)) {
            throw new OutOfMemoryError("no memory for a zstd context");
        }
        return context;
    }

    private void set(int parameter, int value) {
        long result;
        try {
            result = (long) Library.SET_PARAMETER.invokeExact(compression, parameter, value);
        } catch (Throwable t) {
            throw PackedLibrary.unexpected(t);
        }
        if (result < 0) {
            throw new IllegalArgumentException("zstd has no value " + value + " for its parameter " + parameter);
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            long freed = (long) Library.FREE_CCTX.invokeExact(compression);
            freed |= (long) Library.FREE_DCTX.invokeExact(decompression);
            assert freed == 0;
        } catch (Throwable t) {
            throw PackedLibrary.unexpected(t);
        }
    }

    private static final class Loaded {
        static final Optional<SymbolLookup> LIBRARY =
                PackedLibrary.load(Zstd.class, "/", "/libzstd-jni-" + ZstdVersion.VERSION);

        private Loaded() {}
    }

    private static final class Library {
        private static final FunctionDescriptor NEW = FunctionDescriptor.of(ADDRESS);
        private static final FunctionDescriptor FREE = FunctionDescriptor.of(JAVA_LONG, ADDRESS);

        /** {@code (context, target, targetBytes, source, sourceBytes)}. */
        private static final FunctionDescriptor CODE =
                FunctionDescriptor.of(JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG);

        static final MethodHandle CREATE_CCTX = handle("ZSTD_createCCtx", NEW);
        static final MethodHandle CREATE_DCTX = handle("ZSTD_createDCtx", NEW);
        static final MethodHandle FREE_CCTX = handle("ZSTD_freeCCtx", FREE);
        static final MethodHandle FREE_DCTX = handle("ZSTD_freeDCtx", FREE);
        static final MethodHandle SET_PARAMETER =
                handle("ZSTD_CCtx_setParameter", FunctionDescriptor.of(JAVA_LONG, ADDRESS, JAVA_INT, JAVA_INT));
        static final MethodHandle COMPRESS = handle("ZSTD_compress2", CODE);
        static final MethodHandle DECOMPRESS = handle("ZSTD_decompressDCtx", CODE);

        private Library() {}

        @SuppressWarnings("restricted")
        private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
            return Linker.nativeLinker()
                    .downcallHandle(Loaded.LIBRARY.orElseThrow().findOrThrow(name), descriptor);
        }
    }
}
