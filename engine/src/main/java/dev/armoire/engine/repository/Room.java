// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Memory that grows. Confined to the thread that made it. */
public final class Room implements AutoCloseable {
    private Arena arena = Arena.ofConfined();
    private MemorySegment segment = MemorySegment.NULL;

    /** At least so many bytes, of which the first {@code kept} are still what they were. */
    @SuppressWarnings("MustBeClosedChecker") // the field owns it, close() closes it
    public MemorySegment atLeast(long bytes, long kept) {
        if (segment.byteSize() < bytes) {
            Arena next = Arena.ofConfined();
            MemorySegment wider = next.allocate(bytes, 64);
            MemorySegment.copy(segment, 0, wider, 0, kept);
            arena.close();
            arena = next;
            segment = wider;
        }
        return segment;
    }

    @Override
    public void close() {
        arena.close();
    }
}
