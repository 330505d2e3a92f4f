// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.TreeNode;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.ResourceType;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads a B+tree node by node, as far as a question needs it. Keeps the last nodes it saw. One thread at a time.
 */
public final class TreeReader {
    private static final int CACHED_NODES = 64;
    /** Room for the nodes from the top to a leaf when paths have 100,000 bytes; nodes of the usual ones have 1 to 5 KB. */
    private static final long CACHED_BYTES = 16 << 20;
    /** Deeper than any tree of 2^64 keys: more means that nodes point at each other. */
    private static final int MAX_DEPTH = 32;

    private final TreeKind kind;
    private final BlobSource source;
    private final Mac root;
    private final LinkedHashMap<Mac, Cached> cache = new LinkedHashMap<>(CACHED_NODES * 2, 0.75f, true);
    private long cachedBytes;
    private @Nullable Mac top;

    public TreeReader(TreeKind kind, BlobSource source, Mac root) {
        this.kind = kind;
        this.source = source;
        this.root = root;
    }

    /** @param bytes length of the node as it is stored */
    private record Cached(TreeNode node, long bytes) {}

    /** Receives keys in order; returns false to stop. */
    @FunctionalInterface
    public interface Visitor {
        boolean pair(byte[] key, Mac value);
    }

    /** The value of a key, or null. */
    public @Nullable Mac find(byte[] key) {
        TreeNode leaf = leafFor(key);
        int at = Collections.binarySearch(leaf.keys(), key, kind.order());
        return at >= 0 ? leaf.values().get(at) : null;
    }

    /** Visits all keys from {@code from} on, in order. */
    public void scan(byte[] from, Visitor visitor) {
        TreeNode leaf = leafFor(from);
        int at = Collections.binarySearch(leaf.keys(), from, kind.order());
        at = at < 0 ? -at - 1 : at;
        byte[] last = null;
        while (true) {
            for (; at < leaf.keys().size(); at++) {
                byte[] key = leaf.keys().get(at);
                if (last != null && kind.order().compare(key, last) <= 0) {
                    throw new CorruptDataException("tree " + root.shortHex() + ": keys are out of order");
                }
                last = key;
                if (!visitor.pair(key, leaf.values().get(at))) {
                    return;
                }
            }
            if (leaf.next().isZero()) {
                return;
            }
            leaf = next(leaf);
            at = 0;
        }
    }

    /** The leaf to the right. A circle of leaves without keys would be walked for ever, so there may be none. */
    private TreeNode next(TreeNode leaf) {
        TreeNode next = node(leaf.next());
        if (!next.isLeaf() || next.keys().isEmpty()) {
            throw new CorruptDataException(
                    "tree " + root.shortHex() + ": what follows a leaf is " + (next.isLeaf() ? "empty" : "no leaf"));
        }
        return next;
    }

    /** Steps through all pairs from the first key on. */
    public Cursor cursor() {
        return new Cursor();
    }

    /** A place between the pairs of a tree, or at one of them. */
    public final class Cursor {
        private @Nullable TreeNode leaf;
        private int at;
        private byte[] key = {};

        /** Goes to the next pair, and says whether there is one. */
        public boolean next() {
            TreeNode in = leaf;
            if (in == null) {
                in = node(top());
                for (int depth = 0; !in.isLeaf(); depth++) {
                    in = node(childOf(in, 0, depth));
                }
                at = -1;
            }
            boolean isFirst = at < 0 && leaf == null;
            if (++at == in.keys().size()) {
                if (in.next().isZero()) {
                    at--;
                    leaf = in;
                    return false;
                }
                in = TreeReader.this.next(in);
                at = 0;
            }
            leaf = in;
            byte[] found = in.keys().get(at);
            if (!isFirst && kind.order().compare(found, key) <= 0) {
                throw new CorruptDataException("tree " + root.shortHex() + ": keys are out of order");
            }
            key = found;
            return true;
        }

        public byte[] key() {
            return key;
        }

        public Mac value() {
            TreeNode in = leaf;
            if (in == null || at < 0) {
                throw new IllegalStateException("at no pair");
            }
            return in.values().get(at);
        }
    }

