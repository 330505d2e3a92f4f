// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.ffi.Errno;
import dev.armoire.connectors.ffi.OpenFlags;
import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.ffi.PosixException;
import dev.armoire.connectors.spi.BytePath;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Descriptors of the directories that are being restored into, the most recently used ones kept open. Owns them and the
 * root's. Safe for many threads: a descriptor in use is closed by its last user.
 */
final class DirectoryHandles implements AutoCloseable {
    private static final int KEPT = 256;

    private final byte[] target;
    private final int rootFd;
    private final ReentrantLock lock = new ReentrantLock();

    /** By path below the root, one char a byte, the least recently used first. */
    private final Map<String, Handle> kept = new LinkedHashMap<>(16, 0.75f, true);

    private boolean closed;

    /** A right to use a directory's descriptor, until closed. */
    final class Handle implements AutoCloseable {
        private final int fd;
        private final boolean passesAccessList;
        private int users = 1;
        private boolean isKept;

        private Handle(int fd, boolean passesAccessList) {
            this.fd = fd;
            this.passesAccessList = passesAccessList;
        }

        int fd() {
            return fd;
        }

        /** Whether what is made here gets an access list (a default ACL) that nobody has asked for. */
        boolean passesAccessList() {
            return passesAccessList;
        }

        @Override
        public void close() {
            lock.lock();
            try {
                users--;
                closeIfUnused(this);
            } finally {
                lock.unlock();
            }
        }
    }

    /** @param rootFd open on the directory {@code target} */
    DirectoryHandles(byte[] target, int rootFd) {
        this.target = target;
        this.rootFd = rootFd;
    }

    /** The directory at a checked path below the root; refuses to pass through a symbolic link. */
    Handle acquire(Posix posix, byte[] path) throws IOException {
        String key = new String(path, StandardCharsets.ISO_8859_1);
        lock.lock();
        try {
            if (closed) {
                throw new IOException("open " + BytePath.text(target) + ": the target is closed");
            }
            Handle handle = kept.get(key);
            if (handle != null) {
                handle.users++;
                return handle;
            }
        } finally {
            lock.unlock();
        }
        int fd = posix.openBeneath(rootFd, path, OpenFlags.PATH | OpenFlags.DIRECTORY | OpenFlags.NO_FOLLOW, 0);
        if (fd == -Errno.ELOOP || fd == -Errno.ENOTDIR) {
            throw new IOException("open " + BytePath.text(BytePath.join(target, path))
                    + ": file exists and is no directory; move it away and restore again");
        }
        if (fd < 0) {
            throw new PosixException("open", BytePath.join(target, path), fd);
        }
        boolean passes = posix.getXattr(fd, BytePath.SELF, RestoredMetadata.DEFAULT_ACCESS_LIST) > 0;
        return keep(key, new Handle(fd, passes));
    }

    private Handle keep(String key, Handle handle) {
        lock.lock();
        try {
            if (closed || kept.putIfAbsent(key, handle) != null) {
                return handle; // another thread was as quick: this one is closed after use
            }
            handle.isKept = true;
            if (kept.size() > KEPT) {
                var oldest = kept.entrySet().iterator();
                Handle evicted = oldest.next().getValue();
                oldest.remove();
                evicted.isKept = false;
                closeIfUnused(evicted);
            }
            return handle;
        } finally {
            lock.unlock();
        }
    }

    private static void closeIfUnused(Handle handle) {
        if (handle.users == 0 && !handle.isKept) {
            closeFile(handle.fd);
        }
    }

    private static void closeFile(int fd) {
        try (Posix posix = Posix.take()) {
            posix.closeFile(fd);
        }
    }

    /** Closes everything that is not in use; what is in use is closed by its user. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            for (Handle handle : kept.values()) {
                handle.isKept = false;
                closeIfUnused(handle);
            }
            kept.clear();
            closeFile(rootFd);
        } finally {
            lock.unlock();
        }
    }
}
