// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.ffi.PosixException;
import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.FileInfo;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A file that is being written under a temporary name in its own directory. Owns its descriptor and a handle of the
 * directory.
 */
final class PosixFileOutput implements Exporter.FileOutput {
    private final PosixExporter exporter;
    private final DirectoryHandles.Handle directory;
    private final byte[] temporary;
    private final byte[] path;
    private final FileInfo info;
    private final Posix posix;
    private final int fd;
    private final SparseWriter writer;
    private long end;
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
        this.writer = new SparseWriter(posix, fd, 0, () -> exporter.shown(path));
    }

    @Override
    public void write(MemorySegment data) throws IOException {
        writer.write(data);
    }

    @Override
    public Exporter.Part part(long offset) {
        Posix own = Posix.take();
        SparseWriter stretch = new SparseWriter(own, fd, offset, () -> exporter.shown(path));
        return new Exporter.Part() {
            @Override
            public void write(MemorySegment data) throws IOException {
                stretch.write(data);
            }

            @Override
            public void close() {
                grow(stretch);
                own.close();
            }
        };
    }

    private synchronized void grow(SparseWriter stretch) {
        end = Math.max(end, stretch.position());
        writtenEnd = Math.max(writtenEnd, stretch.writtenEnd());
    }

    @Override
    public void commit(List<Exporter.Xattr> xattrs) throws IOException {
        if (closed || renamed) {
            throw new IllegalStateException("commit of a file that is committed or closed");
        }
        grow(writer);
        int failed = end > writtenEnd ? posix.truncate(fd, end) : 0;
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
