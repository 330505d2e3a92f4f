// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.crypto.UnsupportedVersionException;
import dev.armoire.simd.XxHash32;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class StateStreamTest {
    private static final byte[] NO_SERIAL = new byte[16];

    /** Writes down what it is given. */
    private static class Recorder implements StateStream.Visitor {
        final List<String> seen = new ArrayList<>();

        private static String mac(MemorySegment stream, long at) {
            return Mac.read(stream, at).shortHex();
        }

        @Override
        public void parent(Mac parent) {
            seen.add("parent " + parent.shortHex());
        }

        @Override
        public void location(
                int blobType,
                int version,
                MemorySegment stream,
                long blobMacAt,
                long packfileMacAt,
                long offset,
                long lengthBytes) {
            seen.add("location " + ResourceType.name(blobType) + " " + Version.toString(version) + " "
                    + mac(stream, blobMacAt) + " in " + mac(stream, packfileMacAt) + " at " + offset + "+"
                    + lengthBytes);
        }

        @Override
        public void coloured(int type, MemorySegment stream, long macAt, long whenNanos) {
            seen.add("coloured " + ResourceType.name(type) + " " + mac(stream, macAt) + " " + whenNanos);
        }

        @Override
        public void packfile(MemorySegment stream, long packfileMacAt, long stateMacAt, long whenNanos) {
            seen.add("packfile " + mac(stream, packfileMacAt) + " by " + mac(stream, stateMacAt) + " " + whenNanos);
        }

        @Override
        public void deleted(int entryType, int blobType, MemorySegment stream, long blobMacAt, long packfileMacAt) {
            seen.add("deleted " + entryType + " " + blobType + " " + mac(stream, blobMacAt) + " "
                    + mac(stream, packfileMacAt));
        }

        @Override
        public void trailer(int version, long timestampNanos, MemorySegment stream, long serialAt) {
            seen.add("trailer " + Version.toString(version) + " " + timestampNanos + " "
                    + HexFormat.of().formatHex(stream.asSlice(serialAt, 16).toArray(ValueLayout.JAVA_BYTE)));
        }
    }

    private static List<String> read(byte[] stream, int version) {
        var recorder = new Recorder();
        StateStream.read(MemorySegment.ofArray(stream), version, "test", recorder);
        return recorder.seen;
    }

    private static byte[] written(Mac parent, Consumer<StateStreamWriter> writing) {
        try (var out = new StateStreamWriter(parent)) {
            writing.accept(out);
            return out.finish(Vectors.TIME_NANOS, NO_SERIAL).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private static byte[] backup() {
        return written(Mac.ZERO, out -> {
            out.location(ResourceType.CHUNK, Vectors.HELLO, Vectors.PACKFILE, 0, 5);
            out.location(ResourceType.CHUNK, Vectors.EMPTY, Vectors.PACKFILE, 5, 0);
            out.location(ResourceType.RANDOM, Vectors.PADDING, Vectors.PACKFILE, 5, 3);
            out.packfile(Vectors.PACKFILE, Vectors.STATE, Vectors.TIME_NANOS);
        });
    }

    @Test
    void streamsAreWrittenAsTheVectorsSay() {
        assertThat(HexFormat.of().formatHex(backup())).isEqualTo(Vectors.named("state-backup"));
        assertThat(HexFormat.of()
                        .formatHex(written(
                                Vectors.STATE,
                                out -> out.coloured(
                                        ResourceType.SNAPSHOT, Mac.parse("77".repeat(32)), Vectors.TIME_NANOS))))
                .isEqualTo(Vectors.named("state-remove"));
        assertThat(HexFormat.of().formatHex(written(Vectors.STATE, out -> {
                    out.deletePackfile(Vectors.PACKFILE);
                    out.deleteColoured(ResourceType.PACKFILE, Vectors.PACKFILE);
                })))
                .isEqualTo(Vectors.named("state-sweep"));
    }

    @Test
    void streamsAreReadInOrder() {
        assertThat(read(Vectors.bytes(Vectors.named("state-backup")), Version.V1_1_0))
                .containsExactly(
                        "parent 00000000",
                        "location chunk 1.0.0 9b03bacc in ebb7c615 at 0+5",
                        "location chunk 1.0.0 3a77dbd1 in ebb7c615 at 5+0",
                        "location random 1.0.0 eeeeeeee in ebb7c615 at 5+3",
                        "packfile ebb7c615 by 5a5a5a5a " + Vectors.TIME_NANOS,
                        "trailer 1.1.0 " + Vectors.TIME_NANOS + " " + "00".repeat(16));
        assertThat(read(Vectors.bytes(Vectors.named("state-remove")), Version.V1_1_0))
                .containsExactly(
                        "parent 5a5a5a5a",
                        "coloured snapshot 77777777 " + Vectors.TIME_NANOS,
                        "trailer 1.1.0 " + Vectors.TIME_NANOS + " " + "00".repeat(16));
        assertThat(read(Vectors.bytes(Vectors.named("state-sweep")), Version.V1_1_0))
                .containsExactly(
                        "parent 5a5a5a5a",
                        "deleted 4 0 00000000 ebb7c615",
                        "deleted 3 4 ebb7c615 00000000",
                        "trailer 1.1.0 " + Vectors.TIME_NANOS + " " + "00".repeat(16));
        assertThat(read(written(Mac.ZERO, out -> out.deleteLocation(9, Vectors.HELLO, Vectors.PACKFILE)), 0x10100))
                .contains("deleted 2 9 9b03bacc ebb7c615");
    }

    @Test
    void storedStatesAreThoseOfTheVectors() throws GeneralSecurityException {
        try (StoreKeys keys = Vectors.plaintextKeys();
                BlobCodec codec = new BlobCodec(Compression.LZ4, keys);
                Arena arena = Arena.ofConfined()) {
            MemorySegment plain =
                    Envelope.wrap(ResourceType.STATE, MemorySegment.ofArray(backup()), keys.newMacHasher(), arena);
            assertThat(Vectors.hex(plain))
                    .isEqualTo("5f4b4c4f5345545f0300000000010100" + Vectors.named("state-backup")
                            + "205cbc03c79eb0a626fae63e04e890bb668b0cbdfb837c11f2a030bda1c69d96");
            Envelope opened = Envelope.open(plain, ResourceType.STATE, keys.newMacHasher(), "state");
            assertThat(opened.version()).isEqualTo(Version.V1_1_0);
            assertThat(opened.payload().byteSize()).isEqualTo(408);

            // The vector stores its one block raw; ours may be smaller, but has to hold the same.
            var raw = new ByteArrayOutputStream();
            raw.writeBytes(HexFormat.of().parseHex("5f4b4c4f5345545f0300000000010100" + "04224d186470b9" + "98010080"));
            raw.writeBytes(backup());
            raw.writeBytes(HexFormat.of().parseHex("00000000"));
            int checksum = XxHash32.of(MemorySegment.ofArray(backup()));
            for (int i = 0; i < 4; i++) {
                raw.write(checksum >>> (8 * i));
            }
            raw.writeBytes(keys.newMacHasher()
                    .mac(MemorySegment.ofArray(raw.toByteArray()))
                    .toBytes());
            assertThat(HexFormat.of()
                            .formatHex(MessageDigest.getInstance("SHA-256").digest(raw.toByteArray())))
                    .isEqualTo("23b2c8317627305bae550982f771451748dc9c6cbeb2caea2cec7fd5095c4b0f");
            Envelope compressed = Envelope.open(
                    MemorySegment.ofArray(raw.toByteArray()), ResourceType.STATE, keys.newMacHasher(), "state");
            assertThat(codec.decode(compressed.payload(), 1000).toArray(ValueLayout.JAVA_BYTE))
                    .isEqualTo(backup());
        }
    }

    @Test
    void versionOneHasNoParentAndNoDeletions() {
        byte[] sweep = Vectors.bytes(Vectors.named("state-sweep"));
        byte[] old = Arrays.copyOfRange(sweep, 32, sweep.length);
        assertThat(read(old, Version.V1_0_0))
                .containsExactly("trailer 1.1.0 " + Vectors.TIME_NANOS + " " + "00".repeat(16));
        assertThatThrownBy(() -> read(sweep, 0x00010200)).isInstanceOf(UnsupportedVersionException.class);
    }

    /** As {@link BlobCodec#decodeInParts} gives them: what was not taken comes again with more behind it. */
    private static List<String> readInParts(byte[] stream, int version, int partBytes) {
        var recorder = new Recorder();
        var reader = new StateStream.Reader(version, "test", recorder);
        int taken = 0;
        for (int end = Math.min(partBytes, stream.length); end < stream.length; end += partBytes) {
            MemorySegment part = MemorySegment.ofArray(Arrays.copyOfRange(stream, taken, end));
            taken += (int) reader.take(part, false);
        }
        reader.take(MemorySegment.ofArray(Arrays.copyOfRange(stream, taken, stream.length)), true);
        return recorder.seen;
    }

    @Test
    void streamsInPartsAreReadAsTheWhole() {
        var other = new ByteArrayOutputStream();
        other.writeBytes(Arrays.copyOf(backup(), 32));
        other.writeBytes(HexFormat.of().parseHex("050d000000" + "016b" + "000176" + "0000000000000000"));
        other.writeBytes(Arrays.copyOfRange(backup(), 32, backup().length));
        for (byte[] stream : List.of(
                backup(),
                other.toByteArray(),
                Vectors.bytes(Vectors.named("state-sweep")),
                Vectors.bytes(Vectors.named("state-remove")))) {
            for (int partBytes : new int[] {1, 2, 7, 31, 33, 90, 200}) {
                assertThat(readInParts(stream, Version.V1_1_0, partBytes)).isEqualTo(read(stream, Version.V1_1_0));
                for (int length = 0; length < stream.length; length++) {
                    byte[] cut = Arrays.copyOf(stream, length);
                    String problem = message(() -> read(cut, Version.V1_1_0));
                    assertThat(problem).startsWith("state test, byte ");
                    assertThat(message(() -> readInParts(cut, Version.V1_1_0, partBytes)))
                            .isEqualTo(problem);
                }
            }
        }
    }

    private static String message(Runnable reading) {
        try {
            reading.run();
            return "";
        } catch (CorruptDataException e) {
            return e.getMessage();
        }
    }

    @Test
    void configurationAndUnknownEntriesAreSkipped() {
        byte[] remove = Vectors.bytes(Vectors.named("state-remove"));
        var stream = new ByteArrayOutputStream();
        stream.write(remove, 0, 32);
        stream.writeBytes(HexFormat.of().parseHex("050d000000" + "016b" + "000176" + "0000000000000000"));
        stream.writeBytes(HexFormat.of().parseHex("07020000000102"));
        stream.writeBytes(HexFormat.of().parseHex("ff00000000"));
        stream.write(remove, 32, remove.length - 32);
        stream.writeBytes(new byte[] {9, 9, 9}); // behind the trailer nobody looks
        assertThat(read(stream.toByteArray(), Version.V1_1_0)).isEqualTo(read(remove, Version.V1_1_0));
    }

    @Test
    void wrongLengthsAreCorrupt() {
        for (String stream : new String[] {"state-backup", "state-remove", "state-sweep"}) {
            byte[] good = Vectors.bytes(Vectors.named(stream));
            byte[] longer = good.clone();
            longer[33]++;
            assertThatThrownBy(() -> read(longer, Version.V1_1_0))
                    .isInstanceOf(CorruptDataException.class)
                    .hasMessageStartingWith("state test, byte 32");
            for (int length = 0; length < good.length; length++) {
                byte[] cut = Arrays.copyOf(good, length);
                assertThatThrownBy(() -> read(cut, Version.V1_1_0)).isInstanceOf(CorruptDataException.class);
            }
        }
    }

    @Test
    void entriesHaveToComeInOrder() {
        try (var out = new StateStreamWriter(Mac.ZERO)) {
            out.packfile(Vectors.PACKFILE, Vectors.STATE, 1);
            assertThatThrownBy(() -> out.location(9, Vectors.HELLO, Vectors.PACKFILE, 0, 5))
                    .isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> out.deletePackfile(Vectors.PACKFILE)).isInstanceOf(IllegalStateException.class);
            out.finish(1, NO_SERIAL);
            assertThatThrownBy(() -> out.packfile(Vectors.PACKFILE, Vectors.STATE, 1))
                    .isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> out.finish(1, NO_SERIAL)).isInstanceOf(IllegalStateException.class);
        }
        try (var out = new StateStreamWriter(Mac.ZERO)) {
            assertThatThrownBy(() -> out.location(256, Vectors.HELLO, Vectors.PACKFILE, 0, 5))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void threeHundredThousandEntriesRoundTrip() {
        byte[] stream = written(Mac.ZERO, out -> {
            for (int i = 0; i < 300_000; i++) {
                out.location(ResourceType.CHUNK, new Mac(i, 1, 2, 3), Vectors.PACKFILE, 7L * i, 7);
            }
        });
        assertThat(stream).hasSize(32 + 300_000 * 90 + 29);
        var recorder = new Recorder() {
            long sum;

            @Override
            public void location(
                    int blobType,
                    int version,
                    MemorySegment stream,
                    long blobMacAt,
                    long packfileMacAt,
                    long offset,
                    long lengthBytes) {
                assertThat(Mac.read(stream, blobMacAt).w0() * 7).isEqualTo(offset);
                sum += lengthBytes;
            }
        };
        StateStream.read(MemorySegment.ofArray(stream), Version.V1_1_0, "large", recorder);
        assertThat(recorder.sum).isEqualTo(2_100_000);
    }

    @Test
    void hostileStreamsGiveTypedErrorsOnly() {
        for (String stream : new String[] {"state-backup", "state-sweep"}) {
            int refused = Mutations.feed(
                    Vectors.bytes(Vectors.named(stream)), 41, 5000, mutant -> read(mutant, Version.V1_1_0));
            assertThat(refused).isBetween(500, 4999);
        }
    }
}
