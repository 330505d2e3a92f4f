// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.EntryHeads;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.packfile.MsgpackReader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * The entries of one directory packed into one content (format 2a §8).
 *
 * <pre>
 *  0      1            5                 5+L-32    5+L
 *  | kind | L (u32 LE) | entry, L-32 B   | MAC     |
 * </pre>
 */
public final class Dirpack {
    /** Bytes of a frame beside its entry. */
    public static final int FRAME_OVERHEAD = 5 + Mac.BYTES;

    private static final ValueLayout.OfInt U32 = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final byte DIRECTORY = 1;
    private static final byte OTHER = 2;
    /** No entry comes near: names have at most 255 bytes, paths a few thousand; link targets and attribute names add. */
    private static final int MAX_ENTRY_BYTES = 16 << 20;

    private Dirpack() {}

    /** Writes one frame; returns its length. */
    public static int writeFrame(MemorySegment out, long at, boolean isDirectory, MemorySegment entry, Mac mac) {
        int entryBytes = (int) entry.byteSize();
        out.set(JAVA_BYTE, at, isDirectory ? DIRECTORY : OTHER);
        out.set(U32, at + 1, entryBytes + Mac.BYTES);
        MemorySegment.copy(entry, 0, out, at + 5, entryBytes);
        mac.write(out, at + 5 + entryBytes);
        return FRAME_OVERHEAD + entryBytes;
    }

    /**
     * One frame as read.
     *
     * @param bytes the encoded entry, valid until the iterator's next step
     * @param mac name of the blob that holds the entry
     */
    public record Frame(MemorySegment bytes, Mac mac) {
        /** The entry, decoded at each call. */
        public Entry entry() {
            return Entry.decode(new MsgpackReader(bytes, "directory listing"));
        }
    }

    /** The frames of a listing in their order, which is that of the names. Reads one chunk at a time. */
    public static Frames read(BlobSource source, Mac object) {
        return new Frames(source, object);
    }

    /** Iterates over a listing; holds off-heap memory as large as one chunk until closed. */
    public static final class Frames implements Iterator<Frame>, AutoCloseable {
        private final BlobSource source;
        private final Mac object;
        private final Iterator<ObjectRecord.Chunk> chunks;
        private Arena arena = Arena.ofConfined();
        private MemorySegment buffer = MemorySegment.NULL;
        private long position;

        private Frames(BlobSource source, Mac object) {
            this.source = source;
            this.object = object;
            this.chunks = ObjectReader.record(source, object).chunks().iterator();
        }

        @Override
        public boolean hasNext() {
            return position < buffer.byteSize() || fill(1);
        }

        @Override
        public Frame next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            require(5);
            long length = Integer.toUnsignedLong(buffer.get(U32, position + 1));
            if (length <= Mac.BYTES || length > MAX_ENTRY_BYTES) {
                throw new CorruptDataException(
                        "directory listing " + object.shortHex() + ": a frame of " + length + " bytes");
            }
            require(5 + length);
            MemorySegment bytes = buffer.asSlice(position + 5, length - Mac.BYTES);
            Mac mac = Mac.read(buffer, position + 5 + length - Mac.BYTES);
            position += 5 + length;
            return new Frame(bytes, mac);
        }

        private void require(long bytes) {
            if (!fill(bytes)) {
                throw new CorruptDataException("directory listing " + object.shortHex() + " ends within a frame");
            }
        }

        /** Makes sure that {@code bytes} lie ahead. A frame may span chunks. */
        private boolean fill(long bytes) {
            while (buffer.byteSize() - position < bytes) {
                if (!chunks.hasNext()) {
                    return false;
                }
                MemorySegment chunk = ObjectReader.chunk(source, chunks.next());
                long rest = buffer.byteSize() - position;
                Arena next = Arena.ofConfined();
                MemorySegment joined = next.allocate(rest + chunk.byteSize(), 8);
                MemorySegment.copy(buffer, position, joined, 0, rest);
                MemorySegment.copy(chunk, 0, joined, rest, chunk.byteSize());
                arena.close();
                arena = next;
                buffer = joined;
                position = 0;
            }
            return true;
        }

        @Override
        public void close() {
            arena.close();
        }
    }

    /** Finds entries by name when asked in the order of names, as a walk of the same directory does. */
    public static final class Cursor implements AutoCloseable {
        private final BlobSource source;
        private final Mac object;
        private final EntryHeads heads;
        private Frames frames;
        private @Nullable Frame current;
        private byte[] currentName = {};
        private byte[] previousName = {};
        private long seen;
        private boolean wentBack;

        public Cursor(BlobSource source, Mac object, EntryHeads heads) {
            this.source = source;
            this.object = object;
            this.heads = heads;
            this.frames = new Frames(source, object);
        }

        /** The frame of a name, or null. Going back in the order of names costs a fresh start. */
        public @Nullable Frame find(byte[] name) {
            if (Arrays.compareUnsigned(name, previousName) <= 0 && previousName.length > 0) {
                frames.close();
                frames = new Frames(source, object);
                current = null;
                currentName = new byte[0];
                previousName = new byte[0];
                wentBack = true;
            }
            while (current == null || Arrays.compareUnsigned(currentName, name) < 0) {
                if (!frames.hasNext()) {
                    return null;
                }
                previousName = currentName;
                current = frames.next();
                seen++;
                MemorySegment found = heads.name(current.bytes());
                currentName = found == null ? current.entry().name() : found.toArray(JAVA_BYTE);
            }
            return Arrays.equals(currentName, name) ? current : null;
        }

        /** Reads on to the end; returns how many frames there are, or -1 if some were asked for twice. */
        public long countToEnd() {
            while (frames.hasNext()) {
                frames.next();
                seen++;
            }
            return wentBack ? -1 : seen;
        }

        @Override
        public void close() {
            frames.close();
        }
    }
}
