// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.ffi.Errno;
import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.ffi.PosixException;
import dev.armoire.connectors.spi.ImportRecord;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** Owns the descriptor of an open file. Holes are filled with zeros here; the kernel would copy them page by page. */
final class PosixContent implements ImportRecord.Content {
    private static final long LARGE_BYTES = 1 << 20;

    private final byte[] path;
    private final Posix posix;
    private final int fd;
    private final boolean isLarge;
    private final long sizeWhenOpened;
    private boolean isSparse;
    private boolean isRead;
    private long position;
    private long holeEnd; // zeros from position to here
    private long dataEnd; // then data to here
    private boolean closed;

    /** @param posix taken for this content alone; its last stat is that of {@code fd} */
    PosixContent(byte[] path, Posix posix, int fd) {
        this.path = path;
        this.posix = posix;
        this.fd = fd;
        isSparse = posix.stat().allocatedBytes() < posix.stat().size();
        dataEnd = isSparse ? 0 : Long.MAX_VALUE;
        sizeWhenOpened = posix.stat().size();
        isLarge = sizeWhenOpened >= LARGE_BYTES;
    }

    @Override
    public long read(MemorySegment into) throws IOException {
        long filled = 0;
        isRead = true;
        while (filled < into.byteSize()) {
            long wanted = into.byteSize() - filled;
            if (position < holeEnd) {
                wanted = Math.min(wanted, holeEnd - position);
                into.asSlice(filled, wanted).fill((byte) 0);
            } else if (position < dataEnd) {
                if (isLarge) {
                    // What is asked for next comes while this is worked on. Only advice: whether it is taken does not
                    // matter.
                    posix.readAhead(fd, position + wanted, wanted);
                }
                wanted = posix.pread(fd, into.asSlice(filled, Math.min(wanted, dataEnd - position)), position);
                if (wanted < 0) {
                    throw new PosixException("read", path, wanted);
                }
                if (wanted == 0) {
                    return filled;
                }
            } else if (!findExtent()) {
                return filled;
            } else {
                continue;
            }
            filled += wanted;
            position += wanted;
            if (position == sizeWhenOpened && filled < into.byteSize()) {
                return filled; // a call less for each small file: had it grown since, its version would tell
            }
        }
        return filled;
    }

    @Override
    public ImportRecord.Version version() throws IOException {
        int failed = isRead ? posix.statFile(fd) : 0; // the last stat is that of its opening, which was just now
        if (failed != 0) {
            throw new PosixException("stat", path, failed);
        }
        return new ImportRecord.Version(
                posix.stat().size(), posix.stat().mtimeSeconds(), posix.stat().mtimeNanos());
    }

    /** Looks for the hole and the data that come next. False at the end of the file. */
    private boolean findExtent() throws IOException {
        long data = isSparse ? posix.seekData(fd, position) : -Errno.EINVAL;
        if (data == -Errno.ENXIO) { // nothing but a hole, or the end
            int failed = posix.statFile(fd);
            if (failed != 0) {
                throw new PosixException("stat", path, failed);
            }
            holeEnd = posix.stat().size();
            dataEnd = holeEnd;
            return position < holeEnd;
        }
        long hole = data < 0 ? -1 : posix.seekHole(fd, data);
        if (hole <= data) { // this file system does not tell
            isSparse = false;
            dataEnd = Long.MAX_VALUE;
        } else {
            holeEnd = data;
            dataEnd = hole;
        }
        return true;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            posix.closeFile(fd);
            posix.close();
        }
    }
}
