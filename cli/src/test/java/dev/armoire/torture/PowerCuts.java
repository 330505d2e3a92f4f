// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.BackupOptions;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repair.Repair;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.engine.sync.Sync;
import dev.armoire.torture.DiskModel.Fate;
import dev.armoire.torture.DiskModel.Remains;
import dev.armoire.torture.SystemCalls.Call;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Takes the power away below everything that Armoire does: watches what the real process asks of the system, and makes store and
 * cache folder of what a disk may hold after any of these calls ({@link DiskModel}). Each such store must open, {@code check} must
 * find nothing, what was acknowledged must be there and nothing that is not whole, and the next backup, with the cache folder as it
 * was left, must work and restore.
 */
final class PowerCuts {
    private enum Operation {
        CREATE,
        FIRST_BACKUP,
        BACKUP,
        /** With packfiles that are written past the page cache. */
        LARGE_BACKUP,
        RM,
        /** Colours one packfile and removes another. */
        MAINTENANCE,
        REPACK,
        /** Of a store without any state. */
        REPAIR,
        PARITY,
        /** Of a packfile that is gone. */
        HEAL,
        SYNC,
        /** After a backup that was killed before the last name that it gave was durable. */
        BACKUP_AFTER_KILL,
        REPAIR_AFTER_KILL,
        SYNC_AFTER_KILL,
        /** What was killed is a removal. */
        MAINTENANCE_AFTER_KILL;

        /** Whether the store is not sound before it is done. */
        boolean isCure() {
            return this == REPAIR || this == HEAL;
        }

        boolean isAfterKill() {
            return compareTo(BACKUP_AFTER_KILL) >= 0;
        }
    }

    private static final List<Fate> FATES =
            List.of(Fate.LOST, Fate.THERE, Fate.EMPTY, Fate.ZEROED, Fate.MIXED, Fate.MIXED, Fate.MIXED);

    static final int STATES_AFTER_CALL = FATES.size();

    private static final String EAGER_CACHE = "-Darmoire.cache.eager=true";
    private static final int FILES = 8;
    private static final int LARGE_FILE_BYTES = 6 << 20;
    private static final int SNAPSHOTS = 3;
    /** So many states are worth a file in the cache by themselves. */
    private static final int MANY_SNAPSHOTS = 8;

    private final Path work;
    private final Path world;
    private final List<String> program;
    private final boolean isEncrypted;
    private final boolean hasEagerCache;
    private final long seed;
    private final Tally tally;
    private final TestedStore store;
    private final TestedStore peer;
    /** The store with another cache folder, which knows nothing. */
    private final TestedStore stranger;

    private final SourceTree tree;
    private final Remains base;
    private final Map<Mac, Map<String, String>> inBase;
    private final Set<Mac> inPeer;
    /** What each snapshot must give back. */
    private final Map<Mac, Map<String, String>> contents = new HashMap<>();

    private Map<String, String> inTree = Map.of();
    private List<String> commandToBeKilled = List.of();
    /** What it does. */
    private List<Call> toBeKilled = List.of();

    private Remains endOfToBeKilled = new Remains(new TreeMap<>());

    /** Before which of its names becoming durable it is killed; -1 after the last. */
    private int killed;

    /** Which snapshots a store may and must have; {@code doubtful} are those of a killed process, which nobody was told of. */
    private record Expected(Set<Mac> before, Set<Mac> after, Set<Mac> doubtful, boolean isOneStep) {
        @Override
        public String toString() {
            return "before: " + before + ", after: " + after;
        }
    }

    /**
     * @param program the words that start it
     * @param hasEagerCache whether the process keeps everything in files of its cache, or what is usual
     */
    PowerCuts(Path work, List<String> program, boolean isEncrypted, boolean hasEagerCache, long seed, Tally tally)
            throws IOException, InterruptedException {
        this.work = work.toRealPath();
        this.program = program;
        this.isEncrypted = isEncrypted;
        this.hasEagerCache = hasEagerCache;
        this.seed = seed;
        this.tally = tally;
        this.world = Files.createDirectories(this.work.resolve("world"));
        Path cache = world.resolve("cache/armoire");
        this.tree = new SourceTree(this.work.resolve("tree"), seed, FILES, 60_000);
        this.store = TestedStore.create(world.resolve("store"), isEncrypted, cache);
        this.peer = TestedStore.create(world.resolve("peer"), isEncrypted, cache);
        this.stranger = new TestedStore(store.folder(), isEncrypted, this.work.resolve("no-cache"));
        for (int i = 0; i < (hasEagerCache ? SNAPSHOTS : MANY_SNAPSHOTS); i++) {
            stranger.backUp(tree.folder());
            tree.change(2);
            if (i == 1) {
                sync();
            }
        }
        try (Repository repository = stranger.openRefreshed()) {
            StorageErrors.makeParity(repository);
        }
        int made = command(List.of("backup", tree.folder().toString())).start().waitFor(); // makes a cache
        expect(made == 0, "the backup before all ended with " + made);
        tree.change(3);
        this.base = Remains.of(world);
        this.inBase = restoreAll(stranger);
        this.inPeer = Set.copyOf(snapshots(peer));
    }

