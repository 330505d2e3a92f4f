// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Keyed BLAKE3 of messages whose pieces come in any order: what a piece adds to the tree (the BLAKE3 paper, section 2.1) depends on nothing but
 * its bytes and its offset, so it is hashed alone and joined with its neighbours when they are there. Holds scratch memory; one thread at a
 * time. Pieces may go from one thread to another.
 */
public final class Blake3Pieces {
    private static final int LEAF_BYTES = Blake3.CHUNK_BYTES;
    private static final int CV_WORDS = Blake3.CV_WORDS;
    private static final byte[] NOTHING = {};
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Blake3 blake3;

    private Blake3Pieces(Blake3 blake3) {
        this.blake3 = blake3;
    }

    /**
     * For pieces under a key.
     *
     * @param key32 the key, copied
     * @throws IllegalArgumentException if the key is not 32 bytes
     */
    public static Blake3Pieces keyed(byte[] key32) {
        return keyed(key32, Kernels.ofProcess());
    }

    static Blake3Pieces keyed(byte[] key32, Kernels kernels) {
        return new Blake3Pieces(Blake3.keyed(key32, kernels));
    }

    /**
     * A part of a message, hashed: some 30 bytes for each doubling of its length, and at most 1 KiB at each end that stands in no whole leaf.
     * Immutable.
     */
    public static final class Piece {
        private final long from;
        private final long to;
        /** Before the first leaf that begins in the piece; all of a piece in which none begins. */
        private final byte[] head;
        /** Of the last leaf that begins in the piece, if that does not end in it. */
        private final byte[] tail;
        /** Of the subtrees of the leaves between, from left to right. */
        private final int[] cvs;

        private final byte[] levels;

        private Piece(long from, long to, byte[] head, byte[] tail, Row row) {
            this.from = from;
            this.to = to;
            this.head = head;
            this.tail = tail;
            this.cvs = Arrays.copyOf(row.cvs, row.count * CV_WORDS);
            this.levels = Arrays.copyOf(row.levels, row.count);
        }

        /** Offset of its first byte in the message. */
        public long from() {
            return from;
        }

        /** Offset behind its last byte. */
        public long to() {
            return to;
        }

        private boolean hasNoLeaf() {
            return firstLeaf(from) > to / LEAF_BYTES;
        }
    }

    /** The first leaf that begins at an offset or after it. */
    private static long firstLeaf(long offset) {
        return (offset + LEAF_BYTES - 1) / LEAF_BYTES;
    }

    /** Subtrees next to each other, merged as they come, but never into the root. */
    private final class Row implements Blake3.Subtrees {
        private final long total;
        private int[] cvs = new int[16 * CV_WORDS];
        private byte[] levels = new byte[16];
        private int count;
        private long end;

        /**
         * An empty one.
         *
         * @param leaf the first one's number
         * @param total leaves of the message; more than can be for those that do not know
         */
        Row(long leaf, long total) {
            this.end = leaf;
            this.total = total;
        }

        @Override
        public void subtree(int level, int[] words, int at) {
            if (count == levels.length) {
                cvs = Arrays.copyOf(cvs, cvs.length * 2);
                levels = Arrays.copyOf(levels, levels.length * 2);
            }
            System.arraycopy(words, at, cvs, count * CV_WORDS, CV_WORDS);
            levels[count++] = (byte) level;
            end += 1L << level;
            merge();
        }

        private void merge() {
            while (count >= 2 && levels[count - 1] == levels[count - 2]) {
                long both = 2L << levels[count - 1];
                long start = end - both;
                if (start % both != 0 || start == 0 && both >= total) {
                    return;
                }
                int at = (count - 2) * CV_WORDS;
                System.arraycopy(blake3.parent(cvs, at, cvs, at + CV_WORDS, false), 0, cvs, at, CV_WORDS);
                levels[count - 2]++;
                count--;
            }
        }

        void addAll(Piece piece) {
            for (int i = 0; i < piece.levels.length; i++) {
                subtree(piece.levels[i], piece.cvs, i * CV_WORDS);
            }
        }
    }

    /**
     * Hashes a part of a message that has others.
     *
     * @param data borrowed for the call
     * @param from where in the message it begins
     */
    public Piece piece(MemorySegment data, long from) {
        long to = from + data.byteSize();
        long first = firstLeaf(from);
        long end = to / LEAF_BYTES;
        Row row = new Row(first, Long.MAX_VALUE);
        if (first > end) {
            return new Piece(from, to, data.toArray(ValueLayout.JAVA_BYTE), NOTHING, row);
        }
        long headBytes = first * LEAF_BYTES - from;
        if (end > first) {
            blake3.subtrees(data, headBytes, end - first, first, row);
        }
        return new Piece(
                from,
                to,
                data.asSlice(0, headBytes).toArray(ValueLayout.JAVA_BYTE),
                data.asSlice(end * LEAF_BYTES - from).toArray(ValueLayout.JAVA_BYTE),
                row);
    }

    /**
     * Joins two neighbours into one.
     *
     * @param total bytes of the message, the same for all its pieces
     * @throws IllegalArgumentException if the right one does not begin where the left one ends
     */
    public Piece join(Piece left, Piece right, long total) {
        if (left.to != right.from) {
            throw new IllegalArgumentException("a piece to " + left.to + " and one from " + right.from);
        }
        byte[] between = concatenated(left.hasNoLeaf() ? left.head : left.tail, right.head);
        if (left.hasNoLeaf()) {
            Row row = new Row(firstLeaf(right.from), firstLeaf(total));
            row.addAll(right);
            return new Piece(left.from, right.to, between, right.tail, row);
        }
        Row row = new Row(firstLeaf(left.from), firstLeaf(total));
        row.addAll(left);
        if (right.hasNoLeaf()) {
            return new Piece(left.from, right.to, left.head, between, row);
        }
        if (between.length > 0) {
            blake3.subtrees(MemorySegment.ofArray(between), 0, 1, row.end, row);
        }
        row.addAll(right);
        return new Piece(left.from, right.to, left.head, right.tail, row);
    }

    private static byte[] concatenated(byte[] left, byte[] right) {
        byte[] both = Arrays.copyOf(left, left.length + right.length);
        System.arraycopy(right, 0, both, left.length, right.length);
        return both;
    }

    /**
     * The digest of a message all pieces of which were joined.
     *
     * @throws IllegalArgumentException if it is not whole, or of one leaf
     */
    public byte[] digest(Piece whole) {
        Row row = new Row(0, firstLeaf(whole.to));
        row.addAll(whole);
        if (whole.tail.length > 0) {
            row.subtree(0, blake3.lastChunk(whole.tail, row.end), 0);
        }
        if (whole.from != 0 || row.count < 2) {
            throw new IllegalArgumentException("no message of several leaves: " + whole.from + " to " + whole.to);
        }
        int[] sum = Arrays.copyOfRange(row.cvs, (row.count - 1) * CV_WORDS, row.count * CV_WORDS);
        for (int i = row.count - 2; i >= 0; i--) {
            int[] parent = blake3.parent(row.cvs, i * CV_WORDS, sum, 0, i == 0);
            System.arraycopy(parent, 0, sum, 0, CV_WORDS);
        }
        byte[] digest = new byte[Blake3.DIGEST_BYTES];
        MemorySegment.copy(sum, 0, MemorySegment.ofArray(digest), U32, 0, CV_WORDS);
        return digest;
    }
}
