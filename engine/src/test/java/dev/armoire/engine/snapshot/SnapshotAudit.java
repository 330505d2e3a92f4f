// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.content.ContentTypes;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ErrorItem;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.Summary;
import dev.armoire.engine.record.TreeNode;
import dev.armoire.engine.record.XattrItem;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.MsgpackWriter;
import dev.armoire.packfile.ResourceType;
import dev.armoire.simd.Chunker;
import dev.armoire.simd.Entropy;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * Reads all of a snapshot, writes every record again, computes again all that is computed from contents, and expects the
 * bytes that are stored.
 */
public final class SnapshotAudit {
    /** Checks every snapshot of a store. */
    public static void all(Repository repository) {
        try (BlobReader reader = repository.newReader()) {
            for (Mac id : repository.snapshots()) {
                new SnapshotAudit(repository, reader, id).run();
            }
        }
    }

    private final BlobReader reader;
    private final MacHasher hasher;
    private final Chunker chunker;
    private final Snapshot snapshot;
    private final Set<Mac> seenObjects = new HashSet<>();
    private final Map<String, Long> errorsByDirectory = new HashMap<>();

    private SnapshotAudit(Repository repository, BlobReader reader, Mac id) {
        this.reader = reader;
        this.hasher = repository.keys().newMacHasher();
        var chunking = repository.config().chunking();
        this.chunker = Chunker.of(
                chunking.algorithm(), (int) chunking.minSize(), (int) chunking.normalSize(), (int) chunking.maxSize());
        this.snapshot = Snapshot.open(reader, id);
        sameBytes(ResourceType.SNAPSHOT, id, SnapshotHeader::decode, SnapshotHeader::encode);
    }

    private void run() {
        SnapshotHeader.Source source = snapshot.header().source();
        assertThat(snapshot.header().sources()).hasSize(1);
        root(TreeKind.VFS, source.vfs());
        root(TreeKind.ERRORS, source.errors());
        root(TreeKind.XATTRS, source.xattrs());
        nodes(TreeKind.VFS, snapshot.vfs());
        nodes(TreeKind.ERRORS, snapshot.errors());
        nodes(TreeKind.XATTRS, snapshot.xattrs());
        for (SnapshotHeader.Index index : source.indexes()) {
            root(TreeKind.INDEX, index.root());
            nodes(TreeKind.INDEX, new TreeReader(TreeKind.INDEX, reader, index.root()));
        }
        errors();
        Map<String, Mac> files = new TreeMap<>();
        Map<String, Entry> entries = entries(files);
        directories(entries);
        contentTypeIndex(entries, files);
        xattrs();
    }

    private void errors() {
        snapshot.errors().scanUnordered((path, mac) -> {
            ErrorItem item = sameBytes(ResourceType.ERROR_ENTRY, mac, ErrorItem::decode, ErrorItem::encode);
            assertThat(item.path()).isEqualTo(path);
            errorsByDirectory.merge(text(SnapshotPath.parent(path)), 1L, Long::sum);
            return true;
        });
    }

    private Map<String, Entry> entries(Map<String, Mac> macs) {
        Map<String, Entry> entries = new TreeMap<>();
        snapshot.vfs().scan(SnapshotPath.ROOT, (path, mac) -> {
            macs.put(text(path), mac);
            return true;
        });
        macs.forEach((path, mac) -> {
            Entry entry = sameBytes(ResourceType.VFS_ENTRY, mac, Entry::decode, Entry::encode);
            assertThat(text(entry.path())).isEqualTo(path);
            assertThat(snapshot.vfs().find(entry.path())).isEqualTo(mac);
            entries.put(path, entry);
            if (entry.isRegular()) {
                ObjectRecord object = object(entry.object(), true);
                assertThat(entry.info().size()).isEqualTo(object.size());
                assertThat(entry.chunks()).isEqualTo(object.chunks().size());
                assertThat(entry.contentType()).isEqualTo(object.contentType());
                assertThat(entry.entropy()).isEqualTo(object.entropy());
            } else {
                assertThat(entry.object()).isEqualTo(Mac.ZERO);
                assertThat(entry.contentType()).isEqualTo(entry.isDirectory() ? "" : Entry.NOT_REGULAR);
            }
        });
        return entries;
    }

