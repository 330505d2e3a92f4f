// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.connectors.spi.Storage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The off-heap pieces that packfiles are filled in: a fixed number of slabs, allocated as they are needed, so that a small backup
 * touches little memory. A blob that is longer than a slab gets a piece of its own, which counts as several. When all are in
 * use, {@link #take} waits: that is how a slow store slows the readers. Thread-safe.
 */
final class SlabPool implements AutoCloseable {
    static final long SLAB_BYTES = 4 << 20;

    private final Deque<Slab> free = new ArrayDeque<>();
    private final int count;
    private final int mostOfOne;
    /** In use and free. */
    private int allocated;

    private int inUse;
    private boolean aborted;

    /**
     * A piece of memory, until it is given back.
     *
     * @param slabs as how many it counts
     */
    record Slab(Arena arena, MemorySegment segment, int slabs) {}

    /**
     * A pool of nothing yet.
     *
     * @param count of slabs at most
     * @param mostOfOne as how many a piece counts at most, however long it is: only metadata have blobs that long
     */
    SlabPool(int count, int mostOfOne) {
        this.count = count;
        this.mostOfOne = mostOfOne;
    }

    /** As how many slabs a piece for a blob counts. */
    int slabsOf(long length) {
        return Math.clamp((length + SLAB_BYTES - 1) / SLAB_BYTES, 1, mostOfOne);
    }

    /** Waits for a piece that a blob of some length fits into; the caller gives it back with {@link #give}. */
    synchronized Slab take(long length) {
        int slabs = slabsOf(length);
        boolean isUsual = length <= SLAB_BYTES;
        boolean interrupted = false;
        try {
            while (count - inUse < slabs) {
                if (aborted) {
                    throw new PipelineAbortedException();
                }
                try {
                    wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            inUse += slabs;
            if (isUsual && !free.isEmpty()) {
                return free.pop();
            }
            while (count - allocated < slabs) {
                free.pop().arena.close();
                allocated--;
            }
            allocated += slabs;
            Arena arena = Arena.ofShared();
            return new Slab(arena, arena.allocate(isUsual ? SLAB_BYTES : length, Storage.BLOCK_BYTES), slabs);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    synchronized void give(Slab slab) {
        inUse -= slab.slabs;
        if (slab.segment.byteSize() == SLAB_BYTES) {
            free.push(slab);
        } else {
            allocated -= slab.slabs;
            slab.arena.close();
        }
        notifyAll();
    }

    /** Wakes all who wait, and lets them fail: no piece will come back. */
    synchronized void abort() {
        aborted = true;
        notifyAll();
    }

    @Override
    public synchronized void close() {
        if (!aborted && inUse > 0) {
            throw new IllegalStateException(
                    inUse + " of " + allocated + " slabs still in use; finish the writer first");
        }
        free.forEach(slab -> slab.arena.close());
        free.clear();
    }
}
