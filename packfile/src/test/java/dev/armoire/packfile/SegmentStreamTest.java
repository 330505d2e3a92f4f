// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.StoreKeys;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Encrypted blobs of several segments, damaged: every change is found, and only by typed errors. */
class SegmentStreamTest {
    private static final int SEGMENT_BYTES = 256;

    private final StoreKeys keys = StoreKeys.encrypted(Hashing.BLAKE3, new byte[32], "AES256-KW", SEGMENT_BYTES);

    private byte[] encoded(BlobCodec codec, int length) {
        byte[] plain = new byte[length];
        new Random(length).nextBytes(plain);
        return BlobCodecTest.encode(codec, MemorySegment.ofArray(plain));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 3 * SEGMENT_BYTES, 1000})
    void noMutantIsAcceptedUnlessItIsTheOriginal(int length) {
        try (keys;
                BlobCodec codec = new BlobCodec(Compression.NONE, keys)) {
            byte[] good = encoded(codec, length);
            Mutations.feed(good, length, 1500, mutant -> {
                MemorySegment plain = codec.decode(MemorySegment.ofArray(mutant), 1 << 16);
                // A stream cut between two segments authenticates: the format leaves its length to the MAC of the blob.
                assertThat(good).startsWith(mutant);
                assertThat(plain.byteSize()).isLessThanOrEqualTo(length);
            });
        }
    }

    @Test
    void segmentsOfOtherBlobsAreRefused() {
        try (keys;
                BlobCodec codec = new BlobCodec(Compression.NONE, keys)) {
            byte[] one = encoded(codec, 3 * SEGMENT_BYTES);
            byte[] other = encoded(codec, 3 * SEGMENT_BYTES);
            int sealed = SEGMENT_BYTES + 28; // nonce and tag
            byte[] mixed = one.clone();
            System.arraycopy(other, other.length - sealed, mixed, mixed.length - sealed, sealed);
            assertThatThrownBy(() -> codec.decode(MemorySegment.ofArray(mixed), 1 << 16))
                    .isInstanceOf(CorruptDataException.class);
        }
    }
}
