// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.crypto.SegmentTags;
import dev.armoire.engine.snapshot.BlobSource;
import dev.armoire.index.BlobLocation;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Envelope;
import dev.armoire.packfile.Lz4Marks;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.NoSuchFileException;
import org.jspecify.annotations.Nullable;

/**
 * Reads blobs and verifies each one's MAC. Used by one thread at a time, which need not always be the same. Owns its buffers;
 * their arena is shared for that reason.
 */
public final class BlobReader implements BlobSource, AutoCloseable {
    /** Larger reads are believed only when the packfile is as large as they say. */
    private static final long UNCHECKED_BYTES = 16 << 20;
    /** More than the object record of a file of 10 TiB; only snapshots of one directory tree of files come near. */
    private static final long MAX_METADATA_BYTES = 2L << 30;

    private final Repository repository;
    private final Finder finder;
    private final BlobCodec codec;
    private final MacHasher hasher;
    private final long maxChunkBytes;
    private Arena arena = Arena.ofShared();
    private MemorySegment buffer = arena.allocate(64 << 10, 64);
    private long bytesRead;
    private final @Nullable ReadAhead ahead;
    /** Where a blob may be nearer than in the store; null where only the store counts. */
    private final @Nullable PackfileCopies copies;

    private final boolean keepsCopies;
    private MemorySegment encoded = buffer.asSlice(0, 0);

    /** Says where a blob lies. */
    @FunctionalInterface
    interface Finder {
        @Nullable
        BlobLocation find(int type, Mac mac);
    }

    BlobReader(Repository repository, Finder finder) {
        this(repository, finder, null, null, false);
    }

    /**
     * A reader.
     *
     * @param ahead to read small blobs from, whose owner this is; null to read each one alone
     * @param copies asked first; null for what must come from the store
     * @param keepsCopies whether what the store gave goes there
     */
    BlobReader(
            Repository repository,
            Finder finder,
            @Nullable ReadAhead ahead,
            @Nullable PackfileCopies copies,
            boolean keepsCopies) {
        this.ahead = ahead;
        this.copies = copies;
        this.keepsCopies = keepsCopies;
        this.repository = repository;
        this.finder = finder;
        this.codec = repository.newCodec();
        this.hasher = repository.keys().newMacHasher();
        this.maxChunkBytes = Math.max(64 << 10, repository.config().chunking().maxSize());
    }

