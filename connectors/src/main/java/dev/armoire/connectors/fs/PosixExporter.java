// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.ffi.Errno;
import dev.armoire.connectors.ffi.OpenFlags;
import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.ffi.PosixException;
import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Restores into a directory of this machine. Everything is done relative to descriptors of directories below the target,
 * which are opened without following any symbolic link; all but directories is made under a temporary name beside its
 * place and renamed when it is complete, so nothing half-restored is ever seen under a real name.
 */
final class PosixExporter implements Exporter {
    private static final int S_IFSOCK = 0140000;
    private static final int S_IFBLK = 0060000;
    private static final int S_IFCHR = 0020000;
    private static final int S_IFIFO = 0010000;
    private static final int OWNER_ALL = 0700;
    private static final int PERMISSIONS = 07777;
    private static final int TEMPORARY_TRIES = 100;

    private final byte[] target;
    private final boolean restorePermissions;
    private final RestoredMetadata metadata;
    private final Problems problems;
    private final DirectoryHandles directories;
    private final long user;

    /**
     * Permissions that directories had before they were made writable for us, by path (one char a byte). They get them
     * back if nothing else is set at their end.
     */
    private final Map<String, Integer> borrowed = new ConcurrentHashMap<>();

    private PosixExporter(byte[] target, boolean restorePermissions, Problems problems, int rootFd, long user) {
        this.target = target;
        this.restorePermissions = restorePermissions;
        this.problems = problems;
        this.metadata = new RestoredMetadata(restorePermissions, problems);
        this.directories = new DirectoryHandles(target, rootFd);
        this.user = user;
    }

    /** @param target absolute and clean; made with its parents when it is not there */
    static PosixExporter open(byte[] target, boolean restorePermissions, Problems problems) throws IOException {
        try (Posix posix = Posix.take()) {
            boolean isNew = makeTarget(posix, target);
            int fd = posix.openat(Posix.WORKING_DIRECTORY, target, OpenFlags.PATH | OpenFlags.DIRECTORY, 0);
            if (fd == -Errno.ENOTDIR) {
                throw new IOException(
                        "open " + BytePath.text(target) + ": not a directory; choose another place to restore to");
            }
            if (fd < 0) {
                throw new PosixException("open", target, fd);
            }
            var exporter = new PosixExporter(target, restorePermissions, problems, fd, posix.geteuid());
            exporter.borrow(posix, fd, BytePath.EMPTY, isNew && restorePermissions);
            return exporter;
        }
    }

    private static boolean makeTarget(Posix posix, byte[] target) throws IOException {
        int made = posix.mkdirat(Posix.WORKING_DIRECTORY, target, 0777);
        if (made == -Errno.ENOENT && target.length > 1) {
            makeTarget(posix, BytePath.parent(target));
            made = posix.mkdirat(Posix.WORKING_DIRECTORY, target, 0777);
        }
        if (made != 0 && made != -Errno.EEXIST) {
            throw new PosixException("mkdir", target, made);
        }
        return made == 0;
    }

    @Override
    public void makeDirectory(byte[] path) throws IOException {
        check(path);
        if (path.length == 0) {
            return;
        }
        byte[] name = BytePath.name(path);
        try (Posix posix = Posix.take();
                var parent = directories.acquire(posix, BytePath.parent(path))) {
            int made = posix.mkdirat(parent.fd(), name, restorePermissions ? OWNER_ALL : 0777);
            if (made != 0 && made != -Errno.EEXIST) {
                throw new PosixException("mkdir", shown(path), made);
            }
            if (made != 0 || parent.passesAccessList()) { // such a list may leave out the owner's rights
                try (var directory = directories.acquire(posix, path)) { // refuses all but directories
                    borrow(posix, directory.fd(), path, false);
                }
            }
        }
    }

    /**
     * Makes a directory writable for its owner, which is us, and remembers what it was; with {@code close} for nobody
     * else.
     */
    private void borrow(Posix posix, int pathFd, byte[] path, boolean close) throws IOException {
        int failed = posix.statFile(pathFd);
        if (failed != 0) {
            throw new PosixException("stat", shown(path), failed);
        }
        int before = posix.stat().mode() & PERMISSIONS;
        int during = close ? OWNER_ALL : before | OWNER_ALL;
        boolean mayWrite = (user == 0 && !close) || before == during;
        if (!mayWrite && posix.stat().uid() == user && posix.chmodOfPath(pathFd, during) == 0) {
            borrowed.putIfAbsent(key(path), before);
        }
    }

