// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.KlosetException;
import dev.armoire.crypto.StoreKeys;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.provider.MethodSource;

/** Encrypted blobs of several segments: whatever was not made with the key is refused with our typed errors. */
class SegmentStreamFuzz {
    private static final int SEGMENT_BYTES = 64;

    private final BlobCodec codec = codec();

    private static BlobCodec codec() {
        return new BlobCodec(
                Compression.NONE, StoreKeys.encrypted(Hashing.BLAKE3, new byte[32], "AES256-KW", SEGMENT_BYTES));
    }

    static List<byte[]> seeds() {
        try (BlobCodec codec = codec()) {
            return IntStream.of(0, 1, SEGMENT_BYTES, 3 * SEGMENT_BYTES + 1)
                    .mapToObj(length -> BlobCodecTest.encode(codec, MemorySegment.ofArray(new byte[length])))
                    .toList();
        }
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "30s")
    void onlyTypedErrors(byte[] encoded) {
        try {
            codec.decode(MemorySegment.ofArray(encoded), 1 << 20);
        } catch (KlosetException e) {
            // as it should be
        }
    }
}
