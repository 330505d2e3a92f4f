// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Reads files of a source that is far away before they are asked for, many at once: one by one each would cost a worker
 * a round trip or more. Owns its threads, and some MiB of what was read and is not taken yet. Thread-safe.
 */
public final class SmallFilesAhead implements AutoCloseable {
    /** Longer ones take long for themselves. */
    private static final int LARGEST_KIB = 4 << 10;

    private static final int ROOM_KIB = 16 << 10;

    private final int atOnce;
    private final BlockingQueue<File> waiting = new LinkedBlockingQueue<>();
    /** Held by the thread that takes the next file and waits for room for it: so room is given in the order of files. */
    private final ReentrantLock turn = new ReentrantLock();

    private final Semaphore room = new Semaphore(ROOM_KIB);
    private Thread @Nullable [] threads;
    private boolean isClosed;

    /** @param atOnce how many files are read at once */
    public SmallFilesAhead(int atOnce) {
        this.atOnce = atOnce;
    }

    /** Opens a file of the source. */
    @FunctionalInterface
    public interface Opener {
        ImportRecord.Content open() throws IOException;
    }

    /**
     * Has a file read as soon as those before it are under way. Does not wait.
     *
     * @param size bytes that it is expected to have
     * @return the file, to be opened through; null if it is too large for this, or no size at all
     */
    public @Nullable File read(long size, Opener opener) {
        if (size < 0 || size >= LARGEST_KIB << 10 || !begin()) {
            return null;
        }
        File file = new File((int) size, opener);
        waiting.add(file);
        return file;
    }

    private synchronized boolean begin() {
        if (threads == null && !isClosed) {
            Thread[] started = new Thread[atOnce];
            for (int i = 0; i < atOnce; i++) {
                started[i] = Thread.ofPlatform().daemon().name("ahead-" + i).start(this::work);
            }
            threads = started;
        }
        return !isClosed;
    }

    private void work() {
        try {
            while (true) {
                File file = next();
                int kept = 0;
                try {
                    if (file.isTaken.compareAndSet(false, true)) {
                        kept = file.fetch();
                    }
                } finally {
                    room.release(file.kib() - kept);
                }
            }
        } catch (InterruptedException e) {
            // Nobody wants any more.
        }
    }

    /** Waits for a file and for room for it. Until there is some, whoever wants the file may take and read it. */
    private File next() throws InterruptedException {
        turn.lockInterruptibly();
        try {
            File file = waiting.take();
            while (file.isTaken.get()) {
                file = waiting.take();
            }
            room.acquire(file.kib());
            return file;
        } finally {
            turn.unlock();
        }
    }

    /** One that is read ahead, to be opened once. */
    public final class File {
        private final int size;
        private final Opener opener;
        /** By a thread that reads ahead, or by who opens it before that. */
        private final AtomicBoolean isTaken = new AtomicBoolean();
        /** Null if it has to be read where errors have a place to go. */
        private final CompletableFuture<ImportRecord.@Nullable Content> content = new CompletableFuture<>();

        private File(int size, Opener opener) {
            this.size = size;
            this.opener = opener;
        }

        /** The room for its bytes and one that shows whether there are more. */
        private int kib() {
            return Math.ceilDiv(size + 1, 1 << 10);
        }

        /** Returns how many KiB of room it goes on to take. */
        private int fetch() {
            Whole whole = null;
            try (ImportRecord.Content source = opener.open()) {
                byte[] bytes = new byte[size + 1];
                long count = source.read(MemorySegment.ofArray(bytes));
                if (count <= size) {
                    whole = new Whole(bytes, (int) count, source.version());
                }
            } catch (IOException | RuntimeException e) {
                whole = null; // whoever opens it tries again, and is told
            } finally {
                content.complete(whole);
            }
            return whole == null ? 0 : whole.kib();
        }

        /** The content, from its begin. */
        public ImportRecord.Content open() throws IOException {
            if (isTaken.compareAndSet(false, true)) {
                return opener.open();
            }
            try {
                ImportRecord.Content whole = content.get();
                return whole == null ? opener.open() : whole;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw (IOException) new java.io.InterruptedIOException("interrupted").initCause(e);
            } catch (ExecutionException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private final class Whole implements ImportRecord.Content {
        private final byte[] bytes;
        private final int count;
        private final ImportRecord.@Nullable Version version;
        private int position;
        private boolean isOver;

        Whole(byte[] bytes, int count, ImportRecord.@Nullable Version version) {
            this.bytes = bytes;
            this.count = count;
            this.version = version;
        }

        int kib() {
            return Math.ceilDiv(bytes.length, 1 << 10);
        }

        @Override
        public long read(MemorySegment into) {
            int some = (int) Math.min(into.byteSize(), count - position);
            MemorySegment.copy(MemorySegment.ofArray(bytes), position, into, 0, some);
            position += some;
            return some;
        }

        @Override
        public ImportRecord.@Nullable Version version() {
            return version;
        }

        @Override
        public void close() {
            if (!isOver) {
                isOver = true;
                room.release(kib());
            }
        }
    }

    /** Ends reading ahead, without waiting for what is under way; what comes of it is dropped. */
    @Override
    public synchronized void close() {
        isClosed = true;
        if (threads != null) {
            for (Thread thread : threads) {
                thread.interrupt();
            }
        }
    }
}
