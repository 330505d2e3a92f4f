// SPDX-License-Identifier: ISC
package dev.armoire.engine.search;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.EntryHeads;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.snapshot.BlobSource;
import dev.armoire.engine.snapshot.Dirpack;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.engine.snapshot.TreeKind;
import dev.armoire.engine.snapshot.TreeReader;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What a snapshot has that the one before it had not, and the other way round, by the listings of folders: those of which both
 * have the same are not read. Without one before it, all that it has.
 */
final class SnapshotChanges {
    private static final int SAMPLED_FOLDERS = 64;

    private final BlobSource source;
    private final Sink sink;
    /** Sums over the paths of folders, by entries and by listings: each folder must have a listing. */
    private long folderSum;

    /** Receives changes, the folders in the order of their paths and names in theirs. */
    @FunctionalInterface
    interface Sink {
        /**
         * Takes a change.
         *
         * @param entry null where there is none any more
         */
        void change(byte[] folder, byte[] name, @Nullable Entry entry) throws IOException;
    }

    private SnapshotChanges(BlobSource source, Sink sink) {
        this.source = source;
        this.sink = sink;
    }

    /** Whether the snapshot has listings; those of Plakar 1.0 have none. */
    static boolean canCompare(SnapshotHeader header) {
        return header.source().index(SnapshotHeader.DIRPACK_INDEX).isPresent();
    }

    /**
     * Whether at least half of the folders of one snapshot are in the other, too. Of those that are not, and may only by chance come from the
     * same kind of source, the one is no way to tell the other.
     *
     * @throws CorruptDataException when one of them is damaged
     */
    static boolean areAlike(SnapshotHeader before, SnapshotHeader after, BlobSource source) throws IOException {
        Mac oldIndex = index(before);
        Mac newIndex = index(after);
        if (oldIndex.equals(newIndex)) {
            return true;
        }
        TreeReader.Cursor old = new TreeReader(TreeKind.INDEX, source, oldIndex).cursor();
        TreeReader.Cursor now = new TreeReader(TreeKind.INDEX, source, newIndex).cursor();
        boolean hasOld = old.next();
        boolean hasNow = now.next();
        long all = 0;
        long common = 0;
        while (hasNow) {
            int order = hasOld ? Arrays.compareUnsigned(old.key(), now.key()) : 1;
            if (order >= 0) {
                all++;
                hasNow = now.next();
            }
            if (order == 0) {
                common++;
            }
            if (order <= 0) {
                hasOld = old.next();
            }
            if (all == SAMPLED_FOLDERS && 2 * common >= all) {
                return true; // so that what is alike, as nearly all are, is not gone through twice
            }
        }
        return 2 * common >= all;
    }

    /**
     * Finds the changes.
     *
     * @throws CorruptDataException when one of them is damaged, or is not as a walk would find it
     */
    static void between(@Nullable SnapshotHeader before, SnapshotHeader after, BlobSource source, Sink sink)
            throws IOException {
        new SnapshotChanges(source, sink).compare(before, after);
    }

    private void compare(@Nullable SnapshotHeader before, SnapshotHeader after) throws IOException {
        root(before, after);
        Mac oldIndex = before == null ? Mac.ZERO : index(before);
        Mac newIndex = index(after);
        if (oldIndex.equals(newIndex)) {
            return;
        }
        TreeReader.Cursor old = oldIndex.isZero() ? null : new TreeReader(TreeKind.INDEX, source, oldIndex).cursor();
        TreeReader.Cursor now = new TreeReader(TreeKind.INDEX, source, newIndex).cursor();
        boolean hasOld = old != null && old.next();
        boolean hasNow = now.next();
        while (hasOld || hasNow) {
            int order = !hasOld || old == null ? 1 : !hasNow ? -1 : Arrays.compareUnsigned(old.key(), now.key());
            if (order < 0 && old != null) {
                folderSum += hash(old.key());
                listing(old.key(), old.value(), null);
                hasOld = old.next();
            } else if (order > 0) {
                folderSum -= hash(now.key());
                listing(now.key(), null, now.value());
                hasNow = now.next();
            } else if (old != null) {
                if (!old.value().equals(now.value())) {
                    listing(now.key(), old.value(), now.value());
                }
                hasOld = old.next();
                hasNow = now.next();
            }
        }
        if (folderSum != 0) {
            throw new CorruptDataException("its folders and their listings do not belong together");
        }
    }