    /**
     * Tries all operations there are, or some.
     *
     * @param times how often the power goes; more than there are calls for every call
     * @param share which of {@code shares} pieces
     */
    void run(int times, int share, int shares) throws IOException, InterruptedException {
        List<Operation> operations = new ArrayList<>(List.of(Operation.values()));
        operations.removeIf(operation -> operation == Operation.CREATE && isEncrypted); // two seconds for each key
        if (times < operations.size() * FATES.size()) {
            Collections.shuffle(operations, new Random(seed));
            if (hasEagerCache) {
                operations.addFirst(Operation.BACKUP_AFTER_KILL); // what is unlike all that kills without power cuts do
            }
            operations = operations.subList(0, Math.max(1, times / FATES.size() / 2));
        }
        int points = Math.max(1, times / operations.size() / FATES.size());
        boolean isFull = points >= 10;
        for (Operation operation : operations) {
            killed = isFull ? 0 : (int) (seed % 10);
            do {
                try {
                    once(operation, points, share, shares);
                } catch (IOException | RuntimeException e) {
                    tally.failed(operation + ": " + e);
                    e.printStackTrace();
                    break;
                }
            } while (isFull && killed >= 0);
        }
    }

    private ProcessBuilder command(List<String> command) {
        List<String> words = new ArrayList<>(program);
        if (!hasEagerCache) {
            words.remove(EAGER_CACHE); // it is among the options when no launcher has them
        }
        words.addAll(List.of("at", store.folder().toString()));
        words.addAll(command);
        ProcessBuilder builder = new ProcessBuilder(words);
        builder.redirectErrorStream(true)
                .redirectOutput(log().toFile())
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        Map<String, String> environment = builder.environment();
        environment.put("HOME", work.toString());
        environment.put("XDG_CACHE_HOME", world.resolve("cache").toString());
        environment.put("XDG_CONFIG_HOME", work.resolve("config").toString());
        environment.put("ARMOIRE_PASSPHRASE", TestedStore.PASSPHRASE);
        environment.put("ARMOIRE_GRACEPERIOD", "0s");
        if (hasEagerCache) {
            environment.merge("ARMOIRE_JAVA_OPTS", EAGER_CACHE, (old, more) -> old + " " + more);
        }
        return builder;
    }

    private Path log() {
        return work.resolve("log");
    }

    private List<Call> watch(List<String> command) throws IOException, InterruptedException {
        try {
            return SystemCalls.of(command(command), work.resolve("trace"));
        } catch (IOException e) {
            throw new IOException(e.getMessage() + "\n" + Files.readString(log()), e);
        }
    }

    // What is done

