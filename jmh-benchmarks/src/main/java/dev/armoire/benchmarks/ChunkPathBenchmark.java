// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * All that one core does to new content of an encrypted store between reading and writing: cut, MAC, entropy, compress,
 * encrypt. One operation is one chunk.
 */
public class ChunkPathBenchmark extends Suite {

    /** Content in native memory, at an odd offset. Owns its arena. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Source {
        /** Kind of bytes. */
        @Param
        public Data data;

        /** How many of them. */
        @Param({"32"})
        public int contentMiB;

        private Arena arena;
        private MemorySegment content;

        /** Makes the content. */
        @Setup
        public void prepare() {
            int length = contentMiB << 20;
            arena = Arena.ofConfined();
            content =
                    arena.allocate(length + 1L, 64).asSlice(1).copyFrom(MemorySegment.ofArray(data.bytes(length, 13)));
        }

        /** Frees it. */
        @TearDown
        public void close() {
            arena.close();
        }
    }

    /** What one worker of the engine has. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Ours {
        private ChunkPath path;

        /** Decodes every chunk and compares it with the content. */
        @Setup
        public void prepare(Form form, Source source) {
            path = new ChunkPath(source.content);
            do {
                check(path.next() > 0, "an empty chunk");
                path.checkLast();
            } while (!path.atEnd());
        }

        /** Wipes the keys, frees the rest. */
        @TearDown
        public void close() {
            path.close();
        }
    }

    /** Armoire. */
    @Benchmark
    public long handle(Form form, Source source, Ours ours, Bytes bytes) {
        long length = ours.path.next();
        bytes.bytes += length;
        return length;
    }
}
