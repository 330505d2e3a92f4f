// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.ptar;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.storage.ptar.PtarLayout.Range;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** An archive as a storage that can only be read. It holds one packfile, which answers to any name, and one state. */
public final class PtarStorage implements Storage {
    private final ArchiveBytes archive;
    private final PtarLayout layout;

    private PtarStorage(ArchiveBytes archive, PtarLayout layout) {
        this.archive = archive;
        this.layout = layout;
    }

    static PtarStorage open(Path file) throws IOException {
        return open(LocalArchive.open(file));
    }

    /** Takes over the archive, and closes it when it is none. */
    public static PtarStorage open(ArchiveBytes archive) throws IOException {
        try {
            String name = archive.name();
            long bytes = archive.size();
            if (bytes < PtarLayout.HEADER_BYTES + PtarLayout.TRAILER_BYTES) {
                throw new CorruptDataException(name + " is not a .ptar archive: it has only " + bytes + " bytes");
            }
            MemorySegment magic = MemorySegment.ofArray(new byte[PtarLayout.MAGIC_BYTES]);
            archive.read(0, magic);
            PtarLayout.checkMagic(magic, name);
            MemorySegment trailer = MemorySegment.ofArray(new byte[PtarLayout.TRAILER_BYTES]);
            archive.read(bytes - PtarLayout.TRAILER_BYTES, trailer);
            return new PtarStorage(archive, PtarLayout.parse(trailer, bytes, name));
        } catch (IOException | RuntimeException e) {
            archive.close();
            throw e;
        }
    }

    @Override
    public String location() {
        return archive.location();
    }

    @Override
    public @Nullable Path localPath() {
        return archive.localPath();
    }

    @Override
    public boolean isWritable() {
        return false;
    }

    @Override
    public MemorySegment readConfig(Arena arena) throws IOException {
        MemorySegment config = arena.allocate(layout.config().length());
        archive.read(layout.config().offset(), config);
        return config.asReadOnly();
    }

    @Override
    public List<Mac> list(ObjectKind kind) {
        return switch (kind) {
            case PACKFILE -> List.of(PtarLayout.PACKFILE);
            case STATE -> List.of(PtarLayout.STATE);
            case LOCK, PARITY -> List.of();
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
        archive.read(range.offset() + offset, into);
    }

    private Range range(ObjectKind kind, Mac name) throws NoSuchFileException {
        if (kind == ObjectKind.PACKFILE) {
            return layout.packfile();
        }
        if (kind == ObjectKind.STATE && name.equals(PtarLayout.STATE)) {
            return layout.state();
        }
        throw new NoSuchFileException(archive.name(), null, label(kind, name) + " is not in this archive");
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
        return kind.name().toLowerCase(Locale.ROOT) + ' ' + name.shortHex() + " of " + archive.location();
    }

    @Override
    public void close() {
        archive.close();
    }
}
