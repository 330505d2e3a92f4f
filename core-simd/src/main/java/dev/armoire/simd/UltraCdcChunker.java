// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * UltraCDC (format 1 §17.5): a cut is where the Hamming distance of the eight bytes before it to a pattern has no bit of a
 * mask, or after {@value #LOW_ENTROPY_WORDS} equal words of eight bytes. Words count from {@code minSize}.
 *
 * <p>The eight distances that end within a word are found at once, one in each byte of a {@code long}: none exceeds 64, so
 * no byte runs over into the next.
 */
final class UltraCdcChunker extends Chunker {
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int WORD = Long.BYTES;
    private static final int LOW_ENTROPY_WORDS = 64;

    private static final long EVERY_BYTE = 0x0101010101010101L;
    private static final long HIGH_BITS = 0x8080808080808080L;
    private static final long PATTERN = 0xAAAAAAAAAAAAAAAAL;
    private static final long MASK_S = 0x2F * EVERY_BYTE;
    private static final long MASK_L = 0x2C * EVERY_BYTE;

    /** Whether a cut is at the end of the word that gave rise to it, as in the paper, instead of within it. */
    private final boolean cutsAfterWord;

    UltraCdcChunker(Sizes sizes) {
        super(sizes);
        this.cutsAfterWord = sizes.algorithm().equals("ultracdc-v1.0.0");
    }

    @Override
    public long cut(MemorySegment window) {
        long end = Math.min(window.byteSize(), maxSize);
        if (end - minSize < WORD) {
            return end;
        }
        long before = window.get(U64, minSize);
        long sumsBefore = sums(before);
        int equalWords = 0;
        for (long at = (long) minSize + WORD; at <= end - WORD; at += WORD) {
            long word = window.get(U64, at);
            if (word == before) {
                equalWords++;
                if (equalWords == LOW_ENTROPY_WORDS) {
                    return at + WORD;
                }
                continue;
            }
            equalWords = 0;
            long sums = sums(word);
            long hits = hits(sumsBefore, sums, at);
            if (hits != 0) {
                return at + (cutsAfterWord ? WORD : Long.numberOfTrailingZeros(hits) / Byte.SIZE);
            }
            before = word;
            sumsBefore = sums;
        }
        return end;
    }

    /**
     * A cut after its word, and one after many equal words, depend on nothing that follows. One within a word needs that
     * word to differ from the one before it, and the stream to have all of it.
     */
    @Override
    boolean stillCutsAt(MemorySegment window, long length, long end) {
        if (length - minSize < WORD) {
            return false;
        }
        if (cutsAfterWord || isAfterEqualWords(window, length)) {
            return true;
        }
        long at = length - (length - minSize) % WORD;
        if (at > end - WORD) {
            return false;
        }
        long before = window.get(U64, at - WORD);
        long word = window.get(U64, at);
        return word != before && (hits(sums(before), sums(word), at) >>> Byte.SIZE * (length - at) & 0x80) != 0;
    }

    private boolean isAfterEqualWords(MemorySegment window, long length) {
        long from = length - LOW_ENTROPY_WORDS * WORD;
        return (length - minSize) % WORD == 0
                && from - WORD >= minSize
                && MemorySegment.mismatch(window, from, length, window, from - WORD, length - WORD) < 0;
    }

    /** In byte j: the distance of bytes 0 to j of a word to the pattern. */
    private static long sums(long word) {
        long bits = word ^ PATTERN;
        bits -= bits >>> 1 & 0x55 * EVERY_BYTE;
        bits = (bits & 0x33 * EVERY_BYTE) + (bits >>> 2 & 0x33 * EVERY_BYTE);
        bits = bits + (bits >>> 4) & 0x0F * EVERY_BYTE;
        return bits * EVERY_BYTE;
    }

    /** The highest bit of byte j is set for the first hit j; it may be for later bytes, hit or not. */
    private long hits(long sumsBefore, long sums, long at) {
        long distances = (sumsBefore >>> 56) * EVERY_BYTE + (sums << Byte.SIZE) - (sumsBefore << Byte.SIZE);
        long masked = distances & (at < normalSize ? MASK_S : MASK_L);
        return masked - EVERY_BYTE & ~masked & HIGH_BITS;
    }
}
