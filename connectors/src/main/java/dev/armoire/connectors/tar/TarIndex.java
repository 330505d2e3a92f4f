// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ScratchFile;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * What a whole tar file has: of items with the same path the last, as when it is unpacked, and hard links as further names of
 * one file. Some thirty bytes of memory for each item, outside the heap, and forty on the disk. Owns that memory, and a temporary file. For one thread.
 */
final class TarIndex implements AutoCloseable {
    private static final long MAX_XATTR_BYTES = 32L << 20;
    private static final byte[] NONE = {};
    /** Of items; what there is beyond lies in a temporary file. Half a million items take that much. */
    private static final int MEMORY_BYTES = 24 << 20;

    private static final int IMPLIED_MODE = FileMode.DIRECTORY | 0755;

    private final TarFile file;
    private final long device;
    private final ItemList items;
    private final PathTable last =
            new PathTable(this::path, ThreadLocalRandom.current().nextLong());

    /** Places of contents that have had more than one name; sorted, each once, when all is read. */
    private long[] linked = new long[16];

    private int linkedCount;
    /** The items that are names of these in the end, content by content, and where in it each content begins. */
    private int[] names = {};

    private int[] namesFrom = {0};

    /** The items that are there in the end. */
    private final BitSet there = new BitSet();

    private int firstImplied;
    private boolean hasEnd;

    /** What was found the last time, as most items lie beside the one before. */
    private byte[] obstacleFolder = NONE;

    private byte @Nullable [] obstacle;

    /** Receives items. */
    @FunctionalInterface
    interface Visitor {
        /**
         * Takes an item.
         *
         * @param index what it is called in this index
         */
        void item(int index, TarItem item) throws IOException;
    }

    private TarIndex(TarFile file, long device, ScratchFile.@Nullable Folder scratch) {
        items = new ItemList(scratch, MEMORY_BYTES);
        this.file = file;
        this.device = device;
    }

    /**
     * Reads all headers, and all else if that is the only way to get from one to the next. The caller closes it.
     *
     * @param scratch folder for a temporary file, which large archives take; null for none
     * @param device number for files of this archive, so that those of another one are not taken for links to them
     */
    static TarIndex read(TarFile file, long device, ScratchFile.@Nullable Folder scratch) throws IOException {
        TarIndex index = new TarIndex(file, device, scratch);
        boolean isRead = false;
        try (TarStream in = file.open()) {
            index.read(in);
            isRead = true;
            return index;
        } finally {
            if (!isRead) {
                index.close();
            }
        }
    }

    private void read(TarStream in) throws IOException {
        TarReader reader = new TarReader(in);
        long xattrBytes = 0;
        for (TarItem item = reader.next(); item != null; item = reader.next()) {
            for (var xattr : item.xattrs()) {
                xattrBytes += xattr.name().length + xattr.value().length;
            }
            if (xattrBytes > MAX_XATTR_BYTES) {
                throw new IOException("it has more than " + (MAX_XATTR_BYTES >> 20) + " MiB of extended attributes");
            }
            add(item);
            if (Thread.currentThread().isInterrupted()) {
                throw new java.io.InterruptedIOException("interrupted");
            }
        }
        hasEnd = reader.hasEnd();
        in.drain();
        addImplied();
        groupNames();
    }

    private byte[] path(int index) {
        return items.get(index).path();
    }

    private void add(TarItem item) {
        TarItem added = item;
        if (item.problem() == null && item.isHardLink()) {
            int target = last.get(BytePath.clean(BytePath.ROOT, item.linkTarget()));
            TarItem first = target < 0 ? null : items.get(target);
            if (first == null || FileMode.isDirectory(first.info().mode())) {
                added = item.withProblem("left out: a hard link to " + BytePath.text(item.linkTarget())
                        + (first == null ? ", which is not before it" : ", which is a folder"));
            } else {
                // Both become names of the same content: its place in the archive is what they share.
                added = first.as(item.path());
                if (linkedCount == linked.length) {
                    linked = Arrays.copyOf(linked, 2 * linkedCount);
                }
                linked[linkedCount++] = first.contentAt();
            }
        }
        append(added);
    }

    private void append(TarItem item) {
        items.add(item);
        if (item.problem() == null) {
            last.put(item.path(), items.size() - 1);
        }
    }

    /** Adds the folders that items lie in and that are no items themselves, with the time of the archive. */
    private void addImplied() {
        firstImplied = items.size();
        if (last.get(BytePath.ROOT) < 0) {
            append(implied(BytePath.ROOT));
        }
        byte[] known = BytePath.ROOT;
        List<byte[]> missing = new ArrayList<>();
        for (int i = 0; i < firstImplied; i++) {
            TarItem item = items.get(i);
            boolean isThere = item.problem() == null && last.isLast(item.path(), i);
            there.set(i, isThere);
            byte[] folder = BytePath.parent(item.path());
            if (!isThere || Arrays.equals(folder, known)) {
                continue;
            }
            known = folder;
            missing.clear();
            for (; last.get(folder) < 0; folder = BytePath.parent(folder)) {
                missing.add(folder);
            }
            missing.reversed().forEach(path -> append(implied(path)));
        }
    }

