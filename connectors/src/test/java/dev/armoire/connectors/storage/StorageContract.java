// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.crypto.Mac;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What every storage that can be written does. Each test has a place of its own. */
public abstract class StorageContract extends StorageReadContract {
    protected static final byte[] CONFIG =
            "a CONFIG, of which storages know nothing".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

    private @Nullable Location place;

    protected abstract StorageFactory factory();

    /** What the ServiceLoader finds for the places. */
    protected Class<? extends StorageFactory> registered() {
        return factory().getClass();
    }

    /** A place where nothing is; another one at each call. */
    protected abstract Location freshPlace() throws IOException;

    /** Puts something there that is no object, {@code key} being relative to the place: {@code states/notes.txt}. */
    protected abstract void plant(Location at, String key, byte[] content) throws IOException;

    /** Leaves what a killed writer leaves of its writes. Returns how many that were, none where the kind cannot tell. */
    protected abstract int leaveUnfinished(Location at) throws IOException;

    /** Whether two writers of one name at the same moment are told apart; names are random, so that there are none. */
    protected boolean tellsWritersApart() {
        return true;
    }

    /** Whether objects can be replaced in one step. */
    protected boolean canReplace() {
        return true;
    }

    /** Where {@link #storage} is. */
    protected final Location place() {
        return Objects.requireNonNull(place);
    }

    @Override
    protected Held held() throws IOException {
        Location fresh = freshPlace();
        place = fresh;
        Storage created = factory().create(fresh, MemorySegment.ofArray(CONFIG));
        byte[] packfile = new byte[200_003];
        new Random(1).nextBytes(packfile);
        byte[] state = new byte[777];
        new Random(2).nextBytes(state);
        created.write(ObjectKind.PACKFILE, mac(1), List.of(MemorySegment.ofArray(packfile)));
        created.write(ObjectKind.STATE, mac(2), List.of(MemorySegment.ofArray(state)));
        return new Held(created, CONFIG, mac(1), packfile, mac(2), state);
    }

    private static void write(Storage storage, ObjectKind kind, Mac name, byte[] content) throws IOException {
        storage.write(kind, name, List.of(MemorySegment.ofArray(content)));
    }

    @Test
    void theFactoryIsFoundByItsLocation() {
        assertThat(ServiceLoader.load(StorageFactory.class).stream()
                        .map(ServiceLoader.Provider::get)
                        .filter(found -> found.accepts(place())))
                .singleElement()
                .isInstanceOf(registered());
    }

    @Test
    void aNewStorageHoldsItsConfigAndNothingElse() throws IOException {
        try (Storage created = factory().create(freshPlace(), MemorySegment.ofArray(CONFIG));
                Arena arena = Arena.ofConfined()) {
            assertThat(created.isWritable()).isTrue();
            assertThat(created.readConfig(arena).toArray(ValueLayout.JAVA_BYTE)).isEqualTo(CONFIG);
            for (ObjectKind kind : ObjectKind.values()) {
                assertThat(created.list(kind)).isEmpty();
            }
        }
    }

    @Test
    void aPlaceInUseIsNotCreatedAgain() throws IOException {
        assertThatThrownBy(() -> factory().create(place(), MemorySegment.ofArray(new byte[] {1})))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("is already a store");
        assertConfig();
        assertContents();
    }

