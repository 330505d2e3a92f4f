// SPDX-License-Identifier: ISC
package dev.armoire.engine.search;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.query.EntryFilter;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.search.ChangeBlock.Kind;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads the details of a {@link ChangeBlock}, each column when it is asked for. What is malformed ends in
 * {@link IndexOutOfBoundsException} or {@link NegativeArraySizeException}. For one thread.
 */
final class ChangeDetails {
    private static final int FOLDERS = 0;
    private static final int KINDS = 1;
    private static final int KIND = 2;
    private static final int SIZE = 3;
    private static final int SECONDS = 4;
    private static final int NANOS = 5;
    private static final int COLUMNS = 6;

    private final byte[] bytes;
    private final int changes;
    /** Where columns begin, and where the last one ends. */
    private final int[] starts = new int[COLUMNS + 1];

    private final long[] @Nullable [] columns = new long[COLUMNS][];
    private Kind @Nullable [] kinds;
    private boolean @Nullable [] passes;

    /** Of each folder where its path begins and ends, and the number of the first change behind it. */
    private int @Nullable [][] folders;

    /**
     * @param bytes borrowed
     * @param from where the block begins in them
     */
    ChangeDetails(byte[] bytes, int from, int length) {
        this.bytes = bytes;
        int end = from + length;
        if (from < 0 || length < 0 || end > bytes.length) {
            throw new IndexOutOfBoundsException("a block beyond its group");
        }
        Input in = new Input(bytes, from);
        changes = in.length();
        for (int i = 0; i < COLUMNS; i++) {
            starts[i + 1] = in.length();
        }
        starts[0] = in.at;
        for (int i = 0; i < COLUMNS; i++) {
            starts[i + 1] += starts[i];
            if (starts[i + 1] > end || starts[i + 1] < starts[i]) {
                throw new IndexOutOfBoundsException("a column beyond its block");
            }
        }
    }

    /** Whether an entry is there, and not the word that it is gone. */
    boolean isThere(int index) {
        return column(KIND)[index] != 0;
    }

    /** Whether an entry may pass the filter, which must be the same each time; false if it cannot. */
    boolean mayPass(int index, EntryFilter filter) {
        int kind = (int) column(KIND)[index];
        return kind != 0
                && passes(filter)[kind - 1]
                && (!filter.hasSize() || filter.passesSize(column(SIZE)[index]))
                && (!filter.hasTime() || filter.mayPassTime(column(SECONDS)[index]));
    }

    /** Whether any entry may pass the filter. */
    boolean mayAnyPass(EntryFilter filter) {
        boolean isOneOfThem = false;
        for (boolean its : passes(filter)) {
            isOneOfThem |= its;
        }
        if (isOneOfThem) {
            for (int i = 0; i < changes; i++) {
                if (mayPass(i, filter)) {
                    return true;
                }
            }
        }
        return false;
    }

    private boolean[] passes(EntryFilter filter) {
        boolean[] known = passes;
        if (known == null) {
            Kind[] all = kinds();
            known = new boolean[all.length];
            for (int i = 0; i < all.length; i++) {
                known[i] = filter.passesKind(entry(SnapshotPath.ROOT, all[i], 0, 0, 0));
            }
            passes = known;
        }
        return known;
    }

    Entry entry(int index, byte[] path) {
        Kind kind = kinds()[(int) column(KIND)[index] - 1];
        return entry(path, kind, column(SIZE)[index], column(SECONDS)[index], (int) column(NANOS)[index]);
    }

    private static Entry entry(byte[] path, Kind kind, long size, long seconds, int nanos) {
        FileInfo info = new FileInfo(
                size, kind.mode(), seconds, nanos, 0, 0, kind.uid(), kind.gid(), 0, kind.owner(), kind.group(), 0);
        return Entry.of(path, info, new byte[0], Mac.ZERO, kind.type(), 0, 0, List.of());
    }

    /** The path of a change whose name stands in {@code text}. */
    byte[] path(int index, byte[] text, int from, int to) {
        if (from == to) {
            return SnapshotPath.ROOT;
        }
        int[][] all = folders();
        int folder = folderOf(all, index);
        return SnapshotPath.child(
                Arrays.copyOfRange(bytes, all[0][folder], all[1][folder]), Arrays.copyOfRange(text, from, to));
    }

