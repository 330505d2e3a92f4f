// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.crypto.Mac;
import dev.armoire.packfile.Lz4Marks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Decoded chunks of an open store, outside of the heap. Owns its memory: pages that are taken from the system as they are needed, up
 * to a number, and given back when it is closed, filled with zeros. Who asks for a chunk that somebody reads just now waits for
 * it. Of compressed chunks it also keeps windows: what one has to have for decoding from their middle. Thread-safe, but for
 * {@link #close}, at which nobody may be in {@link #use}.
 */
final class ChunkCache implements AutoCloseable {
    /** Of a chunk's last page a half is lost, on average. */
    static final int PAGE_BYTES = 64 << 10;

    /** Pages that are taken from the system at once. */
    private static final int PAGES_PER_REGION = 32;

    /** A window that was not used for so many times longer than the chunk that would go next goes first: it stands for more. */
    private static final int WINDOWS_WORTH = 8;

    private final int maxPages;
    private final Arena arena = Arena.ofShared();
    // All that follows is guarded by this.
    private final List<MemorySegment> regions = new ArrayList<>();
    private final Deque<MemorySegment> free = new ArrayDeque<>();
    private int pages;
    /** What goes first when memory is wanted comes first. */
    private final LinkedHashMap<Mac, Chunk> chunks = new LinkedHashMap<>();

    /** Likewise; of each of these chunks all its windows, a page each. */
    private final LinkedHashMap<Mac, Chunk> windows = new LinkedHashMap<>();
    /** How often anything was used. */
    private long uses;

    ChunkCache(long maxBytes) {
        maxPages = (int) Math.min(Integer.MAX_VALUE, maxBytes / PAGE_BYTES);
    }

    /** Decodes a chunk, and gives it, valid for the call. */
    @FunctionalInterface
    interface Loader {
        void load(Consumer<MemorySegment> taker);
    }

    /** A decoded chunk; its bytes may be read as long as it is in use. */
    static final class Chunk {
        private final CompletableFuture<Boolean> isLoaded = new CompletableFuture<>();
        /** In pages of the cache, or in one array where it had none to give. */
        private List<MemorySegment> parts = List.of();

        private long length;
        /** Guarded by the cache. */
        private int users = 1;

        private long lastUse;

        private boolean isInPages;

        /** Of windows: the marks that they stand before. Those of another encoding of the chunk stand elsewhere. */
        private @Nullable Lz4Marks marks;

        long length() {
            return length;
        }

        /** One of the windows of a chunk. */
        MemorySegment window(int index) {
            return parts.get(index);
        }

        /** Copies bytes from a position on, as many as there are and as fit, and says how many. */
        int copy(int from, ByteBuffer into) {
            int left = (int) Math.min(length - from, into.remaining());
            MemorySegment target = MemorySegment.ofBuffer(into);
            int at = from;
            for (int done = 0; done < left; ) {
                MemorySegment part = parts.get(isInPages ? at / PAGE_BYTES : 0);
                int inPart = isInPages ? at % PAGE_BYTES : at;
                int count = (int) Math.min(left - done, part.byteSize() - inPart);
                MemorySegment.copy(part, inPart, target, done, count);
                done += count;
                at += count;
            }
            into.position(into.position() + left);
            return left;
        }
    }

    /** Whether a chunk is here, or about to be. */
    synchronized boolean has(Mac mac) {
        return chunks.containsKey(mac);
    }

    /** Whether a chunk is not here, nor about to be, and leaves room for others. */
    synchronized boolean lacks(Mac mac, long length) {
        return !chunks.containsKey(mac) && length <= (long) maxPages * PAGE_BYTES / 4;
    }

    /**
     * A chunk to read from, which the caller gives back by {@link #release}.
     *
     * @throws RuntimeException what the loader threw
     */
    Chunk use(Mac mac, Loader loader) {
        while (true) {
            Chunk mine = new Chunk();
            Chunk known;
            synchronized (this) {
                known = chunks.remove(mac);
                chunks.putLast(mac, known == null ? mine : known);
                (known == null ? mine : known).lastUse = ++uses;
                if (known != null) {
                    known.users++;
                }
            }
            if (known == null) {
                load(mac, mine, loader);
                return mine;
            }
            if (known.isLoaded.join()) {
                return known;
            }
            // Whoever loaded it has failed, perhaps for a reason of its own such as an interrupt: once more.
        }
    }

    private void load(Mac mac, Chunk chunk, Loader loader) {
        boolean isLoaded = false;
        try {
            loader.load(plain -> fill(mac, chunk, plain));
            isLoaded = true;
        } finally {
            if (!isLoaded) {
                synchronized (this) {
                    chunks.remove(mac, chunk);
                }
            }
            chunk.isLoaded.complete(isLoaded);
        }
    }

    private void fill(Mac mac, Chunk chunk, MemorySegment plain) {
        chunk.length = plain.byteSize();
        List<MemorySegment> taken = take((int) Math.ceilDiv(chunk.length, PAGE_BYTES));
        if (taken == null) {
            chunk.parts = List.of(MemorySegment.ofArray(plain.toArray(ValueLayout.JAVA_BYTE)));
            synchronized (this) {
                chunks.remove(mac, chunk);
            }
            return;
        }
        for (int i = 0; i < taken.size(); i++) {
            long from = (long) i * PAGE_BYTES;
            MemorySegment.copy(plain, from, taken.get(i), 0, Math.min(PAGE_BYTES, chunk.length - from));
        }
        chunk.parts = taken;
        chunk.isInPages = true;
    }

    /** So many pages, or null when they are not to be had: the chunk is too large, or all else is being read. */
    private synchronized @Nullable List<MemorySegment> take(int count) {
        while (free.size() < count) {
            if (pages < maxPages) {
                addRegion();
            } else if (count > maxPages || !dropOne()) {
                return null;
            }
        }
        List<MemorySegment> taken = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            taken.add(free.pop());
        }
        return taken;
    }

    /** Gives up a chunk, or the windows of one, that nobody reads. */
    private boolean dropOne() {
        Iterator<Chunk> chunk = chunks.values().iterator();
        Iterator<Chunk> window = windows.values().iterator();
        Chunk oldChunk = unused(chunk);
        Chunk oldWindow = unused(window);
        if (oldWindow != null
                && (oldChunk == null || (uses - oldWindow.lastUse) / WINDOWS_WORTH > uses - oldChunk.lastUse)) {
            window.remove();
            free.addAll(oldWindow.parts);
            return true;
        }
        if (oldChunk != null) {
            chunk.remove();
            free.addAll(oldChunk.parts);
        }
        return oldChunk != null;
    }

    private static @Nullable Chunk unused(Iterator<Chunk> eldest) {
        while (eldest.hasNext()) {
            Chunk candidate = eldest.next();
            if (candidate.users == 0) {
                return candidate;
            }
        }
        return null;
    }

    private void addRegion() {
        int count = Math.min(PAGES_PER_REGION, maxPages - pages);
        MemorySegment region = arena.allocate((long) count * PAGE_BYTES, PAGE_BYTES);
        regions.add(region);
        for (int i = 0; i < count; i++) {
            free.add(region.asSlice((long) i * PAGE_BYTES, PAGE_BYTES));
        }
        pages += count;
    }

    /**
     * Ends the use of a chunk.
     *
     * @param isDone whether it will hardly be asked for again: then it goes before all others
     */
    synchronized void release(Mac mac, Chunk chunk, boolean isDone) {
        chunk.users--;
        if (isDone && chunks.get(mac) == chunk) {
            chunks.putFirst(mac, chunk);
        }
    }

    // Windows

    /** Keeps windows of a chunk, each of which has the bytes of a page, unless there is no room. */
    void keepWindows(Mac mac, Lz4Marks marks, List<MemorySegment> copied) {
        synchronized (this) {
            Chunk known = windows.get(mac);
            if (known != null && (Objects.equals(marks, known.marks) || known.users > 0)) {
                return;
            }
            if (known != null) {
                windows.remove(mac);
                free.addAll(known.parts);
            }
        }
        List<MemorySegment> taken = take(copied.size());
        if (taken == null) {
            return;
        }
        for (int i = 0; i < taken.size(); i++) {
            taken.get(i).copyFrom(copied.get(i));
        }
        Chunk kept = new Chunk();
        kept.parts = taken;
        kept.marks = marks;
        kept.users = 0;
        synchronized (this) {
            kept.lastUse = ++uses;
            if (windows.putIfAbsent(mac, kept) != null) {
                free.addAll(taken);
            }
        }
    }

    /** The windows before these marks of a chunk, if they are kept; given back by {@link #releaseWindows}. */
    synchronized @Nullable Chunk useWindows(Mac mac, Lz4Marks marks) {
        Chunk kept = windows.get(mac);
        if (kept == null || !Objects.equals(marks, kept.marks)) {
            return null;
        }
        windows.putLast(mac, kept);
        kept.lastUse = ++uses;
        kept.users++;
        return kept;
    }

    synchronized void releaseWindows(Chunk kept) {
        kept.users--;
    }

    /** Bytes that were taken from the system. */
    synchronized long bytes() {
        return (long) pages * PAGE_BYTES;
    }

    @Override
    public synchronized void close() {
        if (arena.scope().isAlive()) {
            regions.forEach(region -> region.fill((byte) 0));
            chunks.clear();
            windows.clear();
            free.clear();
            regions.clear();
            arena.close();
        }
    }
}
