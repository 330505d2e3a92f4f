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
import dev.armoire.engine.repository.PackWriter;
import dev.armoire.engine.repository.PackWriter.Lane;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.engine.snapshot.TreeKind;
import dev.armoire.index.BlobIndex;
import dev.armoire.index.BlobLocation;
import dev.armoire.index.MacSet;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.ResourceType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.IntToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Copies what snapshots need out of packfiles that hold little else than what nobody needs, and writes each snapshot that is
 * touched by it anew, under a new identifier: a Plakar machine remembers by identifier which packfiles a snapshot needs, and
 * would take the new ones for garbage (format 1 §12.1, H1).
 *
 * <p>Blobs are copied in the order in which a snapshot names them, so that those of a file stay together. What several
 * snapshots share is gone through once; that something below it was copied is remembered with it. Memory is off-heap, up to
 * 64 bytes a blob. For one thread.
 */
final class Repack implements AutoCloseable {
    /** No tree that can be right is deeper; the reader of trees says the same. */
    private static final int MAX_DEPTH = 32;

    /** A new packfile costs up to as much for its padding. Without this the old headers of touched snapshots would go round. */
    private static final long MIN_UNNEEDED_BYTES = 16 << 10;

    private final Repository repository;
    private final BlobIndex index;
    private final BitSet victims;
    private final @Nullable PackWriter copies;
    private final BooleanSupplier stopped;
    private final BlobReader reader;
    private final BlobCodec codec;
    private final MacSet seen = new MacSet();
    /** Of what was seen, that which lies in a victim or needs something that does. */
    private final MacSet touched = new MacSet();

    private final Set<Mac> done = new HashSet<>();
    private final Set<Mac> touchedSnapshots = new HashSet<>();
    private long copiedBlobs;
    private long copiedBytes;

    /**
     * @param victims ordinals of the packfiles to be emptied
     * @param copies takes them; null to find out only what would be copied
     * @param stopped asked now and then whether to give up
     */
    Repack(Repository repository, BitSet victims, @Nullable PackWriter copies, BooleanSupplier stopped) {
        this.repository = repository;
        this.index = repository.index();
        this.victims = victims;
        this.copies = copies;
        this.stopped = stopped;
        this.reader = repository.newMaintenanceReader();
        this.codec = repository.newCodec();
    }

    /** Blobs copied so far. */
    long copiedBlobs() {
        return copiedBlobs;
    }

    /** Their size as they were stored. */
    long copiedBytes() {
        return copiedBytes;
    }

    /** Goes through snapshots that are new since the last call. */
    void copyAll() {
        for (Mac id : repository.snapshots()) {
            // One of ours is written whole.
            if (done.add(id) && copySnapshot(id)) {
                touchedSnapshots.add(id);
            }
        }
    }

    /** Those that are still there and need something that lay in a victim. */
    Set<Mac> touchedSnapshots() {
        Set<Mac> present = new HashSet<>(touchedSnapshots);
        present.retainAll(new HashSet<>(repository.snapshots()));
        return present;
    }

    /** Writes the headers of all touched snapshots under new identifiers, which are returned by the old ones. */
    Map<Mac, Mac> renameTouched(PackWriter target) {
        Map<Mac, Mac> renamed = new HashMap<>();
        for (Mac id : touchedSnapshots()) {
            Mac fresh = repository.random().nextMac();
            byte[] header = reader.read(ResourceType.SNAPSHOT, id).toArray(ValueLayout.JAVA_BYTE);
            put(target, Lane.METADATA, ResourceType.SNAPSHOT, fresh, withIdentifier(header, fresh));
            done.add(fresh);
            renamed.put(id, fresh);
        }
        return renamed;
    }

