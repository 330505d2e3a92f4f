// SPDX-License-Identifier: ISC
package dev.armoire.simd;

/**
 * Where Argon2id's blocks lie and which of them a new one refers to (RFC 9106 section 3.4). Lanes follow each other, each
 * in four slices; a segment is what a lane and a slice have in common. Offsets are bytes from the start of the matrix.
 *
 * @param blocks a multiple of {@code 4 * lanes}
 */
record Argon2idMatrix(int passes, int lanes, int blocks) {
    static final int SLICES = 4;
    static final int BLOCK_BYTES = 1024;
    static final int BLOCK_LONGS = BLOCK_BYTES / Long.BYTES;
    static final int TYPE_ID = 2;

    private static final long LOW_HALF = 0xFFFF_FFFFL;

    long sizeBytes() {
        return (long) blocks * BLOCK_BYTES;
    }

    int laneLength() {
        return blocks / lanes;
    }

    int segmentLength() {
        return blocks / lanes / SLICES;
    }

    /** The "i" half of "id": in the first half of the first pass the password does not choose addresses. */
    static boolean independent(int pass, int slice) {
        return pass == 0 && slice < SLICES / 2;
    }

    /** Index in its segment of the first block to fill: the first two of a lane come from the password. */
    static int firstIndex(int pass, int slice) {
        return pass == 0 && slice == 0 ? 2 : 0;
    }

    long offset(int slice, int lane, int index) {
        return ((long) lane * laneLength() + (long) slice * segmentLength() + index) * BLOCK_BYTES;
    }

    /** Of the block before {@code index}, which for the first of a lane is its last. */
    long previousOffset(int slice, int lane, int index) {
        return slice == 0 && index == 0 ? lastOffset(lane) : offset(slice, lane, index) - BLOCK_BYTES;
    }

    long lastOffset(int lane) {
        return ((lane + 1L) * laneLength() - 1) * BLOCK_BYTES;
    }

    /** Blocks of other lanes that may be referred to: those of finished slices. */
    int finished(int pass, int slice) {
        return pass == 0 ? slice * segmentLength() : laneLength() - segmentLength();
    }

    /** Index in its lane of the oldest block that may be referred to. */
    int oldest(int pass, int slice) {
        return pass == 0 || slice == SLICES - 1 ? 0 : (slice + 1) * segmentLength();
    }

    /** Where the block lies that the pseudo-random value points to (RFC 9106 section 3.4.2). */
    long referenceOffset(int pass, int slice, int lane, int index, long random) {
        int referenceLane = pass == 0 && slice == 0 ? lane : (int) ((random >>> 32) % lanes);
        long area = finished(pass, slice);
        if (referenceLane == lane) {
            area += index - 1L;
        } else if (index == 0) {
            area -= 1;
        }
        long j1 = random & LOW_HALF;
        long x = (j1 * j1) >>> 32;
        long position = oldest(pass, slice) + area - 1 - ((area * x) >>> 32);
        int laneLength = laneLength();
        return ((long) referenceLane * laneLength + (position < laneLength ? position : position - laneLength))
                * BLOCK_BYTES;
    }

    /** Fills in what the addresses of an {@link #independent} segment are computed from; the counter at 6 is 0. */
    void startAddresses(int pass, int slice, int lane, long[] input) {
        input[0] = pass;
        input[1] = lane;
        input[2] = slice;
        input[3] = blocks;
        input[4] = passes;
        input[5] = TYPE_ID;
        input[6] = 0;
    }
}
