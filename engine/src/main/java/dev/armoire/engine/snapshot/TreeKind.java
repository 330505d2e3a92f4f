// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.packfile.ResourceType;
import java.util.Comparator;

/** The four families of B+trees: the types of their blobs, and the order of their keys (format 2a §2.5). */
public enum TreeKind {
    VFS(ResourceType.VFS_BTREE, ResourceType.VFS_NODE, SnapshotPath::compareDepth),
    ERRORS(ResourceType.ERROR_BTREE, ResourceType.ERROR_NODE, SnapshotPath::compareBytes),
    XATTRS(ResourceType.XATTR_BTREE, ResourceType.XATTR_NODE, SnapshotPath::compareBytes),
    INDEX(ResourceType.BTREE_ROOT, ResourceType.BTREE_NODE, SnapshotPath::compareBytes);

    private final int rootType;
    private final int nodeType;

    @SuppressWarnings("ImmutableEnumChecker") // all are static methods, which have no state
    private final Comparator<byte[]> order;

    TreeKind(int rootType, int nodeType, Comparator<byte[]> order) {
        this.rootType = rootType;
        this.nodeType = nodeType;
        this.order = order;
    }

    public int rootType() {
        return rootType;
    }

    public int nodeType() {
        return nodeType;
    }

    public Comparator<byte[]> order() {
        return order;
    }
}
