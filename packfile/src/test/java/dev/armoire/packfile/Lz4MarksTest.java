// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.SegmentTags;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.packfile.ffi.Lz4Library;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Parts of compressed blobs, decoded from marks, against the whole. */
@EnabledIf("isLibraryThere")
class Lz4MarksTest {
    private final Random random = new Random(17);

    static boolean isLibraryThere() {
        return Lz4Library.chosen() == Lz4Library.FOREIGN;
    }

    private static StoreKeys keys(boolean encrypted) {
        return encrypted
                ? StoreKeys.encrypted(Hashing.BLAKE3, new byte[32], "AES256-KW", 65_536)
                : Vectors.plaintextKeys();
    }

    /** Words, with stretches that do not compress and others that are one match. */
    private byte[] content(int length) {
        byte[] content = new byte[length];
        byte[][] words = new byte[300][];
        for (int i = 0; i < words.length; i++) {
            words[i] = Long.toString(random.nextLong(), 36).getBytes(StandardCharsets.US_ASCII);
        }
        for (int at = 0; at < length; ) {
            int kind = random.nextInt(2000);
            if (kind == 0) {
                at = Math.min(length, at + random.nextInt(200_000)); // zeros
            } else if (kind == 1) {
                byte[] noise = new byte[Math.min(length - at, random.nextInt(100_000))];
                random.nextBytes(noise);
                System.arraycopy(noise, 0, content, at, noise.length);
                at += noise.length;
            } else {
                byte[] word = words[random.nextInt(words.length)];
                int count = Math.min(length - at, word.length);
                System.arraycopy(word, 0, content, at, count);
                at += count;
            }
        }
        return content;
    }

    /** Read out of an array, as out of a store. */
    private static BlobCodec.EncodedBlob blob(BlobCodec codec, byte[] encoded) {
        return new BlobCodec.EncodedBlob(
                (offset, into) -> {
                    if (into.byteSize() > encoded.length - offset) {
                        throw new EOFException();
                    }
                    MemorySegment.copy(MemorySegment.ofArray(encoded), offset, into, 0, into.byteSize());
                },
                encoded.length,
                codec.tags(MemorySegment.ofArray(encoded)));
    }

