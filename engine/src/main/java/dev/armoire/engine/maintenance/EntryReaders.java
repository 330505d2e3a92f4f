// SPDX-License-Identifier: ISC
package dev.armoire.engine.maintenance;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.TreeNode;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.TreeKind;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.ResourceType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Reads what the leaves of a file tree refer to, entries and objects, ahead of a walk over that tree, by threads of its own. What
 * the walk is asked to leave out, as it has been there, is not read. Owns its threads and their readers; all methods are for the
 * thread that walks.
 */
final class EntryReaders implements AutoCloseable {
    private static final int THREADS = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, 4);
    /** Neighbours lie together, so one thread reads a few leaves in a row. */
    private static final int LEAVES_A_TASK = 8;
    /**
     * Objects of more chunks are read again when their turn has come. A node of 51 leaves has up to 2550 entries below it, and a chunk takes some
     * 100 bytes of the heap: 16 MB at most.
     */
    private static final int MAX_CHUNKS = 64;

    private final Repository repository;
    private final BiPredicate<Integer, Mac> known;
    private final ExecutorService threads = Executors.newFixedThreadPool(
            THREADS, Thread.ofPlatform().name("entries-", 0).daemon().factory());
    private final Queue<BlobReader> readers = new ConcurrentLinkedQueue<>();
    /** Underway, by leaf. */
    private final Map<Mac, Future<Map<Mac, Content>>> ahead = new HashMap<>();

    private volatile boolean isClosed;

    /**
     * Where the content of an entry is.
     *
     * @param object zero for what has none
     * @param chunks of that object, or null when they have to be read still
     */
    record Content(Mac object, @Nullable List<ObjectRecord.Chunk> chunks) {}

    /** @param known says, to any thread, whether a blob of some type need not be read any more */
    EntryReaders(Repository repository, BiPredicate<Integer, Mac> known) {
        this.repository = repository;
        this.known = known;
    }

    /** Begins to read what is below a node that is no leaf, if its children are leaves. */
    void readBelow(TreeNode node) {
        List<Mac> leaves = node.pointers().stream()
                .filter(child -> !known.test(TreeKind.VFS.nodeType(), child))
                .toList();
        for (int from = 0; from < leaves.size(); from += LEAVES_A_TASK) {
            List<Mac> some = leaves.subList(from, Math.min(from + LEAVES_A_TASK, leaves.size()));
            Future<Map<Mac, Content>> task = threads.submit(() -> read(some));
            some.forEach(leaf -> ahead.put(leaf, task));
        }
    }

    /** What the entries of a leaf refer to, as far as it was read. */
    Map<Mac, Content> take(Mac leaf) {
        Future<Map<Mac, Content>> task = ahead.remove(leaf);
        if (task == null) {
            return Map.of();
        }
        try {
            return task.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PipelineAbortedException();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException failure -> throw failure;
                case Error failure -> throw failure;
                case null, default -> throw new IllegalStateException(e);
            }
        }
    }

    private Map<Mac, Content> read(List<Mac> leaves) {
        BlobReader reader = readers.poll();
        if (reader == null) {
            reader = repository.newMaintenanceReader();
        }
        try {
            Map<Mac, Content> contents = new HashMap<>();
            for (Mac leaf : leaves) {
                TreeNode node = TreeNode.decode(new MsgpackReader(reader.read(TreeKind.VFS.nodeType(), leaf), "node"));
                if (isClosed || !node.isLeaf()) {
                    break;
                }
                for (Mac entry : node.values()) {
                    if (!known.test(ResourceType.VFS_ENTRY, entry)) {
                        contents.put(entry, content(reader, entry));
                    }
                }
            }
            return contents;
        } finally {
            readers.add(reader);
        }
    }

    private Content content(BlobReader reader, Mac entry) {
        Mac object = Entry.decodeObject(new MsgpackReader(reader.read(ResourceType.VFS_ENTRY, entry), "entry"));
        if (object.isZero() || known.test(ResourceType.OBJECT, object)) {
            return new Content(object, null);
        }
        List<ObjectRecord.Chunk> chunks = ObjectReader.record(reader, object).chunks();
        return new Content(object, chunks.size() > MAX_CHUNKS ? null : chunks);
    }

    /** Ends the threads; what is under way is finished and dropped. */
    @Override
    public void close() {
        isClosed = true;
        threads.shutdown();
        boolean interrupted = false;
        while (!threads.isTerminated()) {
            try {
                threads.awaitTermination(1, TimeUnit.HOURS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        readers.forEach(BlobReader::close);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
