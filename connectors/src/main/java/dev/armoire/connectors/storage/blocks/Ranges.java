// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.blocks;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** Gives out parts of one object of a server. Must be usable by many threads at once. */
public interface Ranges {
    long UNKNOWN = -1;

    /**
     * Fills {@code into}, which is not empty, from a byte of the object, as far as the object goes.
     *
     * @return how many bytes there are, fewer than asked for only at the end of the object
     */
    long fetch(long from, MemorySegment into) throws IOException;

    /** The object's length in bytes as far as it is known by now, or {@link #UNKNOWN}. */
    long size();
}
