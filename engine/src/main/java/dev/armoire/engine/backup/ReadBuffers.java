// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** The off-heap buffers that files are read into. Owns one shared arena. Thread-safe. */
final class ReadBuffers implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final ConcurrentLinkedQueue<Lease> free = new ConcurrentLinkedQueue<>();
    private final AtomicInteger unallocated;
    private final long bytes;

    /** At most {@code count} buffers, allocated when they are first needed. */
    ReadBuffers(int count, long bytes) {
        this.unallocated = new AtomicInteger(count);
        this.bytes = bytes;
    }

    /** A buffer held once, or null when all are in use. */
    @Nullable
    Lease tryTake() {
        Lease lease = free.poll();
        if (lease == null && unallocated.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
            lease = new Lease(arena.allocate(bytes, 4096));
        }
        if (lease != null) {
            lease.holders.set(1);
        }
        return lease;
    }

    /** A buffer that goes back when its last holder has released it: the reader, and each encoder of a chunk in it. */
    final class Lease {
        private final MemorySegment segment;
        private final AtomicInteger holders = new AtomicInteger();

        Lease(MemorySegment segment) {
            this.segment = segment;
        }

        MemorySegment segment() {
            return segment;
        }

        boolean isShared() {
            return holders.get() > 1;
        }

        void retain() {
            holders.incrementAndGet();
        }

        void release() {
            if (holders.decrementAndGet() == 0) {
                free.add(this);
            }
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
