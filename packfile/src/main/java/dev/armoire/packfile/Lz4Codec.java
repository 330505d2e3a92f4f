// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import dev.armoire.packfile.ffi.Lz4Blocks;
import dev.armoire.packfile.ffi.Lz4Library;
import java.lang.foreign.MemorySegment;

/** LZ4 frames (format 1 §7.1) around the blocks of one library. Owns the library's state. */
final class Lz4Codec implements FrameCodec {
    /** What the library wants to see behind the last sequence that it decodes, unless the block ends there. */
    static final int LOOK_AHEAD_BYTES = 16;

    private final Lz4Blocks blocks;
    private final Lz4FrameEncoder encoder;
    private final Lz4FrameDecoder decoder;

    Lz4Codec(Lz4Library library) {
        blocks = library.open();
        encoder = new Lz4FrameEncoder(blocks);
        decoder = new Lz4FrameDecoder(blocks);
    }

    @Override
    public long encode(MemorySegment plain, ScratchBuffer out) {
        return encoder.encode(plain, out.start(Lz4FrameEncoder.maxFrameLength(plain.byteSize())));
    }

    @Override
    public long decode(MemorySegment frame, ScratchBuffer out, long limit) {
        return decoder.decode(frame, out, limit);
    }

    @Override
    public void decode(MemorySegment frame, ScratchBuffer out, long limit, DecodedParts parts) {
        var _ = decoder.decode(frame, out, limit, parts);
    }

    /** As {@link Lz4Blocks#decompressFrom}. */
    int decodeFrom(MemorySegment sequences, MemorySegment out, long before) {
        return blocks.decompressFrom(sequences, out, Math.toIntExact(before));
    }

    @Override
    public void close() {
        blocks.close();
    }
}
