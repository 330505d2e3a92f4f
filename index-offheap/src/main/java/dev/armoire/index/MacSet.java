// SPDX-License-Identifier: ISC
package dev.armoire.index;

import dev.armoire.crypto.Mac;

/**
 * Pairs of resource type and MAC, off-heap, in slots of 16 bytes ({@link MacTable}). Thread-safe: the keys are spread over
 * tables, each with a lock of its own.
 */
public final class MacSet implements AutoCloseable {
    private static final int SHARDS = 16;

    private final MacTable[] shards = new MacTable[SHARDS];

    public MacSet() {
        for (int i = 0; i < SHARDS; i++) {
            shards[i] = new MacTable(0);
        }
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
