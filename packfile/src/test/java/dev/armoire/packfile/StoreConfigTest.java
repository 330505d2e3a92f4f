// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.crypto.Bytes;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.KeyDerivation;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.crypto.UnsupportedVersionException;
import dev.armoire.crypto.WrongPassphraseException;
import dev.armoire.packfile.StoreConfig.EncryptionSettings;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StoreConfigTest {
    private static final byte[] PASSPHRASE = "correct horse battery staple".getBytes(StandardCharsets.US_ASCII);
    private static final KeyDerivation CHEAP = new KeyDerivation.Pbkdf2(Vectors.SALT, 10, "SHA256");

    private static StoreConfig plain(Compression compression) {
        return StoreConfig.create(Vectors.TIME, Vectors.REPOSITORY, Hashing.BLAKE3, compression, null);
    }

    private static String object(StoreConfig config, StoreKeys keys) {
        try (Arena arena = Arena.ofConfined()) {
            return Vectors.hex(config.toObject(keys, arena));
        }
    }

    @Test
    void plaintextStoresAreWrittenAsTheVectorsSay() {
        try (StoreKeys keys = Vectors.plaintextKeys()) {
            assertThat(object(plain(Compression.LZ4), keys)).isEqualTo(Vectors.named("config-lz4"));
            assertThat(object(plain(Compression.NONE), keys)).isEqualTo(Vectors.named("config-uncompressed"));
        }
    }

    @Test
    void encryptedStoresAreWrittenAndOpenedAsTheVectorSays() {
        MemorySegment vector = Vectors.segment(Vectors.named("config-encrypted"));
        StoreConfig read = StoreConfig.parse(vector);
        assertThat(read.isEncrypted()).isTrue();
        try (StoreKeys keys = read.unlock(PASSPHRASE)) {
            StoreConfig.verify(vector, keys);
            EncryptionSettings settings = Objects.requireNonNull(read.encryption());
            assertThat(settings.kdf()).isEqualTo(new KeyDerivation.Argon2(Vectors.SALT, 4, 262_144, 1));
            StoreConfig made = StoreConfig.create(
                    Vectors.TIME,
                    Vectors.REPOSITORY,
                    Hashing.BLAKE3,
                    Compression.LZ4,
                    EncryptionSettings.create(settings.kdf(), settings.canary().toArray()));
            assertThat(made).isEqualTo(read);
            assertThat(object(made, keys)).isEqualTo(Vectors.named("config-encrypted"));
        }
        assertThatThrownBy(read::plaintextKeys).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void whatPlakarWroteIsReadAndWrittenAgain() {
        MemorySegment vector = Vectors.segment(Vectors.named("config-by-plakar"));
        StoreConfig config = StoreConfig.parse(vector);
        assertThat(config.timestamp()).isEqualTo(Instant.parse("2026-11-23T09:24:18.422288060Z"));
        assertThat(config.repositoryId()).isEqualTo(UUID.fromString("83300105-59ee-46bb-ae39-4f1e2482dba3"));
        assertThat(config.compressor()).isEqualTo(Compression.LZ4);
        assertThat(config.chunking())
                .isEqualTo(new StoreConfig.ChunkingSettings("fastcdc-v1.0.0", 512 << 10, 1 << 20, 8 << 20));
        assertThat(config.packfile().maxSize()).isEqualTo(64 << 20);
        try (StoreKeys keys = config.plaintextKeys()) {
            StoreConfig.verify(vector, keys);
            assertThat(object(config, keys)).isEqualTo(Vectors.named("config-by-plakar"));
        }
        assertThatThrownBy(() -> config.unlock(PASSPHRASE)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void everyKeyDerivationRoundTrips() {
        for (KeyDerivation kdf : new KeyDerivation[] {
            CHEAP, new KeyDerivation.Scrypt(Vectors.SALT, 16, 8, 1), new KeyDerivation.Argon2(Vectors.SALT, 1, 64, 2),
        }) {
            byte[] master = kdf.derive(PASSPHRASE);
            try (StoreKeys keys = StoreKeys.encrypted(Hashing.SHA256, master, "AES256-KW", 65_536);
                    Arena arena = Arena.ofConfined()) {
                StoreConfig config = StoreConfig.create(
                        Vectors.TIME,
                        Vectors.REPOSITORY,
                        Hashing.SHA256,
                        Compression.GZIP,
                        EncryptionSettings.create(kdf, keys.newCanary()));
                MemorySegment object = config.toObject(keys, arena);
                StoreConfig read = StoreConfig.parse(object);
                assertThat(read).isEqualTo(config);
                try (StoreKeys unlocked = read.unlock(PASSPHRASE)) {
                    StoreConfig.verify(object, unlocked);
                    assertThat(unlocked.isEncrypted()).isTrue();
                }
                assertThatThrownBy(() -> read.unlock(new byte[] {'x'})).isInstanceOf(WrongPassphraseException.class);
            }
        }
    }

    @Test
    void aChangedByteIsFoundByTheMac() {
        byte[] object = Vectors.bytes(Vectors.named("config-lz4"));
        object[40] ^= 1; // within the id
        MemorySegment changed = MemorySegment.ofArray(object);
        try (StoreKeys keys = StoreConfig.parse(changed).plaintextKeys()) {
            assertThatThrownBy(() -> StoreConfig.verify(changed, keys))
                    .isInstanceOf(CorruptDataException.class)
                    .hasMessageContaining("CONFIG has the MAC");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0x00000900, 0x00010001, 0x00010100, 0x00020000})
    void onlyVersionOneIsAccepted(int version) {
        byte[] object = Vectors.bytes(Vectors.named("config-lz4"));
        for (int i = 0; i < 4; i++) {
            object[12 + i] = (byte) (version >>> (8 * i));
        }
        assertThatThrownBy(() -> StoreConfig.parse(MemorySegment.ofArray(object)))
                .isInstanceOf(UnsupportedVersionException.class);
    }

    @Test
    void otherObjectsAreNoConfig() {
        assertThatThrownBy(() -> StoreConfig.parse(Vectors.segment(Vectors.named("lock-object"))))
                .isInstanceOf(CorruptDataException.class)
                .hasMessageContaining("CONFIG is a lock, expected a config");
        assertThatThrownBy(() -> StoreConfig.parse(MemorySegment.ofArray(new byte[47])))
                .isInstanceOf(CorruptDataException.class);
        assertThatThrownBy(() -> StoreConfig.parse(MemorySegment.ofArray(new byte[100])))
                .isInstanceOf(CorruptDataException.class)
                .hasMessageContaining("_KLOSET_");
        byte[] old = Vectors.bytes(Vectors.named("config-lz4"));
        System.arraycopy("_PLAKAR_".getBytes(StandardCharsets.US_ASCII), 0, old, 0, 8);
        assertThat(StoreConfig.parse(MemorySegment.ofArray(old))).isEqualTo(plain(Compression.LZ4));
    }

    @Test
    void fieldsMayComeInAnyOrderAndUnknownOnesAreSkipped() {
        var out = new MsgpackWriter();
        out.mapHeader(5);
        out.str("Future").mapHeader(1).str("x").arrayHeader(2).nil().f64(1);
        out.str("Hashing").mapHeader(2).str("Bits").u8(1).str("Algorithm").str("sha256");
        out.str("Compression").nil();
        out.str("RepositoryID").nil();
        out.str("Packfile").mapHeader(1).str("MaxSize").u64(-1);
        StoreConfig config = StoreConfig.decode(out.written());
        assertThat(config.hash()).isEqualTo(Hashing.SHA256);
        assertThat(config.hashing().bits()).isOne();
        assertThat(config.compressor()).isEqualTo(Compression.NONE);
        assertThat(config.repositoryId()).isEqualTo(new UUID(0, 0));
        assertThat(config.packfile().maxSize()).isEqualTo(-1);
        assertThat(config.encryption()).isNull();
    }

    @Test
    void zstdIsNamedAsKlosetNamesIt() {
        StoreConfig config = plain(Compression.ZSTD);
        assertThat(config.compression()).isEqualTo(new StoreConfig.CompressionSettings("ZSTD", 2, -1, -1, -1, false));
        StoreConfig read = StoreConfig.decode(MemorySegment.ofArray(config.encode()));
        assertThat(read.compressor()).isEqualTo(Compression.ZSTD);
        assertThat(read).isEqualTo(config);
    }

    @Test
    void whatIsNotKnownNeedsANewerProgram() {
        needsNewer("MD5", "LZ4", null);
        needsNewer("BLAKE3", "BROTLI", null);
        needsNewer("BLAKE3", "LZ4", new EncryptionSettings("AES256-KW", "XCHACHA20", 65_536, CHEAP, empty()));
        byte[] noKdf = Vectors.bytes(Vectors.named("config-encrypted")
                .replace("4152474f4e324944", "524f5431334b4446")); // ARGON2ID, ROT13KDF
        assertThatThrownBy(() -> StoreConfig.parse(MemorySegment.ofArray(noKdf)))
                .isInstanceOf(UnsupportedVersionException.class)
                .hasMessageContaining("ROT13KDF");
    }

    @Test
    void encryptionWithoutASegmentLengthIsCorrupt() {
        String object = Vectors.named("config-encrypted");
        String chunkSize = "4368756e6b53697a65";
        int at = object.lastIndexOf(chunkSize); // the first is that of the compression
        byte[] renamed = Vectors.bytes(object.substring(0, at) + "78" + object.substring(at + 2));
        assertThatThrownBy(() -> StoreConfig.parse(MemorySegment.ofArray(renamed)))
                .isInstanceOf(CorruptDataException.class)
                .hasMessageContaining("encryption without ChunkSize");
    }

    private static Bytes empty() {
        return Bytes.copyOf(new byte[0]);
    }

    private static void needsNewer(String hash, String compression, @Nullable EncryptionSettings encryption) {
        StoreConfig base = plain(Compression.LZ4);
        byte[] payload = new StoreConfig(
                        base.timestamp(),
                        base.repositoryId(),
                        base.packfile(),
                        base.chunking(),
                        new StoreConfig.HashingSettings(hash, 256),
                        new StoreConfig.CompressionSettings(compression, 0, 0, 0, 0, false),
                        encryption)
                .encode();
        assertThatThrownBy(() -> StoreConfig.decode(MemorySegment.ofArray(payload)))
                .isInstanceOf(UnsupportedVersionException.class)
                .hasMessageContaining("newer program");
    }

    @Test
    void damagedConfigsGiveTypedErrorsOnly() {
        for (String vector : new String[] {"config-lz4", "config-encrypted"}) {
            int refused = Mutations.feed(
                    Vectors.bytes(Vectors.named(vector)),
                    17,
                    5000,
                    mutant -> StoreConfig.parse(MemorySegment.ofArray(mutant)));
            assertThat(refused).isBetween(1000, 4999);
        }
    }
}
