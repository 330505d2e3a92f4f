// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Where the contents of files are that are delivered, in the order of their bytes; outside the heap, 16 bytes for each. Owns the memory.
 * For one thread at a time.
 */
final class ContentOrder implements AutoCloseable {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final int ENTRY_BYTES = 16;
    private static final int LENGTH_AT = 8;
    private static final int NAMES_AT = 12;
    private static final int FIRST_ENTRIES = 1 << 10;

    private Arena arena = Arena.ofShared();
    private MemorySegment entries = arena.allocate((long) FIRST_ENTRIES * ENTRY_BYTES, LONG.byteSize());
    private int count;

    /** Adds a name of a content, after all names of those before it. What has no bytes need not be found. */
    void add(TarItem item) {
        if (item.storedBytes() == 0) {
            return;
        }
        if (count > 0 && contentAt(count - 1) == item.contentAt()) {
            long at = at(count - 1) + NAMES_AT;
            entries.set(INT, at, entries.get(INT, at) + 1);
            return;
        }
        if (at(count) == entries.byteSize()) {
            Arena larger = Arena.ofShared();
            MemorySegment copy = larger.allocate(2 * entries.byteSize(), LONG.byteSize());
            MemorySegment.copy(entries, 0, copy, 0, entries.byteSize());
            arena.close();
            arena = larger;
            entries = copy;
        }
        entries.set(LONG, at(count), item.contentAt());
        entries.set(INT, at(count) + LENGTH_AT, (int) Math.min(item.storedBytes(), Integer.MAX_VALUE));
        entries.set(INT, at(count) + NAMES_AT, 1);
        count++;
    }

    private static long at(int index) {
        return (long) index * ENTRY_BYTES;
    }

    int count() {
        return count;
    }

    long contentAt(int index) {
        return entries.get(LONG, at(index));
    }

    /** How many bytes of it are stored, the largest number if there are more. */
    int length(int index) {
        return entries.get(INT, at(index) + LENGTH_AT);
    }

    /** Notes that a content was opened by one of its names; returns whether there are others by which it will be. */
    boolean isOpenedAgain(long contentAt) {
        int low = 0;
        int high = count - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            long found = contentAt(middle);
            if (found == contentAt) {
                long at = at(middle) + NAMES_AT;
                int left = entries.get(INT, at) - 1;
                entries.set(INT, at, left);
                return left > 0;
            }
            if (found < contentAt) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return false;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
