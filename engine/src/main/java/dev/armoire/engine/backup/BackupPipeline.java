// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.PackWriter;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.StageTimes;
import dev.armoire.engine.snapshot.SnapshotTrees;
import dev.armoire.index.BlobIndex;
import dev.armoire.simd.Chunker;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.ManyToManyConcurrentArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * The threads of a backup and what lies between them:
 *
 * <pre>
 *   walk ──items──> workers (read, chunk, MAC, deduplicate, encode) ──> pack writer ──> store
 *                     └──chunks──> whichever worker is idle
 * </pre>
 *
 * Both queues are bounded, the buffers that chunks lie in are counted, and the pack writer has a fixed number of buffers:
 * a slow store stops the workers, busy workers stop the walk.
 */
final class BackupPipeline implements ImportSink, AutoCloseable {
    private static final int QUEUED_ITEMS = 1024;
    private static final int ITEMS_BEFORE_READ_AHEAD = 16;
    private static final int QUEUED_CHUNKS = 16;
    private static final long READ_AHEAD_BYTES = 4 << 20;

    private final Repository repository;
    private final PackWriter packs;
    private final SnapshotTrees trees;
    private final BackupEvents events;
    private final @Nullable ParentView parent;
    private final List<Importer> importers;
    private final List<byte[]> roots;
    private final ReadBuffers buffers;
    private final Counters counters = new Counters();
    private final DeviceNumbers deviceNumbers = new DeviceNumbers();
    private final ManyToManyConcurrentArrayQueue<Item> items = new ManyToManyConcurrentArrayQueue<>(QUEUED_ITEMS);
    private final ManyToManyConcurrentArrayQueue<NewChunk> chunks = new ManyToManyConcurrentArrayQueue<>(QUEUED_CHUNKS);
    /** Items that are queued or being processed, and chunks that are queued: work that may bring more work. */
    private final AtomicInteger open = new AtomicInteger();

    private final SourceReadAhead readAhead;
    private final int itemsBeforeReadAhead;
    private final AtomicInteger idleWorkers = new AtomicInteger();
    private final AtomicBoolean scanEnded = new AtomicBoolean();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final List<Thread> threads = new ArrayList<>();
    private final List<BackupWorker> workers = new ArrayList<>();
    private final IdleStrategy walkIdle = newIdleStrategy();
    private boolean hasNews;

    /**
     * An item of the source, or a path that could not be read.
     *
     * @param record null for an error
     * @param unchanged the parent's entry when the content need not be read again
     * @param former the parent's encoded entry of a file that has changed
     */
    record Item(
            byte[] path,
            @Nullable ImportRecord record,
            @Nullable Entry unchanged,
            byte @Nullable [] former,
            String error) {}

    /** A chunk that has to be encoded; holds its buffer once. */
    record NewChunk(Mac mac, MemorySegment data, ReadBuffers.Lease lease) {}

    BackupPipeline(
            Repository repository,
            PackWriter packs,
            SnapshotTrees trees,
            BackupEvents events,
            @Nullable ParentView parent,
            List<Importer> importers,
            int workerCount) {
        this.repository = repository;
        this.packs = packs;
        this.trees = trees;
        this.events = events;
        this.parent = parent;
        this.importers = importers;
        boolean isFarAway = importers.stream().anyMatch(Importer::isFarAway);
        this.readAhead = new SourceReadAhead(isFarAway);
        this.itemsBeforeReadAhead = isFarAway ? 0 : ITEMS_BEFORE_READ_AHEAD;
        this.roots = importers.stream().map(Importer::root).toList();
        this.buffers = new ReadBuffers(workerCount + 2, newChunker().maxSize() + READ_AHEAD_BYTES);
        for (int i = 0; i < workerCount; i++) {
            BackupWorker worker = new BackupWorker(this);
            workers.add(worker);
            threads.add(Thread.ofPlatform().name("encode-" + i).daemon().start(worker::run));
        }
    }

    private static IdleStrategy newIdleStrategy() {
        return new BackoffIdleStrategy(10, 1, 20_000, 500_000);
    }

    Repository repository() {
        return repository;
    }

    BlobIndex index() {
        return repository.index();
    }

    PackWriter packs() {
        return packs;
    }

    SnapshotTrees trees() {
        return trees;
    }

    /** A chunker as the store's CONFIG has it, for one thread. */
    Chunker newChunker() {
        var chunking = repository.config().chunking();
        return Chunker.of(
                chunking.algorithm(), (int) chunking.minSize(), (int) chunking.normalSize(), (int) chunking.maxSize());
    }

    ReadBuffers buffers() {
        return buffers;
    }

    SourceReadAhead readAhead() {
        return readAhead;
    }

    Counters counters() {
        return counters;
    }

    DeviceNumbers deviceNumbers() {
        return deviceNumbers;
    }

    // The walking thread

