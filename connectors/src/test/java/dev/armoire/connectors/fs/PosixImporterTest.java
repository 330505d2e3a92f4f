// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.armoire.connectors.ffi.Errno;
import dev.armoire.connectors.ffi.OpenFlags;
import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.ServiceLoader;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PosixImporterTest {
    @TempDir
    Path folder;

    private RawTree tree;
    private String root;

    @BeforeEach
    void open() {
        assumeTrue(Posix.isAvailable(), "no Linux");
        tree = new RawTree(folder);
        root = folder.toString();
    }

    @AfterEach
    void close() {
        tree.close();
    }

    private static byte[] text(String text) {
        return text.getBytes(UTF_8);
    }

    private Collector scan(String path) throws IOException {
        try (var importer = Collector.importer(path)) {
            return new Collector().scan(importer);
        }
    }

    @Test
    void isFoundAsAService() {
        assertThat(ServiceLoader.load(ImporterFactory.class))
                .anyMatch(factory ->
                        factory.accepts(Location.parse("/a")) && factory.accepts(Location.parseSource("b.ptar")))
                .noneMatch(factory -> factory.accepts(Location.parse("nowhere://h/b")));
    }

    @Test
    void readingAheadBringsWhatIsNotInMemoryAndChangesNothing() throws IOException {
        byte[] content = new byte[300_000];
        new Random(7).nextBytes(content);
        tree.directory("d", 0755).file("f", content, 0644);
        Path file = folder.resolve("f");
        try (var importer = Collector.importer(root)) {
            Collector collected = new Collector().scan(importer);
            ImportRecord record = collected.record(root + "/f");
            assertThat(record.readAhead())
                    .as("written just now, so it is in memory")
                    .isFalse();
            boolean wasDropped = drop(file);
            assertThat(record.readAhead()).isEqualTo(wasDropped);
            try (var opened = record.open();
                    Arena arena = Arena.ofConfined()) {
                MemorySegment into = arena.allocate(content.length + 1);
                assertThat(opened.read(into)).isEqualTo(content.length);
                assertThat(into.asSlice(0, content.length).mismatch(MemorySegment.ofArray(content)))
                        .isEqualTo(-1);
            }
            Files.delete(file);
            assertThat(record.readAhead()).as("gone").isFalse();
            long open = openDescriptors();
            for (int i = 0; i < 50; i++) {
                record.readAhead();
                collected.record(root + "/d").readAhead();
            }
            assertThat(openDescriptors()).isLessThan(open + 50);
        }
    }

    private static long openDescriptors() throws IOException {
        try (var names = Files.list(Path.of("/proc/self/fd"))) {
            return names.count();
        }
    }

    /** False where the file system keeps everything in memory. */
    private static boolean drop(Path file) {
        try (Posix posix = Posix.take()) {
            int fd = posix.openat(Posix.WORKING_DIRECTORY, text(file.toString()), OpenFlags.READ_ONLY, 0);
            posix.forgetContent(fd);
            boolean isAbsent = posix.askForBegin(fd) == -Errno.EAGAIN;
            posix.closeFile(fd);
            return isAbsent;
        }
    }

    @Test
    void siblingsComeTogetherInByteOrderAndParentsFirst() throws IOException {
        tree.directory("b", 0755).directory("a", 0755).directory("a/sub", 0755).directory("a.d", 0755);
        tree.file("a/2", text("2"), 0644).file("a/sub/x", text("x"), 0644).file("B", text(""), 0644);
        tree.file("b/\u00ff", text(""), 0644).file("b/z", text(""), 0644).file("a.d/1", text(""), 0644);
        Collector collected = scan(root + "/./x/..//");
        assertThat(collected.errors).isEmpty();
        assertThat(collected.pathsBelow(root))
                .containsExactlyElementsOf(
                        List.of("B", "a", "a.d", "b", "a/2", "a/sub", "a/sub/x", "a.d/1", "b/z", "b/\u00ff").stream()
                                .map(name -> root + "/" + name)
                                .toList());
        List<String> parents = new ArrayList<>();
        for (Path at = folder; at != null; at = at.getParent()) {
            parents.addFirst(at.toString());
        }
        assertThat(collected.paths()).startsWith(parents.toArray(String[]::new)).doesNotHaveDuplicates();
        ImportRecord parent = collected.record("/");
        assertThat(parent.info().username()).isEmpty();
        assertThat(parent.info().groupname()).isEmpty();
        assertThat(FileMode.isDirectory(parent.info().mode())).isTrue();
        assertThat(collected.record(root + "/B").info().username()).isEqualTo(System.getProperty("user.name"));
    }

    @Test
    void tellsWhatItIs() throws IOException {
        try (var importer = Collector.importer(root + "//")) {
            assertThat(importer.type()).isEqualTo("fs");
            assertThat(importer.origin()).isNotBlank().doesNotContain("\n");
            assertThat(importer.root()).asString(UTF_8).isEqualTo(root);
        }
    }

    @Test
    void aSymbolicLinkAsRootIsKeptWithItsTarget() throws IOException {
        tree.directory("real", 0755).file("real/file", text("1"), 0644);
        tree.symlink("second", "real").directory("links", 0755).symlink("links/first", "../second");
        Collector collected = new Collector();
        try (var importer = Collector.importer(root + "/links/first")) {
            importer.scan(collected);
            assertThat(Collector.content(collected.record(root + "/real/file"), 10))
                    .isEqualTo(text("1"));
        }
        assertThat(collected.errors).isEmpty();
        assertThat(collected.paths()).doesNotHaveDuplicates().contains(root + "/links", root, "/");
        assertThat(collected.record(root + "/links/first").linkTarget())
                .asString(UTF_8)
                .isEqualTo("../second");
        assertThat(collected.record(root + "/second").linkTarget())
                .asString(UTF_8)
                .isEqualTo("real");
        assertThat(collected.paths()).doesNotContain(root + "/links/first/file");
    }

    @Test
    void aLinkToADirectoryAboveItIsMetOnce() throws IOException {
        tree.directory("in", 0755).symlink("in/up", "..");
        Collector collected = scan(root + "/in/up");
        assertThat(collected.paths()).doesNotHaveDuplicates().contains(root + "/in/up", root + "/in");
        assertThat(collected.errors).isEmpty();
    }

    @Test
    void linksThatGoRoundAreRefused() {
        tree.symlink("a", "b").symlink("b", "a");
        assertThatThrownBy(() -> Collector.importer(root + "/a"))
                .isInstanceOf(IOException.class)
                .hasMessage("readlink " + root + "/a: too many levels of symbolic links");
    }

    @Test
    void aParentThatIsALinkIsToldAsADirectory() throws IOException {
        tree.directory("real", 0755).directory("real/in", 0755).file("real/in/f", text("x"), 0644);
        tree.symlink("link", "real");
        try (var importer = Collector.importer(root + "/link/in")) {
            Collector collected = new Collector().scan(importer);
            assertThat(FileMode.isDirectory(
                            collected.record(root + "/link").info().mode()))
                    .isTrue();
            assertThat(Collector.content(collected.record(root + "/link/in/f"), 10))
                    .isEqualTo(text("x"));
        }
    }

    @Test
    void aSingleFileComesWithItsParents() throws IOException {
        tree.file("one", text("content"), 0640).file("two", text(""), 0644).xattrOrSkip("one", "user.a", text("v"));
        try (var importer = Collector.importer(root + "/one")) {
            Collector collected = new Collector().scan(importer);
            assertThat(collected.pathsBelow(root)).containsExactly(root + "/one");
            ImportRecord one = collected.record(root + "/one");
            assertThat(Collector.content(one, 3)).isEqualTo(text("content"));
            assertThat(one.readXattr(text("user.a"))).isEqualTo(text("v"));
        }
    }

    @Test
    void aMissingRootIsAnError() {
        assertThatThrownBy(() -> Collector.importer(root + "/nosuch"))
                .isInstanceOf(IOException.class)
                .hasMessage("lstat " + root + "/nosuch: no such file or directory");
    }

    @Test
    void excludesAreAskedOnceAndNotEntered() throws IOException {
        tree.directory("out", 0755).file("out/inside", text(""), 0644).directory("in", 0755);
        tree.file("in/out.txt", text(""), 0644).file("in/keep", text(""), 0644);
        List<String> asked = new ArrayList<>();
        ImportOptions.Excludes excludes = (path, isDirectory) -> {
            String name = new String(path, ISO_8859_1);
            asked.add(name);
            assertThat(isDirectory)
                    .as(name)
                    .isEqualTo(Set.of(root, root + "/out", root + "/in").contains(name));
            return name.contains("/out");
        };
        try (var importer = Collector.importer(root, new ImportOptions(excludes, true, Map.of(), List.of()))) {
            Collector collected = new Collector().scan(importer);
            assertThat(collected.pathsBelow(root)).containsExactly(root + "/in", root + "/in/keep");
        }
        assertThat(asked)
                .containsExactlyInAnyOrder(root, root + "/out", root + "/in", root + "/in/out.txt", root + "/in/keep");
    }

    @Test
    void theStoreIsLeftOutUnderAnyName() throws IOException {
        tree.directory("data", 0755).directory("store", 0755).file("store/CONFIG", text(""), 0644);
        tree.file("data.ptar", text(""), 0644).link("data/same", "data.ptar").directory("store2", 0755);
        tree.symlink("alias", "store");
        List<Path> skipped = List.of(folder.resolve("alias"), folder.resolve("data.ptar"), Path.of("/nonexistent"));
        try (var importer =
                Collector.importer(root, new ImportOptions((path, isDirectory) -> false, true, Map.of(), skipped))) {
            assertThat(new Collector().scan(importer).pathsBelow(root))
                    .containsExactly(root + "/data", root + "/store2");
        }
    }

    @Test
    void whatVanishesIsToldInGoWords() throws IOException {
        tree.directory("a", 0755)
                .file("b", text(""), 0644)
                .file("c", text("soon gone"), 0644)
                .file("d", text("x"), 0644);
        Collector collected = new Collector() {
            @Override
            public void record(ImportRecord record) {
                super.record(record);
                if (new String(record.path(), UTF_8).equals(root + "/a")) {
                    tree.rmdir("a").remove("b");
                } else if (new String(record.path(), UTF_8).equals(root + "/d")) {
                    tree.remove("c").remove("d").node("d", RawTree.FIFO | 0600, 0);
                }
            }
        };
        try (var importer = Collector.importer(root)) {
            importer.scan(collected);
            assertThat(collected.errors)
                    .containsExactly(
                            "lstat " + root + "/b: no such file or directory",
                            "open " + root + "/a: no such file or directory");
            assertThatThrownBy(() -> collected.record(root + "/c").open())
                    .hasMessage("open " + root + "/c: no such file or directory");
            assertThatThrownBy(() -> collected.record(root + "/d").open())
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(root + "/d: no regular file any more");
        }
        assertThatThrownBy(() -> collected.record(root + "/d").open()).hasMessageContaining("the source is closed");
    }

    @Test
    void aFileReplacedByALinkIsNotFollowed() throws IOException {
        tree.directory("in", 0755).file("in/f", text("good"), 0644).file("secret", text("secret"), 0600);
        tree.directory("other", 0755).file("other/f", text("bad"), 0644);
        try (var importer = Collector.importer(root)) {
            Collector collected = new Collector().scan(importer);
            tree.remove("in/f").symlink("in/f", "../secret");
            ImportRecord record = collected.record(root + "/in/f");
            assertThatThrownBy(record::open).hasMessage("open " + root + "/in/f: too many levels of symbolic links");
            tree.remove("in/f").rmdir("in").symlink("in", "other");
            assertThatThrownBy(record::open).hasMessage("open " + root + "/in/f: too many levels of symbolic links");
        }
    }

    @Test
    void unreadableThingsAreToldAndTheRestGoesOn() throws IOException {
        assumeTrue(!RawTree.isSuperuser(), "needs an unprivileged user");
        tree.directory("closed", 0).file("noread", text("x"), 0).file("z", text("z"), 0644);
        try (var importer = Collector.importer(root)) {
            Collector collected = new Collector().scan(importer);
            assertThat(collected.errors).containsExactly("open " + root + "/closed: permission denied");
            assertThat(collected.pathsBelow(root)).containsExactly(root + "/closed", root + "/noread", root + "/z");
            assertThatThrownBy(() -> collected.record(root + "/noread").open())
                    .hasMessage("open " + root + "/noread: permission denied");
        } finally {
            tree.mode("closed", 0700);
        }
        tree.mode("closed", 0);
        try (var importer = Collector.importer(root + "/closed")) {
            assertThatThrownBy(() -> importer.scan(new Collector()))
                    .hasMessage("open " + root + "/closed: permission denied");
        } finally {
            tree.mode("closed", 0700);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1 << 20, 4096, 1000, 1 << 16})
    void holesReadAsZeros(int step) throws IOException {
        byte[] data = new byte[60_000];
        new Random(5).nextBytes(data);
        tree.sparse("middle", 3 << 20, 1_234_567, data)
                .sparse("end", 700_000, 600_000, data)
                .sparse("all", 999_999, 0, new byte[0]);
        try (var importer = Collector.importer(root)) {
            Collector collected = new Collector().scan(importer);
            for (String name : List.of("middle", "end", "all")) {
                assertThat(Collector.content(collected.record(root + "/" + name), step))
                        .isEqualTo(tree.content(name));
            }
            try (var content = collected.record(root + "/end").open()) {
                byte[] heap = new byte[700_001];
                assertThat(content.read(MemorySegment.ofArray(heap))).isEqualTo(700_000);
                assertThat(content.read(MemorySegment.ofArray(heap))).isZero();
            }
        }
    }

    @Test
    void filesThatAreNotWhatTheirSizeSaysAreReadToTheEnd() throws IOException {
        assumeTrue(Files.exists(Path.of("/proc/self/status")), "no /proc");
        try (var importer = Collector.importer("/proc/self/status")) {
            Collector collected = new Collector().scan(importer);
            ImportRecord status = collected.records.getLast();
            assertThat(status.info().size()).isZero();
            assertThat(new String(Collector.content(status, 100), UTF_8)).contains("Pid:");
        }
    }

    @Test
    void veryDeepTreesAreReadWithFewDescriptors() throws Exception {
        int depth = 2100;
        String name = "d".repeat(10);
        try (Posix posix = Posix.take()) {
            int at = posix.openat(Posix.WORKING_DIRECTORY, text(root), 0, 0);
            for (int i = 0; i < depth; i++) {
                assertThat(posix.mkdirat(at, text(name), 0755)).isZero();
                posix.mkdirat(at, text("e"), 0755); // so that the way back is needed
                int next = posix.openat(at, text(name), 0, 0);
                posix.closeFile(at);
                at = next;
            }
            assertThat(posix.mknodat(at, text("leaf"), 0100644, 0)).isZero();
            posix.closeFile(at);
        }
        int[] mostOpen = {0};
        Collector collected = new Collector() {
            @Override
            public void record(ImportRecord record) {
                super.record(record);
                if (records.size() % 500 == 0) {
                    String[] open = new java.io.File("/proc/self/fd").list();
                    mostOpen[0] = Math.max(mostOpen[0], open == null ? 0 : open.length);
                }
            }
        };
        try (var importer = Collector.importer(root)) {
            int before = java.util.Objects.requireNonNull(new java.io.File("/proc/self/fd").list()).length;
            importer.scan(collected);
            assertThat(collected.errors).isEmpty();
            assertThat(collected.pathsBelow(root)).hasSize(2 * depth + 1);
            assertThat(mostOpen[0]).isLessThan(before + 80);
            ImportRecord leaf = collected.records.stream()
                    .filter(record -> new String(record.path(), UTF_8).endsWith("/leaf"))
                    .findFirst()
                    .orElseThrow();
            assertThat(leaf.path().length).isGreaterThan(20_000);
            assertThat(Collector.content(leaf, 10)).isEmpty();
        } finally {
            assertThat(new ProcessBuilder("rm", "-rf", root + "/" + name)
                            .start()
                            .waitFor())
                    .isZero();
        }
    }

    @Test
    void attributesAreReadLater() throws IOException {
        tree.directory("d", 0755).symlink("l", "d");
        tree.file("f", text(""), 0644).xattrOrSkip("f", "user.a", text("1")).xattrOrSkip("d", "user.b", text(""));
        try (var importer = Collector.importer(root)) {
            Collector collected = new Collector().scan(importer);
            assertThat(collected.record(root + "/f").xattrNames()).contains(text("user.a"));
            assertThat(collected.record(root + "/f").readXattr(text("user.a"))).isEqualTo(text("1"));
            assertThat(collected.record(root + "/d").readXattr(text("user.b"))).isEmpty();
            assertThat(collected.record(root + "/l").xattrNames()).isEmpty();
            assertThatThrownBy(() -> collected.record(root + "/f").readXattr(text("user.none")))
                    .hasMessage("getxattr " + root + "/f: no data available");
        }
        try (var importer =
                Collector.importer(root, new ImportOptions((path, isDirectory) -> false, false, Map.of(), List.of()))) {
            assertThat(new Collector().scan(importer).record(root + "/f").xattrNames())
                    .isEmpty();
        }
    }

    @Test
    void otherFileSystemsCanBeLeftOut() throws IOException {
        assumeTrue(Files.isDirectory(Path.of("/proc/sys")), "no /proc");
        ImportOptions.Excludes allButProc = (path, isDirectory) -> {
            String name = new String(path, ISO_8859_1);
            return !name.equals("/") && !name.equals("/proc") && !name.equals("/dev");
        };
        for (boolean stays : new boolean[] {true, false}) {
            var options = new ImportOptions(
                    allButProc, false, Map.of("dont_traverse_fs", Boolean.toString(stays)), List.of());
            try (var importer = Collector.importer("/", options)) {
                assertThat(new Collector().scan(importer).paths().contains("/proc"))
                        .isEqualTo(!stays);
            }
        }
    }

    @Test
    void unknownSettingsAreRefused() {
        assertThatThrownBy(() -> Collector.importer(root, Collector.options(Map.of("dont_traverse", "true"))))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("unknown setting dont_traverse;")
                .hasMessageContaining("dont_traverse_fs=true");
        assertThatThrownBy(() -> Collector.importer(root, Collector.options(Map.of("dont_traverse_fs", "yes"))))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("true or false, not yes");
    }

    @Test
    void stopsWhenToldTo() throws IOException {
        for (int i = 0; i < 50; i++) {
            tree.file("f" + i, text(""), 0644);
        }
        Collector collected = new Collector();
        collected.stopAfter = 20;
        try (var importer = Collector.importer(root)) {
            importer.scan(collected);
        }
        assertThat(collected.records).hasSize(20);
    }
}
