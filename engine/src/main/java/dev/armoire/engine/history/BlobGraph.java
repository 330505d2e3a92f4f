// SPDX-License-Identifier: ISC
package dev.armoire.engine.history;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.TreeNode;
import dev.armoire.engine.record.XattrItem;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.BlobSource;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.TreeKind;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.ResourceType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which blobs refer to which: one step at a time, so that the caller decides where to go on. For one thread.
 *
 * <p>What was read last is remembered, some 16 MB of it: what is new in a snapshot is nearly always asked for again at the next one,
 * which shares it, and to read a blob takes far longer than to remember what it refers to.
 */
final class BlobGraph {
    /** Blobs, and references of theirs, that are remembered. */
    private static final int REMEMBERED = 1 << 17;

    private final Repository repository;
    private final BlobSource source;

    /** By what reads a blob, and which; in order of use. */
    private final Map<Asked, List<Reference>> recent = new LinkedHashMap<>(1024, 0.75f, true);

    private int remembered;

    private final Below entries = remembering(this::entry);
    private final Below contents = remembering((mac, visitor) -> object(mac, true, visitor));
    private final Below otherContents = remembering((mac, visitor) -> object(mac, false, visitor));
    private final Below attributes = remembering(this::attribute);
    private final Below files = tree(TreeKind.VFS, ResourceType.VFS_ENTRY, entries);
    private final Below errors = tree(TreeKind.ERRORS, ResourceType.ERROR_ENTRY, Below.NOTHING);
    private final Below xattrs = tree(TreeKind.XATTRS, ResourceType.XATTR_ENTRY, attributes);
    private final Below contentTypes = tree(TreeKind.INDEX, 0, Below.NOTHING);
    private final Below listings = tree(TreeKind.INDEX, ResourceType.OBJECT, otherContents);
    private final Below summaries = tree(TreeKind.INDEX, ResourceType.VFS_SUMMARY, Below.NOTHING);

    BlobGraph(Repository repository, BlobSource source) {
        this.repository = repository;
        this.source = source;
    }

    /** Receives what a blob refers to. */
    @FunctionalInterface
    interface Visitor {
        /**
         * Takes one of them.
         *
         * @param plainBytes length of a chunk of a file before it was encoded; 0 for all else
         */
        void blob(int type, Mac mac, long plainBytes, Below below);
    }

    /** Reads a blob and visits what it refers to: before anything is visited, it has been read to its end. */
    @FunctionalInterface
    interface Below {
        Below NOTHING = (mac, visitor) -> {};

        void forEach(Mac mac, Visitor visitor);
    }

    private record Asked(Below reader, Mac mac) {}

    private record Reference(int type, Mac mac, long plainBytes, Below below) {}

    /** The same, which reads a blob only if it was not read lately. */
    private Below remembering(Below reader) {
        return (mac, visitor) -> {
            Asked asked = new Asked(reader, mac);
            List<Reference> known = recent.get(asked);
            if (known == null) {
                List<Reference> read = new ArrayList<>(2);
                reader.forEach(
                        mac,
                        (type, named, plainBytes, below) -> read.add(new Reference(type, named, plainBytes, below)));
                remember(asked, read);
                known = read;
            }
            for (Reference reference : known) {
                visitor.blob(reference.type, reference.mac, reference.plainBytes, reference.below);
            }
        };
    }

    private void remember(Asked asked, List<Reference> references) {
        recent.put(asked, references);
        remembered += 1 + references.size();
        var eldest = recent.values().iterator();
        while (remembered > REMEMBERED && eldest.hasNext()) {
            remembered -= 1 + eldest.next().size();
            eldest.remove();
        }
    }

    /** Visits the blobs that a snapshot itself names. */
    void forEachRoot(SnapshotHeader header, Visitor visitor) {
        Mac id = header.identifier();
        visitor.blob(ResourceType.SNAPSHOT, id, 0, Below.NOTHING);
        if (repository
                .index()
                .isKnown(ResourceType.SIGNATURE, id)) { // most have none, and none may not cost all states
            visitor.blob(ResourceType.SIGNATURE, id, 0, Below.NOTHING);
        }
        for (SnapshotHeader.Source part : header.sources()) {
            forEachFileRoot(part, visitor);
            visitor.blob(ResourceType.ERROR_BTREE, part.errors(), 0, errors);
            visitor.blob(ResourceType.XATTR_BTREE, part.xattrs(), 0, xattrs);
            for (SnapshotHeader.Index index : part.indexes()) {
                Below below = switch (index.name()) {
                    case SnapshotHeader.CONTENT_TYPE_INDEX -> contentTypes;
                    case SnapshotHeader.DIRPACK_INDEX -> listings;
                    case SnapshotHeader.SUMMARY_INDEX -> summaries;
                    default -> Below.NOTHING; // of another program: what it refers to is not known
                };
                visitor.blob(ResourceType.BTREE_ROOT, index.root(), 0, below);
            }
        }
    }

    /** Visits the tree of a source's files. */
    void forEachFileRoot(SnapshotHeader.Source part, Visitor visitor) {
        visitor.blob(ResourceType.VFS_BTREE, part.vfs(), 0, files);
    }

    Below entries() {
        return entries;
    }

    private void entry(Mac mac, Visitor visitor) {
        Mac object = Entry.decodeObject(new MsgpackReader(source.read(ResourceType.VFS_ENTRY, mac), "entry"));
        if (!object.isZero()) {
            visitor.blob(ResourceType.OBJECT, object, 0, contents);
        }
    }

    private void object(Mac mac, boolean isFile, Visitor visitor) {
        for (ObjectRecord.Chunk chunk : ObjectReader.record(source, mac).chunks()) {
            visitor.blob(ResourceType.CHUNK, chunk.mac(), isFile ? chunk.length() : 0, Below.NOTHING);
        }
    }

    private void attribute(Mac mac, Visitor visitor) {
        Mac object = XattrItem.decode(new MsgpackReader(source.read(ResourceType.XATTR_ENTRY, mac), "attribute"))
                .object();
        // Plakar lost some values when it made the snapshot: there is nothing to count of them.
        if (repository.index().find(ResourceType.OBJECT, object) != null) {
            visitor.blob(ResourceType.OBJECT, object, 0, otherContents);
        }
    }

    /** @param valueType type of what the leaves name, 0 for what is reached another way */
    private Below tree(TreeKind kind, int valueType, Below value) {
        Below nodes = new Below() {
            private final Below remembering = remembering(this::read);

            @Override
            public void forEach(Mac mac, Visitor visitor) {
                remembering.forEach(mac, visitor);
            }

            private void read(Mac mac, Visitor visitor) {
                TreeNode node =
                        TreeNode.decodeReferences(new MsgpackReader(source.read(kind.nodeType(), mac), "tree node"));
                for (Mac child : node.pointers()) {
                    visitor.blob(kind.nodeType(), child, 0, this);
                }
                if (node.isLeaf() && valueType != 0) {
                    for (Mac named : node.values()) {
                        visitor.blob(valueType, named, 0, value);
                    }
                }
            }
        };
        return (mac, visitor) -> {
            TreeNode.Root root =
                    TreeNode.Root.decode(new MsgpackReader(source.read(kind.rootType(), mac), "tree root"));
            if (root.node().isZero()) {
                throw new CorruptDataException("tree " + mac.shortHex() + " has no node");
            }
            visitor.blob(kind.nodeType(), root.node(), 0, nodes);
        };
    }
}