    @Override
    public synchronized void record(ImportRecord record) {
        ParentView.Unchanged unchanged = parent == null ? null : parent.unchanged(record);
        if (unchanged == null) {
            submit(new Item(record.path(), record, null, parent == null ? null : parent.former(record), ""));
        } else if (unchanged.entry() != null) {
            submit(new Item(record.path(), record, unchanged.entry(), null, ""));
        } else {
            stopIfInterrupted();
            checkRunning();
            int mode = record.info().mode();
            trees.add(record.path(), FileMode.isDirectory(mode), unchanged.mac(), unchanged.bytes());
            if (FileMode.isDevice(mode)) {
                deviceNumbers.add(record.path(), record.info().rdev());
            }
            if (FileMode.isRegular(mode)) {
                counters.unchangedFiles.increment();
                counters.unchangedBytes.add(record.info().size());
            }
            done(record.path());
        }
    }

    @Override
    public void error(byte[] path, String message) {
        submit(new Item(path, null, null, null, message));
    }

    @Override
    public boolean isStopped() {
        return failure.get() != null;
    }

    /** The trees of the parent if the walk, which is over, has found just what is in them, else null. */
    SnapshotTrees.@Nullable Roots treesOfParent() {
        return hasNews || parent == null ? null : parent.treesIfSame(trees);
    }

    private synchronized void submit(Item item) {
        hasNews = true;
        stopIfInterrupted();
        checkRunning();
        open.incrementAndGet();
        // One that a worker takes at once is read no sooner for that.
        if (item.record() != null && item.unchanged() == null && items.size() >= itemsBeforeReadAhead) {
            readAhead.coming(item.record());
        }
        if (items.offer(item)) {
            return;
        }
        long begun = repository.stages().begin();
        walkIdle.reset();
        while (!items.offer(item)) {
            stopIfInterrupted();
            checkRunning();
            walkIdle.idle();
        }
        repository.stages().except(StageTimes.Stage.WALK, begun);
    }

    private void stopIfInterrupted() {
        if (Thread.currentThread().isInterrupted()) {
            fail(new PipelineAbortedException());
        }
    }

    /** Waits until all that was delivered is processed, and throws what went wrong meanwhile. */
    void await() {
        scanEnded.set(true);
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                    fail(new PipelineAbortedException());
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        rethrow();
    }

    /** The workers, free to be used by other threads once {@link #await} has returned. */
    List<BackupWorker> workers() {
        return workers;
    }

    // The workers' threads

    void work(BackupWorker worker) {
        IdleStrategy idle = newIdleStrategy();
        boolean isIdle = false;
        while (true) {
            checkRunning();
            boolean worked = encodeOne(worker) || processOne(worker);
            if (worked) {
                if (isIdle) {
                    idleWorkers.decrementAndGet();
                    isIdle = false;
                    idle.reset();
                }
                continue;
            }
            if (scanEnded.get() && open.get() == 0) {
                return;
            }
            if (!isIdle) {
                idleWorkers.incrementAndGet();
                isIdle = true;
            }
            idle.idle();
        }
    }

    /** A worker's thread reads nothing more of the sources. */
    void threadEnds() {
        importers.forEach(Importer::threadEnds);
    }

    private boolean processOne(BackupWorker worker) {
        Item item = items.poll();
        if (item == null) {
            return false;
        }
        if (item.record() == null) {
            failed(item.path(), item.error(), worker);
        } else {
            worker.process(item.record(), item.unchanged(), item.former());
        }
        open.decrementAndGet();
        return true;
    }

    /** Encodes a chunk that waits, if there is one. */
    boolean encodeOne(BackupWorker worker) {
        NewChunk chunk = chunks.poll();
        if (chunk == null) {
            return false;
        }
        worker.encode(chunk);
        open.decrementAndGet();
        return true;
    }

    /** Leaves a chunk to an idle worker; false when there is none, and the caller encodes it. */
    boolean offer(NewChunk chunk) {
        if (idleWorkers.get() == 0) {
            return false;
        }
        open.incrementAndGet();
        if (chunks.offer(chunk)) {
            return true;
        }
        open.decrementAndGet();
        return false;
    }

    void done(byte[] path) {
        for (byte[] root : roots) {
            if (SnapshotPath.isWithin(path, root)) {
                counters.items.increment();
                events.done(path);
                return;
            }
        }
    }

    void failed(byte[] path, @Nullable String message, BackupWorker worker) {
        String reason = message == null ? "unknown error" : message;
        trees.addError(path, worker.storeError(path, reason));
        counters.errors.increment();
        events.failed(path, reason);
    }

    // Failure

    /** Stops all threads; the first failure is the one that is thrown at the end. */
    @SuppressWarnings("ReferenceEquality") // the same exception may come from two threads; it cannot suppress itself
    void fail(Throwable cause) {
        Throwable first = failure.compareAndExchange(null, cause);
        if (first != null && first != cause && !(cause instanceof PipelineAbortedException)) {
            first.addSuppressed(cause);
        }
        packs.fail(cause);
    }

    void checkRunning() {
        if (failure.get() != null) {
            throw new PipelineAbortedException();
        }
    }

    private void rethrow() {
        switch (failure.get()) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable e -> throw new IllegalStateException(e);
        }
    }

    /** Stops the threads if they still run, and frees the buffers. */
    @Override
    public void close() {
        if (threads.stream().anyMatch(Thread::isAlive)) {
            fail(new PipelineAbortedException());
            try {
                await();
            } catch (RuntimeException e) {
                // It was thrown to the caller already, who is on the way out.
            }
        }
        workers.forEach(BackupWorker::close);
        if (parent != null) {
            parent.close();
        }
        buffers.close();
    }
}
