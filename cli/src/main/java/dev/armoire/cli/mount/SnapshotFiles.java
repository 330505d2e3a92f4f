// SPDX-License-Identifier: ISC
package dev.armoire.cli.mount;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.Snapshot;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Snapshots of an open store, read by many threads at once. Each reads through a reader of its own, which remembers nodes of
 * the trees it went through; chunks are remembered for all, a bounded number of bytes of them. Owns the readers, not the
 * repository.
 */
public final class SnapshotFiles implements AutoCloseable {
    /** Snapshots whose trees a reader remembers. */
    private static final int VIEWS = 4;
    /** Decoded chunks that are kept, if that many are not in use. */
    private static final int KEPT = 24;

    private final Repository repository;
    /** Guarded by itself. */
    private final Deque<Reader> idle = new ArrayDeque<>();
    /** Guarded by itself, in order of use. */
    private final Map<Mac, Chunk> chunks = new LinkedHashMap<>(64, 0.75f, true);
    /** Memory of chunks that are not kept any more, for others; guarded by {@link #chunks}. */
    private final Deque<Slab> spare = new ArrayDeque<>();

    /** Reads the chunk that will be asked for next. What does not fit into the queue is not worth reading early. */
    private final ThreadPoolExecutor ahead = new ThreadPoolExecutor(
            0,
            2,
            10,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(4),
            Thread.ofPlatform().daemon().name("read-ahead-", 0).factory(),
            new ThreadPoolExecutor.DiscardPolicy());

    public SnapshotFiles(Repository repository) {
        this.repository = repository;
        ahead.setCorePoolSize(2);
    }

    /** Memory outside of the heap, where chunks of a megabyte would keep the collector busy. */
    private record Slab(Arena arena, MemorySegment memory) {
        static Slab of(long bytes) {
            Arena arena = Arena.ofShared();
            return new Slab(arena, arena.allocate(Math.max(64 << 10, bytes), 64));
        }
    }

    /** A chunk that is kept, or being read by one while others wait. */
    private static final class Chunk {
        final CompletableFuture<MemorySegment> data = new CompletableFuture<>();
        /** Guarded by {@link #chunks}, like the next: those who read it or wait for it. */
        int users;

        @Nullable
        Slab slab;
    }

    private record Reader(BlobReader blobs, Map<Mac, Snapshot> views) {
        Snapshot view(SnapshotHeader header) {
            return views.computeIfAbsent(header.identifier(), id -> Snapshot.of(header, blobs));
        }
    }

    private static final class Views extends LinkedHashMap<Mac, Snapshot> {
        private static final long serialVersionUID = 1L;

        Views() {
            super(VIEWS * 2, 0.75f, true);
        }

        @Override
        protected boolean removeEldestEntry(Map.Entry<Mac, Snapshot> eldest) {
            return size() > VIEWS;
        }
    }

    /** Asks something of a snapshot. The view is lent for the call. */
    public <T extends @Nullable Object> T ask(SnapshotHeader header, Function<Snapshot, T> question) {
        Reader reader = take();
        try {
            return question.apply(reader.view(header));
        } finally {
            giveBack(reader);
        }
    }

    private Reader take() {
        synchronized (idle) {
            Reader reader = idle.poll();
            if (reader != null) {
                return reader;
            }
        }
        return new Reader(repository.newReader(), new Views());
    }

    private void giveBack(Reader reader) {
        synchronized (idle) {
            idle.push(reader);
        }
    }

    /** The content of a regular file, for reads anywhere in it. */
    public Content content(SnapshotHeader header, Entry file) {
        if (file.object().isZero() && file.info().size() == 0) {
            return new Content(List.of());
        }
        return new Content(ask(header, view -> ObjectReader.record(view.source(), file.object()))
                .chunks());
    }

    /** The bytes of one file by position. Thread-safe. */
    public final class Content {
        private final List<ObjectRecord.Chunk> parts;
        /** Where each chunk ends, in bytes from the start of the file. */
        private final long[] ends;

        private volatile int last = -1;

        private Content(List<ObjectRecord.Chunk> parts) {
            this.parts = parts;
            ends = new long[parts.size()];
            long end = 0;
            for (int i = 0; i < ends.length; i++) {
                end += parts.get(i).length();
                ends[i] = end;
            }
        }

        public long size() {
            return ends.length == 0 ? 0 : ends[ends.length - 1];
        }

