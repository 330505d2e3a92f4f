// SPDX-License-Identifier: ISC
package dev.armoire.engine.maintenance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.FaultyStorage;
import dev.armoire.engine.backup.MemoryFolder;
import dev.armoire.engine.backup.MemorySource;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.repository.PackWriter;
import dev.armoire.engine.repository.PendingState;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.SnapshotAudit;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.ResourceType;
import dev.armoire.packfile.StateStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Maintenance of a store whose states form branches, as somebody sees it who applies them in no order but that of parents. */
class BranchesTest {
    private static final Duration GRACE = MaintenanceOptions.USUAL_GRACE;

    @TempDir(factory = MemoryFolder.class)
    Path temporary;

    private Path store;
    private Mac kept;
    /** What maintenance is told the time is since the store was made. */
    private Duration clock = Duration.ZERO;

    @BeforeEach
    void create() throws IOException {
        create("store");
    }

    private void create(String name) throws IOException {
        store = TestStores.createWithSmallPackfiles(temporary.resolve(name));
        MemorySource source = new MemorySource("/s").directory("/").directory("/s");
        for (int i = 0; i < 4; i++) {
            byte[] content = new byte[60_000];
            new Random(i).nextBytes(content);
            source.file("/s/f" + i, content);
        }
        kept = TestStores.backUp(store, source).header().identifier();
    }

    /** Somebody writes a packfile that no snapshot needs, in a state that builds on {@code parent}. Returns that state. */
    private Mac addGarbage(Mac parent, long seed) throws IOException {
        try (Repository repository = TestStores.open(store)) {
            Mac name = repository.random().nextMac();
            try (PendingState state = repository.newPendingState(name, parent);
                    PackWriter packs = repository.newPackWriter(state);
                    BlobCodec codec = repository.newCodec()) {
                byte[] blob = new byte[500];
                new Random(seed).nextBytes(blob);
                long length = codec.prepare(MemorySegment.ofArray(blob));
                packs.put(
                        PackWriter.Lane.DATA,
                        ResourceType.CHUNK,
                        repository.random().nextMac(),
                        codec,
                        length);
                packs.flush();
                state.commit();
            }
            return name;
        }
    }

    private Mac newest() throws IOException {
        try (Repository repository = TestStores.open(store)) {
            return repository.latestState();
        }
    }

    private Set<Mac> packfiles() throws IOException {
        try (Repository repository = TestStores.open(store)) {
            return new HashSet<>(repository.storage().list(ObjectKind.PACKFILE));
        }
    }

    private MaintenanceResult maintain() throws IOException {
        try (Repository repository = TestStores.open(store)) {
            return maintain(repository);
        }
    }

    private MaintenanceResult maintain(Repository repository) throws IOException {
        MaintenanceOptions options =
                new MaintenanceOptions(Instant.now().plus(clock), GRACE, Duration.ZERO, false, false, false, 0);
        return Maintenance.run(repository, options, new NoEvents());
    }

    private static final class NoEvents implements MaintenanceEvents {
        @Override
        public void notice(String text) {
            throw new AssertionError(text);
        }

        @Override
        public void rewritten(Mac from, Mac to) {
            throw new AssertionError("nothing was to be repacked");
        }

        @Override
        public void unfinished(int writes) {
            // By writes that were torn.
        }

        @Override
        public void waiting(String why) {
            throw new AssertionError(why);
        }
    }

    private void passGrace() {
        clock = clock.plus(GRACE).plusMinutes(1);
    }

    /** Packfiles and colours as Plakar has them after it has merged all states with an empty cache. */
    private record Aggregate(Set<Mac> packfiles, Set<Mac> coloured) {}

    /** As its TopoSort does it: from those without a parent, siblings in any order. */
    private Aggregate aggregate(Random order) throws IOException {
        try (Repository repository = TestStores.open(store);
                BlobCodec codec = repository.newCodec()) {
            Map<Mac, List<Mac>> children = new HashMap<>();
            Deque<Mac> next = new ArrayDeque<>();
            List<Map.Entry<Mac, Mac>> parents =
                    new ArrayList<>(repository.stateParents().entrySet());
            parents.sort(Map.Entry.comparingByKey());
            Collections.shuffle(parents, order);
            Set<Mac> states = new HashSet<>(repository.states());
            for (Map.Entry<Mac, Mac> state : parents) {
                if (!states.contains(state.getValue())) {
                    next.push(state.getKey());
                }
                children.computeIfAbsent(state.getValue(), parent -> new ArrayList<>())
                        .add(state.getKey());
            }
            Aggregate known = new Aggregate(new HashSet<>(), new HashSet<>());
            int merged = 0;
            while (!next.isEmpty()) {
                Mac state = next.pop();
                repository.readState(state, codec, new Merge(known));
                children.getOrDefault(state, List.of()).forEach(next::push);
                merged++;
            }
            assertThat(merged).isEqualTo(states.size());
            return known;
        }
    }

    private record Merge(Aggregate known) implements StateStream.Visitor {
        @Override
        public void packfile(MemorySegment stream, long packfileMacAt, long stateMacAt, long whenNanos) {
            known.packfiles.add(Mac.read(stream, packfileMacAt));
        }

        @Override
        public void coloured(int type, MemorySegment stream, long macAt, long whenNanos) {
            if (type == ResourceType.PACKFILE) {
                known.coloured.add(Mac.read(stream, macAt));
            }
        }

