// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static dev.armoire.packfile.Lz4FrameLayout.RAW_BLOCK;
import static dev.armoire.packfile.Lz4FrameLayout.U32;
import static dev.armoire.packfile.Lz4FrameLayout.WORD_BYTES;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.armoire.packfile.ffi.Lz4Blocks;
import dev.armoire.simd.XxHash32;
import java.lang.foreign.MemorySegment;

/**
 * Writes the one LZ4 frame that Plakar writes: independent blocks of 4 MiB, a content checksum, nothing else. For one
 * thread.
 */
final class Lz4FrameEncoder {
    private static final int BLOCK_BYTES = 4 << 20;

    /** Up to here the Go library never tries to compress. */
    private static final int RAW_UP_TO_BYTES = 14;

    private static final byte[] HEADER = {0x04, 0x22, 0x4d, 0x18, 0x64, 0x70, (byte) 0xb9};
    private static final int TRAILER_BYTES = 2 * WORD_BYTES;

    /** Where the plaintext begins in a frame of one raw block. */
    static final int RAW_FRAME_START = HEADER.length + WORD_BYTES;

    private final Lz4Blocks blocks;
    private final XxHash32 checksum = new XxHash32(); // kept: a new one costs more than a small blob

    Lz4FrameEncoder(Lz4Blocks blocks) {
        this.blocks = blocks;
    }

    /** Bytes that {@link #encode} may need for so many bytes of plaintext: a block is tried before it is stored raw. */
    static long maxFrameLength(long plainLength) {
        long blocks = (plainLength + BLOCK_BYTES - 1) / BLOCK_BYTES;
        long slack = Math.min(plainLength, BLOCK_BYTES) / 255 + 16;
        return HEADER.length + plainLength + blocks * WORD_BYTES + slack + TRAILER_BYTES;
    }

    /** Bytes of a frame of one raw block; 0 where the plaintext takes more than one. */
    static long rawFrameLength(long plainLength) {
        return plainLength > BLOCK_BYTES ? 0 : RAW_FRAME_START + plainLength + TRAILER_BYTES;
    }

    /**
     * Compresses all of {@code plain}.
     *
     * @param out at least {@link #maxFrameLength} bytes
     * @return bytes written
     */
    long encode(MemorySegment plain, MemorySegment out) {
        long length = plain.byteSize();
        MemorySegment.copy(HEADER, 0, out, JAVA_BYTE, 0, HEADER.length);
        long position = HEADER.length;
        for (long from = 0; from < length; from += BLOCK_BYTES) {
            int block = (int) Math.min(BLOCK_BYTES, length - from);
            MemorySegment source = plain.asSlice(from, block);
            int compressed = block;
            if (block > RAW_UP_TO_BYTES) {
                int room = Lz4Blocks.maxCompressedLength(block);
                compressed = blocks.compress(source, out.asSlice(position + WORD_BYTES, room));
            }
            if (compressed >= block) {
                out.set(U32, position, block | RAW_BLOCK);
                MemorySegment.copy(source, 0, out, position + WORD_BYTES, block);
                compressed = block;
            } else {
                out.set(U32, position, compressed);
            }
            position += WORD_BYTES + compressed;
        }
        out.set(U32, position, 0);
        checksum.reset();
        checksum.update(plain);
        out.set(U32, position + WORD_BYTES, checksum.value());
        return position + TRAILER_BYTES;
    }
}
