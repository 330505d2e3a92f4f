// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.ffi.Errno;
import dev.armoire.connectors.ffi.OpenFlags;
import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.ffi.PosixException;
import dev.armoire.connectors.ffi.Stat;
import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportOptions.FolderTags;
import dev.armoire.connectors.spi.ImportSink;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * One walk over a tree: all items of a directory in the order of their names, then its subdirectories one by one. Costs
 * two system calls for each item (metadata, names of attributes) and three for each directory. Directories are opened
 * from their parent's descriptor; no more than {@value #MAX_OPEN} of those are open at a time, however deep the tree.
 */
final class TreeWalk {
    private static final int MAX_OPEN = 64;
    private static final int OPEN_DIRECTORY = OpenFlags.DIRECTORY | OpenFlags.NO_FOLLOW | OpenFlags.NON_BLOCKING;

    private final PosixImporter importer;
    private final Posix posix;
    private final ImportSink sink;
    private final ImportOptions options;
    private final FolderTags tags;
    private final boolean staysOnFileSystem;
    private final OwnerNames names;
    private final List<Skipped> skipped = new ArrayList<>();
    private final ArrayList<Level> levels = new ArrayList<>();
    /** Where the walk is: the paths of all levels begin it, so that none of them, however deep the tree, keeps its own. */
    private byte[] here = BytePath.EMPTY;

    private int lowestOpen;
    private long rootDevice;

    /** A place that is left out, known by its name and, when it is there, by its inode (it may have two names). */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Skipped(byte[] path, long dev, long ino) {}

    @SuppressWarnings("ArrayRecordComponent") // compared by the one comparator below
    private record Child(byte[] name, int type) {
        static final Comparator<Child> BY_NAME = (a, b) -> Arrays.compareUnsigned(a.name, b.name);
    }

    /** A directory whose items are told and whose subdirectories are being walked. */
    private static final class Level {
        final int pathLength;
        final List<byte[]> subdirectories;
        final long dev;
        final long ino;
        int next;
        int fd;

        Level(int pathLength, List<byte[]> subdirectories, long dev, long ino, int fd) {
            this.pathLength = pathLength;
            this.subdirectories = subdirectories;
            this.dev = dev;
            this.ino = ino;
            this.fd = fd;
        }
    }

    TreeWalk(PosixImporter importer, Posix posix, ImportSink sink, ImportOptions options, FsSettings settings) {
        this.importer = importer;
        this.posix = posix;
        this.sink = sink;
        this.options = options;
        this.tags = options.tags();
        this.staysOnFileSystem = settings.staysOnFileSystem();
        this.names = new OwnerNames(posix);
        for (Path path : options.skippedPaths()) {
            byte[] bytes = BytePath.of(path);
            boolean exists = posix.statFollowing(Posix.WORKING_DIRECTORY, bytes) == 0;
            skipped.add(new Skipped(
                    bytes,
                    exists ? posix.stat().dev() : 0,
                    exists ? posix.stat().ino() : 0));
        }
    }

    /** Delivers a single file that lies in {@code directory}. */
    void file(int directory, byte[] path) throws IOException {
        if (!isExcluded(path, false)) {
            item(directory, BytePath.name(path), path);
        }
    }

    /** Delivers a directory and all below it. Closes {@code fd}, which is open on it. */
    void tree(int fd, byte[] path) throws IOException {
        try {
            int failed = posix.statFile(fd);
            if (failed != 0) {
                throw new PosixException("stat", path, failed);
            }
            rootDevice = posix.stat().dev();
            if (isExcluded(path, true) || !item(fd, BytePath.SELF, path)) {
                posix.closeFile(fd);
                return;
            }
            enter(fd, path);
            while (!levels.isEmpty() && !sink.isStopped()) {
                step();
            }
        } finally {
            levels.forEach(this::closeLevel);
            levels.clear();
        }
    }

    /** Enters the next subdirectory of the deepest level, or leaves that level. */
    private void step() throws IOException {
        Level level = levels.getLast();
        if (level.next == level.subdirectories.size() || (level.fd < 0 && !reopen(level))) {
            closeLevel(levels.removeLast());
            return;
        }
        byte[] name = level.subdirectories.get(level.next++);
        byte[] path = BytePath.join(path(level), name);
        int fd = posix.openat(level.fd, name, OPEN_DIRECTORY, 0);
        if (level.next == level.subdirectories.size()) {
            closeLevel(level); // a chain of lone subdirectories holds no descriptors
        }
        if (fd < 0) {
            sink.error(path, PosixException.describe("open", path, fd));
            return;
        }
        enter(fd, path);
    }

    /** Tells what is in a directory and puts it on the stack. */
    private void enter(int fd, byte[] path) {
        List<byte[]> subdirectories;
        try {
            subdirectories = deliverItems(fd, path);
        } catch (Throwable t) {
            posix.closeFile(fd);
            throw t;
        }
        if (subdirectories.isEmpty() || posix.statFile(fd) != 0) {
            posix.closeFile(fd);
            return;
        }
        here = path;
        levels.add(new Level(
                path.length, subdirectories, posix.stat().dev(), posix.stat().ino(), fd));
        lowestOpen = Math.min(lowestOpen, levels.size() - 1);
        if (levels.size() - lowestOpen > MAX_OPEN) {
            closeLevel(levels.get(lowestOpen++));
        }
    }

    private byte[] path(Level level) {
        return Arrays.copyOf(here, level.pathLength);
    }

