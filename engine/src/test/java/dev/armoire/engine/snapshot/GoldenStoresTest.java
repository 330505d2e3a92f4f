// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.TreeNode;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.packfile.MsgpackWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Stores of real Plakar: every record that is read is written again, and everything that is computed from contents is
 * computed again. What comes out must be the bytes that Plakar stored.
 */
class GoldenStoresTest {
    static List<String> stores() {
        return Fixtures.ALL;
    }

    @ParameterizedTest
    @CsvSource({"plaintext, 4", "encrypted, 2", "sha256, 1", "errors, 1", "encrypted.ptar, 1"})
    void snapshotsAreListed(String store, int count) throws IOException {
        try (Repository repository = Fixtures.open(store)) {
            List<SnapshotHeader> headers = Snapshot.headers(repository, (id, problem) -> {
                throw new AssertionError(problem);
            });
            assertThat(headers).hasSize(count);
            assertThat(headers).isSortedAccordingTo((a, b) -> b.timestamp().compareTo(a.timestamp()));
        }
    }

    @ParameterizedTest
    @MethodSource("stores")
    void everyRecordIsWhatWeWouldWrite(String store) throws IOException {
        try (Repository repository = Fixtures.open(store)) {
            SnapshotAudit.all(repository);
        }
    }

    /** Paths as text that loses no byte. */
    private static String text(byte[] path) {
        return new String(path, StandardCharsets.ISO_8859_1);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /**
     * The same pairs, given to our builder. Plakar inserts key by key, always in the descending order of whole paths. For
     * listings, summaries and errors that is the order of the keys, and our trees must be equal to the last node. In the
     * trees of entries and of content types the keys have another order, so Plakar's nodes split elsewhere, as the
     * insertion below shows; ours are as they would be had the keys come in order.
     */
    @ParameterizedTest
    @MethodSource("stores")
    void treesHaveTheShapeOfPlakars(String store) throws IOException {
        try (Repository repository = Fixtures.open(store);
                BlobReader reader = repository.newReader()) {
            MacHasher hasher = repository.keys().newMacHasher();
            for (Mac id : repository.snapshots()) {
                SnapshotHeader.Source source =
                        Snapshot.open(reader, id).header().source();
                assertThat(rebuild(reader, hasher, TreeKind.ERRORS, source.errors()))
                        .isTrue();
                rebuild(reader, hasher, TreeKind.VFS, source.vfs());
                assertThat(insertedLeaves(reader, TreeKind.VFS, source.vfs(), key -> key))
                        .isEqualTo(leaves(new TreeReader(TreeKind.VFS, reader, source.vfs())));
                for (SnapshotHeader.Index index : source.indexes()) {
                    boolean same = rebuild(reader, hasher, TreeKind.INDEX, index.root());
                    if (index.name().equals(SnapshotHeader.CONTENT_TYPE_INDEX)) {
                        assertThat(insertedLeaves(
                                        reader, TreeKind.INDEX, index.root(), GoldenStoresTest::withoutMediaType))
                                .isEqualTo(leaves(new TreeReader(TreeKind.INDEX, reader, index.root())));
                    } else {
                        assertThat(same).as("%s of %s", index.name(), id).isTrue();
                    }
                }
            }
        }
    }

    /** Builds the tree of the same pairs, looks every key up in it, and tells whether it is the same tree. */
    private static boolean rebuild(BlobReader reader, MacHasher hasher, TreeKind kind, Mac root) {
        List<byte[]> keys = new ArrayList<>();
        List<Mac> values = new ArrayList<>();
        new TreeReader(kind, reader, root).scanUnordered((key, value) -> {
            keys.add(key);
            values.add(value);
            return true;
        });
        Map<Mac, byte[]> blobs = new HashMap<>();
        TreeBuilder builder = new TreeBuilder(
                kind,
                (type, plain) -> {
                    Mac mac = hasher.mac(plain);
                    blobs.put(mac, plain.toArray(ValueLayout.JAVA_BYTE));
                    return mac;
                },
                new MsgpackWriter());
        for (int i = keys.size() - 1; i >= 0; i--) {
            builder.add(keys.get(i), values.get(i));
        }
        Mac built = builder.finish();
        TreeReader ours = new TreeReader(kind, (type, mac) -> MemorySegment.ofArray(blobs.get(mac)), built);
        for (int i = 0; i < keys.size(); i++) {
            assertThat(ours.find(keys.get(i))).isEqualTo(values.get(i));
        }
        return built.equals(root);
    }

    /** Sizes of the leaves when the keys of a tree are inserted in the descending order of their paths. */
    private static List<Integer> insertedLeaves(
            BlobReader reader, TreeKind kind, Mac root, Function<byte[], byte[]> path) {
        List<byte[]> keys = new ArrayList<>();
        new TreeReader(kind, reader, root).scanUnordered((key, value) -> keys.add(key));
        keys.sort((a, b) -> SnapshotPath.compareBytes(path.apply(b), path.apply(a)));
        List<List<byte[]>> leaves = new ArrayList<>(List.of(new ArrayList<>()));
        for (byte[] key : keys) {
            int at = leaves.size() - 1;
            while (at > 0 && kind.order().compare(key, leaves.get(at).getFirst()) < 0) {
                at--;
            }
            List<byte[]> leaf = leaves.get(at);
            leaf.add(key);
            leaf.sort(kind.order());
            if (leaf.size() == TreeNode.ORDER) {
                List<byte[]> right = leaf.subList(TreeNode.ORDER / 2 - 1, leaf.size());
                leaves.add(at + 1, new ArrayList<>(right));
                right.clear();
            }
        }
        return leaves.stream().map(List::size).toList();
    }

    private static byte[] withoutMediaType(byte[] key) {
        String text = text(key);
        int slash = text.indexOf('/', text.indexOf('/', 1) + 1);
        return bytes(text.substring(slash));
    }

    private static List<Integer> leaves(TreeReader tree) {
        List<Integer> sizes = new ArrayList<>();
        tree.forEachNode((mac, node) -> {
            if (node.isLeaf()) {
                sizes.add(node.keys().size());
            }
        });
        return sizes;
    }
}
