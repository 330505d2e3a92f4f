// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.simd.Blake3;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.bouncycastle.crypto.digests.Blake3Digest;
import org.bouncycastle.crypto.params.Blake3Parameters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Keyed BLAKE3 of a batch of small messages, as the records and files of a directory are: one operation is the batch. */
public class Blake3BatchBenchmark extends Suite {
    private static final byte[] KEY = Data.RANDOM.bytes(Blake3.DIGEST_BYTES, 1);

    /** The messages, one after the other, each at an odd offset. Owns their arena. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Batch {
        /** Bytes of one message: a tree node's key, an index record, small files. */
        @Param({"64", "256", "1024", "4096", "16384"})
        public int messageSize;

        /** Messages in the batch. */
        @Param({"64"})
        public int messages;

        private final Blake3Digest judge = new Blake3Digest(Blake3.DIGEST_BYTES * Byte.SIZE);
        private Arena arena;
        private MemorySegment[] segments;
        private byte[] heap;
        private byte[] digests;

        /** Makes the messages. */
        @Setup
        public void prepare() {
            judge.init(Blake3Parameters.key(KEY));
            heap = Data.RANDOM.bytes(messageSize * messages, messageSize);
            digests = new byte[messages * Blake3.DIGEST_BYTES];
            arena = Arena.ofConfined();
            long stride = messageSize + 13L;
            MemorySegment memory = arena.allocate(stride * messages + 1, 64);
            segments = new MemorySegment[messages];
            for (int i = 0; i < messages; i++) {
                segments[i] = memory.asSlice(1 + i * stride, messageSize);
                MemorySegment.copy(heap, i * messageSize, segments[i], ValueLayout.JAVA_BYTE, 0, messageSize);
            }
        }

        /** Frees the messages. */
        @TearDown
        public void close() {
            arena.close();
        }

        void count(Bytes bytes) {
            bytes.bytes += heap.length;
        }
    }

    /** Armoire's hasher. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Ours {
        private Blake3 hasher;
        private byte[] digests;
        private MemorySegment out;

        /** Compares all digests with the judge's. */
        @Setup
        public void prepare(Form form, Batch batch) {
            hasher = Blake3.keyed(KEY);
            digests = new byte[batch.digests.length];
            out = MemorySegment.ofArray(digests);
            check(Arrays.equals(hash(batch), hashWithJudge(batch)), "the BLAKE3 of a batch is not Bouncy Castle's");
        }

        byte[] hash(Batch batch) {
            long at = 0;
            for (MemorySegment message : batch.segments) {
                hasher.update(message);
                hasher.digest(out, at);
                at += Blake3.DIGEST_BYTES;
            }
            return digests;
        }
    }

    /** Armoire. */
    @Benchmark
    public byte[] hash(Form form, Batch batch, Ours ours, Bytes bytes) {
        batch.count(bytes);
        return ours.hash(batch);
    }

    /** What a user would pick instead. */
    @Benchmark
    public byte[] hashByBouncyCastle(Batch batch, Bytes bytes) {
        batch.count(bytes);
        return hashWithJudge(batch);
    }

    private static byte[] hashWithJudge(Batch batch) {
        for (int i = 0; i < batch.messages; i++) {
            batch.judge.update(batch.heap, i * batch.messageSize, batch.messageSize);
            batch.judge.doFinal(batch.digests, i * Blake3.DIGEST_BYTES);
        }
        return batch.digests;
    }
}
