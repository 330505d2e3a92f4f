// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.TreeNode;
import dev.armoire.packfile.MsgpackWriter;
import java.util.ArrayList;
import java.util.List;

/**
 * Builds a B+tree from keys that come in <em>descending</em> order, storing each node as soon as it is full; what it holds
 * at any time is one node a level. Descending, because a leaf names its right neighbour by MAC.
 *
 * <p>The shape is the one that Plakar's tree gets when the same keys are inserted in descending order (format 2a §2.4): the
 * leftmost node fills up to 50 keys, then its right 26 split off. So equal contents give equal nodes in both programs, and
 * are stored once.
 */
public final class TreeBuilder {
    private static final int SPLIT_AT = TreeNode.ORDER;
    private static final int SPLIT_OFF = TreeNode.ORDER / 2 + 1;

    private final TreeKind kind;
    private final BlobSink sink;
    private final MsgpackWriter writer;
    /** Keys and values of the leftmost leaf so far, greatest first. */
    private final List<byte[]> keys = new ArrayList<>();

    private final List<Mac> values = new ArrayList<>();
    /** For each level above the leaves, the finished children of its leftmost node, rightmost first. */
    private final List<List<Child>> levels = new ArrayList<>();

    private Mac rightNeighbour = Mac.ZERO;

    private record Child(byte[] leastKey, Mac node) {}

    /** @param writer scratch, free for use between calls */
    public TreeBuilder(TreeKind kind, BlobSink sink, MsgpackWriter writer) {
        this.kind = kind;
        this.sink = sink;
        this.writer = writer;
    }

    /** Adds a key that is less than all before, in the order of the tree's kind. */
    public void add(byte[] key, Mac value) {
        assert keys.isEmpty() || kind.order().compare(key, keys.getLast()) < 0 : "keys must come in descending order";
        keys.add(key);
        values.add(value);
        if (keys.size() == SPLIT_AT) {
            addChild(0, leaf(SPLIT_OFF));
        }
    }

    /** Stores what is left and the root record; returns the MAC of the root record. */
    public Mac finish() {
        Child top = leaf(keys.size());
        for (List<Child> children : levels) {
            children.add(top);
            top = storeInner(children, children.size());
        }
        writer.reset();
        new TreeNode.Root(TreeNode.ORDER, top.node).encode(writer);
        return sink.store(kind.rootType(), writer.written());
    }

    private Child leaf(int count) {
        byte[] least = count == 0 ? SnapshotPath.ROOT : keys.get(count - 1);
        return new Child(least, storeLeaf(count));
    }

    /** Stores the {@code count} greatest keys as a leaf. */
    private Mac storeLeaf(int count) {
        TreeNode leaf = new TreeNode(
                List.copyOf(keys.subList(0, count).reversed()),
                List.of(),
                List.copyOf(values.subList(0, count).reversed()),
                rightNeighbour);
        keys.subList(0, count).clear();
        values.subList(0, count).clear();
        rightNeighbour = store(leaf);
        return rightNeighbour;
    }

    private void addChild(int level, Child child) {
        if (level == levels.size()) {
            levels.add(new ArrayList<>());
        }
        List<Child> children = levels.get(level);
        children.add(child);
        // The node being filled has one more child, the open one to the left: with it, this is the 51st pointer.
        if (children.size() == SPLIT_AT) {
            addChild(level + 1, storeInner(children, SPLIT_OFF));
        }
    }

    /** Stores the {@code count} rightmost children as an inner node. */
    private Child storeInner(List<Child> children, int count) {
        List<Child> own = List.copyOf(children.subList(0, count).reversed());
        children.subList(0, count).clear();
        TreeNode node = new TreeNode(
                own.stream().skip(1).map(Child::leastKey).toList(),
                own.stream().map(Child::node).toList(),
                List.of(),
                Mac.ZERO);
        return new Child(own.getFirst().leastKey, store(node));
    }

    private Mac store(TreeNode node) {
        writer.reset();
        node.encode(writer);
        return sink.store(kind.nodeType(), writer.written());
    }
}
