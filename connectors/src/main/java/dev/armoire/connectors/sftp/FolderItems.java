// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import dev.armoire.connectors.spi.BytePath;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a server tells of the items of one folder, of which there may be millions: packed, and outside the heap beyond the first
 * {@value #HEAP_BYTES} bytes.
 * <pre>
 *  0      8       16     20      24            28       32       36
 *  | size | mtime | user | group | permissions | target | length | name ...
 * </pre>
 * Owns the memory. For one thread at a time.
 */
final class FolderItems implements AutoCloseable {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final long MTIME_AT = 8;
    private static final long USER_AT = 16;
    private static final long GROUP_AT = 20;
    private static final long PERMISSIONS_AT = 24;
    private static final long TARGET_AT = 28;
    private static final long LENGTH_AT = 32;
    private static final long NAME_AT = 36;

    private static final int HEAP_BYTES = 128 << 10;
    private static final int FIRST_BYTES = 2 << 10;
    private static final int BLOCK_BYTES = 1 << 20;
    private static final int BLOCK_BITS = 32;

    private final List<MemorySegment> blocks = new ArrayList<>();
    private final List<Object> targets = new ArrayList<>();
    private @Nullable Arena arena;
    private long allBytes;
    private long usedOfLast;
    /** The number of the block of each item above the place in it. */
    private long[] places = new long[16];

    private int count;

    void add(byte[] name, RemoteAttributes attributes) {
        long length = NAME_AT + name.length;
        if (blocks.isEmpty() || blocks.getLast().byteSize() - usedOfLast < length) {
            long wanted = Math.max(length, Math.clamp(allBytes, FIRST_BYTES, BLOCK_BYTES));
            blocks.add(memory(wanted));
            allBytes += wanted;
            usedOfLast = 0;
        }
        if (count == places.length) {
            places = Arrays.copyOf(places, 2 * count);
        }
        MemorySegment block = blocks.getLast();
        places[count++] = (long) (blocks.size() - 1) << BLOCK_BITS | usedOfLast;
        block.set(LONG, usedOfLast, attributes.size());
        block.set(LONG, usedOfLast + MTIME_AT, attributes.mtimeSeconds());
        block.set(INT, usedOfLast + USER_AT, attributes.user());
        block.set(INT, usedOfLast + GROUP_AT, attributes.group());
        block.set(INT, usedOfLast + PERMISSIONS_AT, attributes.permissions());
        block.set(INT, usedOfLast + TARGET_AT, 0);
        block.set(INT, usedOfLast + LENGTH_AT, name.length);
        MemorySegment.copy(name, 0, block, ValueLayout.JAVA_BYTE, usedOfLast + NAME_AT, name.length);
        usedOfLast += length;
    }

    private MemorySegment memory(long bytes) {
        if (allBytes + bytes <= HEAP_BYTES) {
            return MemorySegment.ofArray(new byte[(int) bytes]);
        }
        Arena owned = arena;
        if (owned == null) {
            owned = arena = Arena.ofShared(); // filled by one thread, and used by another one after it
        }
        return owned.allocate(bytes);
    }

    int count() {
        return count;
    }

    /** Whether this must be closed, as it owns more than what the garbage collector takes. */
    boolean isLarge() {
        return arena != null;
    }

    private MemorySegment block(int index) {
        return blocks.get((int) (places[index] >>> BLOCK_BITS));
    }

    private long at(int index) {
        return places[index] & 0xFFFF_FFFFL;
    }

    byte[] name(int index) {
        long at = at(index);
        return block(index)
                .asSlice(at + NAME_AT, block(index).get(INT, at + LENGTH_AT))
                .toArray(ValueLayout.JAVA_BYTE);
    }

    RemoteAttributes attributes(int index) {
        MemorySegment block = block(index);
        long at = at(index);
        return new RemoteAttributes(
                block.get(LONG, at),
                block.get(INT, at + USER_AT),
                block.get(INT, at + GROUP_AT),
                block.get(INT, at + PERMISSIONS_AT),
                block.get(LONG, at + MTIME_AT));
    }

    /** Notes where a link leads, as bytes, or the failure to learn that. */
    void setTarget(int index, Object target) {
        targets.add(target);
        block(index).set(INT, at(index) + TARGET_AT, targets.size());
    }

    /** What was noted of a link; of anything else no bytes. */
    Object target(int index) {
        int number = block(index).get(INT, at(index) + TARGET_AT);
        return number == 0 ? BytePath.EMPTY : targets.get(number - 1);
    }

    /** Sorts by the bytes of names: runs of one item, then of two, and so on, are merged. */
    void sort() {
        long[] from = places;
        long[] to = new long[places.length];
        for (int run = 1; run > 0 && run < count; run *= 2) {
            for (int start = 0; start < count; start += 2 * run) {
                merge(from, start, Math.min(start + run, count), Math.min(start + 2 * run, count), to);
            }
            long[] merged = to;
            to = from;
            from = merged;
        }
        places = from;
    }

    private void merge(long[] from, int start, int middle, int end, long[] to) {
        int left = start;
        int right = middle;
        for (int i = start; i < end; i++) {
            boolean isLeft = right == end || (left < middle && compare(from[left], from[right]) <= 0);
            to[i] = isLeft ? from[left++] : from[right++];
        }
    }

    private int compare(long one, long other) {
        MemorySegment first = blocks.get((int) (one >>> BLOCK_BITS));
        MemorySegment second = blocks.get((int) (other >>> BLOCK_BITS));
        long firstAt = one & 0xFFFF_FFFFL;
        long secondAt = other & 0xFFFF_FFFFL;
        long firstName = firstAt + NAME_AT;
        long secondName = secondAt + NAME_AT;
        int firstLength = first.get(INT, firstAt + LENGTH_AT);
        int secondLength = second.get(INT, secondAt + LENGTH_AT);
        long differs = MemorySegment.mismatch(
                first, firstName, firstName + firstLength, second, secondName, secondName + secondLength);
        if (differs < 0 || differs == Math.min(firstLength, secondLength)) {
            return Integer.compare(firstLength, secondLength);
        }
        return Byte.compareUnsigned(
                first.get(ValueLayout.JAVA_BYTE, firstName + differs),
                second.get(ValueLayout.JAVA_BYTE, secondName + differs));
    }

    @Override
    public void close() {
        if (arena != null) {
            arena.close();
        }
    }
}
