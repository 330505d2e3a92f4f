// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.ExporterFactory;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PosixExporterTest {
    @TempDir
    Path folder;

    private final List<String> lost = new ArrayList<>();
    private Path target;
    private Path outside;
    private RawTree tree;
    private Exporter exporter;
    private long uid;
    private long gid;

    @BeforeEach
    void open() throws IOException {
        assumeTrue(Posix.isAvailable(), "no Linux");
        target = Files.createDirectory(folder.resolve("target"));
        outside = Files.createDirectory(folder.resolve("outside"));
        Files.writeString(outside.resolve("precious"), "precious");
        tree = new RawTree(target);
        exporter = Collector.exporter(target, true, lost);
        uid = ((Integer) Files.getAttribute(target, "unix:uid")).longValue();
        gid = ((Integer) Files.getAttribute(target, "unix:gid")).longValue();
    }

    @AfterEach
    void nothingOutsideIsTouched() throws IOException {
        exporter.close();
        tree.close();
        try (var files = Files.list(outside)) {
            assertThat(files).containsExactly(outside.resolve("precious"));
        }
        assertThat(outside.resolve("precious")).hasContent("precious");
        try (var files = Files.walk(target)) {
            assertThat(files).noneMatch(path -> path.getFileName().toString().startsWith(".armoire-"));
        }
    }

    private FileInfo info(int mode) {
        return new FileInfo(-1, mode, 1_600_000_000, 5, 0, 0, uid, gid, 1, "", "", 0);
    }

    private static byte[] raw(String path) {
        return path.getBytes(ISO_8859_1);
    }

    private void write(String path, String content) throws IOException {
        write(exporter, path, content.getBytes(UTF_8), 0644);
    }

    private void write(Exporter to, String path, byte[] content, int mode) throws IOException {
        try (var file = to.createFile(raw(path), info(mode))) {
            file.write(MemorySegment.ofArray(content));
            file.commit(List.of());
        }
    }

    private List<Callable<?>> everyWayToMake(String path) {
        return List.of(
                () -> {
                    write(path, "evil");
                    return 0;
                },
                () -> {
                    exporter.makeDirectory(raw(path));
                    return 0;
                },
                () -> {
                    exporter.symlink(raw(path), raw("/etc"), info(FileMode.SYMLINK), List.of());
                    return 0;
                },
                () -> {
                    exporter.special(raw(path), info(FileMode.PIPE | 0600), List.of());
                    return 0;
                },
                () -> {
                    exporter.link(raw(path), raw("file"));
                    return 0;
                },
                () -> {
                    exporter.link(raw("file2"), raw(path));
                    return 0;
                });
    }

    @Test
    void isFoundAsAService() {
        assertThat(ServiceLoader.load(ExporterFactory.class))
                .anyMatch(factory -> factory.accepts(Location.parse("/a")))
                .noneMatch(factory -> factory.accepts(Location.parse("nowhere://h/b")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"..", ".", "../outside/x", "a/../x", "/etc/x", "a//x", "a/", "a/.", "x\0y", "/"})
    void refusesNamesThatNoFileHas(String path) throws IOException {
        write("file", "");
        for (Callable<?> way : everyWayToMake(path)) {
            assertThatThrownBy(way::call).isInstanceOf(IOException.class).hasMessageContaining("refused the name");
        }
        assertThatThrownBy(() -> exporter.finishDirectory(raw(path), info(FileMode.DIRECTORY | 0777), List.of()))
                .isInstanceOf(IOException.class);
        assertThat(tree.manifest()).containsOnlyKeys("file");
    }

    @Test
    void neverPassesThroughASymbolicLink() throws IOException {
        write("file", "");
        Files.createSymbolicLink(target.resolve("way"), outside);
        Files.createSymbolicLink(target.resolve("relative"), Path.of("../outside"));
        Files.createDirectory(target.resolve("inner"));
        Files.createSymbolicLink(target.resolve("inner/way"), outside);
        for (String path : List.of("way/x", "relative/x", "inner/way/x", "way/sub/x", "way/precious")) {
            for (Callable<?> way : everyWayToMake(path)) {
                assertThatThrownBy(way::call)
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("file exists and is no directory");
            }
        }
        assertThatThrownBy(() -> exporter.makeDirectory(raw("way")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("target/way: file exists and is no directory");
        assertThatThrownBy(() -> exporter.finishDirectory(raw("way"), info(FileMode.DIRECTORY), List.of()))
                .isInstanceOf(IOException.class);
        assertThatThrownBy(() -> exporter.makeDirectory(raw("file")))
                .hasMessageContaining("file exists and is no directory");
    }

    @Test
    void replacesFilesAndLinksButNoDirectories() throws IOException {
        Files.createSymbolicLink(target.resolve("link"), outside.resolve("precious"));
        Files.writeString(target.resolve("old"), "old");
        Files.createLink(target.resolve("also-old"), target.resolve("old"));
        Files.createDirectory(target.resolve("directory"));
        write("link", "new");
        write("old", "new");
        assertThat(target.resolve("link")).isRegularFile().hasContent("new");
        assertThat(target.resolve("old")).hasContent("new");
        assertThat(target.resolve("also-old")).hasContent("old");
        assertThatThrownBy(() -> write("directory", "new"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("a directory of this name is in the way");
        assertThatThrownBy(() -> exporter.symlink(raw("directory"), raw("x"), info(FileMode.SYMLINK), List.of()))
                .hasMessageContaining("a directory of this name is in the way");
        exporter.symlink(raw("old"), raw("there"), info(FileMode.SYMLINK | 0777), List.of());
        exporter.symlink(raw("old"), raw("here"), info(FileMode.SYMLINK | 0777), List.of());
        assertThat(Files.readSymbolicLink(target.resolve("old"))).isEqualTo(Path.of("here"));
        exporter.special(raw("link"), info(FileMode.PIPE | 0640), List.of());
        exporter.link(raw("also-old"), raw("old"));
        exporter.link(raw("also-old"), raw("old"));
        assertThat(Files.readSymbolicLink(target.resolve("also-old"))).isEqualTo(Path.of("here"));
        assertThat(lost).isEmpty();
    }

    @Test
    void nothingIsSeenBeforeTheCommit() throws IOException {
        Files.writeString(target.resolve("file"), "old");
        try (var file = exporter.createFile(raw("file"), info(0644))) {
            file.write(MemorySegment.ofArray(new byte[100_000]));
            file.write(MemorySegment.ofArray(raw("new")));
            assertThat(target.resolve("file")).hasContent("old");
        }
        assertThat(target.resolve("file")).hasContent("old");
        assertThat(tree.manifest()).containsOnlyKeys("file");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 100, 4095, 4096, 4097, 100_000, 1 << 20})
    void holesAreWhereZerosAre(int step) throws IOException {
        byte[] content = new byte[300_000];
        Random random = new Random(9);
        for (int i = 0; i < 40; i++) {
            int at = random.nextInt(content.length / 2);
            content[at] = (byte) random.nextInt();
        }
        content[200_000] = 1;
        try (var file = exporter.createFile(raw("file"), info(0644))) {
            for (int at = 0; at < content.length; at += step) {
                int length = Math.min(step, content.length - at);
                file.write(MemorySegment.ofArray(content).asSlice(at, length));
            }
            file.commit(List.of());
        }
        assertThat(Files.readAllBytes(target.resolve("file"))).isEqualTo(content);
        assertThat(tree.allocated("file")).isLessThan(content.length * 2 / 3);
    }

    @Test
    void metadataOfDirectoriesIsSetAtTheirEnd() throws IOException {
        exporter.makeDirectory(raw("d"));
        exporter.makeDirectory(raw("d"));
        exporter.makeDirectory(raw("d/e"));
        assertThat(tree.manifest().get("d")).startsWith("40700 ");
        write("d/e/f", "content");
        exporter.finishDirectory(raw("d/e"), info(FileMode.DIRECTORY | FileMode.STICKY | 0555), List.of());
        exporter.finishDirectory(raw("d"), info(FileMode.DIRECTORY | 0500), List.of());
        exporter.finishDirectory(raw(""), info(FileMode.DIRECTORY | 0750), List.of());
        assertThat(tree.manifest().get("d")).startsWith("40500 ").contains(" 1600000000.000000005 ");
        assertThat(tree.manifest().get("d/e")).startsWith("41555 ").contains(" 1600000000.000000005 ");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(target)))
                .isEqualTo("rwxr-x---");
        assertThat(lost).isEmpty();
        tree.mode("d", 0700).mode("d/e", 0700);
        assertThatThrownBy(() -> exporter.finishDirectory(raw("none"), info(FileMode.DIRECTORY), List.of()))
                .hasMessageEndingWith("none: no such file or directory");
    }

    @Test
    void existingDirectoriesAreOpenedUpOnlyForTheWhile() throws IOException {
        tree.directory("d", 0500).directory("d2", 0500);
        exporter.makeDirectory(raw("d"));
        write("d/f", "x");
        exporter.makeDirectory(raw("d2"));
        write("d2/f", "x");
        exporter.finishDirectory(raw("d"), info(FileMode.DIRECTORY | 0511), List.of());
        exporter.close();
        assertThat(tree.manifest().get("d")).startsWith("40511 ");
        assertThat(tree.manifest().get("d2")).startsWith("40500 ");
        tree.mode("d", 0700).mode("d2", 0700);
    }

    @Test
    void withoutPermissionsTheUmaskDecides() throws IOException {
        Path made = folder.resolve("plain");
        Path umaskFile = Files.writeString(folder.resolve("umask-file"), "");
        Path umaskDirectory = Files.createDirectory(folder.resolve("umask-directory"));
        try (Exporter plain = Collector.exporter(made, false, lost)) {
            write(plain, "f", new byte[] {1}, FileMode.SETUID | 0777);
            plain.makeDirectory(raw("d"));
            plain.finishDirectory(raw("d"), info(FileMode.DIRECTORY | 0), List.of());
            try (var file = plain.createFile(raw("listed"), new FileInfo(0, 0, 7, 8, 0, 0, 9, 9, 1, "", "", 0))) {
                file.commit(List.of(new Exporter.Xattr(raw("system.posix_acl_access"), RawTree.accessList())));
            }
        }
        assertThat(Files.getPosixFilePermissions(made.resolve("f")))
                .isEqualTo(Files.getPosixFilePermissions(umaskFile));
        assertThat(Files.getPosixFilePermissions(made.resolve("listed")))
                .isEqualTo(Files.getPosixFilePermissions(umaskFile));
        assertThat(Files.getPosixFilePermissions(made.resolve("d")))
                .isEqualTo(Files.getPosixFilePermissions(umaskDirectory));
        assertThat(Files.getPosixFilePermissions(made)).isEqualTo(Files.getPosixFilePermissions(umaskDirectory));
        assertThat(Files.getLastModifiedTime(made.resolve("f")).toInstant())
                .isEqualTo(java.time.Instant.ofEpochSecond(1_600_000_000, 5));
        assertThat(lost).isEmpty();
    }

    @Test
    void aNewTargetIsMadeWithItsParentsAndHasItsUsualModeInTheEnd() throws IOException {
        Path made = folder.resolve("a/b/c");
        try (Exporter other = Collector.exporter(made, true, lost)) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(made)))
                    .isEqualTo("rwx------");
            write(other, "f", new byte[0], 0600);
        }
        assertThat(Files.getPosixFilePermissions(made))
                .isEqualTo(Files.getPosixFilePermissions(Files.createDirectory(folder.resolve("usual"))));
        assertThatThrownBy(() -> Collector.exporter(made.resolve("f"), true, lost))
                .hasMessageContaining("not a directory");
        assertThatThrownBy(() -> Collector.exporter(made.resolve("f/below"), true, lost))
                .hasMessageContaining("not a directory");
        assertThatThrownBy(() -> new FsExporterFactory()
                        .open(new Location("fs", made.toString()), true, Map.of("x", "y"), (path, what) -> {}))
                .hasMessageContaining("unknown setting x");
    }

    @Test
    void specialFilesThatCannotBeMadeAreErrors() {
        assertThatThrownBy(() -> exporter.special(raw("tty"), info(FileMode.DEVICE | FileMode.CHARACTER), List.of()))
                .hasMessageContaining("device numbers were not stored");
        assertThatThrownBy(() -> exporter.special(raw("odd"), info(FileMode.IRREGULAR), List.of()))
                .hasMessageContaining("cannot be made");
        var huge = new FileInfo(0, FileMode.DEVICE, 0, 0, 0, 0, uid, gid, 1, "", "", (5000L << 32) | 1);
        assertThatThrownBy(() -> exporter.special(raw("huge"), huge, List.of()))
                .hasMessageContaining("invalid argument");
        var null0 = new FileInfo(0, FileMode.DEVICE, 0, 0, 0, 0, uid, gid, 1, "", "", (7L << 32) | 1);
        if (!RawTree.isSuperuser()) {
            assertThatThrownBy(() -> exporter.special(raw("loop"), null0, List.of()))
                    .hasMessageContaining("operation not permitted");
        }
        assertThat(tree.manifest()).isEmpty();
    }

    @Test
    void impossibleOwnersCostTheSetuidBit() throws IOException {
        for (long owner : new long[] {0xffff_ffffL, -1, 1L << 32}) {
            lost.clear();
            var info = new FileInfo(0, FileMode.SETUID | FileMode.SETGID | 0755, 0, 0, 0, 0, owner, gid, 1, "", "", 0);
            try (var file = exporter.createFile(raw("f"), info)) {
                file.commit(List.of());
            }
            assertThat(tree.manifest().get("f")).startsWith("100755 ");
            assertThat(lost)
                    .containsExactly(
                            "f: owner " + owner + ":" + gid + ": invalid argument",
                            "f: setuid and setgid bits: not set for another owner than the stored one");
        }
    }

    @Test
    void attributesThatCannotBeSetAreTold() throws IOException {
        try (var file = exporter.createFile(raw("f"), info(0644))) {
            file.commit(List.of(
                    new Exporter.Xattr(raw("nonsense.x"), new byte[] {1}),
                    new Exporter.Xattr(raw("user.huge"), new byte[1 << 17])));
        }
        assertThat(lost)
                .containsExactly(
                        "f: attribute nonsense.x: operation not supported",
                        "f: attribute user.huge: argument list too long");
    }

    @Test
    void accessListsOfTheSurroundingsAreNotInherited() throws IOException {
        tree.directory("d", 0755).tryXattr("d", "system.posix_acl_default", RawTree.accessList());
        exporter.makeDirectory(raw("d"));
        write("d/f", "x");
        exporter.makeDirectory(raw("d/e"));
        exporter.special(raw("d/p"), info(FileMode.PIPE | 0644), List.of());
        exporter.finishDirectory(raw("d/e"), info(FileMode.DIRECTORY | 0755), List.of());
        exporter.finishDirectory(raw("d"), info(FileMode.DIRECTORY | 0755), List.of());
        assertThat(tree.manifest())
                .hasSize(4)
                .allSatisfy((path, line) -> assertThat(line).as(path).doesNotContain("posix_acl"));
        assertThat(lost).isEmpty();
    }

    @Test
    void manyThreadsAndMoreDirectoriesThanDescriptorsKept() throws Exception {
        int directories = 400;
        for (int i = 0; i < directories; i++) {
            exporter.makeDirectory(raw("d" + i));
        }
        int before = java.util.Objects.requireNonNull(new java.io.File("/proc/self/fd").list()).length;
        try (var threads = Executors.newFixedThreadPool(4)) {
            List<Callable<Void>> tasks = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                int seed = t;
                tasks.add(() -> {
                    Random random = new Random(seed);
                    for (int i = 0; i < 1500; i++) {
                        write("d" + random.nextInt(directories) + "/f" + seed + "-" + i, "content");
                    }
                    return null;
                });
            }
            for (var done : threads.invokeAll(tasks)) {
                done.get();
            }
        }
        try (var files = Files.walk(target)) {
            assertThat(files.filter(Files::isRegularFile))
                    .hasSize(6000)
                    .allSatisfy(file -> assertThat(file).hasContent("content"));
        }
        int after = java.util.Objects.requireNonNull(new java.io.File("/proc/self/fd").list()).length;
        assertThat(after).isLessThan(before + 300);
        exporter.close();
        assertThat(java.util.Objects.requireNonNull(new java.io.File("/proc/self/fd").list()).length)
                .isLessThan(before + 20);
        assertThatThrownBy(() -> write("d1/x", "")).hasMessageContaining("the target is closed");
    }
}
