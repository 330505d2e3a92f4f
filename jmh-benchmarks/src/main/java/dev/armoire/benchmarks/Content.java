// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Input of a kernel, in native memory and, for libraries that want it there, on the heap. Every call sees it from another
 * offset within a page, in an order made once: where data happens to lie is no property of a kernel. Owns its arena.
 */
@SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
@State(Scope.Thread)
public class Content {
    private static final int PAGE_BYTES = 4096;
    private static final int OFFSETS = 64;

    /** Bytes of one input. */
    @Param({"1024", "4096", "16384", "65536", "1048576", "8388608", "67108864"})
    public int size;

    /** Kind of bytes. */
    @Param
    public Data data;

    /** The same bytes as in native memory; an input starts at {@link #nextOffset()}. */
    byte[] heap;

    private final int[] offsets = new int[OFFSETS];
    private final MemorySegment[] slices = new MemorySegment[OFFSETS];
    private Arena arena;
    private int turn;

    /** Makes the bytes and the offsets. */
    @Setup
    public void prepare() {
        heap = data.bytes(size + PAGE_BYTES, size);
        arena = Arena.ofConfined();
        MemorySegment memory = arena.allocate(heap.length, PAGE_BYTES);
        MemorySegment.copy(heap, 0, memory, ValueLayout.JAVA_BYTE, 0, heap.length);
        var random = new Random(size);
        for (int i = 0; i < OFFSETS; i++) {
            offsets[i] = random.nextInt(PAGE_BYTES);
            slices[i] = memory.asSlice(offsets[i], size);
        }
    }

    /** Frees the memory. */
    @TearDown
    public void close() {
        arena.close();
    }

    /** The next input, in native memory. */
    MemorySegment next() {
        return slices[turn++ & OFFSETS - 1];
    }

    /** Where the next input starts on the heap. */
    int nextOffset() {
        return offsets[turn++ & OFFSETS - 1];
    }

    /** The first input's offset on the heap, for checks; {@link #first} is the same input in native memory. */
    int firstOffset() {
        return offsets[0];
    }

    /** The first input, in native memory. */
    MemorySegment first() {
        return slices[0];
    }
}