    private void once(Operation operation, int points, int share, int shares) throws IOException, InterruptedException {
        base.bringTo(world);
        contents.clear();
        prepare(operation);
        inTree = TreeDigests.of(tree.folder());
        Map<Mac, Map<String, String>> before = switch (operation) {
            case CREATE -> Map.of();
            case REPAIR, HEAL -> inBase;
            default -> restoreAll(stranger);
        };
        contents.putAll(before);
        List<String> command = words(operation, before);
        DiskModel model = new DiskModel(world);
        Set<Mac> doubtful = Set.of();
        if (operation.isAfterKill()) {
            doubtful = kill(
                    model,
                    operation == Operation.MAINTENANCE_AFTER_KILL
                            ? List.of("rm", "-apply", "-latest")
                            : List.of("backup", tree.folder().toString()));
        } else {
            killed = -1;
        }
        List<Call> calls = watch(command);
        Remains end = Remains.of(world);
        model.begin(end);
        Map<Mac, Map<String, String>> after = restoreAll(stranger);
        contents.putAll(after);
        Expected inStore = new Expected(before.keySet(), after.keySet(), doubtful, operation == Operation.REPACK);
        Set<Mac> afterInPeer = isSync(operation) ? snapshots(peer) : Set.of();
        Expected inOther = new Expected(inPeer, afterInPeer, doubtful, false);
        tally.count("processes watched: " + operation);
        int acknowledged = calls.stream()
                .filter(call -> call.name().startsWith("write")
                        && call.descriptor(0) == 1
                        && call.pathOf(0).equals(log().toString()))
                .mapToInt(Call::begun)
                .max()
                .orElseThrow();
        Set<String> seen = new HashSet<>();
        List<Call> moments = calls.stream()
                .filter(call -> model.matters(call) || call.begun() == acknowledged)
                .toList();
        Set<Call> chosen = chosen(moments, points, share, shares);
        tally.count("calls of them that change something or sync it", moments.size());
        for (String name : List.of("pwritev", "ftruncate")) {
            tally.count(
                    "calls of them past the page cache, " + name,
                    calls.stream()
                            .filter(call -> call.name().equals(name) && isPastPageCache(call, calls))
                            .count());
        }
        tally.begin((long) chosen.size() * FATES.size());
        int point = 0;
        for (Call call : calls) {
            boolean isAcknowledged = call.ended() >= acknowledged;
            model.apply(call);
            if (!chosen.contains(call)) {
                continue;
            }
            point++;
            tally.count("calls after which the power went: " + operation);
            for (int i = 0; i < FATES.size(); i++) {
                Random random =
                        new Random(seed * 1_000_003 + operation.name().hashCode() * 100_003L + point * 101L + i);
                Remains remains = model.after(FATES.get(i), random);
                tally.progress();
                if (!seen.add(isAcknowledged + remains.digest())) {
                    tally.count("states that had been judged already");
                    continue;
                }
                String what = operation + (killed > 0 ? " " + killed : "") + ", " + FATES.get(i) + " " + i + " at call "
                        + point + ", " + (isAcknowledged ? "acknowledged" : "under way");
                try {
                    remains.bringTo(world);
                    if (operation == Operation.CREATE) {
                        judgeNew(isAcknowledged);
                    } else {
                        judge(operation, inStore, inOther, isAcknowledged, random);
                    }
                    tally.count("states judged");
                } catch (IOException | RuntimeException | AssertionError e) {
                    tally.failed(what + ": " + e);
                    if (tally.failures().size() < 5) {
                        e.printStackTrace();
                    }
                }
            }
        }
        String difference = difference(model.after(Fate.THERE, new Random(seed)), end);
        if (!difference.isEmpty()) {
            tally.failed(operation + ": the model has missed something: " + difference);
        }
    }

    /** Of a file in the model that was opened with {@code O_DIRECT}. */
    private boolean isPastPageCache(Call call, List<Call> calls) {
        String file = call.pathOf(0);
        return file.startsWith(world + "/")
                && calls.stream()
                        .anyMatch(other -> other.name().equals("openat")
                                && other.has(2, "O_DIRECT")
                                && other.path(0, 1).equals(file));
    }

    private static boolean isSync(Operation operation) {
        return operation == Operation.SYNC || operation == Operation.SYNC_AFTER_KILL;
    }

    private static Set<Mac> snapshots(TestedStore store) throws IOException {
        try (Repository repository = store.openRefreshed()) {
            return Set.copyOf(repository.snapshots());
        }
    }

    /** All, or so many of them. */
    private Set<Call> chosen(List<Call> moments, int points, int share, int shares) {
        List<Call> drawn = new ArrayList<>();
        for (int i = share; i < moments.size(); i += shares) {
            drawn.add(moments.get(i));
        }
        if (points < drawn.size()) {
            Call last = drawn.getLast();
            Collections.shuffle(drawn, new Random(seed));
            drawn = drawn.subList(0, points);
            drawn.set(0, last); // whoever was told that all is done
        }
        Set<Call> chosen = Collections.newSetFromMap(new IdentityHashMap<>());
        chosen.addAll(drawn);
        return chosen;
    }

    private static String difference(Remains model, Remains disk) {
        Set<String> names = new TreeSet<>(model.items().keySet());
        names.addAll(disk.items().keySet());
        names.removeIf(name -> name.contains("/locks/") // of the killed process: the harness took it away
                || model.items().containsKey(name)
                        && disk.items().containsKey(name)
                        && Objects.equals(digest(model, name), digest(disk, name)));
        return String.join(", ", names);
    }

    private static String digest(Remains remains, String name) {
        DiskModel.Content content = remains.items().get(name);
        return content == null ? "folder" : content.digest();
    }

