// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The off-heap pieces that packfiles are filled in. Owns one shared arena, which grows to a fixed number of slabs as they
 * are needed: a small backup touches little memory. When all are in use, {@link #take} waits: that is how a slow store slows
 * the readers.
 */
final class SlabPool implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final Deque<MemorySegment> free = new ArrayDeque<>();
    private final int count;
    private final long slabBytes;
    private int allocated;
    private boolean aborted;

    SlabPool(int count, long slabBytes) {
        this.count = count;
        this.slabBytes = slabBytes;
    }

    /** Waits for a slab, which the caller gives back with {@link #give}. */
    synchronized MemorySegment take() {
        boolean interrupted = false;
        try {
            while (free.isEmpty() && allocated == count) {
                if (aborted) {
                    throw new PipelineAbortedException();
                }
                try {
                    wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (!free.isEmpty()) {
                return free.pop();
            }
            allocated++;
            return arena.allocate(slabBytes, 4096);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    synchronized void give(MemorySegment slab) {
        free.push(slab);
        notifyAll();
    }

    /** Wakes all who wait, and lets them fail: no slab will come back. */
    synchronized void abort() {
        aborted = true;
        notifyAll();
    }

    @Override
    public synchronized void close() {
        if (!aborted && free.size() != allocated) {
            throw new IllegalStateException(
                    (allocated - free.size()) + " of " + allocated + " slabs still in use; finish the writer first");
        }
        arena.close();
    }
}
