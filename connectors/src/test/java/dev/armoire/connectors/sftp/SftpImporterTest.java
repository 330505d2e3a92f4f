// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SftpImporterTest {
    @TempDir
    static Path folder;

    private static SshServer server;
    private static Path tree;
    private static final byte[] LARGE = new byte[5_000_003];

    @BeforeAll
    static void startServer() throws Exception {
        server = SshServer.start(folder);
        tree = Files.createDirectories(folder.resolve("tree/a/é"));
        tree = folder.resolve("tree");
        new Random(4).nextBytes(LARGE);
        Files.write(tree.resolve("a/large"), LARGE);
        Files.writeString(tree.resolve("a/é/small"), "small");
        Files.createFile(tree.resolve("empty"));
        Files.createSymbolicLink(tree.resolve("link"), Path.of("a/nowhere"));
        Files.setPosixFilePermissions(tree.resolve("empty"), PosixFilePermissions.fromString("rw-r-x--x"));
        Files.setLastModifiedTime(tree.resolve("empty"), FileTime.fromMillis(1_000_000_000_000L));
    }

    @AfterAll
    static void stopServer() throws Exception {
        if (server != null) {
            server.kill();
        }
    }

    private static ImportOptions options(String excluded) {
        return new ImportOptions(
                (path, isDirectory) -> new String(path, StandardCharsets.UTF_8).endsWith(excluded),
                true,
                Map.of(),
                List.of());
    }

    private static final class Found implements ImportSink {
        final Map<String, ImportRecord> records = new TreeMap<>();
        final List<String> errors = new ArrayList<>();

        @Override
        public void record(ImportRecord record) {
            assertThat(records.put(new String(record.path(), StandardCharsets.UTF_8), record))
                    .isNull();
        }

        @Override
        public void error(byte[] path, String message) {
            errors.add(message);
        }

        @Override
        public boolean isStopped() {
            return false;
        }

        ImportRecord at(Path path) {
            return Objects.requireNonNull(records.get(path.toString()), path.toString());
        }
    }

    private static Importer open(Path path, String excluded) throws IOException {
        return new SftpImporterFactory(server.home, variable -> null).open(server.at(path), options(excluded));
    }

    @Test
    void whatIsThereIsToldOnceWithItsMetadata() throws Exception {
        Found found = new Found();
        try (Importer importer = open(tree, "/excluded")) {
            assertThat(importer.type()).isEqualTo("sftp");
            assertThat(importer.origin()).isEqualTo("127.0.0.1:" + server.port);
            assertThat(new String(importer.root(), StandardCharsets.UTF_8)).isEqualTo(tree.toString());
            importer.scan(found);
            assertThat(found.errors).isEmpty();
            List<String> expected = new ArrayList<>();
            for (Path path = tree.getParent(); path != null; path = path.getParent()) {
                expected.add(path.toString());
            }
            try (var files = Files.walk(tree)) {
                files.forEach(file -> expected.add(file.toString()));
            }
            assertThat(found.records.keySet()).containsExactlyInAnyOrderElementsOf(expected);
            assertThat(found.at(tree.resolve("link")).linkTarget()).asString().isEqualTo("a/nowhere");
            assertThat(FileMode.isSymlink(found.at(tree.resolve("link")).info().mode()))
                    .isTrue();
            var info = found.at(tree.resolve("empty")).info();
            assertThat(info.mode()).isEqualTo(0651);
            assertThat(info.mtimeSeconds()).isEqualTo(1_000_000_000L);
            assertThat(info.uid()).isEqualTo(((Integer) Files.getAttribute(tree, "unix:uid")).longValue());
            assertThat(content(found.at(tree.resolve("a/large")))).isEqualTo(LARGE);
            assertThat(content(found.at(tree.resolve("a/é/small")))).asString().isEqualTo("small");
            assertThat(content(found.at(tree.resolve("empty")))).isEmpty();
        }
    }

    /** More folders than are listed at once, one with more items than are kept for later, and files that are read ahead. */
    @Test
    void manyFoldersAndFilesComeAsOneByOne() throws Exception {
        Path many = Files.createDirectories(folder.resolve("many"));
        Map<String, byte[]> contents = new TreeMap<>();
        Random random = new Random(8);
        for (int i = 0; i < 60; i++) {
            Path one = Files.createDirectories(many.resolve("d" + i % 7 + "/e" + i));
            for (int j = 0; j < 5; j++) {
                byte[] content = new byte[j == 0 ? 0 : random.nextInt(j == 1 ? 200_000 : 70_000)];
                random.nextBytes(content);
                Files.write(one.resolve("f" + j), content);
                contents.put(one.resolve("f" + j).toString(), content);
                Files.createSymbolicLink(one.resolve("l" + j), Path.of("f" + j + i));
            }
        }
        Path wide = Files.createDirectories(many.resolve("d3/wide"));
        for (int i = 0; i < 2300; i++) {
            Files.createFile(wide.resolve("" + i));
            contents.put(wide.resolve("" + i).toString(), new byte[0]);
        }
        Found found = new Found();
        try (Importer importer = open(many, "/excluded")) {
            importer.scan(found);
            assertThat(found.errors).isEmpty();
            List<String> expected = new ArrayList<>();
            try (var files = Files.walk(many)) {
                files.forEach(file -> expected.add(file.toString()));
            }
            assertThat(found.records.keySet()).containsAll(expected);
            Path grown = many.resolve("d0/e0/f2");
            Path shrunk = many.resolve("d1/e1/f3");
            Files.write(grown, new byte[90_000]);
            Files.write(shrunk, new byte[3]);
            for (Map.Entry<String, byte[]> file : contents.entrySet()) {
                found.at(Path.of(file.getKey())).readAhead();
            }
            for (Map.Entry<String, byte[]> file : contents.entrySet()) {
                Path path = Path.of(file.getKey());
                byte[] content = path.equals(grown) || path.equals(shrunk) ? Files.readAllBytes(path) : file.getValue();
                assertThat(contentAsItIs(found.at(path))).as(file.getKey()).isEqualTo(content);
            }
            for (int i = 0; i < 60; i++) {
                assertThat(found.at(many.resolve("d" + i % 7 + "/e" + i + "/l4"))
                                .linkTarget())
                        .asString()
                        .isEqualTo("f4" + i);
            }
        }
    }

    private static byte[] contentAsItIs(ImportRecord record) throws IOException {
        byte[] room = new byte[1_000_000];
        try (ImportRecord.Content opened = record.open()) {
            int count = (int) opened.read(MemorySegment.ofArray(room));
            assertThat(Objects.requireNonNull(opened.version()).size()).isEqualTo(count);
            return Arrays.copyOf(room, count);
        }
    }

    private static byte[] content(ImportRecord record) throws IOException {
        byte[] content = new byte[(int) record.info().size()];
        try (ImportRecord.Content opened = record.open()) {
            long at = 0;
            byte[] some = new byte[1_000_000];
            for (long count = opened.read(MemorySegment.ofArray(some));
                    count > 0;
                    count = opened.read(MemorySegment.ofArray(some))) {
                System.arraycopy(some, 0, content, (int) at, (int) count);
                at += count;
            }
            assertThat(at).isEqualTo(content.length);
            assertThat(Objects.requireNonNull(opened.version()).size()).isEqualTo(content.length);
        }
        return content;
    }

    @Test
    void whatIsExcludedIsNotEntered() throws Exception {
        Found found = new Found();
        try (Importer importer = open(tree, "/a")) {
            importer.scan(found);
        }
        assertThat(found.records).containsKey(tree.resolve("empty").toString());
        assertThat(found.records.keySet())
                .noneMatch(path -> path.startsWith(tree.resolve("a").toString()));
    }

    @Test
    void aSingleFileAndNothing() throws Exception {
        Found found = new Found();
        try (Importer importer = open(tree.resolve("a/large"), "/excluded")) {
            importer.scan(found);
            assertThat(content(found.at(tree.resolve("a/large")))).isEqualTo(LARGE);
        }
        assertThatThrownBy(() -> open(tree.resolve("nothing"), "/excluded"))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("nothing");
        assertThat(ImporterFactory.find(server.at(tree))).isInstanceOf(SftpImporterFactory.class);
    }
}
