// SPDX-License-Identifier: ISC
package dev.armoire.engine.search;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.engine.query.EntryFilter;
import dev.armoire.engine.query.PathPattern;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.repository.PipelineAbortedException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** Searches blocks by several threads, and gives what they find in the order of the blocks. Owns the threads. */
final class Slices implements AutoCloseable {
    /** Slices that wait to be taken: what they hold stays in bounds. */
    private static final int AHEAD = 2;

    private final IndexFile file;
    private final FileChannel in;
    private final List<PathPattern> patterns;
    private final EntryFilter filter;
    private final NameScan scan;
    /** Every name may match, and not every entry passes: then names are of use only where one passes. */
    private final boolean isByDetails;

    private final int workers;
    private final ExecutorService threads;
    /** Kept from slice to slice: a new one's memory of 4 MiB, filled with zeros, took a third of a search. Guarded by itself. */
    private final Deque<GroupReader> idle = new ArrayDeque<>();

    /** Guarded by {@link #idle}. */
    private boolean isClosed;

    /** A block of a snapshot that stands at some position of its chain. */
    record Part(IndexFile.Indexed snapshot, IndexFile.Block block) {}

    /** Blocks whose names stand together. */
    record Parts(IndexFile.Group names, List<Part> parts) {}

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

    Slices(IndexFile file, FileChannel in, List<PathPattern> patterns, EntryFilter filter, int workers) {
        this.file = file;
        this.in = in;
        this.patterns = patterns;
        this.filter = filter;
        this.scan = new NameScan(patterns);
        this.isByDetails = !filter.isAny() && patterns.stream().anyMatch(PathPattern::mayMatchAnyName);
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
        GroupReader reader = take();
        try {
            for (Parts parts : slice) {
                for (Part part : parts.parts) {
                    search(part, reader, found);
                }
            }
        } catch (IndexOutOfBoundsException | NegativeArraySizeException | ArithmeticException e) {
            throw new CorruptDataException("a block of the search index is malformed", e);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        } finally {
            giveBack(reader);
        }
        return found;
    }

    private void search(Part part, GroupReader reader, List<Found> found) throws IOException {
        // Nothing stands before the first snapshot of a chain, so what it has not is no news.
        boolean isNews = part.snapshot.position() > 0;
        ChangeDetails[] details = new ChangeDetails[1];
        if (isByDetails && !isNews) {
            details[0] = reader.details(part.block.details());
            if (!details[0].mayAnyPass(filter)) {
                return;
            }
        }
        IndexFile.Part names = part.block.names();
        byte[] text = reader.names(names);
        scan.scan(text, names.offset(), names.offset() + names.length(), (index, from, to) -> {
            ChangeDetails its = details[0];
            if (its == null) {
                its = reader.details(part.block.details());
                details[0] = its;
            }
            boolean mayPass = filter.isAny() ? its.isThere(index) : its.mayPass(index, filter);
            if (mayPass || isNews) {
                byte[] path = its.path(index, text, from, to);
                Entry match = mayPass ? match(its.entry(index, path)) : null;
                if (match != null || isNews && isMatch(path, true)) {
                    found.add(new Found(part, path, match));
                }
            }
        });
    }

    private @Nullable Entry match(Entry entry) {
        return filter.test(entry) && isMatch(entry.path(), entry.isDirectory()) ? entry : null;
    }

    private boolean isMatch(byte[] path, boolean isDirectory) {
        for (int i = 0; i < patterns.size(); i++) {
            if (patterns.get(i).matches(path, isDirectory)) {
                return true;
            }
        }
        return false;
    }

    private GroupReader take() {
        synchronized (idle) {
            GroupReader reader = idle.poll();
            if (reader != null) {
                return reader;
            }
        }
        return new GroupReader(in, file.newCodec());
    }

    private void giveBack(GroupReader reader) {
        synchronized (idle) {
            if (!isClosed) {
                idle.push(reader);
                return;
            }
        }
        reader.close();
    }

    @Override
    public void close() {
        threads.shutdownNow();
        synchronized (idle) {
            isClosed = true; // whoever is still at work closes its own
            idle.forEach(GroupReader::close);
            idle.clear();
        }
    }
}
