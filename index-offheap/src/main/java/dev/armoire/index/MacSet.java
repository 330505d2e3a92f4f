// SPDX-License-Identifier: ISC
package dev.armoire.index;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.armoire.crypto.Mac;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Pairs of resource type and MAC, off-heap, in open-addressing tables of 16-byte slots. Owns one shared arena per table.
 * Thread-safe: the keys are spread over shards, each with a lock of its own.
 *
 * <p>A slot keeps 120 bits of the MAC and 8 of the type. MACs are keyed, so nobody can make two that agree in 120 bits on
 * purpose, and by chance a billion of them do with a probability below 10^-17.
 */
public final class MacSet implements AutoCloseable {
    private static final int SHARDS = 16;
    private static final long SLOT_BYTES = 16;

    private final Shard[] shards = new Shard[SHARDS];

    public MacSet() {
        for (int i = 0; i < SHARDS; i++) {
            shards[i] = new Shard();
        }
    }

    /**
     * Adds a pair.
     *
     * @param type 1 to 255
     * @return whether it was not there before
     */
    public boolean add(int type, Mac mac) {
        Shard shard = shard(mac);
        synchronized (shard) {
            return shard.add(mac.w0(), mac.w1() & ~0xFFL | type);
        }
    }

    public boolean contains(int type, Mac mac) {
        Shard shard = shard(mac);
        synchronized (shard) {
            return shard.contains(mac.w0(), mac.w1() & ~0xFFL | type);
        }
    }

    private Shard shard(Mac mac) {
        return shards[(int) (mac.w2() >>> 60)];
    }

    @Override
    public void close() {
        for (Shard shard : shards) {
            synchronized (shard) {
                shard.arena.close();
            }
        }
    }

    /** One table; a slot whose second word is zero is empty. Callers hold its lock. */
    private static final class Shard {
        private Arena arena = Arena.ofShared();
        private long slots = 64;
        private MemorySegment table = arena.allocate(slots * SLOT_BYTES, 64);
        private long used;

        boolean add(long first, long second) {
            if (used * 4 >= slots * 3) {
                grow();
            }
            long at = find(first, second);
            if (table.get(JAVA_LONG, at + 8) != 0) {
                return false;
            }
            table.set(JAVA_LONG, at, first);
            table.set(JAVA_LONG, at + 8, second);
            used++;
            return true;
        }

        boolean contains(long first, long second) {
            return table.get(JAVA_LONG, find(first, second) + 8) != 0;
        }

        /** The slot of a pair, or the empty one where it would be. */
        private long find(long first, long second) {
            long at = (first & slots - 1) * SLOT_BYTES;
            while (true) {
                long found = table.get(JAVA_LONG, at + 8);
                if (found == 0 || found == second && table.get(JAVA_LONG, at) == first) {
                    return at;
                }
                at += SLOT_BYTES;
                if (at == slots * SLOT_BYTES) {
                    at = 0;
                }
            }
        }

        private void grow() {
            MemorySegment old = table;
            Arena oldArena = arena;
            arena = Arena.ofShared();
            slots *= 2;
            table = arena.allocate(slots * SLOT_BYTES, 64);
            for (long from = 0; from < old.byteSize(); from += SLOT_BYTES) {
                long second = old.get(JAVA_LONG, from + 8);
                if (second != 0) {
                    MemorySegment.copy(old, from, table, find(old.get(JAVA_LONG, from), second), SLOT_BYTES);
                }
            }
            oldArena.close();
        }
    }
}
