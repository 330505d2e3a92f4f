// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.armoire.connectors.ffi.Errno;
import dev.armoire.connectors.ffi.OpenFlags;
import dev.armoire.connectors.ffi.Posix;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A folder for tests whose names are bytes, written as ISO 8859-1 text: {@code latin1-\u00e9} is not UTF-8 on disk. */
final class RawTree implements AutoCloseable {
    static final int SOCKET = 0140000;
    static final int BLOCK_DEVICE = 0060000;
    static final int CHARACTER_DEVICE = 0020000;
    static final int FIFO = 0010000;

    final Posix posix = Posix.take();
    private final Path folder;
    private final int root;

    RawTree(Path folder) {
        this.folder = folder;
        root = posix.openat(
                Posix.WORKING_DIRECTORY, folder.toString().getBytes(UTF_8), OpenFlags.PATH | OpenFlags.DIRECTORY, 0);
        assertThat(root).as("open " + folder).isNotNegative();
    }

    static byte[] raw(String name) {
        return name.getBytes(ISO_8859_1);
    }

    static boolean isSuperuser() {
        try (Posix posix = Posix.take()) {
            return posix.geteuid() == 0;
        }
    }

    RawTree directory(String path, int mode) {
        ok("mkdir " + path, posix.mkdirat(root, raw(path), 0700));
        return mode(path, mode);
    }

    RawTree file(String path, byte[] content, int mode) {
        int fd = posix.openat(root, raw(path), OpenFlags.WRITE_ONLY | OpenFlags.CREATE, 0600);
        ok("create " + path, Math.min(fd, 0));
        for (long done = 0; done < content.length; ) {
            done += posix.pwrite(fd, MemorySegment.ofArray(content).asSlice(done), done);
        }
        ok("chmod " + path, posix.fchmod(fd, mode));
        posix.closeFile(fd);
        return this;
    }

    RawTree sparse(String path, long size, long dataAt, byte[] data) {
        file(path, new byte[0], 0644);
        int fd = posix.openat(root, raw(path), OpenFlags.WRITE_ONLY, 0);
        ok("truncate " + path, posix.truncate(fd, size));
        if (data.length > 0) {
            assertThat(posix.pwrite(fd, MemorySegment.ofArray(data), dataAt)).isEqualTo(data.length);
        }
        posix.closeFile(fd);
        return this;
    }

    RawTree symlink(String path, String target) {
        return ok("symlink " + path, posix.symlinkat(raw(target), root, raw(path)));
    }

    RawTree link(String path, String existing) {
        return ok("link " + path, posix.linkat(root, raw(existing), root, raw(path)));
    }

    RawTree node(String path, int kindAndMode, long rdev) {
        return ok("mknod " + path, posix.mknodat(root, raw(path), kindAndMode, rdev));
    }

    RawTree owner(String path, long uid, long gid) {
        return ok("chown " + path, posix.chownat(root, raw(path), uid, gid));
    }

    RawTree mode(String path, int mode) {
        return onPath(path, fd -> posix.chmodOfPath(fd, mode));
    }

    RawTree time(String path, long seconds, int nanos) {
        return ok("utimes " + path, posix.setMtimeAt(root, raw(path), seconds, nanos));
    }

    /** Sets an attribute, unless the file system or our rights do not allow it. */
    RawTree tryXattr(String path, String name, byte[] value) {
        return onPath(path, fd -> {
            int result = posix.setXattrOfPath(fd, raw(name), value);
            return result == -Errno.EOPNOTSUPP || result == -Errno.EPERM ? 0 : result;
        });
    }

    /** Sets an attribute, or skips the test. */
    RawTree xattrOrSkip(String path, String name, byte[] value) {
        return onPath(path, fd -> {
            int result = posix.setXattrOfPath(fd, raw(name), value);
            assumeTrue(result != -Errno.EOPNOTSUPP, "this file system has no attributes");
            return result;
        });
    }

