// SPDX-License-Identifier: ISC
package dev.armoire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.crypto.SegmentTags;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Compression;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Random reads of a file that is larger than the cache of chunks. */
class ReadInPartsTest {
    private static final int LENGTH = 8 << 20;
    private static final long CACHED_BYTES = 5 << 20;

    @TempDir
    Path folder;

    private final Random random = new Random(11);

    private static CreateOptions options(boolean encrypted) {
        return encrypted ? CreateOptions.encrypted(Trees.passphrase()) : CreateOptions.unencrypted();
    }

    /** What is read. */
    enum Kind {
        NOISE,
        TEXT,
        MIXED
    }

    private byte[] content(Kind kind) {
        byte[] content = new byte[LENGTH];
        random.nextBytes(content);
        if (kind == Kind.MIXED) {
            for (int at = 0; at < LENGTH; at += 2 << 20) {
                Arrays.fill(content, at, at + (1 << 20), (byte) (at >> 20));
            }
        } else if (kind == Kind.TEXT) {
            byte[] words = Arrays.copyOf(content, 8000);
            for (int at = 0; at < LENGTH; ) {
                int word = random.nextInt(1000);
                int length = Math.min(3 + word % 12, LENGTH - at);
                System.arraycopy(words, 8 * word, content, at, Math.min(length, 8));
                at += length;
            }
        }
        return content;
    }

    /** Goes on with a channel. */
    private interface Further {
        void read(SeekableByteChannel channel) throws IOException;
    }

    /** Backs a content up, reads it all over, and goes on. */
    private void afterReading(boolean encrypted, byte[] content, Further further) throws IOException {
        Path file = Files.write(folder.resolve("file"), content);
        try (Store store = Store.create(
                folder.resolve("store"),
                options(encrypted),
                OpenOptions.defaults().withReadCache(CACHED_BYTES))) {
            Snapshot snapshot = store.backup(file).snapshot();
            try (SeekableByteChannel channel = snapshot.openChannel(file.toString())) {
                readAbout(channel, content, 150);
                further.read(channel);
            }
        }
    }

    private void readAbout(SeekableByteChannel channel, byte[] content, int times) throws IOException {
        for (int i = 0; i < times; i++) {
            int length = 1 + random.nextInt(i % 10 == 0 ? 1 << 20 : 100_000);
            int position = random.nextInt(LENGTH - length);
            ByteBuffer into = ByteBuffer.allocate(length + 1).position(1);
            assertThat(channel.position(position).read(into)).isEqualTo(length);
            assertThat(into.flip().position(1)).isEqualTo(ByteBuffer.wrap(content, position, length));
        }
    }

    @ParameterizedTest
    @CsvSource({"false, MIXED", "true, NOISE", "false, TEXT", "true, TEXT"})
    void givesWhatIsThere(boolean encrypted, Kind kind) throws IOException {
        byte[] content = content(kind);
        afterReading(encrypted, content, channel -> {});
    }

    @ParameterizedTest
    @CsvSource({"false, NOISE", "true, NOISE", "false, TEXT", "true, TEXT"})
    void givesNothingThatWasChangedSince(boolean encrypted, Kind kind) throws IOException {
        byte[] content = content(kind);
        afterReading(encrypted, content, channel -> {
            change(folder.resolve("store/packfiles"));

            int refused = 0;
            for (int position = 0; position < LENGTH; position += 48 << 10) {
                ByteBuffer into = ByteBuffer.allocate(32 << 10);
                try {
                    channel.position((long) position * 41 % LENGTH).read(into);
                    assertThat(into.flip())
                            .isEqualTo(
                                    ByteBuffer.wrap(content, (int) ((long) position * 41 % LENGTH), into.remaining()));
                } catch (DamagedDataException e) {
                    assertThat(e).hasMessageContaining("packfile");
                    refused++;
                }
            }
            assertThat(refused).isGreaterThan(20);
        });
    }

    /** Of a compressed chunk that was verified as a whole a part is read from where its begin does not matter. */
    @Test
    void decodesPartsOfWhatIsCompressed() throws IOException {
        byte[] content = content(Kind.TEXT);
        afterReading(false, content, channel -> {
            int frames = changeBegins(folder.resolve("store/packfiles"));
            assertThat(frames).isGreaterThan(4);

            int given = 0;
            for (int position = 0; position < LENGTH - (32 << 10); position += 64 << 10) {
                ByteBuffer into = ByteBuffer.allocate(32 << 10);
                try {
                    channel.position(position).read(into);
                    assertThat(into.flip()).isEqualTo(ByteBuffer.wrap(content, position, into.remaining()));
                    given++;
                } catch (DamagedDataException e) {
                    assertThat(e).hasMessageContaining("packfile");
                }
            }
            // Of 127: not even the cache without any windows would hold so many.
            assertThat(given).isGreaterThan(85);
        });
    }

