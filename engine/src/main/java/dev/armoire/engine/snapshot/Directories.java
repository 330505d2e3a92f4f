// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.Summary;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The directories of a snapshot that is being made. Each holds its name and the directory it lies in, not its path: the
 * paths of ten thousand nested directories are half a gigabyte. Directories may be looked up and made by many threads; the
 * lists are for when no more are made.
 */
final class Directories {
    private final Map<Place, Directory> known = new ConcurrentHashMap<>();
    private final Directory root = new Directory();
    /** Where a lookup begins: what comes next is mostly near to what came last. */
    private volatile Found last = new Found(SnapshotPath.ROOT, 0, root);

    /** A directory and its path, the first bytes of one that it was asked for with. */
    private record Found(byte[] path, int length, Directory directory) {}

    private record Place(Directory parent, byte[] name) {
        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Place place && parent == place.parent && Arrays.equals(name, place.name);
        }

        @Override
        public int hashCode() {
            return 31 * parent.hash + Arrays.hashCode(name);
        }
    }

    /** A directory; of the millions of entries these few are on the heap. */
    static final class Directory {
        /** That of the root is the root. */
        final Directory parent;

        private final byte[] name;
        private final int hash;
        private final int pathBytes;
        private int subdirectories;
        private @Nullable Directory lastSubdirectory;
        private @Nullable Directory previousSibling;

        long lastChild = ScanLog.NONE;
        int children;
        volatile boolean hasEntry;
        long errors;
        /** Sub-directories that are not gathered yet. */
        final AtomicInteger waitingFor = new AtomicInteger();

        @Nullable
        Summary summary;

        Mac dirpack = Mac.ZERO;
        Mac summaryMac = Mac.ZERO;
        long runPosition;
        long runBytes;

        Directory() {
            parent = this;
            name = new byte[0];
            hash = 0;
            pathBytes = 0;
        }

        private Directory(Place place) {
            parent = place.parent;
            name = place.name;
            hash = place.hashCode();
            pathBytes = Math.addExact(parent.pathBytes, 1 + name.length);
        }

        private boolean isRoot() {
            return parent == this;
        }

        /** Length of {@link #path} in bytes. */
        int pathLength() {
            return isRoot() ? SnapshotPath.ROOT.length : pathBytes;
        }

        /** The whole path, made anew for each call. */
        byte[] path() {
            if (isRoot()) {
                return SnapshotPath.ROOT;
            }
            byte[] path = new byte[pathBytes];
            for (Directory at = this; !at.isRoot(); at = at.parent) {
                path[at.parent.pathBytes] = '/';
                System.arraycopy(at.name, 0, path, at.parent.pathBytes + 1, at.name.length);
            }
            return path;
        }

        /** How many directories lie in this one. */
        int subdirectories() {
            return subdirectories;
        }

        private synchronized void link(Directory child) {
            child.previousSibling = lastSubdirectory;
            lastSubdirectory = child;
            subdirectories++;
        }

        private List<Directory> listed() {
            List<Directory> list = new ArrayList<>(subdirectories);
            for (Directory at = lastSubdirectory; at != null; at = at.previousSibling) {
                list.add(at);
            }
            return list;
        }
    }

    Directory root() {
        return root;
    }

    /** The directory of a clean path; it and those above it are made where they are missing. */
    Directory at(byte[] path) {
        return at(path, SnapshotPath.isRoot(path) ? 0 : path.length);
    }

    /** The directory that a clean path lies in, as {@link #at} gives it. */
    Directory parentOf(byte[] path) {
        int slash = path.length - 1;
        while (slash > 0 && path[slash] != '/') {
            slash--;
        }
        return at(path, slash);
    }

    /** A directory in another one; null when there is none of this name. */
    @Nullable
    Directory find(Directory parent, byte[] name) {
        return known.get(new Place(parent, name));
    }

    private Directory at(byte[] path, int length) {
        if (length > 0 && path[0] != '/') {
            throw new IllegalArgumentException("path that is not absolute: " + SnapshotPath.display(path));
        }
        Found near = last;
        int same = Arrays.mismatch(path, 0, length, near.path, 0, near.length);
        if (same < 0) {
            return near.directory;
        }
        Directory at = near.directory;
        while (at.pathBytes > same || at.pathBytes < length && path[at.pathBytes] != '/') {
            at = at.parent;
        }
        for (int slash = at.pathBytes; slash < length; slash = at.pathBytes) {
            int end = slash + 1;
            while (end < length && path[end] != '/') {
                end++;
            }
            at = child(at, Arrays.copyOfRange(path, slash + 1, end));
        }
        last = new Found(path, length, at);
        return at;
    }

    private Directory child(Directory parent, byte[] name) {
        Place place = new Place(parent, name);
        Directory there = known.get(place);
        if (there != null) {
            return there;
        }
        return known.computeIfAbsent(place, missing -> {
            Directory made = new Directory(missing);
            parent.link(made);
            return made;
        });
    }

    /** All, in the order of the VFS tree's keys: fewer slashes first, then by the bytes of "path/". */
    List<Directory> byDepth() {
        List<Directory> all = new ArrayList<>(known.size() + 1);
        all.add(root);
        for (int i = 0; i < all.size(); i++) {
            List<Directory> next = all.get(i).listed();
            next.sort((a, b) -> compare(a.name, true, b.name, true));
            all.addAll(next);
        }
        return all;
    }

    /** All, in the order of their paths' bytes, which sets "/a-b" between "/a" and "/a/x". */
    List<Directory> byPath() {
        List<Directory> all = new ArrayList<>(known.size() + 1);
        all.add(root);
        Deque<Level> levels = new ArrayDeque<>();
        levels.push(new Level(root));
        while (!levels.isEmpty()) {
            Level level = levels.peek();
            if (level.next == level.items.size()) {
                levels.pop();
                continue;
            }
            Item item = level.items.get(level.next++);
            if (item.isBelow) {
                levels.push(new Level(item.directory));
            } else {
                all.add(item.directory);
            }
        }
        return all;
    }

    /** A directory, or else what lies below it. */
    private record Item(Directory directory, boolean isBelow) {}

    private static final class Level {
        private final List<Item> items = new ArrayList<>();
        private int next;

        Level(Directory directory) {
            for (Directory child : directory.listed()) {
                items.add(new Item(child, false));
                if (child.subdirectories > 0) {
                    items.add(new Item(child, true));
                }
            }
            items.sort((a, b) -> compare(a.directory.name, a.isBelow, b.directory.name, b.isBelow));
        }
    }

    /** Compares names as unsigned bytes, each with a slash at its end if so told. */
    private static int compare(byte[] a, boolean slashA, byte[] b, boolean slashB) {
        int same = Arrays.mismatch(a, b);
        if (same >= 0 && same < a.length && same < b.length) {
            return Byte.compareUnsigned(a[same], b[same]);
        }
        int at = Math.min(a.length, b.length);
        return Integer.compare(byteAt(a, slashA, at), byteAt(b, slashB, at));
    }

    private static int byteAt(byte[] name, boolean slash, int at) {
        if (at < name.length) {
            return name[at] & 0xff;
        }
        return slash ? '/' : -1;
    }
}
