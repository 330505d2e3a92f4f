// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.engine.record.Entry;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Writes entries of a snapshot into an archive. For one thread. */
interface ArchiveWriter {
    /**
     * Adds an entry.
     *
     * @param member its name in the archive, relative, not empty
     * @return what of it the archive cannot hold, for a person, or null
     * @throws dev.armoire.crypto.CorruptDataException when its content is damaged; the archive is of no use then
     */
    @Nullable
    String add(Snapshot snapshot, Entry entry, byte[] member) throws IOException;

    /** Writes the end. The stream below is flushed and stays open. */
    void finish() throws IOException;
}
