// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.crypto.Bytes;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.KeyDerivation;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.engine.backup.Backup;
import dev.armoire.engine.backup.BackupEvents;
import dev.armoire.engine.backup.BackupOptions;
import dev.armoire.engine.check.Check;
import dev.armoire.engine.check.CheckEvents;
import dev.armoire.engine.check.CheckRequest;
import dev.armoire.engine.check.Target;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.restore.Restore;
import dev.armoire.engine.restore.RestoreEvents;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.packfile.Compression;
import dev.armoire.packfile.StoreConfig;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.UnaryOperator;

/**
 * A store under test: made, used and judged through the engine, as the commands do it. Its packfiles are closed after 100 KiB,
 * so that little data makes many; the key of an encrypted one is derived at little cost, as it is derived for every case.
 */
record TestedStore(Path folder, boolean isEncrypted, Path cache) {
    static final String PASSPHRASE = "open sesame";

    static TestedStore create(Path folder, boolean isEncrypted, Path cache) throws IOException {
        return create(folder, isEncrypted, cache, 100 << 10);
    }

    /** One with packfiles of the usual size. */
    static TestedStore createUsual(Path folder, boolean isEncrypted, Path cache) throws IOException {
        return create(folder, isEncrypted, cache, 64 << 20);
    }

    private static TestedStore create(Path folder, boolean isEncrypted, Path cache, long packfileBytes)
            throws IOException {
        KeyDerivation derivation =
                new KeyDerivation.Argon2(Bytes.copyOf(new byte[KeyDerivation.SALT_BYTES]), 1, 4096, 1);
        byte[] master = isEncrypted ? derivation.derive(passphrase()) : new byte[KeyDerivation.KEY_BYTES];
        StoreConfig.EncryptionSettings encryption = null;
        if (isEncrypted) {
            try (StoreKeys keys = StoreConfig.EncryptionSettings.create(derivation, new byte[0])
                    .keys(Hashing.BLAKE3, master)) {
                encryption = StoreConfig.EncryptionSettings.create(derivation, keys.newCanary());
            }
        }
        StoreConfig usual =
                StoreConfig.create(Instant.now(), UUID.randomUUID(), Hashing.BLAKE3, Compression.LZ4, encryption);
        StoreConfig config = new StoreConfig(
                usual.timestamp(),
                usual.repositoryId(),
                new StoreConfig.PackfileSettings(0, 0, packfileBytes),
                usual.chunking(),
                usual.hashing(),
                usual.compression(),
                usual.encryption());
        try (StoreKeys keys = encryption == null ? config.plaintextKeys() : encryption.keys(Hashing.BLAKE3, master);
                Arena arena = Arena.ofConfined()) {
            Location location = Location.parse(folder.toString());
            Objects.requireNonNull(StorageFactory.find(location))
                    .create(location, config.toObject(keys, arena))
                    .close();
        }
        return new TestedStore(folder, isEncrypted, cache);
    }

    private static byte[] passphrase() {
        return PASSPHRASE.getBytes(StandardCharsets.UTF_8);
    }

    TestedStore at(Path otherFolder) {
        return new TestedStore(otherFolder, isEncrypted, cache);
    }

    Repository open() throws IOException {
        return open(storage -> storage);
    }

    /** Opens it; nothing is read of what it holds. */
    Repository open(UnaryOperator<Storage> wrapper) throws IOException {
        Location location = Location.parse(folder.toString());
        Storage storage = wrapper.apply(
                Objects.requireNonNull(StorageFactory.find(location)).open(location));
        Repository repository = Repository.open(storage, TestedStore::passphrase, "torture");
        repository.useCache(cache);
        return repository;
    }

    Repository openRefreshed() throws IOException {
        Repository repository = open();
        try {
            repository.refresh();
            return repository;
        } catch (IOException | RuntimeException e) {
            repository.close();
            throw e;
        }
    }

    // Work

    /** One backup of a folder. */
    Mac backUp(Path tree) throws IOException {
        try (Repository repository = open()) {
            return backUp(repository, tree);
        }
    }

    Mac backUp(Repository repository, Path tree) throws IOException {
        Location location = Location.parse(tree.toString());
        try (Importer importer = Objects.requireNonNull(ImporterFactory.find(location))
                .open(location, new ImportOptions((path, isDirectory) -> false, false, Map.of(), List.of()))) {
            return Backup.run(
                            repository,
                            List.of(importer),
                            BackupOptions.unnamed(true, 2, cache, "torture", false),
                            new QuietBackup())
                    .header()
                    .identifier();
        }
    }

    /** Frees the store of locks of the dead, which would go by themselves after ten minutes. Returns how many there were. */
    int removeLocks() throws IOException {
        try (Repository repository = open()) {
            List<Mac> locks = repository.storage().list(ObjectKind.LOCK);
            for (Mac lock : locks) {
                repository.storage().delete(ObjectKind.LOCK, lock);
            }
            return locks.size();
        }
    }

    // Judgement

    /**
     * What {@code check} says.
     *
     * @param problems damage: what makes the command end with an error
     * @param notices what it tells beside that
     */
    record Verdict(List<String> problems, List<String> notices, List<Mac> snapshots) {
        boolean isSound() {
            return problems.isEmpty();
        }
    }

