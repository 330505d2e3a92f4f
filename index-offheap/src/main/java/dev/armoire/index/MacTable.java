// SPDX-License-Identifier: ISC
package dev.armoire.index;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Pairs of resource type and MAC, each with a few numbers, off-heap, in an open-addressing table. Owns its arena. For one
 * thread at a time. The table grows by a quarter when three quarters of it are full, so a pair takes 5/3 of its slot at most,
 * and while it grows 3 slots.
 *
 * <p>A slot keeps 120 bits of the MAC and 8 of the type. MACs are keyed, so nobody can make two that agree in 120 bits on
 * purpose, and by chance a billion of them do with a probability below 10^-17.
 *
 * <pre>
 *  0        8                          16
 *  | w0 (8) | 56 bits of w1, type (8) | numbers, 4 bytes each |
 * </pre>
 */
public final class MacTable implements AutoCloseable {
    private static final long NUMBERS_AT = 16;
    private static final long DOUBLED_BYTES = 1 << 20;

    private final long slotBytes;
    private Arena arena = Arena.ofShared();
    private long slots = 64;
    private MemorySegment table;
    private long used;

    /** @param numbers that each pair has, 0 at first */
    public MacTable(int numbers) {
        slotBytes = NUMBERS_AT + (long) numbers * Integer.BYTES;
        table = arena.allocate(slots * slotBytes, 64);
    }

    /** Bytes that {@link #copyTo} needs. */
    public long packedBytes() {
        return used * slotBytes;
    }

    /** Copies all pairs with their numbers, in the order of the MACs. */
    public void copyTo(MemorySegment packed) {
        long to = 0;
        for (long at = 0; at < slots * slotBytes; at += slotBytes) {
            if (table.get(JAVA_LONG_UNALIGNED, at + 8) != 0) {
                MemorySegment.copy(table, at, packed, to, slotBytes);
                to += slotBytes;
            }
        }
    }

    /** Adds pairs that {@link #copyTo} of a table with as many numbers has given; none of them is there yet. */
    public void addAll(MemorySegment packed) {
        long count = packed.byteSize() / slotBytes;
        resize(Math.max(slots, (used + count) * 3 / 2));
        for (long from = 0; from < count * slotBytes; from += slotBytes) {
            add(packed, from);
        }
        used += count;
    }

    private void add(MemorySegment source, long from) {
        long second = source.get(JAVA_LONG_UNALIGNED, from + 8);
        MemorySegment.copy(source, from, table, find(source.get(JAVA_LONG_UNALIGNED, from), second), slotBytes);
    }

    /**
     * Where the numbers of a pair are, valid until the next call. One that is not there yet is added.
     *
     * @param type 1 to 255
     */
    public long slot(int type, Mac mac) {
        if (used * 4 >= slots * 3) {
            grow();
        }
        long second = second(type, mac);
        long at = find(mac.w0(), second);
        if (table.get(JAVA_LONG_UNALIGNED, at + 8) == 0) {
            table.set(JAVA_LONG_UNALIGNED, at, mac.w0());
            table.set(JAVA_LONG_UNALIGNED, at + 8, second);
            used++;
        }
        return at;
    }

    /** Where the numbers of a pair are, valid until the next call, or -1 when it is not there. */
    long slotIfThere(int type, Mac mac) {
        long at = find(mac.w0(), second(type, mac));
        return table.get(JAVA_LONG_UNALIGNED, at + 8) == 0 ? -1 : at;
    }

    /** Whether a pair is there. */
    public boolean contains(int type, Mac mac) {
        return slotIfThere(type, mac) >= 0;
    }

    /** How many pairs there are. */
    public long size() {
        return used;
    }

    static long second(int type, Mac mac) {
        return mac.w1() & ~0xFFL | type;
    }

    /** A number of a slot, from 0 on. */
    public int get(long slot, int number) {
        return table.get(JAVA_INT, slot + NUMBERS_AT + (long) number * Integer.BYTES);
    }

    public void set(long slot, int number, int value) {
        table.set(JAVA_INT, slot + NUMBERS_AT + (long) number * Integer.BYTES, value);
    }

    /** A number of a slot that was moved. */
    static int number(MemorySegment slots, long slot, int number) {
        return slots.get(JAVA_INT_UNALIGNED, slot + NUMBERS_AT + (long) number * Integer.BYTES);
    }

    int slotBytes() {
        return (int) slotBytes;
    }

    /** Moves all pairs; the table keeps its size. After a failure it still has all. */
    void moveTo(SpilledRecords file) throws IOException {
        file.addTable(table, (slots, at) -> slots.get(JAVA_LONG_UNALIGNED, at + 8) != 0);
        table.fill((byte) 0);
        used = 0;
    }

    /** Receives a slot. */
    @FunctionalInterface
    public interface Visitor {
        void slot(int type, long slot);
    }

    /** Visits all pairs, in no order. */
    public void forEach(Visitor visitor) {
        for (long at = 0; at < slots * slotBytes; at += slotBytes) {
            long second = table.get(JAVA_LONG_UNALIGNED, at + 8);
            if (second != 0) {
                visitor.slot((int) (second & 0xFF), at);
            }
        }
    }

    /** The slot of a pair, or the empty one where it would be. */
    private long find(long first, long second) {
        // In the order of the MACs, so that a table grows from front to back.
        long at = Math.unsignedMultiplyHigh(first, slots) * slotBytes;
        while (true) {
            long found = table.get(JAVA_LONG_UNALIGNED, at + 8);
            if (found == 0 || found == second && table.get(JAVA_LONG_UNALIGNED, at) == first) {
                return at;
            }
            at += slotBytes;
            if (at == slots * slotBytes) {
                at = 0;
            }
        }
    }

    private void grow() {
        resize(grown(slots, slotBytes));
    }

    /** Slots of a table that is full: a small one is doubled, as moving costs more than room; a large one grows by a quarter. */
    static long grown(long slots, long slotBytes) {
        return slots * slotBytes < DOUBLED_BYTES ? slots * 2 : slots + slots / 4;
    }

    private void resize(long newSlots) {
        MemorySegment old = table;
        Arena oldArena = arena;
        arena = Arena.ofShared();
        slots = newSlots;
        table = arena.allocate(slots * slotBytes, 64);
        for (long from = 0; from < old.byteSize(); from += slotBytes) {
            if (old.get(JAVA_LONG_UNALIGNED, from + 8) != 0) {
                add(old, from);
            }
        }
        oldArena.close();
    }

    @Override
    public void close() {
        arena.close();
    }
}
