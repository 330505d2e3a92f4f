// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.EntryHeads;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.snapshot.Dirpack;
import dev.armoire.engine.snapshot.TreeKind;
import dev.armoire.engine.snapshot.TreeReader;
import dev.armoire.index.BlobIndex;
import dev.armoire.packfile.ResourceType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The parent snapshot as a walk of the same tree needs it: the listing of one directory at a time, read forwards. Used by
 * the walking thread only.
 */
final class ParentView implements AutoCloseable {
    private final BlobReader reader;
    private final BlobIndex index;
    private final TreeReader dirpacks;
    private byte @Nullable [] directory;
    private Dirpack.@Nullable Cursor cursor;
    private @Nullable EntryHeads heads;

    ParentView(BlobReader reader, BlobIndex index, Mac dirpackIndex) {
        this.reader = reader;
        this.index = index;
        this.dirpacks = new TreeReader(TreeKind.INDEX, reader, dirpackIndex);
    }

    /** The view of a parent, or null when it has no directory listings (Plakar before 1.0.3). */
    static @Nullable ParentView open(BlobReader reader, BlobIndex index, SnapshotHeader parent) {
        return parent.source()
                .index(SnapshotHeader.DIRPACK_INDEX)
                .map(root -> new ParentView(reader, index, root))
                .orElse(null);
    }

    /**
     * What the parent has of an item that has not changed since.
     *
     * @param entry the parent's entry when it has to be written anew, because it carries attributes; else null
     * @param bytes the encoded entry, valid until the next question
     */
    record Unchanged(@Nullable Entry entry, MemorySegment bytes, Mac mac) {}

    /**
     * Says whether a regular file has not changed since the parent: size, mode, times, owner, inode, device, links,
     * whatever a snapshot stores. A damaged parent counts as none.
     */
    @Nullable
    Unchanged unchanged(ImportRecord record) {
        if (!FileMode.isRegular(record.info().mode())) {
            return null;
        }
        try {
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
        } catch (CorruptDataException e) {
            return null;
        }
    }

    private Dirpack.@Nullable Frame find(byte[] path) {
        byte[] parent = SnapshotPath.parent(path);
        if (directory == null || !Arrays.equals(parent, directory)) {
            closeCursor();
            directory = parent;
            Mac listing = dirpacks.find(parent);
            heads = new EntryHeads(parent);
            cursor = listing == null ? null : new Dirpack.Cursor(reader, listing, heads);
        }
        return cursor == null ? null : cursor.find(SnapshotPath.name(path));
    }

    private void closeCursor() {
        if (cursor != null) {
            cursor.close();
            cursor = null;
        }
    }

    @Override
    public void close() {
        closeCursor();
        reader.close();
    }
}
