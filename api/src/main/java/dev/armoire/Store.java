// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.ExporterFactory;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.Backup;
import dev.armoire.engine.backup.BackupEvents;
import dev.armoire.engine.backup.BackupResult;
import dev.armoire.engine.check.Check;
import dev.armoire.engine.check.CheckEvents;
import dev.armoire.engine.check.CheckRequest;
import dev.armoire.engine.check.CheckResult;
import dev.armoire.engine.check.Target;
import dev.armoire.engine.exclude.ExcludeRules;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.NewStore;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.restore.Restore;
import dev.armoire.engine.restore.RestoreEvents;
import dev.armoire.engine.restore.RestoreResult;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An open store. Owns its files and keys until it is closed. Thread-safe: any number of threads may read while one backup runs;
 * a second backup waits for the first one. What other processes add meanwhile is seen after {@link #refresh}.
 */
public final class Store implements AutoCloseable {
    /** Means the newest snapshot, where an id is wanted. */
    public static final String LATEST = "latest";

    private final Repository repository;
    private final OpenOptions options;
    private final Readers readers;
    private final Problems damage = new Problems(new ProgressListener() {});
    /** Held by who writes. */
    private final ReentrantLock writing = new ReentrantLock();

    private Store(Repository repository, OpenOptions options) {
        this.repository = repository;
        this.options = options;
        this.readers = new Readers(repository, options.readCacheBytes());
    }

    // Opening

    /** Opens the store, or the {@code .ptar} file, at a path of the default file system. */
    public static Store open(Path location, OpenOptions options) throws IOException {
        return open(text(location), options);
    }

    /**
     * Opens a store.
     *
     * @param location as the command line takes it: a path, {@code fs:PATH}, {@code FILE.ptar}
     * @throws java.nio.file.NoSuchFileException when there is no store
     * @throws WrongPassphraseException when the passphrase does not open it, or none was given
     * @throws UnsupportedFormatException when a newer program made it
     * @throws DamagedDataException when its CONFIG is damaged
     */
    public static Store open(String location, OpenOptions options) throws IOException {
        Passphrase passphrase = options.passphrase();
        try {
            return Failures.translated(() -> {
                Location place = Location.parse(location);
                return open(factory(place).open(place), location, passphrase, options);
            });
        } finally {
            if (passphrase != null) {
                passphrase.used();
            }
        }
    }

    /** Makes an empty store at a path of the default file system, and opens it. */
    public static Store create(Path location, CreateOptions what, OpenOptions options) throws IOException {
        return create(text(location), what, options);
    }

    /**
     * Makes an empty store, and opens it.
     *
     * @param options whose passphrase is not asked for: the one of {@code what} opens the store
     * @throws IOException when there is something at that place, or it cannot be written
     */
    public static Store create(String location, CreateOptions what, OpenOptions options) throws IOException {
        Passphrase passphrase = what.passphrase();
        byte[] secret = passphrase == null ? null : passphrase.bytes();
        try {
            return Failures.translated(() -> {
                Location place = Location.parse(location);
                try (NewStore made = NewStore.store(what.hashing(), what.compression(), secret)) {
                    Storage storage = factory(place).create(place, MemorySegment.ofArray(made.object()));
                    return opened(made.open(storage, Repository.thisHost()), options);
                }
            });
        } finally {
            if (secret != null) {
                Arrays.fill(secret, (byte) 0);
            }
            if (passphrase != null) {
                passphrase.used();
            }
        }
    }

    private static Store open(Storage storage, String location, @Nullable Passphrase passphrase, OpenOptions options)
            throws IOException {
        return opened(
                Repository.open(
                        storage,
                        () -> {
                            if (passphrase == null) {
                                throw new dev.armoire.crypto.WrongPassphraseException("the store " + location
                                        + " is encrypted, and no passphrase was given: OpenOptions.withPassphrase");
                            }
                            return passphrase.bytes();
                        },
                        Repository.thisHost()),
                options);
    }

    private static Store opened(Repository repository, OpenOptions options) throws IOException {
        Path cache = options.cache();
        if (cache != null) {
            repository.useCache(cache.toAbsolutePath());
        }
        Store store = new Store(repository, options);
        try {
            store.refreshNow();
            return store;
        } catch (IOException | RuntimeException e) {
            repository.close();
            throw e;
        }
    }

    /** The path as text that is no scheme, however it begins. */
    private static String text(Path location) {
        return requireDefault(location).toAbsolutePath().toString();
    }

    private static Path requireDefault(Path path) {
        if (!path.getFileSystem().equals(FileSystems.getDefault())) {
            throw new IllegalArgumentException(path
                    + " is not in the default file system, the only one that stores, sources and targets can be in");
        }
        return path;
    }

    private static StorageFactory factory(Location location) throws IOException {
        StorageFactory factory = StorageFactory.find(location);
        if (factory != null) {
            return factory;
        }
        throw new FileSystemException(
                location.toString(),
                null,
                "no kind of store on the class path is called \"" + location.scheme()
                        + "\": a path, fs:PATH or FILE.ptar" + " is wanted");
    }

    // The store

    /** How people name the place: {@code fs:///srv/store}. */
    public String location() {
        return repository.storage().location();
    }

    /** Its identifier, which stays when it is moved. */
    public UUID id() {
        return repository.config().repositoryId();
    }

    /** Whether it has a passphrase. */
    public boolean isEncrypted() {
        return repository.config().isEncrypted();
    }

    /** Whether backups can be made; not into a {@code .ptar} file, for instance. */
    public boolean isWritable() {
        return repository.storage().isWritable();
    }

    /** Whether it has not been closed. */
    public boolean isOpen() {
        return readers.isOpen();
    }

    /**
     * States of the store, and headers of snapshots, that could not be read so far: what only they know of is not seen.
     * Empty for a store that is well.
     */
    public List<Problem> damage() {
        return damage.list();
    }

    Readers readers() {
        return readers;
    }

    /** Learns what other processes have done to the store since it was opened or last refreshed. */
    public void refresh() throws IOException {
        readers.withRepository(() -> {
            refreshNow();
            return true;
        });
    }

    private void refreshNow() throws IOException {
        Failures.translated(() -> {
            repository.refresh((state, problem) -> damage.add("state " + state.hex(), said(problem)));
            return true;
        });
    }

    // Snapshots

    /** All snapshots that can be read, newest first; the others are in {@link #damage}. */
    public List<Snapshot> snapshots() throws IOException {
        return readers.withRepository(() -> dev.armoire.engine.snapshot.Snapshot.headers(
                        repository, (id, problem) -> damage.add("snapshot " + id.hex(), problem))
                .stream()
                .map(this::toSnapshot)
                .toList());
    }

    private Snapshot toSnapshot(SnapshotHeader header) {
        return new Snapshot(this, new Tree(readers, header));
    }

    /** The newest snapshot, if there is one. */
    public Optional<Snapshot> latest() throws IOException {
        return snapshots().stream().findFirst();
    }

    /**
     * One snapshot.
     *
     * @param id as many hexadecimal digits of its id as make it unique, or {@link #LATEST}
     * @throws NoSuchSnapshotException when there is none, or there are several
     * @throws DamagedDataException when its header is damaged
     */
    public Snapshot snapshot(String id) throws IOException {
        if (id.equals(LATEST)) {
            return latest().orElseThrow(() -> new NoSuchSnapshotException(location() + " has no snapshots", null));
        }
        String prefix = id.toLowerCase(Locale.ROOT);
        Mac found = readers.withRepository(() -> {
            List<Mac> matching = repository.snapshots().stream()
                    .filter(mac -> !prefix.isEmpty() && mac.hex().startsWith(prefix))
                    .toList();
            if (matching.size() != 1) {
                throw new NoSuchSnapshotException(
                        matching.isEmpty()
                                ? "no snapshot of " + location() + " has an id that begins with \"" + id + "\""
                                : matching.size() + " snapshots of " + location() + " have an id that begins with "
                                        + id,
                        null);
            }
            return matching.getFirst();
        });
        return toSnapshot(readers.read(reader -> dev.armoire.engine.snapshot.Snapshot.header(reader, found)));
    }

    /** What the engine's queues between threads stand on; without it they fail with an error that helps nobody. */
    private static void requireExports() {
        if (!Object.class.getModule().isExported("jdk.internal.misc", Backup.class.getModule())) {
            throw new IllegalStateException("backups, restores and checks need the JVM's option"
                    + " --add-exports=java.base/jdk.internal.misc=ALL-UNNAMED (in the manifest of an executable jar:"
                    + " Add-Exports: java.base/jdk.internal.misc)");
        }
    }

    // Backup

    /** Backs up a directory or file of the default file system with default options. */
    public BackupReport backup(Path source) throws IOException {
        return backup(source, BackupOptions.defaults());
    }

    /** Backs up a directory or file of the default file system. */
    public BackupReport backup(Path source, BackupOptions how) throws IOException {
        return backup(List.of(text(source)), how);
    }

    /**
     * Backs up places into one snapshot. When this returns the snapshot is there, durably, whatever happens next. The store
     * itself, if it lies in a source, is left out. Interrupting the thread stops the work and leaves the store as it was.
     *
     * @param sources as the command line takes them, all of one kind; not empty
     * @throws IOException when a source cannot be read at all, or the store cannot be written
     * @throws StoreLockedException when another process keeps the store to itself
     * @throws IllegalArgumentException when an exclude pattern is malformed or leaves out a whole source
     */
    public BackupReport backup(List<String> sources, BackupOptions how) throws IOException {
        if (sources.isEmpty()) {
            throw new IllegalArgumentException("nothing to back up: at least one source is needed");
        }
        requireExports();
        Problems problems = new Problems(how.listener());
        BackupResult result = readers.withRepository(() -> {
            if (!isWritable()) {
                throw new FileSystemException(location(), null, "the store cannot be written to");
            }
            return writing(() -> {
                repository.useNotices(how.listener()::notice);
                return backUp(sources, how, problems);
            });
        });
        return new BackupReport(toSnapshot(result.header()), result, problems.list());
    }

    private <T> T writing(Failures.Work<T> work) throws IOException {
        try {
            writing.lockInterruptibly();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for another backup into this store");
        }
        try {
            return work.run();
        } finally {
            writing.unlock();
        }
    }

    private BackupResult backUp(List<String> sources, BackupOptions how, Problems problems) throws IOException {
        List<Location> places = sources.stream().map(Location::parseSource).toList();
        Path own = repository.storage().localPath();
        ImportOptions options = new ImportOptions(
                rules(places, how.excludes()), how.readsAttributes(), Map.of(), own == null ? List.of() : List.of(own));
        List<Importer> importers = new ArrayList<>();
        try {
            for (Location place : places) {
                importers.add(importer(place, options));
            }
            BackupResult result =
                    Backup.run(repository, importers, how.forEngine(this.options), new BackupTeller(how, problems));
            repository.refresh();
            return result;
        } finally {
            importers.forEach(Importer::close);
        }
    }

    private static Importer importer(Location place, ImportOptions options) throws IOException {
        ImporterFactory factory = ImporterFactory.find(place);
        if (factory != null) {
            return factory.open(place, options);
        }
        throw new FileSystemException(
                place.toString(), null, "no kind of source on the class path is called \"" + place.scheme() + "\"");
    }

    private static ExcludeRules rules(List<Location> places, List<String> patterns) {
        ExcludeRules.Builder builder = ExcludeRules.builder();
        patterns.forEach(pattern -> builder.pattern(pattern, "BackupOptions.withExclude"));
        for (Location place : places) {
            byte[] path = absolute(place);
            builder.sourceRoot(Files.isDirectory(Path.of(place.path())) ? path : SnapshotPath.parent(path));
        }
        ExcludeRules rules = builder.build();
        if (!rules.brokenPatterns().isEmpty()) {
            throw new IllegalArgumentException(rules.brokenPatterns().getFirst().toString());
        }
        for (Location place : places) {
            rules.patternExcluding(absolute(place), Files.isDirectory(Path.of(place.path())))
                    .ifPresent(pattern -> {
                        throw new IllegalArgumentException(
                                pattern + " leaves out " + place.path() + " itself, and with it everything");
                    });
        }
        return rules;
    }

    private static byte[] absolute(Location place) {
        return SnapshotPath.clean(
                SnapshotPath.of(Path.of(place.path()).toAbsolutePath().toString()));
    }

    private record BackupTeller(BackupOptions how, Problems problems) implements BackupEvents {
        @Override
        public void started(Mac snapshot) {}

        @Override
        public void done(byte[] path) {
            how.listener().done(PathText.of(path));
        }

        @Override
        public void failed(byte[] path, String reason) {
            problems.add(path, reason);
        }

        @Override
        public void notice(String text) {
            how.listener().notice(text);
        }
    }

    // Restore

    RestoreReport restore(Snapshot snapshot, Path target, RestoreOptions how) throws IOException {
        requireExports();
        Tree tree = snapshot.tree();
        String only = how.path();
        byte[] path = only == null ? tree.root() : tree.resolve(PathText.bytes(only));
        RestoreTeller teller = new RestoreTeller(how, new Problems(how.listener()), new LongAdder());
        RestoreResult result = readers.withRepository(() -> {
            try (Exporter exporter = exporter(new Location("fs", text(target)), how, teller)) {
                return Restore.run(repository, tree.header().identifier(), path, exporter, teller, options.workers());
            }
        });
        return new RestoreReport(result, teller.problems.list(), teller.lost.sum());
    }

    private static Exporter exporter(Location place, RestoreOptions how, RestoreTeller teller) throws IOException {
        ExporterFactory factory = ExporterFactory.find(place);
        if (factory != null) {
            return factory.open(place, how.restoresPermissions(), Map.of(), teller::lost);
        }
        throw new FileSystemException(
                place.toString(), null, "no kind of target on the class path is called \"" + place.scheme() + "\"");
    }

    private record RestoreTeller(RestoreOptions how, Problems problems, LongAdder lost) implements RestoreEvents {
        @Override
        public void done(byte[] path) {
            how.listener().done(PathText.of(path));
        }

        @Override
        public void failed(byte[] path, String reason, boolean isDamage) {
            problems.add(path, reason);
        }

        @Override
        public void lost(byte[] path, String what) {
            lost.increment();
            problems.add(path, what);
        }
    }

    // Check

    /** Looks for damage, and says what it finds; it changes nothing. */
    public CheckReport check(CheckOptions what) throws IOException {
        requireExports();
        Problems problems = new Problems(what.listener());
        CheckResult result = readers.withRepository(() -> {
            // States that cannot be read are not merged, so they are met again here.
            repository.refresh((state, problem) -> problems.add("state " + state.hex(), said(problem)));
            List<SnapshotHeader> headers = what.isEverything()
                    ? dev.armoire.engine.snapshot.Snapshot.headers(
                            repository, (id, problem) -> problems.add("snapshot " + id.hex(), problem))
                    : what.snapshots().stream()
                            .map(snapshot -> snapshot.tree().header())
                            .toList();
            List<Target> targets = headers.stream()
                    .map(header -> new Target(header, SnapshotPath.ROOT))
                    .toList();
            CheckRequest request =
                    new CheckRequest(targets, what.isFast(), what.isEverything() && !what.isFast(), options.workers());
            return Check.run(repository, request, new CheckTeller(what, problems));
        });
        return new CheckReport(problems.list(), problems.count(), result.failedSnapshots(), result.bytesRead());
    }

    private static String said(CorruptDataException problem) {
        return String.valueOf(problem.getMessage());
    }

    private record CheckTeller(CheckOptions what, Problems problems) implements CheckEvents {
        @Override
        public void done(Mac snapshot, byte[] path) {
            what.listener().done(PathText.of(path));
        }

        @Override
        public void failed(Mac snapshot, byte[] path, String reason) {
            problems.add(path, reason);
        }

        @Override
        public void storeProblem(String object, String reason) {
            problems.add(object, reason);
        }

        @Override
        public void snapshotDone(Mac snapshot, long errors, long bytesRead, long nanos) {}

        @Override
        public void notice(String text) {
            what.listener().notice(text);
        }
    }

    /**
     * Closes the store, its file systems and whatever was opened through it, and wipes its keys; waits for what other threads
     * are doing with it at the moment. The second time does nothing.
     */
    @Override
    public void close() {
        readers.close();
    }

    @Override
    public String toString() {
        return "store " + location();
    }
}
