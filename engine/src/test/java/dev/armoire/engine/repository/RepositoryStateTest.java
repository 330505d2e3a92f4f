// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.UnsupportedVersionException;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.index.BlobLocation;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Envelope;
import dev.armoire.packfile.ResourceType;
import dev.armoire.packfile.StateStreamWriter;
import dev.armoire.packfile.Version;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a store holds follows from its states (format 1 §10.4 and §10.5), whatever the order they come in. */
class RepositoryStateTest {
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final Mac BLOB = Mac.parse("b1".repeat(32));
    private static final Mac PACK = Mac.parse("aa".repeat(32));
    private static final Mac OTHER_PACK = Mac.parse("0a".repeat(32));

    @TempDir
    Path temporary;

    private Repository repository;

    @BeforeEach
    void create() throws IOException {
        repository = TestStores.open(TestStores.create(temporary.resolve("store")));
    }

    @AfterEach
    void close() {
        repository.close();
    }

    private static Mac mac(int number) {
        return new Mac(number * 0x9E3779B97F4A7C15L, number, 7, 1);
    }

    private void packfile(Mac name) throws IOException {
        repository.storage().write(ObjectKind.PACKFILE, name, List.of(MemorySegment.ofArray(new byte[100])));
    }

    private Mac state(int name, Mac parent, long time, Consumer<StateStreamWriter> entries) throws IOException {
        return state(name, parent, time, Version.V1_1_0, entries);
    }

    /** Stores a state; one of version 1.0.0 has no parent in front. */
    private Mac state(int name, Mac parent, long time, int version, Consumer<StateStreamWriter> entries)
            throws IOException {
        try (StateStreamWriter writer = new StateStreamWriter(parent);
                BlobCodec codec = repository.newCodec();
                Arena arena = Arena.ofConfined()) {
            entries.accept(writer);
            MemorySegment stream = writer.finish(time, new byte[16]);
            if (version != Version.V1_1_0) {
                stream = stream.asSlice(Mac.BYTES);
            }
            MemorySegment payload = arena.allocate(codec.prepare(stream));
            codec.writeTo(payload);
            byte[] object = Envelope.wrap(
                            ResourceType.STATE, payload, repository.keys().newMacHasher(), arena)
                    .toArray(ValueLayout.JAVA_BYTE);
            MemorySegment segment = MemorySegment.ofArray(object);
            segment.set(U32, 12, version);
            long macAt = segment.byteSize() - Mac.BYTES;
            repository.keys().newMacHasher().mac(segment.asSlice(0, macAt)).write(segment, macAt);
            repository.storage().write(ObjectKind.STATE, mac(name), List.of(segment));
        }
        return mac(name);
    }

    private void adds(StateStreamWriter state, int name, Mac blob, Mac pack) {
        state.location(ResourceType.CHUNK, blob, pack, 5, 10);
        state.packfile(pack, mac(name), 1);
    }

    private boolean exists(Mac blob) {
        return repository.index().find(ResourceType.CHUNK, blob) != null;
    }

    @Test
    void aLocationCountsOnceItsPackfileIsKnownAndThere() throws IOException {
        state(1, Mac.ZERO, 1, s -> s.location(ResourceType.CHUNK, BLOB, PACK, 5, 10));
        packfile(PACK);
        repository.refresh();
        assertThat(exists(BLOB)).as("an orphan").isFalse();
        state(2, mac(1), 2, s -> s.packfile(PACK, mac(2), 1));
        repository.refresh();
        assertThat(repository.index().find(ResourceType.CHUNK, BLOB)).satisfies(place -> {
            assertThat(place.offset()).isEqualTo(5);
            assertThat(place.length()).isEqualTo(10);
        });
        assertThat(repository.index().find(ResourceType.OBJECT, BLOB))
                .as("another type")
                .isNull();
        assertThat(repository.hasMissingPackfiles()).isFalse();
    }

    @Test
    void aPackfileThatIsNotThere() throws IOException {
        state(1, Mac.ZERO, 1, s -> adds(s, 1, BLOB, PACK));
        repository.refresh();
        assertThat(exists(BLOB)).isFalse();
        assertThat(repository.hasMissingPackfiles()).isTrue();
        assertThat(repository.index().findExpected(ResourceType.CHUNK, BLOB)).isNotNull();
        try (BlobReader reader = repository.newReader()) {
            assertThatThrownBy(() -> reader.read(ResourceType.CHUNK, BLOB))
                    .isInstanceOf(CorruptDataException.class)
                    .hasMessageContaining("missing");
        }
    }

