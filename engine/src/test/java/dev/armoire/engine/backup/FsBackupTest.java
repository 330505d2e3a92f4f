// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.armoire.connectors.fs.FsExporterFactory;
import dev.armoire.connectors.fs.FsImporterFactory;
import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.Location;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.restore.Restore;
import dev.armoire.engine.snapshot.Fixtures;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.SnapshotAudit;
import dev.armoire.engine.snapshot.TreeKind;
import dev.armoire.engine.snapshot.TreeReader;
import dev.armoire.packfile.Compression;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Backups of real folders, restored to other folders and compared. */
class FsBackupTest {
    @TempDir
    Path temporary;

    private static Importer importer(Path folder) throws IOException {
        ImportOptions options = new ImportOptions((path, isDirectory) -> false, true, Map.of(), List.of());
        return new FsImporterFactory().open(Location.parse(folder.toString()), options);
    }

    private BackupResult backUp(Path store, Path folder) throws IOException {
        try (Importer importer = importer(folder)) {
            return TestStores.backUp(store, importer);
        }
    }

    private Path restore(Path store, BackupResult result, Path source) throws IOException {
        Path target =
                temporary.resolve("restored-" + result.header().identifier().shortHex());
        TestStores.Losses losses = new TestStores.Losses();
        try (Repository repository = TestStores.open(store);
                Exporter exporter =
                        new FsExporterFactory().open(Location.parse(target.toString()), true, Map.of(), losses::lost)) {
            SnapshotAudit.all(repository);
            Restore.run(
                    repository, result.header().identifier(), SnapshotPath.of(source.toString()), exporter, losses, 2);
        }
        assertThat(losses.all).isEmpty();
        return target;
    }