    /** Checks the object record, and what it says of its content; returns it. */
    private ObjectRecord object(Mac mac, boolean isFile) {
        ObjectRecord object = sameBytes(ResourceType.OBJECT, mac, ObjectRecord::decode, ObjectRecord::encode);
        if (seenObjects.add(mac)) {
            ByteArrayOutputStream whole = new ByteArrayOutputStream();
            ObjectReader.forEachChunk(reader, object, chunk -> whole.writeBytes(chunk.toArray(ValueLayout.JAVA_BYTE)));
            MemorySegment content = MemorySegment.ofArray(whole.toByteArray());
            assertThat(hasher.mac(content)).isEqualTo(object.contentMac());
            List<ObjectRecord.Chunk> chunks = new ArrayList<>();
            double weighted = 0;
            String type = isFile ? "" : ObjectRecord.DIRPACK_TYPE;
            long at = 0;
            do {
                long length = at == content.byteSize() ? 0 : chunker.cut(content.asSlice(at));
                MemorySegment data = content.asSlice(at, length);
                double entropy = isFile ? Entropy.ofBytes(data) : 0;
                if (isFile && at == 0) {
                    type = ContentTypes.detect(data);
                }
                chunks.add(new ObjectRecord.Chunk(hasher.mac(data), length, entropy));
                weighted += entropy * length;
                at += length;
            } while (at < content.byteSize());
            double entropy = at == 0 ? 0 : weighted / at;
            assertThat(new ObjectRecord(object.contentMac(), chunks, type, entropy))
                    .isEqualTo(object);
        }
        return object;
    }

    /** Listings and summaries, from the deepest directories up. */
    private void directories(Map<String, Entry> entries) {
        Map<String, Mac> listings = pairs(SnapshotHeader.DIRPACK_INDEX);
        Map<String, Mac> summaries = pairs(SnapshotHeader.SUMMARY_INDEX);
        List<String> directories = entries.values().stream()
                .filter(Entry::isDirectory)
                .map(entry -> text(entry.path()))
                .sorted((a, b) -> SnapshotPath.compareBytes(bytes(b), bytes(a)))
                .toList();
        assertThat(listings.keySet()).hasSameElementsAs(directories);
        assertThat(summaries.keySet()).hasSameElementsAs(directories);
        Map<String, Summary> done = new HashMap<>();
        Set<String> listed = new HashSet<>();
        for (String directory : directories) {
            Summary summary = new Summary();
            List<byte[]> names = new ArrayList<>();
            ByteArrayOutputStream written = new ByteArrayOutputStream();
            List<Mac> macs = new ArrayList<>();
            snapshot.forEachChild(bytes(directory), (entry, mac) -> {
                names.add(entry.name());
                macs.add(mac);
                listed.add(text(entry.path()));
                MemorySegment encoded = encode(entry, Entry::encode);
                byte[] frame = new byte[(int) encoded.byteSize() + Dirpack.FRAME_OVERHEAD];
                Dirpack.writeFrame(MemorySegment.ofArray(frame), 0, entry.isDirectory(), encoded, mac);
                written.writeBytes(frame);
                if (entry.isDirectory()) {
                    summary.addDirectory(done.get(text(entry.path())));
                } else {
                    summary.addFile(entry);
                }
                return true;
            });
            assertThat(names).isSortedAccordingTo(Arrays::compareUnsigned);
            for (int i = 0; i < macs.size(); i++) {
                assertThat(snapshot.vfs().find(SnapshotPath.child(bytes(directory), names.get(i))))
                        .isEqualTo(macs.get(i));
            }
            ObjectRecord listing = object(listings.get(directory), false);
            assertThat(hasher.mac(MemorySegment.ofArray(written.toByteArray()))).isEqualTo(listing.contentMac());
            summary.finish(errorsByDirectory.getOrDefault(directory, 0L));
            done.put(directory, summary);
            Mac stored = summaries.get(directory);
            sameBytes(ResourceType.VFS_SUMMARY, stored, Summary::decode, Summary::encode);
            assertThat(hasher.mac(encode(summary, Summary::encode)))
                    .as("summary of %s", directory)
                    .isEqualTo(stored);
        }
        listed.add("/");
        assertThat(listed).isEqualTo(entries.keySet());
        assertThat(encode(done.get("/"), Summary::encode).toArray(ValueLayout.JAVA_BYTE))
                .isEqualTo(encode(snapshot.header().source().summary(), Summary::encode)
                        .toArray(ValueLayout.JAVA_BYTE));
    }

