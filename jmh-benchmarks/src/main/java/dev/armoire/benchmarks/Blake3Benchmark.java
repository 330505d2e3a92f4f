// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.simd.Blake3;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.bouncycastle.crypto.digests.Blake3Digest;
import org.bouncycastle.crypto.params.Blake3Parameters;
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

/** Keyed BLAKE3 over native memory, next to Bouncy Castle's over the heap. Owns its input's arena. */
@SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(value = 2, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class Blake3Benchmark {
    /** Message length in bytes: an index record, a small file, one BLAKE3 batch, a chunk. */
    @Param({"64", "4096", "65536", "1048576"})
    public int size;

    private final byte[] key = new byte[Blake3.DIGEST_BYTES];
    private Arena arena;
    private MemorySegment message;
    private byte[] heapMessage;
    private Blake3 ours;
    private Blake3Digest theirs;
    private MemorySegment digest;
    private byte[] heapDigest;

    /** Fills the message, at an odd offset, and compares both digests of it. */
    @Setup
    public void prepare() {
        var random = new Random(size);
        random.nextBytes(key);
        heapMessage = new byte[size];
        random.nextBytes(heapMessage);
        arena = Arena.ofConfined();
        message = arena.allocate(size + 64L, 64).asSlice(1 + random.nextInt(63), size);
        MemorySegment.copy(heapMessage, 0, message, ValueLayout.JAVA_BYTE, 0, size);
        ours = Blake3.keyed(key);
        theirs = new Blake3Digest(Blake3.DIGEST_BYTES * Byte.SIZE);
        theirs.init(Blake3Parameters.key(key));
        digest = arena.allocate(Blake3.DIGEST_BYTES);
        heapDigest = new byte[Blake3.DIGEST_BYTES];
        if (!Arrays.equals(hash().toArray(ValueLayout.JAVA_BYTE), reference())) {
            throw new IllegalStateException("the two digests of " + size + " bytes differ");
        }
    }

    /** Frees the message. */
    @TearDown
    public void close() {
        arena.close();
    }

    /** Armoire's kernel. */
    @Benchmark
    public MemorySegment armoire(Bytes counter) {
        counter.bytes += size;
        return hash();
    }

    /** The yardstick. */
    @Benchmark
    public byte[] bouncyCastle(Bytes counter) {
        counter.bytes += size;
        return reference();
    }

    private MemorySegment hash() {
        ours.update(message);
        ours.digest(digest, 0);
        return digest;
    }

    private byte[] reference() {
        theirs.update(heapMessage, 0, size);
        theirs.doFinal(heapDigest, 0);
        return heapDigest;
    }
}
