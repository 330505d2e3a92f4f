// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportRecord;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What macOS and Windows get, as far as this system can show it. */
final class NioTwinsTest {
    @TempDir
    Path folder;

    private final List<String> lost = new ArrayList<>();
    private Path source;
    private Path target;

    @BeforeEach
    void build() throws IOException {
        source = Files.createDirectory(folder.resolve("source"));
        target = folder.resolve("new/target");
        Files.createDirectories(source.resolve("b/deep"));
        Files.write(source.resolve("b/deep/file"), new byte[100_000]);
        Files.writeString(source.resolve("a"), "hello");
        Files.createLink(source.resolve("b/hard"), source.resolve("a"));
        Files.createSymbolicLink(source.resolve("c"), Path.of("b/deep"));
        Files.setPosixFilePermissions(source.resolve("a"), PosixFilePermissions.fromString("r-xr-----"));
        Files.setLastModifiedTime(
                source.resolve("a"), FileTime.from(Instant.ofEpochSecond(1_600_000_000, 123_456_789)));
        Files.setLastModifiedTime(source.resolve("b"), FileTime.from(Instant.ofEpochSecond(4_102_444_800L)));
    }

    private NioImporter importer() throws IOException {
        return new NioImporter(source, Collector.options(Map.of()), new FsSettings(false));
    }

    private Exporter exporter() throws IOException {
        return NioExporter.open(target, true, (path, what) -> lost.add(what));
    }

    @Test
    void treesComeBack() throws IOException {
        Collector collected = new Collector();
        try (var importer = importer();
                var exporter = exporter()) {
            collected.scan(importer);
            assertThat(collected.errors).isEmpty();
            assertThat(collected.exportTo(exporter, importer.root(), 30_000)).isEmpty();
        }
        assertThat(collected.pathsBelow(source.toString()))
                .containsExactlyElementsOf(List.of("a", "b", "c", "b/deep", "b/hard", "b/deep/file").stream()
                        .map(name -> source + "/" + name)
                        .toList());
        assertThat(collected.paths()).contains("/").doesNotHaveDuplicates();
        assertThat(target.resolve("b/deep/file")).hasBinaryContent(new byte[100_000]);
        assertThat(target.resolve("a")).hasContent("hello");
        assertThat(Files.getPosixFilePermissions(target.resolve("a")))
                .isEqualTo(PosixFilePermissions.fromString("r-xr-----"));
        for (String name : List.of("a", "b", "b/deep")) {
            assertThat(Files.getLastModifiedTime(target.resolve(name)))
                    .isEqualTo(Files.getLastModifiedTime(source.resolve(name)));
        }
        assertThat(Files.getAttribute(target.resolve("a"), "unix:ino"))
                .isEqualTo(Files.getAttribute(target.resolve("b/hard"), "unix:ino"));
        assertThat(Files.readSymbolicLink(target.resolve("c"))).isEqualTo(Path.of("b/deep"));
        assertThat(lost).singleElement().asString().contains("not restored on this system");
    }

    @Test
    void excludesAndSkippedPathsAreLeftOut() throws IOException {
        var options = new ImportOptions(
                (path, isDirectory) -> new String(path, UTF_8).endsWith("/deep"),
                true,
                Map.of(),
                List.of(source.resolve("c")));
        try (var importer = new NioImporter(source, options, new FsSettings(true))) {
            Collector collected = new Collector().scan(importer);
            assertThat(collected.pathsBelow(source.toString()))
                    .containsExactly(source + "/a", source + "/b", source + "/b/hard");
            ImportRecord directory = collected.record(source + "/b");
            assertThatThrownBy(directory::open).hasMessage("open " + source + "/b: not a regular file");
        }
    }

    @Test
    void aLinkAsRootIsFollowed() throws IOException {
        try (var importer = new NioImporter(source.resolve("c"), Collector.options(Map.of()), new FsSettings(false))) {
            Collector collected = new Collector().scan(importer);
            assertThat(collected.paths())
                    .contains(source + "/c", source + "/b/deep/file")
                    .doesNotHaveDuplicates();
            assertThat(collected.record(source + "/c").linkTarget())
                    .asString(UTF_8)
                    .isEqualTo("b/deep");
        }
    }

    @Test
    void aMissingRootIsAnError() {
        assertThatThrownBy(
                        () -> new NioImporter(source.resolve("x"), Collector.options(Map.of()), new FsSettings(false)))
                .isInstanceOf(IOException.class)
                .hasMessage("lstat " + source + "/x: no such file or directory");
    }

    @ParameterizedTest
    @CsvSource({"C:\\Users\\x, \\, /C:/Users/x", "/a/b, /, /a/b", "C:\\, \\, /C:"})
    void drivesBecomeDirectories(String path, String separator, String expected) {
        assertThat(NioImporter.snapshotPath(path, separator)).asString(UTF_8).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"..", ".", "../x", "a/../x", "/x", "a//x", "a/", "", "way/x", "a\0b"})
    void nothingIsMadeOutside(String path) throws IOException {
        byte[] bytes = path.getBytes(UTF_8);
        var info = new FileInfo(0, 0644, 0, 0, 0, 0, 0, 0, 1, "", "", 0);
        try (var exporter = exporter()) {
            Files.createSymbolicLink(target.resolve("way"), source);
            Files.createDirectory(target.resolve("a"));
            assertThatThrownBy(() -> exporter.createFile(bytes, info)).isInstanceOf(IOException.class);
            assertThatThrownBy(() -> exporter.symlink(bytes, new byte[] {'x'}, info, List.of()))
                    .isInstanceOf(IOException.class);
            assertThatThrownBy(() -> exporter.special(bytes, info, List.of())).isInstanceOf(IOException.class);
            if (!path.isEmpty()) {
                assertThatThrownBy(() -> exporter.makeDirectory(bytes)).isInstanceOf(IOException.class);
            }
            assertThatThrownBy(() -> exporter.makeDirectory("way".getBytes(UTF_8)))
                    .hasMessageContaining("file exists and is no directory");
        }
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactlyInAnyOrder(source, folder.resolve("new"));
        }
        assertThat(source.resolve("x")).doesNotExist();
    }

    @Test
    void anUnfinishedFileLeavesNothing() throws IOException {
        var info = new FileInfo(0, FileMode.SETUID | 0644, 0, 0, 0, 0, 0, 0, 1, "", "", 0);
        try (var exporter = exporter()) {
            try (var file = exporter.createFile(new byte[] {'f'}, info)) {
                file.write(MemorySegment.ofArray(new byte[10]));
            }
            Files.createDirectory(target.resolve("d"));
            try (var file = exporter.createFile(new byte[] {'d'}, info)) {
                assertThatThrownBy(() -> file.commit(List.of())).hasMessageContaining("is in the way");
            }
        }
        try (var files = Files.list(target)) {
            assertThat(files).containsExactly(target.resolve("d"));
        }
    }
}
