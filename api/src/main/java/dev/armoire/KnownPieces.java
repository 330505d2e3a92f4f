// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import java.lang.foreign.MemorySegment;
import java.util.Iterator;
import java.util.LinkedHashMap;
import org.jspecify.annotations.Nullable;

/**
 * By what parts of chunks are verified that were read and verified as a whole before: the first half of a MAC of each piece of
 * 16 KiB. A chunk's own MAC is over all of it. Of those of the chunks that were not asked for longest, the oldest go. Thread-safe.
 */
final class KnownPieces {
    /** One batch of BLAKE3's widest kernel. */
    static final int PIECE_BYTES = 16 << 10;

    private static final int WORDS = 2;

    private final long maxPieces;
    // All that follows is guarded by this.
    private long pieces;
    private final LinkedHashMap<Mac, Known> chunks = new LinkedHashMap<>(16, 0.75f, true);

    private static final class Known {
        final long[] macs;
        /** Bytes that were read in parts since it was last read as a whole. */
        long bytesInParts;

        Known(long[] macs) {
            this.macs = macs;
        }

        int pieces() {
            return macs.length / WORDS;
        }
    }

    /** @param maxBytes of memory, on the heap */
    KnownPieces(long maxBytes) {
        maxPieces = maxBytes / (WORDS * Long.BYTES);
    }

    /** Remembers a chunk, which is verified. The hasher is borrowed. */
    void add(Mac chunk, MemorySegment plain, MacHasher hasher) {
        long count = Math.ceilDiv(plain.byteSize(), PIECE_BYTES);
        if (count > maxPieces) {
            return;
        }
        synchronized (this) {
            Known known = chunks.get(chunk);
            if (known != null) {
                known.bytesInParts = 0;
                return;
            }
        }
        var added = new Known(macs(plain, hasher));
        synchronized (this) {
            Known before = chunks.put(chunk, added);
            pieces += added.pieces() - (before == null ? 0 : before.pieces());
            for (Iterator<Known> eldest = chunks.values().iterator(); pieces > maxPieces; eldest.remove()) {
                pieces -= eldest.next().pieces();
            }
        }
    }

    /**
     * What to verify parts of a chunk by, for a reader of so many bytes of it; null when it is not known, or has been read in parts
     * so often that it should rather be read as a whole and kept.
     */
    synchronized long @Nullable [] find(Mac chunk, long chunkBytes, long wantedBytes) {
        Known known = chunks.get(chunk);
        if (known == null || known.bytesInParts > chunkBytes) {
            return null;
        }
        known.bytesInParts += wantedBytes;
        return known.macs;
    }

    /**
     * Whether a part is what it was when all of the chunk was verified.
     *
     * @param known what {@link #find} gave
     * @param from byte of the chunk at which the part begins, on the edge of a piece; it ends on one or with the chunk
     */
    static boolean verify(long[] known, long from, MemorySegment part, MacHasher hasher) {
        long[] macs = macs(part, hasher);
        int at = Math.toIntExact(from / PIECE_BYTES * WORDS);
        for (int i = 0; i < macs.length; i++) {
            if (macs[i] != known[at + i]) {
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
