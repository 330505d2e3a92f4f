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
import java.lang.foreign.ValueLayout;
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
    /** Decoded chunks that are kept. The JVM has some 190 MB. */
    private static final long CACHED_BYTES = 32L << 20;

    private final Repository repository;
    /** Guarded by itself. */
    private final Deque<Reader> idle = new ArrayDeque<>();
    /** Guarded by itself, in order of use. Futures, so that who asks for a chunk that is being read waits for it. */
    private final Map<Mac, CompletableFuture<byte[]>> chunks = new LinkedHashMap<>(64, 0.75f, true);

    private long cachedBytes;
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
    Content content(SnapshotHeader header, Entry file) {
        if (file.object().isZero() && file.info().size() == 0) {
            return new Content(List.of());
        }
        return new Content(ask(header, view -> ObjectReader.record(view.source(), file.object()))
                .chunks());
    }

    /** The bytes of one file by position. Thread-safe. */
    final class Content {
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

        long size() {
            return ends.length == 0 ? 0 : ends[ends.length - 1];
        }

        /** Receives bytes, which are not to be changed or kept. */
        @FunctionalInterface
        interface Sink<X extends Exception> {
            void bytes(byte[] data, int offset, int length) throws X;
        }

        /**
         * Gives the bytes from a position on, at most {@code length}, every chunk verified.
         *
         * @throws CorruptDataException when some of them are damaged
         */
        <X extends Exception> void read(long position, long length, Sink<X> sink) throws X {
            long end = Math.min(size(), position + length);
            if (position >= end) {
                return;
            }
            long at = position;
            int index = chunkAt(position);
            while (at < end) {
                byte[] data = chunk(parts.get(index));
                int from = (int) (at - start(index));
                int count = (int) Math.min(data.length - from, end - at);
                sink.bytes(data, from, count);
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
                chunk(chunk);
            } catch (RuntimeException e) {
                // Whoever asks for it meets it again, and is told.
            }
        });
    }

    private byte[] chunk(ObjectRecord.Chunk chunk) {
        CompletableFuture<byte[]> mine = new CompletableFuture<>();
        CompletableFuture<byte[]> known;
        synchronized (chunks) {
            known = chunks.get(chunk.mac());
            if (known == null) {
                chunks.put(chunk.mac(), mine);
            }
        }
        if (known != null) {
            try {
                return known.join();
            } catch (CompletionException e) {
                if (e.getCause() instanceof RuntimeException failure) {
                    throw failure;
                }
                throw e;
            }
        }
        try {
            byte[] data = read(chunk);
            mine.complete(data);
            keep(data.length);
            return data;
        } catch (RuntimeException | Error e) {
            synchronized (chunks) {
                chunks.remove(chunk.mac(), mine);
            }
            mine.completeExceptionally(e);
            throw e;
        }
    }

    private byte[] read(ObjectRecord.Chunk chunk) {
        Reader reader = take();
        try {
            return ObjectReader.chunk(reader.blobs, chunk).toArray(ValueLayout.JAVA_BYTE);
        } finally {
            giveBack(reader);
        }
    }

    private void keep(long bytes) {
        synchronized (chunks) {
            cachedBytes += bytes;
            var eldest = chunks.values().iterator();
            while (cachedBytes > CACHED_BYTES && eldest.hasNext()) {
                CompletableFuture<byte[]> candidate = eldest.next();
                if (candidate.isDone()) {
                    cachedBytes -= candidate.join().length;
                    eldest.remove();
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
    }
}
