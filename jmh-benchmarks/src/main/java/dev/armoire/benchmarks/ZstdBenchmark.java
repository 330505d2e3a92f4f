// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import dev.armoire.packfile.ffi.ZstdFrames;
import dev.armoire.packfile.ffi.ZstdLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * zstd frames through java.lang.foreign, next to zstd-jni with arrays, which is what a user of it would write. Bytes are
 * those of the plaintext, both ways.
 */
public class ZstdBenchmark extends Suite {
    /** zstd's compression level. */
    @State(Scope.Benchmark)
    public static class Level {
        /** 1 is the fastest, 3 what a store uses. */
        @Param({"1", "3"})
        public int level;
    }

    /** Armoire's compressor. Owns its contexts. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Ours {
        /** Which of the library's faces. */
        @Param
        public ZstdLibrary library;

        private Arena arena;
        private ZstdFrames frames;
        private MemorySegment target;
        private MemorySegment frame;
        private MemorySegment opened;

        /** Compresses and decompresses the first input. */
        @Setup
        public void prepare(Level level, Content content) {
            arena = Arena.ofConfined();
            frames = library.open(level.level);
            target = arena.allocate(ZstdFrames.maxCompressedLength(content.size));
            opened = arena.allocate(content.size);
            long length = frames.compress(content.first(), target);
            frame = arena.allocate(length).copyFrom(target.asSlice(0, length));
            check(frames.decompress(frame, opened) == content.size, "zstd lost bytes");
            check(opened.mismatch(content.first()) < 0, "zstd changed bytes");
        }

        /** Frees both. */
        @TearDown
        public void close() {
            frames.close();
            arena.close();
        }
    }

    /** zstd-jni on arrays. Owns its contexts. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Judge {
        private final ZstdCompressCtx compressor = new ZstdCompressCtx();
        private final ZstdDecompressCtx decompressor = new ZstdDecompressCtx();
        private byte[] target;
        private byte[] frame;
        private byte[] opened;

        /** Compresses and decompresses the first input. */
        @Setup
        public void prepare(Level level, Content content) {
            compressor.setLevel(level.level).setChecksum(true);
            target = new byte[(int) ZstdFrames.maxCompressedLength(content.size)];
            opened = new byte[content.size];
            int length = compress(content, content.firstOffset());
            frame = Arrays.copyOf(target, length);
            check(decompress() == content.size, "zstd lost bytes");
        }

        /** Frees the contexts. */
        @TearDown
        public void close() {
            compressor.close();
            decompressor.close();
        }

        int compress(Content content, int offset) {
            return compressor.compressByteArray(target, 0, target.length, content.heap, offset, content.size);
        }

        int decompress() {
            return decompressor.decompressByteArray(opened, 0, opened.length, frame, 0, frame.length);
        }
    }

    /** Armoire. */
    @Benchmark
    public long compress(Level level, Content content, Ours ours, Bytes bytes) {
        bytes.bytes += content.size;
        return ours.frames.compress(content.next(), ours.target);
    }

    /** Armoire. */
    @Benchmark
    public long decompress(Level level, Content content, Ours ours, Bytes bytes) {
        bytes.bytes += content.size;
        return ours.frames.decompress(ours.frame, ours.opened);
    }

    /** What a user would write instead. */
    @Benchmark
    public int compressByZstdJni(Level level, Content content, Judge judge, Bytes bytes) {
        bytes.bytes += content.size;
        return judge.compress(content, content.nextOffset());
    }

    /** What a user would write instead. */
    @Benchmark
    public int decompressByZstdJni(Level level, Content content, Judge judge, Bytes bytes) {
        bytes.bytes += content.size;
        return judge.decompress();
    }
}
