// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.tar.TarExporterFactory;
import dev.armoire.connectors.tar.TarImporterFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A tree with everything a file system can hold goes through importer and exporter and comes out the same. */
final class RoundTripTest {
    @TempDir
    Path folder;

    private Path source;
    private Path target;
    private boolean isSuperuser;
    private boolean isLocked;

    @BeforeEach
    void makeFolders() throws IOException {
        assumeTrue(Posix.isAvailable(), "no Linux");
        isSuperuser = RawTree.isSuperuser();
        source = Files.createDirectory(folder.resolve("source"));
        target = folder.resolve("new/target");
    }

    @AfterEach
    void unlock() {
        for (Path place : List.of(source, target)) {
            if (isLocked && Files.isDirectory(place)) {
                try (RawTree tree = new RawTree(place)) {
                    tree.unlock("locked");
                }
            }
        }
    }

    private static byte[] random(int length, int seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private void build(RawTree tree) {
        tree.file("hello.txt", "hello, world\n".getBytes(UTF_8), 0644)
                .file("empty", new byte[0], 0644)
                .file("exec.sh", "#!/bin/sh\n".getBytes(UTF_8), 0755)
                .file("setuid", new byte[] {'x'}, 04755)
                .file("setgid", new byte[] {'x'}, 02755)
                .file("random.bin", random(2_500_000, 1), 0640)
                .file("zeros", new byte[3 << 20], 0600)
                .file("page", random(4096, 2), 0600)
                .directory("many", 0755);
        for (int i = 0; i < 130; i++) {
            tree.file("many/file-%03d.json".formatted(i), ("{\"i\":" + i + "}").getBytes(UTF_8), 0644);
        }
        tree.directory("emptydir", 01777).directory("emptydir/nested", 02750).directory("odd", 0755);
        for (String name : List.of(
                "name with spaces",
                "-dash",
                "new\nline",
                "tab\there",
                "quote\"'`",
                "back\\slash",
                "%41percent",
                "#hash?query&x",
                ".hidden",
                "..almost",
                "...",
                "latin1-\u00e9\u00ff",
                "\u0001control",
                "a".repeat(255))) {
            tree.file("odd/" + name, name.getBytes(ISO_8859_1), 0644);
        }
        tree.directory("odd/dir-\u00fe\u00ff", 0700).file("odd/dir-\u00fe\u00ff/\u0080", new byte[] {1}, 0644);
        tree.symlink("link-rel", "hello.txt")
                .symlink("link-dangling", "/nonexistent/\u00e9")
                .symlink("link-dir", "many")
                .link("hard-link", "hello.txt")
                .link("many/hard-link", "hello.txt")
                .node("fifo", RawTree.FIFO | 0644, 0)
                .node("socket", RawTree.SOCKET | 0755, 0)
                .link("fifo-link", "fifo")
                .sparse("sparse.img", 8 << 20, (1 << 20) + 5, "data in the middle".getBytes(UTF_8))
                .sparse("hole.img", (5 << 20) + 17, 0, new byte[0])
                .tryXattr("hello.txt", "user.comment", "a comment".getBytes(UTF_8))
                .tryXattr("hello.txt", "user.empty", new byte[0])
                .tryXattr("hello.txt", "user.bin", random(3000, 3))
                .tryXattr("many", "user.dir", "on a directory".getBytes(UTF_8))
                .tryXattr("page", "system.posix_acl_access", RawTree.accessList())
                .tryXattr("many", "system.posix_acl_default", RawTree.accessList())
                .directory("locked", 0755)
                .file("locked/inside", new byte[] {'i'}, 0444);
        if (isSuperuser) {
            tree.node("chardev", RawTree.CHARACTER_DEVICE | 0600, (1L << 32) | 3)
                    .node("blockdev", RawTree.BLOCK_DEVICE | 0600, (259L << 32) | 70_000)
                    .file("owned", new byte[] {'o'}, 04711)
                    .owner("owned", 12345, 54321)
                    .mode("owned", 04711)
                    .owner("link-dangling", 4_000_000_000L, 7)
                    .owner("emptydir/nested", 3, 4)
                    .mode("emptydir/nested", 02750)
                    .file("noread", new byte[] {'n'}, 0)
                    .tryXattr("link-rel", "trusted.link", new byte[] {1, 2})
                    .tryXattr("fifo", "trusted.fifo", new byte[] {3})
                    .mode("locked", 0);
            isLocked = true;
        } else {
            tree.mode("locked", 0500);
        }
        int seconds = 1_700_000_000;
        for (String path : tree.manifest().keySet()) {
            seconds += 37;
            tree.time(
                    path.endsWith("/") ? path.substring(0, path.length() - 1) : path, seconds, seconds % 1_000_000_000);
        }
        tree.time("exec.sh", -86_400, 123_456_789)
                .time("empty", -1, 999_999_999)
                .time("setuid", 4_102_444_800L, 1)
                .time("link-rel", 0, 0)
                .time("many", 5_000_000_000L, 7);
    }

    @ParameterizedTest
    @ValueSource(ints = {1 << 20, 65_537})
    void everythingComesBack(int step) throws IOException {
        List<String> lost = new ArrayList<>();
        Map<String, String> before;
        try (RawTree tree = new RawTree(source)) {
            build(tree);
            before = tree.manifest();
        }
        Collector collected = new Collector();
        try (var importer = Collector.importer(source.toString());
                var exporter = Collector.exporter(target, true, lost)) {
            importer.scan(collected);
            assertThat(collected.errors).isEmpty();
            assertThat(collected.exportTo(exporter, importer.root(), step)).isEmpty();
        }
        assertThat(lost).isEmpty();
        try (RawTree tree = new RawTree(target)) {
            assertThat(tree.manifest()).containsExactlyEntriesOf(new TreeMap<>(before));
            assertThat(tree.allocated("sparse.img")).isBetween(1L, 64L << 10);
            assertThat(tree.allocated("hole.img")).isZero();
            assertThat(tree.allocated("zeros")).isZero();
            assertThat(tree.posix.statFollowing(
                            Posix.WORKING_DIRECTORY, target.toString().getBytes(UTF_8)))
                    .isZero();
            long targetTime = tree.posix.stat().mtimeSeconds();
            tree.posix.statFollowing(Posix.WORKING_DIRECTORY, source.toString().getBytes(UTF_8));
            assertThat(targetTime).isEqualTo(tree.posix.stat().mtimeSeconds());
        }
    }

    /** All but sockets, which tar files do not have. */
    @ParameterizedTest
    @ValueSource(strings = {"tar:", "tgz:"})
    void everythingComesBackThroughATarFile(String kind) throws IOException {
        List<String> lost = new ArrayList<>();
        Map<String, String> before;
        try (RawTree tree = new RawTree(source)) {
            build(tree);
            before = tree.manifest();
        }
        Location archive = Location.parse(kind + folder.resolve("x"));
        Collector files = new Collector();
        try (var importer = Collector.importer(source.toString());
                var exporter = new TarExporterFactory().open(archive, true, Map.of(), (path, what) -> lost.add(what))) {
            importer.scan(files);
            assertThat(files.exportTo(exporter, importer.root(), 1 << 20))
                    .containsExactly("left out: a tar file has no sockets");
            exporter.finish();
        }
        Collector members = new Collector();
        try (var importer = new TarImporterFactory().open(archive, Collector.options(Map.of()));
                var exporter = Collector.exporter(target, true, lost)) {
            importer.scan(members);
            assertThat(members.errors).isEmpty();
            members.records.sort((a, b) -> java.util.Arrays.compareUnsigned(a.path(), b.path())); // folders first
            assertThat(members.exportTo(exporter, importer.root(), 1 << 20)).isEmpty();
        }
        assertThat(lost).isEmpty();
        before.remove("socket");
        try (RawTree tree = new RawTree(target)) {
            assertThat(tree.manifest()).containsExactlyEntriesOf(new TreeMap<>(before));
        }
    }

    @Test
    void aSecondRestoreOverTheFirstGivesTheSame() throws IOException {
        List<String> lost = new ArrayList<>();
        Map<String, String> before;
        try (RawTree tree = new RawTree(source)) {
            build(tree);
            before = tree.manifest();
        }
        for (int i = 0; i < 2; i++) {
            Collector collected = new Collector();
            try (var importer = Collector.importer(source.toString());
                    var exporter = Collector.exporter(target, true, lost)) {
                importer.scan(collected);
                assertThat(collected.exportTo(exporter, importer.root(), 1 << 20))
                        .isEmpty();
            }
        }
        assertThat(lost).isEmpty();
        try (RawTree tree = new RawTree(target)) {
            assertThat(tree.manifest()).containsExactlyEntriesOf(new TreeMap<>(before));
        }
    }

    @Test
    void anUnprivilegedUserIsToldWhatIsMissing() throws IOException {
        assumeTrue(!isSuperuser, "needs an unprivileged user");
        List<String> lost = new ArrayList<>();
        try (var exporter = Collector.exporter(target, true, lost)) {
            var info = new dev.armoire.connectors.spi.FileInfo(
                    1, 0755 | dev.armoire.connectors.spi.FileMode.SETUID, 5, 6, 0, 0, 12345, 54321, 1, "", "", 0);
            try (var file = exporter.createFile("tool".getBytes(UTF_8), info)) {
                file.write(java.lang.foreign.MemorySegment.ofArray(new byte[] {1}));
                file.commit(List.of(
                        new dev.armoire.connectors.spi.Exporter.Xattr("trusted.x".getBytes(UTF_8), new byte[] {1})));
            }
        }
        assertThat(lost)
                .containsExactly(
                        "tool: owner 12345:54321: operation not permitted",
                        "tool: attribute trusted.x: operation not permitted",
                        "tool: setuid and setgid bits: not set for another owner than the stored one");
        try (RawTree tree = new RawTree(target)) {
            assertThat(tree.manifest().get("tool")).startsWith("100755 ").contains(" 5.000000006 ");
        }
    }
}