    @Test
    void ofSeveralCopiesTheLowestPackfileCounts() throws IOException {
        packfile(PACK);
        packfile(OTHER_PACK);
        state(1, Mac.ZERO, 1, s -> adds(s, 1, BLOB, PACK));
        state(2, mac(1), 2, s -> adds(s, 2, BLOB, OTHER_PACK));
        repository.refresh();
        BlobLocation place = repository.index().find(ResourceType.CHUNK, BLOB);
        assertThat(place).isNotNull();
        assertThat(repository.index().packfiles().name(place.packfile())).isEqualTo(OTHER_PACK);
        state(3, mac(2), 3, s -> s.coloured(ResourceType.PACKFILE, OTHER_PACK, 3));
        repository.refresh();
        place = repository.index().find(ResourceType.CHUNK, BLOB);
        assertThat(place).isNotNull();
        assertThat(repository.index().packfiles().name(place.packfile())).isEqualTo(PACK);
    }

    @Test
    void colouredAndReprieved() throws IOException {
        packfile(PACK);
        state(1, Mac.ZERO, 1, s -> adds(s, 1, BLOB, PACK));
        state(2, mac(1), 2, s -> s.coloured(ResourceType.PACKFILE, PACK, 2));
        repository.refresh();
        assertThat(exists(BLOB)).isFalse();
        state(3, mac(2), 3, s -> s.deleteColoured(ResourceType.PACKFILE, PACK));
        repository.refresh();
        assertThat(exists(BLOB)).isTrue();
        state(4, mac(3), 4, s -> s.coloured(ResourceType.PACKFILE, PACK, 4));
        repository.refresh();
        assertThat(exists(BLOB)).isFalse();
    }

    /** A parent may be of no use, or later than its child: parents go first all the same, then the older ones. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void parentsThatLie(boolean reprievedBeforeColoured) throws IOException {
        packfile(PACK);
        state(1, mac(999), 1, s -> adds(s, 1, BLOB, PACK));
        if (reprievedBeforeColoured) {
            state(2, mac(3), 2, s -> s.coloured(ResourceType.PACKFILE, PACK, 2));
            state(3, Mac.ZERO, 5, s -> s.deleteColoured(ResourceType.PACKFILE, PACK));
        } else {
            state(2, Mac.ZERO, 2, s -> s.coloured(ResourceType.PACKFILE, PACK, 2));
            state(3, Mac.ZERO, 5, s -> s.deleteColoured(ResourceType.PACKFILE, PACK));
        }
        repository.refresh();
        assertThat(exists(BLOB)).isEqualTo(!reprievedBeforeColoured);
    }

    @Test
    void parentsInACircle() throws IOException {
        packfile(PACK);
        state(1, mac(3), 1, s -> adds(s, 1, BLOB, PACK));
        state(2, mac(1), 2, s -> s.coloured(ResourceType.PACKFILE, PACK, 2));
        state(3, mac(2), 3, s -> s.deleteLocation(ResourceType.CHUNK, BLOB, PACK));
        repository.refresh();
        assertThat(exists(BLOB)).isFalse();
        assertThat(repository.states()).hasSize(3);
    }

    /** The deletion may be read before what it deletes, and other machines may announce the packfile again. */
    @ParameterizedTest
    @ValueSource(longs = {1, 9})
    void aDeletedPackfileNeverComesBack(long deletedAt) throws IOException {
        packfile(PACK);
        state(1, Mac.ZERO, 5, s -> adds(s, 1, BLOB, PACK));
        state(2, Mac.ZERO, deletedAt, s -> {
            s.deletePackfile(PACK);
            s.deleteColoured(ResourceType.PACKFILE, PACK);
        });
        state(3, mac(2), 7, s -> adds(s, 3, BLOB, PACK));
        repository.refresh();
        assertThat(exists(BLOB)).isFalse();
        assertThat(repository.hasMissingPackfiles()).isFalse();
        state(4, mac(3), 12, s -> adds(s, 4, BLOB, PACK));
        repository.refresh();
        assertThat(exists(BLOB)).isFalse();
    }

