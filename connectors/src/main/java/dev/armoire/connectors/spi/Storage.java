// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;

/**
 * A place that keeps opaque, immutable objects by kind and name, and one CONFIG. Knows nothing of what is in them.
 *
 * <p>All methods may be called from many threads at once. Every write is durable and atomic when it returns: after a
 * crash an object is there in full or not at all. Nothing is ever overwritten, except a lock by
 * {@link #refreshLock}. Errors are {@link IOException}s whose message names the object and the place; a missing object
 * is a {@link java.nio.file.NoSuchFileException}, missing rights an {@link java.nio.file.AccessDeniedException}, a write
 * to a name in use a {@link java.nio.file.FileAlreadyExistsException}.
 */
public interface Storage extends AutoCloseable {
    /** How people name this place: {@code fs:///srv/store}, {@code ptar:///srv/a.ptar}. */
    String location();

    /** A local path that importers must leave out of a backup (the store itself), or null when it is not local. */
    java.nio.file.@org.jspecify.annotations.Nullable Path localPath();

    /** False for places that can only be read, such as a {@code .ptar}. Writing then throws IOException. */
    boolean isWritable();

    /** The CONFIG object, at most 1 MiB, in a segment of {@code arena}. */
    MemorySegment readConfig(Arena arena) throws IOException;

    /** Names of all objects of a kind, in no order. Whatever else lies there is ignored. */
    List<Mac> list(ObjectKind kind) throws IOException;

    /** Length in bytes of an object as stored. */
    long size(ObjectKind kind, Mac name) throws IOException;

    /**
     * Fills {@code into} from byte {@code offset} of the object. A read past the end is an {@link java.io.EOFException}
     * that names the object, the wanted range and the real size.
     */
    void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException;

    /**
     * Native parts of what is written whose addresses and places in the object are alike modulo this are written without a
     * copy where that can be.
     */
    int BLOCK_BYTES = 4096;

    /**
     * Stores an object made of {@code parts} in order (borrowed for the call, heap or native). On return it is durable.
     * On failure nothing of it is visible.
     */
    void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException;

    /**
     * What was written longer ago is durable by itself, and need not be settled: file systems write what is a minute old. The rest is
     * for clocks that are apart.
     */
    Duration WRITTEN_BACK_AFTER = Duration.ofHours(2);

    /**
     * Makes objects durable that another process has written: it may have been stopped just before they were, and not every
     * program sees to it. For who is about to write what counts on them. Those that are gone are left out.
     */
    default void settle(ObjectKind kind, Collection<Mac> names) throws IOException {}

    /** Rewrites a lock under its own name, atomically. */
    void refreshLock(Mac name, MemorySegment content) throws IOException;

    /**
     * Puts an object in the place of a damaged one of the same name, or of one that was lost, in one step: at any moment one
     * of the two is there in full. Only for content that is known to be what the name stands for.
     *
     * @throws IOException also where a storage cannot do this; nothing is changed then
     */
    default void replace(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        throw new IOException("cannot replace " + kind.name().toLowerCase(java.util.Locale.ROOT) + ' ' + name.shortHex()
                + " of " + location() + ": stores of this kind cannot replace objects in one step; heal the store where"
                + " it lies");
    }

    /**
     * Takes back what writers began before a moment and never finished, such as the parts of an upload: nothing names it, and
     * it takes room. No object is touched. Only for who knows that no writer of that age is at work any more.
     *
     * @param onlyCounts whether it is left where it is
     * @return how many writes that were; none where a storage leaves no such thing, or cannot tell
     */
    default int discardUnfinished(Instant begunBefore, boolean onlyCounts) throws IOException {
        return 0;
    }

    /** Removes an object; one that is already gone is no error. */
    void delete(ObjectKind kind, Mac name) throws IOException;

    @Override
    void close();
}
