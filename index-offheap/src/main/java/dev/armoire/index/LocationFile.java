// SPDX-License-Identifier: ISC
package dev.armoire.index;

import dev.armoire.crypto.Mac;
import java.nio.file.Path;

/**
 * (resource type, MAC) → locations in a file that is never changed once it is written. Owns the open file. Thread-safe; several processes may
 * read one file at once. What few locations need is a {@link LocationTable}, which costs next to nothing to write and to open; many
 * are in a {@link LocationMap}, which costs both, and has a filter that keeps look-ups of what is new away from its pages.
 */
sealed interface LocationFile extends AutoCloseable permits LocationMap, LocationTable {
    /** Offsets that a file cannot hold begin here: 1 TiB. */
    long OFFSET_LIMIT = 1L << 40;

    /** Receives the places of one blob. */
    @FunctionalInterface
    interface Places {
        /** Returns whether the others are wanted, too. */
        boolean place(int packfile, long offset, long length);
    }

    /**
     * Opens what {@link LocationRuns#write} wrote.
     *
     * @throws DamagedIndexException when it is not there, cannot be used, or is damaged
     */
    static LocationFile open(Path file) {
        return LocationTable.isTable(file) ? LocationTable.open(file) : LocationMap.open(file);
    }

    /** Locations in the file; a blob has one for each packfile with a copy of it. */
    long size();

    /**
     * Gives the places of a blob, in the order in which they were added.
     *
     * @return whether more places are wanted
     * @throws DamagedIndexException when the part of the file that would have them is damaged
     */
    boolean find(int type, Mac mac, Places places);

    /**
     * Gives all locations, those of a blob in the order in which they were added.
     *
     * @throws DamagedIndexException when any part of the file is damaged
     */
    void forEach(BlobIndex.Visitor visitor);

    /** Takes the pages with locations out of this process's memory; who looks for one finds it as before. */
    void release();

    @Override
    void close();
}
