// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.ptar;

import dev.armoire.connectors.storage.fs.OpenFiles;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/** An archive in a file of this machine. */
final class LocalArchive implements ArchiveBytes {
    private final Path file;
    private final Path realFile;
    private final long size;
    private final OpenFiles reader = new OpenFiles(1);

    private LocalArchive(Path file, long size) throws IOException {
        this.file = file;
        this.realFile = file.toRealPath();
        this.size = size;
    }

    static LocalArchive open(Path file) throws IOException {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            if (!attributes.isRegularFile()) {
                throw new FileSystemException(file.toString(), null, "not a regular file, so not a .ptar archive");
            }
            return new LocalArchive(file, attributes.size());
        } catch (NoSuchFileException e) {
            throw new NoSuchFileException(file.toString(), null, "no such archive");
        } catch (AccessDeniedException e) {
            throw new AccessDeniedException(file.toString(), null, "no permission to open this archive");
        }
    }

    @Override
    public String name() {
        return file.toString();
    }

    @Override
    public String location() {
        return "ptar://" + file.normalize();
    }

    @Override
    public Path localPath() {
        return realFile;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void read(long position, MemorySegment into) throws IOException {
        long read;
        try {
            read = reader.read(file, position, into);
        } catch (ClosedByInterruptException | FileSystemException e) {
            throw e;
        } catch (IOException e) {
            throw new IOException("cannot read " + file + " at byte " + position + ": " + e.getMessage(), e);
        }
        if (read < into.byteSize()) {
            throw new EOFException("cannot read " + into.byteSize() + " bytes at byte " + position + " of " + file
                    + ": it was cut to " + Files.size(file) + " bytes while open");
        }
    }

    @Override
    public void close() {
        reader.close();
    }
}
