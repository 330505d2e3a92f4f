// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * xxHash32 with seed 0, the checksum inside LZ4 frames (format 1 §7.1). Holds the state of one running message and
 * allocates nothing after its construction; one thread at a time.
 */
public final class XxHash32 {
    private static final int PRIME1 = 0x9E3779B1;
    private static final int PRIME2 = 0x85EBCA77;
    private static final int PRIME3 = 0xC2B2AE3D;
    private static final int PRIME4 = 0x27D4EB2F;
    private static final int PRIME5 = 0x165667B1;

    private static final int STRIPE_BYTES = 16;
    private static final int SCRATCH_BYTES = 4096;

    // Whole stripes wait here for the next round; the words are the bytes as they lie in memory (see Blake3).
    private final int[] scratch = new int[SCRATCH_BYTES / Integer.BYTES];
    private final MemorySegment scratchBytes = MemorySegment.ofArray(scratch);
    private int scratchLength;
    private long totalLength;
    private int lane1;
    private int lane2;
    private int lane3;
    private int lane4;

    /** A checksum of no bytes yet. */
    public XxHash32() {
        startLanes();
    }

    /** The checksum of one message, borrowed for the call. */
    public static int of(MemorySegment data) {
        var hash = new XxHash32();
        hash.update(data);
        return hash.value();
    }

    /** Adds bytes, heap or native, borrowed for the call. */
    public void update(MemorySegment data) {
        long length = data.byteSize();
        long position = 0;
        while (position < length) {
            int step = (int) Math.min(SCRATCH_BYTES - scratchLength, length - position);
            MemorySegment.copy(data, position, scratchBytes, scratchLength, step);
            added(step);
            position += step;
        }
    }

    /** Adds {@code length} bytes of an array, borrowed for the call. */
    public void update(byte[] data, int offset, int length) {
        int position = offset;
        int end = offset + length;
        while (position < end) {
            int step = Math.min(SCRATCH_BYTES - scratchLength, end - position);
            MemorySegment.copy(data, position, scratchBytes, ValueLayout.JAVA_BYTE, scratchLength, step);
            added(step);
            position += step;
        }
    }

    /** The checksum of all bytes so far, which more may follow. */
    public int value() {
        int l1 = lane1;
        int l2 = lane2;
        int l3 = lane3;
        int l4 = lane4;
        int stripes = scratchLength / STRIPE_BYTES;
        consume(stripes);
        int hash = totalLength < STRIPE_BYTES
                ? PRIME5
                : Integer.rotateLeft(lane1, 1)
                        + Integer.rotateLeft(lane2, 7)
                        + Integer.rotateLeft(lane3, 12)
                        + Integer.rotateLeft(lane4, 18);
        // The scratch keeps its bytes, so the lanes go back to where it begins.
        lane1 = l1;
        lane2 = l2;
        lane3 = l3;
        lane4 = l4;
        hash += (int) totalLength;
        int word = stripes * (STRIPE_BYTES / Integer.BYTES);
        int left = scratchLength % STRIPE_BYTES;
        for (; left >= Integer.BYTES; left -= Integer.BYTES) {
            hash = Integer.rotateLeft(hash + scratch[word++] * PRIME3, 17) * PRIME4;
        }
        for (int i = 0; i < left; i++) {
            hash = Integer.rotateLeft(hash + ((scratch[word] >>> (Byte.SIZE * i)) & 0xFF) * PRIME5, 11) * PRIME1;
        }
        hash = (hash ^ (hash >>> 15)) * PRIME2;
        hash = (hash ^ (hash >>> 13)) * PRIME3;
        return hash ^ (hash >>> 16);
    }

    /** Starts again with no bytes. */
    public void reset() {
        scratchLength = 0;
        totalLength = 0;
        startLanes();
    }

    @SuppressWarnings("ConstantOverflow") // sums are modulo 2^32
    private void startLanes() {
        lane1 = PRIME1 + PRIME2;
        lane2 = PRIME2;
        lane3 = 0;
        lane4 = -PRIME1;
    }

    private void added(int bytes) {
        scratchLength += bytes;
        totalLength += bytes;
        if (scratchLength == SCRATCH_BYTES) {
            consume(SCRATCH_BYTES / STRIPE_BYTES);
            scratchLength = 0;
        }
    }

    private void consume(int stripes) {
        int[] words = scratch;
        int l1 = lane1;
        int l2 = lane2;
        int l3 = lane3;
        int l4 = lane4;
        for (int i = 0, end = 4 * stripes; i < end; i += 4) {
            l1 = Integer.rotateLeft(l1 + words[i] * PRIME2, 13) * PRIME1;
            l2 = Integer.rotateLeft(l2 + words[i + 1] * PRIME2, 13) * PRIME1;
            l3 = Integer.rotateLeft(l3 + words[i + 2] * PRIME2, 13) * PRIME1;
            l4 = Integer.rotateLeft(l4 + words[i + 3] * PRIME2, 13) * PRIME1;
        }
        lane1 = l1;
        lane2 = l2;
        lane3 = l3;
        lane4 = l4;
    }
}
