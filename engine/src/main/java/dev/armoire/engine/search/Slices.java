// SPDX-License-Identifier: ISC
package dev.armoire.engine.search;

import dev.armoire.engine.query.PathPattern;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.repository.PipelineAbortedException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Searches blocks by several threads, and gives what they find in the order of the blocks. Owns the threads. */
final class Slices implements AutoCloseable {
    /** Slices that wait to be taken: what they hold stays in bounds. */
    private static final int AHEAD = 2;

    private final IndexFile file;
    private final FileChannel in;
    private final List<PathPattern> patterns;
    private final Predicate<Entry> wanted;
    private final int workers;
    private final ExecutorService threads;
    /** Kept from slice to slice: a new one's memory of 4 MiB, filled with zeros, took a third of a search. Guarded by itself. */
    private final Deque<IndexCodec> idle = new ArrayDeque<>();

    /** Guarded by {@link #idle}. */
    private boolean isClosed;

    /** A block of a snapshot that stands at some position of its chain. */
    record Part(IndexFile.Indexed snapshot, IndexFile.Block block) {}

    /** Blocks that stand together. */
    record Parts(IndexFile.Group group, List<Part> parts) {}

    /**
     * What a block says of a path.
     *
     * @param entry null when nothing that is wanted is there any more
     */
    record Found(Part part, byte[] path, @Nullable Entry entry) {}

    /** Takes what was found. */
    @FunctionalInterface
    interface Visitor {
        void found(Found found);
    }

    Slices(IndexFile file, FileChannel in, List<PathPattern> patterns, Predicate<Entry> wanted, int workers) {
        this.file = file;
        this.in = in;
        this.patterns = patterns;
        this.wanted = wanted;
        this.workers = workers;
        this.threads = Executors.newFixedThreadPool(
                workers, Thread.ofPlatform().daemon().name("search-", 0).factory());
    }

    void forEach(List<Parts> parts, int perSlice, Visitor visitor) throws IOException {
        Deque<Future<List<Found>>> open = new ArrayDeque<>();
        int next = 0;
        while (next < parts.size() || !open.isEmpty()) {
            while (next < parts.size() && open.size() < workers * AHEAD) {
                List<Parts> slice = parts.subList(next, Math.min(parts.size(), next + perSlice));
                next += slice.size();
                open.add(threads.submit(() -> search(slice)));
            }
            for (Found found : get(open.remove())) {
                visitor.found(found);
            }
        }
    }

    private static List<Found> get(Future<List<Found>> slice) throws IOException {
        try {
            return slice.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PipelineAbortedException();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException failure -> throw failure;
                case RuntimeException failure -> throw failure;
                case Error failure -> throw failure;
                case null, default -> throw new IllegalStateException(e);
            }
        }
    }

    private List<Found> search(List<Parts> slice) throws IOException {
        List<Found> found = new ArrayList<>();
        IndexCodec codec = take();
        try {
            for (Parts parts : slice) {
                MemorySegment group = IndexFile.read(in, parts.group, codec);
                for (Part part : parts.parts) {
                    // Nothing stands before the first snapshot of a chain, so what it has not is no news.
                    boolean isNews = part.snapshot.position() > 0;
                    ChangeBlock.search(IndexFile.part(group, part.block), patterns, (path, entry) -> {
                        Entry match = entry != null && wanted.test(entry) ? entry : null;
                        if (match != null || isNews) {
                            found.add(new Found(part, path, match));
                        }
                    });
                }
            }
        } finally {
            giveBack(codec);
        }
        return found;
    }

    private IndexCodec take() {
        synchronized (idle) {
            IndexCodec codec = idle.poll();
            if (codec != null) {
                return codec;
            }
        }
        return file.newCodec();
    }

    private void giveBack(IndexCodec codec) {
        synchronized (idle) {
            if (!isClosed) {
                idle.push(codec);
                return;
            }
        }
        codec.close();
    }

    @Override
    public void close() {
        threads.shutdownNow();
        synchronized (idle) {
            isClosed = true; // whoever is still at work closes its own
            idle.forEach(IndexCodec::close);
            idle.clear();
        }
    }
}