    private static Mac index(SnapshotHeader header) {
        return header.source()
                .index(SnapshotHeader.DIRPACK_INDEX)
                .orElseThrow(() -> new CorruptDataException("it has no listings"));
    }

    /** The root is in no listing. */
    private void root(@Nullable SnapshotHeader before, SnapshotHeader after) throws IOException {
        Entry entry = Snapshot.of(after, source).find(SnapshotPath.ROOT);
        if (entry == null || !entry.isDirectory()) {
            throw new CorruptDataException("it has no root directory");
        }
        if (before == null) {
            folderSum += hash(SnapshotPath.ROOT);
        }
        sink.change(SnapshotPath.ROOT, SnapshotPath.ROOT, entry);
    }

    private void listing(byte[] folder, @Nullable Mac before, @Nullable Mac after) throws IOException {
        try (Listing old = before == null ? null : new Listing(folder, before);
                Listing now = after == null ? null : new Listing(folder, after)) {
            boolean hasOld = old != null && old.next();
            boolean hasNow = now != null && now.next();
            while (hasOld || hasNow) {
                int order = !hasOld || old == null
                        ? 1
                        : !hasNow || now == null ? -1 : Arrays.compareUnsigned(old.name, now.name);
                if (order < 0 && old != null) {
                    removed(folder, old);
                    sink.change(folder, old.name, null);
                    hasOld = old.next();
                } else if (order > 0 && now != null) {
                    added(folder, now);
                    hasNow = now.next();
                } else if (old != null && now != null) {
                    if (!old.mac().equals(now.mac())) {
                        removed(folder, old);
                        added(folder, now);
                    }
                    hasOld = old.next();
                    hasNow = now.next();
                }
            }
        }
    }

    private void removed(byte[] folder, Listing at) {
        if (at.isDirectory()) {
            folderSum -= hash(SnapshotPath.child(folder, at.name));
        }
    }

    private void added(byte[] folder, Listing at) throws IOException {
        Entry entry = at.entry();
        if (!Arrays.equals(entry.parentPath(), folder) || !Arrays.equals(entry.name(), at.name)) {
            throw new CorruptDataException("the listing of " + SnapshotPath.display(folder)
                    + " holds an entry of elsewhere, " + SnapshotPath.display(entry.path()));
        }
        if (entry.isDirectory()) {
            folderSum += hash(entry.path());
        }
        sink.change(folder, at.name, entry);
    }

    /** 64 well mixed bits. */
    private static long hash(byte[] path) {
        long hash = path.length;
        for (byte b : path) {
            hash = (hash ^ b & 0xff) * 0x9E3779B97F4A7C15L;
            hash ^= hash >>> 29;
        }
        return hash ^ hash >>> 32;
    }

    /** Steps through one listing. */
    private final class Listing implements AutoCloseable {
        private final EntryHeads heads;
        private final Dirpack.Frames frames;
        private byte[] name = {};
        private Dirpack.@Nullable Frame frame;

        Listing(byte[] folder, Mac object) {
            heads = new EntryHeads(folder);
            frames = Dirpack.read(source, object);
        }

        boolean next() {
            if (!frames.hasNext()) {
                return false;
            }
            Dirpack.Frame read = frames.next();
            frame = read;
            MemorySegment found = heads.name(read.bytes());
            byte[] next = found == null ? read.entry().name() : found.toArray(JAVA_BYTE);
            if (!Snapshot.isName(next) || name.length > 0 && Arrays.compareUnsigned(next, name) <= 0) {
                throw new CorruptDataException("a listing has " + SnapshotPath.display(next) + " out of its place");
            }
            name = next;
            return true;
        }

        private Dirpack.Frame frame() {
            if (frame == null) {
                throw new IllegalStateException("before the first");
            }
            return frame;
        }

        Mac mac() {
            return frame().mac();
        }

        Entry entry() {
            return frame().entry();
        }

        boolean isDirectory() {
            return entry().isDirectory();
        }

        @Override
        public void close() {
            frames.close();
        }
    }
}
