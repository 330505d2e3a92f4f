// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.WrongPassphraseException;
import dev.armoire.engine.repository.MemoryBudget;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.StageTimes;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What every command needs: the flags before it, the store it works on, where to speak. For one run. */
final class Session implements AutoCloseable {
    private static final int TYPED_TRIES = 3;
    private static final int FAR_READERS = 8;

    private final Cli.Invocation invocation;
    private final Flags.Arguments globals;
    private final Surroundings surroundings;
    private final Report report;
    /** Of all stores together. */
    private final @Nullable TokenBucket upload;

    private final @Nullable TokenBucket download;
    private final MemoryBudget memory;
    private @Nullable CountingStorage storage;
    private @Nullable StorePlace place;
    private @Nullable CompletableFuture<Repository> ahead;
    private @Nullable Path scratch;
    private @Nullable Path ownScratch;
    private boolean isStateDamaged;
    private final Set<Mac> toldStates = new HashSet<>();
    /** With -time: of each store that was opened, perhaps by the thread that opens ahead. */
    private final List<StageTimes> stages = new CopyOnWriteArrayList<>();

    Session(Cli.Invocation invocation, Flags.Arguments globals, Surroundings surroundings, Report report) {
        this.invocation = invocation;
        this.globals = globals;
        this.surroundings = surroundings;
        this.report = report;
        this.upload = TokenBucket.parse("limit-upload", globals.get("limit-upload"));
        this.download = TokenBucket.parse("limit-download", globals.get("limit-download"));
        this.memory = memory(globals.get("memory"));
        workers(); // a wrong number is refused before anything is done
    }

    Report report() {
        return report;
    }

    Surroundings surroundings() {
        return surroundings;
    }

    Cli.Invocation invocation() {
        return invocation;
    }

    private static MemoryBudget memory(@Nullable String value) {
        if (value == null) {
            return MemoryBudget.usual();
        }
        long bytes = value.matches("[0-9]{1,6}[MmGg]")
                ? Long.parseLong(value.substring(0, value.length() - 1))
                        << (value.toUpperCase(Locale.ROOT).endsWith("M") ? 20 : 30)
                : 0;
        if (bytes < MemoryBudget.LEAST_BYTES) {
            throw CommandException.usage("invalid -memory value \"" + value + "\": " + (MemoryBudget.LEAST_BYTES >> 20)
                    + "M or more is wanted, in M or G");
        }
        return new MemoryBudget(bytes);
    }

    /** Memory for data on their way between files and stores. */
    MemoryBudget memory() {
        return memory;
    }

    /** Threads for the work, as many as there is memory for. */
    int workers() {
        int present = Runtime.getRuntime().availableProcessors();
        int cpus = globals.number("cpu", 1, present);
        if (cpus > present) {
            throw CommandException.usage("invalid -cpu value " + cpus + ": there are only " + present);
        }
        return memory.workers(globals.number("concurrency", 1, cpus));
    }

    /** Threads that read from a store: of one that is far away most of them wait. */
    int readers(Repository repository) {
        boolean isFar = repository.storage().localPath() == null;
        return isFar && globals.get("concurrency") == null
                ? memory.workers(Math.max(workers(), FAR_READERS))
                : workers();
    }

    /** Folder for what can be made again. */
    private Path cache() {
        String given = globals.get("cachedir");
        return given != null
                ? Path.of(given).toAbsolutePath()
                : xdg("XDG_CACHE_HOME", ".cache").resolve("armoire").toAbsolutePath();
    }

    /** The file that remembers which packfiles of a store were read by checks. Copies of a store elsewhere have others. */
    Path readLog(Repository repository) {
        UUID place = UUID.nameUUIDFromBytes(repository.storage().location().getBytes(StandardCharsets.UTF_8));
        return cache().resolve("checks").resolve(repository.config().repositoryId() + "-" + place);
    }

    /** Folder for temporary files, made if need be; where it cannot be, one of this run in the system's. */
    synchronized Path scratch() throws IOException {
        Path known = scratch;
        if (known == null) {
            known = makeScratch();
            scratch = known;
        }
        return known;
    }

    private Path makeScratch() throws IOException {
        Path wanted = cache().resolve("tmp");
        IOException problem;
        try {
            Files.createDirectories(wanted);
            if (Files.isWritable(wanted)) {
                return wanted;
            }
            problem = new AccessDeniedException(wanted.toString());
        } catch (IOException e) {
            problem = e;
        }
        try {
            Path other = Files.createTempDirectory("armoire-");
            ownScratch = other;
            return other;
        } catch (IOException e) {
            throw new CommandException(
                    ExitCode.CANNOT_CREATE,
                    "cannot make the folder for temporary files, " + wanted + " (" + Failures.message(problem)
                            + "), nor one in " + System.getProperty("java.io.tmpdir") + " (" + Failures.message(e)
                            + "); name another one with -cachedir",
                    e);
        }
    }

