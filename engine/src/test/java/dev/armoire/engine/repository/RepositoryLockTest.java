// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.ForwardingStorage;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.Backup;
import dev.armoire.engine.backup.BackupOptions;
import dev.armoire.engine.backup.MemorySource;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.packfile.LockRecord;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RepositoryLockTest {
    private static final Mac FOREIGN = Mac.parse("f0".repeat(32));
    private static final Mac OWN = Mac.parse("0e".repeat(32));

    @TempDir
    Path temporary;

    private Path store;
    private Repository repository;

    @BeforeEach
    void create() throws IOException {
        store = TestStores.create(temporary.resolve("store"));
        repository = TestStores.open(store);
    }

    @AfterEach
    void close() {
        repository.close();
    }

    private Instant lock(Mac name, Duration age, boolean isExclusive) throws IOException {
        return lock(name, "otherhost", age, isExclusive);
    }

    private Instant lock(Mac name, String host, Duration age, boolean isExclusive) throws IOException {
        Instant when = Instant.now().minus(age);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment lock = repository.encodeLock(new LockRecord(when, host, isExclusive), arena);
            repository.storage().write(ObjectKind.LOCK, name, List.of(lock));
        }
        return when;
    }

    private List<Mac> locks() throws IOException {
        return repository.storage().list(ObjectKind.LOCK);
    }

    private void backUp() throws IOException {
        Backup.run(
                repository,
                List.of(new MemorySource("/s").directory("/s").file("/s/f", "f")),
                TestStores.options(store, 1),
                new TestStores.Events());
    }

    @Test
    void heldAndReleased() throws IOException {
        try (RepositoryLock lock = RepositoryLock.shared(repository, OWN)) {
            lock.verifyHeld();
            assertThat(locks()).containsExactly(OWN);
            try (Arena arena = Arena.ofConfined()) {
                LockRecord record = repository.decodeLock(repository.readObject(ObjectKind.LOCK, OWN, arena), OWN);
                assertThat(record.hostname()).isEqualTo("testhost");
                assertThat(record.exclusive()).isFalse();
                assertThat(Duration.between(record.timestamp(), Instant.now())).isLessThan(Duration.ofMinutes(1));
            }
        }
        assertThat(locks()).isEmpty();
    }

    @Test
    void releasedEvenWhenInterrupted() throws IOException {
        RepositoryLock lock = RepositoryLock.shared(repository, OWN);
        Thread.currentThread().interrupt();
        lock.close();
        lock.close();
        assertThat(Thread.interrupted())
                .as("the interruption is still to be seen")
                .isTrue();
        assertThat(locks()).isEmpty();
    }

    @Test
    void sharedLocksBearEachOther() throws IOException {
        lock(FOREIGN, Duration.ofMinutes(1), false);
        backUp();
        assertThat(locks()).containsExactly(FOREIGN);
        assertThat(repository.snapshots()).hasSize(1);
    }

    @Test
    void aLiveExclusiveLockKeepsOut() throws IOException {
        Instant since = lock(FOREIGN, Duration.ofMinutes(9), true);
        assertThatThrownBy(this::backUp)
                .isInstanceOf(RepositoryLockedException.class)
                .hasMessageContaining("otherhost")
                .hasMessageContaining(since.toString())
                .hasMessageContaining("ten minutes");
        assertThat(locks()).as("our own is gone again").containsExactly(FOREIGN);
        assertThat(repository.snapshots()).isEmpty();
    }

    @Test
    void staleLocksAreRemoved() throws IOException {
        lock(FOREIGN, "testhost", Duration.ofMinutes(10), true);
        lock(Mac.parse("f1".repeat(32)), Duration.ofDays(400), false);
        lock(Mac.parse("f2".repeat(32)), Duration.ofMinutes(70), true);
        backUp();
        assertThat(locks()).isEmpty();
        assertThat(repository.snapshots()).hasSize(1);
    }

    /** By the clock of another machine, which is an hour behind, this lock may have been refreshed a moment ago. */
    @Test
    void aClockThatIsBehindIsNoReasonToRemoveALock() throws IOException {
        for (int minutes : new int[] {11, 59, 69}) {
            lock(FOREIGN, Duration.ofMinutes(minutes), true);
            assertThatThrownBy(this::backUp)
                    .isInstanceOf(RepositoryLockedException.class)
                    .hasMessageContaining("70 minutes");
            assertThat(locks()).containsExactly(FOREIGN);
            repository.storage().delete(ObjectKind.LOCK, FOREIGN);
        }
    }

    @Test
    void aClockBeyondAnHourIsNamed() throws IOException {
        lock(FOREIGN, Duration.ofMinutes(-61), true);
        assertThatThrownBy(this::backUp)
                .isInstanceOf(RepositoryLockedException.class)
                .hasMessageContaining("put the clocks right");
    }

    @Test
    void whatIsWatchedForTenMinutesAndDoesNotChangeIsDead() {
        Instant now = Instant.parse("2026-01-01T12:00:00Z");
        LockRecord early = new LockRecord(now.minus(Duration.ofMinutes(30)), "otherhost", true);
        LockRecord late = new LockRecord(now.plus(Duration.ofMinutes(50)), "otherhost", true);
        RepositoryLock.Watch watch = new RepositoryLock.Watch();
        for (int minute = 0; minute < 15; minute++) {
            long nanos = Duration.ofMinutes(minute).toNanos();
            // Refreshed once while we watch: from then on its time counts anew.
            Instant refreshed = early.timestamp().plus(Duration.ofMinutes(minute < 4 ? 0 : 4));
            LockRecord live = new LockRecord(refreshed, "otherhost", true);
            assertThat(RepositoryLock.isDead(
                            live, "testhost", now.plusNanos(nanos), watch.unchanged(FOREIGN, refreshed, nanos)))
                    .as("after %s minutes", minute)
                    .isEqualTo(minute >= 14);
            assertThat(RepositoryLock.isDead(
                            late, "testhost", now.plusNanos(nanos), watch.unchanged(OWN, late.timestamp(), nanos)))
                    .as("after %s minutes, of one whose clock is ahead", minute)
                    .isEqualTo(minute >= 10);
        }
    }

    @Test
    void aLockThatSomebodyTookAwayIsMissedBeforeTheCommit() throws IOException {
        try (RepositoryLock lock = RepositoryLock.shared(repository, OWN)) {
            lock.verifyStillThere();
            repository.storage().delete(ObjectKind.LOCK, OWN);
            assertThatThrownBy(lock::verifyStillThere)
                    .isInstanceOf(RepositoryLockedException.class)
                    .hasMessageContaining("taken away");
        }
    }

    /** Or else nobody would notice what happened between. */
    @Test
    void aLockThatSomebodyTookAwayIsNotPutBack() throws IOException {
        try (RepositoryLock lock = RepositoryLock.shared(repository, OWN)) {
            lock.refreshOnce();
            lock.verifyStillThere();
            repository.storage().delete(ObjectKind.LOCK, OWN);
            lock.refreshOnce();
            assertThat(locks()).isEmpty();
            assertThatThrownBy(lock::verifyHeld)
                    .isInstanceOf(RepositoryLockedException.class)
                    .hasMessageContaining("taken away");
        }
    }

    @Test
    void aLockOfAnotherMachineThatIsRemovedIsToldAndSoIsOneOfTheFuture() throws IOException {
        List<String> told = new ArrayList<>();
        repository.useNotices(told::add);
        lock(FOREIGN, Duration.ofMinutes(71), false);
        lock(Mac.parse("f1".repeat(32)), "testhost", Duration.ofMinutes(11), true);
        backUp();
        assertThat(told).singleElement().asString().contains("otherhost").contains("more than an hour");
        told.clear();
        lock(FOREIGN, Duration.ofMinutes(-59), false);
        backUp();
        assertThat(told).isEmpty();
        lock(Mac.parse("f2".repeat(32)), Duration.ofMinutes(-62), false);
        backUp();
        assertThat(told).singleElement().asString().contains("put the clocks right");
    }

    @Test
    void aClockThatIsAheadIsNoReasonToRemoveALock() throws IOException {
        lock(FOREIGN, Duration.ofMinutes(-30), true);
        assertThatThrownBy(this::backUp).isInstanceOf(RepositoryLockedException.class);
        assertThat(locks()).containsExactly(FOREIGN);
    }

    @Test
    void aLockThatCannotBeReadKeepsOutAndSaysWhatToDo() throws IOException {
        repository.storage().write(ObjectKind.LOCK, FOREIGN, List.of(MemorySegment.ofArray(new byte[80])));
        assertThatThrownBy(this::backUp)
                .isInstanceOf(CorruptDataException.class)
                .hasMessageContaining("locks/" + FOREIGN.hex());
        assertThat(locks()).containsExactly(FOREIGN);
    }

    /** What keys allow that can only add. */
    private static final class AddOnly extends ForwardingStorage {
        AddOnly(Storage real) {
            super(real);
        }

        @Override
        public void delete(ObjectKind kind, Mac name) throws IOException {
            throw new AccessDeniedException(null, null, "cannot delete " + name.shortHex() + ": access denied");
        }
    }

    @Test
    void whoCannotRemoveLocksIsToldAndTheWorkIsDone() throws IOException {
        List<String> told = new ArrayList<>();
        try (Repository addOnly = TestStores.open(store, AddOnly::new)) {
            addOnly.useNotices(told::add);
            RepositoryLock.shared(addOnly, OWN).close();
        }
        assertThat(told)
                .singleElement()
                .asString()
                .isEqualTo("the lock of this run could not be removed, it expires in ten minutes: cannot delete "
                        + OWN.shortHex() + ": access denied");
    }

    @Test
    void whoCannotTakeBackALockDoesNotWaitForItself() throws IOException {
        lock(FOREIGN, Duration.ofMinutes(1), false);
        try (Repository addOnly = TestStores.open(store, AddOnly::new)) {
            assertThatThrownBy(() -> RepositoryLock.exclusive(addOnly, Duration.ofMinutes(15), why -> {}))
                    .isInstanceOf(AccessDeniedException.class)
                    .satisfies(e ->
                            assertThat(e.getSuppressed()).hasExactlyElementsOfTypes(RepositoryLockedException.class));
        }
        assertThat(locks()).hasSize(2);
    }

    @Test
    void locklessLeavesLocksAlone() throws IOException {
        lock(FOREIGN, Duration.ofMinutes(1), true);
        lock(OWN, Duration.ofDays(1), true);
        BackupOptions usual = TestStores.options(store, 1);
        BackupOptions lockless =
                new BackupOptions(usual.name(), "", "", "", "", List.of(), null, true, 1, usual.scratch(), "", true);
        Backup.run(repository, List.of(new MemorySource("/s").directory("/s")), lockless, new TestStores.Events());
        assertThat(locks()).containsExactlyInAnyOrder(FOREIGN, OWN);
        assertThat(repository.snapshots()).hasSize(1);
    }
}
