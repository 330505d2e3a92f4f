// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One item of a source. Short-lived: an importer makes it, the engine uses it up while the importer goes on.
 * Content and attributes are read lazily, from any one thread.
 */
public interface ImportRecord {
    /** Absolute, clean, '/'-separated bytes (format 2a §1). */
    byte[] path();

    FileInfo info();

    /** The text of a symbolic link, as read; empty for anything else, and where a source has no links. */
    default byte[] linkTarget() {
        return BytePath.EMPTY;
    }

    /** Names of extended attributes, as bytes, in no order; empty when there are none, and where a source has no such thing. */
    default List<byte[]> xattrNames() {
        return List.of();
    }

    /** The value of an attribute that {@link #xattrNames} names. */
    default byte[] readXattr(byte[] name) throws IOException {
        throw new IOException(BytePath.text(path()) + " has no attribute " + BytePath.text(name));
    }

    /**
     * Has the begin of a regular file's content brought into memory, as it will be opened soon, without waiting for it.
     * Returns false when it was there already, and where the source cannot tell. Fails silently: opening will tell why.
     */
    default boolean readAhead() {
        return false;
    }

    /** Opens the content of a regular file. */
    Content open() throws IOException;

    /** The content of one file, read front to back by one thread. */
    interface Content extends AutoCloseable {
        /**
         * Reads the next bytes: fills {@code into} unless the content ends. Holes of sparse files read as zeros, without
         * touching the disk where the system can tell. Returns bytes read, 0 only at the end.
         */
        long read(MemorySegment into) throws IOException;

        /** What the source says of the file now, so that a change while it is read is noticed; null when it cannot tell. */
        default @Nullable Version version() throws IOException {
            return null;
        }

        @Override
        void close();
    }

    /** What changes with the content of a file. */
    record Version(long size, long mtimeSeconds, int mtimeNanos) {}
}
