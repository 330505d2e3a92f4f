// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a whole tar file has: of items with the same path the last, as when it is unpacked, and hard links as further names of
 * one file. Some three hundred bytes of memory for each item, and what its attributes take.
 */
final class TarIndex {
    private static final long MAX_XATTR_BYTES = 32L << 20;

    private final long device;
    private final List<TarItem> items = new ArrayList<>();
    private final Map<PathKey, Integer> last = new HashMap<>();
    /** Contents that have had more than one name. */
    private final Set<Long> linked = new HashSet<>();

    private boolean hasEnd;

    /**
     * A file of which there may be several names.
     *
     * @param first the item with its bytes
     * @param names its names, each an item with the same content
     */
    record Group(TarItem first, List<TarItem> names) {}

    /** A path in a map; smaller than a ByteBuffer, of which there would be one for each item. */
    private static final class PathKey {
        final byte[] bytes;

        PathKey(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof PathKey key && Arrays.equals(bytes, key.bytes);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(bytes);
        }
    }

    private TarIndex(long device) {
        this.device = device;
    }

    /**
     * Reads all headers, and all else if that is the only way to get from one to the next.
     *
     * @param device number for files of this archive, so that those of another one are not taken for links to them
     */
    static TarIndex read(TarFile file, long device) throws IOException {
        TarIndex index = new TarIndex(device);
        try (TarStream in = file.open()) {
            TarReader reader = new TarReader(in);
            long xattrBytes = 0;
            for (TarItem item = reader.next(); item != null; item = reader.next()) {
                for (var xattr : item.xattrs()) {
                    xattrBytes += xattr.name().length + xattr.value().length;
                }
                if (xattrBytes > MAX_XATTR_BYTES) {
                    throw new IOException(
                            "it has more than " + (MAX_XATTR_BYTES >> 20) + " MiB of extended attributes");
                }
                index.add(item);
                if (Thread.currentThread().isInterrupted()) {
                    throw new java.io.InterruptedIOException("interrupted");
                }
            }
            index.hasEnd = reader.hasEnd();
            in.drain();
        }
        return index;
    }

    private void add(TarItem item) {
        TarItem added = item;
        if (item.problem() == null && item.isHardLink()) {
            Integer target = last.get(new PathKey(BytePath.clean(BytePath.ROOT, item.linkTarget())));
            TarItem first = target == null ? null : items.get(target);
            if (first == null
                    || first.isHardLink()
                    || FileMode.isDirectory(first.info().mode())) {
                added = item.withProblem("left out: a hard link to " + BytePath.text(item.linkTarget())
                        + (first == null ? ", which is not before it" : ", which is a folder"));
            } else {
                // Both become names of the same item: its place in the list is what they share.
                last.put(new PathKey(item.path()), items.size());
                items.add(first.as(item.path()));
                linked.add(first.contentAt());
                return;
            }
        }
        if (added.problem() == null) {
            last.put(new PathKey(added.path()), items.size());
        }
        items.add(added);
    }

    boolean hasEnd() {
        return hasEnd;
    }

    /** Items that cannot be taken. */
    List<TarItem> problems() {
        return items.stream().filter(item -> item.problem() != null).toList();
    }

    private @Nullable TarItem at(byte[] path) {
        Integer index = last.get(new PathKey(path));
        return index == null ? null : items.get(index);
    }

    /** The first thing above a path that is there and no folder, or null. */
    byte @Nullable [] obstacle(byte[] path) {
        for (byte[] above = BytePath.parent(path); above.length > 1; above = BytePath.parent(above)) {
            TarItem item = at(above);
            if (item != null && !FileMode.isDirectory(item.info().mode())) {
                return above;
            }
        }
        return null;
    }

    /** Folders that items lie in and that are no items themselves, the outer ones first. */
    List<byte[]> impliedFolders() {
        Set<PathKey> seen = new HashSet<>();
        List<byte[]> implied = new ArrayList<>();
        List<byte[]> chain = new ArrayList<>();
        for (PathKey path : last.keySet()) {
            chain.clear();
            byte[] at = path.bytes;
            while (at.length > 1) {
                at = BytePath.parent(at);
                if (!seen.add(new PathKey(at))) {
                    break;
                }
                chain.add(at);
            }
            for (byte[] folder : chain.reversed()) {
                if (at(folder) == null) {
                    implied.add(folder);
                }
            }
        }
        if (seen.add(new PathKey(BytePath.ROOT)) && at(BytePath.ROOT) == null) {
            implied.addFirst(BytePath.ROOT);
        }
        return implied;
    }

    /** All that is there in the end, in the order of the bytes: items of one content together, each with its numbers set. */
    List<Group> groups() {
        Map<Long, List<TarItem>> byContent = new HashMap<>();
        List<Group> groups = new ArrayList<>();
        for (int i = 0; i < items.size(); i++) {
            TarItem item = items.get(i);
            Integer winner = item.problem() == null ? last.get(new PathKey(item.path())) : null;
            if (winner == null || winner != i) {
                continue;
            }
            if (linked.contains(item.contentAt())) {
                byContent
                        .computeIfAbsent(item.contentAt(), key -> new ArrayList<>())
                        .add(item);
            } else {
                groups.add(new Group(item, List.of(item)));
            }
        }
        byContent.forEach((contentAt, names) -> {
            List<TarItem> numbered = names.stream()
                    .map(item -> item.withInfo(linked(item.info(), contentAt, names.size())))
                    .toList();
            groups.add(new Group(numbered.getFirst(), numbered));
        });
        groups.sort(Comparator.comparingLong(group -> group.first().contentAt()));
        return groups;
    }

    private FileInfo linked(FileInfo info, long contentAt, int names) {
        return new FileInfo(
                info.size(),
                info.mode(),
                info.mtimeSeconds(),
                info.mtimeNanos(),
                device,
                contentAt,
                info.uid(),
                info.gid(),
                names,
                info.username(),
                info.groupname(),
                info.rdev());
    }
}
