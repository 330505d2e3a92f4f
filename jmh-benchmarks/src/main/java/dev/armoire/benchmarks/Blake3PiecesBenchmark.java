// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.simd.Blake3;
import dev.armoire.simd.Blake3Pieces;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.bouncycastle.crypto.digests.Blake3Digest;
import org.bouncycastle.crypto.params.Blake3Parameters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** A piece of a message, hashed where no leaf begins, and joined with what stands before it. */
public class Blake3PiecesBenchmark extends Suite {
    private static final byte[] KEY = Data.RANDOM.bytes(Blake3.DIGEST_BYTES, 1);
    private static final byte[] BEFORE = Data.RANDOM.bytes(1023, 2);

    /** Armoire's hasher, and the piece before. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Ours {
        private Blake3Pieces hasher;
        private Blake3Pieces.Piece before;

        /** Compares the first digest with Bouncy Castle's. */
        @Setup
        public void prepare(Form form, Content content) {
            hasher = Blake3Pieces.keyed(KEY);
            before = hasher.piece(MemorySegment.ofArray(BEFORE), 0);
            var judge = new Blake3Digest(Blake3.DIGEST_BYTES * Byte.SIZE);
            judge.init(Blake3Parameters.key(KEY));
            judge.update(BEFORE, 0, BEFORE.length);
            judge.update(content.heap, content.firstOffset(), content.size);
            byte[] expected = new byte[Blake3.DIGEST_BYTES];
            judge.doFinal(expected, 0);
            check(Arrays.equals(hasher.digest(join(content.first())), expected), "BLAKE3 is not Bouncy Castle's");
        }

        Blake3Pieces.Piece join(MemorySegment message) {
            return hasher.join(before, hasher.piece(message, BEFORE.length), BEFORE.length + message.byteSize());
        }
    }

    /** Armoire. */
    @Benchmark
    public Blake3Pieces.Piece join(Form form, Content content, Ours ours, Bytes bytes) {
        bytes.bytes += content.size;
        return ours.join(content.next());
    }
}
