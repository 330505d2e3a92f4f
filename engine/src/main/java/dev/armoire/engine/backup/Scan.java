// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.engine.repository.PipelineAbortedException;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * The walk over the sources of one backup, on a thread of its own. It starts at once, so that it goes on while the store is
 * being unlocked, and waits when it is too far ahead of the backup.
 */
public final class Scan implements AutoCloseable {
    /** Some ten megabytes of records: a walk gets that far while a key is derived. */
    private static final int RECORDS_AHEAD = 32 << 10;
    /** For trees so deep that their paths are what takes the memory. */
    private static final long PATH_BYTES_AHEAD = 8 << 20;

    private final List<Importer> importers;
    private final ManyToOneConcurrentArrayQueue<Found> found = new ManyToOneConcurrentArrayQueue<>(RECORDS_AHEAD);
    private final AtomicLong pathBytes = new AtomicLong();
    private final Thread thread;
    private volatile boolean stopped;
    private volatile boolean ended;
    private volatile @Nullable Throwable failure;

    /** @param record null for a path that could not be read */
    private record Found(byte[] path, @Nullable ImportRecord record, String error) {}

    private Scan(List<Importer> importers) {
        this.importers = importers;
        this.thread = Thread.ofPlatform().name("walk").daemon().unstarted(this::walk);
    }

    /**
     * Begins to walk.
     *
     * @param importers not empty; closed by the caller, after the scan
     * @throws IOException when they cannot go into one snapshot, because they are of different kinds
     */
    public static Scan start(List<Importer> importers) throws IOException {
        Importer first = importers.getFirst();
        for (Importer importer : importers) {
            if (!importer.type().equals(first.type()) || !importer.origin().equals(first.origin())) {
                throw new IOException("sources of different kinds cannot go into one snapshot: " + first.type() + " of "
                        + first.origin() + " and " + importer.type() + " of " + importer.origin()
                        + "; back them up one by one");
            }
        }
        Scan scan = new Scan(List.copyOf(importers));
        scan.thread.start();
        return scan;
    }

    List<Importer> importers() {
        return importers;
    }

    private void walk() {
        try {
            Queueing sink = new Queueing();
            for (Importer importer : importers) {
                importer.scan(sink);
            }
        } catch (Throwable e) {
            failure = e;
        } finally {
            importers.forEach(Importer::threadEnds);
            ended = true;
        }
    }

    /** The walk's end of the queue. */
    private final class Queueing implements ImportSink {
        private final IdleStrategy idle = newIdleStrategy();

        @Override
        public void record(ImportRecord record) {
            offer(new Found(record.path(), record, ""));
        }

        @Override
        public void error(byte[] path, String message) {
            offer(new Found(path, null, message));
        }

        private synchronized void offer(Found item) {
            idle.reset();
            while (pathBytes.get() > PATH_BYTES_AHEAD || !found.offer(item)) {
                if (stopped) {
                    throw new PipelineAbortedException();
                }
                idle.idle();
            }
            pathBytes.addAndGet(item.path.length);
        }

        @Override
        public boolean isStopped() {
            return stopped;
        }
    }

    private static IdleStrategy newIdleStrategy() {
        return new BackoffIdleStrategy(10, 1, 20_000, 500_000);
    }

    /**
     * Hands everything that the walk finds to a sink, on the calling thread, until the walk is over.
     *
     * @throws IOException when a source's root cannot be read
     */
    void deliver(ImportSink sink) throws IOException {
        IdleStrategy idle = newIdleStrategy();
        while (true) {
            boolean wasEnded = ended; // before looking: what was offered by then is seen
            Found item = found.poll();
            if (item != null) {
                pathBytes.addAndGet(-item.path.length);
                idle.reset();
                if (item.record == null) {
                    sink.error(item.path, item.error);
                } else {
                    sink.record(item.record);
                }
            } else if (wasEnded) {
                break;
            } else if (sink.isStopped() || Thread.currentThread().isInterrupted()) {
                throw new PipelineAbortedException();
            } else {
                idle.idle();
            }
        }
        switch (failure) {
            case null -> {}
            case IOException e -> throw e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable e -> throw new IllegalStateException(e);
        }
    }

    /** Ends the walk, and returns when its thread is gone. */
    @Override
    public void close() {
        stopped = true;
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
