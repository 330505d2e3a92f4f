// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.crypto.SegmentTags;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.packfile.Lz4Marks;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What reads an open store: readers of blobs, one for each thread that is reading just now, and the chunks that random reads
 * came by last. Owns the readers, and guards the repository: nothing uses it after {@link #close}, which waits for those who do.
 */
final class Readers implements Lifetime {
    /** Readers kept for the next one who reads. */
    private static final int IDLE = 4;

    /** Threads that read ahead, and chunks that wait for them. What does not fit is not worth reading early. */
    static final int AHEAD = 2;

    /** Of the memory for chunks: so much more, on the heap, for what parts of chunks are verified by. It does for 32 times as many bytes. */
    private static final int PIECES_SHARE = 32;

    /** Of a compressed chunk the bytes before each so manieth mark are kept, a fourth of all: half as far apart is faster, but of half as many chunks. */
    private static final int WINDOW_EVERY = 8;

    private static final MemorySegment NO_WINDOW = MemorySegment.ofArray(new byte[0]);

    /** What one thread reads with. */
    private record Reader(BlobReader blobs, MacHasher hasher) {}

    private final Repository repository;
    private final ReadWriteLock inUse = new ReentrantReadWriteLock();
    /** Written under the write lock of {@link #inUse}. */
    private volatile boolean closed;
    /** Guarded by itself. */
    private final Deque<Reader> idle = new ArrayDeque<>();

    private final ChunkCache chunks;
    private final KnownPieces pieces;
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
        this.pieces = new KnownPieces(cachedBytes / PIECES_SHARE, cachedBytes);
        ahead.allowCoreThreadTimeOut(true);
    }

    @Override
    public boolean isOpen() {
        return !closed;
    }

    @Override
    public void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the store " + repository.storage().location() + " is closed");
        }
    }

    /**
     * Uses the repository.
     *
     * @throws IllegalStateException when the store is closed
     */
    <T> T withRepository(Failures.Work<T> work) throws IOException {
        inUse.readLock().lock();
        try {
            requireOpen();
            return Failures.translated(work);
        } finally {
            inUse.readLock().unlock();
        }
    }

    /** Reads something. */
    <T> T read(Function<BlobReader, T> question) throws IOException {
        return withRepository(() -> {
            Reader reader = take();
            try {
                return question.apply(reader.blobs);
            } finally {
                giveBack(reader);
            }
        });
    }

    private Reader take() {
        synchronized (idle) {
            Reader reader = idle.poll();
            if (reader != null) {
                return reader;
            }
        }
        return new Reader(repository.newReader(), repository.keys().newMacHasher());
    }

    private void giveBack(Reader reader) {
        synchronized (idle) {
            if (idle.size() < IDLE) {
                idle.push(reader);
                return;
            }
        }
        reader.blobs.close();
    }

    /** How somebody goes through a file. */
    enum Going {
        /** Front to back, once: what was read is soon forgotten. */
        THROUGH,
        /** Front to back for a while. */
        FORWARD,
        /** Here and there: of a chunk that is not kept, no more is read than is asked for, where that can be. */
        ABOUT
    }

    /**
     * Copies bytes of a chunk, which is verified, as many as there are and as fit.
     *
     * @param from where in the chunk they begin
     */
    void copy(ObjectRecord.Chunk chunk, int from, ByteBuffer into, Going going) throws IOException {
        withRepository(() -> {
            if (going == Going.ABOUT && copyPart(chunk, from, into)) {
                return 0;
            }
            ChunkCache.Chunk data = use(chunk, going == Going.ABOUT);
            int count = 0;
            try {
                count = data.copy(from, into);
            } finally {
                chunks.release(chunk.mac(), data, going == Going.THROUGH && from + (long) count >= data.length());
            }
            return count;
        });
    }

    /** Copies from a part of the chunk, if that is worth it and can be verified. */
    private boolean copyPart(ObjectRecord.Chunk chunk, int from, ByteBuffer into) {
        int count = (int) Math.min(chunk.length() - from, into.remaining());
        if (count > chunk.length() / 2 || chunks.has(chunk.mac())) {
            return false;
        }
        KnownPieces.Known known = pieces.find(chunk.mac(), chunk.length(), count);
        if (known == null) {
            return false;
        }
        int piece = known.pieceBytes();
        long start = (long) from - from % piece;
        long end = Math.min(chunk.length(), Math.ceilDiv((long) from + count, piece) * piece);
        Reader reader = take();
        try {
            MemorySegment part = known.marks == null
                    ? reader.blobs.readPart(
                            ResourceType.CHUNK, chunk.mac(), known.tags, chunk.length(), start, end - start)
                    : decodePart(reader, chunk.mac(), known.tags, known.marks, start, end - start);
            if (part == null || !KnownPieces.verify(known, start, part, reader.hasher)) {
                return false; // it is read as a whole then, which says what is wrong
            }
            MemorySegment.copy(part, from - start, MemorySegment.ofBuffer(into), 0, count);
            into.position(into.position() + count);
            return true;
        } finally {
            giveBack(reader);
        }
    }

    /** A part of a compressed chunk, decoded from the last window before it on. */
    private @Nullable MemorySegment decodePart(
            Reader reader, Mac mac, @Nullable SegmentTags tags, Lz4Marks marks, long start, long length) {
        int window = -1;
        int begin = 0;
        for (int mark = WINDOW_EVERY; mark < marks.count() - 1 && marks.position(mark) <= start; mark += WINDOW_EVERY) {
            window++;
            begin = mark;
        }
        if (window < 0) {
            return reader.blobs.readPart(ResourceType.CHUNK, mac, tags, marks, 0, NO_WINDOW, start, length);
        }
        ChunkCache.Chunk windows = chunks.useWindows(mac, marks);
        if (windows == null) {
            return null;
        }
        try {
            return reader.blobs.readPart(
                    ResourceType.CHUNK, mac, tags, marks, begin, windows.window(window), start, length);
        } finally {
            chunks.releaseWindows(windows);
        }
    }

    /** @param isInParts whether parts of it may be asked for when it is not kept any more */
    private ChunkCache.Chunk use(ObjectRecord.Chunk chunk, boolean isInParts) {
        return chunks.use(chunk.mac(), taker -> {
            Reader reader = take();
            try {
                MemorySegment plain = ObjectReader.chunk(reader.blobs, chunk);
                taker.accept(plain);
                if (isInParts) {
                    keepForParts(reader, chunk.mac(), plain);
                }
            } finally {
                giveBack(reader);
            }
        });
    }

    /** Keeps what parts of a chunk that was just read can be had and verified by, if there is such a thing. */
    private void keepForParts(Reader reader, Mac mac, MemorySegment plain) {
        if (reader.blobs.holdsParts(ResourceType.CHUNK, mac, plain.byteSize())) {
            var _ = pieces.add(mac, plain, reader.blobs.tags(), null, reader.hasher);
            return;
        }
        Lz4Marks found = reader.blobs.marks((int) plain.byteSize());
        KnownPieces.Known known =
                found == null ? null : pieces.add(mac, plain, reader.blobs.tags(), found, reader.hasher);
        Lz4Marks marks = known == null ? null : known.marks;
        if (marks == null) {
            return;
        }
        List<MemorySegment> windows = new ArrayList<>();
        for (int mark = WINDOW_EVERY; mark < marks.count() - 1; mark += WINDOW_EVERY) {
            windows.add(plain.asSlice(marks.position(mark) - Lz4Marks.WINDOW_BYTES, Lz4Marks.WINDOW_BYTES));
        }
        if (!windows.isEmpty()) {
            chunks.keepWindows(mac, marks, windows);
        }
    }

    /** Begins to read a chunk that will be wanted soon, if a thread is at leisure. */
    void prefetch(ObjectRecord.Chunk chunk) {
        if (!chunks.lacks(chunk.mac(), chunk.length())) {
            return;
        }
        ahead.execute(() -> {
            try {
                withRepository(() -> {
                    chunks.release(chunk.mac(), use(chunk, false), false);
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
                idle.forEach(reader -> reader.blobs.close());
                idle.clear();
            }
            chunks.close();
            repository.close();
        } finally {
            inUse.writeLock().unlock();
        }
    }
}
