// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

/**
 * Memory for data under way between files and a store, and what that allows: pieces of packfiles that are filled or being
 * written, and threads with buffers of their own. The heap, caches of the store's index and the derivation of a key come on
 * top; they do not grow with the data.
 *
 * @param bytes {@link #LEAST_BYTES} or more
 */
public record MemoryBudget(long bytes) {
    /** Less than this cannot hold one chunk of each kind on its way. */
    public static final long LEAST_BYTES = 96L << 20;

    /** Read ahead, a chunk of 8 MiB as it is, and compressed. */
    private static final long WORKER_BYTES = 32L << 20;

    private static final long USUAL_BYTES = 384L << 20;
    private static final int LEAST_SLABS = 12;
    /** Enough that two full open packfiles leave some to those that are being written; more brings nothing. */
    private static final int MOST_SLABS = 26;

    public MemoryBudget {
        if (bytes < LEAST_BYTES) {
            throw new IllegalArgumentException("memory must be " + LEAST_BYTES + " bytes or more, found " + bytes);
        }
    }

    /** As much as a machine's processors can use, if nothing else is said. */
    public static MemoryBudget usual() {
        long used = MOST_SLABS * SlabPool.SLAB_BYTES + Runtime.getRuntime().availableProcessors() * WORKER_BYTES;
        return new MemoryBudget(Math.max(USUAL_BYTES, used));
    }

    /** How many threads of {@code wanted} fit in, at least one. */
    public int workers(int wanted) {
        long left = bytes - slabs() * SlabPool.SLAB_BYTES;
        return Math.clamp(left / WORKER_BYTES, 1, wanted);
    }

    /** Pieces of packfiles, of {@link SlabPool#SLAB_BYTES} each. */
    int slabs() {
        return Math.clamp(bytes / 3 / SlabPool.SLAB_BYTES, LEAST_SLABS, MOST_SLABS);
    }

    /** Pieces of one packfile that is being filled: two of them leave a few to those that are being written. */
    int slabsOfPackfile() {
        return (slabs() - 6) / 2;
    }
}
