// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.ptar;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.storage.fs.OpenFiles;
import dev.armoire.connectors.storage.ptar.PtarLayout.Range;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Locale;

/** An archive as a storage that can only be read. It holds one packfile, which answers to any name, and one state. */
final class PtarStorage implements Storage {
    private final Path file;
    private final Path realFile;
    private final String location;
    private final OpenFiles reader;
    private final PtarLayout layout;

    private PtarStorage(Path file, OpenFiles reader, PtarLayout layout) throws IOException {
        this.file = file;
        this.realFile = file.toRealPath();
        this.location = "ptar://" + file.normalize();
        this.reader = reader;
        this.layout = layout;
    }

    static PtarStorage open(Path file) throws IOException {
        long fileBytes = fileBytes(file);
        if (fileBytes < PtarLayout.HEADER_BYTES + PtarLayout.TRAILER_BYTES) {
            throw new CorruptDataException(file + " is not a .ptar archive: it has only " + fileBytes + " bytes");
        }
        OpenFiles reader = new OpenFiles(1);
        try {
            MemorySegment magic = MemorySegment.ofArray(new byte[PtarLayout.MAGIC_BYTES]);
            readFully(reader, file, 0, magic);
            PtarLayout.checkMagic(magic, file);
            MemorySegment trailer = MemorySegment.ofArray(new byte[PtarLayout.TRAILER_BYTES]);
            readFully(reader, file, fileBytes - PtarLayout.TRAILER_BYTES, trailer);
            return new PtarStorage(file, reader, PtarLayout.parse(trailer, fileBytes, file));
        } catch (IOException | RuntimeException e) {
            reader.close();
            throw e;
        }
    }

    private static long fileBytes(Path file) throws IOException {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            if (!attributes.isRegularFile()) {
                throw new FileSystemException(file.toString(), null, "not a regular file, so not a .ptar archive");
            }
            return attributes.size();
        } catch (NoSuchFileException e) {
            throw new NoSuchFileException(file.toString(), null, "no such archive");
        } catch (AccessDeniedException e) {
            throw new AccessDeniedException(file.toString(), null, "no permission to open this archive");
        }
    }

    @Override
    public String location() {
        return location;
    }

    /** Without symbolic links. */
    @Override
    public Path localPath() {
        return realFile;
    }

    @Override
    public boolean isWritable() {
        return false;
    }

    @Override
    public MemorySegment readConfig(Arena arena) throws IOException {
        MemorySegment config = arena.allocate(layout.config().length());
        readFully(reader, file, layout.config().offset(), config);
        return config.asReadOnly();
    }

    @Override
    public List<Mac> list(ObjectKind kind) {
        return switch (kind) {
            case PACKFILE -> List.of(PtarLayout.PACKFILE);
            case STATE -> List.of(PtarLayout.STATE);
            case LOCK -> List.of();
        };
    }

    @Override
    public long size(ObjectKind kind, Mac name) throws IOException {
        return range(kind, name).length();
    }

    @Override
    public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
        if (offset < 0) {
            throw new IllegalArgumentException("negative offset " + offset);
        }
        Range range = range(kind, name);
        if (offset > range.length() || into.byteSize() > range.length() - offset) {
            throw new EOFException(label(kind, name) + ": wanted " + into.byteSize() + " bytes from byte " + offset
                    + ", but it has " + range.length() + " bytes");
        }
        readFully(reader, file, range.offset() + offset, into);
    }

    private Range range(ObjectKind kind, Mac name) throws NoSuchFileException {
        if (kind == ObjectKind.PACKFILE) {
            return layout.packfile();
        }
        if (kind == ObjectKind.STATE && name.equals(PtarLayout.STATE)) {
            return layout.state();
        }
        throw new NoSuchFileException(file.toString(), null, label(kind, name) + " is not in this archive");
    }

    private static void readFully(OpenFiles reader, Path file, long position, MemorySegment into) throws IOException {
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
    public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        throw readOnly("write", kind, name);
    }

    @Override
    public void refreshLock(Mac name, MemorySegment content) throws IOException {
        throw readOnly("refresh", ObjectKind.LOCK, name);
    }

    @Override
    public void delete(ObjectKind kind, Mac name) throws IOException {
        throw readOnly("delete", kind, name);
    }

    private IOException readOnly(String verb, ObjectKind kind, Mac name) {
        return new IOException("cannot " + verb + ' ' + label(kind, name) + ": a .ptar archive is read-only");
    }

    private String label(ObjectKind kind, Mac name) {
        return kind.name().toLowerCase(Locale.ROOT) + ' ' + name.shortHex() + " of " + location;
    }

    @Override
    public void close() {
        reader.close();
    }
}
