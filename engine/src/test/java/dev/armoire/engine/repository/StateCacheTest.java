// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.storage.fs.FsStorageFactory;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.Backup;
import dev.armoire.engine.backup.BackupResult;
import dev.armoire.engine.backup.MemorySource;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.check.Check;
import dev.armoire.engine.check.CheckEvents;
import dev.armoire.engine.check.CheckRequest;
import dev.armoire.engine.check.Target;
import dev.armoire.engine.maintenance.Maintenance;
import dev.armoire.engine.maintenance.MaintenanceEvents;
import dev.armoire.engine.maintenance.MaintenanceOptions;
import dev.armoire.engine.maintenance.MaintenanceResult;
import dev.armoire.engine.repair.Repair;
import dev.armoire.engine.repair.RepairEvents;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.index.BlobLocation;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Compression;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** With a cache, and with whatever has become of it, a repository says what it says without. */
@ParameterizedClass
@ValueSource(ints = {0, 150, 100_000})
class StateCacheTest {
    /** What is more goes into a map: all, what was merged, nothing. */
    @Parameter
    int inTableFile;

    @TempDir
    Path temporary;

    private Path store;
    private Path cache;
    private final AtomicInteger statesRead = new AtomicInteger();
    private final Set<Mac> settled = new HashSet<>();
    private final Set<Mac> unsettledAtWrite = new HashSet<>();
    private boolean cannotSettle;
    private boolean helpersAreSlow;

    @BeforeEach
    void create() throws IOException {
        store = TestStores.create(temporary.resolve("store"));
        cache = temporary.resolve("cache");
    }

    /** Everything goes into files at once. */
    private StateCache.Limits limits() {
        StateCache.Limits none = StateCache.Limits.NONE;
        return new StateCache.Limits(
                none.states(),
                none.locations(),
                none.inFacts(),
                none.inMemory(),
                inTableFile,
                none.inFile(),
                none.inTables());
    }

    private void settle(Collection<?> states) throws IOException {
        if (cannotSettle) {
            throw new IOException("cannot be synced");
        }
        states.forEach(state -> settled.add((Mac) state));
    }

    /** States of the store that nobody has made sure of. */
    private Set<Mac> others() throws IOException {
        try (Storage plain = new FsStorageFactory().open(Location.parse(store.toString()))) {
            Set<Mac> states = new HashSet<>(plain.list(ObjectKind.STATE));
            states.removeAll(settled);
            return states;
        }
    }

