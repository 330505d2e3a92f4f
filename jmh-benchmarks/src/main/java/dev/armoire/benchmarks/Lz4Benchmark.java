// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.packfile.ffi.Lz4Blocks;
import dev.armoire.packfile.ffi.Lz4Library;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * LZ4 blocks through java.lang.foreign, next to lz4-java with arrays, which is what a user of it would write. Bytes are those
 * of the plaintext, both ways.
 */
public class Lz4Benchmark extends Suite {
    /** Armoire's compressor. Owns its blocks. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Ours {
        /** Which of the library's faces. */
        @Param
        public Lz4Library library;

        private Arena arena;
        private Lz4Blocks blocks;
        private MemorySegment target;
        private MemorySegment block;
        private MemorySegment opened;

        /** Compresses and decompresses the first input. */
        @Setup
        public void prepare(Content content) {
            arena = Arena.ofConfined();
            blocks = library.open();
            target = arena.allocate(Lz4Blocks.maxCompressedLength(content.size));
            opened = arena.allocate(content.size);
            int length = blocks.compress(content.first(), target);
            block = arena.allocate(length).copyFrom(target.asSlice(0, length));
            check(blocks.decompress(block, opened) == content.size, "LZ4 lost bytes");
            check(opened.mismatch(content.first()) < 0, "LZ4 changed bytes");
        }

        /** Frees both. */
        @TearDown
        public void close() {
            blocks.close();
            arena.close();
        }
    }

    /** lz4-java through JNI, on arrays. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Judge {
        private final LZ4Compressor compressor = LZ4Factory.nativeInstance().fastCompressor();
        private final LZ4SafeDecompressor decompressor =
                LZ4Factory.nativeInstance().safeDecompressor();
        private byte[] target;
        private byte[] block;
        private byte[] opened;

        /** Compresses and decompresses the first input. */
        @Setup
        public void prepare(Content content) {
            target = new byte[compressor.maxCompressedLength(content.size)];
            opened = new byte[content.size];
            int length = compress(content, content.firstOffset());
            block = Arrays.copyOf(target, length);
            check(decompressor.decompress(block, opened) == content.size, "LZ4 lost bytes");
        }

        int compress(Content content, int offset) {
            return compressor.compress(content.heap, offset, content.size, target, 0);
        }
    }

    /** Armoire. */
    @Benchmark
    public int compress(Content content, Ours ours, Bytes bytes) {
        bytes.bytes += content.size;
        return ours.blocks.compress(content.next(), ours.target);
    }

    /** Armoire. */
    @Benchmark
    public int decompress(Content content, Ours ours, Bytes bytes) {
        bytes.bytes += content.size;
        return ours.blocks.decompress(ours.block, ours.opened);
    }

    /** What a user would write instead. */
    @Benchmark
    public int compressByLz4Java(Content content, Judge judge, Bytes bytes) {
        bytes.bytes += content.size;
        return judge.compress(content, content.nextOffset());
    }

    /** What a user would write instead. */
    @Benchmark
    public int decompressByLz4Java(Content content, Judge judge, Bytes bytes) {
        bytes.bytes += content.size;
        return judge.decompressor.decompress(judge.block, judge.opened);
    }
}
