// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.MemorySegment;

/** The inner loops of BLAKE3, in one of their forms, for one key. Holds scratch memory: one per hasher. */
interface Blake3Kernel {
    /** Chaining values behind those it is asked for that {@link #hashTree} may read, for nobody, and write. */
    int SPARE_CVS = 31;

    /**
     * Compresses blocks of one chunk, or one parent.
     *
     * @param state words 0 to 7 hold the chaining value before and after, 8 to 15 get the second half of the last output
     * @param at index of the first word of the message
     * @param blocks at least one
     * @param length bytes of a block that are message, 0 to 64; the rest must be zero
     * @param flags of every block, except that CHUNK_START holds for the first one only
     */
    void compress(Words state, Words message, int at, int blocks, int length, long counter, int flags);

    /**
     * Chaining values of whole, non-root chunks, and levels of parents above them.
     *
     * @param position of the first chunk in {@code data}
     * @param chunks at least one, and a multiple of 2^levels
     * @param counter number of the first chunk
     * @param levels 0 for the chunks themselves
     * @param cvs receives 8 words each; has room for all chunks and {@link #SPARE_CVS} more
     */
    void hashTree(MemorySegment data, long position, int chunks, long counter, int levels, Words cvs);
}