    /** Folders that may hold a configuration, the first one first. */
    List<Path> configurations() {
        String given = globals.get("configdir");
        if (given != null) {
            return List.of(Path.of(given).toAbsolutePath());
        }
        Path base = configurationBase();
        return List.of(base.resolve("armoire"), base.resolve("plakar"));
    }

    /** Folder for configurations of all programs. */
    Path configurationBase() {
        return xdg("XDG_CONFIG_HOME", ".config");
    }

    /** Folder for what is remembered of jobs. */
    Path states() {
        return xdg("XDG_STATE_HOME", ".local/state").resolve("armoire/jobs").toAbsolutePath();
    }

    private Path xdg(String variable, String folder) {
        String given = surroundings.plain(variable);
        return given == null ? surroundings.home().resolve(folder) : Path.of(given);
    }

    // The store

    /** Which store is meant: {@code at}, the environment, the configuration's default, or {@code ~/.armoire}. */
    StorePlace place() throws IOException {
        StorePlace known = place;
        if (known == null) {
            known = findPlace();
            place = known;
        }
        return known;
    }

    private StorePlace findPlace() throws IOException {
        String text = invocation.store() != null ? invocation.store() : surroundings.variable("REPOSITORY");
        if (text != null) {
            return given(text);
        }
        String standard =
                PlacesFile.read(PlacesFile.Kind.STORE, configurations()).standard();
        if (standard != null) {
            return named(standard);
        }
        return at(surroundings.home().resolve(".armoire").toString(), Map.of(), true);
    }

    private StorePlace given(String text) throws IOException {
        return text.startsWith("@") ? named(text.substring(1)) : at(text, Map.of(), false);
    }

    private StorePlace named(String name) throws IOException {
        PlacesFile.Place place = find(PlacesFile.Kind.STORE, name);
        return new StorePlace(place.location(), place.settings(), false);
    }

    /**
     * The place that the configuration has under a name, with its secrets.
     *
     * @param name what stands behind {@code @}
     */
    PlacesFile.Place find(PlacesFile.Kind kind, String name) throws IOException {
        PlacesFile.Place place = PlacesFile.read(kind, configurations()).find(name);
        return new PlacesFile.Place(place.location(), Secrets.resolved(place.settings(), surroundings));
    }

    private static StorePlace at(String text, Map<String, String> settings, boolean isDefault) {
        if (text.isEmpty()) {
            throw CommandException.usage("the store's location is empty: armoire at STORE COMMAND");
        }
        return new StorePlace(Location.parse(text), settings, isDefault);
    }

    /** The kind of storage that understands a place. */
    static StorageFactory factory(Location location) {
        StorageFactory factory = StorageFactory.find(location);
        if (factory != null) {
            return factory;
        }
        throw new CommandException(
                ExitCode.NO_STORE,
                "no kind of store is called \"" + location.scheme() + "\": a path, fs:PATH, FILE.ptar,"
                        + " http(s)://HOST/PATH, s3://HOST/BUCKET or sftp://HOST/PATH is wanted");
    }

    /** Opens the store and learns what it holds, for reading: states that are damaged are told and left out. */
    Repository openForReading() throws IOException {
        Repository repository = open();
        try {
            repository.refresh(this::tellOfState);
            return repository;
        } catch (IOException | RuntimeException e) {
            repository.close();
            throw e;
        }
    }

    /** Told of a state of the store that cannot be read. */
    void tellOfState(Mac state, CorruptDataException problem) {
        isStateDamaged = true;
        if (toldStates.add(state)) {
            report.error(Failures.said(problem));
        }
    }

    /** The exit code of a command that read the store: damage that was met counts whatever the command did. */
    int exitCode(int code) {
        return isStateDamaged && (code == ExitCode.OK || code == ExitCode.PARTIAL) ? ExitCode.DAMAGE : code;
    }

    /** Whether {@link #openForReading} met states that cannot be read. */
    boolean isStateDamaged() {
        return isStateDamaged;
    }

