// SPDX-License-Identifier: ISC
package dev.armoire.engine.record;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.snapshot.Dirpack;
import dev.armoire.packfile.MsgpackReader;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every record against its recorded bytes, and the tolerance of the decoders. */
class RecordVectorTest {
    static Stream<RecordVectors.Vector> vectors() {
        return RecordVectors.all().stream();
    }

    @ParameterizedTest
    @MethodSource("vectors")
    void encodesToTheRecordedBytes(RecordVectors.Vector vector) {
        assertThat(HexFormat.of().formatHex(RecordVectors.encode(vector.value())))
                .isEqualTo(HexFormat.of().formatHex(vector.bytes()));
    }

    @ParameterizedTest
    @MethodSource("vectors")
    void decodesToTheSameValue(RecordVectors.Vector vector) {
        Object decoded = vector.decode(vector.bytes());
        assertThat(decoded).usingRecursiveComparison().isEqualTo(vector.value());
        assertThat(RecordVectors.encode(decoded)).isEqualTo(vector.bytes());
    }

    @Test
    void chunkRecordsAreTheMiddleOfAnObject() {
        byte[] object = RecordVectors.bytes("object-empty-file");
        byte[] chunk = RecordVectors.bytes("chunk-record-empty");
        assertThat(HexFormat.of().formatHex(object))
                .contains("91" + HexFormat.of().formatHex(chunk));
    }

    @Test
    void fileInfosAreTheMiddleOfAnEntry() {
        assertThat(HexFormat.of().formatHex(RecordVectors.encode(RecordVectors.regularFile(List.of()))))
                .contains(HexFormat.of().formatHex(RecordVectors.bytes("fileinfo")));
    }

    @Test
    void dirpackFrame() {
        MemorySegment entry = MemorySegment.ofArray(RecordVectors.encode(RecordVectors.regularFile(List.of())));
        byte[] frame = new byte[(int) entry.byteSize() + Dirpack.FRAME_OVERHEAD];
        int length = Dirpack.writeFrame(MemorySegment.ofArray(frame), 0, false, entry, RecordVectors.C);
        assertThat(length).isEqualTo(frame.length);
        assertThat(frame).isEqualTo(RecordVectors.bytes("dirpack-frame"));
    }

    @Test
    void keyOfAnAttributeHasNothingBetweenPathAndName() {
        XattrItem item = new XattrItem(RecordVectors.path("/etc/foo"), RecordVectors.path("user.a"), 0, 0, Mac.ZERO);
        assertThat(new String(item.key(), StandardCharsets.UTF_8)).isEqualTo("/etc/foouser.a:");
        assertThat(separator(1)).isEqualTo('@');
        assertThat(separator(2)).isEqualTo('%');
        assertThat(separator(77)).isEqualTo('#');
    }

