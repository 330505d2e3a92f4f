// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.ForwardingStorage;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.storage.fs.FsStorageFactory;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.Backup;
import dev.armoire.engine.backup.MemoryFolder;
import dev.armoire.engine.backup.MemorySource;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.repair.Repair;
import dev.armoire.engine.repair.RepairEvents;
import dev.armoire.index.BlobLocation;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** States are lost, or look so, in a store that this machine knows; {@link StateAudit} says what that is. */
class SeenStatesTest {
    @TempDir(factory = MemoryFolder.class)
    Path temporary;

    private Path store;
    private Path cache;

    @BeforeEach
    void create() throws IOException {
        store = TestStores.create(temporary.resolve("store"));
        cache = temporary.resolve("cache");
    }

    private Repository open(Path itsCache, UnaryOperator<Storage> wrapper) throws IOException {
        Storage storage = wrapper.apply(new FsStorageFactory().open(Location.parse(store.toString())));
        Repository repository =
                Repository.open(storage, () -> TestStores.PASSPHRASE.getBytes(StandardCharsets.UTF_8), "testhost");
        repository.useCache(itsCache);
        return repository;
    }

    private Mac backUp(int seed) throws IOException {
        return backUp(seed, storage -> storage);
    }

    private Mac backUp(int seed, UnaryOperator<Storage> wrapper) throws IOException {
        MemorySource source =
                new MemorySource("/src").directory("/src").file("/src/f" + seed, new byte[] {(byte) seed, 2, 3});
        try (Repository repository = open(cache, wrapper)) {
            return Backup.run(repository, List.of(source), TestStores.options(store, 1), new TestStores.Events())
                    .header()
                    .identifier();
        }
    }

    private List<StateAudit.Finding> audit(Path itsCache) throws IOException {
        try (Repository repository = open(itsCache, storage -> storage)) {
            repository.refresh();
            return StateAudit.run(repository);
        }
    }

    private Mac loseNewestState() throws IOException {
        Mac newest;
        try (Repository repository = TestStores.open(store)) {
            repository.refresh();
            newest = repository.latestState();
            repository.storage().delete(ObjectKind.STATE, newest);
        }
        return newest;
    }

    private void repair() throws IOException {
        try (Repository repository = open(cache, storage -> storage)) {
            Repair.run(repository, true, null, new RepairEvents() {
                @Override
                public void unlisted(Mac packfile, long blobs) {}

                @Override
                public void damagedState(Mac state, String problem) {}

                @Override
                public void lost(String what) {}

                @Override
                public void waiting(String why) {}
            });
        }
    }

    private static Path file(Path itsCache) throws IOException {
        try (Stream<Path> files = Files.list(itsCache.resolve("seen-1"))) {
            return files.findFirst().orElseThrow();
        }
    }

    @Test
    void theNewestStateIsMissedUntilItIsMadeAgain() throws IOException {
        backUp(1);
        Mac second = backUp(2);
        assertThat(audit(cache)).isEmpty();
        Mac lost = loseNewestState();
        for (int i = 0; i < 2; i++) { // who looks does not forget
            assertThat(audit(cache)).singleElement().satisfies(finding -> {
                assertThat(finding.isDamage()).isTrue();
                assertThat(finding.object()).isEqualTo("state " + lost.hex());
                assertThat(finding.reason()).contains("snapshot " + second.shortHex(), "`armoire repair`");
            });
        }
        // Whoever has never seen it cannot tell it from a backup that was killed.
        assertThat(audit(temporary.resolve("other")))
                .singleElement()
                .matches(finding -> !finding.isDamage() && finding.object().contains(second.shortHex()));
        repair();
        assertThat(audit(cache)).isEmpty();
        assertThat(audit(temporary.resolve("other"))).isEmpty();
    }

    @Test
    void theOnlyStateIsMissed() throws IOException {
        Mac only = backUp(1);
        loseNewestState();
        assertThat(audit(cache))
                .singleElement()
                .matches(finding -> finding.isDamage() && finding.reason().contains(only.shortHex()));
    }

