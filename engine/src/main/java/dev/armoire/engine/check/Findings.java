// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.crypto.Mac;
import dev.armoire.index.MacSet;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * What the threads of one check have found out, so that each content is read once, whoever refers to it. Owns off-heap
 * memory. Thread-safe.
 *
 * @param packfiles what the store has
 * @param verdicts what reading whole packfiles has shown; owned
 * @param isFast whether contents are only looked up
 * @param good objects whose content is well, and entries that are well with their objects
 * @param damaged objects that are not, and why; the first so many, as those beyond can be read again
 * @param bytesRead bytes fetched from the storage for the current target
 * @param reach told of all that could not be read
 */
record Findings(
        StoredPackfiles packfiles,
        StoreVerdicts verdicts,
        boolean isFast,
        MacSet good,
        Map<Mac, String> damaged,
        LongAdder bytesRead,
        Reach reach)
        implements AutoCloseable {
    private static final int MAX_DAMAGED = 100_000;

    /** @param good empty; owned */
    Findings(StoredPackfiles packfiles, StoreVerdicts verdicts, boolean isFast, MacSet good, Reach reach) {
        this(packfiles, verdicts, isFast, good, new ConcurrentHashMap<>(), new LongAdder(), reach);
    }

    @Nullable
    String damage(Mac object) {
        return damaged.get(object);
    }

    void addDamage(Mac object, String reason) {
        if (damaged.size() < MAX_DAMAGED) {
            damaged.put(object, reason);
        }
    }

    @Override
    public void close() {
        good.close();
        verdicts.close();
    }
}