    /** A byte at the begin of each LZ4 frame's block. */
    private static int changeBegins(Path packfiles) throws IOException {
        int frames = 0;
        try (Stream<Path> files = Files.walk(packfiles)) {
            for (Path packfile : files.filter(Files::isRegularFile).toList()) {
                packfile.toFile().setWritable(true);
                byte[] bytes = Files.readAllBytes(packfile);
                for (int at = 0; at < bytes.length - 100; at++) {
                    if (bytes[at] == 0x04 && bytes[at + 1] == 0x22 && bytes[at + 2] == 0x4d && bytes[at + 3] == 0x18) {
                        bytes[at + 40] ^= 1;
                        frames++;
                    }
                }
                try (FileChannel written = FileChannel.open(packfile, StandardOpenOption.WRITE)) {
                    written.write(ByteBuffer.wrap(bytes));
                }
            }
        }
        return frames;
    }

    /** A bit in each 16 KiB. */
    private static void change(Path packfiles) throws IOException {
        try (Stream<Path> files = Files.walk(packfiles)) {
            for (Path packfile : files.filter(Files::isRegularFile).toList()) {
                packfile.toFile().setWritable(true);
                byte[] bytes = Files.readAllBytes(packfile);
                for (int at = 1000; at < bytes.length; at += 16 << 10) {
                    bytes[at] ^= 1;
                }
                try (FileChannel written = FileChannel.open(packfile, StandardOpenOption.WRITE)) {
                    written.write(ByteBuffer.wrap(bytes));
                }
            }
        }
    }

    @Test
    void aBlobThatWasWrittenAnewIsKnownAnew() {
        byte[] bytes = new byte[2 * KnownPieces.PIECE_BYTES];
        random.nextBytes(bytes);
        MemorySegment plain = MemorySegment.ofArray(bytes);
        try (StoreKeys keys = StoreKeys.encrypted(Hashing.BLAKE3, new byte[32], "AES256-KW", 65_536);
                BlobCodec codec = new BlobCodec(Compression.LZ4, keys)) {
            KnownPieces known = new KnownPieces(1 << 20, 1 << 20);
            SegmentTags tags = tags(codec, plain);
            MacHasher hasher = keys.newMacHasher();
            KnownPieces.Known first = known.add(new Mac(0, 0, 0, 0), plain, tags, null, hasher);
            assertThat(known.add(new Mac(0, 0, 0, 0), plain, tags, null, hasher))
                    .isSameAs(first);
            SegmentTags others = tags(codec, plain);
            assertThat(known.add(new Mac(0, 0, 0, 0), plain, others, null, hasher))
                    .isNotSameAs(first);
            assertThat(known.find(new Mac(0, 0, 0, 0), bytes.length, 1).tags).isSameAs(others);
        }
    }

    private static SegmentTags tags(BlobCodec codec, MemorySegment plain) {
        MemorySegment encoded = MemorySegment.ofArray(new byte[Math.toIntExact(codec.prepare(plain))]);
        codec.writeTo(encoded);
        return codec.tags(encoded);
    }

    @Test
    void knowsSomeChunksAndVerifiesTheirParts() {
        MacHasher hasher = StoreKeys.plaintext(Hashing.BLAKE3, new byte[16]).newMacHasher();
        byte[] bytes = new byte[3 * KnownPieces.PIECE_BYTES + 5];
        random.nextBytes(bytes);
        KnownPieces known = new KnownPieces(10 * 16, 1 << 20); // of ten pieces
        for (int i = 0; i < 3; i++) {
            known.add(new Mac(i, 0, 0, 0), MemorySegment.ofArray(bytes), null, null, hasher);
        }
        assertThat(known.find(new Mac(0, 0, 0, 0), bytes.length, 1)).isNull();
        KnownPieces.Known macs = known.find(new Mac(2, 0, 0, 0), bytes.length, bytes.length);
        MemorySegment end = MemorySegment.ofArray(bytes).asSlice(2L * KnownPieces.PIECE_BYTES);
        assertThat(KnownPieces.verify(macs, 2L * KnownPieces.PIECE_BYTES, end, hasher))
                .isTrue();
        assertThat(KnownPieces.verify(macs, KnownPieces.PIECE_BYTES, end.asSlice(0, KnownPieces.PIECE_BYTES), hasher))
                .isFalse();
        bytes[bytes.length - 1]++;
        assertThat(KnownPieces.verify(macs, 2L * KnownPieces.PIECE_BYTES, end, hasher))
                .isFalse();

        assertThat(known.find(new Mac(2, 0, 0, 0), bytes.length, 1)).isNotNull();
        assertThat(known.find(new Mac(2, 0, 0, 0), bytes.length, 1))
                .as("read so often in parts that all is to be read")
                .isNull();

        known.add(new Mac(3, 0, 0, 0), MemorySegment.ofArray(bytes), null, null, hasher);
        assertThat(known.find(new Mac(3, 0, 0, 0), bytes.length, bytes.length)).isNotNull();
        assertThat(known.find(new Mac(3, 0, 0, 0), bytes.length, 2 << 20)).isNotNull();
        assertThat(known.find(new Mac(3, 0, 0, 0), bytes.length, 1))
                .as("read in parts too seldom to stay in the cache")
                .isNotNull();
    }
}
