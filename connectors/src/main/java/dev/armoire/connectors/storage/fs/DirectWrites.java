// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.fs;

import dev.armoire.connectors.ffi.Errno;
import dev.armoire.connectors.ffi.OpenFlags;
import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.Storage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
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
    static final int BLOCK_BYTES = Storage.BLOCK_BYTES;

    static final int BUFFER_BYTES = 1 << 20;

    /** So many bytes of a part, or more, are written from where they lie. */
    private static final int LEAST_IN_PLACE = 64 << 10;

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

    /**
     * One file being written. What lies in memory as it will lie in the file, modulo a block, is written from there; what
     * does not, and the blocks where two parts meet, go through the buffer.
     */
    private static final class Stream {
        private final Posix posix;
        private final int fd;
        private final MemorySegment buffer;
        private int used;
        private long written;

        Stream(Posix posix, int fd, MemorySegment buffer) {
            this.posix = posix;
            this.fd = fd;
            this.buffer = buffer;
        }

        boolean write(List<MemorySegment> parts) throws IOException {
            for (MemorySegment part : parts) {
                if (!add(part)) {
                    return false;
                }
            }
            int rest = used % BLOCK_BYTES;
            if (rest > 0) {
                buffer.asSlice(used, BLOCK_BYTES - rest).fill((byte) 0);
                used += BLOCK_BYTES - rest;
            }
            if (!drain(MemorySegment.NULL)) {
                return false;
            }
            if (rest > 0) {
                refuse(posix.truncate(fd, written - BLOCK_BYTES + rest));
            }
            return true;
        }

        private boolean add(MemorySegment part) throws IOException {
            long size = part.byteSize();
            for (long at = 0; at < size; ) {
                int toBlock = -used & BLOCK_BYTES - 1;
                boolean inPlace = part.isNative()
                        && size - at >= toBlock + LEAST_IN_PLACE
                        && (part.address() + at + toBlock) % BLOCK_BYTES == 0;
                if (inPlace && toBlock == 0) {
                    long blocks = (size - at) / BLOCK_BYTES * BLOCK_BYTES;
                    if (!drain(part.asSlice(at, blocks))) {
                        return false;
                    }
                    at += blocks;
                } else {
                    int length = (int) Math.min(inPlace ? toBlock : size - at, BUFFER_BYTES - used);
                    MemorySegment.copy(part, at, buffer, used, length);
                    at += length;
                    used += length;
                    if (used == BUFFER_BYTES && !drain(MemorySegment.NULL)) {
                        return false;
                    }
                }
            }
            return true;
        }

        /**
         * Writes the used part of the buffer and what comes behind it, both of whole blocks. False, and the file empty again, when
         * the file system wants other blocks after all.
         */
        private boolean drain(MemorySegment behind) throws IOException {
            List<MemorySegment> left = new ArrayList<>(List.of(buffer.asSlice(0, used), behind));
            left.removeIf(segment -> segment.byteSize() == 0);
            while (!left.isEmpty()) {
                long count = posix.pwritev(fd, left, written);
                if (count == -Errno.EINVAL) {
                    refuse(posix.truncate(fd, 0));
                    return false;
                }
                refuse(count);
                written += count;
                while (count > 0) {
                    MemorySegment first = left.getFirst();
                    if (count < first.byteSize()) {
                        left.set(0, first.asSlice(count));
                        break;
                    }
                    count -= first.byteSize();
                    left.removeFirst();
                }
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
