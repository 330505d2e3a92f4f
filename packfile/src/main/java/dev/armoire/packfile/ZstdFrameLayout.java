// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.armoire.crypto.CorruptDataException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The outside of zstd frames (RFC 8878, section 3.1.1), little-endian: enough to know how much they can hold before memory
 * is taken for it.
 *
 * <pre>
 *  | magic (4) | FHD (1) | window (0 or 1) | dictionary (0) | content size (0, 1, 2, 4, 8) | block+ | checksum (0 or 4) |
 *  FHD    7 6: log2 of bytes of content size | 5: single segment, no window | 3: reserved | 2: checksum | 1 0: dictionary
 *  window 7 to 3: exponent | 2 to 0: eighths
 *  block: header (3) | data;  header: 0: last | 2 1: raw, run of one byte, compressed, reserved | 23 to 3: bytes
 * </pre>
 */
final class ZstdFrameLayout {
    private static final ValueLayout.OfShort U16 = JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt U32 = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int MAGIC = 0xfd2fb528;
    /** Skippable frames have this magic, its last four bits free. */
    private static final int SKIPPABLE_MAGIC = 0x184d2a50;

    private static final int SINGLE_SEGMENT = 0x20;
    private static final int RESERVED = 0x08;
    private static final int CHECKSUM = 0x04;
    private static final int DICTIONARY = 0x03;

    private static final int LARGEST_BLOCK_BYTES = 128 << 10;
    private static final int BLOCK_HEADER_BYTES = 3;
    private static final int RAW = 0;
    private static final int RUN = 1;
    private static final int COMPRESSED = 2;

    private final MemorySegment frames;
    private long position;

    private ZstdFrameLayout(MemorySegment frames) {
        this.frames = frames;
    }

    /**
     * The most bytes that a sequence of frames can hold, from its headers alone: what a frame says of itself if its blocks
     * can hold that much, else the sum over its blocks.
     *
     * @throws CorruptDataException when it is anything but whole frames without dictionaries
     */
    static long contentBound(MemorySegment frames) {
        var layout = new ZstdFrameLayout(frames);
        long bound = 0;
        while (layout.position < frames.byteSize()) {
            bound += layout.skipFrame();
        }
        return bound;
    }

    private long skipFrame() {
        long start = position;
        need(4);
        int magic = frames.get(U32, position);
        position += 4;
        if ((magic & ~0xf) == SKIPPABLE_MAGIC) {
            need(4);
            long size = Integer.toUnsignedLong(frames.get(U32, position));
            position += 4;
            need(size);
            position += size;
            return 0;
        }
        if (magic != MAGIC) {
            throw corrupt("does not start with the zstd magic number", start);
        }
        int descriptor = next();
        if ((descriptor & (RESERVED | DICTIONARY)) != 0) {
            throw corrupt("has header flags that are not used in stores", start);
        }
        boolean singleSegment = (descriptor & SINGLE_SEGMENT) != 0;
        long window = singleSegment ? Long.MAX_VALUE : window(next());
        int sizeCode = descriptor >>> 6;
        boolean hasContentSize = sizeCode != 0 || singleSegment;
        long contentSize = hasContentSize ? contentSize(sizeCode) : 0;
        long largestBlock = Math.min(singleSegment ? contentSize : window, LARGEST_BLOCK_BYTES);

        long bound = skipBlocks(largestBlock);
        if ((descriptor & CHECKSUM) != 0) {
            need(4);
            position += 4;
        }
        if (!hasContentSize) {
            return bound;
        }
        if (contentSize > bound) {
            throw corrupt("says that it holds " + contentSize + " bytes, its blocks hold at most " + bound, start);
        }
        return contentSize;
    }

    private static long window(int descriptor) {
        long base = 1L << (10 + (descriptor >>> 3));
        return base + (base >>> 3) * (descriptor & 7);
    }

    private long contentSize(int code) {
        int bytes = 1 << code;
        need(bytes);
        long size = switch (bytes) {
            case 1 -> frames.get(JAVA_BYTE, position) & 0xff;
            case 2 -> (frames.get(U16, position) & 0xffff) + 256;
            case 4 -> Integer.toUnsignedLong(frames.get(U32, position));
            default -> frames.get(U64, position);
        };
        if (size < 0) {
            throw corrupt("says that it holds " + Long.toUnsignedString(size) + " bytes", position);
        }
        position += bytes;
        return size;
    }

    private long skipBlocks(long largestBlock) {
        long bound = 0;
        boolean last;
        do {
            long at = position;
            need(BLOCK_HEADER_BYTES);
            int header = next() | next() << 8 | next() << 16;
            last = (header & 1) != 0;
            int type = header >>> 1 & 3;
            int size = header >>> 3;
            if (size > largestBlock || type > COMPRESSED) {
                throw corrupt("has a block header that no writer makes", at);
            }
            int stored = type == RUN ? 1 : size;
            need(stored);
            position += stored;
            bound += type == RAW || type == RUN ? size : largestBlock;
        } while (!last);
        return bound;
    }

    private int next() {
        need(1);
        return frames.get(JAVA_BYTE, position++) & 0xff;
    }

    private void need(long bytes) {
        if (bytes > frames.byteSize() - position) {
            throw corrupt("ends after " + frames.byteSize() + " bytes, inside a frame", position);
        }
    }

    private static CorruptDataException corrupt(String problem, long at) {
        return new CorruptDataException("zstd frame, byte " + at + ": it " + problem);
    }
}
