// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.snapshot.BlobSource;
import dev.armoire.index.BlobLocation;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Envelope;
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
    private MemorySegment encoded = buffer.asSlice(0, 0);

    /** Says where a blob lies. */
    @FunctionalInterface
    interface Finder {
        @Nullable
        BlobLocation find(int type, Mac mac);
    }

    BlobReader(Repository repository, Finder finder) {
        this(repository, finder, null);
    }

    /** @param ahead to read small blobs from, whose owner this is; null to read each one alone */
    BlobReader(Repository repository, Finder finder, @Nullable ReadAhead ahead) {
        this.ahead = ahead;
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
        if (length > UNCHECKED_BYTES
                && place.offset() + length > repository.storage().size(ObjectKind.PACKFILE, packfile)) {
            throw new CorruptDataException("its packfile is shorter than its " + length + " bytes");
        }
        long begun = repository.stages().begin();
        if (ahead != null && ReadAhead.takes(length)) {
            encoded = ahead.read(packfile, Envelope.HEADER_BYTES + place.offset(), length);
        } else {
            encoded = room(length);
            repository.storage().read(ObjectKind.PACKFILE, packfile, Envelope.HEADER_BYTES + place.offset(), encoded);
            bytesRead += length;
        }
        begun = repository.stages().end(StageTimes.Stage.FETCH, begun);
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
