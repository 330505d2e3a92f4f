// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static dev.armoire.packfile.Lz4FrameLayout.BLOCK_CHECKSUM;
import static dev.armoire.packfile.Lz4FrameLayout.CONTENT_CHECKSUM;
import static dev.armoire.packfile.Lz4FrameLayout.CONTENT_SIZE;
import static dev.armoire.packfile.Lz4FrameLayout.DICTIONARY;
import static dev.armoire.packfile.Lz4FrameLayout.INDEPENDENT;
import static dev.armoire.packfile.Lz4FrameLayout.MAGIC;
import static dev.armoire.packfile.Lz4FrameLayout.RAW_BLOCK;
import static dev.armoire.packfile.Lz4FrameLayout.RESERVED;
import static dev.armoire.packfile.Lz4FrameLayout.SKIPPABLE_MAGIC;
import static dev.armoire.packfile.Lz4FrameLayout.U32;
import static dev.armoire.packfile.Lz4FrameLayout.VERSION_1;
import static dev.armoire.packfile.Lz4FrameLayout.VERSION_MASK;
import static dev.armoire.packfile.Lz4FrameLayout.WORD_BYTES;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.packfile.ffi.Lz4Blocks;
import dev.armoire.simd.XxHash32;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Reads any single LZ4 frame that a Kloset program may have written (format 1 §7.1), and refuses everything else with
 * {@link CorruptDataException}, never reading or writing out of bounds. For one thread.
 */
final class Lz4FrameDecoder {
    private static final ValueLayout.OfLong U64 = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** No byte of an LZ4 block stands for more bytes of output. */
    private static final long MAX_EXPANSION = 255;

    private final Lz4Blocks blocks;
    private final XxHash32 checksum = new XxHash32(); // kept: a new one costs more than a small blob
    private final XxHash32 contentChecksum = new XxHash32();

    Lz4FrameDecoder(Lz4Blocks blocks) {
        this.blocks = blocks;
    }

    /**
     * Decompresses a frame into {@code out}, which grows as blocks arrive.
     *
     * @param limit bytes of output beyond which the frame is refused
     * @return bytes of output
     */
    long decode(MemorySegment frame, ScratchBuffer out, long limit) {
        return decode(frame, out, limit, (bytes, isLast) -> 0);
    }

