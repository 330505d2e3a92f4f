// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.snapshot.BlobSource;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.index.MacSet;
import dev.armoire.packfile.ResourceType;
import dev.armoire.simd.Blake3Pieces;
import dev.armoire.simd.Blake3Pieces.Piece;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Contents of several chunks, which have a MAC of their own over all of them. It is worked out while packfiles are read from front to back, from
 * chunks in whatever order they come, so that each byte is read once, however many contents share it ({@link Blake3Pieces}). Says only
 * that a content is well; one that is not is left to those who say why. Owns off-heap memory. Thread-safe.
 */
final class JoinedContents implements AutoCloseable {
    /** Some 75 bytes each; contents beyond are read as a whole by those who ask for them. A terabyte has 850,000. */
    private static final int MAX_CHUNKS = 1 << 20;

    /** What is held of as many is some ten megabytes. */
    static final int MAX_CONTENTS = 200_000;

    /** Stretches of contents that have gaps between them, up to 3 KiB each on the heap. */
    private static final int MAX_PIECES = 8192;

    /** {@code | MAC (32) | offset (8) | one more than the next slot of this chunk (4) |}. */
    private static final int SLOT_BYTES = Mac.BYTES + 12;

    private static final int OFFSET_AT = Mac.BYTES;
    private static final int NEXT_AT = OFFSET_AT + Long.BYTES;

    private final MacSet good;
    /** Of objects: 1. Of chunks: one more than the slot that was added last. */
    private final MacSet numbers;

    private final Arena arena = Arena.ofShared();
    private final List<Content> contents = new ArrayList<>();
    private final AtomicInteger pieceCount = new AtomicInteger();
    private final int maxPieces;
    private int slots;

    /**
     * None yet.
     *
     * @param good told of objects whose content is well
     * @param numbers empty, with numbers; owned
     */
    JoinedContents(MacSet good, MacSet numbers) {
        this(good, numbers, MAX_PIECES);
    }

    JoinedContents(MacSet good, MacSet numbers, int maxPieces) {
        this.good = good;
        this.numbers = numbers;
        this.maxPieces = maxPieces;
    }

    /** Takes up a content whose object was just decoded, unless it is one already. Its chunks are best given afterwards. */
    synchronized void add(Mac object, ObjectRecord record) {
        int count = record.chunks().size();
        if (count < 2 || numbers.addBits(ResourceType.OBJECT, object, 1) != 0) {
            return;
        }
        if (slots + count > MAX_CHUNKS || contents.size() == MAX_CONTENTS) {
            return;
        }
        Content content = new Content(object, record, slots);
        contents.add(content);
        for (int index = 0; index < count; index++) {
            Mac chunk = content.mac(index);
            content.setNext(index, numbers.number(ResourceType.CHUNK, chunk));
            numbers.setNumber(ResourceType.CHUNK, chunk, slots + index + 1);
        }
        slots += count;
    }

    /** Whether a content has a chunk; most chunks are contents of their own, and need not be taken. */
    boolean wants(Mac chunk) {
        return numbers.number(ResourceType.CHUNK, chunk) != 0;
    }

    /** Where a chunk stands. */
    private record Place(Content content, int index) {
        long offset() {
            return content.offset(index);
        }
    }

    private synchronized List<Place> places(Mac chunk) {
        List<Place> places = new ArrayList<>();
        for (int number = numbers.number(ResourceType.CHUNK, chunk); number != 0; ) {
            int slot = number - 1;
            int low = 0;
            for (int high = contents.size() - 1; low < high; ) {
                int middle = (low + high + 1) / 2;
                if (contents.get(middle).firstSlot <= slot) {
                    low = middle;
                } else {
                    high = middle - 1;
                }
            }
            Content content = contents.get(low);
            int index = slot - content.firstSlot;
            places.add(new Place(content, index));
            number = content.next(index);
        }
        return places;
    }

    /**
     * Takes a chunk, found well at the place that the states give.
     *
     * @param plain borrowed for the call
     * @param hasher the calling thread's, under the store's key
     */
    void take(Mac chunk, MemorySegment plain, Blake3Pieces hasher, BooleanSupplier stopped) {
        List<Place> places = places(chunk);
        if (places.size() > 1) { // versions of one file mostly have it at one offset
            places.sort(Comparator.comparingLong(Place::offset));
        }
        Piece piece = null;
        for (Place place : places) {
            if (stopped.getAsBoolean()) {
                throw new PipelineAbortedException();
            }
            if (piece == null || piece.from() != place.offset()) {
                piece = hasher.piece(plain, place.offset());
            }
            place.content.put(place.index, piece, hasher);
        }
    }

