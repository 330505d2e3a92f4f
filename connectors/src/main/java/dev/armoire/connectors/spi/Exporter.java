// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A target to restore to. Paths are relative '/'-separated bytes below the target ("" is the target itself), and come
 * from a snapshot, which is not trusted: an exporter writes nothing outside its target whatever the names say, and never
 * through a symbolic link. All methods may be called from many threads; a directory is always made before what is in it.
 *
 * <p>An IOException means that the item is not there (as it was before the call). What was made but could not get all of
 * its metadata is told through {@link Problems}.
 */
public interface Exporter extends AutoCloseable {
    /** Whether each file that is made costs a journey to somewhere else, so that many small ones are made at once. */
    default boolean isFarAway() {
        return false;
    }

    /** Makes a directory, or takes the one that is there; it stays writable for the owner until {@link #finishDirectory}. */
    void makeDirectory(byte[] path) throws IOException;

    /** Begins a regular file of {@code info.size()} bytes, which appears under its name only at {@link FileOutput#commit}. */
    FileOutput createFile(byte[] path, FileInfo info) throws IOException;

    /**
     * Begins a regular file whose attributes are known already, for targets that write them before its bytes. They are given
     * to {@link FileOutput#commit} as well.
     */
    default FileOutput createFile(byte[] path, FileInfo info, List<Xattr> xattrs) throws IOException {
        return createFile(path, info);
    }

    /** A further hard link to {@code existing}, which this exporter has made before. Replaces a file of that name. */
    void link(byte[] path, byte[] existing) throws IOException;

    void symlink(byte[] path, byte[] target, FileInfo info, List<Xattr> xattrs) throws IOException;

    /** A FIFO, socket or device node. {@code info.rdev()} tells the device; see {@link FileMode} for the kind. */
    void special(byte[] path, FileInfo info, List<Xattr> xattrs) throws IOException;

    /** Sets owner, mode, times and attributes of a directory in which nothing is made any more. */
    void finishDirectory(byte[] path, FileInfo info, List<Xattr> xattrs) throws IOException;

    /** Called when all is made, before {@link #close}: a target that is one file gets its name now, and not without. */
    default void finish() throws IOException {}

    @Override
    void close() throws IOException;

    /** An attribute with its value. */
    @SuppressWarnings("ArrayRecordComponent")
    record Xattr(byte[] name, byte[] value) {}

    /** A file being written, by one thread. */
    interface FileOutput extends AutoCloseable {
        /** Appends bytes, borrowed for the call. Long runs of zeros become holes where the target can have them. */
        void write(MemorySegment data) throws IOException;

        /**
         * Begins a part of the file at a byte of it, which another thread may write while other parts are written. A file is
         * written by parts that leave nothing out and are closed before {@link #commit}, or by {@link #write}.
         *
         * @return null where bytes must come in order
         */
        default @Nullable Part part(long offset) {
            return null;
        }

        /** Sets all metadata and lets the file appear under its name, in place of a file that was there. */
        void commit(List<Xattr> xattrs) throws IOException;

        /** Without a commit before: removes what was written. */
        @Override
        void close();
    }

    /** A part of a file being written, by one thread. */
    interface Part extends AutoCloseable {
        /** As {@link FileOutput#write}. */
        void write(MemorySegment data) throws IOException;

        @Override
        void close();
    }

    /** Told of metadata that could not be restored: {@code owner 0:0: operation not permitted}. */
    @FunctionalInterface
    interface Problems {
        void lost(byte[] path, String what);
    }
}