    /**
     * Decompresses a frame and gives it away block by block: {@code out} holds no more than a block, and what was not taken yet.
     *
     * @return bytes of output in {@code out}: all that were not taken, and perhaps some before them
     */
    long decode(MemorySegment frame, ScratchBuffer out, long limit, DecodedParts parts) {
        long length = frame.byteSize();
        long position = skipSkippableFrames(frame);
        need(frame, position, 7);
        if (frame.get(U32, position) != MAGIC) {
            throw corrupt("does not start with the LZ4 magic number", position);
        }
        long descriptorAt = position + WORD_BYTES;
        int flags = frame.get(JAVA_BYTE, descriptorAt) & 0xff;
        int blockCode = frame.get(JAVA_BYTE, descriptorAt + 1) >>> 4 & 0x7;
        if ((flags & VERSION_MASK) != VERSION_1 || (flags & (RESERVED | DICTIONARY)) != 0 || blockCode < 4) {
            throw corrupt("has header flags that are not used in stores", descriptorAt);
        }
        int blockBytes = Lz4FrameLayout.blockBytes(blockCode);
        // Matches of linked blocks reach back so far.
        long history = (flags & INDEPENDENT) != 0 ? 0 : Lz4LinkedBlock.MAX_DISTANCE;
        boolean hasContentSize = (flags & CONTENT_SIZE) != 0;
        int descriptorBytes = hasContentSize ? 10 : 2;
        need(frame, descriptorAt, descriptorBytes + 1);
        int headerCheck = checksum(frame.asSlice(descriptorAt, descriptorBytes)) >>> 8 & 0xff;
        if ((frame.get(JAVA_BYTE, descriptorAt + descriptorBytes) & 0xff) != headerCheck) {
            throw corrupt("has a header whose checksum differs", descriptorAt);
        }
        position = descriptorAt + descriptorBytes + 1;

        contentChecksum.reset();
        long written = 0;
        long taken = 0;
        long dropped = 0; // of what was taken, before the start of `out`
        out.start(Math.min(limit, Math.min(blockBytes, (length - position) * MAX_EXPANSION)));
        while (true) {
            need(frame, position, WORD_BYTES);
            int word = frame.get(U32, position);
            if (word == 0) {
                position += WORD_BYTES;
                break;
            }
            // A raw block of no bytes, written by old programs, is not the end mark.
            int size = word & ~RAW_BLOCK;
            long dataAt = position + WORD_BYTES;
            if (size > blockBytes) {
                throw corrupt("has a block of " + size + " bytes, its header says at most " + blockBytes, position);
            }
            need(frame, dataAt, size);
            MemorySegment block = frame.asSlice(dataAt, size);
            long before = written;
            if ((word & RAW_BLOCK) != 0) {
                if (size > limit - dropped - written) {
                    throw tooLong(limit, position);
                }
                MemorySegment.copy(block, 0, out.grow(written + size, written), written, size);
                written += size;
            } else {
                long room = Math.min(Math.min(blockBytes, size * MAX_EXPANSION), limit - dropped - written);
                MemorySegment target = out.grow(written + room, written);
                written += (flags & INDEPENDENT) != 0
                        ? decompress(block, target.asSlice(written, room), position)
                        : Lz4LinkedBlock.decode(block, target, written, room);
            }
            position = dataAt + size;
            MemorySegment content = out.segment().asSlice(before, written - before);
            if ((flags & BLOCK_CHECKSUM) != 0) {
                need(frame, position, WORD_BYTES);
                int stored = frame.get(U32, position);
                // Old Go libraries took it over the plaintext, new ones and the standard over the stored bytes.
                if (stored != checksum(block) && stored != checksum(content)) {
                    throw corrupt("has a block whose checksum differs", position);
                }
                position += WORD_BYTES;
            }
            if ((flags & CONTENT_CHECKSUM) != 0) {
                contentChecksum.update(content);
            }
            taken += parts.take(out.segment().asSlice(taken, written - taken).asReadOnly(), false);
            long unneeded = Math.min(taken, written - history);
            if (unneeded > 0) {
                MemorySegment.copy(out.segment(), unneeded, out.segment(), 0, written - unneeded);
                written -= unneeded;
                taken -= unneeded;
                dropped += unneeded;
            }
        }
        if ((flags & CONTENT_CHECKSUM) != 0) {
            need(frame, position, WORD_BYTES);
            if (frame.get(U32, position) != contentChecksum.value()) {
                throw corrupt("holds content whose checksum differs", position);
            }
            position += WORD_BYTES;
        }
        if (hasContentSize && frame.get(U64, descriptorAt + 2) != dropped + written) {
            throw corrupt("holds " + (dropped + written) + " bytes, its header says otherwise", descriptorAt + 2);
        }
        if (position != length) {
            throw corrupt("is followed by " + (length - position) + " more bytes", position);
        }
        var _ = parts.take(out.segment().asSlice(taken, written - taken).asReadOnly(), true);
        return written;
    }

    private int decompress(MemorySegment block, MemorySegment target, long at) {
        int written = blocks.decompress(block, target);
        if (written < 0) {
            throw new CorruptDataException("LZ4 frame, byte " + at + ": the block is malformed or holds more than "
                    + target.byteSize() + " bytes");
        }
        return written;
    }

    private int checksum(MemorySegment data) {
        checksum.reset();
        checksum.update(data);
        return checksum.value();
    }

    private static long skipSkippableFrames(MemorySegment frame) {
        long position = 0;
        while (frame.byteSize() - position >= 2 * WORD_BYTES && (frame.get(U32, position) & ~0xf) == SKIPPABLE_MAGIC) {
            long size = Integer.toUnsignedLong(frame.get(U32, position + WORD_BYTES));
            need(frame, position + 2 * WORD_BYTES, size);
            position += 2 * WORD_BYTES + size;
        }
        return position;
    }

    private static void need(MemorySegment frame, long at, long bytes) {
        if (bytes > frame.byteSize() - at) {
            throw corrupt("ends after " + frame.byteSize() + " bytes, before its end mark", at);
        }
    }

    static CorruptDataException tooLong(long limit, long at) {
        return corrupt("holds more than the " + limit + " bytes expected at most", at);
    }

    static CorruptDataException corrupt(String problem, long at) {
        return new CorruptDataException("LZ4 frame, byte " + at + ": it " + problem);
    }
}