    private Repository open(Path at, StateCache.Limits limits) throws IOException {
        Storage real = new FsStorageFactory().open(Location.parse(at.toString()));
        Storage counting = (Storage) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {Storage.class}, (proxy, method, arguments) -> {
                    if (arguments != null && arguments[0] == ObjectKind.STATE) {
                        switch (method.getName()) {
                            case "read" -> {
                                statesRead.incrementAndGet();
                                if (helpersAreSlow
                                        && Thread.currentThread().getName().startsWith("states-")) {
                                    Thread.sleep(100);
                                }
                            }
                            case "settle" -> settle((Collection<?>) arguments[1]);
                            case "write" -> unsettledAtWrite.addAll(others());
                            default -> {}
                        }
                    }
                    try {
                        return method.invoke(real, arguments);
                    } catch (java.lang.reflect.InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
        Repository repository =
                Repository.open(counting, () -> TestStores.PASSPHRASE.getBytes(StandardCharsets.UTF_8), "testhost");
        repository.useCache(cache, limits);
        statesRead.set(0);
        return repository;
    }

    /** Opens the store with its cache, everything of which lies in files. */
    private Repository open() throws IOException {
        Repository repository = open(store, limits());
        repository.refresh();
        return repository;
    }

    private BackupResult backUp(StateCache.Limits limits, int seed) throws IOException {
        MemorySource source = new MemorySource("/src").directory("/src");
        Random random = new Random(seed);
        for (int i = 0; i < 40; i++) {
            byte[] content = new byte[100 + random.nextInt(2000)];
            random.nextBytes(content);
            source.file("/src/" + seed + "-" + i, content);
        }
        try (Repository repository = open(store, limits)) {
            return Backup.run(repository, List.of(source), TestStores.options(store, 2), new TestStores.Events());
        }
    }

    private BackupResult backUp(int seed) throws IOException {
        return backUp(limits(), seed);
    }

    /** One blob of the store, and where it lies. */
    private record Found(int type, Mac mac, Mac packfile, BlobLocation place, boolean isReadable) {}

    private Set<Found> allBlobs() throws IOException {
        Set<Found> all = new LinkedHashSet<>();
        try (Repository plain = TestStores.open(store)) {
            plain.index().forEach((type, mac, packfile, offset, length) -> {
                BlobLocation place = plain.index().findExpected(type, mac);
                if (place != null) {
                    all.add(new Found(
                            type,
                            mac,
                            plain.index().packfiles().name(place.packfile()),
                            place,
                            plain.index().contains(type, mac)));
                }
            });
        }
        return all;
    }

    private void assertSaysTheSame(Repository cached) throws IOException {
        try (Repository plain = TestStores.open(store)) {
            assertThat(cached.snapshots()).containsExactlyInAnyOrderElementsOf(plain.snapshots());
            assertThat(cached.states()).containsExactlyInAnyOrderElementsOf(plain.states());
            assertThat(cached.latestState()).isEqualTo(plain.latestState());
            assertThat(cached.hasMissingPackfiles()).isEqualTo(plain.hasMissingPackfiles());
        }
        Set<Found> all = allBlobs();
        for (Found blob : all) {
            assertThat(cached.index().contains(blob.type, blob.mac)).isEqualTo(blob.isReadable);
            BlobLocation place = cached.index().findExpected(blob.type, blob.mac);
            assertThat(place).isNotNull();
            assertThat(cached.index().packfiles().name(place.packfile())).isEqualTo(blob.packfile);
            assertThat(place.offset()).isEqualTo(blob.place.offset());
            assertThat(place.length()).isEqualTo(blob.place.length());
        }
        for (Found blob : all) {
            assertThat(cached.index().claim(blob.type, blob.mac)).isEqualTo(!blob.isReadable);
        }
        cached.index().dropClaims();
        for (int i = 0; i < 100; i++) {
            assertThat(cached.index().contains(ResourceType.CHUNK, new Mac(i, 1, 2, 3)))
                    .isFalse();
        }
        try (BlobReader reader = cached.newReader()) {
            for (Mac snapshot : cached.hasMissingPackfiles() ? List.<Mac>of() : cached.snapshots()) {
                assertThat(reader.read(ResourceType.SNAPSHOT, snapshot).byteSize())
                        .isPositive();
            }
        }
    }

    private Path folder() throws IOException {
        try (Stream<Path> stores = Files.list(cache.resolve("index-3"))) {
            return stores.findFirst().orElseThrow();
        }
    }

    private List<Path> cacheFiles() throws IOException {
        try (Stream<Path> files = Files.list(folder())) {
            return files.filter(file -> !file.endsWith("lock")).sorted().toList();
        }
    }

    @Test
    void whatIsCachedIsNotReadAgain() throws IOException {
        for (int seed = 1; seed <= 6; seed++) {
            backUp(seed);
            try (Repository cached = open()) {
                assertThat(statesRead).hasValue(0);
                assertSaysTheSame(cached);
                assertThat(statesRead).hasValue(0);
            }
        }
        assertThat(cacheFiles()).hasSizeLessThan(10);
    }

    @Test
    void aSmallStoreNeedsNoFileOfLocations() throws IOException {
        backUp(new StateCache.Limits(1, 1, 10_000, 10_000, inTableFile, 10_000, 10_000), 1);
        assertThat(cacheFiles()).hasSize(1);
        try (Repository cached = open()) {
            assertThat(statesRead).hasValue(0);
            assertSaysTheSame(cached);
        }
    }

    @Test
    void statesOfOthersAreMergedOnTop() throws IOException {
        backUp(1);
        TestStores.backUp(store, new MemorySource("/other").directory("/other").file("/other/a", "another's"));
        try (Repository cached = open()) {
            assertThat(statesRead).hasValue(1);
            assertSaysTheSame(cached);
        }
        try (Repository cached = open()) {
            assertThat(statesRead).hasValue(0);
            assertSaysTheSame(cached);
        }
    }

    @Test
    void aStateThatIsGoneTakesAllItSaidWithIt() throws IOException {
        backUp(1);
        backUp(2);
        Mac gone;
        try (Repository cached = open()) {
            gone = cached.latestState();
            cached.storage().delete(ObjectKind.STATE, gone);
        }
        try (Repository cached = open()) {
            assertThat(cached.snapshots()).hasSize(1);
            assertSaysTheSame(cached);
        }
        try (Repository cached = open()) {
            assertThat(statesRead).hasValue(0);
            assertSaysTheSame(cached);
        }
    }

    @Test
    void removedSnapshotsStayRemoved() throws IOException {
        Mac id = backUp(1).header().identifier();
        try (Repository cached = open()) {
            cached.removeSnapshot(id);
        }
        try (Repository cached = open()) {
            assertThat(statesRead).hasValue(1);
            assertSaysTheSame(cached);
        }
        try (Repository cached = open()) {
            assertThat(statesRead).hasValue(0);
            assertThat(cached.snapshots()).isEmpty();
            assertSaysTheSame(cached);
        }
    }

    @Test
    void coloursAndMissingPackfilesCount() throws IOException {
        backUp(1);
        List<Mac> packfiles;
        try (Repository cached = open()) {
            packfiles = List.copyOf(cached.storage().list(ObjectKind.PACKFILE));
        }
        for (Mac packfile : packfiles) {
            colour(packfile);
            backUp(2);
        }
        for (int round = 0; round < 2; round++) {
            try (Repository cached = open()) {
                assertSaysTheSame(cached);
            }
        }
        try (Repository cached = open()) {
            List<Mac> later = new ArrayList<>(cached.storage().list(ObjectKind.PACKFILE));
            later.removeAll(packfiles);
            cached.storage().delete(ObjectKind.PACKFILE, later.getLast());
        }
        try (Repository cached = open()) {
            assertThat(cached.hasMissingPackfiles()).isTrue();
            assertSaysTheSame(cached);
        }
    }

    private void colour(Mac packfile) throws IOException {
        try (Repository cached = open();
                PendingState state = cached.newPendingState(cached.random().nextMac())) {
            state.colourPackfile(packfile);
            state.commit();
        }
        for (int round = 0; round < 2; round++) {
            try (Repository cached = open()) {
                assertSaysTheSame(cached);
            }
        }
    }

    /** What was not committed must not be taken for stored by the next process. */
    @Test
    void whatWasNotCommittedIsForgotten() throws IOException {
        backUp(1);
        Mac blob = new Mac(1, 2, 3, 4);
        try (Repository cached = open()) {
            try (PendingState state = cached.newPendingState(cached.random().nextMac());
                    PackWriter packs = cached.newPackWriter(state);
                    var codec = cached.newCodec()) {
                long length = codec.prepare(MemorySegment.ofArray(new byte[1000]));
                assertThat(cached.index().claim(ResourceType.CHUNK, blob)).isTrue();
                packs.put(PackWriter.Lane.DATA, ResourceType.CHUNK, blob, codec, length);
                packs.flush();
                assertThat(cached.index().find(ResourceType.CHUNK, blob)).isNotNull();
            }
            MemorySource source =
                    new MemorySource("/later").directory("/later").file("/later/a", "so that all is cached");
            Backup.run(cached, List.of(source), TestStores.options(store, 2), new TestStores.Events());
        }
        try (Repository cached = open()) {
            assertThat(statesRead).hasValue(0);
            assertThat(cached.index().contains(ResourceType.CHUNK, blob)).isFalse();
            assertSaysTheSame(cached);
        }
    }

    /** What states name leaves the memory while more is added, and is found all the same, here and by others. */
    @Test
    void whatIsNamedLeavesTheMemory() throws IOException {
        backUp(1);
        Random random = new Random(3);
        List<Mac> named = new ArrayList<>();
        try (Repository writer = open()) {
            writer.setCheckpointBytes(1);
            try (PendingState state = writer.newPendingState(writer.random().nextMac());
                    PackWriter packs = writer.newPackWriter(state);
                    var codec = writer.newCodec()) {
                for (int round = 0; round < 10; round++) {
                    Mac claimed = mac(random);
                    assertThat(writer.index().claim(ResourceType.CHUNK, claimed))
                            .isTrue();
                    for (int i = 0; i < 100; i++) {
                        named.add(stored(writer, packs, codec, random));
                    }
                    packs.flush();
                    assertThat(writer.index().size()).isLessThan(100);
                    assertAllAreThere(writer, named);
                    assertThat(writer.index().claim(ResourceType.CHUNK, claimed))
                            .isFalse();
                    try (Repository other = open()) {
                        assertThat(statesRead).hasValue(0);
                        assertAllAreThere(other, named);
                        assertThat(other.index().contains(ResourceType.CHUNK, claimed))
                                .isFalse();
                        assertSaysTheSame(other);
                    }
                }
                state.commit();
            }
        }
        try (Repository cached = open()) {
            assertThat(statesRead).hasValue(0);
            assertAllAreThere(cached, named);
            assertSaysTheSame(cached);
        }
    }

    /** Whoever reads the states of a large store without a cache does not keep all they say in memory, and knows it all the same. */
    @Test
    void whatIsReadLeavesTheMemory() throws IOException {
        Random random = new Random(5);
        List<Mac> named = new ArrayList<>();
        try (Repository writer = TestStores.open(store)) {
            writer.setCheckpointBytes(1);
            try (PendingState state = writer.newPendingState(writer.random().nextMac());
                    PackWriter packs = writer.newPackWriter(state);
                    var codec = writer.newCodec()) {
                for (int round = 0; round < 12; round++) {
                    for (int i = 0; i < 50; i++) {
                        named.add(stored(writer, packs, codec, random));
                    }
                    packs.flush();
                }
                state.commit();
            }
        }
        backUp(new StateCache.Limits(1000, 1000, 10_000, 10_000, inTableFile, 10_000, 10_000), 1);
        Mac gone;
        try (Repository maintainer = TestStores.open(store);
                PendingState state =
                        maintainer.newPendingState(maintainer.random().nextMac())) {
            BlobLocation place = maintainer.index().find(ResourceType.CHUNK, named.getFirst());
            gone = maintainer.index().packfiles().name(place.packfile());
            state.deletePackfile(gone);
            state.commit();
        }
        try (Repository reader = open(store, new StateCache.Limits(1000, 1000, 10, 100, inTableFile, 200, 160))) {
            reader.refresh();
            assertThat(statesRead.get()).isGreaterThan(12);
            assertThat(reader.index().size()).isLessThan(300);
            assertThat(reader.index().contains(ResourceType.CHUNK, named.getFirst()))
                    .isFalse();
            assertAllAreThere(reader, named.subList(50, named.size()));
            assertSaysTheSame(reader);
        }
        try (Repository cached = open(store, new StateCache.Limits(1000, 1000, 10, 100, inTableFile, 200, 160))) {
            cached.refresh();
            assertThat(statesRead.get()).isLessThan(5);
            assertSaysTheSame(cached);
        }
    }

    /** Almost all of the tables is in files then. */
    @Test
    void maintenanceWithLittleMemoryDoesTheSame() throws IOException {
        for (int i = 0; i < 4; i++) {
            backUp(i);
        }
        try (Repository repository = TestStores.open(store)) {
            repository.refresh();
            repository.removeSnapshot(repository.snapshots().getFirst());
        }
        for (int repackPercent : new int[] {0, 1}) {
            try (Repository little = open();
                    Repository plain = TestStores.open(store)) {
                assertThat(maintain(little, true, repackPercent))
                        .isEqualTo(maintain(plain, true, repackPercent))
                        .satisfies(result -> assertThat(result.coloured()).isPositive());
            }
        }
        try (Repository little = open()) {
            maintain(little, false, 1);
        }
        try (Repository little = open()) {
            assertThat(maintain(little, false, 0).removedBlobs()).isPositive();
        }
        for (StateCache.Limits limits : List.of(limits(), StateCache.Limits.USUAL)) {
            try (Repository repository = open(store, limits)) {
                repository.refresh();
                assertThat(repository.snapshots()).hasSize(3);
                assertThat(check(repository)).isEmpty();
            }
        }
    }

    private static List<String> check(Repository repository) throws IOException {
        List<Target> targets = new ArrayList<>();
        try (BlobReader reader = repository.newReader()) {
            for (Mac id : repository.snapshots()) {
                targets.add(new Target(Snapshot.header(reader, id), new byte[] {'/'}));
            }
        }
        List<String> problems = new ArrayList<>();
        Check.run(repository, new CheckRequest(targets, false, true, 2), new CheckEvents() {
            @Override
            public void done(Mac snapshot, byte[] path) {}

            @Override
            public synchronized void failed(Mac snapshot, byte[] path, String reason) {
                problems.add(reason);
            }

            @Override
            public void storeProblem(String object, String reason) {
                problems.add(object + ": " + reason);
            }

            @Override
            public void snapshotDone(Mac snapshot, long errors, long bytesRead, long nanos) {}

            @Override
            public void notice(String text) {
                problems.add(text);
            }
        });
        return problems;
    }

    private static MaintenanceResult maintain(Repository repository, boolean dryRun, int repackPercent)
            throws IOException {
        return Maintenance.run(
                repository,
                new MaintenanceOptions(
                        Instant.now().plusSeconds(60),
                        Duration.ofSeconds(1),
                        Duration.ZERO,
                        dryRun,
                        false,
                        false,
                        repackPercent),
                new MaintenanceEvents() {
                    @Override
                    public void notice(String text) {}

                    @Override
                    public void rewritten(Mac from, Mac to) {}

                    @Override
                    public void waiting(String why) {}
                });
    }

    /** In place, and as long as it was, as others have it mapped. */
    private static void flipEverySixtyFourth(Path file) throws IOException {
        try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
            for (long at = 0; at < bytes.length(); at += 64) {
                bytes.seek(at);
                int value = bytes.read();
                bytes.seek(at);
                bytes.write(value ^ 0x55);
            }
        }
    }

    /** Where the files in use are damaged, all is read from the states. */
    @Test
    void whatHasLeftTheMemoryIsNotLostWithTheFiles() throws IOException {
        Random random = new Random(4);
        List<Mac> named = new ArrayList<>();
        try (Repository writer = open()) {
            writer.setCheckpointBytes(1);
            try (PendingState state = writer.newPendingState(writer.random().nextMac());
                    PackWriter packs = writer.newPackWriter(state);
                    var codec = writer.newCodec()) {
                for (int round = 0; round < 4; round++) {
                    named.add(stored(writer, packs, codec, random));
                    packs.flush();
                    if (round % 2 == 0) {
                        for (Path file : cacheFiles()) {
                            flipEverySixtyFourth(file);
                        }
                    }
                    assertAllAreThere(writer, named);
                }
                state.commit();
            }
        }
        try (Repository cached = open()) {
            assertAllAreThere(cached, named);
            assertSaysTheSame(cached);
        }
    }

    /** Stores a chunk under a name that nobody had before. */
    private static Mac stored(Repository writer, PackWriter packs, BlobCodec codec, Random random) {
        Mac chunk = mac(random);
        assertThat(writer.index().claim(ResourceType.CHUNK, chunk)).isTrue();
        long length = codec.prepare(MemorySegment.ofArray(new byte[50]));
        packs.put(PackWriter.Lane.DATA, ResourceType.CHUNK, chunk, codec, length);
        return chunk;
    }

    private static Mac mac(Random random) {
        return new Mac(random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong());
    }

    private static void assertAllAreThere(Repository repository, List<Mac> chunks) {
        for (Mac chunk : chunks) {
            assertThat(repository.index().find(ResourceType.CHUNK, chunk)).isNotNull();
            assertThat(repository.index().claim(ResourceType.CHUNK, chunk)).isFalse();
        }
    }

    @Test
    void damageIsNeverBelieved() throws IOException {
        backUp(1);
        backUp(2);
        Random random = new Random(7);
        for (int round = 0; round < 40; round++) {
            List<Path> files = cacheFiles();
            Path file = files.get(random.nextInt(files.size()));
            byte[] bytes = Files.readAllBytes(file);
            if (round % 8 == 7) {
                bytes = java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length));
            } else {
                bytes[random.nextInt(bytes.length)] ^= (byte) (1 + random.nextInt(255));
            }
            Files.write(file, bytes);
            try (Repository cached = open()) {
                assertSaysTheSame(cached);
            }
        }
    }

    @Test
    void lostFilesAreMadeAgain() throws IOException {
        backUp(1);
        for (int lost = 0; lost < cacheFiles().size(); lost++) {
            Path file = cacheFiles().get(lost);
            Files.delete(file);
            for (int seed = 0; seed < 2; seed++) {
                try (Repository cached = open()) {
                    assertSaysTheSame(cached);
                }
            }
            try (Repository cached = open()) {
                assertThat(statesRead).as("after the loss of %s", file).hasValue(0);
                assertSaysTheSame(cached);
            }
        }
    }

    /** The same id, other keys: what was cached for one is not believed of the other. */
    @Test
    void theCacheOfAnotherStoreIsRefused() throws IOException {
        store = TestStores.create(temporary.resolve("encrypted"), Hashing.BLAKE3, Compression.LZ4, true);
        backUp(1);
        Path first = folder();
        Path kept = Files.move(first, temporary.resolve("kept"));
        store = TestStores.create(temporary.resolve("second"), Hashing.BLAKE3, Compression.LZ4, true);
        backUp(2);
        Path second = folder();
        for (Path file : cacheFiles()) {
            Files.delete(file);
        }
        try (Stream<Path> files = Files.list(kept)) {
            for (Path file : files.toList()) {
                Files.copy(file, second.resolve(file.getFileName()), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            }
        }
        try (Repository cached = open()) {
            assertThat(statesRead).hasValue(1);
            assertSaysTheSame(cached);
        }
    }

    @Test
    void withoutAFolderAllIsAsEver() throws IOException {
        Files.writeString(cache, "not a folder");
        backUp(1);
        try (Repository cached = open()) {
            assertThat(statesRead).hasValue(1);
            assertSaysTheSame(cached);
        }
    }

    @Test
    void aFolderThatCannotBeWrittenIsLeftAlone() throws IOException {
        backUp(1);
        for (Path file : cacheFiles()) {
            assertThat(file.toFile().setWritable(false)).isTrue();
        }
        assumeThat(Files.isWritable(cacheFiles().getLast()))
                .as("root may write anything")
                .isFalse();
        try (Repository cached = open()) {
            assertThat(statesRead).hasValue(1);
            assertSaysTheSame(cached);
        }
    }

    @Test
    void severalAtOnce() throws IOException {
        backUp(1);
        try (Repository first = open();
                Repository second = open()) {
            backUp(2);
            backUp(3);
            assertThat(first.snapshots()).hasSize(1);
            first.refresh();
            assertSaysTheSame(first);
            second.refresh();
            assertSaysTheSame(second);
        }
        try (Repository cached = open()) {
            assertSaysTheSame(cached);
        }
    }

    /** States that are known are read again for what they say, all of it, by several threads. */
    @Test
    void whatFilesHadIsReadAgainToTheEnd() throws IOException {
        for (int seed = 1; seed <= 8; seed++) {
            backUp(seed);
        }
        Mac coloured;
        try (Repository repository = TestStores.open(store)) {
            repository.refresh();
            coloured = repository.storage().list(ObjectKind.PACKFILE).getFirst();
            try (PendingState state =
                    repository.newPendingState(repository.random().nextMac())) {
                state.colourPackfile(coloured);
                state.commit();
            }
        }
        open().close();
        helpersAreSlow = true;
        try (Repository plain = TestStores.open(store);
                Repository cached = open()) {
            plain.refresh();
            AtomicInteger all = new AtomicInteger();
            AtomicInteger found = new AtomicInteger();
            plain.index().forEach((type, mac, packfile, offset, length) -> all.incrementAndGet());
            cached.index().forEach((type, mac, packfile, offset, length) -> found.incrementAndGet());
            assertThat(statesRead.get()).isGreaterThan(8);
            assertThat(found.get()).isEqualTo(all.get());
            cached.refresh(); // puts colours in order again
            assertThat(cached.colouredPackfiles()).containsOnlyKeys(coloured);
        }
    }

    /** Who had written them may have been killed before they were durable. */
    @Test
    void noStateCountsOnOthersThatMayNotBeDurable() throws IOException {
        for (int i = 1; i <= 3; i++) {
            backUp(StateCache.Limits.USUAL, i);
        }
        assertThat(settled).hasSize(2);
        assertThat(unsettledAtWrite).isEmpty();
    }

    @Test
    void whatMayNotBeDurableIsNotRemembered() throws IOException {
        TestStores.backUp(store, new MemorySource("/src").directory("/src"));
        cannotSettle = true;
        open().close();
        assertThat(cache.resolve("index-3")).doesNotExist();
        cannotSettle = false;
        open().close();
        assertThat(cache.resolve("index-3")).isNotEmptyDirectory();
    }

    /** It writes down what packfiles hold without learning it. */
    @Test
    void whatRepairListsIsLearnedFromItsState() throws IOException {
        BackupResult one = backUp(1);
        try (Storage plain = new FsStorageFactory().open(Location.parse(store.toString()))) {
            for (Mac state : plain.list(ObjectKind.STATE)) {
                plain.delete(ObjectKind.STATE, state);
            }
        }
        try (Repository repository = open(store, limits())) {
            Repair.run(repository, true, null, new RepairEvents() {
                @Override
                public void unlisted(Mac packfile, long blobs) {}

                @Override
                public void damagedState(Mac state, String problem) {}

                @Override
                public void lost(String what) {
                    throw new AssertionError(what);
                }

                @Override
                public void waiting(String why) {}
            });
        }
        try (Repository cached = open()) {
            assertThat(cached.snapshots()).containsExactly(one.header().identifier());
            assertSaysTheSame(cached);
        }
    }
}
