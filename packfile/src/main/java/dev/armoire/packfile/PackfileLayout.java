// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.armoire.crypto.Mac;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The payload of a packfile (format 1 §9.1), little-endian, no padding between fields.
 *
 * <pre>
 *  payload: | blobs, back to back | encoded index | encoded footer | length of the encoded footer (4) |
 *
 *  index record, 56 bytes, one per blob
 *  0      4         8            40        48       52      56
 *  | type | version | MAC (32 B) | offset  | length | flags |
 *
 *  footer, 56 bytes
 *  0               8         12             20                  52      56
 *  | created (ns)  | records | index offset | index MAC (32 B)  | flags |
 * </pre>
 *
 * Offsets count from the start of the payload, which is byte 16 of the object. The index MAC is over the records before
 * they are encoded. Flags are 0.
 */
public final class PackfileLayout {
    /** Bytes of one index record. */
    public static final int RECORD_BYTES = 56;

    /** Bytes of the footer before it is encoded. */
    public static final int FOOTER_BYTES = 56;

    /** Bytes of the number that ends the payload. */
    public static final int FOOTER_LENGTH_BYTES = 4;

    static final ValueLayout.OfInt U32 = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong U64 = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final long TYPE_AT = 0;
    private static final long VERSION_AT = 4;
    private static final long MAC_AT = 8;
    private static final long OFFSET_AT = 40;
    private static final long LENGTH_AT = 48;
    private static final long FLAGS_AT = 52;

    private static final long CREATED_AT = 0;
    private static final long COUNT_AT = 8;
    private static final long INDEX_OFFSET_AT = 12;
    private static final long INDEX_MAC_AT = 20;

    private PackfileLayout() {}

    /** Writes the index record that starts at byte {@code at} of {@code index}. */
    static void writeRecord(
            MemorySegment index, long at, int type, int version, Mac mac, long offset, long lengthBytes) {
        index.set(U32, at + TYPE_AT, type);
        index.set(U32, at + VERSION_AT, version);
        mac.write(index, at + MAC_AT);
        index.set(U64, at + OFFSET_AT, offset);
        index.set(U32, at + LENGTH_AT, (int) lengthBytes);
        index.set(U32, at + FLAGS_AT, 0);
    }

    /** Resource type of the record that starts at byte {@code at} of {@code index}. */
    public static int recordType(MemorySegment index, long at) {
        return index.get(U32, at + TYPE_AT);
    }

    public static int recordVersion(MemorySegment index, long at) {
        return index.get(U32, at + VERSION_AT);
    }

    public static Mac recordMac(MemorySegment index, long at) {
        return Mac.read(index, at + MAC_AT);
    }

    /** Offset of the blob in bytes from the start of the payload. */
    public static long recordOffset(MemorySegment index, long at) {
        return index.get(U64, at + OFFSET_AT);
    }

    /** Encoded length of the blob in bytes, 0 to 2^32 - 1. */
    public static long recordLength(MemorySegment index, long at) {
        return Integer.toUnsignedLong(index.get(U32, at + LENGTH_AT));
    }

    static void writeFooter(MemorySegment footer, long createdNanos, long records, long indexOffset, Mac indexMac) {
        footer.set(U64, CREATED_AT, createdNanos);
        footer.set(U32, COUNT_AT, (int) records);
        footer.set(U64, INDEX_OFFSET_AT, indexOffset);
        indexMac.write(footer, INDEX_MAC_AT);
        footer.set(U32, FLAGS_AT, 0);
    }

    /** When the packfile was begun, in nanoseconds since 1970, as a decoded footer says. */
    public static long footerCreated(MemorySegment footer) {
        return footer.get(U64, CREATED_AT);
    }

    /** Number of records in the index, 0 to 2^32 - 1, as a decoded footer says. */
    public static long footerRecords(MemorySegment footer) {
        return Integer.toUnsignedLong(footer.get(U32, COUNT_AT));
    }

    /** Where the encoded index starts, in bytes from the start of the payload; unchecked, so it may be negative. */
    public static long footerIndexOffset(MemorySegment footer) {
        return footer.get(U64, INDEX_OFFSET_AT);
    }

    /** MAC of the decoded index. */
    public static Mac footerIndexMac(MemorySegment footer) {
        return Mac.read(footer, INDEX_MAC_AT);
    }

    /**
     * Random bytes to leave behind a range of so many bytes, because Plakar reads past what it asks for (format 1 §9.4):
     * {@code 2^(b/2) - 1}, where b is the bit length of the range.
     */
    public static long slackBytes(long rangeBytes) {
        int bits = Long.SIZE - Long.numberOfLeadingZeros(rangeBytes);
        return (1L << (bits / 2)) - 1;
    }
}
