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
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What snapshots need: which blobs, out of which packfiles, and how much of each. Goes through every blob in the order in which
 * snapshots name them: trees and records are read, contents are not, and what several snapshots share is gone through once.
 * Unlike Plakar's walk it also finds the contents of attributes (format 1 §12.1, H2). Memory is off-heap, and bounded where
 * there is a cache folder.
 * For one thread, but for {@link #contains}.
 */
final class Needs implements AutoCloseable {
    private final Repository repository;
    private final BlobReader reader;
    private final BooleanSupplier stopped;
    private final EntryReaders ahead;
    /** What was gone through, and out of which packfiles that and what it refers to comes, if that is asked for. */
    private final MacSet seen;

    private final @Nullable PackfileSets sets;
    /** Chunks of listings and attributes. */
    private final MacSet metadataChunks;
    /** Those that were gone through, with the number of the set of their packfiles. */
    private final Map<Mac, Integer> snapshots = new HashMap<>();

    private final BitSet packfiles = new BitSet();
    private long[] liveBytes = new long[64];
    private @Nullable Found found;
    /** What was read ahead of the leaf that the walk is at. */
    private Map<Mac, EntryReaders.Content> contents = Map.of();

    /** Takes a blob that turns out to be needed. */
    @FunctionalInterface
    interface Found {
        void found(int type, Mac mac, BlobLocation place);
    }

    /**
     * Knows of nothing yet.
     *
     * @param isForRepacking whether somebody will ask for more than {@link #packfiles}
     * @param stopped asked now and then whether to give up
     */
    Needs(Repository repository, boolean isForRepacking, BooleanSupplier stopped) {
        this.repository = repository;
        this.reader = repository.newMaintenanceReader();
        this.stopped = stopped;
        this.sets = isForRepacking ? new PackfileSets() : null;
        this.seen = repository.newMacSet(isForRepacking);
        this.metadataChunks = repository.newMacSet(false);
        this.ahead = new EntryReaders(repository, this::contains);
    }

    /** Ordinals of the packfiles needed so far. */
    BitSet packfiles() {
        return packfiles;
    }

    /** Stored bytes of the blobs that are needed so far out of a packfile. */
    long liveBytes(int packfile) {
        return packfile < liveBytes.length ? liveBytes[packfile] : 0;
    }

    /** Whether a snapshot needs a blob. For any thread. */
    boolean contains(int type, Mac mac) {
        return seen.contains(type, mac);
    }

    /** Where a writer puts a blob that is needed. */
    Lane lane(int type, Mac mac) {
        return type == ResourceType.CHUNK && !metadataChunks.contains(type, mac) ? Lane.DATA : Lane.METADATA;
    }

    /** Who is told of blobs from now on, each one once; it may read out of {@link #reader}. */
    void onFound(Found listener) {
        found = listener;
    }

    /** Reads blobs, also those that are coloured. */
    BlobReader reader() {
        return reader;
    }

    /** Snapshots that are there and need something out of some packfiles. */
    Set<Mac> snapshotsIn(BitSet some) {
        PackfileSets known = sets;
        Set<Mac> touched = new HashSet<>();
        if (known != null && !some.isEmpty()) {
            for (Mac id : repository.snapshots()) {
                Integer number = snapshots.get(id);
                if (number != null && known.intersects(number, some)) {
                    touched.add(id);
                }
            }
        }
        return touched;
    }

    /**
     * Goes through all snapshots that are new since the last call.
     *
     * @throws CorruptDataException when one cannot be followed to its end: then nothing is known for sure
     */
    void addAll() {
        for (Mac id : repository.snapshots()) {
            if (snapshots.containsKey(id)) {
                continue;
            }
            try {
                if (sets != null) {
                    sets.begin();
                }
                add(id);
                snapshots.put(id, sets == null ? 0 : sets.end());
            } catch (CorruptDataException e) {
                throw new CorruptDataException(
                        "snapshot " + id.shortHex()
                                + " is damaged, so what it needs is not known, and nothing is removed: "
                                + e.getMessage() + "\n`armoire check` tells more; `armoire rm` takes the snapshot away",
                        e);
            }
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
                        tree(TreeKind.INDEX, index.root(), mac -> content(mac, null, Lane.METADATA));
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
        if (enter(kind.rootType(), root)) {
            new TreeReader(kind, reader, root).forEachNode(new TreeReader.NodeWalk() {
                @Override
                public boolean enter(Mac mac) {
                    return Needs.this.enter(kind.nodeType(), mac);
                }

                @Override
                public void node(Mac mac, TreeNode node) {
                    if (stopped.getAsBoolean()) {
                        throw new PipelineAbortedException();
                    }
                    if (node.isLeaf()) {
                        contents = kind == TreeKind.VFS ? ahead.take(mac) : Map.of();
                        node.values().forEach(value::take);
                    } else if (kind == TreeKind.VFS) {
                        ahead.readBelow(node);
                    }
                }

                @Override
                public void leave(Mac mac) {
                    Needs.this.leave(kind.nodeType(), mac);
                }
            });
            leave(kind.rootType(), root);
        }
    }

    private void entry(Mac mac) {
        if (enter(ResourceType.VFS_ENTRY, mac)) {
            EntryReaders.Content known = contents.get(mac);
            Mac object = known != null
                    ? known.object()
                    : Entry.decodeObject(new MsgpackReader(reader.read(ResourceType.VFS_ENTRY, mac), "entry"));
            if (!object.isZero()) {
                content(object, known == null ? null : known.chunks(), Lane.DATA);
            }
            leave(ResourceType.VFS_ENTRY, mac);
        }
    }

    private void attribute(Mac mac) {
        if (enter(ResourceType.XATTR_ENTRY, mac)) {
            XattrItem item =
                    XattrItem.decode(new MsgpackReader(reader.read(ResourceType.XATTR_ENTRY, mac), "attribute"));
            // Plakar lost some values when it made the snapshot (format 2b §11): there is nothing to keep of them.
            if (repository.index().findStored(ResourceType.OBJECT, item.object()) != null) {
                content(item.object(), null, Lane.METADATA);
            }
            leave(ResourceType.XATTR_ENTRY, mac);
        }
    }

    /** @param read its chunks, if that is known already */
    private void content(Mac object, @Nullable List<ObjectRecord.Chunk> read, Lane lane) {
        if (enter(ResourceType.OBJECT, object)) {
            List<ObjectRecord.Chunk> chunks =
                    read != null ? read : ObjectReader.record(reader, object).chunks();
            for (ObjectRecord.Chunk chunk : chunks) {
                if (lane == Lane.METADATA && sets != null && !contains(ResourceType.CHUNK, chunk.mac())) {
                    metadataChunks.add(ResourceType.CHUNK, chunk.mac());
                }
                leaf(ResourceType.CHUNK, chunk.mac());
            }
            leave(ResourceType.OBJECT, object);
        }
    }

    private void leaf(int type, Mac mac) {
        if (enter(type, mac)) {
            leave(type, mac);
        }
    }

    /** Returns whether the blob is new; then what it refers to comes next, and after that {@link #leave}. */
    private boolean enter(int type, Mac mac) {
        if (!seen.add(type, mac)) {
            if (sets != null) {
                sets.addAll(seen.number(type, mac));
            }
            return false;
        }
        BlobLocation place = repository.index().findStored(type, mac);
        if (place == null) {
            throw new CorruptDataException(
                    ResourceType.name(type) + ' ' + mac.shortHex() + " is in no packfile of this store");
        }
        int packfile = place.packfile();
        packfiles.set(packfile);
        if (packfile >= liveBytes.length) {
            liveBytes = Arrays.copyOf(liveBytes, Math.max(packfile + 1, 2 * liveBytes.length));
        }
        liveBytes[packfile] += place.length();
        if (sets != null) {
            sets.begin();
            sets.add(packfile);
        }
        if (found != null) {
            found.found(type, mac, place);
        }
        return true;
    }

    private void leave(int type, Mac mac) {
        if (sets != null) {
            seen.setNumber(type, mac, sets.end());
        }
    }

    @Override
    public void close() {
        ahead.close();
        reader.close();
        seen.close();
        metadataChunks.close();
    }
}
