// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.ffi.Errno;
import dev.armoire.connectors.ffi.OpenFlags;
import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.ffi.PosixException;
import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.HostName;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Imports a directory tree, or one file, of this machine (format 2b §2). Owns a descriptor of the directory that
 * everything is opened from, beneath which no symbolic link is followed: names that change while we read lead nowhere
 * else. Scanned by one thread; records are used by any.
 */
final class PosixImporter implements Importer {
    private static final int MAX_LINKS = 40;
    /** Of larger files the kernel itself reads ahead what comes after this. */
    private static final long READ_AHEAD_BYTES = 256 << 10;

    private final byte[] root;
    private final ImportOptions options;
    private final FsSettings settings;

    /** Symbolic links from {@link #root} to {@link #realRoot}, with the first; empty when the root is none. */
    private final List<byte[]> links;

    private final byte[] realRoot;
    private final boolean rootIsDirectory;
    private final byte[] base;
    private final long user;

    /**
     * A file system that cannot tell what is in memory, as those on servers: there to open each file once more would be two more ways
     * over the network.
     */
    private volatile long silentDevice = -1;

    /** Descriptor of {@link #base}, -1 once closed. */
    private volatile int baseFd;

    private PosixImporter(
            byte[] root,
            ImportOptions options,
            FsSettings settings,
            List<byte[]> links,
            byte[] realRoot,
            boolean rootIsDirectory,
            int baseFd,
            long user) {
        this.root = root;
        this.options = options;
        this.settings = settings;
        this.links = links;
        this.realRoot = realRoot;
        this.rootIsDirectory = rootIsDirectory;
        this.base = rootIsDirectory ? realRoot : BytePath.parent(realRoot);
        this.baseFd = baseFd;
        this.user = user;
    }

    static PosixImporter open(byte[] root, ImportOptions options, FsSettings settings) throws IOException {
        try (Posix posix = Posix.take()) {
            List<byte[]> links = new ArrayList<>();
            byte[] real = root;
            stat(posix, real);
            while (posix.stat().isSymlink()) {
                if (links.size() == MAX_LINKS) {
                    throw new PosixException("readlink", root, -Errno.ELOOP);
                }
                links.add(real);
                real = BytePath.clean(BytePath.parent(real), readLink(posix, real));
                stat(posix, real);
            }
            boolean isDirectory = posix.stat().isDirectory();
            byte[] base = isDirectory ? real : BytePath.parent(real);
            int fd = posix.openat(Posix.WORKING_DIRECTORY, base, OpenFlags.PATH | OpenFlags.DIRECTORY, 0);
            if (fd < 0) {
                throw new PosixException("open", base, fd);
            }
            return new PosixImporter(root, options, settings, links, real, isDirectory, fd, posix.geteuid());
        }
    }

    private static void stat(Posix posix, byte[] path) throws IOException {
        int failed = posix.statat(Posix.WORKING_DIRECTORY, path);
        if (failed != 0) {
            throw new PosixException("lstat", path, failed);
        }
    }

    private static byte[] readLink(Posix posix, byte[] path) throws IOException {
        int length = posix.readlinkat(Posix.WORKING_DIRECTORY, path);
        if (length < 0) {
            throw new PosixException("readlink", path, length);
        }
        return posix.result(length);
    }

    @Override
    public String type() {
        return "fs";
    }

    @Override
    public String origin() {
        return HostName.get();
    }

    @Override
    public byte[] root() {
        return root.clone();
    }

    @Override
    public void scan(ImportSink sink) throws IOException {
        try (Posix posix = Posix.take()) {
            TreeWalk walk = new TreeWalk(this, posix, sink, options, settings);
            if (!rootIsDirectory) {
                deliverParents(posix, sink);
                walk.file(baseFd(realRoot), realRoot);
                return;
            }
            int fd = posix.openBeneath(baseFd(realRoot), BytePath.EMPTY, OpenFlags.DIRECTORY, 0);
            if (fd < 0) {
                throw new PosixException("open", realRoot, fd);
            }
            deliverParents(posix, sink);
            walk.tree(fd, realRoot);
        }
    }

    /**
     * The directories above the source, and the links that led to it. A parent that is itself a symbolic link is told as
     * the directory it leads to, for there are things below it.
     */
    private void deliverParents(Posix posix, ImportSink sink) {
        List<byte[]> paths = new ArrayList<>();
        addParents(paths, realRoot);
        for (byte[] link : links) {
            addParents(paths, link);
            paths.add(link);
        }
        paths.sort(Arrays::compareUnsigned);
        byte[] previous = BytePath.EMPTY;
        for (byte[] path : paths) {
            if (Arrays.equals(path, previous) || BytePath.isBelow(path, realRoot)) {
                continue; // told already, or about to be met by the walk
            }
            previous = path;
            boolean isLink = links.stream().anyMatch(link -> Arrays.equals(link, path));
            int failed = isLink
                    ? posix.statat(Posix.WORKING_DIRECTORY, path)
                    : posix.statFollowing(Posix.WORKING_DIRECTORY, path);
            if (failed != 0) {
                sink.error(path, PosixException.describe("lstat", path, failed));
                continue;
            }
            FileInfo info = info(posix, "", "");
            byte[] target = BytePath.EMPTY;
            if (isLink) {
                int length = posix.readlinkat(Posix.WORKING_DIRECTORY, path);
                if (length < 0) {
                    sink.error(path, PosixException.describe("readlink", path, length));
                    continue;
                }
                target = posix.result(length);
            }
            sink.record(new PosixRecord(this, path, info, target, List.of()));
        }
    }

