// SPDX-License-Identifier: ISC
package dev.armoire.cli.mount;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The inodes that the kernel knows, until it forgets them. A number follows from the snapshot and the path, or for a file with
 * several names from the inode that it was; so it is the same in every mount. Thread-safe.
 *
 * <p>The kernel remembers as much as it has memory for, which may be more than we have: {@link #awaitTooMany} tells what it should be
 * asked to forget.
 */
final class Nodes {
    static final long ROOT = 1;

    /** What makes several names one file: all of it must be the same, so that no two contents are ever taken for one. */
    record Link(long dev, long ino, Mac object) {
        static @Nullable Link of(Entry entry) {
            FileInfo info = entry.info();
            return FileMode.isRegular(info.mode()) && info.nlink() > 1 && info.ino() != 0
                    ? new Link(info.dev(), info.ino(), entry.object())
                    : null;
        }
    }

    /**
     * Something that can be looked at.
     *
     * @param header its snapshot; null for the list of snapshots
     * @param link for a file with several names, of which {@code path} is one
     * @param mayHaveXattrs false when it is known to have no extended attributes, which programs ask for all the time
     */
    record Place(
            @Nullable SnapshotHeader header,
            byte[] path,
            @Nullable Link link,
            boolean mayHaveXattrs) {
        private boolean isSameInode(Place other) {
            return Objects.equals(header, other.header)
                    && (link == null ? other.link == null && Arrays.equals(path, other.path) : link.equals(other.link));
        }

        /** The number that this should have. Bit 62 is set, so that it is never one of the few with a meaning. */
        long number() {
            long hash = header == null ? 0 : header.identifier().w0();
            if (link != null) {
                hash = mix(mix(mix(hash + link.dev) + link.ino) + link.object.w0());
            } else {
                for (byte b : path) {
                    hash = (hash ^ (b & 0xff)) * 0x100000001b3L; // FNV-1a
                }
            }
            return mix(hash) & Long.MAX_VALUE | 1L << 62;
        }

        private static long mix(long hash) { // the end of MurmurHash3
            long mixed = (hash ^ hash >>> 33) * 0xff51afd7ed558ccdL;
            mixed = (mixed ^ mixed >>> 33) * 0xc4ceb9fe1a85ec53L;
            return mixed ^ mixed >>> 33;
        }
    }

    private static final class Node {
        final Place place;
        final long parent;
        final boolean isFolder;
        long lookups;
        /** Whether it stands in line to be forgotten. */
        boolean isQueued;

        Node(Place place, long parent, boolean isFolder) {
            this.place = place;
            this.parent = parent;
            this.isFolder = isFolder;
        }
    }

    /** Something that the kernel may be asked to forget. */
    record Forgettable(long parent, byte[] name) {}

    private final Map<Long, Node> known = new HashMap<>();
    /** What is no folder, the oldest first. */
    private final Deque<Long> oldest = new ArrayDeque<>();

    private final Place root;
    private final int most;

    /** @param most how many there may be before the kernel should be asked to forget some */
    Nodes(Place root, int most) {
        this.root = root;
        this.most = most;
    }

    /** What a number means. */
    synchronized @Nullable Place find(long id) {
        if (id == ROOT) {
            return root;
        }
        Node node = known.get(id);
        return node == null ? null : node.place;
    }

    /** The kernel is told of this once more, in a folder; returns its number. */
    synchronized long retain(Place place, long parent, boolean isFolder) {
        for (long id = place.number(); ; id++) {
            Node node = known.computeIfAbsent(id, _ -> new Node(place, parent, isFolder));
            if (node.place.isSameInode(place)) {
                node.lookups++;
                if (!node.isFolder && !node.isQueued) {
                    node.isQueued = true;
                    oldest.add(id);
                }
                if (known.size() > most) {
                    notifyAll();
                }
                return id;
            }
        }
    }

    /** The kernel has forgotten that it was told so many times. */
    synchronized void forget(long id, long lookups) {
        Node node = known.get(id);
        if (node != null) {
            node.lookups -= lookups;
            if (node.lookups <= 0) {
                known.remove(id);
                if (oldest.size() > 2 * most) { // of those that are known no more
                    oldest.removeIf(old -> !known.containsKey(old));
                }
            }
        }
    }

    /**
     * Waits until there are too many, and gives those that are to go first. Folders stay: whoever is in one must find it again.
     * So does what is in use, however often it is asked for.
     */
    synchronized List<Forgettable> awaitTooMany() throws InterruptedException {
        while (known.size() <= most || oldest.isEmpty()) {
            wait();
        }
        List<Forgettable> some = new ArrayList<>();
        for (int wanted = Math.max(1, most / 8); wanted > 0 && !oldest.isEmpty(); wanted--) {
            Node node = known.get(oldest.remove());
            if (node != null) {
                node.isQueued = false;
                some.add(new Forgettable(node.parent, SnapshotPath.name(node.place.path)));
            }
        }
        return some;
    }

    synchronized int size() {
        return known.size();
    }

    static Place place(SnapshotHeader header, Entry entry) {
        boolean mayHaveXattrs = !entry.xattrNames().isEmpty();
        return new Place(Objects.requireNonNull(header), entry.path(), Link.of(entry), mayHaveXattrs);
    }
}
