// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** Opens and creates storages of one kind. Found with ServiceLoader; must be cheap to construct. */
public interface StorageFactory {
    /** Whether this kind understands the location, by its scheme or its file name. */
    boolean accepts(Location location);

    /** Opens what is there; {@link java.nio.file.NoSuchFileException} when there is no CONFIG. */
    Storage open(Location location) throws IOException;

    /** Makes an empty storage with this CONFIG, which becomes visible last. Refuses a place that is not empty. */
    Storage create(Location location, MemorySegment config) throws IOException;

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
