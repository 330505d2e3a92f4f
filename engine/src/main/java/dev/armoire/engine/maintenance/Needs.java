// SPDX-License-Identifier: ISC
package dev.armoire.engine.maintenance;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.XattrItem;
import dev.armoire.engine.repository.BlobReader;
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
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;
import java.util.function.BooleanSupplier;

/**
 * Which packfiles snapshots need. Goes through trees and records, not through contents, and through what several snapshots
 * share once. Unlike Plakar's walk it also counts the contents of attributes (format 1 §12.1, H2). Memory is off-heap, 16 to 32
 * bytes a blob. For one thread.
 */
final class Needs implements AutoCloseable {
    private final Repository repository;
    private final BlobReader reader;
    private final BooleanSupplier stopped;
    private final MacSet seen = new MacSet();
    private final BitSet packfiles = new BitSet();
    private final Set<Mac> snapshots = new HashSet<>();
    private long[] liveBytes = new long[64];

    /** @param stopped asked now and then whether to give up */
    Needs(Repository repository, BooleanSupplier stopped) {
        this.repository = repository;
        this.reader = repository.newMaintenanceReader();
        this.stopped = stopped;
    }

    /** Ordinals of the packfiles needed so far; of several copies of a blob the one that readers take. */
    BitSet packfiles() {
        return packfiles;
    }

    /** Stored bytes of the blobs that are needed so far out of a packfile. */
    long liveBytes(int packfile) {
        return packfile < liveBytes.length ? liveBytes[packfile] : 0;
    }

    /**
     * Adds all snapshots that are not there yet.
     *
     * @throws CorruptDataException when one cannot be followed to its end: then nothing is known for sure
     */
    void addAll() {
        for (Mac id : repository.snapshots()) {
            if (snapshots.contains(id)) {
                continue;
            }
            try {
                add(id);
            } catch (CorruptDataException e) {
                throw new CorruptDataException(
                        "snapshot " + id.shortHex()
                                + " is damaged, so what it needs is not known, and nothing is removed: "
                                + e.getMessage() + "\n`armoire check` tells more; `armoire rm` takes the snapshot away",
                        e);
            }
            snapshots.add(id);
        }
    }

    private void add(Mac id) {
        need(ResourceType.SNAPSHOT, id);
        if (repository.index().findStored(ResourceType.SIGNATURE, id) != null) {
            need(ResourceType.SIGNATURE, id);
        }
        for (SnapshotHeader.Source source : Snapshot.header(reader, id).sources()) {
            tree(TreeKind.VFS, source.vfs(), this::entry);
            tree(TreeKind.ERRORS, source.errors(), mac -> need(ResourceType.ERROR_ENTRY, mac));
            tree(TreeKind.XATTRS, source.xattrs(), this::attribute);
            for (SnapshotHeader.Index index : source.indexes()) {
                switch (index.name()) {
                    case SnapshotHeader.CONTENT_TYPE_INDEX -> tree(TreeKind.INDEX, index.root(), mac -> {});
                    case SnapshotHeader.DIRPACK_INDEX -> tree(TreeKind.INDEX, index.root(), this::content);
                    case SnapshotHeader.SUMMARY_INDEX ->
                        tree(TreeKind.INDEX, index.root(), mac -> need(ResourceType.VFS_SUMMARY, mac));
                    default ->
                        throw new CorruptDataException("it has an index \"" + index.name()
                                + "\", and what that refers to this version of Armoire does not know");
                }
            }
        }
    }

    private interface Leaf {
        void value(Mac mac);
    }

    private void tree(TreeKind kind, Mac root, Leaf leaf) {
        if (!need(kind.rootType(), root)) {
            return;
        }
        new TreeReader(kind, reader, root).forEachNode(mac -> need(kind.nodeType(), mac), (mac, node) -> {
            if (stopped.getAsBoolean()) {
                throw new PipelineAbortedException();
            }
            if (node.isLeaf()) {
                node.values().forEach(leaf::value);
            }
        });
    }

    private void entry(Mac mac) {
        if (need(ResourceType.VFS_ENTRY, mac)) {
            Entry entry = Entry.decode(new MsgpackReader(reader.read(ResourceType.VFS_ENTRY, mac), "entry"));
            if (!entry.object().isZero()) {
                content(entry.object());
            }
        }
    }

    private void attribute(Mac mac) {
        if (need(ResourceType.XATTR_ENTRY, mac)) {
            XattrItem item =
                    XattrItem.decode(new MsgpackReader(reader.read(ResourceType.XATTR_ENTRY, mac), "attribute"));
            // Plakar lost some values when it made the snapshot (format 2b §11): there is nothing to keep of them.
            if (repository.index().findStored(ResourceType.OBJECT, item.object()) != null) {
                content(item.object());
            }
        }
    }

    private void content(Mac object) {
        if (need(ResourceType.OBJECT, object)) {
            for (ObjectRecord.Chunk chunk : ObjectReader.record(reader, object).chunks()) {
                need(ResourceType.CHUNK, chunk.mac());
            }
        }
    }

    /** Marks the packfile of a blob; returns whether the blob is new. */
    private boolean need(int type, Mac mac) {
        if (!seen.add(type, mac)) {
            return false;
        }
        BlobLocation place = repository.index().findStored(type, mac);
        if (place == null) {
            throw new CorruptDataException(
                    ResourceType.name(type) + ' ' + mac.shortHex() + " is in no packfile of this store");
        }
        packfiles.set(place.packfile());
        if (place.packfile() >= liveBytes.length) {
            liveBytes = Arrays.copyOf(liveBytes, Math.max(place.packfile() + 1, 2 * liveBytes.length));
        }
        liveBytes[place.packfile()] += place.length();
        return true;
    }

    @Override
    public void close() {
        reader.close();
        seen.close();
    }
}
