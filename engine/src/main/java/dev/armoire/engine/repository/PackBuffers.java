// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The off-heap buffers in which packfiles are filled. Owns one shared arena; pages cost memory only once they are written
 * to. When all are in use, {@link #take} waits: that is how a slow store slows the readers.
 */
final class PackBuffers implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final Deque<MemorySegment> free = new ArrayDeque<>();
    private final int count;
    private boolean aborted;

    PackBuffers(int count, long bytes) {
        this.count = count;
        for (int i = 0; i < count; i++) {
            free.add(arena.allocate(bytes, 4096));
        }
    }

    /** Waits for a buffer, which the caller gives back with {@link #give}. */
    synchronized MemorySegment take() {
        boolean interrupted = false;
        try {
            while (free.isEmpty()) {
                if (aborted) {
                    throw new PipelineAbortedException();
                }
                try {
                    wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            return free.pop();
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    synchronized void give(MemorySegment buffer) {
        free.push(buffer);
        notifyAll();
    }

    /** Wakes all who wait, and lets them fail: no buffer will come back. */
    synchronized void abort() {
        aborted = true;
        notifyAll();
    }

    @Override
    public synchronized void close() {
        if (!aborted && free.size() != count) {
            throw new IllegalStateException(
                    (count - free.size()) + " of " + count + " pack buffers still in use; finish the writer first");
        }
        arena.close();
    }
}
