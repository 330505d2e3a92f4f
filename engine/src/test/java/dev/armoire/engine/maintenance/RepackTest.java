// SPDX-License-Identifier: ISC
package dev.armoire.engine.maintenance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.FaultyStorage;
import dev.armoire.engine.backup.MemoryFolder;
import dev.armoire.engine.backup.MemorySource;
import dev.armoire.engine.backup.MemoryTarget;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.engine.snapshot.SnapshotAudit;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A first snapshot that was removed, and three later ones, of which two need a file in four or eight of it. */
class RepackTest {
    private static final Duration GRACE = MaintenanceOptions.USUAL_GRACE;
    private static final int FILES = 16;

    @TempDir(factory = MemoryFolder.class)
    Path temporary;

    private Path store;
    private final MemorySource few = source(file -> file % 4 == 0, "few");
    private final MemorySource fewer = source(file -> file % 8 == 0, "fewer");
    private final MemorySource other = source(file -> false, "something else");
    private Mac fewId;
    private Mac fewerId;
    private Mac otherId;
    /** As they were made, by identifier. */
    private final Map<Mac, SnapshotHeader> headers = new HashMap<>();

    private final Map<Mac, Mac> rewritten = new HashMap<>();

    private interface Which {
        boolean has(int file);
    }

    private static MemorySource source(Which which, String own) {
        MemorySource source = new MemorySource("/s").directory("/").directory("/s");
        for (int i = 0; i < FILES; i++) {
            if (which.has(i)) {
                byte[] content = new byte[25_000];
                new Random(i).nextBytes(content);
                source.file("/s/f" + i, content);
            }
        }
        byte[] content = new byte[90_000];
        new Random(own.hashCode()).nextBytes(content);
        return source.file("/s/own", content);
    }

    @BeforeEach
    void create() throws IOException {
        store = TestStores.createWithSmallPackfiles(temporary.resolve("store"));
        Mac all = TestStores.backUp(store, source(file -> true, "all")).header().identifier();
        fewId = backUp(few);
        fewerId = backUp(fewer);
        otherId = backUp(other);
        try (Repository repository = TestStores.open(store)) {
            repository.removeSnapshot(all);
        }
    }

    private Mac backUp(MemorySource source) throws IOException {
        SnapshotHeader header = TestStores.backUp(store, source).header();
        headers.put(header.identifier(), header);
        return header.identifier();
    }

    /** Goes on in a copy of the store. */
    private void copyStore(Path original, String name) throws IOException {
        store = temporary.resolve(name);
        try (Stream<Path> files = Files.walk(original)) {
            for (Path file : files.toList()) {
                Files.copy(file, store.resolve(original.relativize(file)));
            }
        }
    }

    private MaintenanceResult run(Duration later, int percent, boolean dryRun) throws IOException {
        try (Repository repository = TestStores.open(store)) {
            return run(repository, later, percent, dryRun);
        }
    }

    private MaintenanceResult run(Repository repository, Duration later, int percent, boolean dryRun)
            throws IOException {
        var options =
                new MaintenanceOptions(Instant.now().plus(later), GRACE, Duration.ZERO, dryRun, false, false, percent);
        return Maintenance.run(repository, options, new MaintenanceEvents() {
            @Override
            public void notice(String text) {}

            @Override
            public void rewritten(Mac from, Mac to) {
                rewritten.put(from, to);
            }

            @Override
            public void waiting(String why) {}
        });
    }

    private long storedBytes() throws IOException {
        long bytes = 0;
        try (Repository repository = TestStores.open(store)) {
            for (Mac packfile : repository.storage().list(ObjectKind.PACKFILE)) {
                bytes += repository.storage().size(ObjectKind.PACKFILE, packfile);
            }
        }
        return bytes;
    }

    /** Every snapshot is whole, and each source is there once, or, if a run was stopped, still under its old name. */
    private void assertWhole() throws IOException {
        List<Mac> ids;
        try (Repository repository = TestStores.open(store)) {
            assertThat(repository.hasMissingPackfiles()).isFalse();
            SnapshotAudit.all(repository);
            ids = repository.snapshots();
        }
        assertThat(ids).hasSize(3);
        assertRestores(ids.contains(fewId) ? fewId : successor(fewId, ids), few);
        assertRestores(ids.contains(fewerId) ? fewerId : successor(fewerId, ids), fewer);
        assertRestores(ids.contains(otherId) ? otherId : successor(otherId, ids), other);
    }

