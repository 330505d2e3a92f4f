// SPDX-License-Identifier: ISC
package dev.armoire.index;

import dev.armoire.crypto.Mac;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A blocked Bloom filter of MACs over memory that its owner keeps: 64 bytes for each 24 MACs, of which one sets a bit in each of
 * eight words. It denies no MAC that was added, and some 0.01 % of the others pass: each that does may have the system
 * map 64 KiB of what is behind the filter. A MAC under a key is as even as a hash can
 * be, so its own words say where its bits are. Reading is thread-safe once adding is over.
 */
final class MacFilter {
    private static final long BLOCK_BYTES = 64;
    private static final int MACS_PER_BLOCK = 24;
    private static final int WORDS = 8;
    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MemorySegment bits;
    private final long blocks;

    /** @param bits zero, or what another filter of this length has left; a multiple of 64 bytes */
    MacFilter(MemorySegment bits) {
        this.bits = bits;
        this.blocks = bits.byteSize() / BLOCK_BYTES;
    }

    /** Length in bytes of a filter for so many MACs. */
    static long bytes(long macs) {
        return Math.max(1, (macs + MACS_PER_BLOCK - 1) / MACS_PER_BLOCK) * BLOCK_BYTES;
    }

    void add(Mac mac) {
        long block = block(mac);
        long places = mac.w3();
        for (int word = 0; word < WORDS; word++, places >>>= 6) {
            long at = block + 8L * word;
            bits.set(WORD, at, bits.get(WORD, at) | 1L << places);
        }
    }

    /** False when it was not added; true when it was, and now and then when not. */
    boolean mayHave(Mac mac) {
        long block = block(mac);
        long places = mac.w3();
        for (int word = 0; word < WORDS; word++, places >>>= 6) {
            if ((bits.get(WORD, block + 8L * word) >>> places & 1) == 0) {
                return false;
            }
        }
        return true;
    }

    /** Where in the memory the bits of a MAC are: 64 bytes from here. */
    long block(Mac mac) {
        return Math.unsignedMultiplyHigh(mac.w2(), blocks) * BLOCK_BYTES;
    }
}