        @Override
        public void deleted(int entryType, int blobType, MemorySegment stream, long blobMacAt, long packfileMacAt) {
            if (entryType == StateStream.PACKFILE) {
                known.packfiles.remove(Mac.read(stream, packfileMacAt));
            } else if (entryType == StateStream.COLOURED && blobType == ResourceType.PACKFILE) {
                known.coloured.remove(Mac.read(stream, blobMacAt));
            }
        }
    }

    /** Whatever the order, there is what lies in the store and nothing else, and nothing is hidden. */
    private void assertAllOrdersAgree() throws IOException {
        Set<Mac> stored = packfiles();
        try (Repository repository = TestStores.open(store)) {
            assertThat(repository.snapshots()).containsExactly(kept);
            SnapshotAudit.all(repository);
        }
        for (int seed = 0; seed < 20; seed++) {
            Aggregate known = aggregate(new Random(seed));
            assertThat(known.packfiles).isEqualTo(stored);
            assertThat(known.coloured).isEmpty();
        }
    }

    private int states() throws IOException {
        try (Repository repository = TestStores.open(store)) {
            return repository.states().size();
        }
    }

    @Test
    void whatABranchAddsStaysRemoved() throws IOException {
        Mac first = newest();
        addGarbage(first, 1);
        addGarbage(addGarbage(first, 2), 3);
        addGarbage(Mac.ZERO, 4);

        assertThat(maintain().coloured()).isEqualTo(4);
        passGrace();
        assertThat(maintain().removed()).isEqualTo(4);

        assertAllOrdersAgree();
    }

    @Test
    void whatABranchHidesIsSeenAgain() throws IOException {
        Mac first = newest();
        try (Repository repository = TestStores.open(store);
                PendingState state =
                        repository.newPendingState(repository.random().nextMac(), first)) {
            Set<Mac> ofSnapshot = new HashSet<>();
            Set<Mac> metadata = new HashSet<>();
            repository.index().forEach((type, mac, packfile, offset, length) -> {
                Mac name = repository.index().packfiles().name(packfile);
                if (type == ResourceType.CHUNK) {
                    ofSnapshot.add(name);
                } else if (type == ResourceType.SNAPSHOT) {
                    metadata.add(name);
                }
            });
            ofSnapshot.removeAll(metadata);
            assertThat(ofSnapshot).isNotEmpty();
            ofSnapshot.forEach(state::colourPackfile);
            state.commit();
        }
        addGarbage(first, 1);
        addGarbage(first, 2);

        assertThat(maintain().reprieved()).isPositive();
        passGrace();
        maintain();

        assertAllOrdersAgree();
    }

    /** Plakar itself, and Armoire before it knew of this, take back on one branch what another one has added. */
    @Test
    void whatCameBackGoesWithTheNextRemoval() throws IOException {
        Mac first = newest();
        Set<Mac> others = packfiles();
        addGarbage(first, 1);
        Set<Mac> garbage = packfiles();
        garbage.removeAll(others);
        try (Repository repository = TestStores.open(store);
                PendingState state =
                        repository.newPendingState(repository.random().nextMac(), first)) {
            garbage.forEach(state::deletePackfile);
            state.commit();
        }
        addGarbage(newest(), 2);
        maintain();
        passGrace();
        maintain();

        assertAllOrdersAgree();
    }

    /** Whatever is refused or lost on the way, the next run brings it to the same end. */
    @ParameterizedTest
    @EnumSource(FaultyStorage.Fault.class)
    void stoppedAtEveryChangeOfTheStore(FaultyStorage.Fault fault) throws IOException {
        boolean isDone = false;
        for (int failAt = 1; !isDone; failAt++) {
            assertThat(failAt).isLessThan(20);
            create("store" + failAt);
            clock = Duration.ZERO;
            Mac first = newest();
            addGarbage(first, 1);
            addGarbage(first, 2);
            addGarbage(newest(), 3);
            maintain();
            passGrace();
            FaultyStorage[] storage = new FaultyStorage[1];
            int point = failAt;
            try (Repository repository =
                    TestStores.open(store, real -> storage[0] = new FaultyStorage(real, fault, point))) {
                maintain(repository);
            } catch (IOException | UncheckedIOException e) {
                assertThat(e).hasMessageContaining("as the test wants it");
            }
            isDone = storage[0].changes.get() < failAt;
            try (Repository repository = TestStores.open(store)) {
                for (Mac lock : repository.storage().list(ObjectKind.LOCK)) {
                    repository.storage().delete(ObjectKind.LOCK, lock);
                }
            }

            maintain();

            assertAllOrdersAgree();
        }
    }

    @Test
    void onOneLineThereIsOneStateForAll() throws IOException {
        addGarbage(newest(), 1);
        addGarbage(newest(), 2);
        maintain();
        passGrace();
        int before = states();

        maintain();

        assertThat(states()).isEqualTo(before + 1);
        assertAllOrdersAgree();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void howeverTheBranchesGrow(long seed) throws IOException {
        Random random = new Random(seed);
        List<Mac> known = new ArrayList<>(List.of(Mac.ZERO, newest()));
        for (int i = 0; i < 24; i++) {
            known.add(addGarbage(known.get(random.nextInt(known.size())), i));
            if (random.nextInt(6) == 0) {
                maintain();
                if (random.nextBoolean()) {
                    passGrace();
                }
                known.add(newest());
            }
        }
        maintain();
        passGrace();
        maintain();

        assertAllOrdersAgree();
        int before = states();
        passGrace();
        maintain();
        assertThat(states()).as("nothing is taken back again").isEqualTo(before);
    }
}