    /** Those that packfiles alone did not complete. */
    synchronized List<Content> unfinished() {
        return contents.stream().filter(content -> !content.isOver).toList();
    }

    @Override
    public void close() {
        numbers.close();
        arena.close();
    }

    /** One content. */
    final class Content {
        private final Mac object;
        private final Mac expected;
        private final int count;
        private final long total;
        private final int firstSlot;
        private final MemorySegment list;
        /** By where they begin. Guarded by this. */
        private final TreeMap<Long, Piece> pieces = new TreeMap<>();

        private volatile boolean isOver;

        Content(Mac object, ObjectRecord record, int firstSlot) {
            this.object = object;
            this.expected = record.contentMac();
            this.count = record.chunks().size();
            this.firstSlot = firstSlot;
            this.list = arena.allocate((long) count * SLOT_BYTES, Integer.BYTES);
            long at = 0;
            long offset = 0;
            for (ObjectRecord.Chunk chunk : record.chunks()) {
                chunk.mac().write(list, at);
                list.set(JAVA_LONG_UNALIGNED, at + OFFSET_AT, offset);
                offset += chunk.length();
                at += SLOT_BYTES;
            }
            this.total = offset;
        }

        private Mac mac(int index) {
            return Mac.read(list, (long) index * SLOT_BYTES);
        }

        private long offset(int index) {
            return index == count ? total : list.get(JAVA_LONG_UNALIGNED, (long) index * SLOT_BYTES + OFFSET_AT);
        }

        private int next(int index) {
            return list.get(JAVA_INT_UNALIGNED, (long) index * SLOT_BYTES + NEXT_AT);
        }

        private void setNext(int index, int number) {
            list.set(JAVA_INT_UNALIGNED, (long) index * SLOT_BYTES + NEXT_AT, number);
        }

        private boolean isThere(long offset) {
            Map.Entry<Long, Piece> before = pieces.floorEntry(offset);
            return before != null && before.getValue().to() > offset;
        }

        private synchronized void put(int index, Piece piece, Blake3Pieces hasher) {
            if (isOver || isThere(piece.from())) {
                return;
            }
            if (piece.to() != offset(index + 1)) {
                end(); // the object says another length: who reads the whole will say so
                return;
            }
            Piece joined = piece;
            Map.Entry<Long, Piece> before = pieces.lowerEntry(joined.from());
            if (before != null && before.getValue().to() == joined.from()) {
                remove(before.getKey());
                joined = hasher.join(before.getValue(), joined, total);
            }
            Piece after = remove(joined.to());
            if (after != null) {
                joined = hasher.join(joined, after, total);
            }
            if (joined.from() == 0 && joined.to() == total) {
                if (isExpected(joined, hasher)) {
                    good.add(ResourceType.OBJECT, object);
                }
                end();
            } else if (pieceCount.incrementAndGet() > maxPieces) {
                pieceCount.decrementAndGet();
                end();
            } else {
                pieces.put(joined.from(), joined);
            }
        }

        private boolean isExpected(Piece whole, Blake3Pieces hasher) {
            try {
                return Mac.of(hasher.digest(whole)).equals(expected);
            } catch (IllegalArgumentException e) {
                return false; // of less than a kibibyte, in several chunks: not by any chunker
            }
        }

        private @Nullable Piece remove(long from) {
            Piece removed = pieces.remove(from);
            if (removed != null) {
                pieceCount.decrementAndGet();
            }
            return removed;
        }

        /** Reads all that is still lacking. */
        void complete(BlobSource source, Blake3Pieces hasher, BooleanSupplier stopped) {
            for (int index = 0; index < count && !isOver; index++) {
                if (stopped.getAsBoolean()) {
                    throw new PipelineAbortedException();
                }
                long offset = offset(index);
                synchronized (this) {
                    if (isThere(offset)) {
                        continue;
                    }
                }
                try {
                    var chunk = new ObjectRecord.Chunk(mac(index), offset(index + 1) - offset, 0);
                    put(index, hasher.piece(ObjectReader.chunk(source, chunk), offset), hasher);
                } catch (CorruptDataException | UncheckedIOException e) {
                    end(); // told of with the files that have it
                }
            }
        }

        private synchronized void end() {
            isOver = true;
            pieceCount.addAndGet(-pieces.size());
            pieces.clear();
        }
    }
}