    /** A line per path: kind, mode, links, time and content. */
    private static Map<String, String> image(Path root) throws IOException {
        Map<String, String> image = new TreeMap<>();
        List<Path> paths;
        try (Stream<Path> walk = Files.walk(root)) {
            paths = walk.toList();
        }
        for (Path path : paths) {
            Map<String, Object> attributes =
                    Files.readAttributes(path, "unix:mode,nlink,lastModifiedTime,size", LinkOption.NOFOLLOW_LINKS);
            String content = "";
            if (Files.isSymbolicLink(path)) {
                content = "-> " + Files.readSymbolicLink(path);
            } else if (Files.isRegularFile(path)) {
                content = attributes.get("size") + " " + Arrays.hashCode(Files.readAllBytes(path));
            }
            Object links = Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS) ? "" : attributes.get("nlink");
            image.put(
                    root.relativize(path).toString(),
                    attributes.get("mode") + " " + links + " " + attributes.get("lastModifiedTime") + " " + content);
        }
        return image;
    }

    private Path tree(int seed) throws IOException {
        Random random = new Random(seed);
        Path root = Files.createDirectory(temporary.resolve("source"));
        Path folder = root;
        for (int i = 0; i < 150; i++) {
            if (random.nextInt(10) == 0) {
                folder = Files.createDirectories((random.nextBoolean() ? root : folder).resolve("dir " + i));
            }
            Path file = folder.resolve("file-" + i + (random.nextBoolean() ? ".txt" : ".bin"));
            switch (random.nextInt(8)) {
                case 0 -> Files.createSymbolicLink(file, Path.of("../file-" + random.nextInt(150)));
                case 1 -> Files.createFile(file);
                case 2 -> {
                    Files.write(file, "one of three".getBytes(StandardCharsets.UTF_8));
                    Files.createLink(folder.resolve("link-a-" + i), file);
                    Files.createLink(root.resolve("link-b-" + i), file);
                }
                default -> {
                    byte[] data = new byte[random.nextInt(40) == 0 ? 3 << 20 : random.nextInt(5_000)];
                    if (random.nextBoolean()) {
                        random.nextBytes(data);
                    }
                    Files.write(file, data);
                    Files.setPosixFilePermissions(
                            file, PosixFilePermissions.fromString(random.nextBoolean() ? "rw-r-----" : "rwxr-xr-x"));
                    Files.setLastModifiedTime(
                            file,
                            FileTime.from(Instant.ofEpochSecond(
                                    random.nextLong(-1_000_000_000, 6_000_000_000L), random.nextInt(1_000_000_000))));
                }
            }
        }
        return root;
    }

    @ParameterizedTest
    @CsvSource({"BLAKE3, LZ4, false", "SHA256, LZ4, false", "BLAKE3, NONE, false", "BLAKE3, LZ4, true"})
    void whatComesBackIsWhatWentIn(Hashing hashing, Compression compression, boolean isEncrypted) throws IOException {
        Path source = tree(3);
        Path store = TestStores.create(temporary.resolve("store"), hashing, compression, isEncrypted);
        BackupResult first = backUp(store, source);
        assertThat(first.errors()).isZero();
        Map<String, String> before = image(source);
        assertThat(image(restore(store, first, source))).isEqualTo(before);
        BackupResult second = backUp(store, source);
        assertThat(second.newChunks()).isZero();
        assertThat(second.newBlobs()).isLessThan(30); // the directories above the source change while tests run
        Files.writeString(source.resolve("new"), "new file");
        BackupResult third = backUp(store, source);
        assertThat(third.newChunks()).isEqualTo(1);
        assertThat(image(restore(store, third, source))).isEqualTo(image(source));
    }

    @Test
    void aFileThatIsMostlyAHole() throws IOException {
        Path source = Files.createDirectory(temporary.resolve("source"));
        try (RandomAccessFile file =
                new RandomAccessFile(source.resolve("sparse").toFile(), "rw")) {
            file.setLength(200L << 20);
            file.seek(130_000_000);
            file.write("in the middle".getBytes(StandardCharsets.UTF_8));
        }
        Path store = TestStores.create(temporary.resolve("store"));
        BackupResult result = backUp(store, source);
        assertThat(result.sourceBytes()).isEqualTo(200L << 20);
        assertThat(result.newChunkBytes()).isLessThan(20 << 20);
        Path target = temporary.resolve("restored");
        TestStores.Losses losses = new TestStores.Losses();
        try (Repository repository = TestStores.open(store);
                Exporter exporter =
                        new FsExporterFactory().open(Location.parse(target.toString()), true, Map.of(), losses::lost)) {
            Restore.run(
                    repository, result.header().identifier(), SnapshotPath.of(source.toString()), exporter, losses, 2);
        }
        assertThat(losses.all).isEmpty();
        assertThat(Files.mismatch(source.resolve("sparse"), target.resolve("sparse")))
                .isEqualTo(-1);
    }

    @Test
    void aLargeFileIsRestoredByAllWorkersOrNotAtAll() throws IOException {
        Path source = Files.createDirectory(temporary.resolve("source"));
        Random random = new Random(8);
        byte[] piece = new byte[1 << 20];
        try (var out = Files.newOutputStream(source.resolve("large"))) {
            for (int i = 0; i < 90; i++) {
                random.nextBytes(piece);
                if (i % 7 == 0) {
                    Arrays.fill(piece, 5000, 900_000, (byte) 0);
                }
                out.write(piece);
            }
            out.write(new byte[3_000_001]); // ends with a hole
        }
        Path store = TestStores.create(temporary.resolve("store"));
        Mac snapshot = backUp(store, source).header().identifier();
        TestStores.Losses losses = new TestStores.Losses();
        Path target = temporary.resolve("restored");
        restore(store, snapshot, source, target, losses);
        assertThat(losses.all).isEmpty();
        assertThat(Files.mismatch(source.resolve("large"), target.resolve("large")))
                .isEqualTo(-1);

        Path packfile;
        try (Stream<Path> files = Files.walk(store.resolve("packfiles"))) {
            packfile = files.filter(file -> file.toFile().length() > 20 << 20)
                    .findFirst()
                    .orElseThrow();
        }
        packfile.toFile().setWritable(true);
        try (RandomAccessFile file = new RandomAccessFile(packfile.toFile(), "rw")) {
            file.seek(10 << 20);
            int old = file.read();
            file.seek(10 << 20);
            file.write(old ^ 1);
        }
        Path second = temporary.resolve("damaged");
        restore(store, snapshot, source, second, losses);
        assertThat(losses.all).singleElement().asString().contains("large: chunk ");
        try (Stream<Path> left = Files.list(second)) {
            assertThat(left).isEmpty();
        }
    }

    private static void restore(Path store, Mac snapshot, Path source, Path target, TestStores.Losses losses)
            throws IOException {
        try (Repository repository = TestStores.open(store);
                Exporter exporter =
                        new FsExporterFactory().open(Location.parse(target.toString()), true, Map.of(), losses::lost)) {
            Restore.run(repository, snapshot, SnapshotPath.of(source.toString()), exporter, losses, 4);
        }
    }

    /** The tree that Plakar backed up into the fixture, backed up by us into a copy of it: all content is there already. */
    @Test
    void contentIsCutAndNamedAsByPlakar() throws Exception {
        boolean isSuperuser = Files.getAttribute(Files.createFile(temporary.resolve("probe")), "unix:uid")
                .equals(0);
        assumeTrue(isSuperuser, "making device nodes needs root");
        Path source = temporary.resolve("small");
        Process maker;
        try {
            maker = new ProcessBuilder(
                            "python3", Fixtures.path("make-source.py").toString(), "small", source.toString(), "1")
                    .redirectErrorStream(true)
                    .redirectOutput(temporary.resolve("maker.log").toFile())
                    .start();
        } catch (IOException e) {
            assumeTrue(false, "no python3 here");
            return;
        }
        boolean isMade = maker.waitFor(60, TimeUnit.SECONDS) && maker.exitValue() == 0;
        assumeTrue(isMade, "make-source.py: " + Files.readString(temporary.resolve("maker.log")));
        Path store = Fixtures.copy("plaintext", temporary.resolve("store"));
        Set<Mac> before;
        try (Repository repository = TestStores.open(store)) {
            before = objects(repository);
        }
        BackupResult result = backUp(store, source);
        assertThat(result.errors()).isZero();
        assertThat(result.newChunks()).isZero();
        try (Repository repository = TestStores.open(store);
                BlobReader reader = repository.newReader()) {
            SnapshotAudit.all(repository);
            Set<Mac> added = objects(repository);
            added.removeAll(before);
            Mac listings =
                    result.header().source().index(SnapshotHeader.DIRPACK_INDEX).orElseThrow();
            new TreeReader(TreeKind.INDEX, reader, listings).scan(new byte[0], (path, object) -> {
                added.remove(object);
                return true;
            });
            // Plakar never read the value of this one attribute (format 2a §9).
            added.removeIf(object -> ObjectReader.record(reader, object).size() == 256);
            assertThat(added).as("objects that Plakar had not stored").isEmpty();
        }
    }

    private static Set<Mac> objects(Repository repository) {
        Set<Mac> objects = new HashSet<>();
        repository.index().forEach((type, mac, packfile, offset, length) -> {
            if (type == ResourceType.OBJECT) {
                objects.add(mac);
            }
        });
        return objects;
    }
}
