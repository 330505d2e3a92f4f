// SPDX-License-Identifier: ISC
package dev.armoire.engine.history;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.history.BlobGraph.Below;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.index.BlobLocation;
import dev.armoire.index.MacSet;
import dev.armoire.index.MacTable;
import dev.armoire.packfile.ResourceType;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Bytes in packfiles that files of one snapshot take, by folder or by type: their entries and contents, not the trees above
 * them. Something is unique to a group when neither another group nor another snapshot needs it. Memory is off-heap, some
 * 64 bytes a blob. For one thread.
 */
public final class FileUsage implements AutoCloseable {
    private static final int OWNER = 0;
    private static final int LENGTH = 1;
    private static final int SHARED = -1;
    /** The owner of all that other snapshots need. */
    private static final int OTHERS = 1;
    /** The number of the first group. */
    private static final int FIRST = 2;

    /** Makes keys of different groups different: an odd number of 64 random-looking bits. */
    private static final long GROUP_FACTOR = 0x9E3779B97F4A7C15L;

    /** How files are put together. */
    public enum Grouping {
        FOLDER,
        TYPE
    }

    /** What the files of one group take. */
    public static final class Group {
        private final byte[] path;
        private final String name;
        private final int number;
        private long files;
        private long logicalBytes;
        private long storedBytes;
        private long uniqueBytes;

        private Group(byte[] path, String name, int number) {
            this.path = path;
            this.name = name;
            this.number = number;
        }

        /** The folder, or the file directly in the place that was asked for; empty for a type. */
        public byte[] path() {
            return path.clone();
        }

        /** The type; empty for a folder. */
        public String name() {
            return name;
        }

        /** All but folders. */
        public long files() {
            return files;
        }

        public long logicalBytes() {
            return logicalBytes;
        }

        public long storedBytes() {
            return storedBytes;
        }

        public long uniqueBytes() {
            return uniqueBytes;
        }

        public long sharedBytes() {
            return storedBytes - uniqueBytes;
        }
    }

    private final Repository repository;
    private final BlobReader reader;
    private final BlobGraph graph;
    private final BiConsumer<SnapshotHeader, CorruptDataException> damage;
    private final MacTable table = new MacTable(2);
    private final MacSet seen = new MacSet();
    private SnapshotHeader header;
    private @Nullable Group group;

    private FileUsage(
            Repository repository, SnapshotHeader header, BiConsumer<SnapshotHeader, CorruptDataException> damage) {
        this.repository = repository;
        this.header = header;
        this.damage = damage;
        this.reader = repository.newReader();
        this.graph = new BlobGraph(repository, reader);
    }

    /**
     * What the groups of files at and below a path take: folders in the order of their names, types in that of what they store.
     *
     * @param start a folder, or a file, which then is the only group
     * @param others all other snapshots
     * @param damage told of each blob that cannot be followed
     */
    public static List<Group> of(
            Repository repository,
            SnapshotHeader header,
            Entry start,
            Grouping grouping,
            List<SnapshotHeader> others,
            BiConsumer<SnapshotHeader, CorruptDataException> damage) {
        try (FileUsage usage = new FileUsage(repository, header, damage)) {
            for (SnapshotHeader other : others) {
                usage.header = other;
                other.sources().forEach(part -> usage.graph.forEachFileRoot(part, usage::enterOther));
            }
            usage.header = header;
            Map<String, Group> groups = new LinkedHashMap<>();
            usage.addAll(start, grouping, groups);
            return usage.finish(groups, grouping);
        }
    }

    private List<Group> finish(Map<String, Group> groups, Grouping grouping) {
        List<Group> all = new ArrayList<>(groups.values());
        table.forEach((type, slot) -> {
            int only = table.get(slot, OWNER);
            if (only >= FIRST) {
                all.get(only - FIRST).uniqueBytes += Integer.toUnsignedLong(table.get(slot, LENGTH));
            }
        });
        if (grouping == Grouping.TYPE) {
            all.sort(Comparator.comparingLong(Group::storedBytes).reversed());
        }
        return all;
    }