    @Test
    void aBackupThatWasKilledIsNoDamage() throws IOException {
        backUp(1);
        assertThatThrownBy(() -> backUp(2, real -> new ForwardingStorage(real) {
                    @Override
                    public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
                        if (kind == ObjectKind.STATE) {
                            throw new IOException("killed");
                        }
                        super.write(kind, name, parts);
                    }
                }))
                .hasMessageContaining("killed");
        assertThat(audit(cache)).singleElement().matches(finding -> !finding.isDamage());
        backUp(3); // which takes no snapshot over that nobody committed
        assertThat(audit(cache)).singleElement().matches(finding -> !finding.isDamage());
        repair();
        assertThat(audit(cache)).isEmpty();
    }

    @Test
    void aStateThatRemovedASnapshotIsTold() throws IOException {
        Mac first = backUp(1);
        backUp(2);
        try (Repository repository = open(cache, storage -> storage)) {
            repository.refresh();
            try (PendingState state =
                    repository.newPendingState(repository.random().nextMac())) {
                state.removeSnapshot(first);
                state.commit();
            }
        }
        assertThat(audit(cache)).isEmpty();
        Mac lost = loseNewestState();
        assertThat(audit(cache))
                .singleElement()
                .matches(finding -> !finding.isDamage() && finding.object().equals("state " + lost.hex()));
        repair();
        assertThat(audit(cache)).isEmpty();
    }

    /** As when a sync is stopped before its state is written, and done again. */
    @Test
    void whatLiesInAnUnlistedPackfileAsWellIsNotLost() throws IOException {
        backUp(1);
        Mac second = backUp(2);
        try (Repository repository = open(cache, storage -> storage)) {
            repository.refresh();
            BlobLocation place = Objects.requireNonNull(repository.index().find(ResourceType.SNAPSHOT, second));
            Mac packfile = repository.index().packfiles().name(place.packfile());
            long size = repository.storage().size(ObjectKind.PACKFILE, packfile);
            MemorySegment copy = MemorySegment.ofArray(new byte[(int) size]);
            repository.storage().read(ObjectKind.PACKFILE, packfile, 0, copy);
            repository.storage().write(ObjectKind.PACKFILE, repository.random().nextMac(), List.of(copy));
        }
        assertThat(audit(cache)).isEmpty();
        try (Repository repository = open(cache, storage -> storage)) {
            repository.refresh();
            repository.removeSnapshot(second);
        }
        assertThat(audit(cache)).isEmpty();
        assertThat(audit(temporary.resolve("other"))).isEmpty();
    }

    /** Another process on this machine commits while a check begins. */
    @Test
    void whatCameMeanwhileIsNotLost() throws IOException {
        backUp(1);
        try (Repository repository = open(cache, storage -> storage)) {
            repository.refreshStates((state, problem) -> {
                throw problem;
            });
            backUp(2);
            repository.refreshPackfiles();
            assertThat(StateAudit.run(repository)).noneMatch(StateAudit.Finding::isDamage);
        }
    }

    @Test
    void aDamagedFileIsMadeAnew() throws IOException {
        backUp(1);
        byte[] before = Files.readAllBytes(file(cache));
        for (byte[] rest : List.of(new byte[7], new byte[40], new byte[400])) {
            Files.write(file(cache), rest, StandardOpenOption.APPEND);
            assertThat(audit(cache)).isEmpty();
            assertThat(Files.readAllBytes(file(cache))).hasSize(before.length);
        }
        backUp(2);
        assertThat(Files.size(file(cache))).isEqualTo(2L * before.length);
        loseNewestState();
        assertThat(audit(cache)).singleElement().matches(StateAudit.Finding::isDamage);
    }

    /** What states say is much: it is in the files of the cache before the process ends. */
    @Test
    void whoMovesAllIntoTheCacheRemembersItToo() throws IOException {
        Mac only = backUp(1);
        Path other = temporary.resolve("other");
        for (int i = 0; i < 2; i++) {
            try (Repository repository = open(temporary.resolve("unused"), storage -> storage)) {
                repository.useCache(other, StateCache.Limits.NONE);
                repository.refresh();
            }
            assertThat(file(other)).isNotEmptyFile();
            if (i == 0) { // killed after it had written the one, and before the other
                Files.delete(file(other));
            }
        }
        loseNewestState();
        assertThat(audit(other))
                .singleElement()
                .matches(finding -> finding.isDamage() && finding.reason().contains(only.shortHex()));
    }

    @Test
    void whereItCannotBeWrittenAllIsAsWithout() throws IOException {
        Files.createDirectories(cache);
        Files.write(cache.resolve("seen-1"), new byte[1]);
        backUp(1);
        Mac second = backUp(2);
        loseNewestState();
        assertThat(audit(cache))
                .singleElement()
                .matches(finding -> !finding.isDamage() && finding.object().contains(second.shortHex()));
    }
}
