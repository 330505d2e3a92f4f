// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.crypto.UnsupportedVersionException;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PackfileTest {
    private static final byte[] HELLO = "hello".getBytes(StandardCharsets.US_ASCII);

    /** The packfile of the vectors: a chunk, an empty chunk, padding. Returns its payload. */
    private static byte[] payload(BlobCodec codec, MacHasher hasher) {
        var payload = new ByteArrayOutputStream();
        try (var tail = new PackfileTail()) {
            long offset = 0;
            for (byte[] blob : new byte[][] {HELLO, new byte[0]}) {
                byte[] encoded = BlobCodecTest.encode(codec, MemorySegment.ofArray(blob));
                tail.add(ResourceType.CHUNK, hasher.mac(MemorySegment.ofArray(blob)), offset, encoded.length);
                payload.writeBytes(encoded);
                offset += encoded.length;
            }
            tail.add(ResourceType.RANDOM, Vectors.PADDING, offset, 3);
            payload.writeBytes(new byte[] {1, 2, 3});
            MemorySegment rest = tail.encode(payload.size(), Vectors.TIME_NANOS, codec, hasher);
            payload.writeBytes(rest.toArray(ValueLayout.JAVA_BYTE));
        }
        return payload.toByteArray();
    }

    @Test
    void uncompressedIsWrittenAsTheVectorSays() {
        try (StoreKeys keys = Vectors.plaintextKeys();
                BlobCodec codec = new BlobCodec(Compression.NONE, keys);
                Arena arena = Arena.ofConfined()) {
            MacHasher hasher = keys.newMacHasher();
            MemorySegment payload = MemorySegment.ofArray(payload(codec, hasher));
            assertThat(hasher.mac(payload)).isEqualTo(Vectors.PACKFILE);
            MemorySegment object = Envelope.wrap(ResourceType.PACKFILE, payload, hasher, arena);
            assertThat(Vectors.hex(object)).isEqualTo(Vectors.named("packfile-uncompressed"));
        }
    }

    /** The LZ4 vector stores its index raw; ours shrinks, so that only what is read can be compared. */
    @ParameterizedTest
    @CsvSource({
        "NONE,packfile-uncompressed,ebb7c615202c3e61e218e411786e1a07c5af0678b5694fa9d1bf0ef17673b463",
        "LZ4,packfile-lz4,b4d622dfced07e23ecc147cb14a54e93143f1ac721695141d2f0c3920aa126ad",
    })
    void vectorsAndOurOwnAreReadAlike(Compression compression, String vector, String name) {
        try (StoreKeys keys = Vectors.plaintextKeys();
                BlobCodec codec = new BlobCodec(compression, keys);
                Arena arena = Arena.ofConfined()) {
            MacHasher hasher = keys.newMacHasher();
            MemorySegment object = Vectors.segment(Vectors.named(vector));
            assertThat(hasher.mac(object.asSlice(16, object.byteSize() - 48)).hex())
                    .isEqualTo(name);
            readsBack(object, codec, hasher, arena);
            MemorySegment ours = MemorySegment.ofArray(payload(codec, hasher));
            readsBack(Envelope.wrap(ResourceType.PACKFILE, ours, hasher, arena), codec, hasher, arena);
        }
    }

    private static void readsBack(MemorySegment object, BlobCodec codec, MacHasher hasher, Arena arena) {
        PackfileReader packfile = PackfileReader.open(object, codec, hasher, arena, "vector");
        assertThat(packfile.createdNanos()).isEqualTo(Vectors.TIME_NANOS);
        assertThat(packfile.records()).isEqualTo(3);
        assertThat(packfile.type(0)).isEqualTo(ResourceType.CHUNK);
        assertThat(packfile.version(2)).isEqualTo(Version.V1_0_0);
        assertThat(packfile.type(2)).isEqualTo(ResourceType.RANDOM);
        assertThat(packfile.mac(0)).isEqualTo(Vectors.HELLO);
        assertThat(packfile.mac(1)).isEqualTo(Vectors.EMPTY);
        assertThat(packfile.mac(2)).isEqualTo(Vectors.PADDING);
        assertThat(packfile.blob(2).toArray(ValueLayout.JAVA_BYTE)).containsExactly(1, 2, 3);
        assertThat(codec.decode(packfile.blob(0), 5).toArray(ValueLayout.JAVA_BYTE))
                .isEqualTo(HELLO);
        assertThat(codec.decode(packfile.blob(1), 0).byteSize()).isZero();
        assertThat(packfile.offset(2) + packfile.length(2)).isEqualTo(packfile.blobBytes());
        assertThatThrownBy(() -> packfile.type(3)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void indexAndFooterAreThoseOfTheVectors() {
        try (StoreKeys keys = Vectors.plaintextKeys();
                BlobCodec codec = new BlobCodec(Compression.NONE, keys);
                var tail = new PackfileTail()) {
            tail.add(ResourceType.CHUNK, Vectors.PADDING, 7, 7);
            tail.reset();
            tail.add(ResourceType.CHUNK, Vectors.HELLO, 0, 5);
            tail.add(ResourceType.CHUNK, Vectors.EMPTY, 5, 0);
            tail.add(ResourceType.RANDOM, Vectors.PADDING, 5, 3);
            assertThat(tail.records()).isEqualTo(3);
            assertThat(Vectors.hex(tail.index())).isEqualTo(Vectors.named("packfile-index"));
            MemorySegment encoded = tail.encode(8, Vectors.TIME_NANOS, codec, keys.newMacHasher());
            assertThat(Vectors.hex(encoded))
                    .isEqualTo(Vectors.named("packfile-index") + Vectors.named("packfile-footer") + "38000000");
            assertThatThrownBy(() -> tail.add(ResourceType.CHUNK, Mac.ZERO, 0, 1L << 32))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void manyRecordsUnderEncryptionRoundTrip() {
        try (StoreKeys keys = StoreKeys.encrypted(Hashing.SHA256, new byte[32], "AES256-KW", 65_536);
                BlobCodec codec = new BlobCodec(Compression.LZ4, keys);
                var tail = new PackfileTail();
                Arena arena = Arena.ofConfined()) {
            MacHasher hasher = keys.newMacHasher();
            for (int i = 0; i < 5000; i++) {
                tail.add(ResourceType.VFS_ENTRY, new Mac(i, 1, 2, 3), 2L * i, 2);
            }
            MemorySegment rest = tail.encode(10_000, 77, codec, hasher);
            MemorySegment payload = arena.allocate(10_000 + rest.byteSize());
            payload.asSlice(10_000).copyFrom(rest);
            MemorySegment object = Envelope.wrap(ResourceType.PACKFILE, payload, hasher, arena);
            PackfileReader packfile = PackfileReader.open(object, codec, hasher, arena, "many");
            assertThat(packfile.records()).isEqualTo(5000);
            assertThat(packfile.mac(4999)).isEqualTo(new Mac(4999, 1, 2, 3));
            assertThat(packfile.offset(4999)).isEqualTo(9998);
            assertThat(packfile.createdNanos()).isEqualTo(77);
        }
    }

    @Test
    void everyFlippedBitIsFoundByTheEnvelope() {
        byte[] object = Vectors.bytes(Vectors.named("packfile-lz4"));
        try (StoreKeys keys = Vectors.plaintextKeys();
                BlobCodec codec = new BlobCodec(Compression.LZ4, keys);
                Arena arena = Arena.ofConfined()) {
            MacHasher hasher = keys.newMacHasher();
            for (int bit = 0; bit < object.length * 8; bit++) {
                byte[] broken = object.clone();
                broken[bit / 8] ^= (byte) (1 << (bit % 8));
                assertThatThrownBy(() ->
                                PackfileReader.open(MemorySegment.ofArray(broken), codec, hasher, arena, "broken"))
                        .isInstanceOfAny(CorruptDataException.class, UnsupportedVersionException.class);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"NONE,packfile-uncompressed", "LZ4,packfile-lz4"})
    void hostilePackfilesGiveTypedErrorsOnly(Compression compression, String vector) {
        try (StoreKeys keys = Vectors.plaintextKeys();
                BlobCodec codec = new BlobCodec(compression, keys)) {
            MacHasher hasher = keys.newMacHasher();
            int refused = Mutations.feed(Vectors.bytes(Vectors.named(vector)), 37, 5000, mutant -> {
                try (Arena arena = Arena.ofConfined()) {
                    PackfileReader packfile =
                            PackfileReader.openIndex(MemorySegment.ofArray(mutant), codec, hasher, arena, "mutant");
                    for (long i = 0; i < packfile.records(); i++) {
                        assertThat(packfile.blob(i).byteSize()).isEqualTo(packfile.length(i));
                    }
                }
            });
            assertThat(refused).isBetween(2000, 4999);
        }
    }

    /** A sound MAC over records that point out of the blobs: from a broken writer, not from damage. */
    @Test
    void recordsBeyondTheBlobsAreRefused() {
        for (long[] place : new long[][] {{0, 9}, {8, 1}, {9, 0}, {-1, 1}, {Long.MAX_VALUE, 5}}) {
            try (StoreKeys keys = Vectors.plaintextKeys();
                    BlobCodec codec = new BlobCodec(Compression.NONE, keys);
                    var tail = new PackfileTail();
                    Arena arena = Arena.ofConfined()) {
                MacHasher hasher = keys.newMacHasher();
                tail.add(ResourceType.CHUNK, Vectors.HELLO, place[0], place[1]);
                MemorySegment rest = tail.encode(8, 0, codec, hasher);
                MemorySegment payload = arena.allocate(8 + rest.byteSize());
                payload.asSlice(8).copyFrom(rest);
                MemorySegment object = Envelope.wrap(ResourceType.PACKFILE, payload, hasher, arena);
                assertThatThrownBy(() -> PackfileReader.open(object, codec, hasher, arena, "wrong"))
                        .isInstanceOf(CorruptDataException.class)
                        .hasMessageContaining("but the blobs end at 8");
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0,0",
        "1,0",
        "65535,255",
        "65536,255",
        "1048576,1023",
        "16777215,4095",
        "67108864,8191",
        "4294967295,65535"
    })
    void slackFollowsTheBitLength(long range, long slack) {
        assertThat(PackfileLayout.slackBytes(range)).isEqualTo(slack);
    }
}
