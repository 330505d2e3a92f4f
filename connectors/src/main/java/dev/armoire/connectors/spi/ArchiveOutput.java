// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * An archive that is being made: a store of one packfile and one state, written once from front to back. Nothing can be read
 * back from it but its CONFIG; all it lists is nothing. {@link #write} of the state ends it: only then is it there under its
 * name. Closed before that, it leaves nothing.
 */
public interface ArchiveOutput extends Storage {
    /** Adds bytes to the packfile, {@code parts} in order (borrowed for the call). By one thread at a time. */
    void append(List<MemorySegment> parts) throws IOException;
}