    @Test
    void openingNothingIsToldAsMissing() {
        assertThatThrownBy(() -> factory().open(freshPlace())).isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void whatWasWrittenIsThereWhenOpenedAgain() throws IOException {
        storage.close();
        storage = factory().open(place());
        assertConfig();
        assertListing();
        assertContents();
    }

    @Test
    void anObjectIsItsPartsInOrder() throws IOException {
        Random random = new Random(3);
        for (int round = 0; round < 6; round++) {
            List<MemorySegment> parts = new ArrayList<>();
            ByteArrayOutputStream expected = new ByteArrayOutputStream();
            int count = new int[] {0, 1, 2, 1023, 1024, 3000}[round];
            try (Arena arena = Arena.ofConfined()) {
                for (int i = 0; i < count; i++) {
                    byte[] part = new byte[random.nextInt(5) == 0 ? 0 : random.nextInt(300)];
                    random.nextBytes(part);
                    expected.write(part);
                    MemorySegment heap = MemorySegment.ofArray(part);
                    parts.add(
                            random.nextBoolean()
                                    ? heap
                                    : arena.allocate(part.length).copyFrom(heap));
                }
                Mac name = mac(100 + round);
                storage.write(ObjectKind.PACKFILE, name, parts);
                assertThat(content(storage, ObjectKind.PACKFILE, name)).isEqualTo(expected.toByteArray());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(ObjectKind.class)
    void manyObjectsOfEachKindAreListedOnceAndReadBack(ObjectKind kind) throws Exception {
        Set<Mac> expected = new HashSet<>(storage.list(kind));
        AtomicInteger next = new AtomicInteger(1000);
        for (List<Mac> written : together(4, worker -> {
            List<Mac> names = new ArrayList<>();
            for (int seed = next.getAndIncrement(); seed < 1200; seed = next.getAndIncrement()) {
                write(storage, kind, mac(seed), contentOf(mac(seed), 5000));
                names.add(mac(seed));
            }
            return names;
        })) {
            expected.addAll(written);
        }
        assertThat(storage.list(kind)).containsExactlyInAnyOrderElementsOf(expected);
        for (int seed = 1000; seed < 1200; seed++) {
            assertThat(content(storage, kind, mac(seed))).isEqualTo(contentOf(mac(seed), 5000));
        }
    }

    @ParameterizedTest
    @EnumSource(ObjectKind.class)
    void nothingIsOverwritten(ObjectKind kind) throws IOException {
        Mac name = mac(5);
        write(storage, kind, name, new byte[] {1, 2, 3});
        assertThatThrownBy(() -> write(storage, kind, name, new byte[] {4, 5, 6, 7}))
                .isInstanceOf(FileAlreadyExistsException.class)
                .hasMessageContaining(name.shortHex());
        assertThat(content(storage, kind, name)).containsExactly(1, 2, 3);
    }

    @Test
    void ofManyWritersOfOneNameExactlyOneWins() throws Exception {
        for (int round = 0; round < 10; round++) {
            Mac name = mac(600 + round);
            List<Integer> winners = new ArrayList<>(together(6, worker -> {
                byte[] content = new byte[10_000 + worker];
                Arrays.fill(content, (byte) worker);
                try {
                    write(storage, ObjectKind.STATE, name, content);
                    return worker;
                } catch (FileAlreadyExistsException e) {
                    return -1;
                }
            }));
            winners.removeIf(winner -> winner < 0);
            byte[] content = content(storage, ObjectKind.STATE, name);
            int winner = content.length - 10_000;
            assertThat(winners).contains(winner);
            assertThat(content).containsOnly(winner);
            if (tellsWritersApart()) {
                assertThat(winners).hasSize(1);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(ObjectKind.class)
    void deletingTwiceIsNoError(ObjectKind kind) throws IOException {
        Mac name = mac(6);
        write(storage, kind, name, new byte[] {1});
        assertThat(content(storage, kind, name)).containsExactly(1);
        storage.delete(kind, name);
        storage.delete(kind, name);
        assertThat(storage.list(kind)).doesNotContain(name);
        assertThatThrownBy(() -> storage.size(kind, name)).isInstanceOf(NoSuchFileException.class);
        assertThatThrownBy(() -> storage.read(kind, name, 0, MemorySegment.ofArray(new byte[1])))
                .isInstanceOf(NoSuchFileException.class);
        write(storage, kind, name, new byte[] {2, 3});
        assertThat(content(storage, kind, name)).containsExactly(2, 3);
    }

    @Test
    void listingIgnoresWhatIsNoObject() throws IOException {
        String hex = mac(7).hex();
        for (ObjectKind kind : ObjectKind.values()) {
            String folder = kind.folder() + '/';
            String bucket = kind == ObjectKind.LOCK ? folder : folder + hex.substring(0, 2) + '/';
            plant(place(), folder + "tmp.123456", new byte[] {1});
            plant(place(), bucket + "notes.txt", new byte[] {1});
            plant(place(), bucket + hex.substring(1), new byte[] {1});
            plant(place(), bucket + hex + "0", new byte[] {1});
            plant(place(), bucket + "g" + hex.substring(1), new byte[] {1});
        }
        assertListing();
    }

    @Test
    void anObjectIsSeenWholeOrNotAtAllWhileItIsWritten() throws Exception {
        AtomicLong written = new AtomicLong();
        List<Integer> seen = together(4, worker -> {
            int count = 0;
            if (worker < 2) {
                try {
                    for (int i = 0; i < 40; i++) {
                        Mac name = mac(7000 + 2L * i + worker);
                        write(storage, ObjectKind.LOCK, name, contentOf(name, 400_000));
                    }
                } finally {
                    written.incrementAndGet();
                }
                return 80;
            }
            boolean last = false;
            while (!last) {
                last = written.get() == 2;
                for (Mac name : storage.list(ObjectKind.LOCK)) {
                    assertThat(content(storage, ObjectKind.LOCK, name)).isEqualTo(contentOf(name, 400_000));
                    count++;
                }
            }
            return count;
        });
        assertThat(seen).allMatch(count -> count >= 80);
    }

    @Test
    void aLockIsRefreshedInPlaceAndNeverSeenInPart() throws Exception {
        Mac name = mac(8);
        write(storage, ObjectKind.LOCK, name, new byte[2000]);
        AtomicLong done = new AtomicLong();
        inThreads(3, worker -> {
            if (worker == 0) {
                try {
                    for (int i = 1; i <= 60; i++) {
                        byte[] content = new byte[2000];
                        Arrays.fill(content, (byte) i);
                        storage.refreshLock(name, MemorySegment.ofArray(content));
                    }
                } finally {
                    done.set(1);
                }
                return;
            }
            while (done.get() == 0) {
                assertThat(storage.list(ObjectKind.LOCK)).containsExactly(name);
                byte[] content = content(storage, ObjectKind.LOCK, name);
                assertThat(content).hasSize(2000).containsOnly(content[0]);
            }
        });
        assertThat(content(storage, ObjectKind.LOCK, name)).hasSize(2000).containsOnly(60);
    }

    @Test
    void whatStoppedWritersLeftIsTakenBackWhenItIsOldEnough() throws IOException {
        int left = leaveUnfinished(place());
        Instant later = Instant.now().plusSeconds(3600);
        assertThat(storage.discardUnfinished(Instant.now().minusSeconds(3600), false))
                .isZero();
        assertThat(storage.discardUnfinished(later, true)).isEqualTo(left);
        assertThat(storage.discardUnfinished(later, false)).isEqualTo(left);
        assertThat(storage.discardUnfinished(later, true)).isZero();
        assertConfig();
        assertListing();
        assertContents();
    }

    @ParameterizedTest
    @EnumSource(
            value = ObjectKind.class,
            names = {"PACKFILE", "PARITY"})
    void aDamagedOrLostObjectIsReplacedInOneStep(ObjectKind kind) throws Exception {
        Mac name = mac(20);
        byte[] good = contentOf(name, 700_000);
        byte[] bad = good.clone();
        Arrays.fill(bad, 1000, good.length, (byte) 0);
        write(storage, kind, name, bad);
        assertThat(content(storage, kind, name)).isEqualTo(bad);
        List<MemorySegment> parts = List.of(
                MemorySegment.ofArray(good).asSlice(0, 11),
                MemorySegment.ofArray(good).asSlice(11));
        if (!canReplace()) {
            assertThatThrownBy(() -> storage.replace(kind, name, parts))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("cannot replace")
                    .hasMessageContaining(name.shortHex());
            assertThat(content(storage, kind, name)).isEqualTo(bad);
            return;
        }
        AtomicLong done = new AtomicLong();
        inThreads(2, worker -> {
            if (worker == 0) {
                try {
                    storage.replace(kind, name, parts);
                } finally {
                    done.set(1);
                }
                return;
            }
            try (Storage reader = factory().open(place())) {
                byte[] tail = new byte[good.length - 1000]; // in one request, so all of one of the two
                while (done.get() == 0) {
                    reader.read(kind, name, 1000, MemorySegment.ofArray(tail));
                    assertThat(tail)
                            .isIn(
                                    Arrays.copyOfRange(bad, 1000, good.length),
                                    Arrays.copyOfRange(good, 1000, good.length));
                }
            }
        });
        assertThat(content(storage, kind, name)).isEqualTo(good);
        storage.delete(kind, name);
        storage.replace(kind, name, parts);
        assertThat(content(storage, kind, name)).isEqualTo(good);
        assertThat(storage.list(kind)).contains(name);
    }

    @Test
    void aFailedWriteLeavesNothingVisible() throws IOException {
        MemorySegment gone;
        try (Arena arena = Arena.ofConfined()) {
            gone = arena.allocate(10);
        }
        for (ObjectKind kind : ObjectKind.values()) {
            List<Mac> before = storage.list(kind);
            List<MemorySegment> parts = List.of(MemorySegment.ofArray(new byte[9 << 20]), gone);
            assertThatThrownBy(() -> storage.write(kind, mac(9), parts)).isInstanceOf(IllegalStateException.class);
            assertThat(storage.list(kind)).containsExactlyInAnyOrderElementsOf(before);
            assertThatThrownBy(() -> storage.size(kind, mac(9))).isInstanceOf(NoSuchFileException.class);
            write(storage, kind, mac(9), new byte[] {1});
        }
    }

    @Test
    void twoOpenStoragesSeeWhatTheOtherWrites() throws IOException {
        try (Storage other = factory().open(place())) {
            write(other, ObjectKind.STATE, mac(10), new byte[] {1, 2});
            assertThat(storage.list(ObjectKind.STATE)).contains(mac(10));
            assertThat(content(storage, ObjectKind.STATE, mac(10))).containsExactly(1, 2);
            assertThatThrownBy(() -> write(storage, ObjectKind.STATE, mac(10), new byte[] {3}))
                    .isInstanceOf(FileAlreadyExistsException.class);
        }
    }
}
