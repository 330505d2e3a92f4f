// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Envelope;
import dev.armoire.packfile.PackfileLayout;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Reads what packfiles say of themselves at their end, footer and index, and nothing else of them. For one thread; owns its
 * memory.
 */
public final class PackfileIndexReader implements AutoCloseable {
    /** An encoded footer has 56 bytes and less than 200 around them. */
    private static final long MAX_FOOTER_BYTES = 4 << 10;

    private static final long TAIL_BYTES = MAX_FOOTER_BYTES + PackfileLayout.FOOTER_LENGTH_BYTES;
    private static final ValueLayout.OfInt U32 = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Storage storage;
    private final BlobCodec codec;
    private final MacHasher hasher;
    private final Room tailRoom = new Room();
    private final Room encodedIndex = new Room();
    private final Room index = new Room();
    private long bytesRead;

    public PackfileIndexReader(Repository repository) {
        this.storage = repository.storage();
        this.codec = repository.newCodec();
        this.hasher = repository.keys().newMacHasher();
    }

    /**
     * Reads the index of a packfile; the records are readable until the next call.
     *
     * @param size bytes of the packfile
     * @throws CorruptDataException when it has none that can be right
     */
    public PackfileRecords read(Mac name, long size) throws IOException {
        long footerEnd = size - Mac.BYTES - PackfileLayout.FOOTER_LENGTH_BYTES;
        if (footerEnd < Envelope.HEADER_BYTES) {
            throw new CorruptDataException("it has only " + size + " bytes: it was cut short");
        }
        long tailAt = Math.max(Envelope.HEADER_BYTES, footerEnd - MAX_FOOTER_BYTES);
        MemorySegment tail =
                tailRoom.atLeast(TAIL_BYTES, 0).asSlice(0, footerEnd + PackfileLayout.FOOTER_LENGTH_BYTES - tailAt);
        read(name, tailAt, tail);
        long footerBytes = Integer.toUnsignedLong(tail.get(U32, footerEnd - tailAt));
        if (footerBytes > footerEnd - tailAt) {
            throw new CorruptDataException("bytes " + footerEnd + "-" + (footerEnd + PackfileLayout.FOOTER_LENGTH_BYTES)
                    + " say that its footer has " + footerBytes + " bytes, which cannot be");
        }
        long footerAt = footerEnd - footerBytes;
        MemorySegment footer;
        try {
            footer = codec.decode(tail.asSlice(footerAt - tailAt, footerBytes), PackfileLayout.FOOTER_BYTES);
        } catch (CorruptDataException e) {
            throw new CorruptDataException(
                    "its footer at bytes " + range(footerAt, footerBytes) + ": " + e.getMessage(), e);
        }
        if (footer.byteSize() != PackfileLayout.FOOTER_BYTES) {
            throw new CorruptDataException("its footer at bytes " + range(footerAt, footerBytes) + " has "
                    + footer.byteSize() + " bytes when decoded, expected " + PackfileLayout.FOOTER_BYTES);
        }
        long count = PackfileLayout.footerRecords(footer);
        long blobBytes = PackfileLayout.footerIndexOffset(footer);
        Mac indexMac = PackfileLayout.footerIndexMac(footer);
        long createdNanos = PackfileLayout.footerCreated(footer);
        long indexAt = Envelope.HEADER_BYTES + blobBytes;
        long plainBytes = count * PackfileLayout.RECORD_BYTES;
        // No codec adds so much; what says more is damaged, and should not make us read a whole archive for its index.
        if (blobBytes < 0 || indexAt > footerAt || footerAt - indexAt > plainBytes + plainBytes / 64 + 4096) {
            throw new CorruptDataException(
                    "its footer at bytes " + range(footerAt, footerBytes) + " says that an index of " + count
                            + " blobs starts at byte " + Long.toUnsignedString(indexAt) + ", which cannot be");
        }
        return decodeIndex(name, indexAt, footerAt - indexAt, count, indexMac, blobBytes, createdNanos);
    }

    private PackfileRecords decodeIndex(
            Mac name, long at, long bytes, long count, Mac mac, long blobBytes, long createdNanos) throws IOException {
        MemorySegment encoded = encodedIndex.atLeast(bytes, 0).asSlice(0, bytes);
        read(name, at, encoded);
        long plainBytes = count * PackfileLayout.RECORD_BYTES;
        MemorySegment plain;
        try {
            plain = codec.decode(encoded, plainBytes);
        } catch (CorruptDataException e) {
            throw new CorruptDataException("its index at bytes " + range(at, bytes) + ": " + e.getMessage(), e);
        }
        if (plain.byteSize() != plainBytes || !hasher.mac(plain).equals(mac)) {
            throw new CorruptDataException("its index at bytes " + range(at, bytes) + ": MAC mismatch");
        }
        MemorySegment own = index.atLeast(plainBytes, 0).asSlice(0, plainBytes).copyFrom(plain);
        PackfileRecords records = new PackfileRecords(own, mac, createdNanos);
        for (long record = 0; record < records.count(); record++) {
            long offset = records.offset(record);
            if (offset < 0 || offset > blobBytes || records.length(record) > blobBytes - offset) {
                throw new CorruptDataException("its index at bytes " + range(at, bytes) + " places "
                        + records.describe(record) + ", but the blobs end at offset " + blobBytes);
            }
        }
        return records;
    }

    private static String range(long at, long bytes) {
        return at + "-" + (at + bytes);
    }

    private void read(Mac name, long at, MemorySegment into) throws IOException {
        storage.read(ObjectKind.PACKFILE, name, at, into);
        bytesRead += into.byteSize();
    }

    /** Bytes fetched from the storage since the last call. */
    public long takeBytesRead() {
        long bytes = bytesRead;
        bytesRead = 0;
        return bytes;
    }

    @Override
    public void close() {
        codec.close();
        tailRoom.close();
        encodedIndex.close();
        index.close();
    }
}