    private void contentTypeIndex(Map<String, Entry> entries, Map<String, Mac> macs) {
        Map<String, Mac> expected = new TreeMap<>();
        entries.forEach((path, entry) -> {
            if (!entry.isDirectory()) {
                String type = entry.contentType().replaceFirst(";.*", "");
                expected.put("/" + type + path, macs.get(path));
            }
        });
        assertThat(pairs(SnapshotHeader.CONTENT_TYPE_INDEX)).isEqualTo(expected);
    }

    private void xattrs() {
        snapshot.xattrs().scanUnordered((key, mac) -> {
            XattrItem item = sameBytes(ResourceType.XATTR_ENTRY, mac, XattrItem::decode, XattrItem::encode);
            assertThat(item.key()).isEqualTo(key);
            assertThat(object(item.object(), true).size()).isEqualTo(item.size());
            assertThat(snapshot.xattrValue(item.path(), item.name(), 1 << 20)).hasSize((int) item.size());
            return true;
        });
    }

    private Map<String, Mac> pairs(String index) {
        Map<String, Mac> pairs = new TreeMap<>();
        Mac root = snapshot.header().source().index(index).orElseThrow();
        new TreeReader(TreeKind.INDEX, reader, root).scan(new byte[0], (key, value) -> {
            pairs.put(text(key), value);
            return true;
        });
        return pairs;
    }

    private void root(TreeKind kind, Mac mac) {
        sameBytes(kind.rootType(), mac, TreeNode.Root::decode, TreeNode.Root::encode);
    }

    private void nodes(TreeKind kind, TreeReader tree) {
        List<Mac> macs = new ArrayList<>();
        tree.forEachNode((mac, node) -> macs.add(mac));
        assertThat(macs).isNotEmpty().doesNotHaveDuplicates();
        macs.forEach(mac -> sameBytes(kind.nodeType(), mac, TreeNode::decode, TreeNode::encode));
    }

    private <T> T sameBytes(int type, Mac mac, Function<MsgpackReader, T> decoder, Encoder<T> encoder) {
        byte[] stored = reader.read(type, mac).toArray(ValueLayout.JAVA_BYTE);
        T record = decoder.apply(new MsgpackReader(MemorySegment.ofArray(stored), ResourceType.name(type)));
        assertThat(encode(record, encoder).toArray(ValueLayout.JAVA_BYTE))
                .as("%s %s", ResourceType.name(type), mac)
                .isEqualTo(stored);
        return record;
    }

    private interface Encoder<T> {
        void encode(T record, MsgpackWriter out);
    }

    private static <T> MemorySegment encode(T record, Encoder<T> encoder) {
        MsgpackWriter out = new MsgpackWriter();
        encoder.encode(record, out);
        return MemorySegment.ofArray(out.toByteArray());
    }

    /** Paths as text that loses no byte. */
    private static String text(byte[] path) {
        return new String(path, StandardCharsets.ISO_8859_1);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }
}
