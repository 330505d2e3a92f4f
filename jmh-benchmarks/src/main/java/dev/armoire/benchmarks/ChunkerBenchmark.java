// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.simd.Chunker;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Cutting random native memory into chunks with the sizes that a new store has. Its bytes per second are bytes of
 * content; those below the smallest chunk size are never looked at, so the scan itself is slower than that. Owns its
 * input's arena. The table of the chunker is private to its module, whose tests hold the slow reference; here the cuts
 * in native memory at an odd offset must be those in an array.
 */
@SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(value = 2, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class ChunkerBenchmark {
    private static final int CONTENT_BYTES = 64 << 20;
    private static final int MIN_BYTES = 512 << 10;
    private static final int NORMAL_BYTES = 1 << 20;
    private static final int MAX_BYTES = 8 << 20;

    /** Name of the algorithm as CONFIG has it. */
    @Param({"fastcdc", "fastcdc-v1.0.0"})
    public String algorithm = "";

    private Arena arena;
    private MemorySegment content;
    private Chunker chunker;

    /** Fills the content and compares its cuts with those of a copy on the heap. */
    @Setup
    public void prepare() {
        var random = new Random(CONTENT_BYTES);
        var bytes = new byte[CONTENT_BYTES];
        random.nextBytes(bytes);
        arena = Arena.ofConfined();
        content = arena.allocate(CONTENT_BYTES + 64L, 64).asSlice(1 + random.nextInt(63), CONTENT_BYTES);
        MemorySegment.copy(bytes, 0, content, ValueLayout.JAVA_BYTE, 0, CONTENT_BYTES);
        chunker = Chunker.of(algorithm, MIN_BYTES, NORMAL_BYTES, MAX_BYTES);
        MemorySegment onHeap = MemorySegment.ofArray(bytes);
        for (long at = 0; at < CONTENT_BYTES; ) {
            long length = chunker.cut(content.asSlice(at));
            long again = chunker.cut(onHeap.asSlice(at));
            if (length != again || length <= 0 || length > MAX_BYTES) {
                throw new IllegalStateException(
                        "at " + at + ": cut at " + length + " off the heap, at " + again + " on it");
            }
            at += length;
        }
    }

    /** Frees the content. */
    @TearDown
    public void close() {
        arena.close();
    }

    /** All chunks of the content. */
    @Benchmark
    public int cut(Bytes counter) {
        int chunks = 0;
        for (long at = 0; at < CONTENT_BYTES; chunks++) {
            at += chunker.cut(content.asSlice(at));
        }
        counter.bytes += CONTENT_BYTES;
        return chunks;
    }
}
