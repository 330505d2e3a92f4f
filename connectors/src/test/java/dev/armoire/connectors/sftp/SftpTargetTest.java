// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.TargetContract;
import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.ExistingFiles;
import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.ExporterFactory;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Folders behind a real sshd pass the contract of targets, and keep what SFTP can keep. */
final class SftpTargetTest extends TargetContract {
    @TempDir
    static Path folder;

    private static SshServer server;
    private static int places;

    private final List<String> lost = new ArrayList<>();

    @BeforeAll
    static void startServer() throws Exception {
        server = SshServer.start(folder);
    }

    @AfterAll
    static void stopServer() throws Exception {
        if (server != null) {
            server.kill();
        }
    }

    @BeforeEach
    void nextPlace() {
        places++;
    }

    private static Path target() {
        return folder.resolve("targets/to " + places);
    }

    @Override
    protected ExporterFactory factory() {
        return new SftpExporterFactory(server.home, variable -> null);
    }

    @Override
    protected Location place() {
        return server.at(target());
    }

    @Override
    protected Map<String, byte[]> written() throws IOException {
        Map<String, byte[]> found = new HashMap<>();
        try (var files = Files.walk(target())) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String path = BytePath.text(BytePath.of(file));
                found.put(path.substring(target().toString().length() + 1), Files.readAllBytes(file));
            }
        }
        return found;
    }

    private Exporter open(boolean restorePermissions) throws IOException {
        return factory()
                .open(
                        place(),
                        restorePermissions,
                        Map.of(),
                        (path, what) -> lost.add(new String(path, UTF_8) + ": " + what));
    }

    private static FileInfo info(long size, int mode) throws IOException {
        long uid = ((Integer) Files.getAttribute(folder, "unix:uid")).longValue();
        long gid = ((Integer) Files.getAttribute(folder, "unix:gid")).longValue();
        return new FileInfo(size, mode, 1_234_567_890, 0, 0, 0, uid, gid, 1, "", "", 0);
    }

    private static void write(Exporter exporter, String path, String content, int mode) throws IOException {
        try (Exporter.FileOutput out = exporter.createFile(path.getBytes(UTF_8), info(content.length(), mode))) {
            out.write(MemorySegment.ofArray(content.getBytes(UTF_8)));
            out.commit(List.of());
        }
    }

    private static Object attribute(Path path, String name) throws IOException {
        return Files.getAttribute(path, "unix:" + name, LinkOption.NOFOLLOW_LINKS);
    }

    @Test
    void modesTimesAndLinksAreRestored() throws IOException {
        int directory = FileMode.DIRECTORY | FileMode.STICKY | 0551;
        try (Exporter exporter = open(true)) {
            exporter.makeDirectory("d".getBytes(UTF_8));
            write(exporter, "d/f", "content", FileMode.SETUID | 0751);
            exporter.link("d/again".getBytes(UTF_8), "d/f".getBytes(UTF_8));
            exporter.link("d/again".getBytes(UTF_8), "d/f".getBytes(UTF_8));
            exporter.symlink(
                    "d/s".getBytes(UTF_8), "no/whére".getBytes(UTF_8), info(9, FileMode.SYMLINK | 0777), List.of());
            exporter.finishDirectory("d".getBytes(UTF_8), info(0, directory), List.of());
            exporter.finishDirectory(new byte[0], info(0, FileMode.DIRECTORY | 0750), List.of());
            exporter.finish();
        }
        assertThat(lost).isEmpty();
        Path d = target().resolve("d");
        assertThat((int) attribute(d, "mode") & 07777).isEqualTo(01551);
        assertThat((int) attribute(d.resolve("f"), "mode") & 07777).isEqualTo(04751);
        assertThat(attribute(d.resolve("f"), "ino")).isEqualTo(attribute(d.resolve("again"), "ino"));
        assertThat(BytePath.text(BytePath.of(d.resolve(Files.readSymbolicLink(d.resolve("s"))))))
                .endsWith("/d/no/whére");
        for (String path : List.of("", "d", "d/f", "d/s")) {
            assertThat(Files.getLastModifiedTime(target().resolve(path), LinkOption.NOFOLLOW_LINKS)
                            .toMillis())
                    .as(path)
                    .isEqualTo(1_234_567_890_000L);
        }
        try (var files = Files.list(d)) {
            assertThat(files.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder("f", "again", "s");
        }
    }

    /** Whoever may not give files away is told so, and gets all the rest. */
    @Test
    void anOwnerThatMayNotBeSetKeepsNothingElseBack() throws IOException {
        long uid = ((Integer) Files.getAttribute(folder, "unix:uid")).longValue();
        FileInfo others = new FileInfo(1, 0640, 1_234_567_890, 0, 0, 0, uid + 4321, uid + 4321, 1, "", "", 0);
        try (Exporter exporter = open(true)) {
            for (String name : List.of("first", "second")) {
                try (Exporter.FileOutput out = exporter.createFile(name.getBytes(UTF_8), others)) {
                    out.write(MemorySegment.ofArray(new byte[1]));
                    out.commit(List.of());
                }
            }
        }
        for (String name : List.of("first", "second")) {
            Path file = target().resolve(name);
            assertThat((int) attribute(file, "mode") & 07777).isEqualTo(0640);
            assertThat(Files.getLastModifiedTime(file).toMillis()).isEqualTo(1_234_567_890_000L);
            long owner = ((Integer) attribute(file, "uid")).longValue();
            if (owner == uid) {
                assertThat(lost).anyMatch(told -> told.startsWith(name + ": owner " + (uid + 4321)));
            } else {
                assertThat(owner).isEqualTo(uid + 4321);
                assertThat(lost).isEmpty();
            }
        }
    }

    @Test
    void whatCannotBeKeptIsTold() throws IOException {
        FileInfo ancient = new FileInfo(0, 0644, -5, 0, 0, 0, 1L << 33, 0, 1, "", "", 0);
        try (Exporter exporter = open(true)) {
            try (Exporter.FileOutput out = exporter.createFile("f".getBytes(UTF_8), ancient)) {
                out.commit(List.of(new Exporter.Xattr("user.a".getBytes(UTF_8), new byte[] {1})));
            }
            assertThatThrownBy(() -> exporter.special("p".getBytes(UTF_8), info(0, FileMode.PIPE | 0644), List.of()))
                    .hasMessageContaining("SFTP makes no special files");
        }
        assertThat(lost)
                .containsExactly(
                        "f: owner 8589934592:0: invalid argument",
                        "f: attribute user.a: SFTP has none",
                        "f: time of last change: SFTP has times of 1970 to 2106 only");
        assertThat(written()).containsOnlyKeys("f");
    }

    @Test
    void filesGiveWayAndFoldersDoNot() throws IOException {
        Files.createDirectories(target().resolve("folder/in"));
        Files.writeString(target().resolve("file"), "old");
        try (Exporter exporter = open(false)) {
            write(exporter, "file", "new", 0600);
            assertThatThrownBy(() -> write(exporter, "folder", "new", 0600))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("a directory of this name is in the way");
            assertThatThrownBy(() -> exporter.makeDirectory("file".getBytes(UTF_8)))
                    .hasMessageContaining("file exists and is no directory");
        }
        assertThat(Files.readString(target().resolve("file"))).isEqualTo("new");
        assertThat(written()).containsOnlyKeys("file");
    }

    @Test
    void noSymbolicLinkIsFollowed() throws IOException {
        Path outside = Files.createDirectories(folder.resolve("outside" + places));
        Files.createDirectories(target());
        Files.createSymbolicLink(target().resolve("trap"), outside);
        try (Exporter exporter = open(true)) {
            assertThatThrownBy(() -> exporter.makeDirectory("trap".getBytes(UTF_8)))
                    .hasMessageContaining("no directory");
            assertThatThrownBy(() -> exporter.makeDirectory("trap/in".getBytes(UTF_8)))
                    .isInstanceOf(IOException.class);
            assertThatThrownBy(() -> write(exporter, "trap/f", "x", 0600)).hasMessageContaining("no directory");
            assertThatThrownBy(() -> exporter.finishDirectory(
                            "trap".getBytes(UTF_8), info(0, FileMode.DIRECTORY | 0777), List.of()))
                    .hasMessageContaining("no directory");
        }
        try (ExistingFiles files = factory().look(place(), Map.of())) {
            assertThatThrownBy(() -> files.info("trap/f".getBytes(UTF_8))).hasMessageContaining("no directory");
            assertThatThrownBy(() -> files.delete("trap/f".getBytes(UTF_8), false))
                    .hasMessageContaining("no directory");
        }
        assertThat(outside).isEmptyDirectory();
    }

    @Test
    void aFolderThatIsThereIsWritableMeanwhile() throws IOException {
        Path closed = Files.createDirectories(target().resolve("closed"));
        Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("r-xr-x---"));
        try (Exporter exporter = open(false)) {
            exporter.makeDirectory("closed".getBytes(UTF_8));
            write(exporter, "closed/f", "x", 0600);
        }
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(closed)))
                .isEqualTo("r-xr-x---");
        assertThat(closed.resolve("f")).hasContent("x");
    }

    @Test
    void whatIsThereCanBeLookedAtAndRemoved() throws IOException {
        try (ExistingFiles files = factory().look(place(), Map.of())) {
            assertThat(files.info(new byte[0])).isNull();
            assertThat(files.list(new byte[0])).isEmpty();
            assertThat(files.info("a/b".getBytes(UTF_8))).isNull();
        }
        Files.createDirectories(target().resolve("a"));
        Files.writeString(target().resolve("a/f"), "content");
        Files.createSymbolicLink(target().resolve("a/s"), Path.of("f"));
        try (ExistingFiles files = factory().look(place(), Map.of())) {
            assertThat(files.list("a".getBytes(UTF_8)))
                    .extracting(name -> new String(name, UTF_8))
                    .containsExactly("f", "s");
            assertThat(Objects.requireNonNull(files.info("a/f".getBytes(UTF_8))).size())
                    .isEqualTo(7);
            assertThat(files.linkTarget("a/s".getBytes(UTF_8))).asString().isEqualTo("f");
            try (var content = files.read("a/f".getBytes(UTF_8))) {
                byte[] read = new byte[10];
                assertThat(content.read(MemorySegment.ofArray(read))).isEqualTo(7);
                assertThat(new String(read, 0, 7, UTF_8)).isEqualTo("content");
            }
            assertThatThrownBy(() -> files.delete("a".getBytes(UTF_8), true)).isInstanceOf(IOException.class);
            assertThatThrownBy(() -> files.read("a/s".getBytes(UTF_8))).hasMessageContaining("not a regular file");
            files.delete("a/f".getBytes(UTF_8), false);
            files.delete("a/s".getBytes(UTF_8), false);
            files.delete("a".getBytes(UTF_8), true);
        }
        assertThat(target()).isEmptyDirectory();
    }

    @Test
    void aPlaceThatIsNoFolderIsAnError() throws IOException {
        Files.createDirectories(target().getParent());
        Files.writeString(target(), "x");
        assertThatThrownBy(() -> open(true))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not a directory; choose another place to restore to");
        assertThat(ExporterFactory.find(place())).isInstanceOf(SftpExporterFactory.class);
    }
}
