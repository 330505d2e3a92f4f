// SPDX-License-Identifier: ISC
package dev.armoire.connectors.ffi;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PosixTest {
    @TempDir
    Path folder;

    private Posix posix;
    private int fd;

    @BeforeEach
    void open() {
        assumeTrue(Posix.isAvailable(), "no Linux");
        posix = Posix.take();
        fd = posix.openat(Posix.WORKING_DIRECTORY, bytes(folder.toString()), OpenFlags.DIRECTORY, 0);
        assertThat(fd).isNotNegative();
    }

    @AfterEach
    void close() {
        posix.closeFile(fd);
        posix.close();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    @Test
    void asksWhetherTheBeginOfAFileIsInMemory() throws IOException {
        Files.writeString(folder.resolve("file"), "hello");
        int written = posix.openat(fd, bytes("file"), OpenFlags.READ_ONLY, 0);
        assertThat(posix.askForBegin(written))
                .as("just written, or on tmpfs, which does not tell")
                .isIn(1, -Errno.EOPNOTSUPP);
        posix.closeFile(written);
        int made = posix.openat(Posix.WORKING_DIRECTORY, bytes("/proc/self/status"), OpenFlags.READ_ONLY, 0);
        assertThat(posix.askForBegin(made)).as("made when it is read").isEqualTo(-Errno.EOPNOTSUPP);
        posix.closeFile(made);
    }

    @Test
    void metadataIsWhatNioTells() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "hello");
        Files.createLink(folder.resolve("other"), file);
        assertThat(posix.setMtimeAt(fd, bytes("file"), -86_402, 123_456_789)).isZero();
        assertThat(posix.statat(fd, bytes("file"))).isZero();
        var nio = Files.readAttributes(file, "unix:*", LinkOption.NOFOLLOW_LINKS);
        Stat stat = posix.stat();
        assertThat(stat.mode()).isEqualTo(nio.get("mode"));
        assertThat(stat.size()).isEqualTo(nio.get("size"));
        assertThat(stat.ino()).isEqualTo(nio.get("ino"));
        assertThat(stat.dev()).isEqualTo(nio.get("dev"));
        assertThat((int) stat.uid()).isEqualTo(nio.get("uid"));
        assertThat((int) stat.gid()).isEqualTo(nio.get("gid"));
        assertThat(stat.nlink()).isEqualTo(2);
        Instant time = Instant.ofEpochSecond(stat.mtimeSeconds(), stat.mtimeNanos());
        assertThat(time).isEqualTo("1969-12-30T23:59:58.123456789Z");
        assertThat(stat.isRegular()).isTrue();
        assertThat(stat.rdev()).isZero();
    }

    @Test
    void refusalsAreNegativeErrorNumbersWithGoTexts() {
        int missing = posix.statat(fd, bytes("missing"));
        assertThat(missing).isEqualTo(-Errno.ENOENT);
        assertThat(new PosixException("lstat", bytes("/x/missing"), missing))
                .hasMessage("lstat /x/missing: no such file or directory")
                .extracting(PosixException::errno)
                .isEqualTo(Errno.ENOENT);
        assertThat(posix.mkdirat(fd, bytes("a/b"), 0700)).isEqualTo(-Errno.ENOENT);
        assertThat(posix.statat(fd, new byte[5000])).isEqualTo(-Errno.ENAMETOOLONG);
        assertThat(Errno.text(4711)).isEqualTo("errno 4711");
    }

    @Test
    void listsEveryNameOnceWithoutTheDots() throws IOException {
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 3000; i++) {
            String name = "name-%04d-".formatted(i) + "x".repeat(i % 50);
            expected.add(name);
            Files.createFile(folder.resolve(name));
        }
        Files.createDirectory(folder.resolve("..directory"));
        expected.add("..directory");
        List<String> names = new ArrayList<>();
        assertThat(posix.list(fd, (name, type) -> {
                    names.add(new String(name, UTF_8));
                    assertThat(type == Posix.DT_DIR || type == Posix.DT_UNKNOWN).isEqualTo(name[0] == '.');
                }))
                .isZero();
        assertThat(names).containsExactlyInAnyOrderElementsOf(expected);
    }

    /** 0 is the kernel's own way; the others are the steps taken for long paths and for older kernels. */
    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 4, 8, 4095})
    void opensBeneathAndNeverThroughALink(int reach) throws IOException {
        Files.createDirectories(folder.resolve("a/bb/ccc"));
        Files.writeString(folder.resolve("a/bb/ccc/file"), "found");
        Files.createSymbolicLink(folder.resolve("link"), folder.resolve("a"));
        Files.createSymbolicLink(folder.resolve("a/bb/last"), Path.of("ccc/file"));
        assertThat(contentOf("a/bb/ccc/file", reach)).isEqualTo("found");
        assertThat(contentOf("a/bb/ccc/missing", reach)).isEqualTo(Errno.text(Errno.ENOENT));
        assertThat(contentOf("link/bb/ccc/file", reach))
                .isIn(Errno.text(Errno.ELOOP), Errno.text(Errno.ENOTDIR), Errno.text(Errno.ENAMETOOLONG));
        assertThat(contentOf("a/bb/last", reach)).isEqualTo(Errno.text(Errno.ELOOP));
        assertThat(contentOf("a/../../../etc/passwd", reach)).isIn(Errno.text(Errno.EXDEV), Errno.text(Errno.EACCES));
        int itself = beneath("", OpenFlags.DIRECTORY, reach);
        assertThat(posix.statFile(itself)).isZero();
        long ino = posix.stat().ino();
        posix.statFile(fd);
        assertThat(posix.stat().ino()).isEqualTo(ino);
        posix.closeFile(itself);
    }

    private int beneath(String path, int flags, int reach) {
        return reach < 0
                ? posix.openBeneath(fd, bytes(path), flags, 0)
                : posix.openStepwise(fd, bytes(path), flags, 0, reach);
    }

    private String contentOf(String path, int reach) {
        int file = beneath(path, OpenFlags.READ_ONLY | OpenFlags.NO_FOLLOW, reach);
        if (file < 0) {
            return Errno.text(-file);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment into = arena.allocate(100);
            long count = posix.pread(file, into, 0);
            return new String(into.asSlice(0, count).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE), UTF_8);
        } finally {
            posix.closeFile(file);
        }
    }

    @Test
    void pathsLongerThanTheKernelTakesAreOpenedInSteps() throws Exception {
        String name = "d".repeat(200);
        int at = fd;
        StringBuilder path = new StringBuilder();
        for (int i = 0; i < 50; i++) {
            assertThat(posix.mkdirat(at, bytes(name), 0700)).isZero();
            int next = posix.openat(at, bytes(name), OpenFlags.DIRECTORY, 0);
            if (at != fd) {
                posix.closeFile(at);
            }
            at = next;
            path.append(i == 0 ? "" : "/").append(name);
        }
        assertThat(posix.statFile(at)).isZero();
        long ino = posix.stat().ino();
        posix.closeFile(at);
        int found = posix.openBeneath(fd, bytes(path.toString()), OpenFlags.DIRECTORY, 0);
        assertThat(posix.statFile(found)).isZero();
        assertThat(posix.stat().ino()).isEqualTo(ino);
        posix.closeFile(found);
        // JUnit cannot delete what is this deep
        assertThat(new ProcessBuilder("rm", "-rf", folder + "/" + name).start().waitFor())
                .isZero();
    }

    @Test
    void attributesAreTheSameBothWays() throws IOException {
        Files.writeString(folder.resolve("file"), "");
        int file = posix.openat(fd, bytes("file"), OpenFlags.WRITE_ONLY, 0);
        byte[] value = new byte[256];
        for (int i = 0; i < value.length; i++) {
            value[i] = (byte) i;
        }
        int set = posix.setXattr(file, bytes("user.bin"), value);
        posix.closeFile(file);
        assumeTrue(set != -Errno.EOPNOTSUPP, "this file system has no attributes");
        assertThat(set).isZero();
        int length = posix.listXattrs(fd, bytes("file"));
        assertThat(posix.resultNames(length)).contains(bytes("user.bin"));
        assertThat(posix.listXattrsThroughProc(fd, bytes("file"))).isEqualTo(length);
        assertThat(posix.resultNames(length)).contains(bytes("user.bin"));
        assertThat(posix.getXattr(fd, bytes("file"), bytes("user.bin"))).isEqualTo(256);
        assertThat(posix.result(256)).isEqualTo(value);
        assertThat(posix.getXattrThroughProc(fd, bytes("file"), bytes("user.bin")))
                .isEqualTo(256);
        assertThat(posix.result(256)).isEqualTo(value);
        assertThat(posix.getXattr(fd, bytes("file"), bytes("user.none"))).isEqualTo(-61);
    }

    @Test
    void namesOfAccounts() {
        assertThat(posix.userName(0)).isEqualTo("root");
        assertThat(posix.groupName(0)).isIn("root", "wheel");
        assertThat(posix.userName(3_999_999_999L)).isEmpty();
        assertThat(posix.groupName(3_999_999_999L)).isEmpty();
    }

    @Test
    void heapSegmentsGoThroughTheScratchMemory() {
        int file = posix.openat(fd, bytes("heap"), OpenFlags.WRITE_ONLY | OpenFlags.CREATE, 0600);
        byte[] written = new byte[200_000];
        new java.util.Random(7).nextBytes(written);
        long done = 0;
        while (done < written.length) {
            done += posix.pwrite(file, MemorySegment.ofArray(written).asSlice(done), done);
        }
        posix.closeFile(file);
        file = posix.openat(fd, bytes("heap"), OpenFlags.READ_ONLY, 0);
        byte[] read = new byte[written.length];
        done = 0;
        while (done < read.length) {
            done += posix.pread(file, MemorySegment.ofArray(read).asSlice(done), done);
        }
        posix.closeFile(file);
        assertThat(read).isEqualTo(written);
    }

    @Test
    void closingTwiceGivesBackOnce() {
        Posix first = Posix.take();
        first.close();
        first.close();
        try (Posix a = Posix.take();
                Posix b = Posix.take()) {
            assertThat(a).isNotSameAs(b);
        }
    }
}