    @Override
    public FileOutput createFile(byte[] path, FileInfo info) throws IOException {
        checkBelow(path);
        Posix posix = Posix.take();
        DirectoryHandles.Handle directory = null;
        try {
            directory = directories.acquire(posix, BytePath.parent(path));
            int parent = directory.fd();
            int flags = OpenFlags.WRITE_ONLY | OpenFlags.CREATE | OpenFlags.EXCLUSIVE | OpenFlags.NO_FOLLOW;
            int mode = restorePermissions ? 0600 : 0666;
            byte[] temporary = BytePath.EMPTY;
            int fd = -Errno.EEXIST;
            for (int i = 0; fd == -Errno.EEXIST && i < TEMPORARY_TRIES; i++) {
                temporary = temporaryName();
                fd = posix.openat(parent, temporary, flags, mode);
            }
            if (fd < 0) {
                throw new PosixException("open", shown(path), fd);
            }
            return new PosixFileOutput(this, directory, temporary, path.clone(), info, posix, fd);
        } catch (Throwable t) {
            if (directory != null) {
                directory.close();
            }
            posix.close();
            throw t;
        }
    }

    @Override
    public void link(byte[] path, byte[] existing) throws IOException {
        checkBelow(path);
        checkBelow(existing);
        byte[] existingName = BytePath.name(existing);
        try (Posix posix = Posix.take();
                var from = directories.acquire(posix, BytePath.parent(existing));
                var directory = directories.acquire(posix, BytePath.parent(path))) {
            int fd = directory.fd();
            int failed = posix.linkat(from.fd(), existingName, fd, BytePath.name(path));
            if (failed == 0) {
                return;
            }
            if (failed != -Errno.EEXIST) {
                throw new PosixException("link", shown(path), failed);
            }
            place(posix, fd, path, "link", name -> posix.linkat(from.fd(), existingName, fd, name), name -> {});
        }
    }

    @Override
    public void symlink(byte[] path, byte[] linkTarget, FileInfo info, List<Xattr> xattrs) throws IOException {
        checkBelow(path);
        if (hasNul(linkTarget)) {
            throw new IOException("symlink " + BytePath.text(shown(path)) + ": its stored target has a NUL byte");
        }
        try (Posix posix = Posix.take();
                var directory = directories.acquire(posix, BytePath.parent(path))) {
            int fd = directory.fd();
            place(
                    posix,
                    fd,
                    path,
                    "symlink",
                    name -> posix.symlinkat(linkTarget, fd, name),
                    name -> metadata.restoreAt(posix, directory, name, path, info, xattrs));
        }
    }

    @Override
    public void special(byte[] path, FileInfo info, List<Xattr> xattrs) throws IOException {
        checkBelow(path);
        int kind = unixKind(path, info);
        try (Posix posix = Posix.take();
                var directory = directories.acquire(posix, BytePath.parent(path))) {
            int fd = directory.fd();
            int mode = kind | (restorePermissions ? 0600 : 0666);
            place(
                    posix,
                    fd,
                    path,
                    "mknod",
                    name -> posix.mknodat(fd, name, mode, info.rdev()),
                    name -> metadata.restoreAt(posix, directory, name, path, info, xattrs));
        }
    }

    private int unixKind(byte[] path, FileInfo info) throws IOException {
        int mode = info.mode();
        if ((mode & FileMode.PIPE) != 0) {
            return S_IFIFO;
        }
        if ((mode & FileMode.SOCKET) != 0) {
            return S_IFSOCK;
        }
        if (!FileMode.isDevice(mode)) {
            throw new IOException("mknod " + BytePath.text(shown(path)) + ": a kind of file that cannot be made");
        }
        if (info.rdev() == 0) {
            throw new IOException("mknod " + BytePath.text(shown(path))
                    + ": device numbers were not stored; make it by hand with mknod");
        }
        return (mode & FileMode.CHARACTER) != 0 ? S_IFCHR : S_IFBLK;
    }