    @Override
    public MemorySegment read(int type, Mac mac) {
        BlobLocation place = finder.find(type, mac);
        if (place == null) {
            throw new CorruptDataException(
                    ResourceType.name(type) + " " + mac.shortHex() + " is in no packfile of this store");
        }
        Mac packfile = repository.index().packfiles().name(place.packfile());
        try {
            return read(type, mac, packfile, place);
        } catch (CorruptDataException e) {
            throw new CorruptDataException(
                    ResourceType.name(type) + " " + mac.shortHex() + ": " + e.getMessage() + ", packfile "
                            + packfile.shortHex() + " offset " + place.offset(),
                    e);
        } catch (NoSuchFileException e) {
            throw new CorruptDataException(
                    ResourceType.name(type) + " " + mac.shortHex() + ": packfile " + packfile.hex() + " is missing", e);
        } catch (java.io.EOFException e) {
            throw new CorruptDataException(
                    ResourceType.name(type) + " " + mac.shortHex() + ": packfile " + packfile.hex() + " is cut short",
                    e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private MemorySegment read(int type, Mac mac, Mac packfile, BlobLocation place) throws IOException {
        long length = place.length();
        long at = Envelope.HEADER_BYTES + place.offset();
        PackfileCopies near = length > UNCHECKED_BYTES || !isProven(type) ? null : copies;
        if (near != null) {
            MemorySegment plain = readCopy(near, type, mac, packfile, at, length);
            if (plain != null) {
                return plain;
            }
        }
        if (length > UNCHECKED_BYTES
                && place.offset() + length > repository.storage().size(ObjectKind.PACKFILE, packfile)) {
            throw new CorruptDataException("its packfile is shorter than its " + length + " bytes");
        }
        long begun = repository.stages().begin();
        if (ahead != null && ReadAhead.takes(length)) {
            encoded = ahead.read(packfile, at, length);
        } else {
            encoded = room(length);
            repository.storage().read(ObjectKind.PACKFILE, packfile, at, encoded);
            bytesRead += length;
        }
        var _ = repository.stages().end(StageTimes.Stage.FETCH, begun);
        MemorySegment plain = decode(type, mac);
        if (near != null && keepsCopies) {
            near.put(packfile, at, encoded);
        }
        return plain;
    }

    /** Whether {@link #readPart} may have a part of a blob: one that could not be compressed, in a store on this machine. */
    public boolean holdsParts(int type, Mac mac, long plainLength) {
        BlobLocation place = finder.find(type, mac);
        return place != null
                && repository.storage().localPath() != null
                && codec.holdsPlain(place.length(), plainLength);
    }

    /**
     * Where the blob of the last {@link #read}, which gave so many bytes, can be decoded from.
     *
     * @return null if only from its begin, or if the store is not on this machine
     */
    public @Nullable Lz4Marks marks(int plainLength) {
        return repository.storage().localPath() == null ? null : codec.marks(plainLength);
    }

    /** What parts of the blob of the last {@link #read} are verified by; null in a store that is not encrypted. */
    public @Nullable SegmentTags tags() {
        return codec.tags(encoded);
    }

    /** Decodes a part of a blob. */
    @FunctionalInterface
    private interface PartDecoder {
        @Nullable
        MemorySegment decode(BlobCodec.EncodedBlob blob) throws IOException;
    }

    /**
     * A part of a blob that {@link #holdsParts}, for which no more of it is read and decrypted than that takes. It is for those who have
     * read all of the blob before, and have kept what its parts are verified by: {@link #tags}, or where there are none, what they verify
     * them by themselves, as here nothing is.
     *
     * @param plainLength bytes of the whole blob
     * @param from byte at which the part begins, which ends within the blob
     * @return read-only, valid until the next read; null where it cannot be had, in which case {@link #read} is asked for all
     */
    public @Nullable MemorySegment readPart(
            int type, Mac mac, @Nullable SegmentTags tags, long plainLength, long from, long length) {
        return readPart(
                type,
                mac,
                tags,
                blob -> codec.holdsPlain(blob.length(), plainLength) ? codec.decodePart(blob, from, length) : null);
    }

    /**
     * A part of a blob that has marks, likewise.
     *
     * @param begin the mark that is decoded from
     * @param window the {@link Lz4Marks#WINDOW_BYTES} of plaintext before it; empty if it is the first mark
     * @param from byte at which the part begins, not before that mark
     */
    public @Nullable MemorySegment readPart(
            int type,
            Mac mac,
            @Nullable SegmentTags tags,
            Lz4Marks marks,
            int begin,
            MemorySegment window,
            long from,
            long length) {
        return readPart(type, mac, tags, blob -> codec.decodePart(blob, marks, begin, window, from, length));
    }

    private @Nullable MemorySegment readPart(int type, Mac mac, @Nullable SegmentTags tags, PartDecoder decoder) {
        try {
            BlobLocation place = finder.find(type, mac);
            if (place == null) {
                return null;
            }
            Mac packfile = repository.index().packfiles().name(place.packfile());
            long at = Envelope.HEADER_BYTES + place.offset();
            return decoder.decode(new BlobCodec.EncodedBlob(
                    (offset, into) -> repository.storage().read(ObjectKind.PACKFILE, packfile, at + offset, into),
                    place.length(),
                    tags));
        } catch (CorruptDataException | IOException e) {
            return null; // whoever reads all of it meets the same, and tells it with all its names
        }
    }

    /** Whether a blob that was swapped for something else is found out: in a plaintext store snapshots are named by nothing in them. */
    private boolean isProven(int type) {
        return repository.config().isEncrypted() || type != ResourceType.SNAPSHOT && type != ResourceType.SIGNATURE;
    }

    /** A blob that needs not be fetched, or null. */
    private @Nullable MemorySegment readCopy(
            PackfileCopies near, int type, Mac mac, Mac packfile, long at, long length) {
        long begun = repository.stages().begin();
        encoded = room(length);
        boolean isThere = near.read(packfile, at, encoded);
        var _ = repository.stages().end(StageTimes.Stage.FETCH, begun);
        if (!isThere) {
            return null;
        }
        try {
            return decode(type, mac);
        } catch (CorruptDataException e) {
            near.forget(packfile); // the store has it as it should be, or says so itself
            return null;
        }
    }

    private MemorySegment decode(int type, Mac mac) {
        long begun = repository.stages().begin();
        MemorySegment plain = codec.decode(encoded, type == ResourceType.CHUNK ? maxChunkBytes : MAX_METADATA_BYTES);
        // A snapshot and its signature are named by an identifier, everything else by its content.
        if (type != ResourceType.SNAPSHOT
                && type != ResourceType.SIGNATURE
                && !hasher.mac(plain).equals(mac)) {
            throw new CorruptDataException("MAC mismatch");
        }
        var _ = repository.stages().end(StageTimes.Stage.DECODE, begun);
        return plain;
    }

    private MemorySegment room(long length) {
        if (buffer.byteSize() < length) {
            arena.close();
            arena = Arena.ofShared();
            buffer = arena.allocate(Math.max(length, Math.min(buffer.byteSize() * 2, 1 << 20)), 64);
        }
        return buffer.asSlice(0, length);
    }

    /** The blob of the last {@link #read} as it is stored, valid until the next one. */
    public MemorySegment encoded() {
        return encoded.asReadOnly();
    }

    /** The blob of the last {@link #read} as its store compresses it, valid until the next one. */
    public MemorySegment compressed() {
        return codec.opened();
    }

    /** Bytes fetched from the storage so far. */
    public long bytesRead() {
        return bytesRead + (ahead == null ? 0 : ahead.bytesRead());
    }

    @Override
    public void close() {
        codec.close();
        arena.close();
        if (ahead != null) {
            ahead.close();
        }
    }
}
