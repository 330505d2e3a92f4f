// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.ObjectRecord;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** Stores contents as chunks and an object record. One per thread. */
public interface ContentStore {
    /** Where the bytes of a content come from. */
    @FunctionalInterface
    interface Reader {
        /** Fills {@code into} unless the content ends; returns bytes read, 0 at the end. */
        long read(MemorySegment into) throws IOException;
    }

    /** What becomes of a content. */
    enum Kind {
        /** File data: entropy and content type are worked out. */
        FILE,
        /** The value of an attribute: as a file, but kept with the metadata. */
        ATTRIBUTE,
        /** The listing of a directory: no entropy, a fixed type, kept with the metadata. */
        LISTING
    }

    /** A stored content and the MAC of its object record. */
    record Stored(Mac object, ObjectRecord record) {}

    Stored store(Reader content, Kind kind) throws IOException;
}
