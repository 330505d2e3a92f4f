// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import java.lang.foreign.MemorySegment;

/**
 * Collects the index records of one packfile while its blobs are written, then gives all that comes behind the blobs.
 * Owns its memory; reusable after {@link #reset}. For one thread.
 */
public final class PackfileTail implements AutoCloseable {
    private final ScratchBuffer index = new ScratchBuffer();
    private final ScratchBuffer tail = new ScratchBuffer();
    private final MemorySegment footer = MemorySegment.ofArray(new byte[PackfileLayout.FOOTER_BYTES]);
    private long records;

    /** Forgets all records. */
    public void reset() {
        records = 0;
    }

    /** Records added since the last reset. */
    public long records() {
        return records;
    }

    /**
     * Adds a record, with the current version of its type.
     *
     * @param offset bytes from the start of the payload
     * @param lengthBytes encoded length, below 2^32
     */
    public void add(int type, Mac mac, long offset, long lengthBytes) {
        if (lengthBytes >>> 32 != 0 || records == 0xffff_ffffL) {
            throw new IllegalArgumentException("a packfile holds fewer than 2^32 blobs of fewer than 2^32 bytes");
        }
        long at = records * PackfileLayout.RECORD_BYTES;
        MemorySegment room = records == 0
                ? index.start(PackfileLayout.RECORD_BYTES)
                : index.grow(at + PackfileLayout.RECORD_BYTES, at);
        PackfileLayout.writeRecord(room, at, type, ResourceType.currentVersion(type), mac, offset, lengthBytes);
        records++;
    }

    /** The records as they are before encoding, valid until the next add or reset. */
    public MemorySegment index() {
        return index.segment().asSlice(0, records * PackfileLayout.RECORD_BYTES).asReadOnly();
    }

    /**
     * Everything behind the blobs: encoded index, encoded footer, length of that.
     *
     * @param blobBytes length of all blobs together, which is where the index starts
     * @param createdNanos when the packfile was begun, since 1970 UTC
     * @return valid until the next use of this object
     */
    public MemorySegment encode(long blobBytes, long createdNanos, BlobCodec codec, MacHasher hasher) {
        MemorySegment raw = index();
        PackfileLayout.writeFooter(footer, createdNanos, records, blobBytes, hasher.mac(raw));
        long indexBytes = codec.prepare(raw);
        MemorySegment out = tail.start(indexBytes + PackfileLayout.FOOTER_LENGTH_BYTES);
        codec.writeTo(out.asSlice(0, indexBytes));
        long footerBytes = codec.prepare(footer);
        long length = indexBytes + footerBytes + PackfileLayout.FOOTER_LENGTH_BYTES;
        out = tail.grow(length, indexBytes);
        codec.writeTo(out.asSlice(indexBytes, footerBytes));
        out.set(PackfileLayout.U32, indexBytes + footerBytes, (int) footerBytes);
        return out.asSlice(0, length).asReadOnly();
    }

    @Override
    public void close() {
        index.close();
        tail.close();
    }
}