    /** All that {@code check} without arguments does; what it throws is for the caller. */
    Verdict check() throws IOException {
        try (Repository repository = open()) {
            return check(repository);
        }
    }

    static Verdict check(Repository repository) throws IOException {
        Queue<String> problems = new ConcurrentLinkedQueue<>();
        Queue<String> notices = new ConcurrentLinkedQueue<>();
        repository.refresh((state, problem) -> problems.add("state: " + problem.getMessage()));
        List<Target> targets = new ArrayList<>();
        List<Mac> snapshots = new ArrayList<>();
        for (SnapshotHeader header :
                Snapshot.headers(repository, (id, problem) -> problems.add("snapshot " + id + ": " + problem))) {
            targets.add(new Target(header, SnapshotPath.ROOT));
            snapshots.add(header.identifier());
        }
        Check.run(repository, new CheckRequest(targets, false, true, 2), new CheckEvents() {
            @Override
            public void done(Mac snapshot, byte[] path) {}

            @Override
            public void failed(Mac snapshot, byte[] path, String reason) {
                problems.add(snapshot.shortHex() + ":" + SnapshotPath.display(path) + ": " + reason);
            }

            @Override
            public void storeProblem(String object, String reason) {
                problems.add(object + ": " + reason);
            }

            @Override
            public void snapshotDone(Mac snapshot, long errors, long bytesRead, long nanos) {}

            @Override
            public void notice(String text) {
                notices.add(text);
            }
        });
        return new Verdict(List.copyOf(problems), List.copyOf(notices), snapshots);
    }

    /** What a restore of a snapshot gives: each item with a digest of all that it is. What is refused is not in it. */
    Map<String, String> restore(Mac snapshot) throws IOException {
        try (Repository repository = open()) {
            repository.refresh((state, problem) -> {});
            return restore(repository, snapshot);
        }
    }

    static Map<String, String> restore(Repository repository, Mac snapshot) throws IOException {
        DigestTarget target = new DigestTarget();
        Restore.run(repository, snapshot, SnapshotPath.ROOT, target, new QuietRestore(), 2);
        return target.items;
    }

    /** Keeps digests of what is restored. */
    private static final class DigestTarget implements Exporter {
        private final Map<String, String> items = new ConcurrentSkipListMap<>();

        private static String text(byte[] path) {
            return new String(path, StandardCharsets.ISO_8859_1);
        }

        /** What must come back, whatever the machine that restores. */
        private static String facts(FileInfo info) {
            return info.size() + " " + info.mode() + " " + info.mtimeSeconds() + "." + info.mtimeNanos();
        }

        @Override
        public void makeDirectory(byte[] path) {}

        @Override
        public FileOutput createFile(byte[] path, FileInfo info) {
            MessageDigest digest = sha256();
            return new FileOutput() {
                @Override
                public void write(MemorySegment data) {
                    digest.update(data.toArray(ValueLayout.JAVA_BYTE));
                }

                @Override
                public void commit(List<Xattr> xattrs) {
                    items.put(text(path), facts(info) + " " + HexFormat.of().formatHex(digest.digest()));
                }

                @Override
                public void close() {}
            };
        }

        private static MessageDigest sha256() {
            try {
                return MessageDigest.getInstance("SHA-256");
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException(e); // every JDK has it
            }
        }

        @Override
        public void link(byte[] path, byte[] existing) {
            items.put(text(path), "= " + text(existing));
        }

        @Override
        public void symlink(byte[] path, byte[] target, FileInfo info, List<Xattr> xattrs) {
            items.put(text(path), facts(info) + " -> " + text(target));
        }

        @Override
        public void special(byte[] path, FileInfo info, List<Xattr> xattrs) {
            items.put(text(path), facts(info));
        }

        @Override
        public void finishDirectory(byte[] path, FileInfo info, List<Xattr> xattrs) {
            items.put(text(path) + "/", ""); // the folders above the source change by themselves
        }

        @Override
        public void close() {}
    }

    /** Whether a failure is one that a command explains to its user, with an exit code of its own. */
    static boolean isExplained(Throwable failure) {
        return failure instanceof IOException
                || failure instanceof java.io.UncheckedIOException
                || failure instanceof CorruptDataException
                || failure instanceof dev.armoire.crypto.KlosetException
                || failure instanceof dev.armoire.engine.repository.RepositoryLockedException;
    }

    /** The bytes of a chunk of random data, the same for the same seed. */
    static byte[] random(long seed, int length) {
        byte[] bytes = new byte[length];
        new java.util.Random(seed).nextBytes(bytes);
        if (seed % 3 == 0) { // some of it can be compressed
            Arrays.fill(bytes, length / 3, length / 2, (byte) seed);
        }
        return bytes;
    }

    /** Says nothing. */
    static final class QuietBackup implements BackupEvents {
        @Override
        public void started(Mac snapshot) {}

        @Override
        public void done(byte[] path) {}

        @Override
        public void failed(byte[] path, String reason) {
            throw new IllegalStateException(SnapshotPath.display(path) + ": " + reason);
        }

        @Override
        public void notice(String text) {}
    }

    private static final class QuietRestore implements RestoreEvents {
        @Override
        public void done(byte[] path) {}

        @Override
        public void failed(byte[] path, String reason, boolean isDamage) {}

        @Override
        public void lost(byte[] path, String what) {}
    }
}
