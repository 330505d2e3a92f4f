// SPDX-License-Identifier: ISC
package dev.armoire.index;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * What has become too much for a table, in a file without a name that goes with the process: runs of records of one length, each
 * run sorted by the first word of its records. What is kept in memory is a {@link MacFilter}, some 3 bytes a record, and the first word of
 * each {@value #BLOCK_RECORDS}th. Files are read and not mapped: pages that are mapped count as memory of the process. Owns the file and
 * off-heap memory. For one thread at a time.
 *
 * <pre>
 *  record: | first 8 bytes of a MAC | more of the MAC (8) | anything |   words in the order of this machine
 * </pre>
 */
final class SpilledRecords implements AutoCloseable {
    static final int BLOCK_RECORDS = 16;
    /** Blocks that are read at once by those who want all. */
    private static final int BLOCKS_IN_ROW = 256;

    private final Path folder;
    private final int recordBytes;
    private final Arena arena = Arena.ofShared();
    private final List<Run> runs = new ArrayList<>();
    private final byte[] block;
    private final MemorySegment blockSegment;
    /** What {@link BlobIndex} says of Agrona's views holds here, too. */
    private final UnsafeBuffer blockView;

    private RandomAccessFile file;
    private long fileBytes;
    private long records;

    /** @param firsts the first word of each block, ascending as numbers without a sign */
    private record Run(long at, long records, long[] firsts, MacFilter filter) {}

    /** Receives a record, valid during the call. */
    @FunctionalInterface
    interface Visitor {
        /** Returns whether more are wanted. */
        boolean record(MemorySegment run, long at);
    }

    /** Which slots of a table are records. */
    @FunctionalInterface
    interface Used {
        boolean isUsed(MemorySegment table, long at);
    }

    /**
     * Nothing yet.
     *
     * @param folder where the file is to be; made when it is missing
     * @throws IOException when it cannot be made
     */
    SpilledRecords(Path folder, int recordBytes) throws IOException {
        this.folder = folder;
        this.recordBytes = recordBytes;
        this.block = new byte[BLOCK_RECORDS * recordBytes];
        this.blockSegment = MemorySegment.ofArray(block);
        this.blockView = new UnsafeBuffer(block);
        Files.createDirectories(folder);
        Path name = Files.createTempFile(folder, "spilled-", ".tmp"); // with rights of its owner only
        try {
            // An interrupt does not close it, as it does a channel.
            this.file = new RandomAccessFile(name.toFile(), "rw");
        } finally {
            Files.delete(name);
        }
    }

    /**
     * Adds a run of all records in an open-addressing table that goes by the first word, from front to back, with the last ones perhaps at its
     * front.
     *
     * @throws IOException when they cannot be written: then the table is still needed
     */
    void addTable(MemorySegment table, Used used) throws IOException {
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment sorted = scratch.allocate(table.byteSize(), 8);
            long count = collect(table, used, sorted);
            if (count == 0) {
                return;
            }
            MemorySegment all = sorted.asSlice(0, count * recordBytes);
            write(all);
            Run run = describe(all, count);
            fileBytes += all.byteSize();
            records += count;
            runs.addFirst(run);
        }
    }

    /** In their order: it is almost theirs, so each moves past a few others only. */
    private long collect(MemorySegment table, Used used, MemorySegment sorted) {
        long slots = table.byteSize() / recordBytes;
        long start = 0;
        while (start < slots && used.isUsed(table, start * recordBytes)) {
            start++; // those before the first gap may belong behind the last ones
        }
        long end = 0;
        for (long i = 0; i < slots; i++) {
            long from = (start + i) % slots * recordBytes;
            if (used.isUsed(table, from)) {
                long first = table.get(JAVA_LONG_UNALIGNED, from);
                long to = end;
                while (to > 0 && Long.compareUnsigned(sorted.get(JAVA_LONG_UNALIGNED, to - recordBytes), first) > 0) {
                    MemorySegment.copy(sorted, to - recordBytes, sorted, to, recordBytes);
                    to -= recordBytes;
                }
                MemorySegment.copy(table, from, sorted, to, recordBytes);
                end += recordBytes;
            }
        }
        return end / recordBytes;
    }

    private void write(MemorySegment all) throws IOException {
        file.seek(fileBytes);
        byte[] part = new byte[BLOCKS_IN_ROW * block.length];
        for (long at = 0; at < all.byteSize(); at += part.length) {
            int bytes = (int) Math.min(part.length, all.byteSize() - at);
            MemorySegment.copy(all, at, MemorySegment.ofArray(part), 0, bytes);
            file.write(part, 0, bytes);
        }
    }

    private Run describe(MemorySegment all, long count) {
        long[] firsts = new long[Math.toIntExact((count + BLOCK_RECORDS - 1) / BLOCK_RECORDS)];
        MacFilter filter = new MacFilter(arena.allocate(MacFilter.bytes(count), Long.BYTES));
        for (long i = 0; i < count; i++) {
            long at = i * recordBytes;
            long first = all.get(JAVA_LONG_UNALIGNED, at);
            filter.add(forFilter(first, all.get(JAVA_LONG_UNALIGNED, at + 8)));
            if (i % BLOCK_RECORDS == 0) {
                firsts[(int) (i / BLOCK_RECORDS)] = first;
            }
        }
        return new Run(fileBytes, count, firsts, filter);
    }

    /** Of the second word one byte may be the same in all. */
    private static Mac forFilter(long first, long second) {
        return new Mac(0, 0, first, Long.rotateRight(second, 8));
    }

    /**
     * Gives the records with these words, those that came last first, until no more are wanted.
     *
     * @return whether more are wanted
     * @throws UncheckedIOException when the file cannot be read
     */
    boolean find(long first, long second, Visitor visitor) {
        Mac key = forFilter(first, second);
        for (Run run : runs) {
            if (run.filter.mayHave(key) && !find(run, first, second, visitor)) {
                return false;
            }
        }
        return true;
    }

    private boolean find(Run run, long first, long second, Visitor visitor) {
        for (int index = Math.max(0, firstBlockFrom(run, first) - 1); index < run.firsts.length; index++) {
            int bytes = read(run, index, block);
            for (int at = firstRecordFrom(first, bytes); at < bytes; at += recordBytes) {
                if (blockView.getLong(at) != first) {
                    return true;
                }
                if (blockView.getLong(at + 8) == second && !visitor.record(blockSegment, at)) {
                    return false;
                }
            }
        }
        return true;
    }

    /** In the block that was read. */
    private int firstRecordFrom(long first, int bytes) {
        int low = 0;
        int high = bytes / recordBytes;
        while (low < high) {
            int middle = low + high >>> 1;
            if (Long.compareUnsigned(blockView.getLong(middle * recordBytes), first) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low * recordBytes;
    }

    /** The first block that begins with this word or a larger one. */
    private static int firstBlockFrom(Run run, long first) {
        int low = 0;
        int high = run.firsts.length;
        while (low < high) {
            int middle = low + high >>> 1;
            if (Long.compareUnsigned(run.firsts[middle], first) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Gives all records, until no more are wanted. */
    void forEach(Visitor visitor) {
        byte[] blocks = new byte[BLOCKS_IN_ROW * block.length];
        MemorySegment view = MemorySegment.ofArray(blocks);
        for (Run run : List.copyOf(runs)) {
            for (int index = 0; index < run.firsts.length; index += BLOCKS_IN_ROW) {
                int bytes = read(run, index, blocks);
                for (int at = 0; at < bytes; at += recordBytes) {
                    if (!visitor.record(view, at)) {
                        return;
                    }
                }
            }
        }
    }

    /** From a block on, as much as there is and fits. */
    private int read(Run run, int index, byte[] into) {
        long from = (long) index * block.length;
        int bytes = (int) Math.min(into.length, run.records * recordBytes - from);
        try {
            file.seek(run.at + from);
            file.readFully(into, 0, bytes);
            return bytes;
        } catch (IOException e) {
            throw new UncheckedIOException("what was put aside in " + folder + " cannot be read", e);
        }
    }

    long size() {
        return records;
    }

    @Override
    public void close() {
        arena.close();
        try {
            file.close();
        } catch (IOException e) {
            // Nobody needs what is in it.
        }
    }
}
