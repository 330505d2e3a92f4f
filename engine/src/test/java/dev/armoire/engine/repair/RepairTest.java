// SPDX-License-Identifier: ISC
package dev.armoire.engine.repair;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.connectors.spi.ForwardingStorage;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.storage.fs.FsStorageFactory;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.FaultyStorage;
import dev.armoire.engine.backup.MemoryFolder;
import dev.armoire.engine.backup.MemorySource;
import dev.armoire.engine.backup.MemoryTarget;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.SnapshotAudit;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** States of a store with two snapshots are lost or damaged. */
class RepairTest {
    @TempDir(factory = MemoryFolder.class)
    Path temporary;

    private Path store;
    private final MemorySource first = source(0);
    private final MemorySource second = source(2);
    private Mac one;
    private Mac two;
    private final List<String> told = new ArrayList<>();

    @BeforeEach
    void create() throws IOException {
        create("store");
    }

    private void create(String name) throws IOException {
        store = TestStores.createWithSmallPackfiles(temporary.resolve(name));
        one = TestStores.backUp(store, first).header().identifier();
        two = TestStores.backUp(store, second).header().identifier();
        told.clear();
    }

    private static MemorySource source(int from) {
        MemorySource source = new MemorySource("/s").directory("/").directory("/s");
        for (int i = from; i < from + 4; i++) {
            byte[] content = new byte[60_000];
            new Random(i).nextBytes(content);
            source.file("/s/f" + i, content);
        }
        return source;
    }

    private Repair.Result repair(boolean applies) throws IOException {
        return repair(applies, storage -> storage);
    }

    private Repair.Result repair(boolean applies, UnaryOperator<Storage> wrapper) throws IOException {
        Storage storage = wrapper.apply(new FsStorageFactory().open(Location.parse(store.toString())));
        try (Repository repository = Repository.open(storage, () -> new byte[0], "testhost")) {
            return Repair.run(repository, applies, Duration.ZERO, new RepairEvents() {
                @Override
                public void unlisted(Mac packfile, long blobs) {
                    told.add("unlisted");
                }

                @Override
                public void damagedState(Mac state, String problem) {
                    told.add("state " + state.shortHex());
                }

                @Override
                public void lost(String what) {
                    told.add(what);
                }

                @Override
                public void waiting(String why) {
                    told.add(why);
                }
            });
        }
    }

    /** Its writer may have been killed between giving it its name and syncing the folder. */
    @Test
    void whatIsListedAgainIsMadeDurableBefore() throws IOException {
        loseAllStates();
        Set<Mac> settled = new HashSet<>();
        List<Set<Mac>> atWrite = new ArrayList<>();
        repair(false, real -> settling(real, settled, atWrite));
        assertThat(settled).isEmpty();
        Repair.Result result = repair(true, real -> settling(real, settled, atWrite));
        assertThat(result.repaired()).isEqualTo(settled.size()).isPositive();
        assertThat(atWrite).isNotEmpty().last().isEqualTo(settled);
    }

    private static Storage settling(Storage real, Set<Mac> settled, List<Set<Mac>> atWrite) {
        return new ForwardingStorage(real) {
            @Override
            public void settle(ObjectKind kind, Collection<Mac> names) throws IOException {
                if (kind == ObjectKind.PACKFILE) {
                    settled.addAll(names);
                }
                super.settle(kind, names);
            }

            @Override
            public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
                if (kind == ObjectKind.STATE) {
                    atWrite.add(Set.copyOf(settled));
                }
                super.write(kind, name, parts);
            }
        };
    }

    private List<Path> states() throws IOException {
        try (var files = Files.walk(store.resolve("states"))) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    private void loseAllStates() throws IOException {
        for (Path state : states()) {
            Files.delete(state);
        }
    }

    private void assertAllIsWell() throws IOException {
        try (Repository repository = TestStores.open(store)) {
            assertThat(repository.snapshots()).containsExactlyInAnyOrder(one, two);
            assertThat(repository.storage().list(ObjectKind.LOCK)).isEmpty();
            SnapshotAudit.all(repository);
        }
        assertRestores(one, first);
        assertRestores(two, second);
        assertThat(repair(false)).isEqualTo(new Repair.Result(0, 0));
    }

    private void assertRestores(Mac snapshot, MemorySource source) throws IOException {
        MemoryTarget target = TestStores.restore(store, snapshot, "/");
        source.contents()
                .forEach((path, content) -> assertThat(Arrays.equals(target.files.get(path.substring(1)), content))
                        .as(path)
                        .isTrue());
    }

    @Test
    void aWholeStoreNeedsNone() throws IOException {
        int before = states().size();

        assertThat(repair(true)).isEqualTo(new Repair.Result(0, 0));

        assertThat(states()).hasSize(before);
        assertThat(told).isEmpty();
    }

    @Test
    void aStoreWithoutStatesIsWholeAgain() throws IOException {
        loseAllStates();
        Repair.Result plan = repair(false);
        assertThat(plan.repaired()).isGreaterThan(3);
        assertThat(states()).isEmpty();

        assertThat(repair(true)).isEqualTo(plan);

        assertThat(states()).hasSize(1);
        assertAllIsWell();
        Mac next = TestStores.backUp(store, source(5)).header().identifier();
        assertRestores(next, source(5));
    }

    @Test
    void aDamagedStateIsReplaced() throws IOException {
        for (Path state : states()) {
            byte[] bytes = Files.readAllBytes(state);
            bytes[bytes.length / 2] ^= 4;
            state.toFile().setWritable(true);
            Files.write(state, bytes);
        }

        Repair.Result result = repair(true);

        assertThat(result.lost()).isZero();
        assertThat(told).contains("unlisted").anyMatch(text -> text.startsWith("state "));
        assertAllIsWell();
    }

    @Test
    void whatIsLostIsSaid() throws IOException {
        Path packfile;
        try (var files = Files.walk(store.resolve("packfiles"))) {
            packfile = files.filter(Files::isRegularFile).sorted().findFirst().orElseThrow();
        }
        Files.delete(packfile);
        assertThat(repair(true)).isEqualTo(new Repair.Result(0, 1));
        assertThat(told)
                .singleElement()
                .asString()
                .contains(packfile.getFileName().toString(), "is missing");

        Files.write(packfile, new byte[100]);
        loseAllStates();
        told.clear();
        assertThat(repair(true).lost()).isEqualTo(1);
        assertThat(told).anyMatch(text -> text.contains("does not tell what is in it"));
    }

    @ParameterizedTest
    @EnumSource(FaultyStorage.Fault.class)
    void stoppedAtEveryChangeOfTheStore(FaultyStorage.Fault fault) throws IOException {
        boolean isDone = false;
        for (int failAt = 1; !isDone; failAt++) {
            assertThat(failAt).isLessThan(20);
            create(fault + "-" + failAt);
            Path damaged = states().getFirst();
            damaged.toFile().setWritable(true);
            Files.write(damaged, new byte[] {1, 2, 3});
            FaultyStorage[] storage = new FaultyStorage[1];
            int point = failAt;
            try {
                repair(true, real -> storage[0] = new FaultyStorage(real, fault, point));
            } catch (IOException | UncheckedIOException e) {
                assertThat(e).hasMessageContaining("as the test wants it");
            }
            isDone = storage[0].changes.get() < failAt;
            try (var locks = Files.walk(store.resolve("locks"))) {
                for (Path lock : locks.filter(Files::isRegularFile).toList()) {
                    Files.delete(lock);
                }
            }
            assertThat(repair(true).lost()).isZero();
            assertAllIsWell();
        }
    }
}
