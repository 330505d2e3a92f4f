// SPDX-License-Identifier: ISC
package dev.armoire.packfile.ffi;

import java.lang.foreign.MemorySegment;

/**
 * Compresses into single zstd frames (RFC 8878) and decompresses any, in native memory. Made by {@link ZstdLibrary#open}. For
 * one thread at a time; owned by whoever opened it.
 */
public sealed interface ZstdFrames extends AutoCloseable permits NativeZstd, JniZstd {
    /** Bytes of target that any source of so many bytes can be compressed into (ZSTD_COMPRESSBOUND). */
    static long maxCompressedLength(long sourceLength) {
        long smallMargin = Math.max(0, (128 << 10) - sourceLength) >> 11;
        return sourceLength + (sourceLength >> 8) + smallMargin;
    }

    /**
     * Compresses all of {@code source} into one frame, which tells the length and the checksum of its content.
     *
     * @param target at least {@link #maxCompressedLength} bytes
     * @return bytes written
     */
    long compress(MemorySegment source, MemorySegment target);

    /**
     * Decompresses one frame after the other until the end of {@code frames}; never reads or writes outside of the two
     * segments, and allocates nothing that depends on them.
     *
     * @return bytes written, negative when a frame is malformed or they hold more than {@code target} takes
     */
    long decompress(MemorySegment frames, MemorySegment target);

    @Override
    void close();
}
