// SPDX-License-Identifier: ISC
package dev.armoire.engine.maintenance;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.TreeNode;
import dev.armoire.engine.record.XattrItem;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.PackWriter.Lane;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.engine.snapshot.TreeKind;
import dev.armoire.engine.snapshot.TreeReader;
import dev.armoire.index.BlobLocation;
import dev.armoire.index.MacSet;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.ResourceType;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import java.util.function.BooleanSupplier;

/**
 * Goes through every blob that snapshots need, in the order in which they name them: trees and records are read, contents are
 * not, and what several snapshots share is gone through once. Unlike Plakar's walk it also finds the contents of attributes
 * (format 1 §12.1, H2). A blob can be marked; then all that needs it is, too. Memory is off-heap, 16 to 64 bytes a blob. For one
 * thread.
 */
abstract class SnapshotBlobs implements AutoCloseable {
    private final Repository repository;
    private final BlobReader reader;
    private final BooleanSupplier stopped;
    private final MacSet seen = new MacSet();
    private final MacSet marked = new MacSet();
    private final Set<Mac> snapshots = new HashSet<>();
    /** Of what the walk is inside of: whether anything was marked before the part it is in now. */
    private final Deque<Boolean> outer = new ArrayDeque<>();

    private boolean isMarked;

    /** @param stopped asked now and then whether to give up */
    SnapshotBlobs(Repository repository, BooleanSupplier stopped) {
        this.repository = repository;
        this.reader = repository.newMaintenanceReader();
        this.stopped = stopped;
    }

    /**
     * Takes a blob, each one once, before what it refers to.
     *
     * @param lane where writers put it
     * @param place of several copies the one that readers take
     * @return whether to mark it
     */
    abstract boolean visit(Lane lane, int type, Mac mac, BlobLocation place);

    /** Told of each snapshot that is done. */
    void done(Mac snapshot, boolean isMarked) {}

    /** Reads blobs, also those that are coloured; what was read is valid until the next blob is visited. */
    BlobReader reader() {
        return reader;
    }

    /**
     * Goes through all snapshots that are new since the last call.
     *
     * @throws CorruptDataException when one cannot be followed to its end: then nothing is known for sure
     */
    void addAll() {
        for (Mac id : repository.snapshots()) {
            if (snapshots.contains(id)) {
                continue;
            }
            try {
                isMarked = false;
                add(id);
            } catch (CorruptDataException e) {
                throw new CorruptDataException(
                        "snapshot " + id.shortHex()
                                + " is damaged, so what it needs is not known, and nothing is removed: "
                                + e.getMessage() + "\n`armoire check` tells more; `armoire rm` takes the snapshot away",
                        e);
            }
            snapshots.add(id);
            done(id, isMarked);
        }
    }

    private void add(Mac id) {
        leaf(ResourceType.SNAPSHOT, id);
        if (repository.index().findStored(ResourceType.SIGNATURE, id) != null) {
            leaf(ResourceType.SIGNATURE, id);
        }
        for (SnapshotHeader.Source source : Snapshot.header(reader, id).sources()) {
            tree(TreeKind.VFS, source.vfs(), this::entry);
            tree(TreeKind.ERRORS, source.errors(), mac -> leaf(ResourceType.ERROR_ENTRY, mac));
            tree(TreeKind.XATTRS, source.xattrs(), this::attribute);
            for (SnapshotHeader.Index index : source.indexes()) {
                switch (index.name()) {
                    case SnapshotHeader.CONTENT_TYPE_INDEX -> tree(TreeKind.INDEX, index.root(), mac -> {});
                    case SnapshotHeader.DIRPACK_INDEX ->
                        tree(TreeKind.INDEX, index.root(), mac -> content(mac, Lane.METADATA));
                    case SnapshotHeader.SUMMARY_INDEX ->
                        tree(TreeKind.INDEX, index.root(), mac -> leaf(ResourceType.VFS_SUMMARY, mac));
                    default ->
                        throw new CorruptDataException("it has an index \"" + index.name()
                                + "\", and what that refers to this version of Armoire does not know");
                }
            }
        }
    }

    private interface Value {
        void take(Mac mac);
    }

    private void tree(TreeKind kind, Mac root, Value value) {
        once(
                Lane.METADATA,
                kind.rootType(),
                root,
                () -> new TreeReader(kind, reader, root).forEachNode(new TreeReader.NodeWalk() {
                    @Override
                    public boolean enter(Mac mac) {
                        return SnapshotBlobs.this.enter(Lane.METADATA, kind.nodeType(), mac);
                    }

                    @Override
                    public void node(Mac mac, TreeNode node) {
                        if (stopped.getAsBoolean()) {
                            throw new PipelineAbortedException();
                        }
                        if (node.isLeaf()) {
                            node.values().forEach(value::take);
                        }
                    }

                    @Override
                    public void leave(Mac mac) {
                        SnapshotBlobs.this.leave(kind.nodeType(), mac);
                    }
                }));
    }

    private void entry(Mac mac) {
        once(Lane.METADATA, ResourceType.VFS_ENTRY, mac, () -> {
            Entry entry = Entry.decode(new MsgpackReader(reader.read(ResourceType.VFS_ENTRY, mac), "entry"));
            if (!entry.object().isZero()) {
                content(entry.object(), Lane.DATA);
            }
        });
    }

    private void attribute(Mac mac) {
        once(Lane.METADATA, ResourceType.XATTR_ENTRY, mac, () -> {
            XattrItem item =
                    XattrItem.decode(new MsgpackReader(reader.read(ResourceType.XATTR_ENTRY, mac), "attribute"));
            // Plakar lost some values when it made the snapshot (format 2b §11): there is nothing to keep of them.
            if (repository.index().findStored(ResourceType.OBJECT, item.object()) != null) {
                content(item.object(), Lane.METADATA);
            }
        });
    }

    private void content(Mac object, Lane lane) {
        once(Lane.METADATA, ResourceType.OBJECT, object, () -> {
            for (ObjectRecord.Chunk chunk : ObjectReader.record(reader, object).chunks()) {
                once(lane, ResourceType.CHUNK, chunk.mac(), () -> {});
            }
        });
    }

    private void leaf(int type, Mac mac) {
        once(Lane.METADATA, type, mac, () -> {});
    }

    private void once(Lane lane, int type, Mac mac, Runnable below) {
        if (enter(lane, type, mac)) {
            below.run();
            leave(type, mac);
        }
    }

    /** Returns whether the blob is new; then what it refers to comes next, and after that {@link #leave}. */
    private boolean enter(Lane lane, int type, Mac mac) {
        if (!seen.add(type, mac)) {
            isMarked |= marked.contains(type, mac);
            return false;
        }
        BlobLocation place = repository.index().findStored(type, mac);
        if (place == null) {
            throw new CorruptDataException(
                    ResourceType.name(type) + ' ' + mac.shortHex() + " is in no packfile of this store");
        }
        outer.push(isMarked);
        isMarked = visit(lane, type, mac, place);
        return true;
    }

    private void leave(int type, Mac mac) {
        if (isMarked) {
            marked.add(type, mac);
        }
        isMarked |= outer.pop();
    }

    @Override
    public void close() {
        reader.close();
        seen.close();
        marked.close();
    }
}