    /** The header as it is, whoever wrote it, with another identifier in the same place. */
    private static MemorySegment withIdentifier(byte[] header, Mac identifier) {
        MemorySegment copy = MemorySegment.ofArray(header);
        MsgpackReader in = new MsgpackReader(copy, "snapshot");
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            String key = in.string();
            if (key.equals("identifier")) {
                in.skip();
                identifier.write(copy, in.position() - Mac.BYTES);
                break;
            }
            in.skip();
        }
        if (!SnapshotHeader.decode(new MsgpackReader(copy, "snapshot"))
                .identifier()
                .equals(identifier)) {
            throw new CorruptDataException("its header has no identifier of " + Mac.BYTES + " bytes");
        }
        return copy;
    }

    private boolean copySnapshot(Mac id) {
        boolean isTouched = liesInVictim(ResourceType.SNAPSHOT, id);
        for (SnapshotHeader.Source source : Snapshot.header(reader, id).sources()) {
            isTouched |= tree(TreeKind.VFS, source.vfs(), this::entry);
            isTouched |= tree(TreeKind.ERRORS, source.errors(), mac -> leaf(ResourceType.ERROR_ENTRY, mac));
            isTouched |= tree(TreeKind.XATTRS, source.xattrs(), this::attribute);
            for (SnapshotHeader.Index tree : source.indexes()) {
                isTouched |= switch (tree.name()) {
                    case SnapshotHeader.DIRPACK_INDEX ->
                        tree(TreeKind.INDEX, tree.root(), mac -> content(mac, Lane.METADATA));
                    case SnapshotHeader.SUMMARY_INDEX ->
                        tree(TreeKind.INDEX, tree.root(), mac -> leaf(ResourceType.VFS_SUMMARY, mac));
                    default -> tree(TreeKind.INDEX, tree.root(), mac -> false);
                };
            }
        }
        return isTouched;
    }

    private interface Value {
        /** Copies what is needed; returns whether anything lay in a victim. */
        boolean copy(Mac mac);
    }

    private boolean tree(TreeKind kind, Mac root, Value value) {
        return once(kind.rootType(), root, () -> {
            MemorySegment record = reader.read(kind.rootType(), root);
            TreeNode.Root decoded = TreeNode.Root.decode(new MsgpackReader(record, "tree"));
            boolean isTouched = copy(Lane.METADATA, kind.rootType(), root);
            isTouched |= node(kind, decoded.node(), 0, value);
            return isTouched;
        });
    }

    private boolean node(TreeKind kind, Mac mac, int depth, Value value) {
        if (depth > MAX_DEPTH) {
            throw new CorruptDataException("a tree is deeper than any can be");
        }
        return once(kind.nodeType(), mac, () -> {
            if (stopped.getAsBoolean()) {
                throw new PipelineAbortedException();
            }
            TreeNode node = TreeNode.decode(new MsgpackReader(reader.read(kind.nodeType(), mac), "tree"));
            boolean isTouched = copy(Lane.METADATA, kind.nodeType(), mac);
            if (node.isLeaf()) {
                for (Mac each : node.values()) {
                    isTouched |= value.copy(each);
                }
            } else {
                for (Mac child : node.pointers()) {
                    isTouched |= node(kind, child, depth + 1, value);
                }
            }
            return isTouched;
        });
    }

    private boolean leaf(int type, Mac mac) {
        return once(type, mac, () -> copy(Lane.METADATA, type, mac));
    }

    private boolean entry(Mac mac) {
        return once(ResourceType.VFS_ENTRY, mac, () -> {
            Entry entry = Entry.decode(new MsgpackReader(reader.read(ResourceType.VFS_ENTRY, mac), "entry"));
            boolean isTouched = copy(Lane.METADATA, ResourceType.VFS_ENTRY, mac);
            if (!entry.object().isZero()) {
                isTouched |= content(entry.object(), Lane.DATA);
            }
            return isTouched;
        });
    }

    private boolean attribute(Mac mac) {
        return once(ResourceType.XATTR_ENTRY, mac, () -> {
            XattrItem item =
                    XattrItem.decode(new MsgpackReader(reader.read(ResourceType.XATTR_ENTRY, mac), "attribute"));
            boolean isTouched = copy(Lane.METADATA, ResourceType.XATTR_ENTRY, mac);
            // As in Needs: some values were never stored.
            if (index.findStored(ResourceType.OBJECT, item.object()) != null) {
                isTouched |= content(item.object(), Lane.METADATA);
            }
            return isTouched;
        });
    }

    private boolean content(Mac object, Lane lane) {
        return once(ResourceType.OBJECT, object, () -> {
            List<ObjectRecord.Chunk> chunks =
                    ObjectReader.record(reader, object).chunks();
            boolean isTouched = copy(Lane.METADATA, ResourceType.OBJECT, object);
            for (ObjectRecord.Chunk chunk : chunks) {
                isTouched |= once(ResourceType.CHUNK, chunk.mac(), () -> copy(lane, ResourceType.CHUNK, chunk.mac()));
            }
            return isTouched;
        });
    }

    /** Does something for a blob and all below it the first time, and remembers what came out. */
    private boolean once(int type, Mac mac, BooleanSupplier work) {
        if (!seen.add(type, mac)) {
            return touched.contains(type, mac);
        }
        boolean isTouched = work.getAsBoolean();
        if (isTouched) {
            touched.add(type, mac);
        }
        return isTouched;
    }

    private boolean liesInVictim(int type, Mac mac) {
        BlobLocation place = index.findStored(type, mac);
        return place != null && victims.get(place.packfile());
    }

    /**
     * Copies a blob if readers take it from a victim, and returns whether they do. Even if another packfile has it, too:
     * that one may go as well, as nobody has needed it so far.
     */
    private boolean copy(Lane lane, int type, Mac mac) {
        BlobLocation place = index.findStored(type, mac);
        if (place == null) {
            throw new CorruptDataException(
                    ResourceType.name(type) + ' ' + mac.shortHex() + " is in no packfile of this store");
        }
        if (!victims.get(place.packfile())) {
            return false;
        }
        copiedBlobs++;
        copiedBytes += place.length();
        PackWriter target = copies;
        if (target != null) {
            put(target, lane, type, mac, reader.read(type, mac));
        }
        return true;
    }

    private void put(PackWriter target, Lane lane, int type, Mac mac, MemorySegment plain) {
        target.put(lane, type, mac, codec, codec.prepare(plain));
    }

    @Override
    public void close() {
        reader.close();
        codec.close();
        seen.close();
        touched.close();
    }

    /**
     * Which packfiles are worth it: needed, and at least so much of what is in them is not.
     *
     * @param live bytes of blobs that are needed, by ordinal
     * @param unneededPercent 1 to 100
     */
    static BitSet victims(BlobIndex index, IntToLongFunction live, int unneededPercent) {
        long[] stored = new long[index.packfiles().size()];
        index.forEach((type, mac, packfile, offset, length) -> {
            if (type != ResourceType.RANDOM) {
                stored[packfile] += length;
            }
        });
        BitSet victims = new BitSet();
        for (int packfile = 0; packfile < stored.length; packfile++) {
            long needed = live.applyAsLong(packfile);
            long unneeded = stored[packfile] - needed;
            if (needed > 0
                    && index.packfiles().isExpected(packfile)
                    && unneeded >= Math.max(MIN_UNNEEDED_BYTES, stored[packfile] / 100.0 * unneededPercent)) {
                victims.set(packfile);
            }
        }
        return victims;
    }
}
