// SPDX-License-Identifier: ISC
package dev.armoire.engine.history;

import dev.armoire.connectors.spi.FileMode;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.search.SearchIndex;
import dev.armoire.engine.snapshot.BlobSource;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.Snapshot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The versions of one path over snapshots. Snapshots of different sources are different histories: that another host or
 * another folder lacks a path does not mean that it was removed.
 */
public final class FileHistory {
    /** In what a version differs from the one before. */
    public enum Change {
        ADDED,
        REMOVED,
        CONTENT,
        TYPE,
        LINK,
        MODE,
        OWNER,
        TIME,
        ATTRIBUTES
    }

    /**
     * What a path was in a row of snapshots of one source.
     *
     * @param entry null where it was not there
     * @param content identity of a regular file's content, or of a folder's listing; null where there is none
     * @param changes against the version before
     * @param first the first snapshot of the row
     * @param last the last one
     * @param snapshots how many
     */
    public record Version(
            byte[] path,
            @Nullable Entry entry,
            @Nullable Mac content,
            Set<Change> changes,
            SnapshotHeader first,
            SnapshotHeader last,
            int snapshots) {
        private Version upTo(SnapshotHeader header) {
            return new Version(path, entry, content, changes, first, header, snapshots + 1);
        }
    }

    /** Snapshots with these in common are states of the same thing. */
    private record Line(String type, String origin, String root) {
        static Line of(SnapshotHeader header) {
            SnapshotHeader.Source source = header.source();
            return new Line(source.type(), source.origin(), SnapshotPath.display(source.directory()));
        }
    }

    private final BlobSource source;
    private final BiConsumer<SnapshotHeader, CorruptDataException> damage;
    private final boolean onlyContent;
    private final @Nullable SearchIndex index;

    /**
     * @param damage told of each snapshot in which the path cannot be looked up; the history goes on without it
     * @param onlyContent whether changes of metadata make no version
     * @param index tells in which snapshots nothing has changed, so that they are not looked into; null for none
     */
    public FileHistory(
            BlobSource source,
            BiConsumer<SnapshotHeader, CorruptDataException> damage,
            boolean onlyContent,
            @Nullable SearchIndex index) {
        this.source = source;
        this.damage = damage;
        this.onlyContent = onlyContent;
        this.index = index;
    }

    /**
     * The versions of a path, newest first.
     *
     * @param path absolute, or below the root of each snapshot
     */
    public List<Version> of(byte[] path, List<SnapshotHeader> headers) {
        Map<Line, List<SnapshotHeader>> lines = new LinkedHashMap<>();
        for (SnapshotHeader header : headers) {
            lines.computeIfAbsent(Line.of(header), key -> new ArrayList<>()).add(header);
        }
        List<Version> all = new ArrayList<>();
        for (List<SnapshotHeader> line : lines.values()) {
            line.sort(Comparator.comparing(SnapshotHeader::timestamp).thenComparing(SnapshotHeader::identifier));
            all.addAll(line(path, line));
        }
        all.sort(Comparator.comparing((Version version) -> version.first().timestamp())
                .reversed());
        return all;
    }

    private List<Version> line(byte[] path, List<SnapshotHeader> oldestFirst) {
        List<Version> versions = new ArrayList<>();
        @Nullable Version current = null;
        Mac tree = Mac.ZERO;
        Mac last = Mac.ZERO;
        byte[] absolute = Snapshot.of(oldestFirst.getFirst(), source).resolve(path);
        SearchIndex.@Nullable PathChanges known = index == null ? null : index.changesAt(absolute);
        for (SnapshotHeader header : oldestFirst) {
            boolean isSame =
                    header.source().vfs().equals(tree) || known != null && known.areSame(last, header.identifier());
            if (current != null && isSame) {
                current = current.upTo(header);
                last = header.identifier();
                continue;
            }
            Version next;
            try {
                next = version(path, header, current);
            } catch (CorruptDataException e) {
                damage.accept(header, e);
                continue;
            }
            tree = header.source().vfs();
            last = header.identifier();
            if (next.changes.isEmpty() && current != null) {
                current = current.upTo(header);
            } else if (current != null || next.entry != null) {
                if (current != null) {
                    versions.add(current);
                }
                current = next;
            }
        }
        if (current != null) {
            versions.add(current);
        }
        return versions;
    }

    private Version version(byte[] path, SnapshotHeader header, @Nullable Version before) {
        Snapshot snapshot = Snapshot.of(header, source);
        byte[] absolute = snapshot.resolve(path);
        Entry entry = snapshot.find(absolute);
        Entry old = before == null ? null : before.entry;
        Mac content;
        if (entry == null) {
            content = null;
        } else if (entry.isDirectory()) {
            content = snapshot.listing(absolute);
        } else if (entry.object().isZero()) {
            content = null;
        } else if (before != null && old != null && old.object().equals(entry.object())) {
            content = before.content;
        } else {
            content = ObjectReader.record(source, entry.object()).contentMac();
        }
        Set<Change> changes = before == null && entry == null
                ? Set.of()
                : changes(old, before == null ? null : before.content, entry, content);
        if (onlyContent) {
            changes.removeAll(EnumSet.of(Change.MODE, Change.OWNER, Change.TIME, Change.ATTRIBUTES));
        }
        return new Version(absolute, entry, content, changes, header, header, 1);
    }

    private static Set<Change> changes(
            @Nullable Entry old, @Nullable Mac oldContent, @Nullable Entry entry, @Nullable Mac content) {
        if (entry == null) {
            return old == null ? EnumSet.noneOf(Change.class) : EnumSet.of(Change.REMOVED);
        }
        if (old == null) {
            return EnumSet.of(Change.ADDED);
        }
        Set<Change> changes = EnumSet.noneOf(Change.class);
        int mode = old.info().mode() ^ entry.info().mode();
        if ((mode & FileMode.TYPE) != 0) {
            changes.add(Change.TYPE);
        } else if (mode != 0) {
            changes.add(Change.MODE);
        }
        if (content == null ? oldContent != null : !content.equals(oldContent)) {
            changes.add(Change.CONTENT);
        }
        if (!Arrays.equals(old.linkTarget(), entry.linkTarget())) {
            changes.add(Change.LINK);
        }
        if (old.info().uid() != entry.info().uid()
                || old.info().gid() != entry.info().gid()) {
            changes.add(Change.OWNER);
        }
        if (old.info().mtimeSeconds() != entry.info().mtimeSeconds()
                || old.info().mtimeNanos() != entry.info().mtimeNanos()) {
            changes.add(Change.TIME);
        }
        if (!Arrays.deepEquals(old.xattrNames().toArray(), entry.xattrNames().toArray())) {
            changes.add(Change.ATTRIBUTES);
        }
        return changes;
    }
}
