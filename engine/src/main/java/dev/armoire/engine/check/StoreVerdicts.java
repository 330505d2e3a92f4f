// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.index.BlobLocation;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * What reading whole packfiles has shown: for each one read to its end, the few places that were not found well. Everything
 * else in it is verified and need not be read again. Thread-safe.
 */
final class StoreVerdicts {
    /** By packfile ordinal: offsets of blobs that are in doubt; null where the packfile as a whole is. */
    private final AtomicReferenceArray<@Nullable Set<Long>> doubtful;

    /** @param packfiles how many will be read; with none, nothing is verified */
    StoreVerdicts(int packfiles) {
        doubtful = new AtomicReferenceArray<>(packfiles);
    }

    void put(int packfile, Set<Long> doubtfulOffsets) {
        doubtful.set(packfile, doubtfulOffsets);
    }

    /** Whether a blob at a place that states name was read there, with the MAC that they name it by. */
    boolean isVerified(BlobLocation place) {
        if (place.packfile() >= doubtful.length()) {
            return false;
        }
        Set<Long> offsets = doubtful.get(place.packfile());
        return offsets != null && (offsets.isEmpty() || !offsets.contains(place.offset()));
    }
}
