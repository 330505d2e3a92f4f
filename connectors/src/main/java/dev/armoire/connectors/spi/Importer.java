// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.io.IOException;

/** A source of files. */
public interface Importer extends AutoCloseable {
    /** {@code fs} for a file system; stored in the snapshot. */
    String type();

    /** The host name for a file system; stored in the snapshot. */
    String origin();

    /** Absolute clean path of what is imported, as the user named it. */
    byte[] root();

    /**
     * Delivers everything below {@link #root()} and the directories above it up to {@code /}, from the calling thread (and
     * others if it likes), and returns when all is delivered.
     *
     * @throws IOException when the root itself cannot be read
     */
    void scan(ImportSink sink) throws IOException;

    /**
     * Whether each content that is opened costs a journey to somewhere else, so that {@link ImportRecord#readAhead} is asked for
     * all files from the first on.
     */
    default boolean isFarAway() {
        return false;
    }

    /**
     * Called on each thread that has opened records of this importer or read their attributes, when it will not do so any
     * more: frees what belongs to the thread.
     */
    default void threadEnds() {}

    @Override
    void close();
}
