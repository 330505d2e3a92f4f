// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.StoreKeys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BlobCodecTest {
    private static StoreKeys keys(boolean encrypted) {
        return encrypted
                ? StoreKeys.encrypted(Hashing.BLAKE3, new byte[32], "AES256-KW", 65_536)
                : Vectors.plaintextKeys();
    }

    static byte[] encode(BlobCodec codec, MemorySegment plain) {
        byte[] out = new byte[Math.toIntExact(codec.prepare(plain))];
        codec.writeTo(MemorySegment.ofArray(out));
        return out;
    }

    @ParameterizedTest
    @CsvSource({"NONE,false", "NONE,true", "LZ4,false", "LZ4,true", "GZIP,false", "GZIP,true", "ZSTD,false", "ZSTD,true"
    })
    void roundTripsAroundAllBounds(Compression compression, boolean encrypted) {
        int mib4 = 4 << 20;
        try (StoreKeys keys = keys(encrypted);
                BlobCodec writer = new BlobCodec(compression, keys);
                BlobCodec reader = new BlobCodec(compression, keys);
                Arena arena = Arena.ofConfined()) {
            for (int length : new int[] {0, 1, 14, 15, 400, 65_535, 65_536, 65_537, mib4 - 1, mib4, mib4 + 1}) {
                byte[] plain = new byte[length];
                new Random(length).nextBytes(plain);
                Arrays.fill(plain, 0, length / 2, (byte) 'y');
                byte[] encoded = encode(writer, MemorySegment.ofArray(plain));
                MemorySegment decoded = reader.decode(MemorySegment.ofArray(encoded), length);
                assertThat(decoded.isReadOnly()).isTrue();
                assertThat(Arrays.equals(decoded.toArray(ValueLayout.JAVA_BYTE), plain))
                        .as("%s bytes", length)
                        .isTrue();

                MemorySegment nativePlain = arena.allocate(length).copyFrom(MemorySegment.ofArray(plain));
                MemorySegment nativeOut = arena.allocate(writer.prepare(nativePlain.asReadOnly()));
                writer.writeTo(nativeOut);
                decoded = reader.decode(nativeOut.asReadOnly(), length);
                assertThat(decoded.mismatch(MemorySegment.ofArray(plain))).isEqualTo(-1);
                if (length > 0) {
                    assertThatThrownBy(() -> reader.decode(nativeOut, length - 1))
                            .isInstanceOf(CorruptDataException.class);
                }
            }
        }
    }

    @Test
    void overheadIsWhatTheFormatSays() {
        try (StoreKeys keys = keys(true);
                BlobCodec codec = new BlobCodec(Compression.LZ4, keys)) {
            byte[] random = new byte[1000];
            new Random(1).nextBytes(random);
            assertThat(codec.prepare(MemorySegment.ofArray(random))).isEqualTo(1000 + 87);
            assertThat(codec.prepare(MemorySegment.ofArray(new byte[0]))).isEqualTo(83);
        }
    }

    @Test
    void preparingAndDecodingDoNotDisturbEachOther() {
        try (StoreKeys keys = keys(true);
                BlobCodec codec = new BlobCodec(Compression.LZ4, keys)) {
            byte[] first = encode(codec, MemorySegment.ofArray(new byte[] {1, 2, 3}));
            byte[] second = new byte[Math.toIntExact(codec.prepare(MemorySegment.ofArray(new byte[] {4, 5})))];
            MemorySegment decoded = codec.decode(MemorySegment.ofArray(first), 3);
            codec.writeTo(MemorySegment.ofArray(second));
            assertThat(decoded.toArray(ValueLayout.JAVA_BYTE)).containsExactly(1, 2, 3);
            assertThat(codec.decode(MemorySegment.ofArray(second), 3).toArray(ValueLayout.JAVA_BYTE))
                    .containsExactly(4, 5);
            assertThatThrownBy(() -> codec.writeTo(MemorySegment.ofArray(second)))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void scratchShrinksAfterABigUse() {
        try (var scratch = new ScratchBuffer()) {
            scratch.start(40 << 20).set(ValueLayout.JAVA_BYTE, 0, (byte) 7);
            assertThat(scratch.grow(50 << 20, 1).get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 7);
            assertThat(scratch.start(100).byteSize()).isLessThanOrEqualTo(16 << 20);
            long kept = scratch.start(10 << 20).byteSize();
            assertThat(scratch.start(100).byteSize()).isEqualTo(kept);
        }
    }

    @ParameterizedTest
    @CsvSource({"NONE,true", "LZ4,false", "LZ4,true", "GZIP,true", "ZSTD,false", "ZSTD,true"})
    void hostileBlobsGiveTypedErrorsOnly(Compression compression, boolean encrypted) {
        try (StoreKeys keys = keys(encrypted);
                BlobCodec codec = new BlobCodec(compression, keys)) {
            byte[] good = encode(codec, MemorySegment.ofArray(new byte[500]));
            int refused = Mutations.feed(good, 31, 3000, m -> codec.decode(MemorySegment.ofArray(m), 1 << 20));
            assertThat(refused).isGreaterThan(2500);
            assertThat(codec.decode(MemorySegment.ofArray(good), 500).byteSize())
                    .isEqualTo(500);
        }
    }
}
