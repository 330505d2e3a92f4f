// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.ffi.PosixException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;

/**
 * Writes a stretch of a file that is new. Blocks of zeros are not written, so they become holes: what was never written reads
 * as zeros. For one thread at a time; borrows the descriptor and the system calls.
 */
final class SparseWriter {
    private static final int BLOCK = 4096;

    private static final MemorySegment ZEROS = Arena.global().allocate(BLOCK);

    private final Posix posix;
    private final int fd;
    private final Supplier<byte[]> shown;
    private long position;
    private long writtenEnd;

    /**
     * @param position byte of the file where it begins
     * @param shown names the file in errors
     */
    SparseWriter(Posix posix, int fd, long position, Supplier<byte[]> shown) {
        this.posix = posix;
        this.fd = fd;
        this.position = position;
        this.shown = shown;
    }

    void write(MemorySegment data) throws IOException {
        long length = data.byteSize();
        for (long at = 0; at < length; ) {
            long end = blockEnd(at, length);
            if (isZero(data, at, end)) {
                at = end;
                continue;
            }
            long from = at;
            do {
                at = end;
                end = blockEnd(at, length);
            } while (at < length && !isZero(data, at, end));
            writeFully(data.asSlice(from, at - from), position + from);
        }
        position += length;
    }

    /** Where it would go on. */
    long position() {
        return position;
    }

    /** Behind the last byte that is not only a hole. */
    long writtenEnd() {
        return writtenEnd;
    }

    /** End of the block of the file, as an offset in the data that goes to {@link #position}. */
    private long blockEnd(long at, long length) {
        return Math.min(length, at + BLOCK - (position + at) % BLOCK);
    }

    private static boolean isZero(MemorySegment data, long from, long to) {
        return MemorySegment.mismatch(data, from, to, ZEROS, 0, to - from) < 0;
    }

    private void writeFully(MemorySegment data, long offset) throws IOException {
        for (long done = 0; done < data.byteSize(); ) {
            long count = posix.pwrite(fd, data.asSlice(done), offset + done);
            if (count <= 0) {
                throw new PosixException("write", shown.get(), count);
            }
            done += count;
        }
        writtenEnd = offset + data.byteSize();
    }
}
