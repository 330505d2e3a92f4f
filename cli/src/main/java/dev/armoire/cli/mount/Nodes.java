// SPDX-License-Identifier: ISC
package dev.armoire.cli.mount;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The inodes that the kernel knows, until it forgets them. A number follows from the snapshot and the path, or for a file with
 * several names from the inode that it was; so it is the same in every mount. Thread-safe.
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
     */
    record Place(
            @Nullable SnapshotHeader header,
            byte[] path,
            @Nullable Link link) {
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
        long lookups;

        Node(Place place) {
            this.place = place;
        }
    }

    private final Map<Long, Node> known = new HashMap<>();
    private final Place root;

    Nodes(Place root) {
        this.root = root;
    }

    /** What a number means. */
    synchronized @Nullable Place find(long id) {
        if (id == ROOT) {
            return root;
        }
        Node node = known.get(id);
        return node == null ? null : node.place;
    }

    /** The kernel is told of this once more; returns its number. */
    synchronized long retain(Place place) {
        for (long id = place.number(); ; id++) {
            Node node = known.computeIfAbsent(id, _ -> new Node(place));
            if (node.place.isSameInode(place)) {
                node.lookups++;
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
            }
        }
    }

    synchronized int size() {
        return known.size();
    }

    static Place place(SnapshotHeader header, Entry entry) {
        return new Place(Objects.requireNonNull(header), entry.path(), Link.of(entry));
    }
}