    /**
     * Begins to open the store beside what the caller does before it calls {@link #open}, if the passphrase is at hand: to
     * derive the key takes half a second.
     */
    void openAhead() throws IOException {
        if (passphrases().isAtHand()) {
            ahead = CompletableFuture.supplyAsync(this::openUnchecked, Session::startOpening);
        }
    }

    private static void startOpening(Runnable opening) {
        Thread.ofPlatform().daemon().name("open-store").start(opening);
    }

    private Repository openUnchecked() {
        try {
            return openNow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Opens the store; what it holds is not read yet. The caller closes it. */
    Repository open() throws IOException {
        CompletableFuture<Repository> opening = ahead;
        if (opening == null) {
            return openNow();
        }
        try {
            Repository repository = opening.get();
            ahead = null;
            return repository;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case UncheckedIOException failure -> throw failure.getCause();
                case RuntimeException failure -> throw failure;
                case Error failure -> throw failure;
                case null, default -> throw new IllegalStateException(e);
            }
        }
    }

    /** Opens the store for a command that changes it; see {@link #open}. */
    Repository openForWriting() throws IOException {
        Repository repository = open();
        if (!repository.storage().isWritable()) {
            String location = repository.storage().location();
            repository.close();
            throw new CommandException(ExitCode.ERROR, "storage is not writable: " + location);
        }
        return repository;
    }

    /**
     * Shows how far the work is, if a person looks at a terminal and wants that; the caller closes it.
     *
     * @param title what is done, in one word
     */
    @Nullable
    LiveView show(String title) {
        String terminal = surroundings.plain("TERM");
        boolean isWanted = surroundings.showsLines()
                && terminal != null
                && !terminal.equals("dumb")
                && !report.isJson()
                && !globals.is("quiet")
                && !globals.is("silent")
                && !globals.is("stdio")
                && !globals.is("no-progress");
        if (!isWanted) {
            return null;
        }
        LiveView view = new LiveView(report, title, surroundings.plain("NO_COLOR") == null);
        view.start();
        return view;
    }

    /** Whether contents may be coloured: a person looks at them, and has not asked for none. */
    boolean showsColours() {
        return surroundings.showsLines()
                && surroundings.plain("NO_COLOR") == null
                && !"dumb".equals(surroundings.plain("TERM"));
    }

    /** Whether the user wants the store's locks left alone. */
    boolean isLockless() {
        return surroundings.variable("LOCKLESS") != null;
    }

    /** Lets go of a store that was opened ahead and never asked for, and of what was made for this run. */
    @Override
    public void close() {
        Path own = ownScratch;
        if (own != null) {
            try {
                Files.deleteIfExists(own);
            } catch (IOException e) {
                // Something was left in it by who was killed or has failed: the system clears its folder.
            }
        }
        CompletableFuture<Repository> opening = ahead;
        if (opening != null) {
            var _ = opening.thenAccept(Repository::close);
        }
    }

    private Repository openNow() throws IOException {
        return open(place(), passphrases(), this::connect);
    }

    /**
     * Opens a second store, which may have a passphrase of its own; what it holds is not read yet. The caller closes it.
     *
     * @param text its location, or {@code @NAME}
     */
    Repository openPeer(String text) throws IOException {
        return openPeer(peer(text));
    }

    Repository openPeer(StorePlace peer) throws IOException {
        return open(peer, passphrases(peer), () -> limited(peer.open(report::warn)));
    }

    /** The place of a second store: its location, or {@code @NAME}. */
    StorePlace peer(String text) throws IOException {
        return given(text);
    }

    /** The passphrase of a second store. */
    Passphrases passphrases(StorePlace peer) {
        return Passphrases.forPeer(peer.location().toString(), peer.settings(), surroundings);
    }

    /** Puts the passphrase itself in place of what says where it is, if there is one at hand. */
    void resolvePassphrase(Location location, Map<String, String> settings) {
        Passphrases passphrases = Passphrases.forPeer(location.toString(), settings, surroundings);
        boolean isAtHand = passphrases.isAtHand()
                || settings.containsKey(Passphrases.COMMAND)
                || settings.containsKey(Passphrases.VARIABLE);
        if (isAtHand) {
            byte[] passphrase = passphrases.forOpening();
            settings.put("passphrase", new String(passphrase, StandardCharsets.UTF_8));
            Arrays.fill(passphrase, (byte) 0);
        }
        settings.remove(Passphrases.COMMAND);
        settings.remove(Passphrases.VARIABLE);
    }

    /** Reaches a store. */
    @FunctionalInterface
    private interface Connection {
        Storage open() throws IOException;
    }

    private Repository open(StorePlace where, Passphrases passphrases, Connection connection) throws IOException {
        UnlockCache keyCache = UnlockCache.of(globals.get(UnlockCache.FLAG), where.settings(), surroundings, report);
        for (int attempt = 1; ; attempt++) {
            try {
                Repository repository =
                        Repository.open(connection.open(), passphrases::forOpening, keyCache, Repository.thisHost());
                repository.useCache(cache());
                repository.useNotices(report::warn);
                repository.useMemory(memory);
                if (globals.is("time")) {
                    stages.add(repository.stages());
                    repository.stages().start();
                }
                return repository;
            } catch (WrongPassphraseException e) {
                if (!passphrases.wasTyped() || attempt == TYPED_TRIES) {
                    throw e;
                }
                report.error("wrong passphrase, try again");
            } catch (IOException e) {
                throw notOpened(where, e);
            }
        }
    }

    /** Reaches the store without opening it, for those who need no key. The caller closes it. */
    Storage openStorage() throws IOException {
        try {
            return limited(place().open(report::warn));
        } catch (IOException e) {
            throw notOpened(place(), e);
        }
    }

    private Storage connect() throws IOException {
        CountingStorage connected = new CountingStorage(limited(place().open(report::warn)));
        storage = connected;
        return connected;
    }

    private Storage limited(Storage real) {
        return LimitedStorage.of(real, upload, download);
    }

    private static RuntimeException notOpened(StorePlace where, IOException e) {
        String advice = where.isDefault()
                ? "`armoire create` makes this default store, and `armoire at STORE COMMAND` names another one."
                : "To name another store use `armoire at STORE COMMAND`.";
        String why = Failures.message(e);
        String again = "cannot open " + where.location() + ": ";
        return new CommandException(
                ExitCode.NO_STORE,
                "failed to open the repository at " + where.location() + ": "
                        + (why.startsWith(again) ? why.substring(again.length()) : why) + "\n" + advice,
                e);
    }

    /** Bytes read from the store so far. */
    long bytesRead() {
        CountingStorage counted = storage;
        return counted == null ? 0 : counted.bytesRead();
    }

    /** Bytes written to the store so far. */
    long bytesWritten() {
        CountingStorage counted = storage;
        return counted == null ? 0 : counted.bytesWritten();
    }

    /** Where the time went in the stores that were opened, in nanoseconds of all threads together; measured with -time. */
    Map<StageTimes.Stage, Long> stages() {
        Map<StageTimes.Stage, Long> sums = new EnumMap<>(StageTimes.Stage.class);
        for (StageTimes times : stages) {
            times.taken().forEach((stage, nanos) -> sums.merge(stage, nanos, Long::sum));
        }
        return sums;
    }

    /** {@code in: 0 B, out: 1.1 MiB}: what came from the store and what went to it. */
    String traffic() {
        return "in: " + GoFormat.bytes(bytesRead()) + ", out: " + GoFormat.bytes(bytesWritten());
    }

    Passphrases passphrases() throws IOException {
        return new Passphrases(globals.get("keyfile"), place().settings(), surroundings);
    }

    /**
     * A store's place.
     *
     * @param settings what the configuration says of it
     * @param isDefault whether nobody named it
     */
    record StorePlace(Location location, Map<String, String> settings, boolean isDefault) {
        /** Settings that are no business of the kind of storage. */
        private static final Set<String> OURS =
                Set.of("passphrase", Passphrases.COMMAND, Passphrases.VARIABLE, UnlockCache.SETTING);

        /**
         * Reaches the store.
         *
         * @param notices told when it keeps its callers waiting
         */
        Storage open(Consumer<String> notices) throws IOException {
            return factory(notices).open(location, storageSettings());
        }

        Storage create(MemorySegment config, Consumer<String> notices) throws IOException {
            return factory(notices).create(location, config, storageSettings());
        }

        private StorageFactory factory(Consumer<String> notices) {
            StorageFactory factory = Session.factory(location);
            factory.useNotices(notices);
            return factory;
        }

        /** What the kind of storage is to know. */
        Map<String, String> storageSettings() {
            Map<String, String> settings = new LinkedHashMap<>(this.settings);
            settings.keySet().removeAll(OURS);
            return settings;
        }

        /** Where it lies on this machine, or null when it does not. */
        @Nullable
        Path localPath() {
            boolean isLocal =
                    location.scheme().equals("fs") || location.scheme().equals("ptar");
            return isLocal ? Path.of(location.path()).toAbsolutePath().normalize() : null;
        }
    }
}
