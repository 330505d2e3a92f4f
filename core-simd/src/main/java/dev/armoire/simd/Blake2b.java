// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.util.Arrays;

/**
 * BLAKE2b without a key (RFC 7693), for the few kilobytes that Argon2id feeds it. Holds the state of one message, one thread
 * at a time; {@link #digest} ends the message and leaves nothing of it behind.
 */
final class Blake2b {
    static final int MAX_DIGEST_BYTES = 64;

    private static final int BLOCK_BYTES = 128;
    private static final long[] IV = {
        0x6A09E667F3BCC908L, 0xBB67AE8584CAA73BL, 0x3C6EF372FE94F82BL, 0xA54FF53A5F1D36F1L,
        0x510E527FADE682D1L, 0x9B05688C2B3E6C1FL, 0x1F83D9ABFB41BD6BL, 0x5BE0CD19137E2179L
    };
    /** The message schedule: a row per round, two words per mixing step; rounds 11 and 12 use rows 1 and 2 again. */
    private static final byte[][] SIGMA = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
        {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
        {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
        {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
        {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
        {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
        {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
        {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
        {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
        {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}
    };

    private static final int ROUNDS = 12;

    private final int digestBytes;
    private final long[] chain = IV.clone();
    private final long[] v = new long[16];
    private final long[] words = new long[16];
    private final byte[] block = new byte[BLOCK_BYTES];
    private int blockLength;
    private long totalLength;

    /** Starts a message whose digest has {@code digestBytes} bytes, 1 to 64. */
    Blake2b(int digestBytes) {
        if (digestBytes < 1 || digestBytes > MAX_DIGEST_BYTES) {
            throw new IllegalArgumentException("a BLAKE2b digest has 1 to 64 bytes, not " + digestBytes);
        }
        this.digestBytes = digestBytes;
        chain[0] ^= 0x01010000L ^ digestBytes;
    }

    Blake2b update(byte[] data, int offset, int length) {
        int position = offset;
        int end = offset + length;
        while (position < end) {
            if (blockLength == BLOCK_BYTES) {
                compress(0);
                blockLength = 0;
            }
            int step = Math.min(BLOCK_BYTES - blockLength, end - position);
            System.arraycopy(data, position, block, blockLength, step);
            blockLength += step;
            totalLength += step;
            position += step;
        }
        return this;
    }

    Blake2b update(byte[] data) {
        return update(data, 0, data.length);
    }

    /** Adds a number as 4 bytes, little-endian. */
    Blake2b updateInt(int value) {
        return update(new byte[] {(byte) value, (byte) (value >>> 8), (byte) (value >>> 16), (byte) (value >>> 24)});
    }

    /** Writes the digest and wipes this hasher, which is of no further use. */
    void digest(byte[] out, int offset) {
        Arrays.fill(block, blockLength, BLOCK_BYTES, (byte) 0);
        compress(-1);
        for (int i = 0; i < digestBytes; i++) {
            out[offset + i] = (byte) (chain[i / Long.BYTES] >>> (Byte.SIZE * (i % Long.BYTES)));
        }
        Arrays.fill(block, (byte) 0);
        Arrays.fill(words, 0);
        Arrays.fill(v, 0);
        Arrays.fill(chain, 0);
    }

    private void compress(long lastBlock) {
        for (int i = 0; i < 16; i++) {
            words[i] = word(i * Long.BYTES);
        }
        System.arraycopy(chain, 0, v, 0, 8);
        System.arraycopy(IV, 0, v, 8, 8);
        v[12] ^= totalLength;
        v[14] ^= lastBlock;
        for (int round = 0; round < ROUNDS; round++) {
            byte[] s = SIGMA[round % SIGMA.length];
            mix(0, 4, 8, 12, words[s[0]], words[s[1]]);
            mix(1, 5, 9, 13, words[s[2]], words[s[3]]);
            mix(2, 6, 10, 14, words[s[4]], words[s[5]]);
            mix(3, 7, 11, 15, words[s[6]], words[s[7]]);
            mix(0, 5, 10, 15, words[s[8]], words[s[9]]);
            mix(1, 6, 11, 12, words[s[10]], words[s[11]]);
            mix(2, 7, 8, 13, words[s[12]], words[s[13]]);
            mix(3, 4, 9, 14, words[s[14]], words[s[15]]);
        }
        for (int i = 0; i < 8; i++) {
            chain[i] ^= v[i] ^ v[i + 8];
        }
    }

    /** Byte by byte: to link a VarHandle takes longer than all that a cold process hashes. */
    private long word(int at) {
        long word = 0;
        for (int i = Long.BYTES - 1; i >= 0; i--) {
            word = word << Byte.SIZE | block[at + i] & 0xFF;
        }
        return word;
    }

    private void mix(int a, int b, int c, int d, long x, long y) {
        v[a] += v[b] + x;
        v[d] = Long.rotateRight(v[d] ^ v[a], 32);
        v[c] += v[d];
        v[b] = Long.rotateRight(v[b] ^ v[c], 24);
        v[a] += v[b] + y;
        v[d] = Long.rotateRight(v[d] ^ v[a], 16);
        v[c] += v[d];
        v[b] = Long.rotateRight(v[b] ^ v[c], 63);
    }
}
