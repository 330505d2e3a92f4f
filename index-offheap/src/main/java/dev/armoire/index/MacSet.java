// SPDX-License-Identifier: ISC
package dev.armoire.index;

import dev.armoire.crypto.Mac;

/**
 * Pairs of resource type and MAC, off-heap, in slots of 16 bytes, or of 20 when each has a number ({@link MacTable}).
 * Thread-safe: the keys are spread over tables, each with a lock of its own. So only one of them at a time is there twice, as it
 * grows: up to 27 bytes a pair, or 34.
 */
public final class MacSet implements AutoCloseable {
    private static final int SHARDS = 16;

    private final MacTable[] shards = new MacTable[SHARDS];

    public MacSet() {
        this(0);
    }

    private MacSet(int numbers) {
        for (int i = 0; i < SHARDS; i++) {
            shards[i] = new MacTable(numbers);
        }
    }

    /** A set in which each pair has a number, 0 at first. */
    public static MacSet withNumbers() {
        return new MacSet(1);
    }

    /**
     * Adds a pair.
     *
     * @param type 1 to 255
     * @return whether it was not there before
     */
    public boolean add(int type, Mac mac) {
        MacTable shard = shard(mac);
        synchronized (shard) {
            long before = shard.size();
            var _ = shard.slot(type, mac);
            return shard.size() > before;
        }
    }

    public boolean contains(int type, Mac mac) {
        MacTable shard = shard(mac);
        synchronized (shard) {
            return shard.contains(type, mac);
        }
    }

    /** The number of a pair, in a set that has numbers; 0 for one that is not there. */
    public int number(int type, Mac mac) {
        MacTable shard = shard(mac);
        synchronized (shard) {
            long slot = shard.slotIfThere(type, mac);
            return slot < 0 ? 0 : shard.get(slot, 0);
        }
    }

    /** Gives a pair a number, and adds it if it is not there. */
    public void setNumber(int type, Mac mac, int number) {
        MacTable shard = shard(mac);
        synchronized (shard) {
            shard.set(shard.slot(type, mac), 0, number);
        }
    }

    private MacTable shard(Mac mac) {
        return shards[(int) (mac.w2() >>> 60)];
    }

    @Override
    public void close() {
        for (MacTable shard : shards) {
            synchronized (shard) {
                shard.close();
            }
        }
    }
}
