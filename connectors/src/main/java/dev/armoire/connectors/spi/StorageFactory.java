// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Opens and creates storages of one kind. Found with ServiceLoader; must be cheap to construct. */
public interface StorageFactory {
    /** The first kind on the class path that accepts a location, or null. */
    static @Nullable StorageFactory find(Location location) {
        return Kinds.find(StorageFactory.class, "storage.fs.FsStorageFactory", factory -> factory.accepts(location));
    }

    /** Whether this kind understands the location, by its scheme or its file name. */
    boolean accepts(Location location);

    /**
     * Says who is told that a place which this opens or creates keeps its callers waiting, and why; nobody, unless this is called.
     * They may be told by many threads.
     */
    default void useNotices(Consumer<String> told) {}

    /** Opens what is there; {@link java.nio.file.NoSuchFileException} when there is no CONFIG. */
    Storage open(Location location) throws IOException;

    /**
     * Opens what is there, as {@link #open(Location)} does.
     *
     * @param settings what this kind wants to know beside the location; an unknown key is an IOException
     */
    default Storage open(Location location, Map<String, String> settings) throws IOException {
        refuse(location, settings);
        return open(location);
    }

    /** Makes an empty storage with this CONFIG, which becomes visible last. Refuses a place that is not empty. */
    Storage create(Location location, MemorySegment config) throws IOException;

    /**
     * Makes an empty storage, as {@link #create(Location, MemorySegment)} does.
     *
     * @param settings what this kind wants to know beside the location; an unknown key is an IOException
     */
    default Storage create(Location location, MemorySegment config, Map<String, String> settings) throws IOException {
        refuse(location, settings);
        return create(location, config);
    }

    /**
     * Says what is wrong with a location and its settings, as far as that shows without going there.
     *
     * @throws IOException when something is
     */
    default void check(Location location, Map<String, String> settings) throws IOException {}

    /** For kinds without settings. */
    static void refuse(Location location, Map<String, String> settings) throws IOException {
        if (!settings.isEmpty()) {
            throw new IOException(location.scheme() + ": unknown setting " + String.join(", ", settings.keySet())
                    + "; a store of this kind has no settings");
        }
    }

    /**
     * Begins an archive.
     *
     * @param config the CONFIG object
     * @param replaces whether a file that is there gives way when the new one is whole
     * @throws IOException when this kind has no archives, or there is one already
     */
    default ArchiveOutput createArchive(Location location, MemorySegment config, boolean replaces) throws IOException {
        throw new IOException(location + " is no place for an archive: a file, best one that ends in .ptar, is wanted");
    }
}
