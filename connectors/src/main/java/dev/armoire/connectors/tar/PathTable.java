// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.IntFunction;

/**
 * The last item of each path, by its index; outside the heap, 11 to 22 bytes for each path.
 * <pre>
 *  slot:  0      4       8
 *         | hash | index + 1, or 0 where it is empty |
 * </pre>
 * Owns the memory. For one thread.
 */
final class PathTable implements AutoCloseable {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final int SLOT_BYTES = 8;
    private static final int INDEX_AT = 4;
    private static final int FIRST_SLOTS = 1 << 10;

    private final IntFunction<byte[]> paths;
    /** Not to be known beforehand, or an archive could be made whose paths all meet in one place. */
    private final long factor;

    private Arena arena = Arena.ofConfined();
    private MemorySegment slots = arena.allocate((long) FIRST_SLOTS * SLOT_BYTES, INT.byteSize());
    private int mask = FIRST_SLOTS - 1;
    private int used;

    /**
     * An empty table.
     *
     * @param paths the path of the item with an index
     * @param seed a random number
     */
    PathTable(IntFunction<byte[]> paths, long seed) {
        this.paths = paths;
        this.factor = seed | 1;
    }

    private int hash(byte[] path) {
        long hash = path.length;
        for (byte b : path) {
            hash = (hash ^ b) * factor;
            hash ^= hash >>> 29;
        }
        return (int) (hash ^ hash >>> 32);
    }

    private int indexAt(int slot) {
        return slots.get(INT, (long) slot * SLOT_BYTES + INDEX_AT) - 1;
    }

    /** The slot of a path, or the empty one where it belongs. */
    private int find(byte[] path, int hash) {
        int slot = hash & mask;
        while (true) {
            int index = indexAt(slot);
            if (index < 0
                    || (slots.get(INT, (long) slot * SLOT_BYTES) == hash && Arrays.equals(paths.apply(index), path))) {
                return slot;
            }
            slot = slot + 1 & mask;
        }
    }

    /** Index of the last item with a path, or -1. */
    int get(byte[] path) {
        return indexAt(find(path, hash(path)));
    }

    /** Whether an item is the last one with its path; looks at no other item. */
    boolean isLast(byte[] path, int index) {
        for (int slot = hash(path) & mask; ; slot = slot + 1 & mask) {
            int other = indexAt(slot);
            if (other == index || other < 0) {
                return other == index;
            }
        }
    }

    void put(byte[] path, int index) {
        int hash = hash(path);
        int slot = find(path, hash);
        boolean isNew = indexAt(slot) < 0;
        set(slot, hash, index);
        if (isNew && ++used > mask / 4 * 3) {
            grow();
        }
    }

    private void set(int slot, int hash, int index) {
        slots.set(INT, (long) slot * SLOT_BYTES, hash);
        slots.set(INT, (long) slot * SLOT_BYTES + INDEX_AT, index + 1);
    }

    private void grow() {
        Arena oldArena = arena;
        MemorySegment old = slots;
        int count = mask + 1;
        arena = Arena.ofConfined();
        slots = arena.allocate(2L * count * SLOT_BYTES, INT.byteSize());
        mask = 2 * count - 1;
        for (long at = 0; at < old.byteSize(); at += SLOT_BYTES) {
            int index = old.get(INT, at + INDEX_AT) - 1;
            if (index >= 0) {
                int hash = old.get(INT, at);
                int slot = hash & mask;
                while (indexAt(slot) >= 0) {
                    slot = slot + 1 & mask;
                }
                set(slot, hash, index);
            }
        }
        oldArena.close();
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
