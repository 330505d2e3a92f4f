// SPDX-License-Identifier: ISC
package dev.armoire.engine.maintenance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.storage.fs.FsStorageFactory;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.Backup;
import dev.armoire.engine.backup.FaultyStorage;
import dev.armoire.engine.backup.MemoryFolder;
import dev.armoire.engine.backup.MemorySource;
import dev.armoire.engine.backup.MemoryTarget;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.repository.PendingState;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.RepositoryLock;
import dev.armoire.engine.repository.RepositoryLockedException;
import dev.armoire.engine.snapshot.SnapshotAudit;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Maintenance of a store with two snapshots that share next to nothing, of which one was removed. */
class MaintenanceTest {
    private static final Duration GRACE = MaintenanceOptions.USUAL_GRACE;

    @TempDir(factory = MemoryFolder.class)
    Path temporary;

    private Path store;
    private final MemorySource goneSource = source(0);
    private final MemorySource keptSource = source(10);
    private Mac gone;
    private Mac kept;
    /** Those that nothing else needs. */
    private Set<Mac> packfilesOfGone;

    private final List<String> notices = new ArrayList<>();

    @BeforeEach
    void create() throws IOException {
        create("store");
    }

    private void create(String name) throws IOException {
        store = TestStores.createWithSmallPackfiles(temporary.resolve(name));
        gone = TestStores.backUp(store, goneSource).header().identifier();
        packfilesOfGone = new HashSet<>(packfiles());
        kept = TestStores.backUp(store, keptSource).header().identifier();
        try (Repository repository = TestStores.open(store)) {
            // Its empty tree of errors is that of the other snapshot, too.
            repository.index().forEach((type, mac, packfile, offset, length) -> {
                if (type == ResourceType.ERROR_BTREE) {
                    packfilesOfGone.remove(repository.index().packfiles().name(packfile));
                }
            });
            repository.removeSnapshot(gone);
        }
    }

    private static MemorySource source(int seed) {
        MemorySource source = new MemorySource("/s" + seed).directory("/").directory("/s" + seed);
        for (int i = 0; i < 4; i++) {
            byte[] content = new byte[60_000];
            new Random(seed + i).nextBytes(content);
            source.file("/s" + seed + "/f" + i, content);
        }
        return source;
    }

    private List<Mac> packfiles() throws IOException {
        try (Repository repository = TestStores.open(store)) {
            return repository.storage().list(ObjectKind.PACKFILE);
        }
    }

    private static MaintenanceOptions at(Duration later) {
        return new MaintenanceOptions(Instant.now().plus(later), GRACE, Duration.ZERO, false, false, false, 0);
    }

    private static MaintenanceOptions dryRunAt(Duration later) {
        return new MaintenanceOptions(Instant.now().plus(later), GRACE, Duration.ZERO, true, false, false, 0);
    }

    private MaintenanceResult run(MaintenanceOptions options) throws IOException {
        try (Repository repository = TestStores.open(store)) {
            return run(repository, options);
        }
    }

    private MaintenanceResult run(Repository repository, MaintenanceOptions options) throws IOException {
        return Maintenance.run(repository, options, new MaintenanceEvents() {
            @Override
            public void notice(String text) {
                notices.add(text);
            }

            @Override
            public void rewritten(Mac from, Mac to) {
                notices.add("rewritten");
            }

            @Override
            public void unfinished(int writes) {
                notices.add("unfinished " + writes);
            }

            @Override
            public void waiting(String why) {
                notices.add("waiting: " + why);
            }
        });
    }

    @Test
    void whatStoppedWritersHaveLeftIsTakenBackAfterTheGracePeriod() throws IOException {
        Path left = Files.write(temporary.resolve("store/packfiles/tmp.123"), new byte[] {1});

        run(at(GRACE.minusMinutes(1)));
        assertThat(notices).isEmpty();
        run(dryRunAt(GRACE.plusMinutes(1)));
        assertThat(notices).containsExactly("unfinished 1");
        assertThat(left).exists();
        run(at(GRACE.plusMinutes(1)));
        assertThat(notices).containsExactly("unfinished 1", "unfinished 1");
        assertThat(left).doesNotExist();
        assertWhole(kept, keptSource);
    }

