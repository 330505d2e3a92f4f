// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The LZ4 frame format, little-endian, as far as Kloset uses it (format 1 §7.1).
 *
 * <pre>
 *  | magic (4) | FLG | BD | content size (0 or 8) | HC | block* | 0 (4) | content checksum (0 or 4) |
 *  FLG  7 6: version 01 | 5: blocks independent | 4: block checksum | 3: content size | 2: content checksum | 0: dictionary
 *  BD   6 5 4: largest block, 4 = 64 KiB, 5 = 256 KiB, 6 = 1 MiB, 7 = 4 MiB
 *  HC   second byte of the xxHash32 of all from FLG on
 *  block: size (4), bit 31 set: stored raw | data | block checksum (0 or 4)
 * </pre>
 */
final class Lz4FrameLayout {
    static final ValueLayout.OfInt U32 = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    static final int MAGIC = 0x184d2204;
    /** Skippable frames have this magic, its last four bits free. */
    static final int SKIPPABLE_MAGIC = 0x184d2a50;

    static final int VERSION_MASK = 0xc0;
    static final int VERSION_1 = 0x40;
    static final int INDEPENDENT = 0x20;
    static final int BLOCK_CHECKSUM = 0x10;
    static final int CONTENT_SIZE = 0x08;
    static final int CONTENT_CHECKSUM = 0x04;
    static final int RESERVED = 0x02;
    static final int DICTIONARY = 0x01;

    static final int RAW_BLOCK = 1 << 31;
    static final int WORD_BYTES = 4;

    private Lz4FrameLayout() {}

    /** Largest block in bytes for the three bits of BD, 4 to 7. */
    static int blockBytes(int code) {
        return 1 << (2 * code + 8);
    }
}