    /** Whether there are changes directly in a folder. */
    boolean hasFolder(byte[] path) {
        int[][] all = folders();
        for (int i = 0; i < all[0].length; i++) {
            if (isFolder(all, i, path)) {
                return true;
            }
        }
        return false;
    }

    /** Whether the change is directly in a folder. */
    boolean isIn(int index, byte[] path) {
        int[][] all = folders();
        return isFolder(all, folderOf(all, index), path);
    }

    private static int folderOf(int[][] all, int index) {
        int folder = Arrays.binarySearch(all[2], index + 1);
        return folder < 0 ? -folder - 1 : folder;
    }

    private boolean isFolder(int[][] all, int folder, byte[] path) {
        return Arrays.equals(bytes, all[0][folder], all[1][folder], path, 0, path.length);
    }

    private int[][] folders() {
        int[][] known = folders;
        if (known == null) {
            int[] from = new int[16];
            int[] to = new int[16];
            int[] ends = new int[16];
            int count = 0;
            Input in = new Input(bytes, starts[FOLDERS]);
            for (int last = 0; in.at < starts[FOLDERS + 1]; count++) {
                if (count == from.length) {
                    from = Arrays.copyOf(from, 2 * count);
                    to = Arrays.copyOf(to, 2 * count);
                    ends = Arrays.copyOf(ends, 2 * count);
                }
                int length = in.length();
                from[count] = in.at;
                to[count] = in.skip(length);
                last = Math.addExact(last, in.length());
                ends[count] = last;
            }
            known = new int[][] {Arrays.copyOf(from, count), Arrays.copyOf(to, count), Arrays.copyOf(ends, count)};
            folders = known;
        }
        return known;
    }

    private Kind[] kinds() {
        Kind[] known = kinds;
        if (known == null) {
            Input in = new Input(bytes, starts[KINDS]);
            known = new Kind[in.length()];
            for (int i = 0; i < known.length; i++) {
                known[i] = new Kind((int) in.number(), in.text(), in.number(), in.number(), in.text(), in.text());
            }
            kinds = known;
        }
        return known;
    }

    /** The numbers of a column, one a change. */
    private long[] column(int column) {
        long[] known = columns[column];
        if (known == null) {
            known = new long[changes];
            columns[column] = known;
            Input in = new Input(bytes, starts[column]);
            // Numbers of one byte are taken here: C1 would call for each, ten million times.
            byte[] from = bytes;
            int at = in.at;
            for (int i = 0; i < known.length; i++) {
                long value = from[at++];
                if (value < 0) {
                    in.at = at - 1;
                    value = in.number();
                    at = in.at;
                }
                known[i] = value;
            }
            if (column == SECONDS) {
                long seconds = 0;
                for (int i = 0; i < known.length; i++) {
                    seconds += known[i] >>> 1 ^ -(known[i] & 1);
                    known[i] = seconds;
                }
            }
        }
        return known;
    }

    private static final class Input {
        private final byte[] bytes;
        private int at;

        Input(byte[] bytes, int at) {
            this.bytes = bytes;
            this.at = at;
        }

        long number() {
            long value = 0;
            for (int shift = 0; ; shift += 7) {
                byte b = bytes[at++];
                value |= (b & 0x7FL) << shift;
                if (b >= 0) {
                    return value;
                }
                if (shift > 63) {
                    throw new IndexOutOfBoundsException("a number without an end");
                }
            }
        }

        /** A number that cannot be larger than all there is. */
        int length() {
            long value = number();
            if (value < 0 || value > bytes.length) {
                throw new IndexOutOfBoundsException("a length of " + value);
            }
            return (int) value;
        }

        /** Returns where what is skipped ends. */
        int skip(int length) {
            if (length > bytes.length - at) {
                throw new IndexOutOfBoundsException("a length of " + length);
            }
            at += length;
            return at;
        }

        String text() {
            int length = length();
            int end = skip(length);
            return new String(bytes, end - length, length, StandardCharsets.UTF_8);
        }
    }
}
