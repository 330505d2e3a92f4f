// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

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
    private static final int CHUNK_ENTRIES = 1 << 16;

    private final List<Arena> arenas = new ArrayList<>();
    /** Of 1 MiB each: one piece that grows would be there twice while it is copied. */
    private final List<MemorySegment> chunks = new ArrayList<>();

    private int forgotten;
    private int count;
    private boolean hasSeveralNames;

    /** Adds a name of a content, after all names of those before it. What has no bytes need not be found. */
    void add(TarItem item) {
        if (item.storedBytes() == 0) {
            return;
        }
        if (count > 0 && contentAt(count - 1) == item.contentAt()) {
            long at = at(count - 1) + NAMES_AT;
            MemorySegment chunk = chunk(count - 1);
            chunk.set(INT, at, chunk.get(INT, at) + 1);
            hasSeveralNames = true;
            return;
        }
        if (count == chunks.size() * CHUNK_ENTRIES) {
            arenas.add(Arena.ofShared());
            chunks.add(arenas.getLast().allocate((long) CHUNK_ENTRIES * ENTRY_BYTES, LONG.byteSize()));
        }
        MemorySegment chunk = chunks.getLast();
        chunk.set(LONG, at(count), item.contentAt());
        chunk.set(INT, at(count) + LENGTH_AT, (int) Math.min(item.storedBytes(), Integer.MAX_VALUE));
        chunk.set(INT, at(count) + NAMES_AT, 1);
        count++;
    }

    private MemorySegment chunk(int index) {
        return chunks.get(index / CHUNK_ENTRIES);
    }

    /** Where an entry is in its chunk. */
    private static long at(int index) {
        return (long) (index % CHUNK_ENTRIES) * ENTRY_BYTES;
    }

    int count() {
        return count;
    }

    long contentAt(int index) {
        return chunk(index).get(LONG, at(index));
    }

    /** How many bytes of it are stored, the largest number if there are more. */
    int length(int index) {
        return chunk(index).get(INT, at(index) + LENGTH_AT);
    }

    /** Notes that a content was opened by one of its names; returns whether there are others by which it will be. */
    boolean isOpenedAgain(long contentAt) {
        if (!hasSeveralNames) {
            return false;
        }
        int low = 0;
        int high = count - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            long found = contentAt(middle);
            if (found == contentAt) {
                long at = at(middle) + NAMES_AT;
                int left = chunk(middle).get(INT, at) - 1;
                chunk(middle).set(INT, at, left);
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

    /** Gives back the memory of contents that were passed, as far as that goes: names are counted as long as there are several. */
    void forgetBefore(int index) {
        for (; !hasSeveralNames && forgotten < index / CHUNK_ENTRIES; forgotten++) {
            arenas.get(forgotten).close();
        }
    }

    @Override
    public void close() {
        for (; forgotten < arenas.size(); forgotten++) {
            arenas.get(forgotten).close();
        }
    }
}