    /**
     * Visits all pairs of a tree whose keys may be in another order than its kind's: Plakar's trees of attributes are
     * (format 2a §2.5).
     */
    public void scanUnordered(Visitor visitor) {
        TreeNode leaf = node(top());
        for (int depth = 0; !leaf.isLeaf(); depth++) {
            leaf = node(childOf(leaf, 0, depth));
        }
        // Keys in no order do not show a circle: a leaf is remembered after 1, 2, 4... steps and must not come again.
        Mac remembered = Mac.ZERO;
        for (long steps = 1; ; steps++) {
            for (int at = 0; at < leaf.keys().size(); at++) {
                if (!visitor.pair(leaf.keys().get(at), leaf.values().get(at))) {
                    return;
                }
            }
            if (leaf.next().isZero()) {
                return;
            }
            if (leaf.next().equals(remembered)) {
                throw new CorruptDataException("tree " + root.shortHex() + ": its leaves go round in a circle");
            }
            if (Long.bitCount(steps) == 1) {
                remembered = leaf.next();
            }
            leaf = next(leaf);
        }
    }

    /** Visits the MACs of all nodes, parents before children; the leaves' contents too. For checks. */
    public void forEachNode(NodeVisitor visitor) {
        forEachNode(new NodeWalk() {
            @Override
            public boolean enter(Mac mac) {
                return true;
            }

            @Override
            public void node(Mac mac, TreeNode node) {
                visitor.node(mac, node);
            }

            @Override
            public void leave(Mac mac) {}
        });
    }

    /** Receives one node. */
    @FunctionalInterface
    public interface NodeVisitor {
        void node(Mac mac, TreeNode node);
    }

    /** What a walk over nodes is told. */
    public interface NodeWalk {
        /** Says whether to read a node, and what is below it; if not, nothing more is told of it. */
        boolean enter(Mac mac);

        /** The node, before those below it. */
        void node(Mac mac, TreeNode node);

        /** All below the node has been told. */
        void leave(Mac mac);
    }

    /** Like {@link #forEachNode(NodeVisitor)}, without nodes that are not wanted and without what is below them. */
    public void forEachNode(NodeWalk walk) {
        forEachNode(top(), 0, walk, new HashSet<>());
    }

    private void forEachNode(Mac mac, int depth, NodeWalk walk, Set<Mac> visited) {
        if (!walk.enter(mac)) {
            return;
        }
        // Nodes with the same keys cannot be in two places; and a few that all point at each other are endless work.
        if (!visited.add(mac)) {
            throw new CorruptDataException("tree " + root.shortHex() + ": node " + mac.shortHex() + " is in it twice");
        }
        TreeNode node = node(mac);
        walk.node(mac, node);
        for (int i = 0; i < node.pointers().size(); i++) {
            forEachNode(childOf(node, i, depth), depth + 1, walk, visited);
        }
        walk.leave(mac);
    }

    private TreeNode leafFor(byte[] key) {
        TreeNode node = node(top());
        for (int depth = 0; !node.isLeaf(); depth++) {
            int at = Collections.binarySearch(node.keys(), key, kind.order());
            node = node(childOf(node, at >= 0 ? at + 1 : -at - 1, depth));
        }
        return node;
    }

    private Mac childOf(TreeNode node, int at, int depth) {
        if (depth > MAX_DEPTH) {
            throw new CorruptDataException("tree " + root.shortHex() + ": deeper than any tree can be");
        }
        return node.pointers().get(at);
    }

    private Mac top() {
        if (top == null) {
            TreeNode.Root record = TreeNode.Root.decode(
                    new MsgpackReader(source.read(kind.rootType(), root), name(kind.rootType(), root)));
            if (record.order() < 3) {
                throw new CorruptDataException(name(kind.rootType(), root) + ": impossible order " + record.order());
            }
            top = record.node();
        }
        return top;
    }

    private static String name(int type, Mac mac) {
        return ResourceType.name(type) + " " + mac.shortHex();
    }

    private TreeNode node(Mac mac) {
        Cached cached = cache.get(mac);
        if (cached != null) {
            return cached.node;
        }
        MemorySegment bytes = source.read(kind.nodeType(), mac);
        TreeNode node = TreeNode.decode(new MsgpackReader(bytes, name(kind.nodeType(), mac)));
        List<?> expected = node.isLeaf() ? node.values() : node.pointers();
        if (expected.size() != node.keys().size() + (node.isLeaf() ? 0 : 1)) {
            throw new CorruptDataException(name(kind.nodeType(), mac) + ": "
                    + node.keys().size() + " keys, " + expected.size() + " children or values");
        }
        cachedBytes += bytes.byteSize();
        cache.put(mac, new Cached(node, bytes.byteSize()));
        while (cachedBytes > CACHED_BYTES || cache.size() > CACHED_NODES) {
            cachedBytes -= cache.pollFirstEntry().getValue().bytes;
        }
        return node;
    }
}
