// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.EntryHeads;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.Summary;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.Dirpack;
import dev.armoire.engine.snapshot.SnapshotTrees;
import dev.armoire.engine.snapshot.TreeKind;
import dev.armoire.engine.snapshot.TreeReader;
import dev.armoire.index.BlobIndex;
import dev.armoire.index.MacSet;
import dev.armoire.packfile.MsgpackWriter;
import dev.armoire.packfile.ResourceType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The parent snapshot as a walk of the same tree needs it: the listing of one directory at a time, read forwards. Used by
 * the walking thread only.
 */
final class ParentView implements AutoCloseable {
    private final BlobReader reader;
    private final BlobIndex index;
    private final SnapshotHeader.Source source;
    private final TreeReader dirpacks;
    private final MsgpackWriter writer = new MsgpackWriter();
    private byte @Nullable [] directory;
    private Dirpack.@Nullable Cursor cursor;
    private @Nullable EntryHeads heads;

    /** MACs of the paths of directories that were visited; with one visited twice nothing can be said of the whole. */
    private final MacSet visited = new MacSet();

    private final MacHasher paths;

    private boolean isCounted = true;
    private long frames;
    private long found;
    private boolean hasRoot;

    ParentView(BlobReader reader, BlobIndex index, MacHasher paths, SnapshotHeader.Source source, Mac dirpackIndex) {
        this.reader = reader;
        this.paths = paths;
        this.index = index;
        this.source = source;
        this.dirpacks = new TreeReader(TreeKind.INDEX, reader, dirpackIndex);
    }

    /** The view of a parent, or null when it has no directory listings (Plakar before 1.0.3). */
    static @Nullable ParentView open(Repository repository, SnapshotHeader parent) {
        SnapshotHeader.Source source = parent.source();
        return source.index(SnapshotHeader.DIRPACK_INDEX)
                .map(root -> new ParentView(
                        repository.newTreeReader(),
                        repository.index(),
                        repository.keys().newMacHasher(),
                        source,
                        root))
                .orElse(null);
    }

    /** What the parent counts as a whole. */
    Summary summary() {
        return source.summary();
    }

    /**
     * What the parent has of an item that has not changed since.
     *
     * @param entry the parent's entry when it has to be written anew, because it carries attributes; else null
     * @param bytes the encoded entry, valid until the next question
     */
    record Unchanged(@Nullable Entry entry, MemorySegment bytes, Mac mac) {}

    /**
     * Says whether an item has not changed since the parent: size, mode, times, owner, inode, device, links, target,
     * whatever a snapshot stores. A damaged parent counts as none.
     */
    @Nullable
    Unchanged unchanged(ImportRecord record) {
        try {
            Unchanged same = FileMode.isRegular(record.info().mode()) ? unchangedFile(record) : unchangedOther(record);
            if (same != null && same.entry() == null) {
                found++;
            }
            return same;
        } catch (CorruptDataException e) {
            isCounted = false;
            return null;
        }
    }

    private @Nullable Unchanged unchangedFile(ImportRecord record) {
        Dirpack.Frame frame = find(record.path());
        if (frame == null || heads == null) {
            return null;
        }
        EntryHeads.Content content =
                heads.contentIfSame(frame.bytes(), SnapshotPath.name(record.path()), record.info());
        if (content == null || !content.isComplete() || !index.contains(ResourceType.OBJECT, content.object())) {
            return null;
        }
        boolean asItIs = !content.hasXattrs()
                && record.xattrNames().isEmpty()
                && index.contains(ResourceType.VFS_ENTRY, frame.mac());
        return new Unchanged(asItIs ? null : frame.entry(), frame.bytes(), frame.mac());
    }

    /**
     * The encoded entry of the file that was at the path of one that has changed, or null. Only a hint: what is in it is proven by
     * those who read the file.
     */
    byte @Nullable [] former(ImportRecord record) {
        if (!FileMode.isRegular(record.info().mode())) {
            return null;
        }
        try {
            Dirpack.Frame frame = find(record.path());
            return frame == null ? null : frame.bytes().toArray(ValueLayout.JAVA_BYTE);
        } catch (CorruptDataException e) {
            return null;
        }
    }

