// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.crypto.StoreKeys;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reads every byte of stores that real Plakar wrote: each blob decodes and has the MAC its index says. */
class PlakarStoresTest {
    private static final Path FIXTURES = Path.of("..", "testdata", "fixtures");
    private static final byte[] PASSPHRASE = "correct horse battery staple 42!".getBytes(StandardCharsets.US_ASCII);
    private static final long NO_LIMIT = 1L << 32;
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static MemorySegment load(Path file) throws IOException {
        return MemorySegment.ofArray(Files.readAllBytes(file));
    }

    private static List<Path> objects(Path folder) throws IOException {
        try (Stream<Path> walk = Files.walk(folder)) {
            return walk.filter(file -> file.getFileName().toString().length() == 64)
                    .sorted()
                    .toList();
        }
    }

    private static StoreKeys keys(StoreConfig config) {
        return config.isEncrypted() ? config.unlock(PASSPHRASE) : config.plaintextKeys();
    }

    private static Set<String> blobs(PackfileReader packfile, BlobCodec codec, MacHasher hasher) {
        Set<String> names = new HashSet<>();
        for (long i = 0; i < packfile.records(); i++) {
            int type = packfile.type(i);
            if (type != ResourceType.RANDOM) {
                MemorySegment plain = codec.decode(packfile.blob(i), NO_LIMIT);
                // The MAC of a snapshot is its identifier, not of its content.
                if (type != ResourceType.SNAPSHOT) {
                    assertThat(hasher.mac(plain)).isEqualTo(packfile.mac(i));
                }
            }
            names.add(type + ":" + packfile.mac(i) + "@" + packfile.offset(i) + "+" + packfile.length(i));
        }
        return names;
    }

    private static Set<String> locations(MemorySegment object, BlobCodec codec, MacHasher hasher) {
        Set<String> names = new HashSet<>();
        Envelope state = Envelope.open(object, ResourceType.STATE, hasher, "a state");
        StateStream.read(
                codec.decode(state.payload(), NO_LIMIT), state.version(), "a state", new StateStream.Visitor() {
                    @Override
                    public void parent(Mac parent) {
                        assertThat(parent).isNotNull();
                    }

                    @Override
                    public void location(
                            int type,
                            int version,
                            MemorySegment stream,
                            long mac,
                            long packfile,
                            long offset,
                            long length) {
                        names.add(type + ":" + Mac.read(stream, mac) + "@" + offset + "+" + length);
                    }

                    @Override
                    public void coloured(int type, MemorySegment stream, long mac, long when) {
                        throw new AssertionError("nothing is coloured in these stores");
                    }

                    @Override
                    public void packfile(MemorySegment stream, long packfile, long state, long when) {
                        assertThat(when).isPositive();
                    }

                    @Override
                    public void deleted(int entryType, int type, MemorySegment stream, long mac, long packfile) {
                        throw new AssertionError("nothing is deleted in these stores");
                    }

                    @Override
                    public void trailer(int version, long timestamp, MemorySegment stream, long serial) {
                        assertThat(version).isEqualTo(Version.V1_1_0);
                    }
                });
        return names;
    }

    @ParameterizedTest
    @ValueSource(strings = {"plaintext", "encrypted", "sha256", "errors"})
    void everyObjectOfAStoreIsRead(String fixture) throws IOException {
        Path store = FIXTURES.resolve(fixture);
        MemorySegment configObject = load(store.resolve("CONFIG"));
        StoreConfig config = StoreConfig.parse(configObject);
        try (StoreKeys keys = keys(config);
                BlobCodec codec = BlobCodec.of(config, keys)) {
            StoreConfig.verify(configObject, keys);
            assertThat(config.encode())
                    .isEqualTo(configObject
                            .asSlice(16, configObject.byteSize() - 48)
                            .toArray(ValueLayout.JAVA_BYTE));
            MacHasher hasher = keys.newMacHasher();
            Set<String> inPackfiles = new HashSet<>();
            for (Path file : objects(store.resolve("packfiles"))) {
                try (Arena arena = Arena.ofConfined()) {
                    MemorySegment object = load(file);
                    PackfileReader packfile = PackfileReader.open(object, codec, hasher, arena, file.toString());
                    inPackfiles.addAll(blobs(packfile, codec, hasher));
                    assertThat(hasher.mac(object.asSlice(16, object.byteSize() - 48))
                                    .hex())
                            .isEqualTo(file.getFileName().toString());
                }
            }
            Set<String> inStates = new HashSet<>();
            for (Path file : objects(store.resolve("states"))) {
                inStates.addAll(locations(load(file), codec, hasher));
            }
            assertThat(inStates).isEqualTo(inPackfiles).isNotEmpty();
            if (Files.isDirectory(store.resolve("locks"))) {
                for (Path file : objects(store.resolve("locks"))) {
                    Envelope lock = Envelope.open(load(file), ResourceType.LOCK, hasher, file.toString());
                    MemorySegment record = codec.decode(lock.payload(), 1000);
                    LockRecord read = LockRecord.decode(record, file.toString());
                    assertThat(read.encode()).isEqualTo(record.toArray(ValueLayout.JAVA_BYTE));
                }
            }
        }
    }

    /** CONFIG, the packfile or the state of a {@code .ptar}, whose last 48 bytes say where they are (format 1 §16). */
    private static MemorySegment part(MemorySegment container, int which) {
        long at = container.byteSize() - 48 + 16L * which;
        return container.asSlice(container.get(U64, at), container.get(U64, at + Long.BYTES));
    }

    @Test
    void anEncryptedContainerIsRead() throws IOException {
        MemorySegment file = load(FIXTURES.resolve("encrypted.ptar"));
        MemorySegment configObject = part(file, 0);
        StoreConfig config = StoreConfig.parse(configObject);
        try (StoreKeys keys = keys(config);
                BlobCodec codec = BlobCodec.of(config, keys);
                Arena arena = Arena.ofConfined()) {
            StoreConfig.verify(configObject, keys);
            MacHasher hasher = keys.newMacHasher();
            PackfileReader packfile = PackfileReader.open(part(file, 1), codec, hasher, arena, "packfile");
            assertThat(locations(part(file, 2), codec, hasher))
                    .isEqualTo(blobs(packfile, codec, hasher))
                    .isNotEmpty();
        }
    }

    @Test
    void thePlaintextContainerOfTheVectorsIsRead() {
        MemorySegment file = Vectors.segment(Vectors.named("container-ptar"));
        MemorySegment configObject = part(file, 0);
        StoreConfig config = StoreConfig.parse(configObject);
        assertThat(config.packfile().maxSize()).isEqualTo(-1);
        try (StoreKeys keys = config.plaintextKeys();
                BlobCodec codec = BlobCodec.of(config, keys);
                Arena arena = Arena.ofConfined()) {
            StoreConfig.verify(configObject, keys);
            MacHasher hasher = keys.newMacHasher();
            PackfileReader packfile = PackfileReader.open(part(file, 1), codec, hasher, arena, "the packfile");
            assertThat(packfile.records()).isOne();
            assertThat(packfile.mac(0)).isEqualTo(Vectors.HELLO);
            assertThat(packfile.createdNanos()).isZero();
            assertThat(Envelope.open(part(file, 2), ResourceType.STATE, hasher, "the state")
                            .payload()
                            .byteSize())
                    .isEqualTo(228);
        }
    }
}
