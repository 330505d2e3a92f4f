// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import dev.armoire.connectors.spi.ForwardingStorage;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.BackupOptions;
import dev.armoire.engine.maintenance.Maintenance;
import dev.armoire.engine.maintenance.MaintenanceOptions;
import dev.armoire.engine.maintenance.MaintenanceResult;
import dev.armoire.engine.parity.Heal;
import dev.armoire.engine.parity.Parity;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repair.Repair;
import dev.armoire.engine.repair.RepairEvents;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.RepositoryLock;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.engine.sync.Sync;
import dev.armoire.engine.sync.SyncEvents;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Makes calls of a storage fail, one after the other, in each way that a file system has; or takes the power away at one of
 * them. Each time the operation begins with the same store, or else the calls would grow with the cases. After each the store
 * must be as sound as after a kill; a check or restore that met the failure must not say that all is well.
 */
final class StorageErrors {
    /** How a call fails. */
    enum Fault {
        EIO,
        ENOSPC,
        EACCES,
        STALE_HANDLE,
        SHORT_READ,
        /** All later calls fail; what was not durable is lost or torn, and what was deleted may be there again. */
        POWER_LOSS
    }

    private enum Operation {
        BACKUP,
        RM,
        /** Colours one packfile and removes another. */
        MAINTENANCE,
        REPACK,
        /** Of what a backup left that was stopped before its state. */
        REPAIR,
        /** Of a store without any state. */
        REPAIR_ALL,
        PARITY,
        /** Of a packfile that is gone. */
        HEAL_LOST,
        /** Of a packfile in which bits are flipped. */
        HEAL_CHANGED,
        SYNC,
        CHECK,
        RESTORE;

        /** Whether the store is not sound before it is done, so that it has to be done again before the store is judged. */
        boolean isCure() {
            return this == REPAIR_ALL || this == HEAL_LOST || this == HEAL_CHANGED;
        }
    }

    private static final int SNAPSHOTS = 4;
    private static final int FILES = 8;
    /** An operation of several threads has not the same number of calls each time. */
    private static final int SOME_MORE_CALLS = 2;

    private final Tally tally;
    private final Random random;
    private final SourceTree tree;
    private final TestedStore store;
    private final TestedStore peer;
    /** In the order in which they were made. */
    private final Map<Mac, Map<String, String>> known = new LinkedHashMap<>();

    private final Map<Operation, Base> bases = new EnumMap<>(Operation.class);

    /**
     * Where each case of an operation begins.
     *
     * @param source what was in the source then
     * @param calls how many calls each fault can be met by
     */
    private record Base(
            KeptFolder files,
            Map<Mac, Map<String, String>> known,
            Map<String, String> source,
            Map<Fault, Integer> calls) {}

    private record Case(Operation operation, Fault fault, int at) {
        @Override
        public String toString() {
            return operation + ", " + fault + " at call " + at;
        }
    }

    StorageErrors(Path work, boolean isEncrypted, long seed, Tally tally) throws IOException {
        this.tally = tally;
        this.random = new Random(seed);
        this.tree = new SourceTree(work.resolve("tree"), seed, FILES, 60_000);
        this.store = TestedStore.create(work.resolve("store"), isEncrypted, work.resolve("cache"));
        this.peer = TestedStore.create(work.resolve("peer"), isEncrypted, work.resolve("cache"));
        for (int i = 0; i < SNAPSHOTS; i++) {
            backUp();
            tree.change(3);
            if (i == 1) {
                try (Repository to = peer.open()) {
                    sync(to);
                }
            }
        }
        try (Repository repository = store.openRefreshed()) {
            makeParity(repository);
        }
        KeptFolder begin = KeptFolder.of(store.folder(), peer.folder(), store.cache());
        Map<Mac, Map<String, String>> all = new LinkedHashMap<>(known);
        for (Operation operation : Operation.values()) {
            prepare(operation);
            KeptFolder files = KeptFolder.of(store.folder(), peer.folder(), store.cache());
            bases.put(
                    operation,
                    new Base(files, new LinkedHashMap<>(known), TreeDigests.of(tree.folder()), calls(operation)));
            begin.bringBack();
            known.clear();
            known.putAll(all);
        }
    }