    private boolean reopen(Level level) throws IOException {
        byte[] path = path(level);
        int fd = posix.openBeneath(importer.baseFd(path), importer.relative(path), OPEN_DIRECTORY, 0);
        if (fd < 0) {
            sink.error(path, PosixException.describe("open", path, fd));
            return false;
        }
        boolean isSame = posix.statFile(fd) == 0
                && posix.stat().dev() == level.dev
                && posix.stat().ino() == level.ino;
        if (!isSame) {
            posix.closeFile(fd);
            sink.error(path, "open " + BytePath.text(path) + ": replaced while it was read");
            return false;
        }
        level.fd = fd;
        lowestOpen = levels.size() - 1;
        return true;
    }

    private void closeLevel(Level level) {
        if (level.fd >= 0) {
            posix.closeFile(level.fd);
            level.fd = -1;
        }
    }

    /** Tells the items of a directory and returns the names of those to be entered. */
    private List<byte[]> deliverItems(int fd, byte[] directory) {
        List<Child> children = new ArrayList<>();
        int failed = posix.list(fd, (name, type) -> children.add(new Child(name, type)));
        if (failed != 0) {
            sink.error(directory, PosixException.describe("read", directory, failed));
        }
        children.sort(Child.BY_NAME);
        keepTagsOnly(fd, children);
        List<byte[]> subdirectories = new ArrayList<>();
        for (Child child : children) {
            if (sink.isStopped()) {
                return List.of();
            }
            byte[] path = BytePath.join(directory, child.name());
            boolean asked = child.type() != Posix.DT_UNKNOWN; // else only its metadata tells what it is
            if (asked && isExcluded(path, child.type() == Posix.DT_DIR)) {
                continue;
            }
            if (!stat(fd, child.name(), path)) {
                continue;
            }
            boolean isDirectory = posix.stat().isDirectory();
            boolean leftOut = isSkipped(path, posix.stat())
                    || (isDirectory && staysOnFileSystem && posix.stat().dev() != rootDevice)
                    || (!asked && isExcluded(path, isDirectory));
            if (!leftOut && deliver(fd, child.name(), path) && isDirectory) {
                subdirectories.add(child.name());
            }
        }
        return subdirectories;
    }

    /** If a directory is marked as one whose contents are left out, takes all but the marks out of the list. */
    private void keepTagsOnly(int fd, List<Child> children) {
        if (tags.isEmpty()) {
            return;
        }
        List<Child> found = children.stream()
                .filter(child -> child.type() != Posix.DT_DIR && isTag(fd, child.name()))
                .toList();
        if (!found.isEmpty()) {
            children.retainAll(found);
        }
    }

    private boolean isTag(int fd, byte[] name) {
        String text = BytePath.text(name);
        return tags.names().contains(text)
                || (tags.caches() && text.equals(FolderTags.CACHE_TAG) && beginsWithSignature(fd, name));
    }

    private boolean beginsWithSignature(int directory, byte[] name) {
        int flags = OpenFlags.READ_ONLY | OpenFlags.NO_FOLLOW | OpenFlags.NON_BLOCKING;
        int fd = posix.openat(directory, name, flags, 0);
        if (fd < 0) {
            return false; // it is told when it is read
        }
        byte[] wanted = FolderTags.CACHE_SIGNATURE.getBytes(StandardCharsets.US_ASCII);
        byte[] begin = new byte[wanted.length];
        long count = posix.pread(fd, MemorySegment.ofArray(begin), 0);
        posix.closeFile(fd);
        return count == wanted.length && Arrays.equals(begin, wanted);
    }

    private boolean isExcluded(byte[] path, boolean isDirectory) {
        return options.excludes().isExcluded(path, isDirectory);
    }

    private boolean isSkipped(byte[] path, Stat stat) {
        for (Skipped place : skipped) {
            boolean isSame = place.ino != 0 && place.ino == stat.ino() && place.dev == stat.dev();
            if (isSame || BytePath.isBelow(path, place.path)) {
                return true;
            }
        }
        return false;
    }

    private boolean item(int directory, byte[] name, byte[] path) {
        return stat(directory, name, path) && !isSkipped(path, posix.stat()) && deliver(directory, name, path);
    }

    private boolean stat(int directory, byte[] name, byte[] path) {
        int failed = posix.statat(directory, name);
        if (failed != 0) {
            sink.error(path, PosixException.describe("lstat", path, failed));
        }
        return failed == 0;
    }

    /** Tells an item whose metadata was asked for just now. False if it could not be read. */
    private boolean deliver(int directory, byte[] name, byte[] path) {
        FileInfo info = PosixImporter.info(
                posix, names.user(posix.stat().uid()), names.group(posix.stat().gid()));
        byte[] target = BytePath.EMPTY;
        if (posix.stat().isSymlink()) {
            int length = posix.readlinkat(directory, name);
            if (length < 0) {
                sink.error(path, PosixException.describe("readlink", path, length));
                return false;
            }
            target = posix.result(length);
        }
        sink.record(new PosixRecord(importer, path, info, target, xattrNames(directory, name, path)));
        return true;
    }

    private List<byte[]> xattrNames(int directory, byte[] name, byte[] path) {
        if (!options.readXattrs()) {
            return List.of();
        }
        int length = posix.listXattrs(directory, name);
        if (length > 0) {
            return posix.resultNames(length);
        }
        boolean hasNone = length == 0 || length == -Errno.EOPNOTSUPP || length == -Errno.ENOSYS;
        if (!hasNone) {
            sink.error(path, PosixException.describe("listxattr", path, length));
        }
        return List.of();
    }
}
