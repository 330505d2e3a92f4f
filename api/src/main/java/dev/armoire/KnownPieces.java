// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.crypto.SegmentTags;
import dev.armoire.packfile.Lz4Marks;
import java.lang.foreign.MemorySegment;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * By what parts of chunks are verified that were read and verified as a whole before: where the store is encrypted the tags of the blob's
 * segments, else the first half of a MAC of each piece of 16 KiB. A chunk's own MAC is over all of it. And where those that are compressed
 * can be decoded from. Of the chunks that were not asked for longest, the oldest go. Thread-safe.
 */
final class KnownPieces {
    /** One batch of BLAKE3's widest kernel. */
    static final int PIECE_BYTES = 16 << 10;

    private static final int WORDS = 2;

    private final long maxPieces;
    private final long cachedBytes;
    // All that follows is guarded by this.
    private long pieces;
    /** Of all chunks together, ever. */
    private long bytesInParts;

    private final LinkedHashMap<Mac, Known> chunks = new LinkedHashMap<>(16, 0.75f, true);

    /** What is known of a chunk. */
    static final class Known {
        private final long[] macs;
        /** Null in a store that is not encrypted; then there are MACs. */
        final @Nullable SegmentTags tags;
        /** Null where the plaintext stands in the blob as it is. */
        final @Nullable Lz4Marks marks;
        /** Bytes that were read in parts since it was last read as a whole, or since that was thought of. */
        private long bytesInParts;
        /** Those of all chunks at that time. */
        private long since;

        private Known(long[] macs, @Nullable SegmentTags tags, @Nullable Lz4Marks marks) {
            this.macs = macs;
            this.tags = tags;
            this.marks = marks;
        }

        private int pieces() {
            return tags == null ? macs.length / WORDS : tags.count();
        }

        /** A multiple of which parts must begin and end at, so that they can be verified. */
        int pieceBytes() {
            return tags == null ? PIECE_BYTES : 1;
        }
    }

    /**
     * Knows nothing yet.
     *
     * @param maxBytes of memory, on the heap
     * @param cachedBytes of chunks that are kept as a whole: one that is read so often that it would stay there should be
     */
    KnownPieces(long maxBytes, long cachedBytes) {
        maxPieces = maxBytes / (WORDS * Long.BYTES);
        this.cachedBytes = cachedBytes;
    }

    /**
     * Remembers a chunk, which is verified.
     *
     * @param tags of its blob; null in a store that is not encrypted
     * @param hasher borrowed
     * @return what is known now: what was known before, unless its blob was written anew since; null when there is no room for it
     */
    @Nullable
    Known add(Mac chunk, MemorySegment plain, @Nullable SegmentTags tags, @Nullable Lz4Marks marks, MacHasher hasher) {
        long count = Math.ceilDiv(plain.byteSize(), PIECE_BYTES);
        if (count > maxPieces) {
            return null;
        }
        synchronized (this) {
            Known known = chunks.get(chunk);
            if (known != null && Objects.equals(tags, known.tags) && Objects.equals(marks, known.marks)) {
                known.bytesInParts = 0;
                known.since = bytesInParts;
                return known;
            }
        }
        var added = new Known(tags == null ? macs(plain, hasher) : new long[0], tags, marks);
        synchronized (this) {
            added.since = bytesInParts;
            Known before = chunks.put(chunk, added);
            pieces += added.pieces() - (before == null ? 0 : before.pieces());
            for (Iterator<Known> eldest = chunks.values().iterator(); pieces > maxPieces; eldest.remove()) {
                pieces -= eldest.next().pieces();
            }
        }
        return added;
    }

    /**
     * What to read and verify parts of a chunk by, for a reader of so many bytes of it; null when it is not known, or has been read
     * in parts so often that it should rather be read as a whole and kept.
     */
    synchronized @Nullable Known find(Mac chunk, long chunkBytes, long wantedBytes) {
        Known known = chunks.get(chunk);
        if (known == null) {
            return null;
        }
        if (known.bytesInParts > chunkBytes) {
            if (bytesInParts - known.since <= cachedBytes) {
                return null;
            }
            known.bytesInParts = 0;
            known.since = bytesInParts;
        }
        known.bytesInParts += wantedBytes;
        bytesInParts += wantedBytes;
        return known;
    }

    /**
     * Whether a part is what it was when all of the chunk was verified. Where there are tags it was verified by them when it was read.
     *
     * @param known what {@link #find} gave
     * @param from byte of the chunk at which the part begins, on the edge of a piece; it ends on one or with the chunk
     */
    static boolean verify(Known known, long from, MemorySegment part, MacHasher hasher) {
        if (known.tags != null) {
            return true;
        }
        long[] macs = macs(part, hasher);
        int at = Math.toIntExact(from / PIECE_BYTES * WORDS);
        for (int i = 0; i < macs.length; i++) {
            if (macs[i] != known.macs[at + i]) {
                return false;
            }
        }
        return true;
    }

    private static long[] macs(MemorySegment plain, MacHasher hasher) {
        long length = plain.byteSize();
        var macs = new long[Math.toIntExact(Math.ceilDiv(length, PIECE_BYTES)) * WORDS];
        int at = 0;
        for (long from = 0; from < length; from += PIECE_BYTES) {
            Mac mac = hasher.mac(plain.asSlice(from, Math.min(PIECE_BYTES, length - from)));
            macs[at++] = mac.w0();
            macs[at++] = mac.w1();
        }
        return macs;
    }
}