    /** Makes something to do for the operation. */
    private void prepare(Operation operation) throws IOException {
        switch (operation) {
            case MAINTENANCE, PARITY -> {
                backUpAnotherTree();
                maintainOn(store);
                backUpAnotherTree();
                if (operation == Operation.PARITY) {
                    maintainOn(store);
                }
            }
            case REPACK -> removeAllButTheLast(); // what that shares with them is what their packfiles keep
            case REPAIR -> {
                try (Repository repository = store.open(real -> new ForwardingStorage(real) {
                    @Override
                    public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
                        if (kind == ObjectKind.STATE) {
                            throw new IOException("stopped here");
                        }
                        super.write(kind, name, parts);
                    }
                })) {
                    store.backUp(repository, tree.folder());
                    throw new IllegalStateException("a backup without its state went through");
                } catch (IOException e) {
                    store.removeLocks();
                }
            }
            case REPAIR_ALL -> {
                for (Path state :
                        KeptFolder.of(store.folder().resolve("states")).files().keySet()) {
                    Files.delete(state);
                }
            }
            case HEAL_LOST -> damageCovered(store, random, true);
            case HEAL_CHANGED -> damageCovered(store, random, false);
            case BACKUP, RM, SYNC, CHECK, RESTORE -> {}
        }
    }

    /** Does it once without a fault, and counts. */
    private Map<Fault, Integer> calls(Operation operation) throws IOException {
        Done done = doIt(new Case(operation, Fault.EIO, Integer.MAX_VALUE));
        if (!done.didSomething()) {
            tally.failed(operation + ": found nothing to do");
        }
        Map<Fault, Integer> calls = new EnumMap<>(Fault.class);
        for (Fault fault : Fault.values()) {
            calls.put(fault, done.storage().countedFor(fault) + SOME_MORE_CALLS);
        }
        return calls;
    }

    /**
     * Tries a share of all cases that there are.
     *
     * @param first the first one, from 0 on
     * @param step every how many-th
     */
    void run(List<Fault> faults, int first, int step) throws IOException {
        List<Case> cases = new ArrayList<>();
        int number = 0;
        for (Operation operation : Operation.values()) {
            for (Fault fault : faults) {
                for (int at = 1; at <= bases.get(operation).calls().get(fault); at++) {
                    if (number++ % step == first) {
                        cases.add(new Case(operation, fault, at));
                    }
                }
            }
        }
        tally.begin(cases.size());
        for (Case one : cases) {
            try {
                once(one);
            } catch (IOException | RuntimeException e) {
                tally.failed(one + ": afterwards: " + e);
                e.printStackTrace();
            }
            tally.progress();
        }
    }

    int cases(List<Fault> faults) {
        return bases.values().stream()
                .mapToInt(base -> faults.stream().mapToInt(base.calls()::get).sum())
                .sum();
    }

    private void once(Case one) throws IOException {
        Base base = bases.get(one.operation());
        base.files().bringBack();
        known.clear();
        known.putAll(base.known());
        if (doIt(one).storage().hasFailed()) {
            tally.count("faults");
            tally.count("faults in " + one.operation());
            tally.count("faults: " + one.fault());
        } else {
            tally.count("calls that did not come");
        }
        store.removeLocks();
        peer.removeLocks();
        if (one.operation().isCure()) {
            doIt(new Case(one.operation(), one.fault(), Integer.MAX_VALUE));
        }
        judge(one);
    }

    private record Done(Failing storage, boolean didSomething) {}

    /** Does what it is about, with a fault at one call. */
    private Done doIt(Case one) throws IOException {
        Mac older = known.keySet().iterator().next();
        Failing[] storage = new Failing[1];
        Map<String, String> restored = null;
        TestedStore.Verdict verdict = null;
        boolean isRefused = false;
        boolean didSomething = false;
        TestedStore tested = one.operation() == Operation.SYNC ? peer : store;
        try (Repository repository =
                tested.open(real -> storage[0] = new Failing(real, one.fault(), one.at(), random))) {
            didSomething = switch (one.operation()) {
                case BACKUP -> store.backUp(repository, tree.folder()) != null;
                case RM -> {
                    remove(repository, older);
                    yield true;
                }
                case MAINTENANCE -> {
                    MaintenanceResult result = maintain(repository, 0);
                    yield result.coloured() > 0 && result.removed() > 0;
                }
                case REPACK -> maintain(repository, 1).repacked() > 0;
                case REPAIR, REPAIR_ALL ->
                    Repair.run(repository, true, Duration.ZERO, new QuietRepair())
                                    .repaired()
                            > 0;
                case PARITY -> {
                    repository.refresh();
                    yield makeParity(repository).made() > 0;
                }
                case HEAL_LOST, HEAL_CHANGED -> {
                    repository.refresh();
                    yield heal(repository).healed() > 0;
                }
                case SYNC -> {
                    sync(repository);
                    yield true;
                }
                case CHECK -> {
                    verdict = TestedStore.check(repository);
                    yield true;
                }
                case RESTORE -> {
                    repository.refresh((state, problem) -> {});
                    restored = TestedStore.restore(repository, older);
                    yield true;
                }
            };
        } catch (IOException | RuntimeException | Error e) {
            isRefused = true;
            if (!TestedStore.isExplained(e)) {
                tally.failed(one + ": " + e);
                e.printStackTrace();
            }
        }
        if (!storage[0].hasFailed()) {
            if (isRefused) {
                tally.failed(one + ": refused without a fault");
            }
            return new Done(storage[0], didSomething);
        }
        tally.count(isRefused ? "operations that ended with an error" : "operations that went through");
        if (verdict != null && verdict.isSound()) {
            tally.failed(one + ": check says that all is well");
            IOException where = storage[0].thrown;
            if (where != null) {
                where.printStackTrace();
            }
        }
        if (restored != null) {
            restored.forEach((path, content) -> {
                if (!content.equals(known.get(older).get(path))) {
                    tally.failed(one + ": a restore gave " + path + " as " + content);
                }
            });
        }
        return new Done(storage[0], didSomething);
    }

    private void judge(Case one) throws IOException {
        TestedStore.Verdict verdict = store.check();
        if (!verdict.isSound()) {
            tally.failed(one + ": " + verdict.problems());
        }
        if (one.operation() == Operation.SYNC) {
            judgePeer(one);
        }
        Map<Mac, Map<String, String>> before = new LinkedHashMap<>(known);
        List<Mac> come = new ArrayList<>(verdict.snapshots());
        come.removeAll(before.keySet());
        known.keySet().retainAll(verdict.snapshots());
        int gone = before.size() - known.size();
        // A snapshot is there when its state is, so a repair of what was stopped before that may bring it.
        boolean mayCome = one.operation() == Operation.BACKUP || one.operation() == Operation.REPAIR;
        boolean mayGo = one.operation() == Operation.RM;
        boolean mayBeRenamed = one.operation() == Operation.REPACK;
        if (mayBeRenamed ? gone != come.size() : gone > (mayGo ? 1 : 0) || come.size() > (mayCome ? 1 : 0)) {
            tally.failed(one + ": " + gone + " snapshots gone, come: " + come);
        }
        for (Mac id : come) {
            Map<String, String> content = store.restore(id);
            boolean isRight = switch (one.operation()) {
                case BACKUP -> content.equals(TreeDigests.of(tree.folder()));
                case REPAIR -> content.equals(bases.get(Operation.REPAIR).source());
                default -> before.containsValue(content);
            };
            if (!isRight) {
                tally.failed(one + ": " + id.shortHex() + " is not what it should be");
            }
            known.put(id, content);
        }
        Mac any = List.copyOf(known.keySet()).get(random.nextInt(known.size()));
        if (!store.restore(any).equals(known.get(any))) {
            tally.failed(one + ": " + any.shortHex() + " does not restore as it was");
        }
        backUp();
        tally.count("stores found sound, restored from and backed up into");
    }

    /** The store that was synchronised to: what is listed is whole, and a second run brings what is missing. */
    private void judgePeer(Case one) throws IOException {
        for (int i = 0; i < 2; i++) {
            TestedStore.Verdict verdict = peer.check();
            if (!verdict.isSound()) {
                tally.failed(one + ": the other store: " + verdict.problems());
            }
            if (i == 1 && !Set.copyOf(verdict.snapshots()).equals(known.keySet())) {
                tally.failed(one + ": the other store has " + verdict.snapshots() + " after a second run");
            }
            for (Mac id : verdict.snapshots()) {
                if (!peer.restore(id).equals(known.get(id))) {
                    tally.failed(one + ": " + id.shortHex() + " is another one in the other store");
                }
            }
            if (i == 0) {
                try (Repository to = peer.open()) {
                    sync(to);
                }
            }
        }
    }

    private void backUp() throws IOException {
        Mac id = store.backUp(tree.folder());
        Map<String, String> content = store.restore(id);
        if (!content.equals(TreeDigests.of(tree.folder()))) {
            tally.failed("the next backup, " + id.shortHex() + ", is not what is in the source");
        }
        known.put(id, content);
    }

    /** So that whole packfiles are not needed any more. */
    private void backUpAnotherTree() throws IOException {
        tree.change(5 * FILES);
        backUp();
        removeAllButTheLast();
    }

    private void removeAllButTheLast() throws IOException {
        List<Mac> ids = List.copyOf(known.keySet());
        try (Repository repository = store.open()) {
            for (Mac id : ids.subList(0, ids.size() - 1)) {
                remove(repository, id);
                known.remove(id);
            }
        }
    }

    static void remove(Repository repository, Mac id) throws IOException {
        remove(repository, id, () -> {});
    }

    /** @param before called under the lock, if the snapshot is still there */
    static void remove(Repository repository, Mac id, Runnable before) throws IOException {
        try (RepositoryLock lock =
                RepositoryLock.shared(repository, repository.random().nextMac())) {
            repository.refresh();
            lock.verifyStillThere();
            if (repository.snapshots().contains(id)) {
                before.run();
                repository.removeSnapshot(id);
            }
        }
    }

    private static void maintainOn(TestedStore store) throws IOException {
        try (Repository repository = store.open()) {
            maintain(repository, 0);
        }
    }

    static MaintenanceResult maintain(Repository repository, int repackPercent) throws IOException {
        return Maintenance.run(
                repository,
                new MaintenanceOptions(Instant.now(), Duration.ZERO, Duration.ZERO, false, false, false, repackPercent),
                new Kills.QuietMaintenance());
    }

    static Parity.Result makeParity(Repository repository) throws IOException {
        return Parity.update(repository, null, true, true, new Heals.Told(new ArrayList<>()));
    }

    static Heal.Result heal(Repository repository) throws IOException {
        return Heal.run(repository, true, new Heals.Told(new ArrayList<>()));
    }

    /** Deletes a packfile that parity covers, or else flips bits in it. */
    static void damageCovered(TestedStore store, Random random, boolean deletes) throws IOException {
        try (Repository repository = store.openRefreshed()) {
            List<Mac> covered = new ArrayList<>(Heal.covered(repository, new Heals.Told(new ArrayList<>())));
            covered.removeIf(packfile -> !Files.exists(path(store, packfile)));
            covered.sort(null);
            if (covered.isEmpty()) {
                return;
            }
            Path one = path(store, covered.get(random.nextInt(covered.size())));
            if (deletes) {
                Files.delete(one);
                return;
            }
            byte[] bytes = Files.readAllBytes(one);
            for (int i = 0; i < 4; i++) {
                bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            }
            Files.write(one, bytes);
        }
    }

    private static Path path(TestedStore store, Mac packfile) {
        return store.folder()
                .resolve("packfiles")
                .resolve(packfile.hex().substring(0, 2))
                .resolve(packfile.hex());
    }

    private void sync(Repository to) throws IOException {
        try (Repository from = store.openRefreshed()) {
            to.refresh();
            List<SnapshotHeader> all = Snapshot.headers(from, (id, problem) -> {
                throw new IllegalStateException(problem);
            });
            Sync.run(from, to, all, BackupOptions.unnamed(true, 2, store.cache(), "torture", false), new QuietSync());
        }
    }

    /** Fails at one call. */
    private static final class Failing extends ForwardingStorage {
        private final Fault fault;
        private final int failAt;
        private final Random random;
        /** Of all calls, those that read, and those that write. */
        private final AtomicInteger calls = new AtomicInteger();

        private final AtomicInteger reads = new AtomicInteger();
        private final AtomicInteger writes = new AtomicInteger();
        private final AtomicBoolean failed = new AtomicBoolean();
        /** What once ended early ends early each time: else whoever reads it again finds it well, and is right. */
        private volatile @Nullable Mac shortObject;

        /** Where it was that a call failed. */
        private volatile @Nullable IOException thrown;

        private final List<Deleted> deleted = new ArrayList<>();

        private record Deleted(ObjectKind kind, Mac name, MemorySegment content) {}

        Failing(Storage real, Fault fault, int failAt, Random random) {
            super(real);
            this.fault = fault;
            this.failAt = failAt;
            this.random = random;
        }

        boolean hasFailed() {
            return failed.get();
        }

        /** How many calls there were that the fault can come at. */
        int countedFor(Fault other) {
            return switch (other) {
                case ENOSPC -> writes.get();
                case SHORT_READ -> reads.get();
                default -> calls.get();
            };
        }

        /** @param makes what the call would do, if it changes anything */
        private void call(boolean isRead, boolean isWrite, @Nullable Change makes) throws IOException {
            int number = calls.incrementAndGet();
            int ofReads = isRead ? reads.incrementAndGet() : 0;
            int ofWrites = isWrite ? writes.incrementAndGet() : 0;
            if (fault == Fault.POWER_LOSS) {
                powerLoss(number, makes);
                return;
            }
            boolean isHit = switch (fault) {
                case ENOSPC -> ofWrites >= failAt; // a full disk stays full
                case SHORT_READ -> ofReads == failAt;
                default -> number == failAt;
            };
            if (!isHit) {
                return;
            }
            failed.set(true);
            IOException failure = switch (fault) {
                case ENOSPC -> new FileSystemException(location(), null, "No space left on device");
                case EACCES -> new AccessDeniedException(location(), null, "permission denied");
                case STALE_HANDLE -> new FileSystemException(location(), null, "Stale file handle");
                case SHORT_READ -> new EOFException(location() + ": the file ended early");
                default -> new IOException(location() + ": Input/output error");
            };
            thrown = failure;
            throw failure;
        }

        @FunctionalInterface
        private interface Change {
            void make() throws IOException;
        }

        private synchronized void powerLoss(int number, @Nullable Change makes) throws IOException {
            if (number < failAt) {
                return;
            }
            if (failed.compareAndSet(false, true)) {
                for (Deleted one : deleted) {
                    if (random.nextBoolean()) {
                        real.write(one.kind, one.name, List.of(one.content));
                    }
                }
            }
            if (makes != null && random.nextBoolean()) {
                makes.make(); // under way when the power went: done, but nobody heard of it
            }
            throw new IOException(location() + ": Input/output error, the power is off");
        }

        private synchronized void keep(ObjectKind kind, Mac name) throws IOException {
            if (fault == Fault.POWER_LOSS && kind != ObjectKind.LOCK) {
                MemorySegment content = Arena.ofAuto().allocate(real.size(kind, name));
                real.read(kind, name, 0, content);
                deleted.add(new Deleted(kind, name, content));
            }
        }

        @Override
        public MemorySegment readConfig(Arena arena) throws IOException {
            call(true, false, null);
            return super.readConfig(arena);
        }

        @Override
        public List<Mac> list(ObjectKind kind) throws IOException {
            call(false, false, null);
            return super.list(kind);
        }

        @Override
        public long size(ObjectKind kind, Mac name) throws IOException {
            call(false, false, null);
            return super.size(kind, name);
        }

        @Override
        public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
            if (name.equals(shortObject)) {
                throw new EOFException(location() + ": the file still ends early");
            }
            try {
                call(true, false, null);
            } catch (EOFException e) {
                shortObject = name;
                throw e;
            }
            super.read(kind, name, offset, into);
        }

        @Override
        public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
            call(false, true, () -> super.write(kind, name, parts));
            super.write(kind, name, parts);
        }

        @Override
        public void refreshLock(Mac name, MemorySegment content) throws IOException {
            call(false, true, null);
            super.refreshLock(name, content);
        }

        @Override
        public void replace(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
            call(false, true, () -> super.replace(kind, name, parts));
            super.replace(kind, name, parts);
        }

        @Override
        public int discardUnfinished(Instant begunBefore, boolean onlyCounts) throws IOException {
            call(false, false, null);
            return super.discardUnfinished(begunBefore, onlyCounts);
        }

        @Override
        public void delete(ObjectKind kind, Mac name) throws IOException {
            call(false, false, () -> super.delete(kind, name));
            keep(kind, name);
            super.delete(kind, name);
        }
    }

    static final class QuietRepair implements RepairEvents {
        @Override
        public void unlisted(Mac packfile, long blobs) {}

        @Override
        public void damagedState(Mac state, String problem) {}

        @Override
        public void lost(String what) {}

        @Override
        public void waiting(String why) {}
    }

    static final class QuietSync implements SyncEvents {
        @Override
        public void started(SnapshotHeader header) {}

        @Override
        public void done(SnapshotHeader header, dev.armoire.engine.backup.BackupResult result) {}

        @Override
        public void failed(SnapshotHeader header, String reason, boolean isDamaged) {}

        @Override
        public void notice(String text) {}
    }
}
