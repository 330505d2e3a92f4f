// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.armoire.connectors.spi.ScratchFile;
import dev.armoire.crypto.Mac;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * What a backup has seen, kept outside the heap until its trees are built: encoded entries in arrival order, each linked to
 * the one before it in the same directory. Lies in a temporary file that has no name any more once it is open, so that a
 * million files cost page cache and no memory of ours, and a crash leaves nothing behind. Thread-safe for appending; reading
 * begins when appending is over.
 *
 * <pre>
 *  0                8            12            44
 *  | previous (i64) | length u32 | entry's MAC | entry, length bytes |
 * </pre>
 */
final class ScanLog implements AutoCloseable {
    /** Position that stands for "none". */
    static final long NONE = -1;

    private static final int HEADER_BYTES = 44;
    private static final int BUFFER_BYTES = 1 << 20;

    private final FileChannel file;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(BUFFER_BYTES);
    private volatile long flushed;
    private int buffered;

    ScanLog(Path directory) throws IOException {
        file = ScratchFile.open(directory, "scan");
    }

    /** Appends an entry; returns its position, to be given as {@code previous} of the next one of its directory. */
    synchronized long append(long previous, Mac mac, MemorySegment entry) {
        int length = (int) entry.byteSize();
        if (buffered + HEADER_BYTES + length > BUFFER_BYTES) {
            flush();
        }
        long position = flushed + buffered;
        if (HEADER_BYTES + length > BUFFER_BYTES) {
            try (Arena own = Arena.ofConfined()) {
                MemorySegment large = own.allocate(HEADER_BYTES + (long) length);
                write(large, 0, previous, mac, entry);
                append(large);
            }
            return position;
        }
        write(buffer, buffered, previous, mac, entry);
        buffered += HEADER_BYTES + length;
        return position;
    }

    private static void write(MemorySegment out, long at, long previous, Mac mac, MemorySegment entry) {
        out.set(JAVA_LONG_UNALIGNED, at, previous);
        out.set(JAVA_INT_UNALIGNED, at + 8, (int) entry.byteSize());
        mac.write(out, at + 12);
        MemorySegment.copy(entry, 0, out, at + HEADER_BYTES, entry.byteSize());
    }

    /** Writes out what is buffered; to be called between appending and reading. */
    synchronized void flush() {
        append(buffer.asSlice(0, buffered));
        buffered = 0;
    }