    /** A directory, link or special file: its entry is made anew, and compared. */
    private @Nullable Unchanged unchangedOther(ImportRecord record) {
        MemorySegment bytes;
        Mac mac;
        if (SnapshotPath.isRoot(record.path())) {
            mac = new TreeReader(TreeKind.VFS, reader, source.vfs()).find(SnapshotPath.ROOT);
            if (mac == null) {
                return null;
            }
            bytes = reader.read(ResourceType.VFS_ENTRY, mac);
        } else {
            Dirpack.Frame frame = find(record.path());
            if (frame == null) {
                return null;
            }
            bytes = frame.bytes();
            mac = frame.mac();
        }
        writer.reset();
        Entry.withoutContent(record.path(), record.info(), record.linkTarget(), List.of())
                .encode(writer);
        boolean isSame = record.xattrNames().isEmpty() && writer.written().mismatch(bytes) < 0;
        if (!isSame || !index.contains(ResourceType.VFS_ENTRY, mac)) {
            return null;
        }
        if (SnapshotPath.isRoot(record.path())) {
            isCounted &= !hasRoot;
            hasRoot = true;
            found--; // stands in no listing
        }
        return new Unchanged(null, bytes, mac);
    }

    /**
     * The trees of the parent if they are those of the walk too, because every item was {@link #unchanged} and nothing
     * else was in the parent; else null. To be asked after the walk, when it brought neither errors nor anything else.
     *
     * @param walked all items of the walk; what was in their directories counts even if nothing is in them now
     */
    SnapshotTrees.@Nullable Roots treesIfSame(SnapshotTrees walked) {
        try {
            closeCursor();
            walked.forEachDirectory(path -> {
                if (!visited.contains(ResourceType.VFS_ENTRY, paths.mac(MemorySegment.ofArray(path)))) {
                    enter(path);
                    closeCursor();
                }
            });
        } catch (CorruptDataException e) {
            return null;
        }
        boolean isSame = isCounted
                && hasRoot
                && found == frames
                && source.summary().below().errors == 0
                && index.contains(TreeKind.VFS.rootType(), source.vfs())
                && index.contains(TreeKind.XATTRS.rootType(), source.xattrs())
                && index.contains(TreeKind.ERRORS.rootType(), source.errors());
        List<SnapshotHeader.Index> indexes = new ArrayList<>();
        for (String name : SnapshotTrees.INDEXES) {
            source.index(name)
                    .filter(root -> index.contains(TreeKind.INDEX.rootType(), root))
                    .ifPresent(root -> indexes.add(new SnapshotHeader.Index(name, root)));
        }
        return isSame && indexes.size() == SnapshotTrees.INDEXES.size()
                ? new SnapshotTrees.Roots(source.vfs(), source.xattrs(), source.errors(), indexes, source.summary())
                : null;
    }

    private Dirpack.@Nullable Frame find(byte[] path) {
        byte[] parent = SnapshotPath.parent(path);
        if (directory == null || !Arrays.equals(parent, directory)) {
            closeCursor();
            enter(parent);
        }
        return cursor == null ? null : cursor.find(SnapshotPath.name(path));
    }

    private void enter(byte[] path) {
        directory = path;
        isCounted &= visited.add(ResourceType.VFS_ENTRY, paths.mac(MemorySegment.ofArray(path)));
        Mac listing = dirpacks.find(path);
        heads = new EntryHeads(path);
        cursor = listing == null ? null : new Dirpack.Cursor(reader, listing, heads);
    }

    private void closeCursor() {
        if (cursor != null) {
            try (Dirpack.Cursor done = cursor) {
                if (isCounted) { // else the rest of the listing is of no use to anybody
                    long count = done.countToEnd();
                    isCounted = count >= 0;
                    frames += count;
                }
            } finally {
                cursor = null;
            }
        }
    }

    @Override
    public void close() {
        if (cursor != null) {
            cursor.close();
        }
        visited.close();
        reader.close();
    }
}
