// SPDX-License-Identifier: ISC
package dev.armoire.packfile.ffi;

import java.lang.foreign.MemorySegment;

/**
 * Compresses and decompresses single LZ4 blocks in native memory, at LZ4's fast level. Made by {@link Lz4Library#open}. For
 * one thread at a time; owned by whoever opened it.
 */
public sealed interface Lz4Blocks extends AutoCloseable permits NativeLz4, JavaLz4 {
    /** Bytes of target that any source of so many bytes, up to 2 GB, can be compressed into. */
    static int maxCompressedLength(int sourceLength) {
        return sourceLength + sourceLength / 255 + 16;
    }

    /**
     * Compresses all of {@code source}.
     *
     * @param target at least {@link #maxCompressedLength} bytes
     * @return bytes written
     */
    int compress(MemorySegment source, MemorySegment target);

    /**
     * Decompresses a block that refers to nothing before it; never reads or writes outside of the two segments.
     *
     * @return bytes written, negative when the block is malformed or holds more than {@code target} takes
     */
    int decompress(MemorySegment block, MemorySegment target);

    /**
     * Decompresses some sequences out of the middle of a block until the target is full; never reads or writes outside of the two
     * segments.
     *
     * @param sequences from where one begins
     * @param target what stands before them, which they may refer to, and room for the rest
     * @param before bytes of that
     * @return bytes written behind it; negative when they are malformed, or the library cannot do this
     */
    default int decompressFrom(MemorySegment sequences, MemorySegment target, int before) {
        return -1;
    }

    @Override
    void close();
}