    @Test
    void aRemovedSnapshotStaysRemoved() throws IOException {
        Mac id = mac(77);
        packfile(PACK);
        state(1, Mac.ZERO, 1, s -> {
            s.location(ResourceType.SNAPSHOT, id, PACK, 0, 10);
            s.packfile(PACK, mac(1), 1);
        });
        repository.refresh();
        assertThat(repository.snapshots()).containsExactly(id);
        repository.removeSnapshot(id);
        assertThat(repository.snapshots()).isEmpty();
        packfile(OTHER_PACK);
        state(3, mac(1), 9, s -> {
            s.deleteColoured(ResourceType.SNAPSHOT, id);
            s.location(ResourceType.SNAPSHOT, id, OTHER_PACK, 0, 10);
            s.packfile(OTHER_PACK, mac(3), 1);
        });
        repository.refresh();
        assertThat(repository.snapshots()).isEmpty();
        try (Repository again = TestStores.open(temporary.resolve("store"))) {
            assertThat(again.snapshots()).isEmpty();
        }
    }

    @Test
    void aSnapshotInTwoPackfilesIsListedOnce() throws IOException {
        Mac id = mac(77);
        packfile(PACK);
        packfile(OTHER_PACK);
        state(1, Mac.ZERO, 1, s -> {
            s.location(ResourceType.SNAPSHOT, id, PACK, 0, 10);
            s.location(ResourceType.SNAPSHOT, id, OTHER_PACK, 0, 10);
            s.location(ResourceType.SNAPSHOT, mac(78), mac(79), 0, 10); // in a packfile that nobody announced
            s.packfile(PACK, mac(1), 1);
            s.packfile(OTHER_PACK, mac(1), 1);
        });
        repository.refresh();
        assertThat(repository.snapshots()).containsExactly(id);
    }

    @Test
    void statesOfVersionOneHaveNeitherParentNorDeletions() throws IOException {
        packfile(PACK);
        state(1, Mac.ZERO, 1, Version.V1_0_0, s -> {
            s.deletePackfile(PACK); // a number that means nothing there
            adds(s, 1, BLOB, PACK);
        });
        repository.refresh();
        assertThat(exists(BLOB)).isTrue();
        state(2, Mac.ZERO, 2, Version.V1_0_0, s -> s.coloured(ResourceType.PACKFILE, PACK, 1));
        repository.refresh();
        assertThat(exists(BLOB)).isFalse();
    }

    @Test
    void statesOfLaterVersionsAreRefused() throws IOException {
        state(1, Mac.ZERO, 1, 0x00010200, s -> adds(s, 1, BLOB, PACK));
        assertThatThrownBy(() -> repository.refresh())
                .isInstanceOf(UnsupportedVersionException.class)
                .hasMessageContaining("newer program");
    }

    @Test
    void aDamagedStateIsNamed() throws IOException {
        packfile(PACK);
        state(1, Mac.ZERO, 1, s -> adds(s, 1, BLOB, PACK));
        Mac damaged = mac(2);
        repository.storage().write(ObjectKind.STATE, damaged, List.of(MemorySegment.ofArray(new byte[200])));
        assertThatThrownBy(() -> repository.refresh())
                .isInstanceOf(CorruptDataException.class)
                .hasMessageContaining(damaged.hex());
        List<Mac> named = new ArrayList<>();
        repository.refresh((state, problem) -> named.add(state));
        assertThat(named).containsExactly(damaged);
        assertThat(exists(BLOB)).as("what the other states say").isTrue();
    }

    /** This machine's clock is behind, or another one's was ahead. */
    @Test
    void aStateOfTheFutureIsToldOnceAndOnlyBeyondAnHour() throws IOException {
        List<String> told = new ArrayList<>();
        repository.useNotices(told::add);
        int name = 1;
        for (int minutes : new int[] {-600, 0, 59, 62, 63}) {
            long seconds = Instant.now().plus(Duration.ofMinutes(minutes)).getEpochSecond();
            state(name++, Mac.ZERO, seconds * 1_000_000_000, state -> state.coloured(ResourceType.SNAPSHOT, mac(9), 0));
            repository.refresh();
            if (minutes < 60) {
                assertThat(told).isEmpty();
            } else {
                assertThat(told).singleElement().asString().contains("put the clocks right");
            }
        }
    }

