// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.TreeNode;
import dev.armoire.packfile.MsgpackWriter;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class TreeReaderTest {
    private static final Mac ROOT = mac(0);

    private final Map<Mac, byte[]> blobs = new HashMap<>();

    private static Mac mac(int number) {
        return new Mac(number + 1L, number * 77L, 3, 4);
    }

    private MemorySegment read(Mac mac) {
        byte[] blob = blobs.get(mac);
        if (blob == null) {
            throw new CorruptDataException("no blob " + mac.shortHex());
        }
        return MemorySegment.ofArray(blob);
    }

    private TreeReader reader(TreeKind kind) {
        return new TreeReader(kind, (type, mac) -> read(mac), ROOT);
    }

    private void root(int order, Mac top) {
        MsgpackWriter out = new MsgpackWriter();
        new TreeNode.Root(order, top).encode(out);
        blobs.put(ROOT, out.toByteArray());
    }

    private void node(int number, TreeNode node) {
        MsgpackWriter out = new MsgpackWriter();
        node.encode(out);
        blobs.put(mac(number), out.toByteArray());
    }

    private static TreeNode leaf(Mac next, String... keys) {
        List<Mac> values = new ArrayList<>();
        for (int i = 0; i < keys.length; i++) {
            values.add(mac(1000 + i));
        }
        return new TreeNode(Arrays.stream(keys).map(SnapshotPath::of).toList(), List.of(), values, next);
    }

    private static TreeNode inner(List<Mac> pointers, String... keys) {
        return new TreeNode(Arrays.stream(keys).map(SnapshotPath::of).toList(), pointers, List.of(), Mac.ZERO);
    }

    private void assertCorrupt(Runnable work) {
        assertThatThrownBy(work::run).isInstanceOf(CorruptDataException.class);
    }

    private static long count(TreeReader tree) {
        long[] pairs = {0};
        tree.scanUnordered((key, value) -> ++pairs[0] > 0);
        return pairs[0];
    }

    @ParameterizedTest
    @EnumSource(TreeKind.class)
    void whatWasBuiltIsFound(TreeKind kind) {
        Random random = new Random(11);
        for (int size : new int[] {0, 1, 2, 23, 24, 25, 26, 49, 50, 51, 75, 76, 77, 1275, 1300, 1301, 5000, 40_000}) {
            TreeMap<byte[], Mac> pairs = new TreeMap<>(kind.order());
            while (pairs.size() < size) {
                String key = "/" + Integer.toString(random.nextInt(1 << 20), 3).replace('2', '/');
                pairs.put(SnapshotPath.of(key), mac(pairs.size()));
            }
            blobs.clear();
            int[] names = {1 << 20};
            TreeBuilder builder = new TreeBuilder(
                    kind,
                    (type, plain) -> {
                        Mac name = mac(names[0]++);
                        blobs.put(name, plain.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
                        return name;
                    },
                    new MsgpackWriter());
            pairs.descendingMap().forEach(builder::add);
            Mac root = builder.finish();
            TreeReader tree = new TreeReader(kind, (type, mac) -> read(mac), root);
            List<byte[]> scanned = new ArrayList<>();
            tree.scan(new byte[0], (key, value) -> {
                assertThat(value).isEqualTo(pairs.get(key));
                return scanned.add(key);
            });
            assertThat(scanned).usingElementComparator(kind.order()).containsExactlyElementsOf(pairs.keySet());
            assertThat(count(tree)).isEqualTo(size);
            tree.forEachNode((mac, node) -> assertThat(node.keys()).hasSizeLessThan(TreeNode.ORDER));
            for (int i = 0; i < 200; i++) {
                byte[] key = SnapshotPath.of(
                        "/" + Integer.toString(random.nextInt(1 << 20), 3).replace('2', '/'));
                assertThat(tree.find(key)).isEqualTo(pairs.get(key));
                byte[] next = pairs.ceilingKey(key);
                byte[][] found = {null};
                tree.scan(key, (k, value) -> {
                    found[0] = k;
                    return false;
                });
                assertThat(found[0]).isEqualTo(next);
            }
        }
    }

    @Test
    void leavesInACircle() {
        root(50, mac(1));
        node(1, leaf(mac(2), "/a"));
        node(2, leaf(mac(3), "/b"));
        node(3, leaf(mac(1), "/c"));
        assertCorrupt(() -> reader(TreeKind.INDEX).scan(new byte[0], (key, value) -> true));
        assertCorrupt(() -> count(reader(TreeKind.XATTRS)));
        node(3, leaf(mac(3), "/c"));
        assertCorrupt(() -> count(reader(TreeKind.XATTRS)));
    }

    @Test
    void emptyLeavesInACircle() {
        root(50, mac(1));
        node(1, leaf(mac(2)));
        node(2, leaf(mac(1)));
        assertCorrupt(() -> reader(TreeKind.INDEX).scan(new byte[0], (key, value) -> true));
        assertCorrupt(() -> count(reader(TreeKind.XATTRS)));
    }

    @Test
    void aLeafFollowedByAnInnerNode() {
        root(50, mac(1));
        node(1, leaf(mac(2), "/a"));
        node(2, inner(List.of(mac(1), mac(1)), "/b"));
        assertCorrupt(() -> reader(TreeKind.INDEX).scan(new byte[0], (key, value) -> true));
        assertCorrupt(() -> count(reader(TreeKind.XATTRS)));
    }

    @Test
    void innerNodesInACircle() {
        root(50, mac(1));
        node(1, inner(List.of(mac(2), mac(2)), "/m"));
        node(2, inner(List.of(mac(1), mac(1)), "/m"));
        assertCorrupt(() -> reader(TreeKind.INDEX).find(SnapshotPath.of("/x")));
        assertCorrupt(() -> reader(TreeKind.INDEX).scan(new byte[0], (key, value) -> true));
        assertCorrupt(() -> count(reader(TreeKind.XATTRS)));
        assertCorrupt(() -> reader(TreeKind.INDEX).forEachNode((mac, node) -> {}));
    }

    /** No circle, but 50^30 ways down. */
    @Test
    void nodesThatAllPointAtTheSame() {
        root(50, mac(1));
        String[] keys = new String[49];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = String.format("/%02d", i);
        }
        for (int level = 1; level <= 30; level++) {
            List<Mac> pointers = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                pointers.add(mac(level + 1));
            }
            node(level, inner(pointers, keys));
        }
        node(31, leaf(Mac.ZERO, "/a"));
        assertCorrupt(() -> reader(TreeKind.INDEX).forEachNode((mac, node) -> {}));
        assertThat(reader(TreeKind.INDEX).find(SnapshotPath.of("/a"))).isEqualTo(mac(1000));
    }

    @Test
    void countsThatDoNotFit() {
        root(50, mac(1));
        node(1, new TreeNode(List.of(SnapshotPath.of("/a")), List.of(), List.of(), Mac.ZERO));
        assertCorrupt(() -> reader(TreeKind.INDEX).find(SnapshotPath.of("/a")));
        node(1, inner(List.of(mac(2)), "/a", "/b"));
        assertCorrupt(() -> reader(TreeKind.INDEX).find(SnapshotPath.of("/a")));
        root(2, mac(1));
        node(1, leaf(Mac.ZERO, "/a"));
        assertCorrupt(() -> reader(TreeKind.INDEX).find(SnapshotPath.of("/a")));
    }

    /** A few nodes that point wherever they like. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void randomNodes(int seed) {
        Random random = new Random(seed);
        for (int round = 0; round < 500; round++) {
            blobs.clear();
            root(50, mac(1 + random.nextInt(8)));
            for (int number = 1; number < 8; number++) {
                List<byte[]> keys = new ArrayList<>();
                List<Mac> pointers = new ArrayList<>();
                List<Mac> values = new ArrayList<>();
                for (int i = random.nextInt(4); i > 0; i--) {
                    keys.add(SnapshotPath.of("/" + (char) ('a' + random.nextInt(6))));
                }
                boolean isLeaf = random.nextInt(3) > 0;
                int slips = random.nextInt(10) == 0 ? 1 : 0;
                for (int i = keys.size() + slips + (isLeaf ? 0 : 1); i > 0; i--) {
                    (isLeaf ? values : pointers).add(mac(1 + random.nextInt(8)));
                }
                keys.sort(SnapshotPath::compareBytes);
                Mac next = random.nextBoolean() ? Mac.ZERO : mac(1 + random.nextInt(8));
                node(number, new TreeNode(keys, pointers, values, next));
            }
            for (Runnable work : List.<Runnable>of(
                    () -> reader(TreeKind.INDEX).find(SnapshotPath.of("/c")),
                    () -> reader(TreeKind.INDEX).scan(SnapshotPath.of("/b"), (key, value) -> true),
                    () -> count(reader(TreeKind.XATTRS)),
                    () -> reader(TreeKind.INDEX).forEachNode((mac, node) -> {}))) {
                try {
                    work.run();
                } catch (CorruptDataException e) {
                    assertThat(e).hasMessageMatching("(?s).*(tree|blob|node|btree).*");
                }
            }
        }
    }
}
