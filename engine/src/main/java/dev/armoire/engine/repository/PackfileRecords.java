// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.crypto.Mac;
import dev.armoire.packfile.PackfileLayout;
import dev.armoire.packfile.ResourceType;
import java.lang.foreign.MemorySegment;

/**
 * The decoded index of a packfile in the order of the blobs' offsets, which is the order of reading. Borrows its memory,
 * which it may reorder. Records are 56 bytes each, see {@link PackfileLayout}.
 */
public final class PackfileRecords {
    private static final long RECORD = PackfileLayout.RECORD_BYTES;

    private final MemorySegment index;
    private final MemorySegment spare = MemorySegment.ofArray(new byte[(int) RECORD]);
    private final long count;
    private final long createdNanos;
    private final Mac indexMac;

    PackfileRecords(MemorySegment index, Mac indexMac, long createdNanos) {
        this.index = index;
        this.indexMac = indexMac;
        this.createdNanos = createdNanos;
        this.count = index.byteSize() / RECORD;
        sort();
    }

    /** The index itself, its records in the order of offsets. */
    public MemorySegment segment() {
        return index;
    }

    /** When the packfile was begun, in nanoseconds since 1970, as its footer says. */
    public long createdNanos() {
        return createdNanos;
    }

    /** The MAC of the index as it is stored. */
    public Mac indexMac() {
        return indexMac;
    }

    public long count() {
        return count;
    }

    public int type(long record) {
        return PackfileLayout.recordType(index, record * RECORD);
    }

    public Mac mac(long record) {
        return PackfileLayout.recordMac(index, record * RECORD);
    }

    /** Bytes from the start of the payload. */
    public long offset(long record) {
        return PackfileLayout.recordOffset(index, record * RECORD);
    }

    /** Encoded bytes. */
    public long length(long record) {
        return PackfileLayout.recordLength(index, record * RECORD);
    }

    /** A blob and its place, for people. */
    public String describe(long record) {
        return ResourceType.name(type(record)) + ' ' + mac(record).shortHex() + " at offset "
                + Long.toUnsignedString(offset(record)) + ", " + length(record) + " bytes";
    }

    /** Whether a blob is at exactly this place. */
    public boolean contains(int type, Mac mac, long offset, long length) {
        long low = 0;
        long high = count;
        while (low < high) {
            long middle = low + high >>> 1;
            if (offset(middle) < offset) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        for (long record = low; record < count && offset(record) == offset; record++) {
            if (length(record) == length && type(record) == type && mac(record).equals(mac)) {
                return true;
            }
        }
        return false;
    }

    /** A heap sort, because an archive may have more records than the heap should hold. Most indexes are sorted already. */
    private void sort() {
        if (isSorted()) {
            return;
        }
        for (long root = count / 2 - 1; root >= 0; root--) {
            sink(root, count);
        }
        for (long end = count - 1; end > 0; end--) {
            swap(0, end);
            sink(0, end);
        }
    }

    private boolean isSorted() {
        for (long record = 1; record < count; record++) {
            if (offset(record) < offset(record - 1)) {
                return false;
            }
        }
        return true;
    }

    private void sink(long root, long end) {
        long at = root;
        while (2 * at + 1 < end) {
            long child = 2 * at + 1;
            if (child + 1 < end && offset(child + 1) > offset(child)) {
                child++;
            }
            if (offset(at) >= offset(child)) {
                return;
            }
            swap(at, child);
            at = child;
        }
    }

    private void swap(long a, long b) {
        MemorySegment.copy(index, a * RECORD, spare, 0, RECORD);
        MemorySegment.copy(index, b * RECORD, index, a * RECORD, RECORD);
        MemorySegment.copy(spare, 0, index, b * RECORD, RECORD);
    }
}