    private void append(MemorySegment bytes) {
        try {
            ByteBuffer source = bytes.asByteBuffer();
            while (source.hasRemaining()) {
                long position = flushed;
                flushed = position + file.write(source, position);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(
                    new IOException("the temporary file for the list of files: " + e.getMessage(), e));
        }
    }

    /** Length in bytes of all that was appended and flushed. */
    long length() {
        return flushed;
    }

    /** Reads records one at a time through a window, for one thread. */
    Window window() {
        return new Window();
    }

    /**
     * A view of a part of the log. Neighbours in a directory lie close together, so most records are found in the bytes
     * that were read for the one before.
     */
    final class Window implements AutoCloseable {
        private static final int WINDOW_BYTES = 256 << 10;

        private final Arena own = Arena.ofConfined();
        private MemorySegment bytes = own.allocate(WINDOW_BYTES);
        private long start;
        private long filled;
        private long at;
        private long bytesRead;

        /** Moves to the record at a position. */
        void seek(long position) {
            require(position, HEADER_BYTES);
            int length = bytes.get(JAVA_INT_UNALIGNED, position - start + 8);
            require(position, HEADER_BYTES + (long) length);
            at = position - start;
        }

        long previous() {
            return bytes.get(JAVA_LONG_UNALIGNED, at);
        }

        Mac mac() {
            return Mac.read(bytes, at + 12);
        }

        /** The encoded entry, readable until the next {@link #seek}. */
        MemorySegment entry() {
            return bytes.asSlice(at + HEADER_BYTES, bytes.get(JAVA_INT_UNALIGNED, at + 8));
        }

        private void require(long position, long length) {
            if (position >= start && position + length <= start + filled) {
                return;
            }
            if (length > bytes.byteSize()) {
                bytes = own.allocate(length * 2);
            }
            // Directories are linked from their last record to their first, and sorted and listed from their first to
            // their
            // last, so the window opens in the direction in which it was left.
            long behind = position < start ? bytes.byteSize() - length - WINDOW_BYTES / 8 : WINDOW_BYTES / 8;
            start = Math.max(0, position - Math.clamp(behind, 0, bytes.byteSize() - length));
            filled = Math.min(bytes.byteSize(), flushed - start);
            read(bytes.asSlice(0, filled), start);
            bytesRead += filled;
        }

        /** All that was read for this window so far: not many times what was asked for. */
        long bytesRead() {
            return bytesRead;
        }

        @Override
        public void close() {
            own.close();
        }
    }

    /** Fills {@code into} from a byte of the log. */
    void read(MemorySegment into, long position) {
        try {
            ByteBuffer target = into.asByteBuffer();
            long from = position;
            while (target.hasRemaining()) {
                int read = file.read(target, from);
                if (read < 0) {
                    throw new EOFException("the temporary file for the list of files was cut short");
                }
                from += read;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Appends raw bytes (after {@link #flush}); returns where they begin. */
    synchronized long appendRaw(MemorySegment bytes) {
        long position = flushed;
        append(bytes);
        return position;
    }

    @Override
    public void close() throws IOException {
        file.close();
        arena.close();
    }

    /** Finds the bytes of a record by which it is sorted. */
    @FunctionalInterface
    interface Key {
        MemorySegment of(MemorySegment record);
    }

    /**
     * Sorts records by a key of theirs, as unsigned bytes; equal ones stay in their order. Merges the runs that are in order
     * already, and nearly everything is: a walk delivers names sorted, and only a few threads stand between.
     */
    void sort(long[] positions, int count, Key key, Window left, Window right) {
        long[] sorted = positions;
        long[] scratch = new long[count];
        while (endOfRun(sorted, 0, count, key, left, right) < count) {
            for (int start = 0; start < count; ) {
                int middle = endOfRun(sorted, start, count, key, left, right);
                int end = middle == count ? count : endOfRun(sorted, middle, count, key, left, right);
                merge(sorted, start, middle, end, scratch, key, left, right);
                start = end;
            }
            long[] swap = sorted;
            sorted = scratch;
            scratch = swap;
        }
        System.arraycopy(sorted, 0, positions, 0, count);
    }

    private static int endOfRun(long[] positions, int start, int count, Key key, Window left, Window right) {
        if (start == count) {
            return count;
        }
        int end = start + 1;
        while (end < count && compare(positions[end - 1], positions[end], key, left, right) <= 0) {
            end++;
        }
        return end;
    }

    private void merge(long[] from, int start, int middle, int end, long[] to, Key key, Window left, Window right) {
        int a = start;
        int b = middle;
        for (int at = start; at < end; at++) {
            boolean takeLeft = b == end || a < middle && compare(from[a], from[b], key, left, right) <= 0;
            to[at] = takeLeft ? from[a++] : from[b++];
        }
    }

    private static int compare(long a, long b, Key key, Window left, Window right) {
        left.seek(a);
        right.seek(b);
        return compareUnsigned(key.of(left.entry()), key.of(right.entry()));
    }

    static int compareUnsigned(MemorySegment a, MemorySegment b) {
        long at = a.mismatch(b);
        if (at < 0) {
            return 0;
        }
        if (at == a.byteSize() || at == b.byteSize()) {
            return Long.compare(a.byteSize(), b.byteSize());
        }
        return Integer.compare(a.get(JAVA_BYTE, at) & 0xff, b.get(JAVA_BYTE, at) & 0xff);
    }
}
