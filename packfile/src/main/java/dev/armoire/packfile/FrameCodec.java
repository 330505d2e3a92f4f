// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import java.lang.foreign.MemorySegment;

/**
 * One way of compressing, over native memory: the whole of a blob into one frame, and back. Owns what its library keeps from
 * call to call. For one thread at a time.
 */
sealed interface FrameCodec extends AutoCloseable permits Lz4Codec, GzipCodec, ZstdCodec {
    /** Compresses all of {@code plain} into {@code out}, which grows; returns bytes written. */
    long encode(MemorySegment plain, ScratchBuffer out);

    /**
     * Decompresses all of {@code frame} into {@code out}, which grows; returns bytes written.
     *
     * @param limit bytes of output beyond which the frame is refused; nothing larger is allocated
     * @throws dev.armoire.crypto.CorruptDataException when it is malformed or holds more than the limit
     */
    long decode(MemorySegment frame, ScratchBuffer out, long limit);

    /**
     * Like the other form, but gives away what it decodes. Here in one piece: only LZ4 is worth more, which Plakar compresses
     * with.
     */
    default void decode(MemorySegment frame, ScratchBuffer out, long limit, DecodedParts parts) {
        long length = decode(frame, out, limit);
        var _ = parts.take(out.segment().asSlice(0, length).asReadOnly(), true);
    }

    @Override
    void close();
}
