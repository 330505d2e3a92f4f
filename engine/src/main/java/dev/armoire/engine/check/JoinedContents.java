// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.BlobSource;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.index.MacSet;
import dev.armoire.packfile.ResourceType;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Contents of several chunks, which have a MAC of their own that needs the chunks one after the other. It is worked out while packfiles
 * are read from front to back, so that each byte is read once: what comes early waits in memory, as far as there is room, and what had to
 * be let go is read again alone. Says only that a content is well; one that is not is left to those who say why. Owns off-heap memory.
 * Thread-safe.
 */
final class JoinedContents implements AutoCloseable {
    /** Some 70 bytes each; contents beyond are read as a whole by those who ask for them. A terabyte has 850,000. */
    private static final int MAX_CHUNKS = 1 << 20;

    private static final int MAX_CONTENTS = 200_000;
    /** About a packfile for each thread that reads them, as a content goes through them one after the other. */
    private static final long WAITING_BYTES = 32 << 20;

    private static final long MIN_WAITING_BYTES = 64 << 20;
    private static final long MAX_WAITING_BYTES = 128 << 20;
    /** Chunks that come before so many others are not worth the looking for. */
    private static final int FARTHEST = 4096;

    /** In the number of a chunk: it was met in a packfile. The rest is one more than the ordinal of a content that has it. */
    private static final int IS_MET = 1 << 30;

    private static final int CHUNK_BYTES = Mac.BYTES + Integer.BYTES;

    private final MacSet good;
    private final MacSet numbers;
    private final long waitingLimit;
    private final Repository repository;
    private final Arena arena = Arena.ofShared();
    private final List<Content> contents = new ArrayList<>();
    private final ConcurrentLinkedDeque<MacHasher> hashers = new ConcurrentLinkedDeque<>();
    private final AtomicLong waitingBytes = new AtomicLong();
    private long chunks;

    /**
     * None yet.
     *
     * @param good told of objects whose content is well
     * @param readers threads that read packfiles
     */
    JoinedContents(Repository repository, MacSet good, int readers) {
        this(repository, good, Math.clamp(readers * WAITING_BYTES, MIN_WAITING_BYTES, MAX_WAITING_BYTES));
    }

    /** @param waitingLimit bytes of chunks that may wait */
    JoinedContents(Repository repository, MacSet good, long waitingLimit) {
        this.repository = repository;
        this.good = good;
        this.waitingLimit = waitingLimit;
        this.numbers = repository.newMacSet(true);
    }

    /** Takes up a content whose object was just decoded, unless it is one already. Its chunks are best given afterwards. */
    void add(Mac object, ObjectRecord record) {
        int count = record.chunks().size();
        boolean isTooLong = record.chunks().stream().anyMatch(chunk -> chunk.length() > Integer.MAX_VALUE);
        if (count < 2 || isTooLong) {
            return;
        }
        synchronized (contents) {
            boolean isKnown = numbers.addBits(ResourceType.OBJECT, object, 1) != 0;
            if (isKnown || chunks + count > MAX_CHUNKS || contents.size() == MAX_CONTENTS) {
                return;
            }
            chunks += count;
            contents.add(new Content(object, record));
            int number = contents.size();
            for (ObjectRecord.Chunk chunk : record.chunks()) {
                if (numbers.number(ResourceType.CHUNK, chunk.mac()) == 0) {
                    numbers.setNumber(ResourceType.CHUNK, chunk.mac(), number);
                }
            }
        }
    }

    /**
     * Takes a chunk, found well at the place that the states give.
     *
     * @param plain borrowed for the call
     * @param source to read others again
     */
    void take(Mac chunk, MemorySegment plain, BlobSource source, BooleanSupplier stopped) {
        int number = numbers.number(ResourceType.CHUNK, chunk);
        if (number == 0) {
            return;
        }
        var _ = numbers.addBits(ResourceType.CHUNK, chunk, IS_MET);
        Content content;
        synchronized (contents) {
            content = contents.get((number & ~IS_MET) - 1);
        }
        content.take(chunk, plain, source, stopped);
    }

    /** Those that packfiles alone did not complete. */
    List<Content> unfinished() {
        synchronized (contents) {
            return contents.stream().filter(content -> !content.isOver).toList();
        }
    }

    @Override
    public void close() {
        contents.forEach(Content::end);
        numbers.close();
        arena.close();
    }

