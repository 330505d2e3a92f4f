// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.crypto.Mac;
import dev.armoire.index.BlobLocation;
import dev.armoire.index.MacSet;
import dev.armoire.packfile.ResourceType;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * What reading whole packfiles has shown: for each one read to its end, the few places that were not found well. Everything
 * else in it is verified and need not be read again. Owns off-heap memory. Thread-safe.
 */
final class StoreVerdicts implements AutoCloseable {
    /** By packfile ordinal: offsets of blobs that are in doubt; null where the packfile as a whole is. */
    private final AtomicReferenceArray<@Nullable Set<Long>> doubtful;

    /** Contents of one chunk, named by object and size; the number is one more than the ordinal of the chunk's packfile. */
    private final MacSet singles;

    /**
     * Nothing is verified yet.
     *
     * @param packfiles how many will be read; with none, nothing will be
     * @param singles empty, with numbers; owned
     */
    StoreVerdicts(int packfiles, MacSet singles) {
        this.singles = singles;
        doubtful = new AtomicReferenceArray<>(packfiles);
    }

    void put(int packfile, Set<Long> doubtfulOffsets) {
        doubtful.set(packfile, doubtfulOffsets);
    }

    /** Whether a blob at a place that states name was read there, with the MAC that they name it by. */
    boolean isVerified(BlobLocation place) {
        Set<Long> offsets = doubtful(place.packfile());
        return offsets != null && (offsets.isEmpty() || !offsets.contains(place.offset()));
    }

    /**
     * Notes a content that is one chunk, whose object has just been decoded and agrees with the chunk's name.
     *
     * @param size bytes of the content
     * @param chunk where states place the chunk
     */
    void putSingle(Mac object, long size, BlobLocation chunk) {
        singles.setNumber(ResourceType.OBJECT, sized(object, size), chunk.packfile() + 1);
    }

    /** Whether an object was decoded, has one chunk and this size, and the packfile of that chunk is all well. */
    boolean isSingleVerified(Mac object, long size) {
        Set<Long> offsets = doubtful(singles.number(ResourceType.OBJECT, sized(object, size)) - 1);
        return offsets != null && offsets.isEmpty();
    }

    /** Null for what was not read to its end, or is no packfile of these. */
    private @Nullable Set<Long> doubtful(int packfile) {
        return packfile >= 0 && packfile < doubtful.length() ? doubtful.get(packfile) : null;
    }

    private static Mac sized(Mac object, long size) {
        return new Mac(object.w0() ^ size, object.w1(), object.w2(), object.w3());
    }

    @Override
    public void close() {
        singles.close();
    }
}
