// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.ObjectReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;

/**
 * What reads an open store: readers of blobs, one for each thread that is reading just now, and the chunks that random reads
 * came by last. Owns the readers, and guards the repository: nothing uses it after {@link #close}, which waits for those who do.
 */
final class Readers {
    /** Readers kept for the next one who reads. */
    private static final int IDLE = 4;

    /** Threads that read ahead, and chunks that wait for them. What does not fit is not worth reading early. */
    static final int AHEAD = 2;

    private final Repository repository;
    private final ReadWriteLock inUse = new ReentrantReadWriteLock();
    /** Written under the write lock of {@link #inUse}. */
    private volatile boolean closed;
    /** Guarded by itself. */
    private final Deque<BlobReader> idle = new ArrayDeque<>();

    private final ChunkCache chunks;
    private final ThreadPoolExecutor ahead = new ThreadPoolExecutor(
            AHEAD,
            AHEAD,
            1,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(AHEAD),
            Thread.ofPlatform().daemon().name("armoire-read-ahead-", 0).factory(),
            new ThreadPoolExecutor.DiscardPolicy());

    /** @param cachedBytes of decoded chunks that are kept */
    Readers(Repository repository, long cachedBytes) {
        this.repository = repository;
        this.chunks = new ChunkCache(cachedBytes);
        ahead.allowCoreThreadTimeOut(true);
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

    /**
     * Copies bytes of a chunk, which is verified, as many as there are and as fit.
     *
     * @param from where in the chunk they begin
     * @param isPassing whether the caller goes through the file once: then the chunk is soon forgotten
     */
    void copy(ObjectRecord.Chunk chunk, int from, ByteBuffer into, boolean isPassing) throws IOException {
        withRepository(() -> {
            ChunkCache.Chunk data = use(chunk);
            int count = 0;
            try {
                count = data.copy(from, into);
            } finally {
                chunks.release(chunk.mac(), data, isPassing && from + (long) count >= data.length());
            }
            return count;
        });
    }

    private ChunkCache.Chunk use(ObjectRecord.Chunk chunk) {
        return chunks.use(chunk.mac(), taker -> {
            BlobReader reader = take();
            try {
                taker.accept(ObjectReader.chunk(reader, chunk));
            } finally {
                giveBack(reader);
            }
        });
    }

    /** Begins to read a chunk that will be wanted soon, if a thread is at leisure. */
    void prefetch(ObjectRecord.Chunk chunk) {
        if (!chunks.lacks(chunk.mac(), chunk.length())) {
            return;
        }
        ahead.execute(() -> {
            try {
                withRepository(() -> {
                    chunks.release(chunk.mac(), use(chunk), false);
                    return true;
                });
            } catch (IOException | RuntimeException e) {
                // Whoever asks for it meets it again, and is told.
            }
        });
    }

    /** Closes all, the repository too; the second time does nothing. */
    void close() {
        ahead.getQueue().clear();
        ahead.shutdown(); // not interrupted: somebody may wait for what is read ahead just now
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
            chunks.close();
            repository.close();
        } finally {
            inUse.writeLock().unlock();
        }
    }
}
