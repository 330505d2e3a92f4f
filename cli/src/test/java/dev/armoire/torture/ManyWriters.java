// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.maintenance.Maintenance;
import dev.armoire.engine.maintenance.MaintenanceOptions;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.RepositoryLockedException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Eight writers, a maintenance that removes at once and empties packfiles, removals and a check, all on one store at a time.
 * In the end every snapshot that was made and not removed must be there and restore as it was.
 */
final class ManyWriters {
    private static final int WRITERS = 8;

    private final TestedStore store;
    private final Path work;
    private final long seed;
    private final Tally tally;
    /** What each snapshot must give back; taken out before it is removed, moved when it is renamed. */
    private final Map<Mac, Map<String, String>> known = new ConcurrentHashMap<>();

    private volatile boolean isOver;

    ManyWriters(Path work, boolean isEncrypted, long seed, Tally tally) throws IOException {
        this.work = work;
        this.seed = seed;
        this.tally = tally;
        this.store = TestedStore.create(work.resolve("store"), isEncrypted, work.resolve("cache"));
    }

    @FunctionalInterface
    private interface Turn {
        void take(Random random) throws IOException;
    }

    void run(Duration time) throws IOException, InterruptedException {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
            SourceTree tree = new SourceTree(work.resolve("tree" + i), seed + i, 6, 60_000);
            threads.add(start("writer-" + i, 4000, random -> write(tree)));
        }
        threads.add(start("maintenance", 2000, this::maintain));
        threads.add(start("removal", 3000, this::remove));
        threads.add(start("check", 2000, random -> check()));
        Thread.sleep(time);
        isOver = true;
        for (Thread thread : threads) {
            thread.join();
        }
        store.removeLocks();
        TestedStore.Verdict verdict = store.check();
        if (!verdict.isSound()) {
            tally.failed("in the end: " + verdict.problems());
        }
        Set<Mac> listed = new HashSet<>(verdict.snapshots());
        if (!listed.equals(known.keySet())) {
            tally.failed("in the end " + listed + " are there, expected " + known.keySet());
        }
        for (Mac id : listed) {
            if (!store.restore(id).equals(known.get(id))) {
                tally.failed(id.shortHex() + " does not restore as it was");
            }
            tally.count("snapshots restored in the end");
        }
    }

    private Thread start(String name, int maxPauseMillis, Turn turn) {
        return Thread.ofPlatform().name(name).start(() -> {
            Random random = new Random(seed + name.hashCode());
            while (!isOver) {
                try {
                    turn.take(random);
                    Thread.sleep(random.nextInt(maxPauseMillis));
                } catch (RepositoryLockedException e) {
                    tally.count("times that somebody had to come back later");
                } catch (InterruptedException | IOException | RuntimeException | Error e) {
                    tally.failed(name + ": " + e);
                    e.printStackTrace();
                }
            }
        });
    }

    private void write(SourceTree tree) throws IOException {
        tree.change(3);
        Mac id = store.backUp(tree.folder());
        known.put(id, TreeDigests.of(tree.folder()));
        tally.count("backups");
    }

    private void maintain(Random random) throws IOException {
        try (Repository repository = store.open()) {
            Maintenance.run(
                    repository,
                    new MaintenanceOptions(
                            Instant.now(),
                            Duration.ZERO,
                            Duration.ofSeconds(60),
                            false,
                            false,
                            false,
                            random.nextBoolean() ? 20 : 0),
                    new Kills.QuietMaintenance() {
                        @Override
                        public void rewritten(Mac from, Mac to) {
                            // The writer may not have said yet what is in it.
                            Map<String, String> content = known.remove(from);
                            for (int i = 0; content == null && i < 200; i++) {
                                try {
                                    Thread.sleep(50);
                                } catch (InterruptedException e) {
                                    throw new IllegalStateException(e);
                                }
                                content = known.remove(from);
                            }
                            if (content == null) {
                                tally.failed("unknown snapshot " + from.shortHex() + " renamed");
                            } else {
                                known.put(to, content);
                            }
                            tally.count("snapshots renamed");
                        }
                    });
        }
        tally.count("maintenances");
    }

    private void remove(Random random) throws IOException {
        List<Mac> ids = List.copyOf(known.keySet());
        if (ids.size() < 2 * WRITERS) {
            return;
        }
        Mac id = ids.get(random.nextInt(ids.size()));
        try (Repository repository = store.openRefreshed()) {
            if (repository.snapshots().contains(id)) { // or else it was renamed just now
                StorageErrors.remove(repository, id, () -> known.remove(id));
                tally.count("removals");
            }
        }
    }

    /** What is gone because its snapshot was removed or renamed meanwhile is no damage: it is not there the next time. */
    private void check() throws IOException {
        for (int attempt = 1; ; attempt++) {
            TestedStore.Verdict verdict = store.check();
            if (verdict.isSound()) {
                tally.count("checks without a finding");
                return;
            }
            if (attempt == 5) {
                tally.failed("check: " + verdict.problems());
                return;
            }
            tally.count("checks overtaken by a maintenance");
        }
    }
}