    RawTree rmdir(String path) {
        try {
            Files.delete(folder.resolve(path));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return this;
    }

    RawTree remove(String path) {
        return ok("unlink " + path, posix.unlinkat(root, raw(path)));
    }

    private interface Change {
        int on(int pathFd);
    }

    private RawTree onPath(String path, Change change) {
        int fd = posix.openat(root, raw(path), OpenFlags.PATH | OpenFlags.NO_FOLLOW, 0);
        ok("open " + path, Math.min(fd, 0));
        int result = change.on(fd);
        posix.closeFile(fd);
        return ok("change " + path, result);
    }

    private RawTree ok(String what, int result) {
        assertThat(result).as(() -> what + ": " + Errno.text(-result)).isZero();
        return this;
    }

    boolean exists(String path) {
        return posix.statat(root, raw(path)) == 0;
    }

    long allocated(String path) {
        ok("stat " + path, posix.statat(root, raw(path)));
        return posix.stat().allocatedBytes();
    }

    byte[] content(String path) {
        int fd = posix.openat(root, raw(path), OpenFlags.READ_ONLY, 0);
        ok("open " + path, Math.min(fd, 0));
        ok("stat " + path, posix.statFile(fd));
        byte[] content = new byte[(int) posix.stat().size()];
        for (long done = 0; done < content.length; ) {
            done += posix.pread(fd, MemorySegment.ofArray(content).asSlice(done), done);
        }
        posix.closeFile(fd);
        return content;
    }

    /**
     * All there is to know of each path, as one line of text: what a faithful restore gives again. Hard links name the
     * first path of their file.
     */
    Map<String, String> manifest() {
        Map<String, String> lines = new TreeMap<>();
        Map<Long, String> firstNames = new HashMap<>();
        describe("", lines, firstNames);
        return lines;
    }

    private void describe(String directory, Map<String, String> lines, Map<Long, String> firstNames) {
        int fd = posix.openBeneath(root, raw(directory), OpenFlags.DIRECTORY, 0);
        if (fd < 0) {
            lines.put(directory + "/", "unreadable");
            return;
        }
        List<byte[]> names = new ArrayList<>();
        posix.list(fd, (name, type) -> names.add(name));
        names.sort(Arrays::compareUnsigned);
        for (byte[] name : names) {
            String path = (directory.isEmpty() ? "" : directory + "/") + new String(name, ISO_8859_1);
            ok("stat " + path, posix.statat(fd, name));
            var stat = posix.stat();
            boolean isDirectory = stat.isDirectory();
            boolean isRegular = stat.isRegular();
            boolean isSymlink = stat.isSymlink();
            StringBuilder line = new StringBuilder("%o %d:%d %d.%09d rdev=%x"
                    .formatted(
                            stat.mode(), stat.uid(), stat.gid(), stat.mtimeSeconds(), stat.mtimeNanos(), stat.rdev()));
            if (!isDirectory && stat.nlink() > 1) {
                line.append(" first=").append(firstNames.computeIfAbsent(stat.ino(), ino -> path));
            }
            if (isSymlink) {
                int length = posix.readlinkat(fd, name);
                line.append(" -> ").append(HexFormat.of().formatHex(posix.result(length)));
            }
            if (isRegular) {
                line.append(" size=").append(stat.size());
                int file = posix.openat(fd, name, OpenFlags.READ_ONLY | OpenFlags.NO_FOLLOW, 0);
                if (file >= 0) {
                    posix.closeFile(file);
                    line.append(" content=").append(Arrays.hashCode(content(path)));
                }
            }
            Map<String, String> xattrs = new TreeMap<>();
            int length = posix.listXattrs(fd, name);
            for (byte[] xattr : length > 0 ? posix.resultNames(length) : List.<byte[]>of()) {
                int size = posix.getXattr(fd, name, xattr);
                xattrs.put(
                        new String(xattr, ISO_8859_1),
                        size < 0 ? "?" : size + ":" + Arrays.hashCode(posix.result(size)));
            }
            line.append(' ').append(xattrs);
            lines.put(path, line.toString());
            if (isDirectory) {
                describe(path, lines, firstNames);
            }
        }
        posix.closeFile(fd);
    }

    /** A POSIX access list in the kernel's form: owner rw, user 1234 r, group r, mask r, others none. */
    static byte[] accessList() {
        int[][] entries = {{0x01, 6, -1}, {0x02, 4, 1234}, {0x04, 4, -1}, {0x10, 4, -1}, {0x20, 0, -1}};
        MemorySegment list = MemorySegment.ofArray(new byte[4 + 8 * entries.length]);
        list.set(ValueLayout.JAVA_INT_UNALIGNED, 0, 2);
        for (int i = 0; i < entries.length; i++) {
            list.set(ValueLayout.JAVA_SHORT_UNALIGNED, 4 + 8L * i, (short) entries[i][0]);
            list.set(ValueLayout.JAVA_SHORT_UNALIGNED, 6 + 8L * i, (short) entries[i][1]);
            list.set(ValueLayout.JAVA_INT_UNALIGNED, 8 + 8L * i, entries[i][2]);
        }
        return list.toArray(ValueLayout.JAVA_BYTE);
    }

    /** All modes made open again, so that the folder can be deleted by its owner. */
    void unlock(String... directories) {
        for (String directory : directories) {
            mode(directory, 0700);
        }
    }

    @Override
    public void close() {
        posix.closeFile(root);
        posix.close();
    }
}