    private static MemorySegment window(byte[] plain, Lz4Marks marks, int begin) {
        byte[] window = begin == 0
                ? new byte[0]
                : Arrays.copyOfRange(plain, marks.position(begin) - Lz4Marks.WINDOW_BYTES, marks.position(begin));
        return MemorySegment.ofArray(window);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aPartIsTheSameFromEveryMark(boolean encrypted) throws IOException {
        try (StoreKeys keys = keys(encrypted);
                BlobCodec codec = new BlobCodec(Compression.LZ4, keys)) {
            for (int length : new int[] {1 << 20, (4 << 20) - 3, 4 << 20, 200_001}) {
                byte[] plain = content(length);
                byte[] encoded = BlobCodecTest.encode(codec, MemorySegment.ofArray(plain));
                assertThat(codec.decode(MemorySegment.ofArray(encoded), length).byteSize())
                        .isEqualTo(length);
                Lz4Marks marks = codec.marks(length);
                assertThat(marks).isNotNull();
                assertThat(marks.count()).isGreaterThan(4);
                assertThat(marks.position(0)).isZero();
                assertThat(marks.position(marks.count() - 1)).isEqualTo(length);
                for (int begin = 0; begin < marks.count() - 1; begin++) {
                    int start = marks.position(begin);
                    if (begin > 0 && start < Lz4Marks.WINDOW_BYTES) {
                        continue;
                    }
                    for (int i = 0; i < 4; i++) {
                        int from = i == 0 ? start : start + random.nextInt(length - start);
                        int count = i == 1 ? length - from : 1 + random.nextInt(Math.min(70_000, length - from));
                        MemorySegment part = codec.decodePart(
                                blob(codec, encoded), marks, begin, window(plain, marks, begin), from, count);
                        assertThat(part)
                                .as("%s bytes at %s from mark %s", count, from, begin)
                                .isNotNull();
                        assertThat(part.toArray(ValueLayout.JAVA_BYTE))
                                .isEqualTo(Arrays.copyOfRange(plain, from, from + count));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatIsNotAsItWasGivesNothingOrOtherBytesAndNoMore(boolean encrypted) throws IOException {
        try (StoreKeys keys = keys(encrypted);
                BlobCodec codec = new BlobCodec(Compression.LZ4, keys)) {
            byte[] plain = content(700_000);
            byte[] encoded = BlobCodecTest.encode(codec, MemorySegment.ofArray(plain));
            var _ = codec.decode(MemorySegment.ofArray(encoded), plain.length);
            Lz4Marks marks = codec.marks(plain.length);
            assertThat(marks).isNotNull();
            int begin = 4;
            byte[] other = BlobCodecTest.encode(codec, MemorySegment.ofArray(content(90_000)));
            assertThat(codec.decodePart(
                            blob(codec, other), marks, marks.count() - 2, window(plain, marks, begin), 699_000, 900))
                    .isNull();
            if (encrypted) {
                // A changed segment is an error, which SegmentStreamTest shows; what opens, but is not what was there,
                // has other tags.
                MemorySegment swapped = MemorySegment.ofArray(encoded.clone());
                long segment = 12 + 65_536 + 16;
                MemorySegment.copy(MemorySegment.ofArray(encoded), 40, swapped, 40 + segment, segment);
                MemorySegment.copy(MemorySegment.ofArray(encoded), 40 + segment, swapped, 40, segment);
                SegmentTags tags = codec.tags(MemorySegment.ofArray(encoded));
                MemorySegment again = MemorySegment.ofArray(BlobCodecTest.encode(codec, MemorySegment.ofArray(plain)));
                for (MemorySegment stored : List.of(swapped, again)) {
                    BlobCodec.EncodedBlob blob = new BlobCodec.EncodedBlob(
                            (offset, into) -> MemorySegment.copy(stored, offset, into, 0, into.byteSize()),
                            stored.byteSize(),
                            tags);
                    assertThat(codec.decodePart(blob, marks, 0, window(plain, marks, 0), 0, 30_000))
                            .isNull();
                    assertThat(codec.decodePart(blob, 0, 30_000)).isNull();
                }
                return;
            }
            int same = 0;
            for (int i = 0; i < 500; i++) {
                byte[] changed = encoded.clone();
                for (int n = 0; n < 3; n++) {
                    changed[random.nextInt(changed.length)] ^= (byte) (1 + random.nextInt(255));
                }
                int from = marks.position(begin) + random.nextInt(200_000);
                MemorySegment part =
                        codec.decodePart(blob(codec, changed), marks, begin, window(plain, marks, begin), from, 50_000);
                if (part != null) {
                    assertThat(part.byteSize()).isEqualTo(50_000);
                    same += part.mismatch(MemorySegment.ofArray(plain).asSlice(from, 50_000)) < 0 ? 1 : 0;
                }
            }
            assertThat(same).isBetween(1, 499);
        }
    }

    @Test
    void onlyFramesOfOneCompressedBlockHaveMarks() {
        try (StoreKeys keys = keys(false);
                BlobCodec lz4 = new BlobCodec(Compression.LZ4, keys);
                BlobCodec zstd = new BlobCodec(Compression.ZSTD, keys)) {
            byte[] noise = new byte[100_000];
            random.nextBytes(noise);
            for (byte[] plain : new byte[][] {noise, new byte[0], new byte[(4 << 20) + 1]}) {
                var _ = lz4.decode(
                        MemorySegment.ofArray(BlobCodecTest.encode(lz4, MemorySegment.ofArray(plain))), plain.length);
                assertThat(lz4.marks(plain.length)).as("%s bytes", plain.length).isNull();
            }
            byte[] zeros = new byte[1 << 20];
            var _ = zstd.decode(
                    MemorySegment.ofArray(BlobCodecTest.encode(zstd, MemorySegment.ofArray(zeros))), zeros.length);
            assertThat(zstd.marks(zeros.length)).isNull();
            var _ = lz4.decode(
                    MemorySegment.ofArray(BlobCodecTest.encode(lz4, MemorySegment.ofArray(zeros))), zeros.length);
            Lz4Marks marks = lz4.marks(zeros.length);
            assertThat(marks).isNotNull();
            assertThat(marks.count()).as("one match and what is behind it").isBetween(2, 3);
            assertThat(lz4.marks(zeros.length - 1)).isNull();
        }
    }
}
