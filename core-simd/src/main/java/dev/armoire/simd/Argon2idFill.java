// SPDX-License-Identifier: ISC
package dev.armoire.simd;

/** Fills the matrix of one derivation, in an order of words within blocks that is its own. For one thread. */
sealed interface Argon2idFill extends AutoCloseable permits ScalarArgon2id, NativeArgon2id {
    /** Stores a block of 128 words in the matrix. */
    void write(long offset, long[] block);

    /** Fetches a block of 128 words from the matrix. */
    void read(long offset, long[] block);

    /** Computes the blocks that a lane has in a slice; all blocks of the slices before must be there. */
    void fillSegment(int pass, int slice, int lane);

    /** Wipes what it holds besides the matrix. */
    @Override
    void close();
}
