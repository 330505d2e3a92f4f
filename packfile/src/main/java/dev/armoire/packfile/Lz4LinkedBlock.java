// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.armoire.crypto.CorruptDataException;
import java.lang.foreign.MemorySegment;

/**
 * Decodes an LZ4 block whose matches may reach back into the blocks before it. Plakar never writes such frames, so this is
 * plain and slow: the C library could do it, but its twin in Java could not.
 */
final class Lz4LinkedBlock {
    static final int MAX_DISTANCE = 0xffff;
    private static final int MIN_MATCH = 4;

    private final MemorySegment block;
    private int position;

    private Lz4LinkedBlock(MemorySegment block) {
        this.block = block;
    }

    /**
     * Decodes one block.
     *
     * @param out what was decoded before is in {@code [0, written)}, or the last {@link #MAX_DISTANCE} bytes of it; the block is decoded behind it
     * @param room bytes that the block may give
     * @return bytes it gave
     */
    static long decode(MemorySegment block, MemorySegment out, long written, long room) {
        return new Lz4LinkedBlock(block).decode(out, written, written + room) - written;
    }

    private long decode(MemorySegment out, long start, long end) {
        int length = (int) block.byteSize();
        long at = start;
        while (true) {
            int token = next();
            long literals = runLength(token >>> 4);
            if (literals > length - position || literals > end - at) {
                throw malformed();
            }
            MemorySegment.copy(block, position, out, at, literals);
            position += (int) literals;
            at += literals;
            if (position == length) {
                return at; // the last sequence has literals only
            }
            int distance = next() | next() << 8;
            long match = runLength(token & 0xf) + MIN_MATCH;
            if (distance == 0 || distance > at || match > end - at) {
                throw malformed();
            }
            // Byte by byte: a match may overlap what it produces.
            for (long stop = at + match; at < stop; at++) {
                out.set(JAVA_BYTE, at, out.get(JAVA_BYTE, at - distance));
            }
        }
    }

    private long runLength(int nibble) {
        long run = nibble;
        if (nibble == 15) {
            int more;
            do {
                more = next();
                run += more;
            } while (more == 255);
        }
        return run;
    }

    private int next() {
        if (position >= block.byteSize()) {
            throw malformed();
        }
        return block.get(JAVA_BYTE, position++) & 0xff;
    }

    private CorruptDataException malformed() {
        return new CorruptDataException("LZ4 frame: byte " + position + " of a linked block is malformed");
    }
}