    @Override
    public void finishDirectory(byte[] path, FileInfo info, List<Xattr> xattrs) throws IOException {
        check(path);
        try (Posix posix = Posix.take();
                var directory = directories.acquire(posix, path)) {
            int fd = posix.openat(directory.fd(), BytePath.SELF, OpenFlags.DIRECTORY, 0);
            if (fd < 0) {
                problems.lost(path, "owner, permissions, attributes and time: " + Errno.text(-fd));
                return;
            }
            try {
                Integer before = borrowed.remove(key(path));
                if (before != null && !restorePermissions) {
                    posix.fchmod(fd, before);
                }
                metadata.restore(posix, fd, true, path, info, xattrs);
            } finally {
                posix.closeFile(fd);
            }
        }
    }

    /** Makes something under a temporary name; the call returns 0 or -errno. */
    @FunctionalInterface
    private interface Maker {
        int make(byte[] name);
    }

    /** Works on what was made. */
    @FunctionalInterface
    private interface Finisher {
        void finish(byte[] name);
    }

    private void place(Posix posix, int directory, byte[] path, String operation, Maker maker, Finisher finisher)
            throws IOException {
        byte[] temporary = BytePath.EMPTY;
        int failed = -Errno.EEXIST;
        for (int i = 0; failed == -Errno.EEXIST && i < TEMPORARY_TRIES; i++) {
            temporary = temporaryName();
            failed = maker.make(temporary);
        }
        if (failed != 0) {
            throw new PosixException(operation, shown(path), failed);
        }
        boolean placed = false;
        try {
            finisher.finish(temporary);
            rename(posix, directory, temporary, path);
            placed = true;
        } finally {
            // Renaming one name of a file to another name of it does nothing, and leaves both
            if (!placed || operation.equals("link")) {
                posix.unlinkat(directory, temporary);
            }
        }
    }

    /** Puts what is complete in its place. */
    void rename(Posix posix, int directory, byte[] temporary, byte[] path) throws IOException {
        int failed = posix.renameat(directory, temporary, BytePath.name(path));
        if (failed == -Errno.EISDIR) {
            throw new IOException("rename " + BytePath.text(shown(path))
                    + ": a directory of this name is in the way; move it away and restore again");
        }
        if (failed != 0) {
            throw new PosixException("rename", shown(path), failed);
        }
    }

    RestoredMetadata metadata() {
        return metadata;
    }

    /** A path as people know it. */
    byte[] shown(byte[] path) {
        return path.length == 0 ? target : BytePath.join(target, path);
    }

    @Override
    public void close() throws IOException {
        try (Posix posix = Posix.take()) {
            for (var directory : borrowed.entrySet()) {
                byte[] path = directory.getKey().getBytes(StandardCharsets.ISO_8859_1);
                try (var handle = directories.acquire(posix, path)) {
                    posix.chmodOfPath(handle.fd(), directory.getValue());
                }
            }
            borrowed.clear();
        } finally {
            directories.close();
        }
    }

    private static String key(byte[] path) {
        return new String(path, StandardCharsets.ISO_8859_1);
    }

    private static byte[] temporaryName() {
        String name = ".armoire-" + Long.toHexString(ThreadLocalRandom.current().nextLong());
        return name.getBytes(StandardCharsets.US_ASCII);
    }

    private void checkBelow(byte[] path) throws IOException {
        if (path.length == 0) {
            throw new IOException("restore to " + BytePath.text(target) + ": a name is missing");
        }
        check(path);
    }

    /** Paths come from a snapshot, and nobody has looked at them yet. */
    private void check(byte[] path) throws IOException {
        if (!BytePath.isSound(path)) {
            throw refused(target, path);
        }
    }

    static IOException refused(byte[] target, byte[] path) {
        return new IOException("restore to " + BytePath.text(target) + ": refused the name "
                + BytePath.text(path).replace('\0', '\uFFFD') + ", which no file can have; the snapshot is not sound");
    }

    private static boolean hasNul(byte[] bytes) {
        for (byte b : bytes) {
            if (b == 0) {
                return true;
            }
        }
        return false;
    }
}
