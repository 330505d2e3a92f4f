// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.ffi.PosixException;
import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.FileInfo;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A file that is being written under a temporary name in its own directory. Owns its descriptor and a handle of the
 * directory. Blocks of zeros are not written, so they become holes: what was never written reads as zeros.
 */
final class PosixFileOutput implements Exporter.FileOutput {
    private static final int BLOCK = 4096;

    private static final MemorySegment ZEROS = Arena.global().allocate(BLOCK);

    private final PosixExporter exporter;
    private final DirectoryHandles.Handle directory;
    private final byte[] temporary;
    private final byte[] path;
    private final FileInfo info;
    private final Posix posix;
    private final int fd;
    private long position;
    private long writtenEnd;
    private boolean renamed;
    private boolean closed;

    PosixFileOutput(
            PosixExporter exporter,
            DirectoryHandles.Handle directory,
            byte[] temporary,
            byte[] path,
            FileInfo info,
            Posix posix,
            int fd) {
        this.exporter = exporter;
        this.directory = directory;
        this.temporary = temporary;
        this.path = path;
        this.info = info;
        this.posix = posix;
        this.fd = fd;
    }

    @Override
    public void write(MemorySegment data) throws IOException {
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
                throw new PosixException("write", exporter.shown(path), count);
            }
            done += count;
        }
        writtenEnd = offset + data.byteSize();
    }

    @Override
    public void commit(List<Exporter.Xattr> xattrs) throws IOException {
        if (closed || renamed) {
            throw new IllegalStateException("commit of a file that is committed or closed");
        }
        int failed = position > writtenEnd ? posix.truncate(fd, position) : 0;
        if (failed != 0) {
            throw new PosixException("truncate", exporter.shown(path), failed);
        }
        exporter.metadata().restore(posix, fd, directory.passesAccessList(), path, info, xattrs);
        exporter.rename(posix, directory.fd(), temporary, path);
        renamed = true;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        posix.closeFile(fd);
        if (!renamed) {
            posix.unlinkat(directory.fd(), temporary);
        }
        directory.close();
        posix.close();
    }
}
