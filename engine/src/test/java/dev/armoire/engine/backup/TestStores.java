// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.storage.fs.FsStorageFactory;
import dev.armoire.crypto.Bytes;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.KeyDerivation;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.restore.Restore;
import dev.armoire.engine.restore.RestoreEvents;
import dev.armoire.engine.restore.RestoreResult;
import dev.armoire.packfile.Compression;
import dev.armoire.packfile.StoreConfig;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** New stores in temporary folders, and the few calls that every test of backups makes. */
public final class TestStores {
    public static final String PASSPHRASE = "open sesame";

    private TestStores() {}

    /** Makes a store without encryption. */
    public static Path create(Path folder) throws IOException {
        return create(folder, Hashing.BLAKE3, Compression.LZ4, false);
    }

    public static Path create(Path folder, Hashing hashing, Compression compression, boolean isEncrypted)
            throws IOException {
        Instant now = Instant.now();
        UUID id = UUID.randomUUID();
        StoreConfig.EncryptionSettings encryption = null;
        StoreKeys keys = null;
        if (isEncrypted) {
            // One pass over little memory: a store may say so, and tests open theirs often.
            var salt = ByteBuffer.allocate(KeyDerivation.SALT_BYTES)
                    .putLong(id.getMostSignificantBits())
                    .putLong(id.getLeastSignificantBits());
            var derivation = new KeyDerivation.Argon2(Bytes.copyOf(salt.array()), 1, 64, 1);
            byte[] master = derivation.derive(PASSPHRASE.getBytes(StandardCharsets.UTF_8));
            keys = StoreConfig.EncryptionSettings.create(derivation, new byte[0])
                    .keys(hashing, master);
            encryption = StoreConfig.EncryptionSettings.create(derivation, keys.newCanary());
        }
        StoreConfig config = StoreConfig.create(now, id, hashing, compression, encryption);
        try (StoreKeys own = keys == null ? config.plaintextKeys() : keys;
                Arena arena = Arena.ofConfined()) {
            new FsStorageFactory()
                    .create(Location.parse(folder.toString()), config.toObject(own, arena))
                    .close();
        }
        return folder;
    }

    /** Makes a store whose packfiles are closed after some 100 KiB, so that a small backup writes many. */
    public static Path createWithSmallPackfiles(Path folder) throws IOException {
        return create(folder, new StoreConfig.PackfileSettings(0, 0, 100 << 10), null);
    }

    /** Makes a store that cuts contents every so many bytes, a power of two. */
    static Path createWithFixedChunks(Path folder, long bytes) throws IOException {
        return create(folder, null, new StoreConfig.ChunkingSettings("fixed-v1.0.0", bytes, bytes, bytes));
    }

    private static Path create(
            Path folder,
            StoreConfig.@Nullable PackfileSettings packfiles,
            StoreConfig.@Nullable ChunkingSettings chunking)
            throws IOException {
        StoreConfig usual = StoreConfig.create(Instant.now(), UUID.randomUUID(), Hashing.BLAKE3, Compression.LZ4, null);
        StoreConfig config = new StoreConfig(
                usual.timestamp(),
                usual.repositoryId(),
                packfiles == null ? usual.packfile() : packfiles,
                chunking == null ? usual.chunking() : chunking,
                usual.hashing(),
                usual.compression(),
                null);
        try (StoreKeys keys = config.plaintextKeys();
                Arena arena = Arena.ofConfined()) {
            new FsStorageFactory()
                    .create(Location.parse(folder.toString()), config.toObject(keys, arena))
                    .close();
        }
        return folder;
    }

    public static Repository open(Path store) throws IOException {
        return open(store, storage -> storage);
    }

    /** Opens a store through a storage of the test's own, its states merged. */
    public static Repository open(Path store, UnaryOperator<Storage> wrapper) throws IOException {
        Storage storage = wrapper.apply(new FsStorageFactory().open(Location.parse(store.toString())));
        Repository repository = Repository.open(storage, () -> PASSPHRASE.getBytes(StandardCharsets.UTF_8), "testhost");
        try {
            repository.refresh();
        } catch (IOException | RuntimeException e) {
            repository.close();
            throw e;
        }
        return repository;
    }

    public static BackupOptions options(Path store, int workers) {
        return options(store, workers, true);
    }

    public static BackupOptions options(Path store, int workers, boolean useParent) {
        return new BackupOptions(
                "test",
                "",
                "",
                "",
                "",
                List.of(),
                null,
                useParent,
                workers,
                store.resolveSibling("scratch"),
                "armoire backup",
                false);
    }

    /** One backup, with the store opened for it alone. */
    public static BackupResult backUp(Path store, Importer... importers) throws IOException {
        try (Repository repository = open(store)) {
            return Backup.run(repository, List.of(importers), options(store, 2), new Events());
        }
    }

    /** Restores a directory, and expects that nothing is amiss. */
    public static MemoryTarget restore(Path store, Mac snapshot, String path) throws IOException {
        try (Repository repository = open(store)) {
            MemoryTarget target = new MemoryTarget();
            Losses losses = new Losses();
            RestoreResult result = Restore.run(repository, snapshot, SnapshotPath.of(path), target, losses, 2);
            assertThat(losses.all).isEmpty();
            assertThat(result.failed()).isZero();
            assertThat(result.isDamaged()).isFalse();
            return target;
        }
    }

    /** Notes what a backup tells. */
    public static final class Events implements BackupEvents {
        public final Queue<String> failed = new ConcurrentLinkedQueue<>();
        public final Queue<String> notices = new ConcurrentLinkedQueue<>();
        public volatile @Nullable Mac snapshot;

        @Override
        public void started(Mac id) {
            snapshot = id;
        }

        @Override
        public void done(byte[] path) {}

        @Override
        public void failed(byte[] path, String reason) {
            failed.add(SnapshotPath.display(path) + ": " + reason);
        }

        @Override
        public void notice(String text) {
            notices.add(text);
        }
    }

    /** Notes what a restore could not give back. */
    public static final class Losses implements RestoreEvents {
        public final Queue<String> all = new ConcurrentLinkedQueue<>();

        @Override
        public void done(byte[] path) {}

        @Override
        public void failed(byte[] path, String reason, boolean isDamage) {
            all.add(SnapshotPath.display(path) + ": " + reason);
        }

        @Override
        public void lost(byte[] path, String what) {
            all.add(SnapshotPath.display(path) + ": " + what);
        }
    }
}