    private void assertWhole(Mac snapshot, MemorySource source) throws IOException {
        try (Repository repository = TestStores.open(store)) {
            assertThat(repository.snapshots()).contains(snapshot);
            assertThat(repository.hasMissingPackfiles()).isFalse();
            assertThat(repository.storage().list(ObjectKind.LOCK)).isEmpty();
            SnapshotAudit.all(repository);
        }
        MemoryTarget target = TestStores.restore(store, snapshot, "/");
        assertThat(target.files).hasSameSizeAs(source.contents());
        source.contents()
                .forEach((path, content) -> assertThat(Arrays.equals(target.files.get(path.substring(1)), content))
                        .as(path)
                        .isTrue());
    }

    @Test
    void whatNothingNeedsIsHiddenFirstAndRemovedWhenItsTimeIsOver() throws IOException {
        MaintenanceResult first = run(at(Duration.ZERO));

        assertThat(first.coloured()).isEqualTo(packfilesOfGone.size()).isPositive();
        assertThat(first.colouredBytes()).isGreaterThan(240_000);
        assertThat(first.removed()).isZero();
        assertThat(packfiles()).containsAll(packfilesOfGone);
        assertWhole(kept, keptSource);

        MaintenanceResult early = run(at(GRACE.minusMinutes(1)));
        assertThat(early.removed() + early.coloured()).isZero();
        assertThat(early.waiting()).isEqualTo(packfilesOfGone.size());

        MaintenanceResult last = run(at(GRACE.plusMinutes(1)));
        assertThat(last.removed()).isEqualTo(packfilesOfGone.size());
        assertThat(last.removedBlobs()).isGreaterThanOrEqualTo(4);
        assertThat(last.removedBytes()).isEqualTo(first.colouredBytes());
        assertThat(packfiles()).isNotEmpty().doesNotContainAnyElementsOf(packfilesOfGone);
        assertWhole(kept, keptSource);

        assertThat(run(at(GRACE.multipliedBy(3)))).isEqualTo(new MaintenanceResult(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    }

    @Test
    void aDryRunChangesNothing() throws IOException {
        MaintenanceResult plan = run(dryRunAt(Duration.ZERO));
        try (Repository repository = TestStores.open(store)) {
            assertThat(repository.colouredPackfiles()).isEmpty();
        }
        assertThat(run(at(Duration.ZERO))).isEqualTo(plan);

        assertThat(run(dryRunAt(GRACE.plusMinutes(1))).removed()).isEqualTo(packfilesOfGone.size());
        assertThat(packfiles()).containsAll(packfilesOfGone);
    }

    @Test
    void nothingIsDeduplicatedAgainstWhatIsHidden() throws IOException {
        run(at(Duration.ZERO));
        Mac again = TestStores.backUp(store, goneSource).header().identifier();

        run(at(GRACE.plusMinutes(1)));

        assertWhole(again, goneSource);
        assertWhole(kept, keptSource);
    }

    @Test
    void aSnapshotThatIsHiddenItselfIsNotThereAndNeedsNothing() throws IOException {
        try (Repository repository = TestStores.open(store);
                PendingState state =
                        repository.newPendingState(repository.random().nextMac())) {
            for (Mac packfile : packfiles()) {
                if (!packfilesOfGone.contains(packfile)) {
                    state.colourPackfile(packfile);
                }
            }
            state.commit();
        }
        try (Repository repository = TestStores.open(store)) {
            assertThat(repository.snapshots()).isEmpty();
        }

        MaintenanceResult result = run(at(GRACE.plusMinutes(1)));

        // Nobody sees a snapshot whose own packfile is hidden, so nothing is needed either.
        assertThat(result.reprieved()).isZero();
    }

    @Test
    void aHiddenPackfileOfContentsIsMadeVisibleAtOnce() throws IOException {
        List<Mac> hidden = new ArrayList<>();
        try (Repository repository = TestStores.open(store);
                PendingState state =
                        repository.newPendingState(repository.random().nextMac())) {
            Set<Mac> metadata = new HashSet<>();
            repository.index().forEach((type, mac, packfile, offset, length) -> {
                if (type == ResourceType.SNAPSHOT) {
                    metadata.add(repository.index().packfiles().name(packfile));
                }
            });
            for (Mac packfile : packfiles()) {
                if (!packfilesOfGone.contains(packfile) && !metadata.contains(packfile)) {
                    state.colourPackfile(packfile);
                    hidden.add(packfile);
                }
            }
            state.commit();
        }

        MaintenanceResult result = run(at(GRACE.plusMinutes(1)));

        assertThat(result.reprieved()).isEqualTo(hidden.size()).isPositive();
        assertThat(result.removed()).isZero();
        assertWhole(kept, keptSource);
    }

    @Test
    void whenASnapshotIsDamagedNothingIsDone() throws IOException {
        for (Mac packfile : packfiles()) {
            if (!packfilesOfGone.contains(packfile)) {
                Files.delete(file(packfile));
            }
        }
        Set<Mac> states = states();

        assertThatThrownBy(() -> run(at(Duration.ZERO)))
                .isInstanceOf(CorruptDataException.class)
                .hasMessageContaining("snapshot " + kept.shortHex() + " is damaged")
                .hasMessageContaining("nothing is removed");

        assertThat(states()).isEqualTo(states);
        assertThat(packfiles()).containsAll(packfilesOfGone);
    }

    private Set<Mac> states() throws IOException {
        try (Storage storage = new FsStorageFactory().open(Location.parse(store.toString()))) {
            return Set.copyOf(storage.list(ObjectKind.STATE));
        }
    }

    private Path file(Mac packfile) {
        return store.resolve("packfiles")
                .resolve(packfile.hex().substring(0, 2))
                .resolve(packfile.hex());
    }

    @Test
    void whatAnAbortedBackupLeftGoesWhenItIsOldAndNotBefore() throws IOException {
        Set<Mac> before = new HashSet<>(packfiles());
        assertThatThrownBy(() -> {
                    try (Repository repository =
                            TestStores.open(store, real -> new FaultyStorage(real, FaultyStorage.Fault.DEAD, 5))) {
                        Backup.run(
                                repository, List.of(source(20)), TestStores.options(store, 2), new TestStores.Events());
                    }
                })
                .isInstanceOf(IOException.class);
        removeLocks();
        Set<Mac> orphans = new HashSet<>(packfiles());
        orphans.removeAll(before);
        assertThat(orphans).isNotEmpty();

        assertThat(run(at(Duration.ZERO)).orphaned()).isZero();
        assertThat(run(at(GRACE.plusMinutes(1))).orphaned()).isEqualTo(orphans.size());
        assertThat(packfiles()).containsAll(orphans);
        run(at(GRACE.plusMinutes(2)));
        assertThat(packfiles()).doesNotContainAnyElementsOf(orphans);
        assertWhole(kept, keptSource);
    }

    private void removeLocks() throws IOException {
        try (Repository repository = TestStores.open(store)) {
            for (Mac lock : repository.storage().list(ObjectKind.LOCK)) {
                repository.storage().delete(ObjectKind.LOCK, lock);
            }
        }
    }

    @Test
    void aColourFromTheFutureIsNotBelieved() throws IOException {
        run(at(Duration.ZERO));

        MaintenanceResult result = run(new MaintenanceOptions(
                Instant.now().minus(Duration.ofDays(1)), Duration.ZERO, Duration.ZERO, false, false, false, 0));

        assertThat(result.removed()).isZero();
        assertThat(notices).anyMatch(text -> text.contains("not yet by the clock of this machine"));
    }

    @Test
    void itGivesWayToWhoeverWritesAndSaysWho() throws IOException {
        try (Repository other = TestStores.open(store)) {
            RepositoryLock lock = RepositoryLock.shared(other, other.random().nextMac());
            assertThatThrownBy(() -> run(at(Duration.ZERO)))
                    .isInstanceOf(RepositoryLockedException.class)
                    .hasMessageContaining("locked by a backup or removal on testhost since 2");
            assertThat(other.storage().list(ObjectKind.LOCK)).hasSize(1);

            Thread.ofVirtual().start(() -> {
                try {
                    Thread.sleep(300);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                lock.close();
            });
            MaintenanceResult result =
                    run(new MaintenanceOptions(Instant.now(), GRACE, Duration.ofSeconds(30), false, false, false, 0));
            assertThat(result.coloured()).isPositive();
            assertThat(notices).singleElement().asString().startsWith("waiting: ");
        }
    }

    /** Whatever is refused or lost on the way: the kept snapshot is whole, and another run brings it to the same end. */
    @ParameterizedTest
    @EnumSource(FaultyStorage.Fault.class)
    void stoppedAtEveryChangeOfTheStore(FaultyStorage.Fault fault) throws IOException {
        for (Duration later : List.of(Duration.ZERO, GRACE.plusMinutes(1))) {
            boolean isDone = false;
            for (int failAt = 1; !isDone; failAt++) {
                assertThat(failAt).isLessThan(30);
                create(fault + "-" + later.toMinutes() + "-" + failAt);
                if (!later.isZero()) {
                    run(at(Duration.ZERO));
                }
                FaultyStorage[] storage = new FaultyStorage[1];
                int point = failAt;
                try (Repository repository =
                        TestStores.open(store, real -> storage[0] = new FaultyStorage(real, fault, point))) {
                    run(repository, at(later));
                } catch (IOException | UncheckedIOException e) {
                    assertThat(e).hasMessageContaining("as the test wants it");
                }
                isDone = storage[0].changes.get() < failAt;
                removeLocks();
                assertWhole(kept, keptSource);

                run(at(later));
                run(at(later.plus(GRACE).plusMinutes(2)));
                assertThat(packfiles()).doesNotContainAnyElementsOf(packfilesOfGone);
                assertWhole(kept, keptSource);
                Mac next = TestStores.backUp(store, source(30)).header().identifier();
                assertWhole(next, source(30));
            }
        }
    }

    /** Removing a snapshot under a lock, as `rm` and `prune` do it: it is gone or whole, and the rest is as it was. */
    @ParameterizedTest
    @EnumSource(FaultyStorage.Fault.class)
    void aRemovalStoppedAtEveryChangeOfTheStore(FaultyStorage.Fault fault) throws IOException {
        boolean isDone = false;
        for (int failAt = 1; !isDone; failAt++) {
            assertThat(failAt).isLessThan(6);
            MemorySource otherSource = source(50 + 10 * failAt); // the next backup after the one before
            Mac other = TestStores.backUp(store, otherSource).header().identifier();
            FaultyStorage[] storage = new FaultyStorage[1];
            int point = failAt;
            try (Repository repository =
                            TestStores.open(store, real -> storage[0] = new FaultyStorage(real, fault, point));
                    RepositoryLock lock = RepositoryLock.shared(
                            repository, repository.random().nextMac())) {
                repository.refresh();
                lock.verifyStillThere();
                repository.removeSnapshot(other);
            } catch (IOException | UncheckedIOException e) {
                assertThat(e).hasMessageContaining("as the test wants it");
            }
            isDone = storage[0].changes.get() < failAt;
            removeLocks();
            boolean isThere;
            try (Repository repository = TestStores.open(store)) {
                isThere = repository.snapshots().contains(other);
                assertThat(repository.snapshots()).contains(kept).hasSize(isThere ? 2 : 1);
            }
            if (isThere) {
                assertThat(isDone).isFalse();
                assertWhole(other, otherSource);
                try (Repository repository = TestStores.open(store)) {
                    repository.removeSnapshot(other);
                }
            }
            assertWhole(kept, keptSource);
        }
    }

    /** Backups and maintenance at once, each retried when the other has the lock: nothing that is listed is ever broken. */
    @Test
    void besideBackups() throws Exception {
        List<Throwable> failures = new ArrayList<>();
        List<Mac> made = new ArrayList<>();
        Thread backups = Thread.ofPlatform().start(() -> {
            try {
                for (int i = 0; i < 12; i++) {
                    MemorySource source = i % 2 == 0 ? goneSource : source(40 + i);
                    made.add(retried(source));
                    if (i % 3 == 0) {
                        try (Repository repository = TestStores.open(store)) {
                            repository.removeSnapshot(made.removeLast());
                        }
                    }
                }
            } catch (Throwable e) {
                failures.add(e);
            }
        });
        while (backups.isAlive()) {
            run(new MaintenanceOptions(Instant.now(), Duration.ZERO, Duration.ofSeconds(30), false, false, false, 0));
        }
        backups.join();
        assertThat(failures).isEmpty();
        assertThat(made).isNotEmpty();
        try (Repository repository = TestStores.open(store)) {
            assertThat(repository.snapshots()).containsAll(made);
            SnapshotAudit.all(repository);
        }
    }

    private Mac retried(MemorySource source) throws IOException, InterruptedException {
        while (true) {
            try {
                return TestStores.backUp(store, source).header().identifier();
            } catch (RepositoryLockedException e) {
                Thread.sleep(5);
            }
        }
    }
}
