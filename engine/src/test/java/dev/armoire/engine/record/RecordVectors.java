// SPDX-License-Identifier: ISC
package dev.armoire.engine.record;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.crypto.Mac;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.MsgpackWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;

/** The recorded encodings, each with the value that it encodes and the way to decode it. */
final class RecordVectors {
    static final Mac A = Mac.parse("11".repeat(32));
    static final Mac B = Mac.parse("22".repeat(32));
    static final Mac C = Mac.parse("33".repeat(32));
    static final Mac D = Mac.parse("44".repeat(32));
    private static final byte[] NONE = {};
    private static final String TEXT = "text/plain; charset=utf-8";
    static final FileInfo FILE =
            new FileInfo(12, 0644, 1700000000, 123456789, 64769, 1234567, 1000, 1000, 1, "alice", "users", 0);

    private RecordVectors() {}

    /**
     * A record type with one value of it.
     *
     * @param value null where the vector is only decoded
     */
    record Vector(String name, byte[] bytes, Object value, Function<MsgpackReader, Object> decoder) {
        Object decode(byte[] input) {
            return decoder.apply(new MsgpackReader(MemorySegment.ofArray(input), name));
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static List<Vector> all() {
        Map<String, byte[]> bytes = read();
        List<Vector> vectors = new ArrayList<>();
        Consumer<Vector> add = vectors::add;
        Function<MsgpackReader, Object> entry = Entry::decode;
        Function<MsgpackReader, Object> object = ObjectRecord::decode;
        Function<MsgpackReader, Object> node = TreeNode::decode;
        Function<MsgpackReader, Object> summary = Summary::decode;
        add.accept(new Vector("entry-regular-file", bytes.get("entry-regular-file"), regularFile(List.of()), entry));
        add.accept(new Vector(
                "entry-regular-file-with-xattrs",
                bytes.get("entry-regular-file-with-xattrs"),
                regularFile(List.of(path("user.b"), path("user.a"))),
                entry));
        add.accept(new Vector(
                "entry-synthesised-directory-x-d",
                bytes.get("entry-synthesised-directory-x-d"),
                Entry.synthesisedDirectory(path("/x/d")),
                entry));
        FileInfo root = new FileInfo(4096, FileMode.DIRECTORY | 0755, 1700000000, 0, 64769, 2, 0, 0, 20, "", "", 0);
        add.accept(new Vector(
                "entry-root-directory-as-a-prefix-directory",
                bytes.get("entry-root-directory-as-a-prefix-directory"),
                Entry.of(SnapshotPath.ROOT, root, NONE, Mac.ZERO, "", 0, 0, List.of()),
                entry));
        FileInfo link = new FileInfo(5, FileMode.SYMLINK | 0777, 1700000000, 0, 64769, 42, 0, 0, 1, "root", "root", 0);
        add.accept(new Vector(
                "entry-symlink-l-a-txt",
                bytes.get("entry-symlink-l-a-txt"),
                Entry.of(path("/l"), link, path("a.txt"), Mac.ZERO, Entry.NOT_REGULAR, 0, 0, List.of()),
                entry));
        add.accept(new Vector(
                "object-empty-file",
                bytes.get("object-empty-file"),
                new ObjectRecord(B, List.of(new ObjectRecord.Chunk(B, 0, 0)), "text/plain", 0),
                object));
        add.accept(new Vector(
                "object-empty-directory-dirpack",
                bytes.get("object-empty-directory-dirpack"),
                new ObjectRecord(B, List.of(new ObjectRecord.Chunk(B, 0, 0)), ObjectRecord.DIRPACK_TYPE, 0),
                object));
        add.accept(new Vector(
                "object-one-chunk",
                bytes.get("object-one-chunk"),
                new ObjectRecord(B, List.of(new ObjectRecord.Chunk(B, 12, 3)), TEXT, 3),
                object));
        add.accept(new Vector(
                "b-tree-node-empty-tree",
                bytes.get("b-tree-node-empty-tree"),
                new TreeNode(List.of(), List.of(), List.of(), Mac.ZERO),
                node));
        add.accept(new Vector(
                "b-tree-leaf",
                bytes.get("b-tree-leaf"),
                new TreeNode(List.of(path("/"), path("/a")), List.of(), List.of(A, B), C),
                node));
        add.accept(new Vector(
                "b-tree-internal-node",
                bytes.get("b-tree-internal-node"),
                new TreeNode(List.of(path("/m")), List.of(A, B), List.of(), Mac.ZERO),
                node));
        add.accept(new Vector(
                "b-tree-root-record",
                bytes.get("b-tree-root-record"),
                new TreeNode.Root(TreeNode.ORDER, D),
                TreeNode.Root::decode));
        add.accept(new Vector(
                "erroritem",
                bytes.get("erroritem"),
                new ErrorItem(path("/etc/shadow"), "open /etc/shadow: permission denied"),
                ErrorItem::decode));
        add.accept(new Vector(
                "xattr",
                bytes.get("xattr"),
                new XattrItem(path("/home/alice/a.txt"), path("user.k"), 3, 0, A),
                XattrItem::decode));
        add.accept(
                new Vector("summary-empty-directory", bytes.get("summary-empty-directory"), emptySummary(), summary));
        add.accept(new Vector(
                "summary-directory-with-exactly-the-file-above",
                bytes.get("summary-directory-with-exactly-the-file-above"),
                fileSummary(),
                summary));
        Summary parent = new Summary();
        parent.addDirectory(fileSummary());
        parent.finish(0);
        add.accept(new Vector("summary-its-parent", bytes.get("summary-its-parent"), parent, summary));
        add.accept(new Vector("snapshot-header", bytes.get("snapshot-header"), header(), SnapshotHeader::decode));
        Mac content = Mac.parse("f100396c2aa72e40376ab29ab3f0454f7371efc7ad775d81d84f978042a51003");
        double entropy = Double.longBitsToDouble(0x4009725890b0aecfL);
        add.accept(new Vector(
                "real-object",
                bytes.get("real-object"),
                new ObjectRecord(content, List.of(new ObjectRecord.Chunk(content, 13, entropy)), TEXT, entropy),
                object));
        FileInfo hello = new FileInfo(13, 0644, 1700006771, 592592387, 39, 3, 0, 0, 3, "root", "root", 0);
        Mac helloObject = Mac.parse("93715a55d99b1264421cf48789fd20ccd39610338946b1893e97706f40e35317");
        add.accept(new Vector(
                "real-entry",
                bytes.get("real-entry"),
                Entry.of(path("/data/small/hello.txt"), hello, NONE, helloObject, TEXT, entropy, 1, List.of()),
                entry));
        return vectors;
    }

    static byte[] bytes(String name) {
        return read().get(name);
    }

    static Entry regularFile(List<byte[]> xattrs) {
        return Entry.of(path("/home/alice/a.txt"), FILE, NONE, A, TEXT, 3, 1, xattrs);
    }

    static Summary fileSummary() {
        Summary summary = new Summary();
        summary.addFile(regularFile(List.of()));
        summary.finish(0);
        return summary;
    }

    static Summary emptySummary() {
        Summary summary = new Summary();
        summary.finish(0);
        return summary;
    }

    private static SnapshotHeader header() {
        SnapshotHeader.Source source = new SnapshotHeader.Source(
                "fs",
                "host1",
                path("/home/alice"),
                List.of(),
                A,
                B,
                C,
                List.of(
                        new SnapshotHeader.Index(SnapshotHeader.CONTENT_TYPE_INDEX, A),
                        new SnapshotHeader.Index(SnapshotHeader.DIRPACK_INDEX, B),
                        new SnapshotHeader.Index(SnapshotHeader.SUMMARY_INDEX, C)),
                emptySummary());
        return new SnapshotHeader(
                D,
                Instant.ofEpochSecond(1700000000, 123456789),
                1_500_000_000,
                "default",
                "",
                "",
                "",
                "",
                "",
                List.of(),
                List.of(),
                List.of(
                        new SnapshotHeader.KeyValue("Hostname", "host1"),
                        new SnapshotHeader.KeyValue("Client", "plakar/v1.1.4")),
                List.of(source));
    }

    static byte[] encode(Object value) {
        MsgpackWriter out = new MsgpackWriter();
        switch (value) {
            case Entry entry -> entry.encode(out);
            case ObjectRecord object -> object.encode(out);
            case TreeNode node -> node.encode(out);
            case TreeNode.Root root -> root.encode(out);
            case ErrorItem item -> item.encode(out);
            case XattrItem item -> item.encode(out);
            case Summary summary -> summary.encode(out);
            case SnapshotHeader header -> header.encode(out);
            default -> throw new IllegalArgumentException("no record: " + value);
        }
        return out.toByteArray();
    }

    static byte[] path(String text) {
        return SnapshotPath.of(text);
    }

    private static Map<String, byte[]> read() {
        Map<String, byte[]> vectors = new LinkedHashMap<>();
        try (var in = RecordVectors.class.getResourceAsStream("records.txt")) {
            if (in == null) {
                throw new IllegalStateException("records.txt is not on the class path");
            }
            for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList()) {
                if (!line.startsWith("#")) {
                    int space = line.indexOf(' ');
                    vectors.put(line.substring(0, space), HexFormat.of().parseHex(line.substring(space + 1)));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return vectors;
    }
}
