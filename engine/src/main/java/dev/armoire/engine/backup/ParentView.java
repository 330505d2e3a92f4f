// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.snapshot.Dirpack;
import dev.armoire.engine.snapshot.TreeKind;
import dev.armoire.engine.snapshot.TreeReader;
import dev.armoire.index.BlobIndex;
import dev.armoire.packfile.ResourceType;
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
     * The parent's entry for an item that has not changed since, or null. Unchanged are size, mode, times, owner, inode,
     * device, links: whatever a snapshot stores. A damaged parent counts as none.
     */
    @Nullable
    Entry unchanged(ImportRecord record) {
        try {
            Entry entry = find(record.path());
            if (entry == null || !entry.isRegular() || !isSame(entry.info(), record.info())) {
                return null;
            }
            // Plakar 1.0 kept these fields elsewhere; its files are read again once.
            boolean isComplete = !entry.contentType().isEmpty() && entry.chunks() > 0;
            return isComplete && index.contains(ResourceType.OBJECT, entry.object()) ? entry : null;
        } catch (CorruptDataException e) {
            return null;
        }
    }

    private @Nullable Entry find(byte[] path) {
        byte[] parent = SnapshotPath.parent(path);
        if (directory == null || !Arrays.equals(parent, directory)) {
            closeCursor();
            directory = parent;
            Mac listing = dirpacks.find(parent);
            cursor = listing == null ? null : new Dirpack.Cursor(reader, listing);
        }
        if (cursor == null) {
            return null;
        }
        Dirpack.Frame frame = cursor.find(SnapshotPath.name(path));
        return frame == null ? null : frame.entry();
    }

    private static boolean isSame(FileInfo old, FileInfo now) {
        return old.size() == now.size()
                && old.mode() == now.mode()
                && old.mtimeSeconds() == now.mtimeSeconds()
                && old.mtimeNanos() == now.mtimeNanos()
                && old.dev() == now.dev()
                && old.ino() == now.ino()
                && old.uid() == now.uid()
                && old.gid() == now.gid()
                && old.nlink() == (now.nlink() & 0xFFFF)
                && old.username().equals(now.username())
                && old.groupname().equals(now.groupname());
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
