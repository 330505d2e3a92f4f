// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.ptar;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Where the three objects of an archive are (format 1 §16), little-endian, ranges in bytes of the file:
 * <pre>
 *  0          8         12                                   end-48
 *  | _PLATAR_ | version | CONFIG | one packfile | one state | trailer |
 *
 *  trailer:  0               8               16                24                32             40
 *            | CONFIG offset | CONFIG length | packfile offset | packfile length | state offset | state length |
 * </pre>
 */
record PtarLayout(Range config, Range packfile, Range state) {
    static final int MAGIC_BYTES = 8;
    static final int HEADER_BYTES = 12;
    static final int TRAILER_BYTES = 48;

    /** The names that listings show. The packfile answers to every other name as well. */
    static final Mac PACKFILE = Mac.parse("000102030405060708090a0b0c0d0e0f00000000000000000000000000000000");

    static final Mac STATE = Mac.parse("0f0e0d0c0b0a0908070605040302010000000000000000000000000000000000");

    private static final long MAX_CONFIG_BYTES = 32768;
    private static final MemorySegment MAGIC = MemorySegment.ofArray("_PLATAR_".getBytes(US_ASCII));
    private static final ValueLayout.OfLong I64 = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int VERSION = 0x00010000;

    record Range(long offset, long length) {}

    /** Refuses what is no archive, by its first eight bytes. */
    static void checkMagic(MemorySegment magic, String file) {
        if (MAGIC.mismatch(magic) != -1) {
            throw new CorruptDataException(file + " is not a .ptar archive: it does not begin with _PLATAR_");
        }
    }

    /** @param fileBytes the length of the whole file, which bounds what the trailer may say */
    static PtarLayout parse(MemorySegment trailer, long fileBytes, String file) {
        PtarLayout layout = new PtarLayout(
                range(trailer, 0, "CONFIG", fileBytes, file),
                range(trailer, 16, "packfile", fileBytes, file),
                range(trailer, 32, "state", fileBytes, file));
        if (layout.config.length < 1 || layout.config.length > MAX_CONFIG_BYTES) {
            throw damaged(
                    file, "CONFIG has " + layout.config.length + " bytes, 1 to " + MAX_CONFIG_BYTES + " expected");
        }
        return layout;
    }

    /** What stands in front of CONFIG. */
    static MemorySegment header() {
        MemorySegment header = MemorySegment.ofArray(new byte[HEADER_BYTES]);
        MemorySegment.copy(MAGIC, 0, header, 0, MAGIC_BYTES);
        header.set(U32, MAGIC_BYTES, VERSION);
        return header;
    }

    MemorySegment trailer() {
        MemorySegment trailer = MemorySegment.ofArray(new byte[TRAILER_BYTES]);
        long at = 0;
        for (Range range : new Range[] {config, packfile, state}) {
            trailer.set(I64, at, range.offset);
            trailer.set(I64, at + 8, range.length);
            at += 16;
        }
        return trailer;
    }

    private static Range range(MemorySegment trailer, long at, String what, long fileBytes, String file) {
        long offset = trailer.get(I64, at);
        long length = trailer.get(I64, at + 8);
        long end = fileBytes - TRAILER_BYTES;
        if (offset < HEADER_BYTES || offset > end || length < 0 || length > end - offset) {
            throw damaged(
                    file,
                    "the " + what + " is said to be " + length + " bytes from byte " + offset + ", but objects lie in "
                            + HEADER_BYTES + " to " + end);
        }
        return new Range(offset, length);
    }

    private static CorruptDataException damaged(String file, String why) {
        return new CorruptDataException(
                file + ": " + why + "; its trailer is damaged, or the archive was cut off or never finished");
    }
}
