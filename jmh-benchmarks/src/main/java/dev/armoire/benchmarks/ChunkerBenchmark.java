// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.simd.Chunker;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Cutting content into chunks of the sizes that a new store has; one operation is one chunk, so that what is allocated is
 * what a chunk costs. {@code bytes} are bytes of content, {@code scanned} those after the smallest chunk size, which all that
 * is before it is not looked at for. JC jumps over part of those too.
 *
 * <p>The tables of the chunkers are private to their module, whose tests hold the slow references; here the cuts in native
 * memory must be those in an array, and known cuts must be proven. No FastCDC from a public repository takes part: the loop
 * of the paper stands in for what a user would pick instead.
 */
public class ChunkerBenchmark extends Suite {
    private static final int MIN_BYTES = 512 << 10;
    private static final int NORMAL_BYTES = 1 << 20;
    private static final int MAX_BYTES = 8 << 20;

    /** What was cut. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    public static class Cuts {
        /** Bytes of content; JMH reads the field and sets it to zero. */
        public long bytes;

        /** Bytes after the smallest chunk size. */
        public long scanned;

        long add(long length) {
            bytes += length;
            scanned += Math.max(0, length - MIN_BYTES);
            return length;
        }
    }

    /** Content in native memory at an odd offset, and how far it is cut. Owns its arena. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Source {
        /** Kind of bytes. */
        @Param
        public Data data;

        /** How many of them, as most files are not in any cache. */
        @Param({"64"})
        public int contentMiB;

        private Arena arena;
        private byte[] heap;
        private MemorySegment content;
        private long position;

        /** Makes the content. */
        @Setup
        public void prepare() {
            int length = contentMiB << 20;
            heap = data.bytes(length, 9);
            arena = Arena.ofConfined();
            content = arena.allocate(length + 64L, 64)
                    .asSlice(1 + new Random(9).nextInt(63), length)
                    .copyFrom(MemorySegment.ofArray(heap));
        }

        /** Frees it. */
        @TearDown
        public void close() {
            arena.close();
        }

        boolean isAtEnd() {
            return position == heap.length;
        }

        /** From where the last chunk ended; from the start again after the last one. */
        MemorySegment window() {
            if (isAtEnd()) {
                position = 0;
            }
            return content.asSlice(position);
        }
    }

    /** Armoire's chunker, and the cuts of the content. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Ours {
        /** Name of the algorithm as CONFIG has it, or the default one under a key. */
        @Param({"fastcdc-v1.0.0", "keyed fastcdc-v1.0.0", "fastcdc", "jc-v1.0.0", "jc-v1.1.0", "ultracdc-v1.0.0"})
        public String algorithm;

        private long[] lengths;
        private Chunker chunker;
        private int chunk;

        /** Cuts the content, and an array of the same bytes, and proves the cuts. */
        @Setup
        public void prepare(Form form, Source source) {
            chunker = algorithm.startsWith("keyed ")
                    ? Chunker.keyed(
                            algorithm.substring("keyed ".length()),
                            MIN_BYTES,
                            NORMAL_BYTES,
                            MAX_BYTES,
                            Data.RANDOM.bytes(32, 10))
                    : Chunker.of(algorithm, MIN_BYTES, NORMAL_BYTES, MAX_BYTES);
            MemorySegment heap = MemorySegment.ofArray(source.heap);
            lengths = new long[source.heap.length / MIN_BYTES + 1];
            long at = 0;
            for (int i = 0; at < source.heap.length; i++) {
                MemorySegment window = source.content.asSlice(at);
                lengths[i] = chunker.cut(window);
                check(lengths[i] == chunker.cut(heap.asSlice(at)), "another cut on the heap at " + at);
                check(chunker.cutsAt(window, lengths[i]), "the cut at " + at + " is not proven");
                at += lengths[i];
            }
        }

        private boolean prove(Source source, Cuts cuts) {
            MemorySegment window = source.window();
            if (source.position == 0) {
                chunk = 0;
            }
            long length = lengths[chunk++];
            source.position += cuts.add(length);
            return chunker.cutsAt(window, length);
        }
    }

    /** FastCDC as its paper has it: a table of random words, two masks, one byte at a time. */
    @State(Scope.Thread)
    public static class Textbook {
        private static final long MASK_BEFORE_NORMAL = 0xaaaaaaaaaaa00000L; // 22 bits
        private static final long MASK_AFTER_NORMAL = 0x9249249249249000L; // 18 bits
        private final long[] gear = new Random(11).longs(256).toArray();

        int cut(byte[] data, int from) {
            int end = Math.min(data.length - from, MAX_BYTES);
            int normal = Math.min(end, NORMAL_BYTES);
            long fingerprint = 0;
            int i = Math.min(end, MIN_BYTES);
            for (; i < normal; i++) {
                fingerprint = (fingerprint << 1) + gear[data[from + i] & 0xff];
                if ((fingerprint & MASK_BEFORE_NORMAL) == 0) {
                    return i;
                }
            }
            for (; i < end; i++) {
                fingerprint = (fingerprint << 1) + gear[data[from + i] & 0xff];
                if ((fingerprint & MASK_AFTER_NORMAL) == 0) {
                    return i;
                }
            }
            return end;
        }
    }

    /** Armoire. */
    @Benchmark
    public long cut(Form form, Source source, Ours ours, Cuts cuts) {
        long length = cuts.add(ours.chunker.cut(source.window()));
        source.position += length;
        return length;
    }

    /** "Is it still a cut?" of content that was cut before. */
    @Benchmark
    public boolean prove(Form form, Source source, Ours ours, Cuts cuts) {
        return ours.prove(source, cuts);
    }

    /** What a user would write instead. */
    @Benchmark
    public long cutByTextbook(Source source, Textbook textbook, Cuts cuts) {
        if (source.isAtEnd()) {
            source.position = 0;
        }
        long length = cuts.add(textbook.cut(source.heap, (int) source.position));
        source.position += length;
        return length;
    }
}
