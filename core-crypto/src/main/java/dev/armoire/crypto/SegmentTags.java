// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * The tags of an encrypted item's segments. A tag depends on all of a segment's plaintext, its nonce and its subkey, and who has not
 * the keys of the store can make none: a segment that has the tag and opens is the one that had it before, at that place and of
 * that item. Immutable.
 */
public final class SegmentTags {
    private static final int WORDS = 2;
    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;

    private final long[] words;

    private SegmentTags(long[] words) {
        this.words = words;
    }

    /** @param stride bytes of each segment but the last */
    static SegmentTags of(MemorySegment segments, long stride) {
        long length = segments.byteSize();
        var words = new long[Math.toIntExact(Math.ceilDiv(length, stride) * WORDS)];
        for (int i = 0; i < words.length; i += WORDS) {
            long tag = Math.min(length, (i / WORDS + 1) * stride) - SegmentAead.TAG_BYTES;
            words[i] = segments.get(WORD, tag);
            words[i + 1] = segments.get(WORD, tag + Long.BYTES);
        }
        return new SegmentTags(words);
    }

    /** Whether some of the item's segments have the tags that the ones from {@code first} on had. */
    boolean fit(SegmentTags some, long first) {
        long from = first * WORDS;
        long to = from + some.words.length;
        return to <= words.length && Arrays.equals(words, (int) from, (int) to, some.words, 0, some.words.length);
    }

    /** How many there are, of 16 bytes each. */
    public int count() {
        return words.length / WORDS;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SegmentTags tags && Arrays.equals(words, tags.words);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(words);
    }
}
