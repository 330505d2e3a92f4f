// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.ObjectReader;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What reads an open store: readers of blobs, one for each thread that is reading just now, and the chunks that random reads
 * came by last. Owns the readers, and guards the repository: nothing uses it after {@link #close}, which waits for those who do.
 */
final class Readers {
    /** Readers kept for the next one who reads. */
    private static final int IDLE = 4;

    /** Bytes of decoded chunks that are kept: a few dozen of the usual size. */
    private static final long CACHED_BYTES = 16L << 20;

    private final Repository repository;
    private final ReadWriteLock inUse = new ReentrantReadWriteLock();
    /** Written under the write lock of {@link #inUse}. */
    private volatile boolean closed;
    /** Guarded by itself. */
    private final Deque<BlobReader> idle = new ArrayDeque<>();
    /** Guarded by itself, in order of use. */
    private final Map<Mac, byte[]> chunks = new LinkedHashMap<>(64, 0.75f, true);

    private long cachedBytes;

    Readers(Repository repository) {
        this.repository = repository;
    }

    boolean isOpen() {
        return !closed;
    }

    /**
     * Uses the repository.
     *
     * @throws IllegalStateException when the store is closed
     */
    <T> T withRepository(Failures.Work<T> work) throws IOException {
        inUse.readLock().lock();
        try {
            if (closed) {
                throw new IllegalStateException(
                        "the store " + repository.storage().location() + " is closed");
            }
            return Failures.translated(work);
        } finally {
            inUse.readLock().unlock();
        }
    }

    /** Reads something. */
    <T> T read(Function<BlobReader, T> question) throws IOException {
        return withRepository(() -> {
            BlobReader reader = take();
            try {
                return question.apply(reader);
            } finally {
                giveBack(reader);
            }
        });
    }

    private BlobReader take() {
        synchronized (idle) {
            BlobReader reader = idle.poll();
            if (reader != null) {
                return reader;
            }
        }
        return repository.newReader();
    }

    private void giveBack(BlobReader reader) {
        synchronized (idle) {
            if (idle.size() < IDLE) {
                idle.push(reader);
                return;
            }
        }
        reader.close();
    }

    /** The bytes of a chunk, verified; not to be written to. */
    byte[] chunk(ObjectRecord.Chunk chunk) throws IOException {
        return read(reader -> ObjectReader.chunk(reader, chunk).toArray(ValueLayout.JAVA_BYTE));
    }

    /** Like {@link #chunk}, for those who may soon ask for the same one again. */
    byte[] cachedChunk(ObjectRecord.Chunk chunk) throws IOException {
        byte[] known = known(chunk.mac());
        if (known != null) {
            return known;
        }
        byte[] data = chunk(chunk);
        synchronized (chunks) {
            if (chunks.put(chunk.mac(), data) == null) {
                cachedBytes += data.length;
            }
            var eldest = chunks.values().iterator();
            while (cachedBytes > CACHED_BYTES) {
                cachedBytes -= eldest.next().length;
                eldest.remove();
            }
        }
        return data;
    }

    private byte @Nullable [] known(Mac mac) {
        synchronized (chunks) {
            return chunks.get(mac);
        }
    }

    /** Closes all, the repository too; the second time does nothing. */
    void close() {
        inUse.writeLock().lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            synchronized (idle) {
                idle.forEach(BlobReader::close);
                idle.clear();
            }
            synchronized (chunks) {
                chunks.clear();
                cachedBytes = 0;
            }
            repository.close();
        } finally {
            inUse.writeLock().unlock();
        }
    }
}
