// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.connectors.spi.ArchiveOutput;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.FastRandom;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.crypto.UnsupportedVersionException;
import dev.armoire.crypto.WrongPassphraseException;
import dev.armoire.engine.repository.StateFacts.ColourChange;
import dev.armoire.engine.repository.StateFacts.StateInfo;
import dev.armoire.index.BlobIndex;
import dev.armoire.index.LocationRuns;
import dev.armoire.index.MacSet;
import dev.armoire.index.PackfileTable;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Envelope;
import dev.armoire.packfile.LockRecord;
import dev.armoire.packfile.PackfileLayout;
import dev.armoire.packfile.ResourceType;
import dev.armoire.packfile.StateStream;
import dev.armoire.packfile.StoreConfig;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.SequencedMap;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * An open store: its configuration, its keys, and what its states say it holds. Owns the storage, the keys and the index.
 *
 * <p>{@link #refresh} must have been called before blobs are looked up. Writers take the lock first and refresh
 * afterwards, so that nothing they deduplicate against can be collected meanwhile (format 1 §12.1, H6).
 */
public final class Repository implements AutoCloseable {
    /** States of a store far away that are read at once. */
    private static final int FAR_STATES = 16;
    /** A folder for files that go with the process. */
    private static final String SPILLED = "spilled";
    /** Of a store on this machine, so many are read by one thread alone: to start another takes as long. */
    private static final int FEW_STATES = 4;
    /** How much of states, as they are stored, is in memory at once; a larger one alone. */
    private static final int STATES_KIB = 64 << 10;

    private final Storage storage;
    private final StoreConfig config;
    private final StoreKeys keys;
    private final String hostname;
    private final StageTimes stages = new StageTimes();
    private final PackfileTable packfiles = new PackfileTable();
    private final BlobIndex index = new BlobIndex(packfiles);
    private final ThreadLocal<FastRandom> random = ThreadLocal.withInitial(FastRandom::new);
    /** What is known of each merged state: who its parent is and when it was begun. */
    private final Map<Mac, StateInfo> merged = new HashMap<>();
    /** Those that other processes have written, and that may not be durable yet. */
    private final Set<Mac> unsettled = new HashSet<>();
    /** Colour changes in the order in which they stand in their state. */
    private final List<ColourChange> colourChanges = new ArrayList<>();

    /** Coloured packfiles, and when they were, in nanoseconds since 1970. */
    private final Map<Mac, Long> colouredSince = new HashMap<>();

    /** Sets that are never changed: of most snapshots there is one packfile. */
    private final Map<Mac, Set<Integer>> snapshotPackfiles = new HashMap<>();

    private final Set<Mac> removedSnapshots = new HashSet<>();
    /** Null until it is asked for: to put all states in order takes long where there are many. */
    private @Nullable Mac latestState;

    private @Nullable StateCache cache;
    private @Nullable Path cacheFolder;
    /** Locations; of pairs three for eight of these, as three sets may be in use with them. */
    private long mostInTables = Long.MAX_VALUE;
    /** So many are usual. */
    private int inTables;

    /** Of a store that is far away, when there is a cache folder. */
    private @Nullable PackfileCopies copies;
    /** What was taken over from the cache. */
    private @Nullable StateFacts cached;
    /** What an earlier process has left there; {@link #cached} may hold more, moved into files by this one. */
    private Set<Mac> foundInCache = Set.of();

    private boolean hasListedPackfiles;
    /** Ordinals of the packfiles that this process has made. */
    private final BitSet ownPackfiles = new BitSet();

    /** Those of them that no durable state names yet. */
    private final BitSet unnamedPackfiles = new BitSet();

    /** Whether a state of this process says more than what was taken note of here: it is cached when it was read. */
    private boolean hasCommittedMore;

    private long checkpointBytes = PendingState.CHECKPOINT_BYTES;
    private MemoryBudget memory = MemoryBudget.usual();

    private DamagedState damagedStates = Repository::fail;
    private Consumer<String> notices = text -> {};
    private boolean hasToldOfClocks;

    Repository(Storage storage, StoreConfig config, StoreKeys keys, String hostname) {
        this.storage = storage;
        this.config = config;
        this.keys = keys;
        this.hostname = hostname;
    }

    /** Gives the passphrase of an encrypted store; asked once, and only for such a store. */
    @FunctionalInterface
    public interface Passphrase {
        /** Bytes that the caller wipes. */
        byte[] get();
    }

    /** Keeps derived keys beyond the end of a process, for a user who wants that. */
    public interface KeyCache {
        /** The key that was kept for a store, for the caller to wipe; null when there is none. */
        byte @Nullable [] find(UUID repository);

        /** Keeps a key that has opened a store. It is borrowed. */
        void keep(UUID repository, byte[] masterKey);
    }

    /**
     * Opens a store: reads CONFIG, derives the keys, verifies. Takes over the storage, and closes it when opening fails.
     *
     * @param hostname name of this machine, as locks and snapshots carry it
     * @throws dev.armoire.crypto.WrongPassphraseException when the passphrase does not open it
     * @throws UnsupportedVersionException when it was made by a newer program
     * @throws CorruptDataException when CONFIG is damaged
     */
    public static Repository open(Storage storage, Passphrase passphrase, String hostname) throws IOException {
        return open(storage, passphrase, null, hostname);
    }

    /**
     * Opens a store as the other form does, with a key that was kept, if there is one that fits; then nobody is asked for the
     * passphrase.
     */
    public static Repository open(Storage storage, Passphrase passphrase, @Nullable KeyCache keyCache, String hostname)
            throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment object = storage.readConfig(arena);
            StoreConfig config = StoreConfig.parse(object);
            StoreKeys keys = config.isEncrypted() ? unlock(config, passphrase, keyCache) : config.plaintextKeys();
            try {
                StoreConfig.verify(object, keys);
                return new Repository(storage, config, keys, hostname);
            } catch (RuntimeException e) {
                keys.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            storage.close();
            throw e;
        }
    }

    private static StoreKeys unlock(StoreConfig config, Passphrase passphrase, @Nullable KeyCache keyCache) {
        byte[] kept = keyCache == null ? null : keyCache.find(config.repositoryId());
        if (kept != null) {
            try {
                return config.unlockWith(kept);
            } catch (WrongPassphraseException | IllegalArgumentException e) {
                // Not this store's, nor any: as if there were none.
            } finally {
                Arrays.fill(kept, (byte) 0);
            }
        }
        byte[] secret = passphrase.get();
        byte[] master;
        try {
            master = config.masterKey(secret);
        } finally {
            Arrays.fill(secret, (byte) 0);
        }
        try {
            StoreKeys keys = config.unlockWith(master);
            if (keyCache != null) {
                keyCache.keep(config.repositoryId(), master);
            }
            return keys;
        } finally {
            Arrays.fill(master, (byte) 0);
        }
    }

    /**
     * Remembers what states say in a cache folder, so that they need not all be read again. To be called before the first
     * {@link #refresh}. A folder that cannot be used is no error: then all is as it is without.
     *
     * @param folder for the caches of all stores
     */
    public void useCache(Path folder) {
        StateCache.Limits usual = storage.localPath() == null ? StateCache.Limits.FAR : StateCache.Limits.USUAL;
        useCache(folder, Boolean.getBoolean("armoire.cache.eager") ? StateCache.Limits.NONE : usual);
    }

    void useCache(Path folder, StateCache.Limits limits) {
        cacheFolder = folder;
        inTables = limits.inTables();
        useTables();
        cache = new StateCache(
                folder, keys, config.repositoryId(), config.repositoryIdBytes(), storage.location(), limits);
        Path kept = cacheFile("packfiles-1");
        if (kept != null && storage.localPath() == null && storage.isWritable()) {
            copies = new PackfileCopies(kept, PackfileCopies.MAX_BYTES);
        }
    }

    /**
     * An empty set for the caller to close, which keeps what is too much for memory in the cache folder, if there is one.
     *
     * @param hasNumbers whether each pair has a number
     */
    public MacSet newMacSet(boolean hasNumbers) {
        Path folder = cacheFolder;
        return new MacSet(hasNumbers, folder == null ? null : folder.resolve(SPILLED), mostInTables / 8 * 3);
    }

    /**
     * How much memory those who write may take for data under way, for what is begun from now on. With more than is usual those who want to
     * know of every place keep as many times more places in memory.
     */
    public void useMemory(MemoryBudget budget) {
        memory = budget;
        useTables();
    }

    private void useTables() {
        Path folder = cacheFolder;
        if (folder != null) {
            mostInTables = (long) (inTables
                    * Math.max(1, (double) memory.bytes() / MemoryBudget.usual().bytes()));
            index.spillTo(folder.resolve(SPILLED), mostInTables);
        }
    }

    MemoryBudget memory() {
        return memory;
    }

    /**
     * Where to keep what is remembered of this store and no other, not even of a copy of it; null without {@link #useCache}.
     *
     * @param kind a folder for the files of all stores
     */
    public @Nullable Path cacheFile(String kind) {
        Path folder = cacheFolder;
        return folder == null
                ? null
                : folder.resolve(kind).resolve(config.repositoryId() + "-" + StateCache.digest(storage.location()));
    }

    /** Says who is told what a person should know of clocks and of locks that the dead left; nobody, unless this is called. */
    public void useNotices(Consumer<String> told) {
        notices = told;
    }

    void notice(String text) {
        notices.accept(text);
    }

    public Storage storage() {
        return storage;
    }

    public StoreConfig config() {
        return config;
    }

    public BlobIndex index() {
        return index;
    }

    /** The name of this machine. The kernel is asked first: the resolver may ask the network, and wait. */
    public static String thisHost() {
        try {
            String name = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
            if (!name.isEmpty()) {
                return name;
            }
        } catch (IOException e) {
            // no Linux
        }
        try {
            return InetAddress.getLocalHost().getHostName().toLowerCase(Locale.ROOT);
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }

    /** The name of this machine, as snapshots and locks carry it. */
    public String hostname() {
        return hostname;
    }

    public StoreKeys keys() {
        return keys;
    }

    /** The calling thread's source of random bytes. */
    public FastRandom random() {
        return random.get();
    }

    /** A codec for one thread, who closes it. */
    public BlobCodec newCodec() {
        return BlobCodec.of(config, keys);
    }

    /** A reader for one thread, who closes it. What this machine keeps of a store that is far away is not fetched. */
    public BlobReader newReader() {
        return new BlobReader(this, index::findExpected, null, copies, false);
    }

    /** Like {@link #newReader}, and keeps what it fetches: for trees that will be read again. */
    public BlobReader newTreeReader() {
        return new BlobReader(this, index::findExpected, null, copies, true);
    }

    /** Like {@link #newReader}, but everything comes from the store: for those who want to know whether that has it. */
    public BlobReader newStoreReader() {
        return new BlobReader(this, index::findExpected);
    }

    /** Like {@link #newReader}, but for blobs in coloured packfiles, too, which nobody else sees. Reads ahead. */
    public BlobReader newMaintenanceReader() {
        return new BlobReader(this, index::findStored, new ReadAhead(storage), null, false);
    }

    /** The newest state that was merged, or zero: the parent of the next one. */
    public synchronized Mac latestState() {
        Mac known = latestState;
        if (known == null) {
            List<Mac> order = parentsFirst(merged);
            known = order.isEmpty() ? Mac.ZERO : order.getLast();
            latestState = known;
        }
        return known;
    }

    /** Told of a state that cannot be read. */
    @FunctionalInterface
    public interface DamagedState {
        void damaged(Mac state, CorruptDataException problem);
    }

    /**
     * Merges the states that are new in the store, and learns which packfiles it has. For those who write: they must know
     * all that is there.
     *
     * @throws CorruptDataException when a state is damaged, naming it
     */
    public void refresh() throws IOException {
        refresh(Repository::fail);
        index.prepare();
    }

    private static void fail(Mac state, CorruptDataException problem) {
        throw problem;
    }

    /**
     * Like {@link #refresh()}, for those who only read: what the other states name can still be given back.
     *
     * @param damaged told of each state that cannot be read, perhaps later on
     */
    public synchronized void refresh(DamagedState damaged) throws IOException {
        // In this order: a packfile is durable before the state that names it, so what a state that is seen here names
        // is there.
        if (storage.localPath() != null) {
            refreshStates(damaged);
            listPackfiles();
            return;
        }
        // Far away both are asked for at once; what is not in a list that may be the older one is looked for again.
        FutureTask<List<Mac>> listing = new FutureTask<>(() -> storage.list(ObjectKind.PACKFILE));
        Thread.ofPlatform().daemon().name("list-packfiles").start(listing);
        refreshStates(damaged);
        markListed(resultOf(listing));
        if (hasMissingPackfiles()) {
            listPackfiles();
        }
    }

    private void listPackfiles() throws IOException {
        markListed(storage.list(ObjectKind.PACKFILE));
    }

    private void markListed(List<Mac> names) {
        names.forEach(packfiles::markListed);
        hasListedPackfiles = true;
    }

    private static <T> T resultOf(FutureTask<T> task) throws IOException {
        try {
            return task.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException failure -> throw failure;
                case RuntimeException failure -> throw failure;
                case Error failure -> throw failure;
                case null, default -> throw new IllegalStateException(e);
            }
        }
    }

    /** The names of all states that the store has now. */
    public List<Mac> listStates() throws IOException {
        return List.copyOf(storage.list(ObjectKind.STATE));
    }

    /** Whether nothing in the store is of a time that has not come yet. */
    public synchronized boolean areClocksRight() {
        return !hasToldOfClocks;
    }

    /**
     * Like {@link #refresh(DamagedState)}, but learns nothing of which packfiles the store has: for those who want to know what
     * snapshots there are, and read nothing of them before they have called that or {@link #refreshPackfiles}.
     */
    public synchronized void refreshStates(DamagedState damaged) throws IOException {
        damagedStates = damaged;
        boolean isFirst = merged.isEmpty();
        List<Mac> states = storage.list(ObjectKind.STATE);
        takeFromCache(states);
        mergeNew(states, isFirst);
    }

    /** Completes {@link #refreshStates}, if nobody has done so. */
    public synchronized void refreshPackfiles() throws IOException {
        if (!hasListedPackfiles) {
            listPackfiles();
        }
    }

    /** @param mayRelieve whether nobody asks the index anything yet */
    private void mergeNew(List<Mac> states, boolean mayRelieve) throws IOException {
        Set<Mac> missing = new LinkedHashSet<>();
        for (Mac name : states) {
            if (!merged.containsKey(name)) {
                missing.add(name);
            }
        }
        if (!missing.isEmpty()) {
            unsettled.addAll(missing);
            mergeAll(missing, mayRelieve);
        }
        applyColours();
        compareClocks(Instant.now());
    }

    /** What is merged is durable then: what is written next, or remembered, counts on it. */
    synchronized void settleStates() throws IOException {
        storage.settle(ObjectKind.STATE, unsettled);
        unsettled.clear();
    }

    /** What was written in the future says that some clock is wrong; one that is ahead of all others cannot be known. */
    private void compareClocks(Instant now) {
        long latest = Long.MIN_VALUE;
        for (StateInfo state : merged.values()) {
            latest = Math.max(latest, state.timestamp());
        }
        Instant written =
                Instant.ofEpochSecond(Math.floorDiv(latest, 1_000_000_000), Math.floorMod(latest, 1_000_000_000));
        if (!hasToldOfClocks && written.isAfter(now.plus(RepositoryLock.CLOCK_SKEW))) {
            hasToldOfClocks = true;
            notice("the newest state of " + storage.location() + " is of " + written
                    + ", but by the clock of this machine it is "
                    + now
                    + " now: put the clocks right, as they may differ by an hour at most; until then ages of snapshots"
                    + " and grace periods are wrong, and locks of this machine may look like those of dead processes");
        }
    }

    /**
     * Several states at once: far away each one is a request or two, and near it is work for a core to read many locations. What
     * they say is taken in their order.
     *
     * @param mayRelieve whether what has become much may be moved into files of the cache meanwhile
     */
    private void mergeAll(Collection<Mac> states, boolean mayRelieve) throws IOException {
        boolean isFar = storage.localPath() == null;
        int atOnce = isFar
                ? FAR_STATES
                : states.size() < FEW_STATES ? 1 : Runtime.getRuntime().availableProcessors();
        int helpers = Math.min(states.size(), atOnce) - 1;
        boolean canRelieve = mayRelieve;
        Queue<BlobCodec> codecs = new ConcurrentLinkedQueue<>();
        Semaphore room = new Semaphore(STATES_KIB);
        ReadWriteLock reading = new ReentrantReadWriteLock();
        Set<Mac> finished = new HashSet<>(); // those merged before may be read again
        SequencedMap<Mac, FutureTask<Merger>> tasks = new LinkedHashMap<>();
        for (Mac name : states) {
            tasks.put(name, new FutureTask<>(() -> merger(name, codecs, room)));
        }
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < helpers; i++) {
            // A task runs once, for whoever comes to it first.
            threads.add(Thread.ofPlatform()
                    .daemon()
                    .name("states-" + i)
                    .start(() -> tasks.sequencedValues().forEach(task -> run(task, reading.readLock()))));
        }
        try {
            for (Map.Entry<Mac, FutureTask<Merger>> task : tasks.sequencedEntrySet()) {
                run(task.getValue(), reading.readLock());
                finish(task.getKey(), task.getValue(), finished);
                if (canRelieve && hasMuch()) {
                    reading.writeLock().lock(); // or else files would say what no state of theirs does
                    try {
                        finishRead(tasks, finished);
                        settleAndRelieve();
                        canRelieve = !hasMuch(); // if not, another process is at the cache, or it cannot be written
                    } finally {
                        reading.writeLock().unlock();
                    }
                }
            }
        } finally {
            tasks.sequencedValues().forEach(task -> task.cancel(true));
            joinAll(threads);
            codecs.forEach(BlobCodec::close);
        }
    }

    /** With the lock until it counts as done: what is in the tables then belongs to a state that is. */
    private static void run(FutureTask<Merger> task, Lock reading) {
        reading.lock();
        try {
            task.run();
        } finally {
            reading.unlock();
        }
    }

    /** Waits until a state is read, which another thread may do just now. */
    private void finish(Mac state, FutureTask<Merger> task, Set<Mac> finished) throws IOException {
        if (finished.add(state)) {
            try {
                resultOf(task).finish();
            } catch (CorruptDataException e) {
                damagedStates.damaged(state, e);
            }
        }
    }

    private void settleAndRelieve() {
        try {
            settleStates();
        } catch (IOException e) {
            return; // whoever finds them in the cache takes them for durable
        }
        relieveMemory();
    }

    /** What was read ahead of those that have had their turn. */
    private void finishRead(Map<Mac, FutureTask<Merger>> tasks, Set<Mac> finished) throws IOException {
        for (Map.Entry<Mac, FutureTask<Merger>> task : tasks.entrySet()) {
            if (task.getValue().state() == Future.State.SUCCESS) {
                finish(task.getKey(), task.getValue(), finished);
            }
        }
    }

    /** They end soon, and must have ended: what they work with is closed after that. */
    private static void joinAll(List<Thread> threads) {
        boolean wasInterrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    wasInterrupted = true;
                }
            }
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private Merger merger(Mac name, Queue<BlobCodec> codecs, Semaphore room) throws IOException {
        long size = storage.size(ObjectKind.STATE, name);
        int share = (int) Math.min(STATES_KIB, (size >> 10) + 1);
        try {
            room.acquire(share);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
        BlobCodec spare = codecs.poll();
        BlobCodec codec = spare == null ? newCodec() : spare;
        try {
            Merger merger = new Merger(name);
            readState(name, size, codec, merger);
            return merger;
        } finally {
            codecs.add(codec);
            room.release(share);
        }
    }

    private void takeFromCache(List<Mac> states) {
        StateCache source = cache;
        if (source == null || !merged.isEmpty() || packfiles.size() > 0) {
            return;
        }
        StateFacts facts = source.load();
        if (facts == null || !facts.areAllStates(states)) {
            return;
        }
        cached = facts;
        foundInCache = facts.states().keySet();
        for (StateFacts.Packfile packfile : facts.packfiles()) {
            packfiles.add(packfile.name(), packfile.isKnown(), packfile.isDeleted());
        }
        merged.putAll(facts.states());
        colourChanges.addAll(facts.colourChanges());
        snapshotPackfiles.putAll(facts.snapshots());
        removedSnapshots.addAll(facts.removedSnapshots());
        index.reserve(facts.locations().size());
        facts.locations().giveTo(index::add);
        if (!facts.runs().isEmpty()) {
            index.attach(new LocationRuns(source.files(facts), facts.packfiles().size()), () -> mergeAgain(facts));
        }
    }

    /** Reads the states whose locations stand in files that cannot be used. */
    private synchronized void mergeAgain(StateFacts facts) {
        colourChanges.removeIf(change -> facts.states().containsKey(change.state()));
        try {
            mergeAll(facts.states().keySet(), false);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Brings the cache up to date when it lacks more than the next process would read from the states in no time. */
    private synchronized void updateCache() {
        StateCache target = cache;
        if (target == null || !mayUpdateCache()) {
            return;
        }
        StateFacts known = cached;
        int newStates = merged.size() - (known == null ? 0 : known.states().size());
        long newLocations =
                index.size() - (known == null ? 0 : known.locations().size());
        if (index.metDamage() || target.isWorth(newStates, newLocations)) {
            List<StateFacts.Run> runs = known == null || index.metDamage() ? List.of() : known.runs();
            try {
                settleStates();
            } catch (IOException e) {
                return; // as above
            }
            var _ = target.update(
                    facts(runs), index, this::isCached, random().nextMac().w0());
        }
    }

    /** What was seen here, now or before; null without a cache folder, and of what does not change. */
    @Nullable
    SeenStates seenStates() {
        Path file = seenStatesFile();
        return file == null ? null : SeenStates.load(file);
    }

    private @Nullable Path seenStatesFile() {
        return storage.isWritable() ? cacheFile("seen-1") : null;
    }

    /** That states are gone is known from now on, and what they listed is listed by others. */
    public void acceptLostStates() throws IOException {
        SeenStates seen = seenStates();
        if (seen != null) {
            seen.retain(storage.list(ObjectKind.STATE));
        }
    }

    /** Who found all in the cache leaves this to the one that put it there, unless that one was killed before it came to it. */
    private synchronized void rememberStates() {
        Path file = seenStatesFile();
        if (file == null || merged.isEmpty()) {
            return;
        }
        List<Mac> snapshots = snapshots().stream()
                .filter(id ->
                        snapshotPackfiles.getOrDefault(id, Set.of()).stream().anyMatch(this::isCached))
                .toList();
        if (!foundInCache.containsAll(merged.keySet()) || !SeenStates.mayHold(file, merged.size() + snapshots.size())) {
            SeenStates.load(file).add(merged.keySet(), snapshots);
        }
    }

    private boolean mayUpdateCache() {
        StateFacts known = cached;
        boolean hasGivenUpFiles = known != null && !known.runs().isEmpty() && index.isWhole();
        return !hasCommittedMore
                && !merged.isEmpty()
                && (index.metDamage() || !hasGivenUpFiles)
                && !Thread.currentThread().isInterrupted();
    }

    private boolean hasMuch() {
        StateCache target = cache;
        return target != null && target.isMuch(index.size());
    }

    /**
     * Moves into files of the cache what states name, when it has become much; without a cache it stays. For those who add
     * packfiles, between two of them.
     */
    void relieveMemory() {
        StateCache target = cache;
        if (target == null || !hasMuch()) {
            return;
        }
        StateFacts written;
        BitSet moved = new BitSet();
        synchronized (this) {
            StateFacts known = cached;
            if (!mayUpdateCache() || index.metDamage()) {
                return;
            }
            List<StateFacts.Run> runs = known == null ? List.of() : known.runs();
            written = target.update(
                    facts(runs), index, this::isCached, random().nextMac().w0());
            if (written == null || written.runs().isEmpty() || written.runs().equals(runs)) {
                return;
            }
            cached = written;
            for (int ordinal = 0; ordinal < packfiles.size(); ordinal++) {
                moved.set(ordinal, isCached(ordinal));
            }
        }
        // Without our own lock, which whoever reads the states again takes after one of the index.
        index.moveToFiles(
                target.files(written),
                written.packfiles().size(),
                () -> mergeAgain(written),
                (type, packfile) -> type == ResourceType.SNAPSHOT || !moved.get(packfile));
    }

    /** What is known now, but for locations. Of packfiles of ours only those count that a state names. */
    private StateFacts facts(List<StateFacts.Run> runs) {
        List<StateFacts.Packfile> all = new ArrayList<>();
        for (int ordinal = 0; ordinal < packfiles.size(); ordinal++) {
            boolean isOurs = ownPackfiles.get(ordinal);
            boolean isKnown = packfiles.isKnown(ordinal)
                    && !unnamedPackfiles.get(ordinal)
                    && !(isOurs && packfiles.isDeleted(ordinal));
            all.add(new StateFacts.Packfile(packfiles.name(ordinal), isKnown, packfiles.isDeleted(ordinal) && !isOurs));
        }
        Map<Mac, Set<Integer>> snapshots = new HashMap<>();
        snapshotPackfiles.forEach((id, holders) -> {
            Set<Integer> durable = holders.stream().filter(this::isCached).collect(Collectors.toUnmodifiableSet());
            if (!durable.isEmpty()) {
                snapshots.put(id, durable);
            }
        });
        return new StateFacts(
                Map.copyOf(merged),
                all,
                List.copyOf(colourChanges),
                snapshots,
                Set.copyOf(removedSnapshots),
                new StateFacts.Locations.Writer().written(),
                runs);
    }

    /** Deletions are for ever: that of a state's, and that of what this process has made and not committed. */
    private boolean isCached(int packfile) {
        return !packfiles.isDeleted(packfile) && !unnamedPackfiles.get(packfile);
    }

    /** Reads a state from the store, and verifies it. Returns the version of its form. */
    public int readState(Mac name, BlobCodec codec, StateStream.Visitor visitor) throws IOException {
        return readState(name, storage.size(ObjectKind.STATE, name), codec, visitor);
    }

    private int readState(Mac name, long size, BlobCodec codec, StateStream.Visitor visitor) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stored = readObject(ObjectKind.STATE, name, size, arena);
            Envelope envelope = Envelope.open(stored, ResourceType.STATE, keys.newMacHasher(), name.hex());
            // LZ4 cannot make more than 255 bytes of one, gzip about 1032: what says more is a bomb.
            // In parts, as a state of a million locations has 90 MB.
            codec.decodeInParts(
                    envelope.payload(),
                    envelope.payload().byteSize() * 1100 + 4096,
                    new StateStream.Reader(envelope.version(), name.hex(), visitor));
            return envelope.version();
        } catch (CorruptDataException e) {
            throw new CorruptDataException(
                    "state " + name.hex() + " in " + storage.location() + " is damaged (" + e.getMessage()
                            + "); without it the store's content is not fully known: copy this file back from another copy"
                            + " of the store",
                    e);
        }
    }

    /**
     * Puts the entries of one state where they belong; those that are not for several threads, with {@link #finish}. Everything
     * but colours may come in any order.
     */
    private final class Merger implements StateStream.Visitor {
        private final Mac state;
        private final List<ColourChange> colours = new ArrayList<>();
        private final List<Mac> removed = new ArrayList<>();
        private final List<Holder> holders = new ArrayList<>();
        private Mac parent = Mac.ZERO;
        private long timestamp;
        /** Locations of one packfile come in a row. */
        private Mac lastPackfile = Mac.ZERO;

        private int lastOrdinal = -1;

        Merger(Mac state) {
            this.state = state;
        }

        /** A snapshot's header is in a packfile. */
        private record Holder(Mac snapshot, int packfile) {}

        /** With the repository's own lock. */
        void finish() {
            merged.put(state, new StateInfo(parent, timestamp));
            colourChanges.addAll(colours);
            removedSnapshots.addAll(removed);
            holders.forEach(holder -> addHolder(holder.snapshot, holder.packfile));
        }

        @Override
        public void parent(Mac parent) {
            this.parent = parent;
        }

        @Override
        public void location(
                int blobType,
                int version,
                MemorySegment stream,
                long blobMacAt,
                long packfileMacAt,
                long offset,
                long lengthBytes) {
            Mac packfile = Mac.read(stream, packfileMacAt);
            if (lastOrdinal < 0 || !packfile.equals(lastPackfile)) {
                lastPackfile = packfile;
                lastOrdinal = packfiles.ordinal(packfile);
            }
            if (offset < 0 || offset > BlobIndex.MAX_OFFSET) {
                throw new CorruptDataException("a blob at offset " + Long.toUnsignedString(offset));
            }
            Mac mac = Mac.read(stream, blobMacAt);
            index.add(blobType, mac, lastOrdinal, offset, lengthBytes);
            if (blobType == ResourceType.SNAPSHOT) {
                holders.add(new Holder(mac, lastOrdinal));
            }
        }

        @Override
        public void packfile(MemorySegment stream, long packfileMacAt, long stateMacAt, long whenNanos) {
            packfiles.markKnown(Mac.read(stream, packfileMacAt));
        }

        @Override
        public void coloured(int type, MemorySegment stream, long macAt, long whenNanos) {
            Mac mac = Mac.read(stream, macAt);
            if (type == ResourceType.SNAPSHOT) {
                removed.add(mac);
            } else if (type == ResourceType.PACKFILE) {
                colours.add(new ColourChange(state, mac, true, whenNanos));
            }
        }

        @Override
        public void deleted(int entryType, int blobType, MemorySegment stream, long blobMacAt, long packfileMacAt) {
            switch (entryType) {
                case StateStream.PACKFILE -> packfiles.markDeleted(Mac.read(stream, packfileMacAt));
                case StateStream.COLOURED -> {
                    if (blobType == ResourceType.PACKFILE) {
                        colours.add(new ColourChange(state, Mac.read(stream, blobMacAt), false, 0));
                    }
                }
                default -> {
                    // A location: Plakar takes back only those in packfiles that are gone, which nobody can see anyway.
                }
            }
        }

        @Override
        public void trailer(int version, long timestampNanos, MemorySegment stream, long serialAt) {
            timestamp = timestampNanos;
        }
    }

    /** Colours are the one thing whose order counts: a packfile may be coloured, reprieved and coloured again. */
    private void applyColours() {
        latestState = null;
        colouredSince.clear();
        if (colourChanges.isEmpty()) {
            return;
        }
        Map<Mac, List<ColourChange>> byState = new HashMap<>();
        for (ColourChange change : colourChanges) {
            byState.computeIfAbsent(change.state(), key -> new ArrayList<>()).add(change);
        }
        for (Mac state : parentsFirst(merged)) {
            for (ColourChange change : byState.getOrDefault(state, List.of())) {
                if (change.isColoured()) {
                    packfiles.markColoured(change.packfile());
                    colouredSince.putIfAbsent(change.packfile(), change.whenNanos());
                } else {
                    packfiles.unmarkColoured(change.packfile());
                    colouredSince.remove(change.packfile());
                }
            }
        }
    }

    /** Parents before children, the older before the younger. Parents that Plakar wrote cannot be relied on for more. */
    private static List<Mac> parentsFirst(Map<Mac, StateInfo> states) {
        List<Map.Entry<Mac, StateInfo>> byTime = new ArrayList<>(states.entrySet());
        byTime.sort(Comparator.comparingLong(
                        (Map.Entry<Mac, StateInfo> state) -> state.getValue().timestamp())
                .thenComparing(Map.Entry.comparingByKey()));
        List<Mac> ordered = new ArrayList<>(byTime.size());
        Set<Mac> placed = new HashSet<>();
        for (Map.Entry<Mac, StateInfo> state : byTime) {
            List<Mac> chain = new ArrayList<>();
            Set<Mac> seen = new HashSet<>();
            Mac at = state.getKey();
            for (StateInfo info = state.getValue(); info != null && !placed.contains(at) && seen.add(at); ) {
                chain.add(at);
                at = info.parent();
                info = states.get(at);
            }
            for (Mac ancestor : chain.reversed()) {
                placed.add(ancestor);
                ordered.add(ancestor);
            }
        }
        return ordered;
    }

    /** Identifiers of the snapshots that exist, in no order. */
    public synchronized List<Mac> snapshots() {
        List<Mac> live = new ArrayList<>();
        snapshotPackfiles.forEach((id, holders) -> {
            if (!removedSnapshots.contains(id) && holders.stream().anyMatch(packfiles::isExpected)) {
                live.add(id);
            }
        });
        return live;
    }

    /** Packfiles that are coloured, and since when, in nanoseconds since 1970 by the clock of who did it. */
    public synchronized Map<Mac, Long> colouredPackfiles() {
        return Map.copyOf(colouredSince);
    }

    /** Names of the states that make up what is known. */
    public synchronized List<Mac> states() {
        return List.copyOf(merged.keySet());
    }

    /** Each merged state with the one that it builds on, or zero. */
    public synchronized Map<Mac, Mac> stateParents() {
        Map<Mac, Mac> parents = new HashMap<>();
        merged.forEach((state, info) -> parents.put(state, info.parent()));
        return parents;
    }

    /** Whether states speak of packfiles that the store does not have. Then nothing may be taken for stored unread. */
    public boolean hasMissingPackfiles() {
        for (int ordinal = 0; ordinal < packfiles.size(); ordinal++) {
            if (packfiles.isMissing(ordinal)) {
                return true;
            }
        }
        return false;
    }

    /** Where the time goes in work on this store; stopped until somebody wants to know. */
    public StageTimes stages() {
        return stages;
    }

    /** Begins the list of what the caller is about to add. */
    public PendingState newPendingState(Mac name) {
        return newPendingState(name, latestState());
    }

    /** Like {@link #newPendingState(Mac)}, building on a state that is not the newest one. */
    public PendingState newPendingState(Mac name, Mac parent) {
        return new PendingState(this, name, parent);
    }

    /**
     * After how many bytes of packfiles a state is written that names them, though their snapshot is not whole.
     */
    public void setCheckpointBytes(long bytes) {
        checkpointBytes = bytes;
    }

    long checkpointBytes() {
        return checkpointBytes;
    }

    /** Packs blobs and lists them in {@code state}. */
    public PackWriter newPackWriter(PendingState state) {
        return new PackWriter(this, state, null);
    }

    /**
     * Packs all blobs into the one packfile of the archive that this store is; {@link PackWriter#finishArchive} ends it.
     *
     * @throws IOException when it cannot be begun
     */
    public PackWriter newArchiveWriter(PendingState state, ArchiveOutput archive) throws IOException {
        return new PackWriter(this, state, new ArchivePackfile(this, archive));
    }

    /** Marks a snapshot as removed. Its data stay until maintenance has made sure that nothing else needs them. */
    public void removeSnapshot(Mac id) throws IOException {
        try (PendingState state = newPendingState(random().nextMac())) {
            state.removeSnapshot(id);
            state.commit();
        }
    }

    /** Whether a snapshot was removed: its identifier stays hidden for ever. */
    public synchronized boolean isRemoved(Mac snapshot) {
        return removedSnapshots.contains(snapshot);
    }

    synchronized void markRemoved(Mac snapshot) {
        removedSnapshots.add(snapshot);
    }

    /**
     * Makes a durable packfile and its blobs known; of others, they exist once a state of ours is committed that names it.
     *
     * @param records see {@link PackfileLayout}
     */
    void addPackfile(Mac packfile, MemorySegment records) {
        packfiles.markKnown(packfile);
        packfiles.markListed(packfile);
        int ordinal = packfiles.ordinal(packfile);
        addSnapshots(records, ordinal);
        for (long at = 0; at < records.byteSize(); at += PackfileLayout.RECORD_BYTES) {
            index.add(
                    PackfileLayout.recordType(records, at),
                    PackfileLayout.recordMac(records, at),
                    ordinal,
                    PackfileLayout.recordOffset(records, at),
                    PackfileLayout.recordLength(records, at));
        }
    }

    /** Told of a packfile of trees that is in the store now; {@code parts} are borrowed. */
    void keepCopy(Mac packfile, List<MemorySegment> parts) {
        PackfileCopies near = copies;
        if (near != null) {
            near.put(packfile, parts);
        }
    }

    private synchronized void addSnapshots(MemorySegment records, int packfile) {
        ownPackfiles.set(packfile);
        unnamedPackfiles.set(packfile);
        for (long at = 0; at < records.byteSize(); at += PackfileLayout.RECORD_BYTES) {
            if (PackfileLayout.recordType(records, at) == ResourceType.SNAPSHOT) {
                addHolder(PackfileLayout.recordMac(records, at), packfile);
            }
        }
    }

    private void addHolder(Mac snapshot, int packfile) {
        snapshotPackfiles.merge(snapshot, Set.of(packfile), (some, more) -> {
            Set<Integer> all = new HashSet<>(some);
            all.addAll(more);
            return all;
        });
    }

    /** Whether states say of a snapshot where it is, or that it was removed. */
    synchronized boolean isMentioned(Mac snapshot) {
        return snapshotPackfiles.containsKey(snapshot) || removedSnapshots.contains(snapshot);
    }

    /** Whether this process has made a packfile, or taken one over. */
    public synchronized boolean isOwn(int packfile) {
        return ownPackfiles.get(packfile);
    }

    /** Called when a state of ours is durable. */
    synchronized void committed(Mac state, Mac parent, long timestamp, List<Mac> named, boolean hasColours) {
        hasCommittedMore |= hasColours;
        for (Mac packfile : named) {
            int ordinal = packfiles.ordinal(packfile);
            hasCommittedMore |= !packfiles.isKnown(ordinal);
            unnamedPackfiles.clear(ordinal);
        }
        merged.put(state, new StateInfo(parent, timestamp));
        latestState = state;
    }

    /** Reads a whole stored object. */
    public MemorySegment readObject(ObjectKind kind, Mac name, Arena arena) throws IOException {
        return readObject(kind, name, storage.size(kind, name), arena);
    }

    private MemorySegment readObject(ObjectKind kind, Mac name, long size, Arena arena) throws IOException {
        MemorySegment whole = arena.allocate(Math.max(1, size), 8).asSlice(0, size);
        storage.read(kind, name, 0, whole);
        return whole;
    }

    /**
     * What a lock in the store says; nobody need have it.
     *
     * @throws java.nio.file.NoSuchFileException when it was released
     */
    public LockRecord readLock(Mac name) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            return decodeLock(readObject(ObjectKind.LOCK, name, arena), name);
        }
    }

    LockRecord decodeLock(MemorySegment stored, Mac name) {
        try (BlobCodec codec = newCodec()) {
            Envelope envelope = Envelope.open(stored, ResourceType.LOCK, keys.newMacHasher(), name.hex());
            return LockRecord.decode(codec.decode(envelope.payload(), 1 << 16), name.hex());
        }
    }

    MemorySegment encodeLock(LockRecord record, Arena arena) {
        try (BlobCodec codec = newCodec()) {
            MemorySegment payload = arena.allocate(codec.prepare(MemorySegment.ofArray(record.encode())));
            codec.writeTo(payload);
            return Envelope.wrap(ResourceType.LOCK, payload, keys.newMacHasher(), arena);
        }
    }

    private void closeCopies() {
        PackfileCopies near = copies;
        if (near == null) {
            return;
        }
        if (hasListedPackfiles) {
            near.retain(packfile -> packfiles.isListed(packfiles.ordinal(packfile)));
        }
        near.close();
    }

    @Override
    public void close() {
        try {
            updateCache();
            rememberStates();
            closeCopies();
            index.close();
        } finally {
            try {
                keys.close();
            } finally {
                storage.close();
            }
        }
    }
}
