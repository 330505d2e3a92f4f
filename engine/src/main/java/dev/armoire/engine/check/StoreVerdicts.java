// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.crypto.Mac;
import dev.armoire.index.BlobLocation;
import dev.armoire.index.MacSet;
import dev.armoire.packfile.ResourceType;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * What reading whole packfiles has shown: for each one read to its end, the few places that were not found well. Everything
 * else in it is verified and need not be read again. Owns off-heap memory. Thread-safe.
 */
final class StoreVerdicts implements AutoCloseable {
    private static final int IS_SAID = 1;
    private static final int IS_TRUE = 2;

    /** By packfile ordinal: offsets of blobs that are in doubt; null where the packfile as a whole is. */
    private final AtomicReferenceArray<@Nullable Set<Long>> doubtful;

    /** Contents of one chunk, named by object and size. */
    private final MacSet singles;
    /** Chunks, named by chunk and size: whether the object of a single says that size, and whether the chunk has it. */
    private final MacSet sizes;

    /** Sizes that are said, and of which it is not known that they are true. */
    private final LongAdder unproven = new LongAdder();

    private volatile boolean isAllWell;

    /**
     * Nothing is verified yet.
     *
     * @param packfiles how many will be read; with none, nothing will be
     * @param singles empty; owned
     * @param sizes empty, with numbers; owned
     */
    StoreVerdicts(int packfiles, MacSet singles, MacSet sizes) {
        this.singles = singles;
        this.sizes = sizes;
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

    /** All packfiles were read to their ends, none is missing, and whatever states place in them is there and well. */
    void putAllWell() {
        isAllWell = true;
    }

    /**
     * Notes a content that is one chunk, whose object has just been decoded where states place it, and agrees with the chunk's name.
     *
     * @param size bytes of the content
     */
    void putSingle(Mac object, long size, Mac chunk) {
        var _ = singles.add(ResourceType.OBJECT, sized(object, size));
        if (sizes.addBits(ResourceType.CHUNK, sized(chunk, size), IS_SAID) == 0) {
            unproven.increment();
        }
    }

    /** Notes the size of a chunk that was decoded, where states place it, and found well. */
    void putChunk(Mac chunk, long size) {
        if (doubtful.length() > 0 && sizes.addBits(ResourceType.CHUNK, sized(chunk, size), IS_TRUE) == IS_SAID) {
            unproven.decrement();
        }
    }

    /** Whether a chunk was decoded and has this size. */
    boolean hasSize(Mac chunk, long size) {
        return (sizes.number(ResourceType.CHUNK, sized(chunk, size)) & IS_TRUE) != 0;
    }

    /**
     * Whether a content of this size is well, object and chunk, going by what was read with the packfiles: of contents of one chunk, when all
     * is well. To be asked when all packfiles were read. Where anything is not, or a single object says a size that was not found,
     * nothing is said of any: which one it is must be looked for.
     */
    boolean isSingleVerified(Mac object, long size) {
        return isAllWell && unproven.sum() == 0 && singles.contains(ResourceType.OBJECT, sized(object, size));
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
        sizes.close();
    }
}
