// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What lies in a restore target: for restores that compare with it, remove from it or read back what they wrote. Paths are
 * those of an {@link Exporter}: relative, of a snapshot that nobody trusts. No symbolic link below the target is ever
 * followed. All methods may be called from many threads.
 */
public interface ExistingFiles extends AutoCloseable {
    /** What is at a path, or null when there is nothing. Names of owners are empty. */
    @Nullable
    FileInfo info(byte[] path) throws IOException;

    /** The text of a symbolic link. */
    byte[] linkTarget(byte[] path) throws IOException;

    /** The names in a directory in the order of their bytes; none when it is not there. */
    List<byte[]> list(byte[] path) throws IOException;

    /** Opens a regular file; it is read from the medium, where the system can be told to forget what it has in memory. */
    ImportRecord.Content read(byte[] path) throws IOException;

    /** Removes an item. A directory must be empty. */
    void delete(byte[] path, boolean isDirectory) throws IOException;

    @Override
    void close() throws IOException;
}