    private static char separator(int type) {
        byte[] key = new XattrItem(RecordVectors.path("/f"), RecordVectors.path("n"), 0, type, Mac.ZERO).key();
        return (char) key[key.length - 1];
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, d6ff00000000",
        "1700000000, 0, d6ff6553f100",
        "1700000000, 123456789, d7ff1d6f34546553f100",
        "-1, 0, c70cff00000000ffffffffffffffff",
        "-1, 500000000, c70cff1dcd6500ffffffffffffffff",
        "-62135596800, 0, c70cff00000000fffffff1886e0900",
        "4294967296, 0, d7ff0000000100000000",
        "17179869184, 0, c70cff000000000000000400000000"
    })
    void timesInsideAnEntry(long seconds, int nanos, String hex) {
        Entry entry = file("f", seconds, nanos);
        byte[] encoded = RecordVectors.encode(entry);
        assertThat(HexFormat.of().formatHex(encoded)).contains("a86d6f645f74696d65" + hex + "a3646576");
        Entry decoded = decode(encoded);
        assertThat(decoded.info().mtimeSeconds()).isEqualTo(seconds);
        assertThat(decoded.info().mtimeNanos()).isEqualTo(nanos);
    }

    private static Entry file(String name, long seconds, int nanos) {
        FileInfo info = new FileInfo(0, 0644, seconds, nanos, 0, 0, 0, 0, 1, "", "", 0);
        return Entry.of(
                RecordVectors.path("/d/" + name), info, new byte[0], RecordVectors.A, "text/plain", 0, 1, List.of());
    }

    @Test
    void namesOfAnyBytesStayAsTheyAre() {
        byte[] name = {'l', 'a', 't', 'i', 'n', '1', '-', (byte) 0xe9, (byte) 0xff, '.', 't', 'x', 't'};
        FileInfo info = new FileInfo(0, 0644, 0, 0, 0, 0, 0, 0, 1, "", "", 0);
        byte[] path = SnapshotPath.child(RecordVectors.path("/d"), name);
        Entry entry = Entry.of(path, info, new byte[0], RecordVectors.A, "text/plain", 0, 1, List.of());
        byte[] encoded = RecordVectors.encode(entry);
        assertThat(HexFormat.of().formatHex(encoded)).contains("a46e616d65ad6c6174696e312de9ff2e747874");
        assertThat(decode(encoded).path()).isEqualTo(path);
    }

    /** The writers of trees find the name in an encoded entry without decoding it. */
    @ParameterizedTest
    @CsvSource({"1, 1", "1, 31", "31, 32", "32, 255", "255, 256", "256, 31", "4000, 255", "65535, 300"})
    void nameOfAnEncodedEntry(int parentBytes, int nameBytes) {
        String parent = parentBytes == 1 ? "" : "/" + "p".repeat(parentBytes - 1);
        byte[] path = RecordVectors.path(parent + "/" + "n".repeat(nameBytes));
        Entry entry = Entry.of(path, RecordVectors.FILE, new byte[0], RecordVectors.A, "text/plain", 0, 1, List.of());
        MemorySegment encoded = MemorySegment.ofArray(RecordVectors.encode(entry));
        assertThat(Entry.encodedName(encoded, parentBytes).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE))
                .isEqualTo(entry.name())
                .hasSize(nameBytes);
    }

    @Test
    void modesAreGosAndLinksAreTruncatedTo16Bits() {
        FileInfo info = new FileInfo(0, FileMode.fromUnix(0101777), 0, 0, 0, 0, 0, 0, 65536 + 7, "", "", 0);
        Entry decoded = decode(RecordVectors.encode(
                Entry.of(RecordVectors.path("/x"), info, new byte[0], RecordVectors.A, "text/plain", 0, 1, List.of())));
        assertThat(decoded.info().mode()).isEqualTo(FileMode.STICKY | 0777);
        assertThat(decoded.info().nlink()).isEqualTo(7);
    }

    // What a reader has to bear: other orders, widths and types, missing and unknown fields.

    @Test
    void unknownFieldsAreSkippedAndMissingOnesAreZero() {
        Packer in = new Packer()
                .map(3)
                .str("classifications")
                .raw("9182a8616e616c797a6572a178a7636c617373657390")
                .str("file_info")
                .map(2)
                .str("new")
                .raw("83a161c0a162d40000a163cb0000000000000000")
                .str("name")
                .str("n")
                .str("tags")
                .raw("92a161a162");
        Entry entry = decode(in.bytes());
        assertThat(entry.name()).isEqualTo(RecordVectors.path("n"));
        assertThat(entry.parentPath()).isEmpty();
        assertThat(entry.object()).isEqualTo(Mac.ZERO);
        assertThat(entry.contentType()).isEmpty();
        assertThat(entry.xattrNames()).isEmpty();
        assertThat(entry.summary()).isNull();
        assertThat(entry.info().mtimeSeconds()).isEqualTo(-62135596800L);
        assertThat(decode(new byte[] {(byte) 0x80}).info().size()).isZero();
    }

    @Test
    void integersOfAnyWidthStringsForBytesNilForZero() {
        Packer in = new Packer()
                .map(6)
                .str("parent_path")
                .raw("c4022f61") // bytes
                .str("chunks")
                .raw("07")
                .str("entropy")
                .raw("ca40400000") // a float of 32 bits
                .str("object")
                .raw("a21111") // a short string
                .str("extended_attributes")
                .raw("c0")
                .str("file_info")
                .map(7)
                .str("size")
                .raw("d0ff")
                .str("mode")
                .raw("cd01a4")
                .str("nlink")
                .raw("d300000000000000ff")
                .str("uid")
                .raw("c0")
                .str("name")
                .raw("c40162")
                .str("username")
                .raw("c0")
                .str("mod_time")
                .raw("c708ff0000000000000005");
        Entry entry = decode(in.bytes());
        assertThat(entry.path()).isEqualTo(RecordVectors.path("/a/b"));
        assertThat(entry.chunks()).isEqualTo(7);
        assertThat(entry.entropy()).isEqualTo(3);
        assertThat(entry.object().hex()).startsWith("1111").endsWith("00".repeat(30));
        assertThat(entry.info().size()).isEqualTo(-1);
        assertThat(entry.info().mode()).isEqualTo(0644);
        assertThat(entry.info().nlink()).isEqualTo(255);
        assertThat(entry.info().uid()).isZero();
        assertThat(entry.info().username()).isEmpty();
        assertThat(entry.info().mtimeSeconds()).isEqualTo(5);
    }

    @Test
    void headersOfOlderVersionsLackFields() {
        Packer in = new Packer()
                .map(3)
                .str("timestamp")
                .raw("d6ff6553f100")
                .str("identifier")
                .raw("c420" + "44".repeat(32))
                .str("sources")
                .raw("91")
                .map(2)
                .str("importer")
                .map(1)
                .str("directory")
                .str("/d")
                .str("indexes")
                .raw("c0");
        SnapshotHeader header = SnapshotHeader.decode(new MsgpackReader(MemorySegment.ofArray(in.bytes()), "header"));
        assertThat(header.identifier()).isEqualTo(RecordVectors.D);
        assertThat(header.timestamp()).isEqualTo(Instant.ofEpochSecond(1700000000));
        assertThat(header.tags()).isEmpty();
        assertThat(header.source().directory()).isEqualTo(RecordVectors.path("/d"));
        assertThat(header.source().index(SnapshotHeader.DIRPACK_INDEX)).isEmpty();
    }

    @Test
    void directoriesOfPlakarOneCarryTheirSummary() {
        byte[] plain = RecordVectors.encode(Entry.synthesisedDirectory(RecordVectors.path("/x/d")));
        String hex = HexFormat.of().formatHex(plain);
        String summary = HexFormat.of().formatHex(RecordVectors.encode(RecordVectors.fileSummary()));
        byte[] old = HexFormat.of().parseHex(hex.replace("a773756d6d617279c0", "a773756d6d617279" + summary));
        Entry entry = decode(old);
        assertThat(entry.summary()).isNotNull();
        assertThat(RecordVectors.encode(entry.summary())).isEqualTo(RecordVectors.encode(RecordVectors.fileSummary()));
        assertThat(RecordVectors.encode(entry)).as("never written").isEqualTo(plain);
    }

    /** The least of several directories is reset by one without files, as Plakar does it. */
    @Test
    void minimaOfSiblings() {
        Summary parent = new Summary();
        for (long size : new long[] {5, 0, 7}) {
            Summary child = new Summary();
            child.directory().minSize = size;
            child.below().minSize = size;
            parent.addDirectory(child);
        }
        assertThat(parent.below().minSize).isEqualTo(7);
    }

    @Test
    void summaryCountsKindsTypesAndEntropies() {
        Summary summary = new Summary();
        int[] modes = {
            0644 | FileMode.SETUID,
            0644 | FileMode.SETGID | FileMode.STICKY,
            FileMode.SYMLINK | 0777,
            FileMode.PIPE | 0644,
            FileMode.SOCKET | 0755,
            FileMode.DEVICE | FileMode.CHARACTER | 0600,
            FileMode.DEVICE | 0600,
            FileMode.IRREGULAR
        };
        String[] types = {"image/png", "audio/ogg", "video/mp4", "text/x", "application/x", "font/ttf", "text/y", "text"
        };
        double[] entropies = {2.0, 7.0, 2.1, 6.9, 0, 8, 0, 0};
        for (int i = 0; i < modes.length; i++) {
            FileInfo info = new FileInfo(i + 1, modes[i], 100 - i, 0, 0, 0, 0, 0, 1, "", "", 0);
            summary.addFile(Entry.of(
                    RecordVectors.path("/" + i),
                    info,
                    new byte[0],
                    i < 2 ? RecordVectors.A : Mac.ZERO,
                    types[i],
                    entropies[i],
                    i < 2 ? 3 : 0,
                    List.of()));
        }
        summary.finish(4);
        Summary.Counters own = summary.directory();
        assertThat(new long[] {
                    own.children,
                    own.files,
                    own.symlinks,
                    own.pipes,
                    own.sockets,
                    own.devices,
                    own.setuid,
                    own.setgid,
                    own.sticky,
                    own.objects,
                    own.chunks
                })
                .containsExactly(8, 3, 1, 1, 1, 2, 1, 1, 1, 2, 6);
        assertThat(new long[] {
                    own.mimeImage, own.mimeAudio, own.mimeVideo, own.mimeText, own.mimeApplication, own.mimeOther
                })
                .containsExactly(1, 1, 1, 2, 1, 2);
        assertThat(own.loEntropy).isEqualTo(4);
        assertThat(own.hiEntropy).isEqualTo(2);
        assertThat(own.size).isEqualTo(3);
        assertThat(own.avgSize).isEqualTo(1);
        assertThat(own.minModTime).isEqualTo(93);
        assertThat(own.maxModTime).isEqualTo(100);
        assertThat(own.errors).isZero();
        assertThat(summary.below().errors).isEqualTo(4);
    }

    private static Entry decode(byte[] bytes) {
        return Entry.decode(new MsgpackReader(MemorySegment.ofArray(bytes), "entry"));
    }

    /** Joins MessagePack by hand, in ways that our own writer never would. */
    private static final class Packer {
        private byte[] bytes = {};

        Packer raw(String hex) {
            byte[] more = HexFormat.of().parseHex(hex);
            int at = bytes.length;
            bytes = Arrays.copyOf(bytes, at + more.length);
            System.arraycopy(more, 0, bytes, at, more.length);
            return this;
        }

        Packer map(int pairs) {
            return raw(String.format("8%x", pairs));
        }

        Packer str(String text) {
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            return raw(String.format("d9%02x", utf8.length) + HexFormat.of().formatHex(utf8));
        }

        byte[] bytes() {
            return bytes;
        }
    }
}
