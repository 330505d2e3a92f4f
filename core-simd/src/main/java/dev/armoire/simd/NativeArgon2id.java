// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import dev.armoire.simd.ffi.MachineCode;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/** Argon2id's blocks by the machine code of {@link Argon2idCode}, for AVX-512 or for AVX2. For one thread. */
final class NativeArgon2id implements Argon2idFill {
    private static final int BLOCK_BYTES = Argon2idMatrix.BLOCK_BYTES;
    private static final int BLOCK_LONGS = Argon2idMatrix.BLOCK_LONGS;

    /** Garbage collection waits for a call to end: half a millisecond, or less where memory is fast. */
    private static final int BLOCKS_PER_CALL = 2048;

    // Handles must be constants to be called without a detour.

    private static final class Avx512 {
        static final MethodHandle FILL = MachineCode.link(Argon2idCode.fill(true));
    }

    private static final class Avx2 {
        static final MethodHandle FILL = MachineCode.link(Argon2idCode.fill(false));
    }

    private final boolean isAvx512;
    private final Argon2idMatrix matrix;
    private final MemorySegment memory;
    private final long[] job = new long[Argon2idCode.JOB_LONGS];
    private final MemorySegment jobSegment = MemorySegment.ofArray(job);
    /** A block on its way in or out. */
    private final long[] placed = new long[BLOCK_LONGS];

    private final long[] addressInput = new long[BLOCK_LONGS];
    /** Blocks of zeros, of the input, between the two mixings, and of what comes out. */
    private final long[] addressBlocks = new long[4 * BLOCK_LONGS];

    private final MemorySegment addressSegment = MemorySegment.ofArray(addressBlocks);
    /** One more than are used, as the code reads ahead. */
    private final long[] addresses = new long[BLOCK_LONGS + 1];

    private final MemorySegment addressesSegment = MemorySegment.ofArray(addresses);

    /** Works on {@code memory}, which is borrowed for as long as this is used. */
    NativeArgon2id(Argon2idMatrix matrix, MemorySegment memory, boolean isAvx512) {
        this.isAvx512 = isAvx512;
        this.matrix = matrix;
        this.memory = memory;
        long[] orders = isAvx512 ? Argon2idCode.ORDER_WORDS : Argon2idAvx2.ORDER_WORDS;
        System.arraycopy(orders, 0, job, Argon2idCode.ORDERS, orders.length);
    }

    /** Where a word of a block lies. */
    private int place(int word) {
        return isAvx512 ? Argon2idCode.PLACES[word] : word;
    }

    @Override
    public void write(long offset, long[] block) {
        for (int word = 0; word < BLOCK_LONGS; word++) {
            placed[place(word)] = block[word];
        }
        MemorySegment.copy(placed, 0, memory, ValueLayout.JAVA_LONG, offset, BLOCK_LONGS);
    }

    @Override
    public void read(long offset, long[] block) {
        MemorySegment.copy(memory, ValueLayout.JAVA_LONG, offset, placed, 0, BLOCK_LONGS);
        for (int word = 0; word < BLOCK_LONGS; word++) {
            block[word] = placed[place(word)];
        }
    }

    @Override
    public void fillSegment(int pass, int slice, int lane) {
        int end = matrix.segmentLength();
        boolean independent = Argon2idMatrix.independent(pass, slice);
        if (independent) {
            matrix.startAddresses(pass, slice, lane, addressInput);
        }
        describeSegment(pass, slice, lane);
        int index = Argon2idMatrix.firstIndex(pass, slice);
        while (index < end) {
            long previous = matrix.previousOffset(slice, lane, index);
            int count;
            long random;
            MemorySegment nextRandoms;
            if (independent) {
                nextAddresses();
                int address = index % BLOCK_LONGS;
                count = Math.min(BLOCK_LONGS - address, end - index);
                random = addresses[address];
                nextRandoms = addressesSegment.asSlice((address + 1L) * Long.BYTES);
            } else {
                count = Math.min(BLOCKS_PER_CALL, end - index);
                random = randomOf(previous);
                nextRandoms = MemorySegment.NULL;
            }
            job[Argon2idCode.PREVIOUS_OFFSET] = previous;
            job[Argon2idCode.NEXT_AREA] = (long) matrix.finished(pass, slice) + index;
            run(
                    memory,
                    nextRandoms,
                    matrix.offset(slice, lane, index),
                    matrix.referenceOffset(pass, slice, lane, index, random),
                    count);
            index += count;
        }
    }

    private void describeSegment(int pass, int slice, int lane) {
        boolean onlyOwnLane = pass == 0 && slice == 0;
        long referenceLanes = onlyOwnLane ? 1 : matrix.lanes();
        job[Argon2idCode.OTHER_LANES_AREA] = matrix.finished(pass, slice);
        job[Argon2idCode.OLDEST] = matrix.oldest(pass, slice);
        job[Argon2idCode.LANE_LENGTH] = matrix.laneLength();
        job[Argon2idCode.LANE] = lane;
        job[Argon2idCode.FIRST_REFERENCE_LANE] = onlyOwnLane ? lane : 0;
        job[Argon2idCode.REFERENCE_LANES] = referenceLanes;
        job[Argon2idCode.REFERENCE_LANES_RECIPROCAL] = Long.divideUnsigned(-1, referenceLanes) + 1;
        job[Argon2idCode.OVERWRITE] = pass;
    }

    /** Copied: a view of memory as a single long costs milliseconds when it is first used. */
    private long randomOf(long offset) {
        MemorySegment.copy(memory, ValueLayout.JAVA_LONG, offset + (long) place(0) * Long.BYTES, placed, 0, 1);
        return placed[0];
    }

    /** The next 128 pseudo-random values, by the code that computes blocks. */
    private void nextAddresses() {
        addressInput[6]++;
        for (int word = 0; word <= 6; word++) {
            addressBlocks[BLOCK_LONGS + place(word)] = addressInput[word];
        }
        job[Argon2idCode.PREVIOUS_OFFSET] = 0;
        run(addressSegment, MemorySegment.NULL, 2 * BLOCK_BYTES, BLOCK_BYTES, 1);
        run(addressSegment, MemorySegment.NULL, 3 * BLOCK_BYTES, 2 * BLOCK_BYTES, 1);
        for (int word = 0; word < BLOCK_LONGS; word++) {
            addresses[word] = addressBlocks[3 * BLOCK_LONGS + place(word)];
        }
    }

    private void run(MemorySegment blocks, MemorySegment nextRandoms, long offset, long reference, long count) {
        try {
            long ignored = isAvx512
                    ? (long) Avx512.FILL.invokeExact(jobSegment, blocks, nextRandoms, offset, reference, count)
                    : (long) Avx2.FILL.invokeExact(jobSegment, blocks, nextRandoms, offset, reference, count);
            assert ignored == 0;
        } catch (Throwable e) {
            throw new IllegalStateException("a native call failed", e);
        }
    }

    @Override
    public void close() {
        Arrays.fill(job, 0);
        Arrays.fill(placed, 0);
        Arrays.fill(addressBlocks, 0);
        Arrays.fill(addresses, 0);
    }
}
