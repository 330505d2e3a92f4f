// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.armoire.crypto.CorruptDataException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Where the three objects of a {@code .ptar} file are (format 1 §16), little-endian.
 *
 * <pre>
 *  0          8         12                                         end-48
 *  | _PLATAR_ | version | CONFIG object | packfile object | state object | trailer |
 *  trailer: offset (8) and length (8) of CONFIG, packfile, state
 * </pre>
 */
public record PtarLayout(Range config, Range packfile, Range state) {
    /** Bytes of the head that {@link #read} wants. */
    public static final int HEAD_BYTES = 12;

    /** Bytes of the trailer that {@link #read} wants. */
    public static final int TRAILER_BYTES = 48;

    private static final long MAX_CONFIG_BYTES = 32 << 10;

    /** The letters {@code _PLATAR_}. */
    private static final long MAGIC = 0x5f50_4c41_5441_525fL;

    private static final ValueLayout.OfLong MAGIC_LAYOUT = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong U64 = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Bytes of one object, from the start of the file. */
    public record Range(long offset, long lengthBytes) {}

    /**
     * Finds and checks the three ranges.
     *
     * @param head the first 12 bytes of the file
     * @param trailer its last 48 bytes
     * @throws CorruptDataException when it is no {@code .ptar}, or was not written to its end
     */
    public static PtarLayout read(MemorySegment head, MemorySegment trailer, long fileLength, String name) {
        if (head.byteSize() < HEAD_BYTES
                || trailer.byteSize() < TRAILER_BYTES
                || fileLength < HEAD_BYTES + (long) TRAILER_BYTES) {
            throw new CorruptDataException(name + " has " + fileLength + " bytes, too few for a .ptar");
        }
        if (head.get(MAGIC_LAYOUT, 0) != MAGIC) {
            throw new CorruptDataException(name + " does not start with _PLATAR_: it is no .ptar");
        }
        long end = fileLength - TRAILER_BYTES;
        Range config = range(trailer, 0, end, MAX_CONFIG_BYTES, "CONFIG", name);
        Range packfile = range(trailer, 16, end, Long.MAX_VALUE, "packfile", name);
        Range state = range(trailer, 32, end, Long.MAX_VALUE, "state", name);
        return new PtarLayout(config, packfile, state);
    }

    private static Range range(MemorySegment trailer, long at, long end, long most, String what, String name) {
        long offset = trailer.get(U64, at);
        long length = trailer.get(U64, at + 8);
        if (offset < HEAD_BYTES
                || offset > end
                || length < Envelope.OVERHEAD_BYTES
                || length > end - offset
                || length > most) {
            throw new CorruptDataException(name + " says its " + what + " is at byte " + offset + ", " + length
                    + " bytes long, which cannot be: the file is damaged, or its writing was interrupted");
        }
        return new Range(offset, length);
    }
}
