// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.fs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.connectors.storage.StorageContract;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FsStorageTest extends StorageContract {
    @TempDir
    Path folder;

    private int places;

    @Override
    protected StorageFactory factory() {
        return new FsStorageFactory();
    }

    @Override
    protected Location freshPlace() {
        places++;
        return Location.parse(folder.resolve("store" + places).toString());
    }

    @Override
    protected int leaveUnfinished(Location at) throws IOException {
        plant(at, "tmp.1", new byte[] {1});
        plant(at, "states/tmp.22", new byte[0]);
        plant(at, "packfiles/tmp.333", new byte[] {2});
        plant(at, "packfiles/tmp.notes", new byte[] {3});
        plant(at, "packfiles/12/tmp.4", new byte[] {4});
        return 3;
    }

    @Override
    protected void plant(Location at, String key, byte[] content) throws IOException {
        Path file = Path.of(at.path(), key);
        Files.createDirectories(file.getParent());
        Files.write(file, content);
    }

    private Path root() {
        return Path.of(place().path());
    }

    private Path file(ObjectKind kind, Mac name) {
        return root().resolve(kind.folder()).resolve(name.hex().substring(0, 2)).resolve(name.hex());
    }

    /** Where there are many, kinds are not asked for one by one. */
    @Test
    void amongManyFilesOfABucketFoldersAndLinksAreNoObjects() throws IOException {
        Path bucket = root().resolve("states/ab");
        for (int count : new int[] {10, 300}) {
            Set<Mac> wanted = new HashSet<>();
            for (int i = 0; i < count; i++) {
                Mac name = new Mac(0xab00_0000_0000_0000L, 0, count, i);
                Files.write(bucket.resolve(name.hex()), new byte[] {1});
                wanted.add(name);
            }
            Files.createDirectory(bucket.resolve(new Mac(0xab00_0000_0000_0000L, 1, count, 0).hex()));
            Files.createSymbolicLink(
                    bucket.resolve(new Mac(0xab00_0000_0000_0000L, 2, count, 0).hex()), Path.of("nowhere"));
            Mac elsewhere = new Mac(0xcd00_0000_0000_0000L, 0, count, 0);
            Files.write(bucket.resolve(elsewhere.hex()), new byte[] {1});
            wanted.add(elsewhere);
            try (Storage opened = new FsStorageFactory().open(place(), Map.of())) {
                assertThat(opened.list(ObjectKind.STATE))
                        .filteredOn(name -> name.w2() == count)
                        .containsExactlyInAnyOrderElementsOf(wanted);
            }
            try (Stream<Path> files = Files.list(bucket)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    /** That it syncs what is there the fault harness sees in the calls of a real process. */
    @Test
    void whatIsGoneNeedNotBeMadeDurable() throws IOException {
        Mac name = new Mac(0xab00_0000_0000_0000L, 0, 7, 7);
        try (Storage opened = new FsStorageFactory().open(place(), Map.of())) {
            opened.write(ObjectKind.STATE, name, List.of(MemorySegment.ofArray(new byte[] {1})));
            opened.settle(ObjectKind.STATE, List.of(name, new Mac(0xcd00_0000_0000_0000L, 0, 7, 7)));
            assertThat(opened.size(ObjectKind.STATE, name)).isEqualTo(1);
        }
    }

    private static List<String> temporaryFiles(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            return files.map(path -> path.getFileName().toString())
                    .filter(name -> name.startsWith("tmp."))
                    .toList();
        }
    }

    @Test
    void theLayoutIsThatOfTheFormat() throws IOException {
        Path root = root();
        assertThat(root.toFile().list()).containsExactlyInAnyOrder("CONFIG", "locks", "packfiles", "states");
        for (String tree : List.of("packfiles", "states")) {
            assertThat(root.resolve(tree).toFile().list()).hasSize(256).contains("00", "0f", "a0", "ff");
            assertMode("rwx------", root.resolve(tree));
            assertMode("rwx------", root.resolve(tree).resolve("7f"));
        }
        assertMode("rwx------", root);
        assertMode("rwx------", root.resolve("locks"));
        assertMode("rw-------", root.resolve("CONFIG"));
        assertMode("rw-------", file(ObjectKind.PACKFILE, mac(1)));
        assertThat(file(ObjectKind.STATE, mac(2))).hasSize(777);
        storage.write(ObjectKind.LOCK, mac(3), List.of(MemorySegment.ofArray(new byte[4])));
        assertThat(root.resolve("locks").resolve(mac(3).hex())).hasSize(4);
        assertThat(temporaryFiles(root)).isEmpty();
    }

    private static void assertMode(String expected, Path path) throws IOException {
        if (path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                    .as("mode of %s", path)
                    .isEqualTo(expected);
        }
    }

    @Test
    void placesAreNamedInFull() throws IOException {
        assertThat(storage.location()).isEqualTo("fs://" + root());
        assertThat(storage.localPath()).isEqualTo(root().toRealPath());
        assertThat(factory().accepts(Location.parse("fs:/srv/store"))).isTrue();
        assertThat(factory().accepts(Location.parse("/srv/store"))).isTrue();
        assertThat(factory().accepts(Location.parse("/srv/a.ptar"))).isFalse();
        assertThat(factory().accepts(Location.parse("s3://host/bucket"))).isFalse();
    }

    @Test
    void anEmptyDirectoryBecomesAStoreAndAnotherIsRefused() throws IOException {
        Path empty = Files.createDirectory(folder.resolve("empty"));
        factory()
                .create(new Location("fs", empty.toString()), MemorySegment.ofArray(CONFIG))
                .close();
        factory().open(new Location("fs", empty.toString())).close();

        Path used = Files.createDirectory(folder.resolve("used"));
        Files.createFile(used.resolve("letter.txt"));
        assertThatThrownBy(() -> factory().create(new Location("fs", used.toString()), MemorySegment.ofArray(CONFIG)))
                .isInstanceOf(IOException.class)
                .hasMessage("directory " + used + " is not empty");
        assertThat(used.toFile().list()).containsExactly("letter.txt");
        assertThatThrownBy(() -> factory().create(new Location("fs", empty.toString()), MemorySegment.ofArray(CONFIG)))
                .hasMessage(empty + " is already a store");
    }

    @Test
    void parentsOfANewStoreAreMade() throws IOException {
        Path deep = folder.resolve("a/b/store");
        factory()
                .create(new Location("fs", deep.toString()), MemorySegment.ofArray(CONFIG))
                .close();
        assertThat(deep.resolve("CONFIG")).hasBinaryContent(CONFIG);
    }

    @Test
    void aFailedCreationTakesBackWhatItMade() {
        MemorySegment gone;
        try (Arena arena = Arena.ofConfined()) {
            gone = arena.allocate(10);
        }
        Location place = freshPlace();
        assertThatThrownBy(() -> factory().create(place, gone)).isInstanceOf(IllegalStateException.class);
        assertThat(Path.of(place.path())).doesNotExist();
    }

    @Test
    void ofTwoCreationsAtOnceOneWins() throws Exception {
        for (int round = 0; round < 5; round++) {
            Location place = freshPlace();
            List<Boolean> won = together(2, worker -> {
                try {
                    factory().create(place, MemorySegment.ofArray(CONFIG)).close();
                    return true;
                } catch (IOException e) {
                    return false;
                }
            });
            // Both may meet the other half way and give up, but none says it made what the other made.
            assertThat(won).filteredOn(w -> w).hasSizeLessThanOrEqualTo(1);
            if (won.contains(true)) {
                factory().open(place).close();
            }
        }
    }

    @Test
    void whatIsNoStoreIsToldAsSuch() throws IOException {
        Path missing = folder.resolve("missing");
        assertThatThrownBy(() -> FsStorage.open(missing))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessage(missing + ": no such directory");
        Path plain = Files.createDirectory(folder.resolve("plain"));
        assertThatThrownBy(() -> FsStorage.open(plain))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessage(plain.resolve("CONFIG") + ": " + plain + " is not a store: it has no CONFIG");
        Path file = Files.createFile(folder.resolve("file"));
        assertThatThrownBy(() -> FsStorage.open(file))
                .isInstanceOf(FileSystemException.class)
                .hasMessage(file + ": not a directory, so not a store");
        assertThatThrownBy(() -> FsStorage.create(file, MemorySegment.ofArray(CONFIG)))
                .isInstanceOf(FileSystemException.class)
                .hasMessage(file + ": not a directory, so no place for a store");
        assertThatThrownBy(() -> factory().open(new Location("fs", "")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no directory given");
        assertThatThrownBy(() -> factory().open(new Location("fs", "a\0b")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not a path");
    }

    @Test
    void aConfigOfAnImpossibleSizeIsDamage() throws IOException {
        Files.write(root().resolve("CONFIG"), new byte[(1 << 20) + 1]);
        try (Arena arena = Arena.ofConfined()) {
            assertThatThrownBy(() -> storage.readConfig(arena))
                    .isInstanceOf(CorruptDataException.class)
                    .hasMessageContaining("1048577");
        }
    }

    @Test
    void foldersThatGitLosesAreNoErrorAndMadeOnDemand() throws IOException {
        Path bare = Files.createDirectory(folder.resolve("bare"));
        Files.write(bare.resolve("CONFIG"), CONFIG);
        try (Storage opened = FsStorage.open(bare)) {
            for (ObjectKind kind : ObjectKind.values()) {
                assertThat(opened.list(kind)).isEmpty();
                opened.write(kind, mac(11), List.of(MemorySegment.ofArray(new byte[] {1})));
                assertThat(opened.list(kind)).containsExactly(mac(11));
                assertMode("rwx------", bare.resolve(kind.folder()));
            }
            assertMode("rwx------", bare.resolve("states").resolve(mac(11).hex().substring(0, 2)));
        }
    }

    @Test
    void aStoreThatWentAwayIsNotMadeAgain() throws IOException {
        Path moved = folder.resolve("moved");
        Files.move(root(), moved);
        assertThatThrownBy(
                        () -> storage.write(ObjectKind.STATE, mac(12), List.of(MemorySegment.ofArray(new byte[] {1}))))
                .isInstanceOf(NoSuchFileException.class);
        assertThat(root()).doesNotExist();
    }

    @Test
    void symbolicLinksAndFoldersAreNoObjects() throws IOException {
        Path bucket = root().resolve("states").resolve("ab");
        Path outside = Files.createDirectory(folder.resolve("outside"));
        String hex = "ab" + "0".repeat(62);
        Files.write(outside.resolve(hex), new byte[] {1});
        Files.createSymbolicLink(bucket.resolve(hex), outside.resolve(hex));
        Files.createDirectory(bucket.resolve("ab" + "1".repeat(62)));
        Files.createSymbolicLink(root().resolve("states").resolve("more"), outside);
        Files.write(bucket.resolve(hex.toUpperCase(Locale.ROOT)), new byte[] {1});
        assertThat(storage.list(ObjectKind.STATE)).containsExactly(mac(2));
    }

    @Test
    void anObjectInAForeignFolderIsListedOnceAndMissedWhenRead() throws IOException {
        Path copies = Files.createDirectory(root().resolve("states").resolve("copies"));
        Files.copy(file(ObjectKind.STATE, mac(2)), copies.resolve(mac(2).hex()));
        assertThat(storage.list(ObjectKind.STATE)).containsExactly(mac(2));
        Files.write(copies.resolve(mac(13).hex()), new byte[] {1});
        assertThat(storage.list(ObjectKind.STATE)).containsExactlyInAnyOrder(mac(2), mac(13));
        assertThatThrownBy(() -> storage.size(ObjectKind.STATE, mac(13))).isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void leftOversOfCrashedWritersStay() throws IOException {
        Path left = Files.write(root().resolve("packfiles").resolve("tmp.42"), new byte[] {1});
        try (Storage other = factory().open(place())) {
            other.write(ObjectKind.PACKFILE, mac(14), List.of(MemorySegment.ofArray(new byte[] {1})));
            assertThat(other.list(ObjectKind.PACKFILE)).containsExactlyInAnyOrder(mac(1), mac(14));
        }
        assertThat(left).exists();
    }

    @Test
    void aFailedWriteRemovesItsTemporaryFile() throws IOException {
        MemorySegment gone;
        try (Arena arena = Arena.ofConfined()) {
            gone = arena.allocate(10);
        }
        for (ObjectKind kind : ObjectKind.values()) {
            assertThatThrownBy(() ->
                            storage.write(kind, mac(18), List.of(MemorySegment.ofArray(new byte[9 << 20]), gone)))
                    .isInstanceOf(IllegalStateException.class);
        }
        assertThatThrownBy(() -> storage.refreshLock(mac(18), gone)).isInstanceOf(IllegalStateException.class);
        assertThat(temporaryFiles(root())).isEmpty();
    }

    @Test
    void anInterruptedWriterLeavesNothing() throws Exception {
        Thread writer = Thread.ofPlatform().start(() -> {
            Thread.currentThread().interrupt();
            assertThatThrownBy(() ->
                            storage.write(ObjectKind.PACKFILE, mac(15), List.of(MemorySegment.ofArray(new byte[100]))))
                    .isInstanceOf(IOException.class);
        });
        writer.join();
        assertThat(storage.list(ObjectKind.PACKFILE)).containsExactly(mac(1));
        assertThat(temporaryFiles(root())).isEmpty();
    }

    @Test
    void moreObjectsThanOpenFilesAreReadByManyThreads() throws Exception {
        inThreads(4, worker -> {
            for (int i = 0; i < 40; i++) {
                Mac name = mac(20_000 + 100L * worker + i);
                storage.write(ObjectKind.PACKFILE, name, List.of(MemorySegment.ofArray(contentOf(name, 3000))));
            }
        });
        inThreads(6, worker -> {
            Random random = new Random(worker);
            for (int i = 0; i < 500; i++) {
                Mac name = mac(20_000 + 100L * random.nextInt(4) + random.nextInt(40));
                assertThat(content(storage, ObjectKind.PACKFILE, name)).isEqualTo(contentOf(name, 3000));
            }
        });
    }

    @Test
    void anObjectBeyondTwoGibibytesReadsAtItsEnd() throws IOException {
        long size = (5L << 30) + 3;
        Path big = file(ObjectKind.PACKFILE, mac(16));
        try (RandomAccessFile sparse = new RandomAccessFile(big.toFile(), "rw")) {
            sparse.seek(size - 3);
            sparse.write(new byte[] {7, 8, 9});
        }
        assertThat(storage.size(ObjectKind.PACKFILE, mac(16))).isEqualTo(size);
        byte[] end = new byte[4];
        storage.read(ObjectKind.PACKFILE, mac(16), size - 4, MemorySegment.ofArray(end));
        assertThat(end).containsExactly(0, 7, 8, 9);
    }

    @Test
    void aKilledWriterLeavesOnlyWholeObjects() throws Exception {
        for (int round = 0; round < 3; round++) {
            Process child = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Xshare:auto",
                            "-XX:TieredStopAtLevel=1",
                            "-cp",
                            System.getProperty("java.class.path"),
                            EndlessWriter.class.getName(),
                            root().toString(),
                            String.valueOf(50_000 + round))
                    .redirectErrorStream(true)
                    .redirectOutput(folder.resolve("child.log").toFile())
                    .start();
            try {
                int wanted = storage.list(ObjectKind.PACKFILE).size() + 5 + 3 * round;
                Instant deadline = Instant.now().plus(Duration.ofSeconds(60));
                while (storage.list(ObjectKind.PACKFILE).size() < wanted) {
                    assertThat(child.isAlive())
                            .as("child: %s", Files.readString(folder.resolve("child.log")))
                            .isTrue();
                    assertThat(Instant.now()).isBefore(deadline);
                }
            } finally {
                child.destroyForcibly();
            }
            assertThat(child.waitFor(30, TimeUnit.SECONDS)).isTrue();
            try (Storage opened = factory().open(place())) {
                for (Mac name : opened.list(ObjectKind.PACKFILE)) {
                    if (!name.equals(mac(1))) {
                        assertThat(content(opened, ObjectKind.PACKFILE, name))
                                .isEqualTo(contentOf(name, EndlessWriter.MAX_BYTES));
                    }
                }
            }
        }
    }

    /** Writes objects until it is killed. */
    static final class EndlessWriter {
        static final int MAX_BYTES = 3 << 20;

        private EndlessWriter() {}

        public static void main(String[] args) throws IOException {
            Random random = new Random(Long.parseLong(args[1]));
            try (Storage storage = FsStorage.open(Path.of(args[0]))) {
                while (true) {
                    Mac name = new Mac(random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong());
                    byte[] content = contentOf(name, MAX_BYTES);
                    storage.write(ObjectKind.PACKFILE, name, List.of(MemorySegment.ofArray(content)));
                }
            }
        }
    }

    @Test
    void aFullDiskIsToldAndLeavesNothing() throws Exception {
        Path disk = Files.createDirectory(folder.resolve("disk"));
        assumeTrue(
                run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk.toString()),
                "needs the right to mount a small tmpfs");
        try {
            Path root = disk.resolve("store");
            try (Storage full = FsStorage.create(root, MemorySegment.ofArray(CONFIG))) {
                assertThatThrownBy(() -> full.write(
                                ObjectKind.PACKFILE,
                                mac(17),
                                List.of(
                                        MemorySegment.ofArray(new byte[1 << 20]),
                                        MemorySegment.ofArray(new byte[2 << 20]))))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("packfile " + mac(17).shortHex())
                        .hasMessageContaining(root.toString())
                        .hasMessageContaining("No space left");
                assertThat(full.list(ObjectKind.PACKFILE)).isEmpty();
                assertThat(temporaryFiles(root)).isEmpty();
                full.write(ObjectKind.PACKFILE, mac(17), List.of(MemorySegment.ofArray(new byte[1 << 20])));
                assertThat(full.size(ObjectKind.PACKFILE, mac(17))).isEqualTo(1 << 20);
            }
        } finally {
            assertThat(run("umount", disk.toString())).isTrue();
        }
    }

    private static boolean run(String... command) throws InterruptedException {
        try {
            return new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false; // no such program
        }
    }

    @Test
    void missingRightsAreToldAsSuch() throws IOException {
        Path bucket = root().resolve("states").resolve(mac(2).hex().substring(0, 2));
        Files.setPosixFilePermissions(bucket, PosixFilePermissions.fromString("---------"));
        Files.setPosixFilePermissions(root(), PosixFilePermissions.fromString("r-x------"));
        try {
            assumeTrue(!Files.isWritable(root()), "this user may write everywhere");
            assertThat(storage.isWritable()).isFalse();
            assertThatThrownBy(() -> storage.list(ObjectKind.STATE))
                    .isInstanceOf(AccessDeniedException.class)
                    .hasMessageContaining(bucket.toString());
            assertThatThrownBy(() -> storage.size(ObjectKind.STATE, mac(2)))
                    .isInstanceOf(AccessDeniedException.class)
                    .hasMessageContaining("permission denied");
        } finally {
            Files.setPosixFilePermissions(root(), PosixFilePermissions.fromString("rwx------"));
            Files.setPosixFilePermissions(bucket, PosixFilePermissions.fromString("rwx------"));
        }
    }
}
