// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.simd.Blake3;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.bouncycastle.crypto.digests.Blake3Digest;
import org.bouncycastle.crypto.params.Blake3Parameters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Keyed BLAKE3 of one message, next to Bouncy Castle's. */
public class Blake3Benchmark extends Suite {
    private static final byte[] KEY = Data.RANDOM.bytes(Blake3.DIGEST_BYTES, 1);

    /** Armoire's hasher. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Ours {
        private final byte[] digest = new byte[Blake3.DIGEST_BYTES];
        private final MemorySegment out = MemorySegment.ofArray(digest);
        private Blake3 hasher;

        /** Compares the first digest with the judge's. */
        @Setup
        public void prepare(Form form, Content content, Judge judge) {
            hasher = Blake3.keyed(KEY);
            hash(content.first());
            check(Arrays.equals(digest, judge.hash(content, content.firstOffset())), "BLAKE3 is not Bouncy Castle's");
        }

        byte[] hash(MemorySegment message) {
            hasher.update(message);
            hasher.digest(out, 0);
            return digest;
        }
    }

    /** Bouncy Castle's digest. */
    @State(Scope.Thread)
    public static class Judge {
        private final Blake3Digest digest = new Blake3Digest(Blake3.DIGEST_BYTES * Byte.SIZE);
        private final byte[] out = new byte[Blake3.DIGEST_BYTES];

        /** Sets the key. */
        @Setup
        public void prepare() {
            digest.init(Blake3Parameters.key(KEY));
        }

        byte[] hash(Content content, int offset) {
            digest.update(content.heap, offset, content.size);
            digest.doFinal(out, 0);
            return out;
        }
    }

    /** Armoire. */
    @Benchmark
    public byte[] hash(Form form, Content content, Ours ours, Bytes bytes) {
        bytes.bytes += content.size;
        return ours.hash(content.next());
    }

    /** What a user would pick instead. */
    @Benchmark
    public byte[] hashByBouncyCastle(Content content, Judge judge, Bytes bytes) {
        bytes.bytes += content.size;
        return judge.hash(content, content.nextOffset());
    }
}