    private static void addParents(List<byte[]> paths, byte[] path) {
        for (byte[] at = path; at.length > 1; ) {
            at = BytePath.parent(at);
            paths.add(at);
        }
    }

    /** What {@code posix} was told last by the kernel. */
    static FileInfo info(Posix posix, String user, String group) {
        var stat = posix.stat();
        return new FileInfo(
                stat.size(),
                FileMode.fromUnix(stat.mode()),
                stat.mtimeSeconds(),
                stat.mtimeNanos(),
                stat.dev(),
                stat.ino(),
                stat.uid(),
                stat.gid(),
                stat.nlink(),
                user,
                group,
                stat.rdev());
    }

    /** The part of a path below {@link #base}; empty for that itself. */
    byte[] relative(byte[] path) {
        int from = base.length == 1 ? 1 : base.length + 1;
        return from >= path.length ? BytePath.EMPTY : Arrays.copyOfRange(path, from, path.length);
    }

    int baseFd(byte[] path) throws IOException {
        int fd = baseFd;
        if (fd < 0) {
            throw new IOException("open " + BytePath.text(path) + ": the source is closed");
        }
        return fd;
    }

    /** The descriptor of a file, or the negative error number. */
    private int openFile(Posix posix, int directory, byte[] path, long owner) {
        // Non-blocking: a FIFO may have taken the place of the file
        int flags = OpenFlags.READ_ONLY | OpenFlags.NO_FOLLOW | OpenFlags.NON_BLOCKING;
        byte[] relative = relative(path);
        int fd = -Errno.EPERM;
        if (user == 0 || user == owner) {
            fd = posix.openBeneath(directory, relative, flags | OpenFlags.NO_ATIME, 0);
        }
        return fd == -Errno.EPERM ? posix.openBeneath(directory, relative, flags, 0) : fd;
    }

    boolean readAhead(byte[] path, FileInfo info) {
        int directory = baseFd;
        if (directory < 0 || info.size() == 0 || info.dev() == silentDevice) {
            return false;
        }
        try (Posix posix = Posix.take()) {
            int fd = openFile(posix, directory, path, info.uid());
            if (fd < 0) {
                return false;
            }
            int answer = posix.askForBegin(fd);
            if (answer == -Errno.EAGAIN) {
                posix.readAhead(fd, 0, Math.min(info.size(), READ_AHEAD_BYTES));
            } else if (answer == -Errno.EOPNOTSUPP) {
                silentDevice = info.dev();
            }
            posix.closeFile(fd);
            return answer == -Errno.EAGAIN;
        }
    }

    PosixContent openContent(byte[] path, long owner) throws IOException {
        int directory = baseFd(path);
        Posix posix = Posix.take();
        int fd = -1;
        try {
            fd = openFile(posix, directory, path, owner);
            if (fd < 0) {
                throw new PosixException("open", path, fd);
            }
            int failed = posix.statFile(fd);
            if (failed != 0) {
                throw new PosixException("stat", path, failed);
            }
            if (!posix.stat().isRegular()) {
                throw new IOException("open " + BytePath.text(path)
                        + ": no regular file any more; it was replaced while the source was read");
            }
            return new PosixContent(path, posix, fd);
        } catch (Throwable t) {
            if (fd >= 0) {
                posix.closeFile(fd);
            }
            posix.close();
            throw t;
        }
    }

    byte[] readXattr(byte[] path, byte[] attribute) throws IOException {
        int base = baseFd(path);
        byte[] relative = relative(path);
        try (Posix posix = Posix.take()) {
            int directory = posix.openBeneath(base, BytePath.parent(relative), OpenFlags.PATH | OpenFlags.DIRECTORY, 0);
            if (directory < 0) {
                throw new PosixException("getxattr", path, directory);
            }
            byte[] name = relative.length == 0 ? BytePath.SELF : BytePath.name(relative);
            int length = posix.getXattr(directory, name, attribute);
            posix.closeFile(directory);
            if (length < 0) {
                throw new PosixException("getxattr", path, length);
            }
            return posix.result(length);
        }
    }

    @Override
    public void close() {
        int fd = baseFd;
        baseFd = -1;
        if (fd >= 0) {
            try (Posix posix = Posix.take()) {
                posix.closeFile(fd);
            }
        }
    }
}