        /** Receives bytes, which are borrowed for the call. */
        @FunctionalInterface
        public interface Sink<X extends Exception> {
            void bytes(MemorySegment data) throws X;
        }

        /**
         * Gives the bytes from a position on, at most {@code length}, every chunk verified.
         *
         * @throws CorruptDataException when some of them are damaged
         */
        public <X extends Exception> void read(long position, long length, Sink<X> sink) throws X {
            long end = Math.min(size(), position + length);
            if (position >= end) {
                return;
            }
            long at = position;
            int index = chunkAt(position);
            while (at < end) {
                long from = at - start(index);
                long count = Math.min(ends[index], end) - at;
                Chunk chunk = take(parts.get(index));
                try {
                    sink.bytes(data(chunk).asSlice(from, count));
                } finally {
                    giveBack(chunk);
                }
                at += count;
                index++;
            }
            int now = index - 1;
            int before = last;
            last = now;
            if (index < ends.length && (now == before || now == before + 1)) {
                readAhead(parts.get(index));
            }
        }

        private long start(int index) {
            return index == 0 ? 0 : ends[index - 1];
        }

        /** The first chunk that ends behind the position. */
        private int chunkAt(long position) {
            int low = 0;
            int high = ends.length - 1;
            while (low < high) {
                int middle = (low + high) >>> 1;
                if (ends[middle] > position) {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            return low;
        }
    }

    private void readAhead(ObjectRecord.Chunk chunk) {
        synchronized (chunks) {
            if (chunks.containsKey(chunk.mac())) {
                return;
            }
        }
        ahead.execute(() -> {
            try {
                giveBack(take(chunk));
            } catch (RuntimeException e) {
                // Whoever asks for it meets it again, and is told.
            }
        });
    }

    /** A chunk, which is read if need be; it stays as it is until it is given back. */
    private Chunk take(ObjectRecord.Chunk wanted) {
        Chunk chunk;
        synchronized (chunks) {
            chunk = chunks.get(wanted.mac());
            if (chunk != null) {
                chunk.users++;
                return chunk;
            }
            chunk = new Chunk();
            chunk.users = 1;
            chunks.put(wanted.mac(), chunk);
        }
        try {
            read(wanted, chunk);
            return chunk;
        } catch (RuntimeException | Error e) {
            synchronized (chunks) {
                chunks.remove(wanted.mac(), chunk);
            }
            chunk.data.completeExceptionally(e);
            throw e;
        }
    }

    /** Waits for who reads it. */
    private static MemorySegment data(Chunk chunk) {
        try {
            return chunk.data.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw e;
        }
    }

    private void read(ObjectRecord.Chunk wanted, Chunk into) {
        Reader reader = take();
        try {
            MemorySegment data = ObjectReader.chunk(reader.blobs, wanted);
            Slab slab = slab(data.byteSize());
            into.slab = slab;
            into.data.complete(
                    slab.memory.asSlice(0, data.byteSize()).copyFrom(data).asReadOnly());
        } finally {
            giveBack(reader);
        }
    }

    private Slab slab(long bytes) {
        Slab slab;
        synchronized (chunks) {
            slab = spare.poll();
        }
        if (slab != null && slab.memory.byteSize() < bytes) {
            slab.arena.close();
            slab = null;
        }
        return slab == null ? Slab.of(bytes) : slab;
    }

    private void giveBack(Chunk chunk) {
        synchronized (chunks) {
            chunk.users--;
            var eldest = chunks.values().iterator();
            for (int surplus = chunks.size() - KEPT; surplus > 0 && eldest.hasNext(); ) {
                Chunk candidate = eldest.next();
                if (candidate.users == 0) {
                    eldest.remove();
                    surplus--;
                    if (candidate.slab != null) {
                        spare.push(candidate.slab);
                    }
                }
            }
        }
    }

    /** Closes the readers; nobody reads any more. */
    @Override
    public void close() {
        ahead.shutdownNow();
        try {
            if (!ahead.awaitTermination(10, TimeUnit.SECONDS)) {
                return; // a reader in use must not lose its memory; the process is about to end
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        synchronized (idle) {
            idle.forEach(reader -> reader.blobs.close());
            idle.clear();
        }
        synchronized (chunks) {
            chunks.values().forEach(chunk -> {
                if (chunk.users == 0 && chunk.slab != null) {
                    spare.push(chunk.slab);
                }
            });
            chunks.clear();
            spare.forEach(slab -> slab.arena.close());
            spare.clear();
        }
    }
}
