// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.connectors.spi.ForwardingStorage;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.storage.fs.FsStorageFactory;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.Backup;
import dev.armoire.engine.backup.BackupResult;
import dev.armoire.engine.backup.MemoryFolder;
import dev.armoire.engine.backup.MemorySource;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.packfile.Compression;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Copies of packfiles spare what they can, and nothing is different with them, whatever has become of them. */
class PackfileCopiesTest {
    private static final int FILES = 60;

    @TempDir(factory = MemoryFolder.class)
    private Path folder;

    private final AtomicInteger packfileReads = new AtomicInteger();

    private Path cache() {
        return folder.resolve("cache");
    }

    private Path store(boolean isEncrypted) throws IOException {
        return TestStores.create(folder.resolve("store"), Hashing.BLAKE3, Compression.LZ4, isEncrypted);
    }

    /** Opens a store as if it were far away. */
    private Repository open(Path store, boolean hasCache) throws IOException {
        Storage real = new FsStorageFactory().open(Location.parse(store.toString()));
        Storage far = new ForwardingStorage(real) {
            @Override
            public Path localPath() {
                return null;
            }

            @Override
            public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
                if (kind == ObjectKind.PACKFILE) {
                    packfileReads.incrementAndGet();
                }
                super.read(kind, name, offset, into);
            }
        };
        Repository repository =
                Repository.open(far, () -> TestStores.PASSPHRASE.getBytes(StandardCharsets.UTF_8), "testhost");
        if (hasCache) {
            repository.useCache(cache());
        }
        packfileReads.set(0);
        return repository;
    }

    private static MemorySource source() {
        MemorySource source = new MemorySource("/src").directory("/src");
        Random random = new Random(7);
        for (int i = 0; i < FILES; i++) {
            byte[] content = new byte[500];
            random.nextBytes(content);
            source.file("/src/" + i, content);
        }
        return source;
    }

    private BackupResult backUp(Path store, boolean hasCache) throws IOException {
        try (Repository repository = open(store, hasCache)) {
            return Backup.run(repository, List.of(source()), TestStores.options(store, 2), new TestStores.Events());
        }
    }

    private List<Path> copies() throws IOException {
        if (!Files.exists(cache().resolve("packfiles-1"))) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(cache().resolve("packfiles-1"))) {
            return files.filter(Files::isRegularFile).toList();
        }
    }

    private void assertUnchanged(Path store, BackupResult backup) throws IOException {
        assertThat(backup.unchangedFiles()).isEqualTo(FILES);
        assertThat(backup.errors()).isZero();
        assertThat(TestStores.restore(store, backup.header().identifier(), "/")
                        .files
                        .values())
                .containsExactlyInAnyOrderElementsOf(source().contents().values());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatThisMachineWroteIsNotFetched(boolean isEncrypted) throws IOException {
        Path store = store(isEncrypted);
        var _ = backUp(store, true);
        BackupResult second = backUp(store, true);
        // In a store without encryption nothing says that a header is the one that is meant.
        assertThat(packfileReads).hasValue(isEncrypted ? 0 : 1);
        assertUnchanged(store, second);
        for (Path copy : copies()) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(copy)))
                    .isEqualTo("rw-------");
            Path stored = store.resolve("packfiles")
                    .resolve(copy.getFileName().toString().substring(0, 2))
                    .resolve(copy.getFileName());
            assertThat(copy).hasSameBinaryContentAs(stored);
        }
    }

    @Test
    void whatAnotherMachineWroteIsFetchedOnce() throws IOException {
        Path store = store(true);
        var _ = backUp(store, false);
        assertThat(copies()).isEmpty();
        BackupResult second = backUp(store, true);
        assertThat(packfileReads.get()).isPositive();
        assertUnchanged(store, second);
        BackupResult third = backUp(store, true);
        assertThat(packfileReads).hasValue(0);
        assertUnchanged(store, third);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void damagedCopiesAreAsNone(long seed) throws IOException {
        Path store = store(seed % 2 == 0);
        var _ = backUp(store, true);
        Random random = new Random(seed);
        for (Path copy : copies()) {
            byte[] bytes = Files.readAllBytes(copy);
            switch (random.nextInt(4)) {
                case 0 -> Files.write(copy, new byte[0]);
                case 1 -> Files.write(copy, new byte[bytes.length]);
                case 2 -> {
                    random.nextBytes(bytes);
                    Files.write(copy, bytes);
                }
                default -> {
                    for (int i = 0; i < bytes.length; i += 64) {
                        bytes[i] ^= (byte) (1 << random.nextInt(8));
                    }
                    Files.write(copy, bytes);
                }
            }
        }
        assertUnchanged(store, backUp(store, true));
        assertUnchanged(store, backUp(store, true));
    }

    @Test
    void aCacheThatCannotBeWrittenIsAsNone() throws IOException {
        Path store = store(true);
        Files.createDirectories(cache());
        Files.writeString(cache().resolve("packfiles-1"), "in the way");
        var _ = backUp(store, true);
        assertUnchanged(store, backUp(store, true));
    }

    @Test
    void whoAsksForTheStoreGetsWhatItHas() throws IOException {
        Path store = store(true);
        BackupResult backup = backUp(store, true);
        SnapshotHeader header = backup.header();
        try (Repository repository = open(store, true)) {
            repository.refresh();
            try (BlobReader reader = repository.newReader();
                    BlobReader fromStore = repository.newStoreReader()) {
                assertThat(Snapshot.header(reader, header.identifier()).identifier())
                        .isEqualTo(header.identifier());
                assertThat(packfileReads).hasValue(0);
                assertThat(Snapshot.header(fromStore, header.identifier()).identifier())
                        .isEqualTo(header.identifier());
                assertThat(packfileReads).hasValue(1);
            }
        }
    }

    @Test
    void copiesOfWhatTheStoreHasNoMoreGo() throws IOException {
        Path store = store(true);
        var _ = backUp(store, true);
        int before = copies().size();
        Path gone = Files.copy(copies().getFirst(), copies().getFirst().resolveSibling(new Mac(1, 2, 3, 4).hex()));
        var _ = backUp(store, true);
        assertThat(gone).doesNotExist();
        assertThat(copies().size()).isGreaterThanOrEqualTo(before);
    }

    @Test
    void theEldestMakeRoomButNotWhatIsInUse() throws IOException {
        Set<Mac> kept = new HashSet<>();
        List<Mac> names = new ArrayList<>();
        Path place = folder.resolve("copies");
        byte[] bytes = new byte[1000];
        new Random(1).nextBytes(bytes);
        try (PackfileCopies copies = new PackfileCopies(place, 5_000)) {
            for (int i = 0; i < 8; i++) {
                Mac name = new Mac(i, 0, 0, 1);
                names.add(name);
                copies.put(name, List.of(MemorySegment.ofArray(bytes)));
                if (copies.read(name, 10, MemorySegment.ofArray(new byte[100]))) {
                    kept.add(name);
                }
            }
        }
        assertThat(kept).containsExactlyInAnyOrderElementsOf(names.subList(0, 5));
        for (int i = 0; i < 5; i++) {
            Files.setLastModifiedTime(
                    place.resolve(names.get(i).hex()),
                    FileTime.from(Instant.now().minusSeconds(100_000L - 1000L * i)));
        }
        try (PackfileCopies copies = new PackfileCopies(place, 5_000)) {
            copies.put(names.get(6), 500, MemorySegment.ofArray(bytes));
            byte[] back = new byte[bytes.length];
            assertThat(copies.read(names.get(6), 500, MemorySegment.ofArray(back)))
                    .isTrue();
            assertThat(back).isEqualTo(bytes);
            assertThat(copies.read(names.get(6), 0, MemorySegment.ofArray(back)))
                    .as("a hole")
                    .isFalse();
            assertThat(copies.read(names.get(6), 600, MemorySegment.ofArray(back)))
                    .as("beyond the end")
                    .isFalse();
        }
        try (Stream<Path> files = Files.list(place)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            names.get(2).hex(),
                            names.get(3).hex(),
                            names.get(4).hex(),
                            names.get(6).hex());
        }
    }

    @Test
    void packfilesThatAListingLacksAreLookedForAgain() throws IOException {
        Path store = store(true);
        var _ = backUp(store, false);
        Storage real = new FsStorageFactory().open(Location.parse(store.toString()));
        AtomicInteger listings = new AtomicInteger();
        Storage late = new ForwardingStorage(real) {
            @Override
            public Path localPath() {
                return null;
            }

            @Override
            public List<Mac> list(ObjectKind kind) throws IOException {
                // As if the first one came before another writer's packfile, and the one of states behind its state.
                return kind == ObjectKind.PACKFILE && listings.incrementAndGet() == 1 ? List.of() : super.list(kind);
            }
        };
        try (Repository repository =
                Repository.open(late, () -> TestStores.PASSPHRASE.getBytes(StandardCharsets.UTF_8), "testhost")) {
            repository.refresh();
            assertThat(listings).hasValue(2);
            assertThat(repository.hasMissingPackfiles()).isFalse();
            Mac snapshot = repository.snapshots().getFirst();
            assertThat(repository.index().contains(ResourceType.SNAPSHOT, snapshot))
                    .isTrue();
        }
    }
}
