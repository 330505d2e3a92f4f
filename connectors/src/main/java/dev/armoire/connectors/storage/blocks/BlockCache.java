// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.blocks;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * Reads objects in blocks and remembers those used last, as blobs lie close to those that are read with them. Blocks that
 * miss next to each other are fetched by one request, and one block by one thread only. Whoever reads on where an earlier
 * request ended is given more than is asked for, twice as much each time. Thread-safe; takes {@link #CAPACITY_BYTES} of heap,
 * and what requests are bringing.
 */
public final class BlockCache {
    static final int BLOCK_BYTES = 128 << 10;
    static final int CAPACITY_BYTES = 16 << 20;

    /** Reads from this size on gain nothing from blocks. */
    static final int DIRECT_BYTES = 1 << 20;

    private static final int MAX_AHEAD_BLOCKS = (1 << 20) / BLOCK_BYTES;
    private static final int CAPACITY_BLOCKS = CAPACITY_BYTES / BLOCK_BYTES;
    private static final int MAX_SEQUENCES = 64;

    /** Of one block of one object. */
    private record Key(Ranges object, long block) {}

    /** Blocks by use, the eldest first; a block that is being fetched is not done. Guarded by itself. */
    private final Map<Key, CompletableFuture<byte[]>> blocks = new LinkedHashMap<>(16, 0.75f, true);

    /** Where a reader would go on, and how many blocks it would then be given. Guarded by {@link #blocks}. */
    private final Map<Key, Integer> sequences = new LinkedHashMap<>();

    /** Blocks {@code first} to {@code last} of an object, to be fetched by whoever made it. */
    private record Run(Ranges object, long first, List<CompletableFuture<byte[]>> blocks) {
        long last() {
            return first + blocks.size() - 1;
        }
    }

    /**
     * Fills {@code into} from a byte of the object, as far as the object goes.
     *
     * @return how many bytes there are
     */
    public long read(Ranges object, long from, MemorySegment into) throws IOException {
        long length = into.byteSize();
        if (length == 0) {
            return 0;
        }
        if (length >= DIRECT_BYTES) {
            return object.fetch(from, into);
        }
        long first = from / BLOCK_BYTES;
        long last = (from + length - 1) / BLOCK_BYTES;
        List<CompletableFuture<byte[]>> wanted = new ArrayList<>();
        List<Run> runs = new ArrayList<>();
        synchronized (blocks) {
            claim(object, first, last, wanted, runs);
        }
        for (int i = 0; i < runs.size(); i++) {
            try {
                fetch(runs.get(i));
            } catch (IOException | RuntimeException | Error e) {
                runs.subList(i, runs.size()).forEach(run -> giveUp(run, e));
                throw e;
            }
        }
        long done = 0;
        for (long block = first; block <= last; block++) {
            byte[] bytes = await(wanted.get((int) (block - first)));
            if (bytes == null) { // another thread has failed to fetch it; this one has its own reasons to try
                return object.fetch(from, into);
            }
            long offset = from + done - block * BLOCK_BYTES;
            long count = Math.min(length - done, bytes.length - offset);
            if (count > 0) {
                MemorySegment.copy(bytes, (int) offset, into, ValueLayout.JAVA_BYTE, done, (int) count);
                done += count;
            }
            if (bytes.length < BLOCK_BYTES) {
                break; // the object ends here
            }
        }
        return done;
    }

    /** Finds blocks, and takes those that nobody has upon this thread. */
    private void claim(Ranges object, long first, long last, List<CompletableFuture<byte[]>> wanted, List<Run> runs) {
        for (long block = first; block <= last; block++) {
            Key key = new Key(object, block);
            CompletableFuture<byte[]> known = blocks.get(key);
            if (known == null) {
                known = new CompletableFuture<>();
                blocks.put(key, known);
                if (runs.isEmpty() || runs.getLast().last() != block - 1) {
                    runs.add(new Run(object, block, new ArrayList<>()));
                }
                runs.getLast().blocks.add(known);
            }
            wanted.add(known);
        }
        if (!runs.isEmpty() && runs.getLast().last() == last) {
            claimAhead(runs.getLast());
        }
        evict();
    }

    private void claimAhead(Run run) {
        Integer ahead = sequences.remove(new Key(run.object, run.first));
        int blockCount = ahead == null ? 1 : ahead;
        long size = run.object.size();
        while (run.blocks.size() < blockCount
                && (size == Ranges.UNKNOWN || (run.last() + 1) * BLOCK_BYTES < size)
                && !blocks.containsKey(new Key(run.object, run.last() + 1))) {
            CompletableFuture<byte[]> block = new CompletableFuture<>();
            blocks.put(new Key(run.object, run.last() + 1), block);
            run.blocks.add(block);
        }
        if (sequences.size() >= MAX_SEQUENCES) {
            sequences.remove(sequences.keySet().iterator().next());
        }
        sequences.put(new Key(run.object, run.last() + 1), Math.min(MAX_AHEAD_BLOCKS, 2 * run.blocks.size()));
    }

    /** Forgets what was read of an object that is there no more. */
    public void forget(Ranges object) {
        synchronized (blocks) {
            blocks.keySet().removeIf(key -> key.object.equals(object));
        }
    }

    private void evict() {
        Iterator<CompletableFuture<byte[]>> eldest = blocks.values().iterator();
        for (int excess = blocks.size() - CAPACITY_BLOCKS; excess > 0 && eldest.hasNext(); ) {
            if (eldest.next().isDone()) {
                eldest.remove();
                excess--;
            }
        }
    }

    private static void fetch(Run run) throws IOException {
        byte[] all = new byte[run.blocks.size() * BLOCK_BYTES];
        long got = run.object.fetch(run.first * BLOCK_BYTES, MemorySegment.ofArray(all));
        if (run.blocks.size() == 1 && got == all.length) {
            run.blocks.getFirst().complete(all);
            return;
        }
        for (int i = 0; i < run.blocks.size(); i++) {
            int begin = (int) Math.min(got, (long) i * BLOCK_BYTES);
            int end = (int) Math.min(got, (i + 1L) * BLOCK_BYTES);
            run.blocks.get(i).complete(Arrays.copyOfRange(all, begin, end));
        }
    }

    private void giveUp(Run run, Throwable failure) {
        synchronized (blocks) {
            for (long block = run.first; block <= run.last(); block++) {
                CompletableFuture<byte[]> future = run.blocks.get((int) (block - run.first));
                if (!future.isDone()) {
                    blocks.remove(new Key(run.object, block), future);
                }
            }
        }
        run.blocks.forEach(block -> block.completeExceptionally(failure));
    }

    private static byte @org.jspecify.annotations.Nullable [] await(CompletableFuture<byte[]> block)
            throws InterruptedIOException {
        try {
            return block.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        } catch (ExecutionException e) {
            return null;
        }
    }
}
