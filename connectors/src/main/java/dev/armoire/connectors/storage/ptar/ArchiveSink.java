// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.ptar;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Where the bytes of a new archive go, once and from front to back. By one thread at a time, not always the same. */
public interface ArchiveSink extends AutoCloseable {
    /** Adds bytes, {@code parts} in order (borrowed for the call). */
    void append(List<MemorySegment> parts) throws IOException;

    /**
     * Makes what was added durable and gives it its name.
     *
     * @throws java.nio.file.FileAlreadyExistsException when something has that name and may not give way
     */
    void publish() throws IOException;

    /** Without {@link #publish} before: leaves nothing. */
    @Override
    void close() throws IOException;
}
