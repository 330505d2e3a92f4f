// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.ptar;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The bytes of an archive, wherever they lie. Must be usable by many threads at once. */
public interface ArchiveBytes extends AutoCloseable {
    /** How messages call the archive. */
    String name();

    /** How people name the place; see {@link dev.armoire.connectors.spi.Storage#location}. */
    String location();

    /** Where it lies on this machine, without symbolic links, or null when it does not. */
    @Nullable
    Path localPath();

    /** Length in bytes of the whole archive. */
    long size();

    /**
     * Fills {@code into} from a byte of the archive.
     *
     * @throws java.io.EOFException when it has become shorter since it was opened
     */
    void read(long position, MemorySegment into) throws IOException;

    @Override
    void close();
}