    @Test
    void theNewestStateIsTheParentOfTheNext() throws IOException {
        assertThat(repository.latestState()).isEqualTo(Mac.ZERO);
        state(1, Mac.ZERO, 1, s -> adds(s, 1, BLOB, PACK));
        state(2, mac(1), 2, s -> adds(s, 2, BLOB, OTHER_PACK));
        repository.refresh();
        assertThat(repository.latestState()).isEqualTo(mac(2));
    }

    /** Random stores against the rules written down once more, plainly. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void randomStates(int seed) throws IOException {
        Random random = new Random(seed);
        Set<Mac> listed = new HashSet<>();
        Map<Mac, Set<Mac>> holders = new HashMap<>();
        Set<Mac> known = new HashSet<>();
        Set<Mac> deleted = new HashSet<>();
        Set<Mac> coloured = new HashSet<>();
        Map<Mac, Set<Mac>> snapshots = new HashMap<>();
        Set<Mac> removed = new HashSet<>();
        for (int pack = 0; pack < 12; pack++) {
            if (random.nextInt(8) != 0) {
                packfile(mac(100 + pack));
                listed.add(mac(100 + pack));
            }
        }
        for (int number = 1; number <= 30; number++) {
            int name = number;
            Mac parent = random.nextInt(4) == 0 ? Mac.ZERO : mac(random.nextInt(number));
            state(name, parent, name, s -> {
                for (int i = random.nextInt(3); i > 0; i--) {
                    Mac pack = mac(100 + random.nextInt(12));
                    if (random.nextInt(6) == 0) {
                        s.deletePackfile(pack);
                        deleted.add(pack);
                    } else {
                        s.deleteColoured(ResourceType.PACKFILE, pack);
                        coloured.remove(pack);
                    }
                }
                for (int i = random.nextInt(6); i > 0; i--) {
                    Mac pack = mac(100 + random.nextInt(12));
                    Mac blob = mac(200 + random.nextInt(20));
                    s.location(ResourceType.CHUNK, blob, pack, random.nextInt(50), 10);
                    holders.computeIfAbsent(blob, key -> new HashSet<>()).add(pack);
                    Mac id = mac(300 + random.nextInt(6));
                    s.location(ResourceType.SNAPSHOT, id, pack, random.nextInt(50), 10);
                    snapshots.computeIfAbsent(id, key -> new HashSet<>()).add(pack);
                }
                for (int i = random.nextInt(3); i > 0; i--) {
                    Mac pack = mac(100 + random.nextInt(12));
                    s.coloured(ResourceType.PACKFILE, pack, name);
                    coloured.add(pack);
                    if (random.nextInt(6) == 0) {
                        Mac id = mac(300 + random.nextInt(6));
                        s.coloured(ResourceType.SNAPSHOT, id, name);
                        removed.add(id);
                    }
                }
                for (int i = random.nextInt(3); i > 0; i--) {
                    Mac pack = mac(100 + random.nextInt(12));
                    s.packfile(pack, mac(name), name);
                    known.add(pack);
                }
            });
            if (random.nextInt(4) == 0 || number == 30) {
                repository.refresh();
                try (Repository fresh = TestStores.open(temporary.resolve("store"))) {
                    for (Repository each : List.of(repository, fresh)) {
                        Set<Mac> live = new HashSet<>(known);
                        live.removeAll(deleted);
                        live.removeAll(coloured);
                        Set<Mac> readable = new HashSet<>(live);
                        readable.retainAll(listed);
                        for (int blob = 200; blob < 220; blob++) {
                            boolean expected = holders.getOrDefault(mac(blob), Set.of()).stream()
                                    .anyMatch(readable::contains);
                            assertThat(each.index().find(ResourceType.CHUNK, mac(blob)) != null)
                                    .isEqualTo(expected);
                            assertThat(each.index().contains(ResourceType.CHUNK, mac(blob)))
                                    .isEqualTo(expected);
                        }
                        List<Mac> ids = snapshots.entrySet().stream()
                                .filter(s -> !removed.contains(s.getKey()))
                                .filter(s -> s.getValue().stream().anyMatch(live::contains))
                                .map(Map.Entry::getKey)
                                .toList();
                        assertThat(each.snapshots()).containsExactlyInAnyOrderElementsOf(ids);
                        assertThat(each.hasMissingPackfiles()).isEqualTo(!listed.containsAll(live));
                    }
                }
            }
        }
    }
}