    /** Makes something to do for the operation, through the engine, which leaves the cache folder alone. */
    private void prepare(Operation operation) throws IOException {
        switch (operation) {
            case CREATE -> new Remains(new TreeMap<>()).bringTo(world);
            case FIRST_BACKUP, LARGE_BACKUP -> {
                new Remains(new TreeMap<>()).bringTo(world);
                TestedStore.create(peer.folder(), isEncrypted, peer.cache());
                if (operation == Operation.FIRST_BACKUP) {
                    TestedStore.create(store.folder(), isEncrypted, store.cache());
                } else {
                    TestedStore.createUsual(store.folder(), isEncrypted, store.cache());
                }
            }
            case MAINTENANCE -> {
                backUpAnotherTree();
                try (Repository repository = stranger.open()) {
                    StorageErrors.maintain(repository, 0);
                }
                backUpAnotherTree();
            }
            case REPACK -> removeAllButTheLast();
            case REPAIR -> {
                for (Path state :
                        KeptFolder.of(store.folder().resolve("states")).files().keySet()) {
                    Files.delete(state);
                }
            }
            case HEAL -> StorageErrors.damageCovered(stranger, new Random(seed), true);
            case PARITY -> stranger.backUp(tree.folder());
            case MAINTENANCE_AFTER_KILL -> {
                tree.change(5 * FILES);
                stranger.backUp(tree.folder());
            }
            case BACKUP, RM, SYNC, BACKUP_AFTER_KILL, REPAIR_AFTER_KILL, SYNC_AFTER_KILL -> {}
        }
        Path large = tree.folder().resolve("large");
        if (operation == Operation.LARGE_BACKUP) {
            Files.write(large, TestedStore.random(seed, LARGE_FILE_BYTES));
        } else {
            Files.deleteIfExists(large);
        }
    }

    private List<String> words(Operation operation, Map<Mac, Map<String, String>> before) {
        return switch (operation) {
            case CREATE -> List.of("create", "-plaintext");
            case FIRST_BACKUP, BACKUP, LARGE_BACKUP, BACKUP_AFTER_KILL ->
                List.of("backup", tree.folder().toString());
            case RM ->
                List.of(
                        "rm",
                        "-apply",
                        before.keySet().stream()
                                .sorted()
                                .findFirst()
                                .orElseThrow()
                                .hex());
            case MAINTENANCE, MAINTENANCE_AFTER_KILL -> List.of("maintenance");
            case REPACK -> List.of("maintenance", "-repack", "1");
            case REPAIR, REPAIR_AFTER_KILL -> List.of("repair", "-apply");
            case PARITY -> List.of("parity", "-apply");
            case HEAL -> List.of("check", "-heal");
            case SYNC, SYNC_AFTER_KILL -> List.of("sync", "to", peer.folder().toString());
        };
    }

    /**
     * Leaves the disk as a command does that is killed when it has given an object its name, and that name is not durable yet. What
     * it had not made durable the next process sees as any other.
     *
     * @return the snapshots that have come, or gone, without anybody being told
     */
    private Set<Mac> kill(DiskModel model, List<String> command) throws IOException, InterruptedException {
        Set<Mac> told = Set.copyOf(stranger.check().snapshots());
        if (!command.equals(commandToBeKilled)) {
            commandToBeKilled = command;
            toBeKilled = watch(command);
            endOfToBeKilled = Remains.of(world);
        }
        model.begin(endOfToBeKilled);
        List<Call> names = toBeKilled.stream()
                .filter(call -> call.name().startsWith("link") && !call.to().contains("/locks/"))
                .toList();
        for (Call call : toBeKilled.subList(0, toBeKilled.indexOf(names.get(killed % names.size())) + 1)) {
            model.apply(call);
        }
        killed = killed + 1 < names.size() ? killed + 1 : -1;
        Random random = new Random(seed);
        model.after(Fate.THERE, random).bringTo(world);
        stranger.removeLocks();
        Set<Mac> now = Set.copyOf(stranger.check().snapshots());
        Set<Mac> doubtful = new HashSet<>(now);
        doubtful.addAll(told);
        doubtful.removeIf(id -> now.contains(id) && told.contains(id));
        return doubtful;
    }

    private void backUpAnotherTree() throws IOException {
        tree.change(5 * FILES);
        stranger.backUp(tree.folder());
        removeAllButTheLast();
    }

    private void removeAllButTheLast() throws IOException {
        try (Repository repository = stranger.openRefreshed()) {
            Mac last = newest(repository);
            for (Mac id : repository.snapshots()) {
                if (!id.equals(last)) {
                    StorageErrors.remove(repository, id);
                }
            }
        }
    }

    private static Mac newest(Repository repository) throws IOException {
        return Snapshot.headers(repository, (id, problem) -> {
                    throw new IllegalStateException(problem);
                })
                .stream()
                .max(Comparator.comparing(SnapshotHeader::timestamp))
                .orElseThrow()
                .identifier();
    }

