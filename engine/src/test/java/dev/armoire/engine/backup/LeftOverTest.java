// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.ForwardingStorage;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.storage.fs.FsStorageFactory;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.SnapshotAudit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Packfiles of a writer who was stopped are of use to the next one, unless something is wrong with them. */
final class LeftOverTest {
    private static final int FILES = 40;

    @TempDir
    Path folder;

    private Path store = Path.of("");
    private final MemorySource files = new MemorySource("/s").directory("/").directory("/s");

    @BeforeEach
    void create() throws IOException {
        store = TestStores.createWithSmallPackfiles(folder.resolve("store"));
        for (int i = 0; i < FILES; i++) {
            byte[] content = new byte[50_000];
            new Random(i).nextBytes(content);
            files.file("/s/f" + i, content);
        }
    }

    @Test
    void whatIsDurableIsNotStoredAgain() throws IOException {
        stopAt(15);
        long left = packfiles().size();
        assertThat(left).isGreaterThan(8);
        BackupResult result = TestStores.backUp(store, files);
        assertThat(result.newChunks()).isLessThan(FILES - 8);
        assertSnapshotsWhole(1);
    }

    /** Its writer may have been killed between the name and the sync of its folder. */
    @Test
    void whatIsTakenOverIsMadeDurableBefore() throws IOException {
        stopAt(15);
        Set<Mac> settled = ConcurrentHashMap.newKeySet();
        try (Repository repository = TestStores.open(store, real -> new ForwardingStorage(real) {
            @Override
            public void settle(ObjectKind kind, Collection<Mac> names) throws IOException {
                if (kind == ObjectKind.PACKFILE) {
                    settled.addAll(names);
                }
                super.settle(kind, names);
            }
        })) {
            Set<Mac> left = Set.copyOf(repository.storage().list(ObjectKind.PACKFILE));
            Backup.run(repository, List.of(files), TestStores.options(store, 1), new TestStores.Events());
            assertThat(settled).isNotEmpty().isSubsetOf(left);
        }
        assertSnapshotsWhole(1);
    }

    /** Else the next snapshot would count on what a power cut has eaten. */
    @Test
    void aDamagedPackfileIsNotTakenOver() throws IOException {
        stopAt(15);
        for (Path packfile : packfiles()) {
            byte[] bytes = Files.readAllBytes(packfile);
            bytes[bytes.length / 3] ^= 1;
            Files.write(packfile, bytes);
        }
        BackupResult result = TestStores.backUp(store, files);
        assertThat(result.newChunks()).isEqualTo(FILES);
        assertSnapshotsWhole(1);
    }

    @Test
    void aTornPackfileIsNotTakenOver() throws IOException {
        stopAt(15);
        for (Path packfile : packfiles()) {
            byte[] bytes = Files.readAllBytes(packfile);
            Files.write(packfile, Arrays.copyOf(bytes, bytes.length / 2));
        }
        assertThat(TestStores.backUp(store, files).newChunks()).isEqualTo(FILES);
        assertSnapshotsWhole(1);
    }

    /** The state alone makes a snapshot, so one that was stopped before it must never appear. */
    @Test
    void anUncommittedSnapshotDoesNotAppear() throws IOException {
        int changes = changesOfABackup(folder.resolve("other"));
        stopAt(changes - 1); // the last two are the state and the lock
        assertThat(packfiles()).isNotEmpty();
        MemorySource other =
                new MemorySource("/o").directory("/").directory("/o").file("/o/f", new byte[100]);
        TestStores.backUp(store, other);
        assertSnapshotsWhole(1);
    }

    /** Two states name the same packfiles then. */
    @Test
    void aWriterWhoStillRunsIsNotDisturbed() throws IOException {
        List<IOException> problems = new ArrayList<>();
        FaultyStorage slow = neverFailing(store);
        int[] seen = {0};
        slow.beforeChange = () -> {
            if (slow.changes.get() >= 12 && seen[0]++ == 0) {
                try {
                    assertThat(TestStores.backUp(store, files).newChunks()).isLessThan(FILES - 5);
                } catch (IOException e) {
                    problems.add(e);
                }
            }
        };
        try (Repository repository = TestStores.open(store, real -> slow)) {
            Backup.run(repository, List.of(files), TestStores.options(store, 1), new TestStores.Events());
        }
        assertThat(problems).isEmpty();
        assertSnapshotsWhole(2);
    }

    private int changesOfABackup(Path other) throws IOException {
        TestStores.createWithSmallPackfiles(other);
        FaultyStorage counting = neverFailing(other);
        try (Repository repository = TestStores.open(other, real -> counting)) {
            Backup.run(repository, List.of(files), TestStores.options(other, 1), new TestStores.Events());
        }
        return counting.changes.get();
    }

    private static FaultyStorage neverFailing(Path store) throws IOException {
        return new FaultyStorage(
                new FsStorageFactory().open(Location.parse(store.toString())),
                FaultyStorage.Fault.ONCE,
                Integer.MAX_VALUE);
    }

    private void stopAt(int change) throws IOException {
        try (Repository repository =
                TestStores.open(store, real -> new FaultyStorage(real, FaultyStorage.Fault.DEAD, change))) {
            assertThatThrownBy(() -> Backup.run(
                            repository, List.of(files), TestStores.options(store, 1), new TestStores.Events()))
                    .hasMessageContaining("as the test wants it");
        }
        assertThat(states()).isEmpty();
    }

    private void assertSnapshotsWhole(int count) throws IOException {
        try (Repository repository = TestStores.open(store)) {
            assertThat(repository.snapshots()).hasSize(count);
            SnapshotAudit.all(repository);
        }
    }

    private List<Mac> states() throws IOException {
        try (Repository repository = TestStores.open(store)) {
            return List.copyOf(repository.storage().list(ObjectKind.STATE));
        }
    }

    private List<Path> packfiles() throws IOException {
        try (Stream<Path> all = Files.walk(store.resolve("packfiles"))) {
            return all.filter(Files::isRegularFile).toList();
        }
    }
}
