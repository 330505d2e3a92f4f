// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.fs;

import dev.armoire.connectors.ffi.Errno;
import dev.armoire.connectors.ffi.OpenFlags;
import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.spi.BytePath;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;

/**
 * Writes the content of large new files past the page cache ({@code O_DIRECT}). They are synced at once anyway, and nobody
 * reads them soon: pages for them cost the system a copy, in virtual machines also the memory under them, and displace what
 * the page cache is for, the source. Keeps a buffer of 1 MiB for each thread that ever wrote at the same time as others.
 */
final class DirectWrites {
    /** From here on what is saved is more than the wait for the medium. */
    static final long LEAST_BYTES = 4 << 20;

    /** Sizes, positions and addresses must be multiples of the medium's block: no medium of today has larger ones. */
    static final int BLOCK_BYTES = 4096;

    static final int BUFFER_BYTES = 1 << 20;

    private final ConcurrentLinkedDeque<MemorySegment> buffers = new ConcurrentLinkedDeque<>();

    /**
     * Writes all bytes of the parts, in order, into an empty file. Does not sync it.
     *
     * @return false when that are not many, or the file system does not do this; the file is empty still
     */
    boolean write(Path file, List<MemorySegment> parts) throws IOException {
        long bytes = 0;
        for (MemorySegment part : parts) {
            bytes += part.byteSize();
        }
        if (bytes < LEAST_BYTES || !Posix.isAvailable()) {
            return false;
        }
        byte[] path = BytePath.bytes(file.toAbsolutePath().toString());
        try (Posix posix = Posix.take()) {
            int fd = posix.openat(
                    Posix.WORKING_DIRECTORY, path, OpenFlags.WRITE_ONLY | OpenFlags.NO_FOLLOW | OpenFlags.DIRECT, 0);
            if (fd < 0) {
                return false; // tmpfs, some in user space: who writes otherwise is told if it is anything else
            }
            MemorySegment buffer = buffers.poll();
            if (buffer == null) {
                buffer = Arena.ofAuto().allocate(BUFFER_BYTES, BLOCK_BYTES);
            }
            try {
                return new Stream(posix, fd, buffer).write(parts);
            } finally {
                posix.closeFile(fd);
                buffers.push(buffer);
            }
        }
    }

    /** One file being written. */
    private static final class Stream {
        private final Posix posix;
        private final int fd;
        private final MemorySegment buffer;
        private long used;
        private long written;

        Stream(Posix posix, int fd, MemorySegment buffer) {
            this.posix = posix;
            this.fd = fd;
            this.buffer = buffer;
        }

        boolean write(List<MemorySegment> parts) throws IOException {
            for (MemorySegment part : parts) {
                long size = part.byteSize();
                for (long at = 0; at < size; ) {
                    long length = Math.min(BUFFER_BYTES - used, size - at);
                    MemorySegment.copy(part, at, buffer, used, length);
                    at += length;
                    used += length;
                    if (used == BUFFER_BYTES && !drain(BUFFER_BYTES)) {
                        return false;
                    }
                }
            }
            if (used > 0) {
                long rest = used;
                long whole = (rest + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
                long size = written + rest;
                buffer.asSlice(rest, whole - rest).fill((byte) 0);
                if (!drain(whole)) {
                    return false;
                }
                refuse(posix.truncate(fd, size));
            }
            return true;
        }

        /** False, and the file empty again, when the file system wants other blocks after all. */
        private boolean drain(long length) throws IOException {
            for (long at = 0; at < length; ) {
                long count = posix.pwrite(fd, buffer.asSlice(at, length - at), written);
                if (count == -Errno.EINVAL) {
                    refuse(posix.truncate(fd, 0));
                    return false;
                }
                refuse(count);
                at += count;
                written += count;
            }
            used = 0;
            return true;
        }

        private static void refuse(long result) throws IOException {
            if (result < 0) {
                throw new IOException(Errno.text((int) -result)); // as the JDK says it, without the file
            }
        }
    }
}
