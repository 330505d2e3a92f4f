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
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Reads objects in blocks and remembers those used last, as blobs lie close to those that are read with them. Blocks that
 * miss next to each other are fetched by one request, and one block by one thread only. Whoever reads on where an earlier
 * request ended, towards the end of the object or towards its beginning (as listings of directories lie, the deepest first), is
 * given more than is asked for, twice as much each time; once that is {@link #MAX_AHEAD_BLOCKS}, the next stretch is fetched by
 * another thread while the reader is busy with the last one. Thread-safe; takes {@link #CAPACITY_BYTES} of heap, and what
 * requests are bringing, which is two stretches a reader at most.
 */
public final class BlockCache {
    static final int BLOCK_BYTES = 128 << 10;
    static final int CAPACITY_BYTES = 16 << 20;

    /** Reads from this size on gain nothing from blocks. */
    static final int DIRECT_BYTES = 1 << 20;

    private static final int MAX_AHEAD_BLOCKS = (1 << 20) / BLOCK_BYTES;
    private static final int CAPACITY_BLOCKS = CAPACITY_BYTES / BLOCK_BYTES;
    private static final int MAX_SEQUENCES = 128;

    /** Of one block of one object. */
    private record Key(Ranges object, long block) {}

    /** Blocks by use, the eldest first; a block that is being fetched is not done. Guarded by itself. */
    private final Map<Key, CompletableFuture<byte[]>> blocks = new LinkedHashMap<>(16, 0.75f, true);

    /** By the block that shows that a reader goes on. Guarded by {@link #blocks}. */
    private final Map<Key, Sequence> sequences = new LinkedHashMap<>();

    /** A reader who goes on in one direction. Guarded by {@link #blocks}. */
    private static final class Sequence {
        private final int step;
        /** The first block that was not asked for. */
        private long next;

        private int blocks = 2;

        Sequence(int step, long next) {
            this.step = step;
            this.next = next;
        }
    }

    /** Blocks next to each other of an object, to be fetched by whoever made it. */
    private static final class Run {
        private final Ranges object;
        private long first;
        private final List<CompletableFuture<byte[]>> blocks = new ArrayList<>();

        Run(Ranges object, long first) {
            this.object = object;
            this.first = first;
        }

        long last() {
            return first + blocks.size() - 1;
        }

        void add(long block, CompletableFuture<byte[]> bytes) {
            if (block < first) {
                first = block;
                blocks.addFirst(bytes);
            } else {
                blocks.addLast(bytes);
            }
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
        List<Run> beside = new ArrayList<>();
        synchronized (blocks) {
            claim(object, first, last, wanted, runs, beside);
            runs.forEach(run -> goOn(run, beside));
            evict();
        }
        // Not virtual ones: what polls the sockets of these is a thread in native code, for which a process that ends
        // waits 0.3 s.
        beside.forEach(run -> Thread.ofPlatform().daemon().name("read-ahead").start(() -> fetchBeside(run)));
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

    /** Finds blocks, and takes those that nobody has upon this thread; and what follows on those that were fetched ahead. */
    private void claim(
            Ranges object,
            long first,
            long last,
            List<CompletableFuture<byte[]>> wanted,
            List<Run> runs,
            List<Run> beside) {
        for (long block = first; block <= last; block++) {
            Key key = new Key(object, block);
            CompletableFuture<byte[]> known = blocks.get(key);
            if (known == null) {
                if (runs.isEmpty() || runs.getLast().last() != block - 1) {
                    runs.add(new Run(object, block));
                }
                known = claim(runs.getLast(), block);
            } else {
                Sequence reached = sequences.remove(key);
                if (reached != null) {
                    claimNext(object, reached, beside);
                }
            }
            wanted.add(known);
        }
    }

    private CompletableFuture<byte[]> claim(Run run, long block) {
        CompletableFuture<byte[]> bytes = new CompletableFuture<>();
        blocks.put(new Key(run.object, block), bytes);
        run.add(block, bytes);
        return bytes;
    }

    /** Makes a run longer if its reader goes on, and notes what will show that he does. */
    private void goOn(Run run, List<Run> beside) {
        Sequence known = remove(run.object, run.first, 1);
        if (known == null) {
            known = remove(run.object, run.last(), -1);
        }
        if (known == null) {
            await(run.object, run.last() + 1, new Sequence(1, run.last() + 1));
            await(run.object, run.first - 1, new Sequence(-1, run.first - 1));
            return;
        }
        known.next = known.step > 0 ? run.last() + 1 : run.first - 1;
        extend(run, known);
        if (run.blocks.size() >= MAX_AHEAD_BLOCKS) {
            claimNext(run.object, known, beside);
        } else {
            await(run.object, known.next, known);
        }
    }

    private @Nullable Sequence remove(Ranges object, long block, int step) {
        Key key = new Key(object, block);
        Sequence found = sequences.get(key);
        if (found == null || found.step != step) {
            return null;
        }
        sequences.remove(key);
        return found;
    }

    private void extend(Run run, Sequence sequence) {
        while (run.blocks.size() < sequence.blocks
                && isThere(run.object, sequence.next)
                && !isKnown(run.object, sequence.next)) {
            var _ = claim(run, sequence.next);
            sequence.next += sequence.step;
        }
        sequence.blocks = Math.min(MAX_AHEAD_BLOCKS, 2 * run.blocks.size());
    }

    /** Claims the next stretch of a sequence; that a reader comes to it will show that he goes on. */
    private void claimNext(Ranges object, Sequence sequence, List<Run> beside) {
        for (int i = 0; i < CAPACITY_BLOCKS && isKnown(object, sequence.next); i++) {
            sequence.next += sequence.step;
        }
        long start = sequence.next;
        if (isThere(object, start) && !isKnown(object, start)) {
            Run run = new Run(object, start);
            extend(run, sequence);
            beside.add(run);
        }
        await(object, start, sequence);
    }

    private boolean isKnown(Ranges object, long block) {
        return blocks.containsKey(new Key(object, block));
    }

    /** Whether an object may have a block, as far as is known. */
    private boolean isThere(Ranges object, long block) {
        long size = object.size();
        CompletableFuture<byte[]> before = blocks.get(new Key(object, block - 1));
        boolean isBehindEnd =
                before != null && before.state() == Future.State.SUCCESS && before.resultNow().length < BLOCK_BYTES;
        return block >= 0 && !isBehindEnd && (size == Ranges.UNKNOWN || block * BLOCK_BYTES < size);
    }

    private void await(Ranges object, long block, Sequence sequence) {
        if (block >= 0) {
            if (sequences.size() >= MAX_SEQUENCES) {
                sequences.remove(sequences.keySet().iterator().next());
            }
            sequences.put(new Key(object, block), sequence);
        }
    }

    /** Forgets what was read of an object that is there no more. */
    public void forget(Ranges object) {
        synchronized (blocks) {
            blocks.keySet().removeIf(key -> key.object.equals(object));
            sequences.keySet().removeIf(key -> key.object.equals(object));
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

    /** Nobody is told of a failure: who wants these bytes tries for himself. */
    private void fetchBeside(Run run) {
        try {
            fetch(run);
        } catch (IOException | RuntimeException | Error e) {
            giveUp(run, e);
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

    private static byte @Nullable [] await(CompletableFuture<byte[]> block) throws InterruptedIOException {
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
