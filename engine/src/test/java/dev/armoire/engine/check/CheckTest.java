// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.ForwardingStorage;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.Backup;
import dev.armoire.engine.backup.BackupEvents;
import dev.armoire.engine.backup.BackupOptions;
import dev.armoire.engine.backup.MemoryFolder;
import dev.armoire.engine.backup.MemorySource;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.engine.snapshot.TreeKind;
import dev.armoire.engine.snapshot.TreeReader;
import dev.armoire.index.BlobLocation;
import dev.armoire.index.PackfileTable;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Envelope;
import dev.armoire.packfile.ResourceType;
import dev.armoire.packfile.StateStreamWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CheckTest {
    @TempDir(factory = MemoryFolder.class)
    private Path folder;

    @ParameterizedTest
    @CsvSource({"plaintext, 4", "encrypted, 2", "sha256, 1", "errors, 1", "encrypted.ptar, 1"})
    void whatPlakarWroteIsWell(String fixture, int snapshots) throws IOException {
        try (Repository repository = Stores.open(Stores.copy(fixture, folder))) {
            List<Target> targets = Stores.targets(repository);
            assertThat(targets).hasSize(snapshots);
            for (boolean fast : new boolean[] {false, true}) {
                for (boolean store : new boolean[] {false, true}) {
                    Recorder recorder = Recorder.check(repository, targets, fast, store);
                    assertThat(recorder.failed).isEmpty();
                    assertThat(recorder.storeProblems).isEmpty();
                    assertThat(new TreeSet<>(recorder.done))
                            .hasSameSizeAs(recorder.done)
                            .isEqualTo(items(repository, targets));
                    assertThat(recorder.finished)
                            .containsExactlyElementsOf(targets.stream()
                                    .map(t -> t.header().identifier().shortHex() + " 0")
                                    .toList());
                    assertThat(recorder.result().failedSnapshots()).isZero();
                    assertThat(recorder.result().storeProblems()).isZero();
                    assertThat(recorder.result().bytesRead()).isPositive();
                }
            }
        }
    }

    @Test
    void whatPlakarDidNotStoreIsANotice() throws IOException {
        try (Repository repository = Stores.open(Stores.copy("sha256", folder))) {
            Recorder recorder = Recorder.check(repository, Stores.targets(repository), false, false);
            assertThat(recorder.notices)
                    .singleElement()
                    .asString()
                    .contains("attributes")
                    .contains("never stored");
        }
    }

    @Test
    void onlyWhatLiesBelowThePathIsChecked() throws IOException {
        try (Repository repository = Stores.open(Stores.copy("plaintext", folder))) {
            SnapshotHeader header = header(repository, "3f544fc3");
            Target below = new Target(header, bytes("/data/small/dup"));
            Recorder recorder = Recorder.check(repository, List.of(below), false, false);
            assertThat(recorder.failed).isEmpty();
            assertThat(recorder.done)
                    .contains("3f544fc3:/data/small/dup", "3f544fc3:/data/small/dup/shifted.bin")
                    .allMatch(item -> item.startsWith("3f544fc3:/data/small/dup"));

            Target file = new Target(header, bytes("/data/small/dup/shifted.bin"));
            assertThat(Recorder.check(repository, List.of(file), false, false).done)
                    .containsExactly("3f544fc3:/data/small/dup/shifted.bin");
        }
    }

    @Test
    void aPathThatIsNotThereFails() throws IOException {
        try (Repository repository = Stores.open(Stores.copy("plaintext", folder))) {
            Target nowhere = new Target(header(repository, "3f544fc3"), bytes("/data/small/nosuch"));
            Recorder recorder = Recorder.check(repository, List.of(nowhere), false, false);
            assertThat(recorder.failed)
                    .containsExactly(Map.entry("3f544fc3:/data/small/nosuch", "no such path in this snapshot"));
            assertThat(recorder.finished).containsExactly("3f544fc3 1");
            assertThat(recorder.result().failedSnapshots()).isEqualTo(1);
        }
    }

    /** Fails to give out some packfiles, or all of them and CONFIG. */
    private static final class Unreadable extends ForwardingStorage {
        private final IOException failure;
        private volatile Predicate<Mac> unreadable = name -> false;
        private volatile boolean isLost;

        Unreadable(Storage real, IOException failure) {
            super(real);
            this.failure = failure;
        }

        @Override
        public List<Mac> list(ObjectKind kind) throws IOException {
            return isLost && kind == ObjectKind.STATE ? List.of() : super.list(kind); // as of a folder that is gone
        }

        @Override
        public MemorySegment readConfig(Arena arena) throws IOException {
            failIf(isLost);
            return super.readConfig(arena);
        }

        @Override
        public long size(ObjectKind kind, Mac name) throws IOException {
            failIf(kind == ObjectKind.PACKFILE && unreadable.test(name));
            return super.size(kind, name);
        }

        @Override
        public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
            failIf(kind == ObjectKind.PACKFILE && unreadable.test(name));
            super.read(kind, name, offset, into);
        }

        private void failIf(boolean isUnreadable) throws IOException {
            if (isUnreadable) {
                throw failure;
            }
        }
    }

    @Test
    void whatCannotBeReadIsNotSaidToBeDamaged() throws IOException {
        Unreadable[] storage = new Unreadable[1];
        Path store = Stores.copy("plaintext", folder);
        try (Repository repository = Stores.open(
                store, real -> storage[0] = new Unreadable(real, new AccessDeniedException("a packfile")))) {
            List<Target> targets = Stores.targets(repository);
            storage[0].unreadable = name -> true;
            for (boolean isWithStore : new boolean[] {false, true}) {
                Recorder recorder = Recorder.check(repository, targets, false, isWithStore);
                assertThat(recorder.result().isOnlyUnreadable()).isTrue();
                assertThat(recorder.result().failedSnapshots()).isEqualTo(targets.size());
            }
            Path damaged = Stores.files(store, "packfiles").getFirst();
            Mac name = Mac.parse(String.valueOf(damaged.getFileName()));
            storage[0].unreadable = other -> !other.equals(name);
            assertThat(Recorder.check(repository, targets, false, true).result().isOnlyUnreadable())
                    .isTrue();
            Stores.flip(damaged, 40, 1);
            Recorder recorder = Recorder.check(repository, targets, false, true);
            assertThat(recorder.result().isOnlyUnreadable()).isFalse();
            assertThat(recorder.storeProblems)
                    .anyMatch(text -> text.contains(name.hex()))
                    .anyMatch(text -> text.contains("it cannot be read: a packfile"));
            Stores.flip(damaged, 40, 1);
            storage[0].unreadable = other -> false;
            Recorder well = Recorder.check(repository, targets, false, true);
            assertThat(well.result().isOnlyUnreadable()).isFalse();
            assertThat(well.failed).isEmpty();
        }
    }

    @Test
    void aStoreThatIsOutOfReachIsNotSaidToBeDamaged() throws IOException {
        Path store = Stores.copy("plaintext", folder);
        for (IOException failure : List.of(new IOException("Stale file handle"), new NoSuchFileException("gone"))) {
            Unreadable[] storage = new Unreadable[1];
            try (Repository repository = Stores.open(store, real -> storage[0] = new Unreadable(real, failure))) {
                List<Target> targets = Stores.targets(repository);
                storage[0].isLost = true;
                for (int until = 0; until < 20; until++) {
                    for (boolean isWithStore : new boolean[] {false, true}) {
                        AtomicLong left = new AtomicLong(until);
                        storage[0].unreadable = name -> left.getAndDecrement() <= 0;
                        Recorder recorder = new Recorder();
                        assertThatThrownBy(() -> Check.run(
                                        repository, new CheckRequest(targets, false, isWithStore, 2), recorder))
                                .isInstanceOfAny(IOException.class, UncheckedIOException.class)
                                .hasMessageContaining(String.valueOf(failure.getMessage()));
                        assertThat(recorder.failed).isEmpty();
                        assertThat(recorder.storeProblems).isEmpty();
                    }
                }
            }
        }
    }

    @Test
    void everyChangedByteOfAPackfileIsFound() throws IOException {
        Path store = Stores.copy("plaintext", folder);
        List<Path> packfiles = Stores.files(store, "packfiles");
        Random random = new Random(1);
        try (Repository repository = Stores.open(store)) {
            for (int i = 0; i < 100; i++) {
                Path packfile = packfiles.get(i % packfiles.size());
                long at = place(packfile, i / packfiles.size(), random);
                assertFound(repository, packfile, at, 1 << random.nextInt(8));
            }
            assertThat(Recorder.check(repository, List.of(), false, true).storeProblems)
                    .isEmpty();
        }
    }

    @Test
    void everyChangedByteOfAnEncryptedPackfileIsFound() throws IOException {
        Path store = Stores.copy("encrypted", folder);
        List<Path> packfiles = Stores.files(store, "packfiles");
        Random random = new Random(2);
        try (Repository repository = Stores.open(store)) {
            for (int i = 0; i < 21; i++) {
                Path packfile = packfiles.get(i % packfiles.size());
                assertFound(
                        repository, packfile, place(packfile, i / packfiles.size(), random), 1 + random.nextInt(255));
            }
        }
    }

    /** Header, MAC, footer length, footer and index first, then anywhere. */
    private static long place(Path packfile, int turn, Random random) throws IOException {
        long size = Files.size(packfile);
        return switch (turn) {
            case 0 -> random.nextInt(16);
            case 1 -> size - 1 - random.nextInt(32);
            case 2 -> size - 33 - random.nextInt(4);
            case 3 -> size - 37 - random.nextInt(60);
            case 4 -> size - 120 - random.nextInt(200);
            default -> random.nextLong(size);
        };
    }

    private static void assertFound(Repository repository, Path packfile, long at, int mask) throws IOException {
        Stores.flip(packfile, at, mask);
        try {
            assertThat(Recorder.check(repository, List.of(), false, true).storeProblems)
                    .as("byte %d of %s", at, packfile)
                    .isNotEmpty()
                    .allMatch(problem -> problem.startsWith("packfile " + packfile.getFileName() + ": "));
        } finally {
            Stores.flip(packfile, at, mask);
        }
    }

    @Test
    void everyChangedByteOfAStateOrOfConfigIsFound() throws IOException {
        Path store = Stores.copy("plaintext", folder);
        List<Path> files = new ArrayList<>(Stores.files(store, "states"));
        files.add(store.resolve("CONFIG"));
        Random random = new Random(3);
        for (int i = 0; i < 100; i++) {
            Path file = files.get(i % files.size());
            long at = random.nextLong(Files.size(file));
            int mask = 1 << random.nextInt(8);
            Stores.flip(file, at, mask);
            assertThatThrownBy(() -> Stores.open(store))
                    .as("byte %d of %s", at, file)
                    .isInstanceOf(dev.armoire.crypto.KlosetException.class);
            Stores.flip(file, at, mask);
        }
    }

    @Test
    void aDamagedChunkNamesExactlyTheFilesThatHaveIt() throws IOException {
        Path store = Stores.copy("plaintext", folder);
        Random random = new Random(4);
        try (Repository repository = Stores.open(store)) {
            List<Target> targets = Stores.targets(repository);
            Map<Mac, Set<String>> users = chunksOfFilesOnly(repository, targets);
            List<Mac> chunks = new ArrayList<>(users.keySet());
            chunks.sort(Comparator.naturalOrder());
            for (int i = 0; i < 24; i++) {
                Mac chunk = chunks.get(random.nextInt(chunks.size()));
                BlobLocation place = repository.index().find(ResourceType.CHUNK, chunk);
                assertThat(place).isNotNull();
                Mac packfile = repository.index().packfiles().name(place.packfile());
                // Not the frame's header: what that says of the coding may change and the content stay.
                long at = 16 + place.offset() + 11 + random.nextLong(place.length() - 11 - 4);
                Stores.flip(Stores.packfile(store, packfile.hex()), at, 0xff);
                Recorder recorder = Recorder.check(repository, targets, false, i % 2 == 0);
                Stores.flip(Stores.packfile(store, packfile.hex()), at, 0xff);
                assertThat(recorder.failed.keySet()).isEqualTo(users.get(chunk));
                assertThat(recorder.failed.values())
                        .allMatch(reason -> reason.matches("chunk \\d+ at \\d+-\\d+: .*, packfile "
                                + packfile.shortHex() + " offset " + place.offset()));
                Set<String> well = new TreeSet<>(items(repository, targets));
                well.removeAll(users.get(chunk));
                assertThat(new TreeSet<>(recorder.done)).isEqualTo(well);
                assertThat(recorder.storeProblems).hasSize(i % 2 == 0 ? 1 : 0);
            }
        }
    }

    @Test
    void damagedMetadataHidesNothingElse() throws IOException {
        Path store = Stores.copy("plaintext", folder);
        Random random = new Random(5);
        try (Repository repository = Stores.open(store)) {
            List<Target> targets = Stores.targets(repository);
            Set<String> all = items(repository, targets);
            List<BlobLocation> places = new ArrayList<>();
            Set<Integer> types = Set.of(
                    ResourceType.OBJECT,
                    ResourceType.VFS_BTREE,
                    ResourceType.VFS_NODE,
                    ResourceType.VFS_ENTRY,
                    ResourceType.XATTR_ENTRY,
                    ResourceType.XATTR_NODE,
                    ResourceType.ERROR_BTREE,
                    ResourceType.BTREE_ROOT,
                    ResourceType.BTREE_NODE,
                    ResourceType.VFS_SUMMARY);
            for (int type : types.stream().sorted().toList()) {
                List<BlobLocation> ofType = new ArrayList<>();
                repository.index().forEach((t, mac, packfile, offset, length) -> {
                    if (t == type) {
                        ofType.add(new BlobLocation(packfile, offset, length));
                    }
                });
                for (int i = 0; i < 3; i++) {
                    places.add(ofType.get(random.nextInt(ofType.size())));
                }
            }
            for (BlobLocation place : places) {
                Mac packfile = repository.index().packfiles().name(place.packfile());
                long at = 16 + place.offset() + 11 + random.nextLong(place.length() - 11 - 4);
                Stores.flip(Stores.packfile(store, packfile.hex()), at, 0xff);
                Recorder recorder = Recorder.check(repository, targets, false, false);
                Stores.flip(Stores.packfile(store, packfile.hex()), at, 0xff);
                assertThat(recorder.failed).isNotEmpty();
                Set<String> told = new TreeSet<>(recorder.done);
                told.addAll(recorder.failed.keySet());
                assertThat(told).isEqualTo(all);
            }
        }
    }

    @Test
    void aMissingPackfileIsDamage() throws IOException {
        Path store = Stores.copy("plaintext", folder);
        for (Path packfile : Stores.files(store, "packfiles")) {
            Path aside = folder.resolve("aside");
            List<Target> targets;
            try (Repository whole = Stores.open(store)) {
                targets = Stores.targets(whole);
            }
            Files.move(packfile, aside);
            try (Repository repository = Stores.open(store)) {
                Recorder recorder = Recorder.check(repository, targets, false, true);
                assertThat(recorder.storeProblems)
                        .singleElement()
                        .asString()
                        .startsWith("packfile " + packfile.getFileName() + ": it is missing");
                assertThat(recorder.failed.values())
                        .isNotEmpty()
                        .allMatch(
                                reason -> reason.contains(packfile.getFileName().toString()));
                Recorder fast = Recorder.check(repository, targets, true, false);
                assertThat(fast.failed.keySet()).isEqualTo(recorder.failed.keySet());
            }
            Files.move(aside, packfile);
        }
    }

    @Test
    void aPackfileCutShortIsDamage() throws IOException {
        Path store = Stores.copy("plaintext", folder);
        List<Path> packfiles = Stores.files(store, "packfiles");
        Random random = new Random(6);
        for (Path packfile : packfiles) {
            byte[] whole = Files.readAllBytes(packfile);
            for (int length : new int[] {0, 40, random.nextInt(whole.length), whole.length - 1}) {
                Files.write(packfile, java.util.Arrays.copyOf(whole, length));
                try (Repository repository = Stores.open(store)) {
                    assertThat(Recorder.check(repository, List.of(), false, true).storeProblems)
                            .isNotEmpty()
                            .allMatch(problem -> problem.startsWith("packfile " + packfile.getFileName() + ": "));
                }
            }
            Files.write(packfile, whole);
        }
    }

    @Test
    void swappedPackfilesAreDamage() throws IOException {
        Path store = Stores.copy("plaintext", folder);
        List<Path> packfiles = Stores.files(store, "packfiles");
        List<Target> targets;
        Set<String> all;
        try (Repository whole = Stores.open(store)) {
            targets = Stores.targets(whole);
            all = items(whole, targets);
        }
        Path first = packfiles.get(0);
        Path second = packfiles.get(1);
        byte[] content = Files.readAllBytes(first);
        Files.write(first, Files.readAllBytes(second));
        Files.write(second, content);
        try (Repository repository = Stores.open(store)) {
            Recorder recorder = Recorder.check(repository, targets, false, true);
            assertThat(recorder.storeProblems)
                    .anyMatch(problem -> problem.startsWith("packfile " + first.getFileName()))
                    .anyMatch(problem -> problem.startsWith("packfile " + second.getFileName()))
                    .allMatch(problem -> problem.contains("states place") || problem.contains("more problems"));
            assertThat(recorder.failed).isNotEmpty();
            assertThat(recorder.result().failedSnapshots()).isPositive();
            assertThat(all).containsAll(recorder.done);
        }
    }

    @Test
    void whatAnInterruptedBackupLeftIsANotice() throws IOException {
        Path store = Stores.copy("plaintext", folder);
        String spare = "ab".repeat(32);
        Files.createDirectories(Stores.packfile(store, spare).getParent());
        Files.copy(Stores.files(store, "packfiles").getFirst(), Stores.packfile(store, spare));
        try (Repository repository = Stores.open(store)) {
            Recorder recorder = Recorder.check(repository, Stores.targets(repository), false, true);
            assertThat(recorder.storeProblems).isEmpty();
            assertThat(recorder.failed).isEmpty();
            assertThat(recorder.notices).anyMatch(text -> text.contains(spare) && text.contains("interrupted backup"));
        }
    }

    @Test
    void aDamagedArchiveIsFound() throws IOException {
        Path store = Stores.copy("encrypted.ptar", folder);
        Random random = new Random(7);
        try (Repository repository = Stores.open(store)) {
            List<Target> targets = Stores.targets(repository);
            for (int i = 0; i < 10; i++) {
                long at = 1000 + random.nextLong(Files.size(store) / 2);
                Stores.flip(store, at, 0xff);
                Recorder recorder = Recorder.check(repository, targets, false, true);
                Stores.flip(store, at, 0xff);
                assertThat(recorder.storeProblems).hasSize(1);
                assertThat(recorder.failed).isNotEmpty();
            }
        }
    }

    @Test
    void whatArmoireWritesIsWell() throws IOException {
        Path source = Files.createDirectory(folder.resolve("source"));
        Random random = new Random(8);
        for (int i = 0; i < 300; i++) {
            Path file = source.resolve("d" + i % 7).resolve("e" + i % 3).resolve("f" + i);
            Files.createDirectories(file.getParent());
            byte[] content = new byte[i % 50 == 0 ? 3 << 20 : random.nextInt(3000)];
            random.nextBytes(content);
            Files.write(file, content);
        }
        Files.createDirectory(source.resolve("empty"));
        Files.write(source.resolve("nothing"), new byte[0]);
        Files.createSymbolicLink(source.resolve("link"), Path.of("nothing"));
        Files.createLink(source.resolve("twin"), source.resolve("nothing"));
        try (Repository repository = Stores.create(folder.resolve("store"))) {
            backup(repository, source);
            Files.write(source.resolve("later"), new byte[100]);
            backup(repository, source);
        }
        try (Repository repository = Stores.open(folder.resolve("store"))) {
            List<Target> targets = Stores.targets(repository);
            assertThat(targets).hasSize(2);
            for (boolean store : new boolean[] {false, true}) {
                Recorder recorder = Recorder.check(repository, targets, false, store);
                assertThat(recorder.failed).isEmpty();
                assertThat(recorder.storeProblems).isEmpty();
                assertThat(recorder.notices).isEmpty();
                assertThat(new TreeSet<>(recorder.done)).isEqualTo(items(repository, targets));
            }
            // The files of 3 MiB make a packfile that is read through several windows.
            Path largest = Stores.files(folder.resolve("store"), "packfiles").stream()
                    .max(Comparator.comparingLong(file -> file.toFile().length()))
                    .orElseThrow();
            assertThat(Files.size(largest)).isGreaterThan(16 << 20);
            for (int i = 0; i < 10; i++) {
                assertFound(repository, largest, random.nextLong(Files.size(largest)), 1 << random.nextInt(8));
            }
        }
    }

    /** They lie in packfiles, and all is well with them there; but readers go by the states. */
    @ParameterizedTest
    @ValueSource(ints = {ResourceType.CHUNK, ResourceType.OBJECT, ResourceType.VFS_ENTRY, ResourceType.VFS_NODE})
    void whatNoStatePlacesIsLost(int type) throws IOException {
        Path source = Files.createDirectory(folder.resolve("source"));
        for (int i = 0; i < 5; i++) {
            Files.writeString(source.resolve("f" + i), "content " + i);
        }
        Set<Mac> blobs = new TreeSet<>();
        try (Repository repository = Stores.create(folder.resolve("store"))) {
            backup(repository, source);
            repository.index().forEach((kind, mac, packfile, offset, length) -> {
                if (kind == type) {
                    blobs.add(mac);
                }
            });
        }
        assertThat(blobs).isNotEmpty();
        for (Mac blob : blobs) {
            Path store = Stores.copy(folder.resolve("store"), folder.resolve("without " + blob.shortHex()));
            forget(store, type, blob);
            try (Repository repository = Stores.open(store)) {
                assertThat(repository.index().find(type, blob)).isNull();
                Recorder recorder = Recorder.check(repository, Stores.targets(repository), false, true);
                assertThat(recorder.failed.values())
                        .as("%s %s", ResourceType.name(type), blob.hex())
                        .isNotEmpty()
                        .allMatch(reason -> reason.contains(blob.shortHex()) && reason.contains("is in no packfile"));
            }
        }
    }

    /** Leaves one state, with all that the states had but one blob. */
    private static void forget(Path store, int type, Mac blob) throws IOException {
        List<Path> states = Stores.files(store, "states");
        try (Repository repository = Stores.open(store);
                StateStreamWriter writer = new StateStreamWriter(Mac.ZERO);
                BlobCodec codec = repository.newCodec();
                Arena arena = Arena.ofConfined()) {
            PackfileTable table = repository.index().packfiles();
            Set<Mac> packfiles = new TreeSet<>();
            repository.index().forEach((kind, mac, packfile, offset, length) -> {
                packfiles.add(table.name(packfile));
                if (kind != type || !mac.equals(blob)) {
                    writer.location(kind, mac, table.name(packfile), offset, length);
                }
            });
            Mac name = repository.random().nextMac();
            packfiles.forEach(packfile -> writer.packfile(packfile, name, 1));
            MemorySegment stream = writer.finish(1, new byte[16]);
            MemorySegment payload = arena.allocate(codec.prepare(stream));
            codec.writeTo(payload);
            MemorySegment state =
                    Envelope.wrap(ResourceType.STATE, payload, repository.keys().newMacHasher(), arena);
            repository.storage().write(ObjectKind.STATE, name, List.of(state));
        }
        for (Path state : states) {
            Files.delete(state);
        }
    }

    @Test
    void anInterruptStopsTheWork() throws IOException {
        try (Repository repository = Stores.open(Stores.copy("plaintext", folder))) {
            List<Target> targets = Stores.targets(repository);
            for (boolean store : new boolean[] {false, true}) {
                Thread.currentThread().interrupt();
                assertThatThrownBy(() -> Recorder.check(repository, targets, false, store))
                        .isInstanceOf(PipelineAbortedException.class);
                assertThat(Thread.interrupted()).isTrue();
            }
            assertThat(Recorder.check(repository, targets, false, true).failed).isEmpty();
        }
    }

    @Test
    void aDamagedStateStopsTheOpening() throws IOException {
        Path store = Stores.copy("encrypted", folder);
        Stores.flip(Stores.files(store, "states").getFirst(), 200, 1);
        assertThatThrownBy(() -> Stores.open(store))
                .isInstanceOf(CorruptDataException.class)
                .hasMessageContaining(
                        Stores.files(store, "states").getFirst().getFileName().toString());
    }

    @Test
    void theChunksOfALargeContentAreVerifiedInPlace() throws IOException {
        Path source = Files.createDirectory(folder.resolve("source"));
        byte[] content = new byte[40 << 20];
        new Random(11).nextBytes(content);
        Files.write(source.resolve("large"), content);
        try (Repository repository = Stores.create(folder.resolve("store"))) {
            backup(repository, source);
        }
        try (Repository repository = Stores.open(folder.resolve("store"))) {
            List<Target> targets = Stores.targets(repository);
            assertThat(largestObject(repository))
                    .as("a record as large contents have")
                    .isGreaterThan(1024);
            Recorder well = Recorder.check(repository, targets, false, true);
            assertThat(well.failed).isEmpty();
            assertThat(well.storeProblems).isEmpty();
            assertThat(well.result().bytesRead())
                    .as("each byte once, and some of the metadata again")
                    .isBetween((long) content.length, (long) content.length * 11 / 10);
            Path packfile = Stores.files(folder.resolve("store"), "packfiles").stream()
                    .max(Comparator.comparingLong(file -> file.toFile().length()))
                    .orElseThrow();
            Stores.flip(packfile, 1 << 20, 1);
            Recorder damaged = Recorder.check(repository, targets, false, true);
            assertThat(damaged.failed.keySet())
                    .singleElement()
                    .asString()
                    .endsWith(source.resolve("large").toString());
            assertThat(damaged.storeProblems)
                    .isNotEmpty()
                    .allMatch(p -> p.contains(String.valueOf(packfile.getFileName())));
        }
    }

    @Test
    void snapshotsOfTheSameTreesAreGoneThroughOnceUnlessTheyAreDamaged() throws IOException {
        Path store = TestStores.create(folder.resolve("store"));
        byte[] content = new byte[100_000];
        new Random(12).nextBytes(content);
        MemorySource source =
                new MemorySource("/s").directory("/").directory("/s").file("/s/file", content);
        for (int i = 0; i < 3; i++) {
            TestStores.backUp(store, source);
        }
        try (Repository repository = TestStores.open(store)) {
            repository.refresh();
            List<Target> targets = Stores.targets(repository);
            assertThat(targets).hasSize(3);
            assertThat(new TreeSet<>(Recorder.quietCheck(repository, targets).done))
                    .isEqualTo(items(repository, targets.subList(0, 1)));
            Path packfile = Stores.files(store, "packfiles").stream()
                    .max(Comparator.comparingLong(file -> file.toFile().length()))
                    .orElseThrow();
            Stores.flip(packfile, 50_000, 1);
            Recorder damaged = Recorder.quietCheck(repository, targets);
            assertThat(damaged.failed).hasSize(3);
            assertThat(damaged.result().failedSnapshots()).isEqualTo(3);
        }
    }

    private static long largestObject(Repository repository) {
        AtomicLong largest = new AtomicLong();
        repository.index().forEach((type, mac, packfile, offset, length) -> {
            if (type == ResourceType.OBJECT) {
                largest.accumulateAndGet(length, Math::max);
            }
        });
        return largest.get();
    }

    private static void backup(Repository repository, Path source) throws IOException {
        Location location = Location.parse(source.toString());
        ImportOptions options = new ImportOptions((path, isDirectory) -> false, true, Map.of(), List.of());
        BackupOptions how =
                new BackupOptions("", "", "", "", "", List.of(), null, true, 2, source.getParent(), "test", false);
        for (ImporterFactory factory : ServiceLoader.load(ImporterFactory.class)) {
            if (factory.accepts(location)) {
                try (Importer importer = factory.open(location, options)) {
                    Backup.run(repository, List.of(importer), how, new SilentBackup());
                }
                return;
            }
        }
        throw new IOException("nothing imports " + location);
    }

    /** Fails the test when a backup has something to say. */
    private static final class SilentBackup implements BackupEvents {
        @Override
        public void started(Mac snapshot) {}

        @Override
        public void done(byte[] path) {}

        @Override
        public void failed(byte[] path, String reason) {
            throw new AssertionError(reason);
        }

        @Override
        public void notice(String text) {
            throw new AssertionError(text);
        }
    }

    private static byte[] bytes(String path) {
        return path.getBytes(StandardCharsets.UTF_8);
    }

    private static SnapshotHeader header(Repository repository, String prefix) {
        return Stores.targets(repository).stream()
                .map(Target::header)
                .filter(header -> header.identifier().hex().startsWith(prefix))
                .findFirst()
                .orElseThrow();
    }

    /** Every item of the snapshots, found without the code under test. */
    private static Set<String> items(Repository repository, List<Target> targets) {
        Set<String> items = new TreeSet<>();
        try (BlobReader reader = repository.newReader()) {
            for (Target target : targets) {
                Mac id = target.header().identifier();
                Snapshot.of(target.header(), reader)
                        .vfs()
                        .scan(new byte[] {'/'}, (path, mac) -> items.add(Recorder.item(id, path)));
            }
        }
        return items;
    }

    /** Which files have a chunk, for the chunks that no listing and no attribute has too. */
    private static Map<Mac, Set<String>> chunksOfFilesOnly(Repository repository, List<Target> targets) {
        Map<Mac, Set<String>> users = new HashMap<>();
        Set<Mac> others = new HashSet<>();
        try (BlobReader reader = repository.newReader()) {
            for (Target target : targets) {
                Snapshot snapshot = Snapshot.of(target.header(), reader);
                walk(snapshot, new byte[] {'/'}, users);
                snapshot.forEachXattr(item -> {
                    others.addAll(chunks(reader, item.object()));
                    return true;
                });
                Mac dirpack = target.header()
                        .source()
                        .index(SnapshotHeader.DIRPACK_INDEX)
                        .orElseThrow();
                new TreeReader(TreeKind.INDEX, reader, dirpack).scan(new byte[] {'/'}, (path, object) -> {
                    others.addAll(chunks(reader, object));
                    return true;
                });
            }
        }
        users.keySet().removeAll(others);
        return users;
    }

    private static void walk(Snapshot snapshot, byte[] directory, Map<Mac, Set<String>> users) {
        List<Entry> below = new ArrayList<>();
        snapshot.forEachChild(directory, (entry, mac) -> below.add(entry));
        for (Entry entry : below) {
            if (entry.isDirectory()) {
                walk(snapshot, entry.path(), users);
            } else if (entry.isRegular()) {
                for (Mac chunk : chunks((BlobReader) snapshot.source(), entry.object())) {
                    users.computeIfAbsent(chunk, key -> new TreeSet<>())
                            .add(Recorder.item(snapshot.header().identifier(), entry.path()));
                }
            }
        }
    }

    private static List<Mac> chunks(BlobReader reader, Mac object) {
        return ObjectReader.record(reader, object).chunks().stream()
                .map(ObjectRecord.Chunk::mac)
                .toList();
    }
}
