// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.ffi.Errno;
import dev.armoire.connectors.ffi.OpenFlags;
import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.ffi.PosixException;
import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.ExistingFiles;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.ImportRecord;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The files in a directory of this machine, each reached from a descriptor of the directory that it lies in. */
final class PosixExistingFiles implements ExistingFiles {
    private final byte[] target;

    /** Null when the target is not there. */
    private final @Nullable DirectoryHandles directories;

    private PosixExistingFiles(byte[] target, @Nullable DirectoryHandles directories) {
        this.target = target;
        this.directories = directories;
    }

    /** @param target absolute and clean */
    static PosixExistingFiles open(byte[] target) throws IOException {
        try (Posix posix = Posix.take()) {
            int fd = posix.openat(Posix.WORKING_DIRECTORY, target, OpenFlags.PATH | OpenFlags.DIRECTORY, 0);
            if (fd == -Errno.ENOENT) {
                return new PosixExistingFiles(target, null);
            }
            if (fd == -Errno.ENOTDIR) {
                throw new IOException(
                        "open " + BytePath.text(target) + ": not a directory; choose another place to restore to");
            }
            if (fd < 0) {
                throw new PosixException("open", target, fd);
            }
            return new PosixExistingFiles(target, new DirectoryHandles(target, fd));
        }
    }

    /** The directory at a path, or null when it is not there. */
    private DirectoryHandles.@Nullable Handle directory(Posix posix, byte[] path) throws IOException {
        if (!BytePath.isSound(path)) {
            throw PosixExporter.refused(target, path);
        }
        if (directories == null) {
            return null;
        }
        try {
            return directories.acquire(posix, path);
        } catch (PosixException e) {
            if (e.errno() == Errno.ENOENT) {
                return null;
            }
            throw e;
        }
    }

    private static byte[] parent(byte[] path) {
        return path.length == 0 ? path : BytePath.parent(path);
    }

    private static byte[] name(byte[] path) {
        return path.length == 0 ? BytePath.SELF : BytePath.name(path);
    }

    private byte[] shown(byte[] path) {
        return path.length == 0 ? target : BytePath.join(target, path);
    }

    private IOException missing(String operation, byte[] path) {
        return new PosixException(operation, shown(path), -Errno.ENOENT);
    }

    @Override
    public @Nullable FileInfo info(byte[] path) throws IOException {
        try (Posix posix = Posix.take();
                var directory = directory(posix, parent(path))) {
            if (directory == null) {
                return null;
            }
            int failed = posix.statat(directory.fd(), name(path));
            if (failed == -Errno.ENOENT) {
                return null;
            }
            if (failed != 0) {
                throw new PosixException("lstat", shown(path), failed);
            }
            return PosixImporter.info(posix, "", "");
        }
    }

    @Override
    public byte[] linkTarget(byte[] path) throws IOException {
        try (Posix posix = Posix.take();
                var directory = directory(posix, parent(path))) {
            if (directory == null) {
                throw missing("readlink", path);
            }
            int length = posix.readlinkat(directory.fd(), name(path));
            if (length < 0) {
                throw new PosixException("readlink", shown(path), length);
            }
            return posix.result(length);
        }
    }

    @Override
    public List<byte[]> list(byte[] path) throws IOException {
        List<byte[]> names = new ArrayList<>();
        try (Posix posix = Posix.take();
                var directory = directory(posix, path)) {
            if (directory == null) {
                return names;
            }
            int fd = posix.openat(directory.fd(), BytePath.SELF, OpenFlags.DIRECTORY, 0);
            if (fd < 0) {
                throw new PosixException("open", shown(path), fd);
            }
            int failed = posix.list(fd, (name, type) -> names.add(name));
            posix.closeFile(fd);
            if (failed != 0) {
                throw new PosixException("read", shown(path), failed);
            }
        }
        names.sort(Arrays::compareUnsigned);
        return names;
    }

    @Override
    public ImportRecord.Content read(byte[] path) throws IOException {
        Posix posix = Posix.take();
        int fd = -Errno.ENOENT;
        try (var directory = directory(posix, parent(path))) {
            if (directory != null) {
                int flags = OpenFlags.READ_ONLY | OpenFlags.NO_FOLLOW | OpenFlags.NON_BLOCKING;
                fd = posix.openat(directory.fd(), name(path), flags, 0);
            }
            if (fd < 0) {
                throw new PosixException("open", shown(path), fd);
            }
            int failed = posix.statFile(fd);
            if (failed != 0) {
                throw new PosixException("stat", shown(path), failed);
            }
            if (!posix.stat().isRegular()) {
                throw new IOException("open " + BytePath.text(shown(path)) + ": not a regular file");
            }
            posix.forgetContent(fd); // where it cannot, what is in memory is read
            return new PosixContent(shown(path), posix, fd);
        } catch (Throwable t) {
            if (fd >= 0) {
                posix.closeFile(fd);
            }
            posix.close();
            throw t;
        }
    }

    @Override
    public void delete(byte[] path, boolean isDirectory) throws IOException {
        if (path.length == 0) {
            throw new IOException("remove " + BytePath.text(target) + ": the target itself is never removed");
        }
        try (Posix posix = Posix.take();
                var directory = directory(posix, parent(path))) {
            if (directory == null) {
                throw missing("remove", path);
            }
            byte[] name = name(path);
            int failed = isDirectory ? posix.rmdirat(directory.fd(), name) : posix.unlinkat(directory.fd(), name);
            if (failed != 0) {
                throw new PosixException("remove", shown(path), failed);
            }
        }
    }

    @Override
    public void close() {
        if (directories != null) {
            directories.close();
        }
    }
}