    private void enterOther(int type, Mac mac, long plainBytes, Below below) {
        long slot = table.slot(type, mac);
        if (table.get(slot, OWNER) == 0) {
            table.set(slot, OWNER, OTHERS);
            descend(mac, below, this::enterOther);
        }
    }

    private void descend(Mac mac, Below below, BlobGraph.Visitor visitor) {
        if (Thread.currentThread().isInterrupted()) {
            throw new PipelineAbortedException();
        }
        try {
            below.forEach(mac, visitor);
        } catch (CorruptDataException e) {
            damage.accept(header, e);
        }
    }

    /** One place of the walk: a folder, and the group that it is in, or null while each of its children is one. */
    private record Step(byte[] path, @Nullable Group group) {}

    private void addAll(Entry start, Grouping grouping, Map<String, Group> groups) {
        Snapshot snapshot = Snapshot.of(header, reader);
        Deque<Step> open = new ArrayDeque<>();
        if (start.isDirectory()) {
            open.push(new Step(start.path(), null));
        } else {
            Mac mac = snapshot.vfs().find(start.path());
            if (mac != null) {
                add(start, mac, grouping, null, groups);
            }
        }
        while (!open.isEmpty()) {
            Step step = open.pop();
            List<Child> children = new ArrayList<>();
            try {
                snapshot.forEachChild(
                        step.path,
                        (entry, mac) -> children.add(new Child(entry, mac)),
                        (path, e) -> damage.accept(header, e));
            } catch (CorruptDataException e) {
                damage.accept(header, e);
            }
            for (Child child : children) {
                Group into = add(child.entry, child.mac, grouping, step.group, groups);
                if (child.entry.isDirectory()) {
                    open.push(new Step(child.entry.path(), into));
                }
            }
        }
    }

    private record Child(Entry entry, Mac mac) {}

    /** Counts an entry and all it needs; returns the group that what is below it belongs to. */
    private @Nullable Group add(
            Entry entry, Mac mac, Grouping grouping, @Nullable Group inherited, Map<String, Group> groups) {
        Group into = inherited;
        if (grouping == Grouping.TYPE) {
            if (entry.isDirectory()) {
                return null;
            }
            String type = mediaType(entry.contentType());
            into = groups.computeIfAbsent(type, key -> new Group(new byte[0], type, groups.size() + FIRST));
        } else if (into == null) {
            into = new Group(entry.path(), "", groups.size() + FIRST);
            groups.put(Integer.toString(into.number), into);
        }
        if (!entry.isDirectory()) {
            into.files++;
        }
        if (entry.isRegular()) {
            into.logicalBytes += entry.info().size();
        }
        group = into;
        count(ResourceType.VFS_ENTRY, mac, 0, graph.entries());
        return into;
    }

    private static String mediaType(String contentType) {
        int semicolon = contentType.indexOf(';');
        return (semicolon < 0 ? contentType : contentType.substring(0, semicolon)).strip();
    }

    private void count(int type, Mac mac, long plainBytes, Below below) {
        Group into = group;
        if (into == null
                || !seen.add(type, new Mac(mac.w0() ^ into.number * GROUP_FACTOR, mac.w1(), mac.w2(), mac.w3()))) {
            return;
        }
        BlobLocation place = repository.index().find(type, mac);
        if (place == null) {
            damage.accept(
                    header,
                    new CorruptDataException(
                            ResourceType.name(type) + ' ' + mac.shortHex() + " is in no packfile of this store"));
            return;
        }
        into.storedBytes += place.length();
        long slot = table.slot(type, mac);
        int owner = table.get(slot, OWNER);
        if (owner == 0) {
            table.set(slot, OWNER, into.number);
            table.set(slot, LENGTH, (int) place.length());
        } else if (owner != into.number) {
            table.set(slot, OWNER, SHARED);
        }
        descend(mac, below, this::count);
    }

    @Override
    public void close() {
        reader.close();
        table.close();
        seen.close();
    }
}
