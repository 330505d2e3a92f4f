// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import dev.armoire.connectors.spi.ForwardingStorage;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.BackupOptions;
import dev.armoire.engine.maintenance.Maintenance;
import dev.armoire.engine.maintenance.MaintenanceOptions;
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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Makes calls of a storage fail, one after the other, in each way that a file system has; or takes the power away at one of
 * them. After each the store must be as sound as after a kill; a check or restore that met the failure must not say that all is
 * well.
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
        MAINTENANCE,
        REPACK,
        REPAIR,
        PARITY,
        HEAL,
        SYNC,
        CHECK,
        RESTORE
    }

    private static final int SNAPSHOTS = 5;

    private final Path work;
    private final Tally tally;
    private final Random random;
    private final SourceTree tree;
    private final TestedStore store;
    private TestedStore peer;
    private final Map<Mac, Map<String, String>> known = new HashMap<>();

    StorageErrors(Path work, boolean isEncrypted, long seed, Tally tally) throws IOException {
        this.work = work;
        this.tally = tally;
        this.random = new Random(seed);
        this.tree = new SourceTree(work.resolve("tree"), seed, 8, 60_000);
        this.store = TestedStore.create(work.resolve("store"), isEncrypted, work.resolve("cache"));
        this.peer = TestedStore.create(work.resolve("peer"), isEncrypted, work.resolve("cache"));
        for (int i = 0; i < 2; i++) {
            backUp();
        }
        try (Repository repository = store.openRefreshed()) {
            makeParity(repository);
        }
    }

    /** @param step 1 for every call there is, or else each so many */
    void run(List<Fault> faults, int step) throws IOException {
        for (Operation operation : Operation.values()) {
            for (Fault fault : faults) {
                boolean isOver = false;
                for (int at = 1 + (step > 1 ? random.nextInt(step) : 0); !isOver; at += step) {
                    isOver = !once(operation, fault, at);
                }
            }
        }
    }

    /** Returns false when the operation has no such call. */
    private boolean once(Operation operation, Fault fault, int at) throws IOException {
        String what = operation + ", " + fault + " at call " + at;
        tree.change(2);
        trim();
        Mac older = known.keySet().iterator().next();
        Failing[] storage = new Failing[1];
        Map<String, String> restored = null;
        TestedStore.Verdict verdict = null;
        boolean isRefused = false;
        if (operation == Operation.HEAL) {
            damageCovered(store, random);
        }
        TestedStore tested = operation == Operation.SYNC ? peer : store;
        try (Repository repository = tested.open(real -> storage[0] = new Failing(real, fault, at, random))) {
            switch (operation) {
                case BACKUP -> store.backUp(repository, tree.folder());
                case RM -> remove(repository, older);
                case MAINTENANCE -> maintain(repository, 0);
                case REPACK -> maintain(repository, 1);
                case REPAIR -> Repair.run(repository, true, Duration.ZERO, new QuietRepair());
                case PARITY -> {
                    repository.refresh();
                    makeParity(repository);
                }
                case HEAL -> {
                    repository.refresh();
                    heal(repository);
                }
                case SYNC -> sync(repository);
                case CHECK -> verdict = TestedStore.check(repository);
                case RESTORE -> {
                    repository.refresh((state, problem) -> {});
                    restored = TestedStore.restore(repository, older);
                }
            }
        } catch (IOException | RuntimeException | Error e) {
            isRefused = true;
            if (!TestedStore.isExplained(e)) {
                tally.failed(what + ": " + e);
                e.printStackTrace();
            }
        }
        if (!storage[0].hasFailed()) {
            if (isRefused) {
                tally.failed(what + ": refused without a fault");
            }
            settle(what);
            return false;
        }
        tally.count("faults");
        tally.count("faults in " + operation);
        tally.count("faults: " + fault);
        tally.count(isRefused ? "operations that ended with an error" : "operations that went through");
        if (verdict != null && verdict.isSound()) {
            tally.failed(what + ": check says that all is well");
        }
        if (restored != null) {
            restored.forEach((path, content) -> {
                if (!content.equals(known.get(older).get(path))) {
                    tally.failed(what + ": a restore gave " + path + " as " + content);
                }
            });
        }
        settle(what);
        return true;
    }

    private void settle(String what) throws IOException {
        store.removeLocks();
        peer.removeLocks();
        try {
            if (what.startsWith("HEAL")) {
                try (Repository repository = store.openRefreshed()) {
                    heal(repository);
                }
            }
            judge(what);
        } catch (IOException | RuntimeException e) {
            tally.failed(what + ": afterwards: " + e);
            throw e;
        }
    }

    private void judge(String what) throws IOException {
        TestedStore.Verdict verdict = store.check();
        if (!verdict.isSound()) {
            tally.failed(what + ": " + verdict.problems());
        }
        if (!peer.check().isSound()) {
            tally.failed(what + ": the other store: " + peer.check().problems());
        }
        Map<Mac, Map<String, String>> before = Map.copyOf(known);
        known.clear();
        List<Mac> come = new ArrayList<>();
        for (Mac id : verdict.snapshots()) {
            if (before.containsKey(id)) {
                known.put(id, before.get(id));
            } else {
                come.add(id);
            }
        }
        int gone = before.size() - known.size();
        boolean mayCome = what.startsWith("BACKUP");
        boolean mayGo = what.startsWith("RM");
        boolean mayBeRenamed = what.startsWith("REPACK");
        if (mayBeRenamed ? gone != come.size() : gone > (mayGo ? 1 : 0) || come.size() > (mayCome ? 1 : 0)) {
            tally.failed(what + ": " + gone + " snapshots gone, come: " + come);
        }
        for (Mac id : come) {
            Map<String, String> content = store.restore(id);
            if (mayCome ? !content.equals(TreeDigests.of(tree.folder())) : !before.containsValue(content)) {
                tally.failed(what + ": " + id.shortHex() + " is not what it should be");
            }
            known.put(id, content);
        }
        Mac one = List.copyOf(known.keySet()).get(random.nextInt(known.size()));
        if (!store.restore(one).equals(known.get(one))) {
            tally.failed(what + ": " + one.shortHex() + " does not restore as it was");
        }
        backUp();
        tally.count("stores found sound, restored from and backed up into");
    }

    private void backUp() throws IOException {
        Mac id = store.backUp(tree.folder());
        Map<String, String> content = store.restore(id);
        if (!content.equals(TreeDigests.of(tree.folder()))) {
            tally.failed("the next backup, " + id.shortHex() + ", is not what is in the source");
        }
        known.put(id, content);
    }

    private void trim() throws IOException {
        while (known.size() > SNAPSHOTS) {
            Mac victim = known.keySet().iterator().next();
            try (Repository repository = store.open()) {
                remove(repository, victim);
            }
            known.remove(victim);
        }
        if (random.nextInt(30) == 0) {
            try (Repository repository = store.open()) {
                maintain(repository, 0);
            }
            peer = TestedStore.create(
                    work.resolve("peer" + random.nextInt(Integer.MAX_VALUE)), store.isEncrypted(), store.cache());
        }
    }

    private static void remove(Repository repository, Mac id) throws IOException {
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

    private static void maintain(Repository repository, int repackPercent) throws IOException {
        Maintenance.run(
                repository,
                new MaintenanceOptions(Instant.now(), Duration.ZERO, Duration.ZERO, false, false, false, repackPercent),
                new Kills.QuietMaintenance());
    }

    private static void makeParity(Repository repository) throws IOException {
        Parity.update(repository, null, true, true, new Heals.Told(new ArrayList<>()));
    }

    private static void heal(Repository repository) throws IOException {
        Heal.run(repository, true, new Heals.Told(new ArrayList<>()));
    }

    /** Deletes a packfile that parity covers, or flips bits in it. */
    static void damageCovered(TestedStore store, Random random) throws IOException {
        try (Repository repository = store.openRefreshed()) {
            List<Mac> covered = new ArrayList<>(Heal.covered(repository, new Heals.Told(new ArrayList<>())));
            covered.removeIf(packfile -> !Files.exists(path(store, packfile)));
            covered.sort(null);
            if (covered.isEmpty()) {
                return;
            }
            Path one = path(store, covered.get(random.nextInt(covered.size())));
            if (random.nextBoolean()) {
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
        private final AtomicInteger calls = new AtomicInteger();
        private final AtomicBoolean failed = new AtomicBoolean();
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

        /** @param makes what the call would do, if it changes anything */
        private void call(boolean isRead, boolean isWrite, @Nullable Change makes) throws IOException {
            int number = calls.incrementAndGet();
            if (fault == Fault.POWER_LOSS) {
                powerLoss(number, makes);
                return;
            }
            // A kind of fault that this call cannot have comes with the next call that can.
            boolean fits = switch (fault) {
                case ENOSPC -> isWrite;
                case SHORT_READ -> isRead;
                default -> true;
            };
            if (number < failAt || !fits || !failed.compareAndSet(false, true)) {
                return;
            }
            throw switch (fault) {
                case ENOSPC -> new FileSystemException(location(), null, "No space left on device");
                case EACCES -> new AccessDeniedException(location(), null, "permission denied");
                case STALE_HANDLE -> new FileSystemException(location(), null, "Stale file handle");
                case SHORT_READ -> new EOFException(location() + ": the file ended early");
                default -> new IOException(location() + ": Input/output error");
            };
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
            call(true, false, null);
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
        public void delete(ObjectKind kind, Mac name) throws IOException {
            call(false, false, () -> super.delete(kind, name));
            keep(kind, name);
            super.delete(kind, name);
        }
    }

    private static final class QuietRepair implements RepairEvents {
        @Override
        public void unlisted(Mac packfile, long blobs) {}

        @Override
        public void damagedState(Mac state, String problem) {}

        @Override
        public void lost(String what) {}

        @Override
        public void waiting(String why) {}
    }

    private static final class QuietSync implements SyncEvents {
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