    /** A chunk that came before those that stand before it. */
    private record Waiting(Arena arena, MemorySegment plain) {}

    /** One content. Its methods take its lock. */
    final class Content {
        private final Mac object;
        private final Mac expected;
        private final int count;
        private final MemorySegment list;
        private final Map<Integer, Waiting> waiting = new HashMap<>();
        private @Nullable MacHasher hasher;
        private int next;
        private volatile boolean isOver;

        Content(Mac object, ObjectRecord record) {
            this.object = object;
            this.expected = record.contentMac();
            this.count = record.chunks().size();
            this.list = arena.allocate((long) count * CHUNK_BYTES, Integer.BYTES);
            long at = 0;
            for (ObjectRecord.Chunk chunk : record.chunks()) {
                chunk.mac().write(list, at);
                list.set(JAVA_INT_UNALIGNED, at + Mac.BYTES, (int) chunk.length());
                at += CHUNK_BYTES;
            }
        }

        private Mac mac(int index) {
            return Mac.read(list, (long) index * CHUNK_BYTES);
        }

        private int length(int index) {
            return list.get(JAVA_INT_UNALIGNED, (long) index * CHUNK_BYTES + Mac.BYTES);
        }

        private synchronized void take(Mac chunk, MemorySegment plain, BlobSource source, BooleanSupplier stopped) {
            if (isOver) {
                return;
            }
            if (mac(next).equals(chunk)) {
                join(chunk, plain);
                advance(source, false, stopped);
            } else {
                keep(chunk, plain);
            }
        }

        private void keep(Mac chunk, MemorySegment plain) {
            int index = next + 1;
            int end = Math.min(count, index + FARTHEST);
            while (index < end && !mac(index).equals(chunk)) {
                index++;
            }
            long bytes = plain.byteSize();
            if (index == end || waiting.containsKey(index)) {
                return;
            }
            if (waitingBytes.addAndGet(bytes) > waitingLimit) {
                waitingBytes.addAndGet(-bytes);
                return;
            }
            Arena room = Arena.ofShared();
            waiting.put(index, new Waiting(room, room.allocate(bytes).copyFrom(plain)));
        }

        /** Adds a chunk as often as it stands here in a row. */
        private void join(Mac chunk, MemorySegment plain) {
            MacHasher running = hasher;
            if (running == null) {
                running = hashers.poll();
                running = running == null ? repository.keys().newMacHasher() : running;
                hasher = running;
            }
            do {
                if (plain.byteSize() != length(next)) {
                    end(); // who reads the whole will say so
                    return;
                }
                running.update(plain);
                next++;
            } while (next < count && mac(next).equals(chunk));
            if (next == count) {
                hasher = null;
                if (running.finish().equals(expected)) {
                    good.add(ResourceType.OBJECT, object);
                }
                hashers.push(running);
                end();
            }
        }

        /** Goes on with what waits, and with what can be read again: all, or what was met before. */
        private void advance(BlobSource source, boolean readsAll, BooleanSupplier stopped) {
            while (!isOver) {
                if (stopped.getAsBoolean()) {
                    throw new PipelineAbortedException();
                }
                Mac chunk = mac(next);
                Waiting kept = waiting.remove(next);
                if (kept != null) {
                    join(chunk, kept.plain);
                    free(kept);
                } else if (readsAll || (numbers.number(ResourceType.CHUNK, chunk) & IS_MET) != 0) {
                    try {
                        join(chunk, ObjectReader.chunk(source, new ObjectRecord.Chunk(chunk, length(next), 0)));
                    } catch (CorruptDataException | UncheckedIOException e) {
                        end(); // told of with the files that have it
                    }
                } else {
                    return;
                }
            }
        }

        /** Reads all that is still lacking. */
        synchronized void complete(BlobSource source, BooleanSupplier stopped) {
            advance(source, true, stopped);
        }

        private void free(Waiting kept) {
            waitingBytes.addAndGet(-kept.plain.byteSize());
            kept.arena.close();
        }

        private synchronized void end() {
            isOver = true;
            List<Waiting> left = List.copyOf(waiting.values());
            waiting.clear();
            left.forEach(this::free);
            MacHasher running = hasher;
            if (running != null) {
                hasher = null;
                var _ = running.finish();
                hashers.push(running);
            }
        }
    }
}
