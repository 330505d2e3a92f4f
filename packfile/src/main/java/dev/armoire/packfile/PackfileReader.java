// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A whole packfile, opened and verified (format 1 §9.3): envelope MAC, index MAC, and every record within the blobs.
 * Immutable; valid as long as the object and the arena it was opened with.
 */
public final class PackfileReader {
    private final MemorySegment payload;
    private final MemorySegment index;
    private final long createdNanos;
    private final long blobBytes;

    private PackfileReader(MemorySegment payload, MemorySegment index, long createdNanos, long blobBytes) {
        this.payload = payload;
        this.index = index;
        this.createdNanos = createdNanos;
        this.blobBytes = blobBytes;
    }

    /**
     * Opens a packfile of which all bytes are at hand.
     *
     * @param arena gets the decoded index, 56 bytes per blob
     * @param name names the packfile in error messages
     * @throws CorruptDataException when anything in it does not fit
     */
    public static PackfileReader open(
            MemorySegment object, BlobCodec codec, MacHasher hasher, Arena arena, String name) {
        return openPayload(
                Envelope.open(object, ResourceType.PACKFILE, hasher, name).payload(), codec, hasher, arena, name);
    }

    /** As {@link #open}, without the envelope MAC: for a packfile too large to read for its index alone. */
    public static PackfileReader openIndex(
            MemorySegment object, BlobCodec codec, MacHasher hasher, Arena arena, String name) {
        return openPayload(
                Envelope.openUnverified(object, ResourceType.PACKFILE, name).payload(), codec, hasher, arena, name);
    }

    private static PackfileReader openPayload(
            MemorySegment payload, BlobCodec codec, MacHasher hasher, Arena arena, String name) {
        long footerEnd = payload.byteSize() - PackfileLayout.FOOTER_LENGTH_BYTES;
        if (footerEnd < 0) {
            throw corrupt(name, "it has no footer");
        }
        long footerBytes = Integer.toUnsignedLong(payload.get(PackfileLayout.U32, footerEnd));
        long indexEnd = footerEnd - footerBytes;
        if (indexEnd < 0) {
            throw corrupt(name, "its footer would be " + footerBytes + " bytes, before the start of the file");
        }
        MemorySegment footer = codec.decode(payload.asSlice(indexEnd, footerBytes), PackfileLayout.FOOTER_BYTES);
        if (footer.byteSize() != PackfileLayout.FOOTER_BYTES) {
            throw corrupt(name, "its footer is " + footer.byteSize() + " bytes, expected 56");
        }
        long created = PackfileLayout.footerCreated(footer);
        long records = PackfileLayout.footerRecords(footer);
        long blobBytes = PackfileLayout.footerIndexOffset(footer);
        Mac indexMac = PackfileLayout.footerIndexMac(footer);
        if (blobBytes < 0 || blobBytes > indexEnd) {
            throw corrupt(
                    name,
                    "its index would start at byte " + Long.toUnsignedString(blobBytes) + " of " + payload.byteSize());
        }
        long indexBytes = records * PackfileLayout.RECORD_BYTES;
        MemorySegment decoded = codec.decode(payload.asSlice(blobBytes, indexEnd - blobBytes), indexBytes);
        if (decoded.byteSize() != indexBytes) {
            throw corrupt(
                    name,
                    "its index is " + decoded.byteSize() + " bytes, expected " + indexBytes + " for " + records
                            + " blobs");
        }
        if (!hasher.mac(decoded).equals(indexMac)) {
            throw corrupt(name, "the MAC of its index differs");
        }
        MemorySegment index =
                arena.allocate(Math.max(indexBytes, 1)).asSlice(0, indexBytes).copyFrom(decoded);
        for (long at = 0; at < indexBytes; at += PackfileLayout.RECORD_BYTES) {
            long offset = PackfileLayout.recordOffset(index, at);
            long length = PackfileLayout.recordLength(index, at);
            if (offset < 0 || offset > blobBytes || length > blobBytes - offset) {
                throw corrupt(
                        name,
                        "blob " + PackfileLayout.recordMac(index, at).shortHex() + " would be at "
                                + Long.toUnsignedString(offset) + ", " + length + " bytes, but the blobs end at "
                                + blobBytes);
            }
        }
        return new PackfileReader(payload, index.asReadOnly(), created, blobBytes);
    }

    /** When the packfile was begun, nanoseconds since 1970 UTC; 0 in a {@code .ptar}. */
    public long createdNanos() {
        return createdNanos;
    }

    /** Length of all blobs together. */
    public long blobBytes() {
        return blobBytes;
    }

    /** Number of blobs, padding included. */
    public long records() {
        return index.byteSize() / PackfileLayout.RECORD_BYTES;
    }

    public int type(long record) {
        return PackfileLayout.recordType(index, at(record));
    }

    public int version(long record) {
        return PackfileLayout.recordVersion(index, at(record));
    }

    public Mac mac(long record) {
        return PackfileLayout.recordMac(index, at(record));
    }

    /** Offset of the blob in bytes from the start of the payload. */
    public long offset(long record) {
        return PackfileLayout.recordOffset(index, at(record));
    }

    /** Encoded length of the blob in bytes. */
    public long length(long record) {
        return PackfileLayout.recordLength(index, at(record));
    }

    /** The encoded bytes of the blob, to be given to a codec. */
    public MemorySegment blob(long record) {
        return payload.asSlice(offset(record), length(record));
    }

    private long at(long record) {
        if (record < 0 || record >= records()) {
            throw new IndexOutOfBoundsException("record " + record + " of " + records());
        }
        return record * PackfileLayout.RECORD_BYTES;
    }

    private static CorruptDataException corrupt(String name, String problem) {
        return new CorruptDataException(
                "packfile " + name + ": " + problem + "; run `check` to list the snapshots that need it");
    }
}
