// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.MemorySegment;

/** Chunks of one size, wherever the content may have moved to. */
final class FixedChunker extends Chunker {
    private static final int SMALLEST = 64;
    private static final int LARGEST = 1 << 30;

    FixedChunker(Sizes sizes) {
        super(sizes);
        int size = sizes.normal();
        if (size < SMALLEST || size > LARGEST || Integer.bitCount(size) != 1) {
            throw new IllegalArgumentException("chunks of a fixed size must have a power of two from " + SMALLEST
                    + " to " + LARGEST + " bytes, found " + size);
        }
    }

    @Override
    public long cut(MemorySegment window) {
        return Math.min(window.byteSize(), maxSize);
    }

    @Override
    boolean stillCutsAt(MemorySegment window, long length, long end) {
        return false;
    }
}