    private TarItem implied(byte[] path) {
        Instant modified = file.modified();
        FileInfo info =
                new FileInfo(0, IMPLIED_MODE, modified.getEpochSecond(), modified.getNano(), 0, 0, 0, 0, 1, "", "", 0);
        return new TarItem(path, info, NONE, false, List.of(), 0, 0, null, null, null);
    }

    /** Finds the names that contents with several names have in the end. */
    private void groupNames() {
        linked = Arrays.stream(linked, 0, linkedCount).sorted().distinct().toArray();
        namesFrom = new int[linked.length + 1];
        if (linked.length == 0) {
            return;
        }
        forEachName((content, index) -> namesFrom[content + 1]++);
        for (int i = 1; i < namesFrom.length; i++) {
            namesFrom[i] += namesFrom[i - 1];
        }
        names = new int[namesFrom[linked.length]];
        int[] next = namesFrom.clone();
        forEachName((content, index) -> names[next[content]++] = index);
    }

    @FunctionalInterface
    private interface NameVisitor {
        void name(int content, int index);
    }

    private void forEachName(NameVisitor visitor) {
        for (int i = there.nextSetBit(0); i >= 0; i = there.nextSetBit(i + 1)) {
            int content = Arrays.binarySearch(linked, items.get(i).contentAt());
            if (content >= 0) {
                visitor.name(content, i);
            }
        }
    }

    boolean hasEnd() {
        return hasEnd;
    }

    /** Whether an item is a folder that is not in the archive itself. */
    boolean isImplied(int index) {
        return index >= firstImplied;
    }

    TarItem get(int index) {
        return items.get(index);
    }

    /** Index of the item that has a path in the end, or -1. */
    int find(byte[] path) {
        return last.get(path);
    }

    /** The last thing above a path that is there and no folder, or null. */
    byte @Nullable [] obstacle(byte[] path) {
        byte[] folder = BytePath.parent(path);
        if (!Arrays.equals(folder, obstacleFolder)) {
            obstacleFolder = folder;
            obstacle = null;
            for (byte[] above = folder; above.length > 1 && obstacle == null; above = BytePath.parent(above)) {
                int index = last.get(above);
                if (index >= 0 && !FileMode.isDirectory(items.get(index).info().mode())) {
                    obstacle = above;
                }
            }
        }
        return obstacle;
    }

    /**
     * Goes through all that is there in the end: folders that are made up, the outer ones first; then the items in the order of their
     * bytes, those of one content together, each with its numbers set.
     */
    void forEach(Visitor visitor) throws IOException {
        forEach(visitor, false);
    }

    /** Does the same for the last time, after which only {@link #close} may be called, and gives back memory on the way. */
    void forEachLast(Visitor visitor) throws IOException {
        last.close();
        forEach(visitor, linked.length == 0);
    }

    private void forEach(Visitor visitor, boolean forgets) throws IOException {
        for (int i = firstImplied; i < items.size(); i++) {
            visitor.item(i, items.get(i));
        }
        int content = 0;
        for (int i = there.nextSetBit(0); i >= 0; i = there.nextSetBit(i + 1)) {
            TarItem item = items.get(i);
            if (forgets) {
                items.forgetBefore(i);
            }
            if (Arrays.binarySearch(linked, item.contentAt()) < 0) {
                for (; content < linked.length && linked[content] < item.contentAt(); content++) {
                    forNames(content, visitor);
                }
                visitor.item(i, item);
            }
        }
        for (; content < linked.length; content++) {
            forNames(content, visitor);
        }
    }

    private void forNames(int content, Visitor visitor) throws IOException {
        int count = namesFrom[content + 1] - namesFrom[content];
        for (int i = namesFrom[content]; i < namesFrom[content + 1]; i++) {
            TarItem item = items.get(names[i]);
            visitor.item(names[i], item.withInfo(linked(item.info(), item.contentAt(), count)));
        }
    }

    /** Goes through the items that cannot be taken. */
    void forEachProblem(Visitor visitor) throws IOException {
        for (int i = 0; i < firstImplied; i++) {
            TarItem item = items.get(i);
            if (item.problem() != null) {
                visitor.item(i, item);
            }
        }
    }

    private FileInfo linked(FileInfo info, long contentAt, int count) {
        return new FileInfo(
                info.size(),
                info.mode(),
                info.mtimeSeconds(),
                info.mtimeNanos(),
                device,
                contentAt,
                info.uid(),
                info.gid(),
                count,
                info.username(),
                info.groupname(),
                info.rdev());
    }

    @Override
    public void close() {
        last.close();
        items.close();
    }
}
