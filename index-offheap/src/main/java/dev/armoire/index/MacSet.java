// SPDX-License-Identifier: ISC
package dev.armoire.index;

import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Pairs of resource type and MAC, off-heap, in slots of 16 bytes, or of 20 when each has a number ({@link MacTable}).
 * Thread-safe: the keys are spread over tables, each with a lock of its own. So only one of them at a time is there twice, as it
 * grows: up to 27 bytes a pair, or 34. What is too much for memory goes to a file, if there is a folder for it.
 */
public final class MacSet implements AutoCloseable {
    private static final int SHARDS = 16;

    private final Shard[] shards = new Shard[SHARDS];

    /** Without numbers, and all in memory. */
    public MacSet() {
        this(false, null, Long.MAX_VALUE);
    }

    /**
     * An empty set.
     *
     * @param hasNumbers whether each pair has one, 0 at first
     * @param folder for what is too much for memory; null for none
     * @param mostInMemory how many pairs that is about
     */
    public MacSet(boolean hasNumbers, @Nullable Path folder, long mostInMemory) {
        for (int i = 0; i < SHARDS; i++) {
            shards[i] = new Shard(hasNumbers ? 1 : 0, folder, mostInMemory / SHARDS);
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
            return shard.add(type, mac);
        }
    }

    public boolean contains(int type, Mac mac) {
        Shard shard = shard(mac);
        synchronized (shard) {
            return shard.contains(type, mac);
        }
    }

    /** The number of a pair, in a set that has numbers; 0 for one that is not there. */
    public int number(int type, Mac mac) {
        Shard shard = shard(mac);
        synchronized (shard) {
            return shard.number(type, mac);
        }
    }

    /** Gives a pair a number, and adds it if it is not there. */
    public void setNumber(int type, Mac mac, int number) {
        Shard shard = shard(mac);
        synchronized (shard) {
            shard.setNumber(type, mac, number);
        }
    }

    /** Sets bits in the number of a pair, which is added if it is not there, and returns what the number was. In one step. */
    public int addBits(int type, Mac mac, int bits) {
        Shard shard = shard(mac);
        synchronized (shard) {
            int before = shard.number(type, mac);
            if ((before | bits) != before) {
                shard.setNumber(type, mac, before | bits);
            }
            return before;
        }
    }

    private Shard shard(Mac mac) {
        return shards[(int) (mac.w2() >>> 60)];
    }

    @Override
    public void close() {
        for (Shard shard : shards) {
            synchronized (shard) {
                shard.close();
            }
        }
    }

    /** A table, and what has left it. Callers hold its lock. */
    private static final class Shard {
        private final MacTable table;
        private final @Nullable Path folder;
        /** From here on it is emptied into the file. */
        private long mostInTable;

        private @Nullable SpilledRecords spilled;

        Shard(int numbers, @Nullable Path folder, long mostInTable) {
            this.table = new MacTable(numbers);
            this.folder = folder;
            this.mostInTable = folder == null ? Long.MAX_VALUE : mostInTable;
        }

        boolean add(int type, Mac mac) {
            if (contains(type, mac)) {
                return false;
            }
            spillIfMuch();
            var _ = table.slot(type, mac);
            return true;
        }

        boolean contains(int type, Mac mac) {
            return table.contains(type, mac) || isSpilled(type, mac);
        }

        private boolean isSpilled(int type, Mac mac) {
            SpilledRecords older = spilled;
            return older != null && !older.find(mac.w0(), MacTable.second(type, mac), (run, at) -> false);
        }

        int number(int type, Mac mac) {
            long slot = table.slotIfThere(type, mac);
            if (slot >= 0) {
                return table.get(slot, 0);
            }
            SpilledRecords older = spilled;
            int[] number = new int[1];
            if (older != null) {
                older.find(mac.w0(), MacTable.second(type, mac), (run, at) -> {
                    number[0] = MacTable.number(run, at, 0);
                    return false; // the one that came last holds
                });
            }
            return number[0];
        }

        void setNumber(int type, Mac mac, int number) {
            if (!table.contains(type, mac)) {
                spillIfMuch();
            }
            table.set(table.slot(type, mac), 0, number);
        }

        private void spillIfMuch() {
            Path place = folder;
            if (table.size() < mostInTable || place == null) {
                return;
            }
            try {
                SpilledRecords file = spilled;
                if (file == null) {
                    file = new SpilledRecords(place, table.slotBytes());
                    spilled = file;
                }
                table.moveTo(file);
            } catch (IOException e) {
                mostInTable = Long.MAX_VALUE; // it stays in memory
            }
        }

        void close() {
            table.close();
            SpilledRecords file = spilled;
            if (file != null) {
                file.close();
            }
        }
    }
}