    /** By what the snapshot says of itself: the run that renamed it may not have lived to tell. */
    private Mac successor(Mac old, List<Mac> ids) throws IOException {
        try (Repository repository = TestStores.open(store);
                BlobReader reader = repository.newReader()) {
            SnapshotHeader was = Objects.requireNonNull(headers.get(old));
            for (Mac id : ids) {
                SnapshotHeader header = Snapshot.header(reader, id);
                if (header.timestamp().equals(was.timestamp())) {
                    assertThat(header.source().vfs()).isEqualTo(was.source().vfs());
                    assertThat(header.context()).isEqualTo(was.context());
                    return id;
                }
            }
        }
        throw new AssertionError("nothing came in place of " + old);
    }

    private void assertRestores(Mac snapshot, MemorySource source) throws IOException {
        MemoryTarget target = TestStores.restore(store, snapshot, "/");
        assertThat(target.files).hasSameSizeAs(source.contents());
        source.contents()
                .forEach((path, content) -> assertThat(Arrays.equals(target.files.get(path.substring(1)), content))
                        .as(path)
                        .isTrue());
    }

    @Test
    void halfEmptyPackfilesGoAndWhatIsNeededOfThemStays() throws IOException {
        long before = storedBytes();
        MaintenanceResult plan = run(Duration.ZERO, 20, true);
        assertThat(rewritten).isEmpty();
        assertThat(storedBytes()).isEqualTo(before);

        MaintenanceResult result = run(Duration.ZERO, 20, false);

        assertThat(result.repacked()).isEqualTo(plan.repacked()).isPositive();
        assertThat(result.copiedBytes()).isEqualTo(plan.copiedBytes()).isPositive();
        assertThat(result.rewritten()).isEqualTo(plan.rewritten()).isEqualTo(2);
        assertThat(rewritten.keySet()).containsExactlyInAnyOrder(fewId, fewerId);
        try (Repository repository = TestStores.open(store)) {
            assertThat(repository.snapshots())
                    .containsAll(rewritten.values())
                    .contains(otherId)
                    .doesNotContain(fewId, fewerId);
        }
        assertWhole();

        run(GRACE.plusMinutes(1), 0, false);
        assertWhole();
        // Four shared files of 25 kB, three of 90 kB, the metadata, and the padding of each packfile.
        assertThat(storedBytes()).isLessThan(before * 3 / 4).isLessThan(370_000 + 200_000);
        assertThat(run(GRACE.plusMinutes(2), 20, true).repacked()).isZero();
        Mac next = TestStores.backUp(store, few).header().identifier();
        assertRestores(next, few);
    }

    @Test
    void whatIsNeededEnoughIsLeftAlone() throws IOException {
        MaintenanceResult result = run(Duration.ZERO, 100, false);

        assertThat(result.repacked()).isZero();
        assertThat(rewritten).isEmpty();
        try (Repository repository = TestStores.open(store)) {
            assertThat(repository.snapshots()).contains(fewId, fewerId, otherId);
        }
    }

    @ParameterizedTest
    @EnumSource(FaultyStorage.Fault.class)
    void stoppedAtEveryChangeOfTheStore(FaultyStorage.Fault fault) throws IOException {
        Path original = store;
        boolean isDone = false;
        for (int failAt = 1; !isDone; failAt++) {
            assertThat(failAt).isLessThan(40);
            copyStore(original, fault + "-" + failAt);
            FaultyStorage[] storage = new FaultyStorage[1];
            int point = failAt;
            try (Repository repository =
                    TestStores.open(store, real -> storage[0] = new FaultyStorage(real, fault, point))) {
                run(repository, Duration.ZERO, 20, false);
            } catch (IOException | UncheckedIOException e) {
                assertThat(e).hasMessageContaining("as the test wants it");
            }
            isDone = storage[0].changes.get() < failAt;
            try (Repository repository = TestStores.open(store)) {
                for (Mac lock : repository.storage().list(ObjectKind.LOCK)) {
                    repository.storage().delete(ObjectKind.LOCK, lock);
                }
            }
            assertWhole();

            run(Duration.ZERO, 20, false);
            run(GRACE.plusMinutes(1), 0, false);
            assertWhole();
        }
    }
}
