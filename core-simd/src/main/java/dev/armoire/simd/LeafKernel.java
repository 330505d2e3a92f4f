// SPDX-License-Identifier: ISC
package dev.armoire.simd;

/** Hashes several BLAKE3 chunks, or several parents, at a time. Holds scratch memory: one per hasher. */
interface LeafKernel {
    /** Chunks or parents of one call, a power of two. */
    int width();

    /**
     * Chaining values of {@link #width()} whole, non-root chunks.
     *
     * @param chunks the chunks one behind the other, as little-endian words
     * @param counter number of the first chunk
     * @param cvs receives 8 words per chunk from index {@code cvAt}
     */
    void hashChunks(int[] chunks, int[] key, long counter, int modeFlags, int[] cvs, int cvAt);

    /**
     * Chaining values of {@link #width()} non-root parents.
     *
     * @param children twice as many chaining values, from index {@code childAt}
     * @param cvs receives 8 words per parent from index {@code cvAt}; may be {@code children}, at or before {@code childAt}
     */
    void hashParents(int[] children, int childAt, int[] key, int modeFlags, int[] cvs, int cvAt);
}