    private void sync() throws IOException {
        try (Repository from = stranger.openRefreshed();
                Repository to = peer.open()) {
            to.refresh();
            Sync.run(
                    from,
                    to,
                    Snapshot.headers(from, (id, problem) -> {
                        throw new IllegalStateException(problem);
                    }),
                    BackupOptions.unnamed(true, 2, stranger.cache(), "torture", false),
                    new StorageErrors.QuietSync());
        }
    }

    private static Map<Mac, Map<String, String>> restoreAll(TestedStore from) throws IOException {
        Map<Mac, Map<String, String>> all = new LinkedHashMap<>();
        try (Repository repository = from.openRefreshed()) {
            for (Mac id : repository.snapshots()) {
                all.put(id, TestedStore.restore(repository, id));
            }
        }
        return all;
    }

    // Judgement

    /** A store that was being made is none yet, or is whole. */
    private void judgeNew(boolean isAcknowledged) throws IOException {
        try {
            store.check();
        } catch (IOException e) {
            if (isAcknowledged || !TestedStore.isExplained(e)) {
                throw e;
            }
            return;
        }
        nextBackup();
    }

    private void judge(Operation operation, Expected inStore, Expected inOther, boolean isAcknowledged, Random random)
            throws IOException {
        new Remains(new TreeMap<>()).bringTo(Files.createDirectories(stranger.cache()));
        stranger.removeLocks();
        if (operation.isCure() && !isAcknowledged) {
            try (Repository repository = store.open()) {
                if (operation == Operation.HEAL) {
                    repository.refresh();
                    StorageErrors.heal(repository);
                } else {
                    Repair.run(repository, true, null, new StorageErrors.QuietRepair());
                }
            }
        }
        Set<Mac> listed = sound(stranger, inStore, isAcknowledged);
        if (isSync(operation)) {
            TestedStore other = new TestedStore(peer.folder(), isEncrypted, stranger.cache());
            other.removeLocks();
            for (Mac id : sound(other, inOther, isAcknowledged)) {
                expect(other.restore(id).equals(contents.get(id)), id + " differs in the other store");
            }
        }
        boolean readsFirst = random.nextBoolean(); // the cache as it was left, not as a backup may have made it anew
        if (readsFirst) {
            restoreSome(inStore, listed, random);
        }
        nextBackup();
        if (!readsFirst) {
            restoreSome(inStore, listed, random);
        }
        if (random.nextInt(4) == 0) {
            try (Repository repository = store.open()) {
                StorageErrors.maintain(repository, 0);
            }
        }
        TestedStore.Verdict verdict = stranger.check();
        expect(verdict.isSound(), "check after the next backup: " + verdict.problems());
        expect(verdict.snapshots().containsAll(listed), "gone after the next backup");
    }

    private static Set<Mac> sound(TestedStore store, Expected expected, boolean isAcknowledged) throws IOException {
        TestedStore.Verdict verdict = store.check();
        expect(verdict.isSound(), "check: " + verdict.problems());
        Set<Mac> listed = Set.copyOf(verdict.snapshots());
        Set<Mac> may = new HashSet<>(expected.after());
        may.addAll(expected.doubtful());
        Set<Mac> must = new HashSet<>(expected.after());
        must.removeAll(expected.doubtful());
        if (!isAcknowledged) {
            may.addAll(expected.before());
            must.retainAll(expected.before());
        }
        boolean isWhole = !expected.isOneStep() || listed.equals(expected.before()) || listed.equals(expected.after());
        expect(may.containsAll(listed) && listed.containsAll(must) && isWhole, "listed: " + listed + ", " + expected);
        return listed;
    }

    private void restoreSome(Expected expected, Set<Mac> listed, Random random) throws IOException {
        List<Mac> some = new ArrayList<>(listed);
        some.removeAll(expected.before());
        List<Mac> older = new ArrayList<>(listed);
        older.retainAll(expected.before());
        if (!older.isEmpty()) {
            older.sort(null);
            some.add(older.get(random.nextInt(older.size())));
        }
        for (Mac id : some) {
            expect(store.restore(id).equals(contents.get(id)), id + " does not restore as it was");
            tally.count("snapshots restored");
        }
    }

    private void nextBackup() throws IOException {
        Mac id = store.backUp(tree.folder());
        expect(store.restore(id).equals(inTree), "the next backup, " + id + ", is not what is in the source");
        expect(
                stranger.restore(id).equals(inTree),
                "the next backup, " + id + ", is not what is in the source, read without the cache");
        tally.count("next backups");
    }

    private static void expect(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
