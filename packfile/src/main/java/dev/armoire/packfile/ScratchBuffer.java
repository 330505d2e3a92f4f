// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Native memory that grows on demand and is given back after a big use. Owns its arena, which is shared so that the
 * codec it belongs to may be made, used and closed by different threads, one after the other. What is given back is
 * filled with zeros: it may have held plaintext.
 */
final class ScratchBuffer implements AutoCloseable {
    /** Kept from one use to the next. */
    private static final long KEPT_BYTES = 16L << 20;

    private static final long SMALLEST_BYTES = 4 << 10;

    private Arena arena = Arena.ofShared();
    private MemorySegment segment = MemorySegment.NULL;

    /** Memory for a new use, at least {@code capacity} bytes; what it held before is void. */
    MemorySegment start(long capacity) {
        // Never nothing: native libraries take a buffer of no bytes at address 0 for a failed allocation.
        long needed = Math.max(capacity, SMALLEST_BYTES);
        boolean tooBig = segment.byteSize() > KEPT_BYTES && capacity <= KEPT_BYTES;
        if (segment.byteSize() < needed || tooBig) {
            replace(needed, 0);
        }
        return segment;
    }

    /** Makes room for at least {@code capacity} bytes, keeping the first {@code used}. Earlier slices become invalid. */
    MemorySegment grow(long capacity, long used) {
        if (segment.byteSize() < capacity) {
            replace(Math.max(capacity, segment.byteSize() + (segment.byteSize() >> 1)), used);
        }
        return segment;
    }

    MemorySegment segment() {
        return segment;
    }

    @SuppressWarnings("MustBeClosedChecker") // the field owns it, close() closes it
    private void replace(long capacity, long used) {
        Arena next = Arena.ofShared();
        MemorySegment wider = next.allocate(capacity, 16);
        MemorySegment.copy(segment, 0, wider, 0, used);
        segment.fill((byte) 0);
        arena.close();
        arena = next;
        segment = wider;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            segment.fill((byte) 0);
            arena.close();
        }
    }
}
