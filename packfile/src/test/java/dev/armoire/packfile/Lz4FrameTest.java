// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.packfile.ffi.Lz4Library;
import dev.armoire.simd.XxHash32;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import net.jpountz.lz4.LZ4FrameInputStream;
import net.jpountz.lz4.LZ4FrameOutputStream;
import net.jpountz.lz4.LZ4FrameOutputStream.BLOCKSIZE;
import net.jpountz.lz4.LZ4FrameOutputStream.FLG.Bits;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class Lz4FrameTest {
    private static final long NO_LIMIT = 1L << 40;

    private static byte[] encode(Lz4Library library, MemorySegment plain) {
        try (var codec = new Lz4Codec(library);
                var out = new ScratchBuffer();
                Arena arena = Arena.ofConfined()) {
            long length = codec.encode(arena.allocate(plain.byteSize()).copyFrom(plain), out);
            return out.segment().asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private static byte[] decode(Lz4Library library, byte[] frame, long limit) {
        try (var codec = new Lz4Codec(library);
                var out = new ScratchBuffer()) {
            return Codecs.decode(codec, frame, out, limit);
        }
    }

    private static byte[] half(int length, long seed) {
        byte[] data = new byte[length];
        var random = new Random(seed);
        random.nextBytes(data);
        Arrays.fill(data, 0, length / 2, (byte) 'z');
        return data;
    }

    @ParameterizedTest
    @CsvSource({
        "'',04224d186470b900000000055dcc02",
        "hello,04224d186470b90500008068656c6c6f00000000f97700fb",
    })
    void smallFramesAreWrittenAsTheVectorsSay(String text, String hex) {
        byte[] plain = text.getBytes(StandardCharsets.US_ASCII);
        for (Lz4Library library : Lz4Library.values()) {
            assertThat(HexFormat.of().formatHex(encode(library, MemorySegment.ofArray(plain))))
                    .isEqualTo(hex);
            assertThat(decode(library, Vectors.bytes(hex), 5)).isEqualTo(plain);
        }
    }

    @ParameterizedTest
    @EnumSource(Lz4Library.class)
    void readsCompressedAndDegenerateBlocks(Lz4Library library) {
        String sixtyFour = "04224d186470b90b0000001f61010027506161616161000000000703d3fd";
        assertThat(decode(library, Vectors.bytes(sixtyFour), 64)).hasSize(64).containsOnly('a');
        String degenerate = "04224d186470b90500008068656c6c6f0000008000000000f97700fb";
        assertThat(new String(decode(library, Vectors.bytes(degenerate), 5), StandardCharsets.US_ASCII))
                .isEqualTo("hello");
    }

    @Test
    void roundTripsAroundBlockBoundsAndAnotherReaderAgrees() throws IOException {
        int mib4 = 4 << 20;
        for (int length :
                new int[] {1, 14, 15, 16, 400, 65_535, 65_536, 65_537, mib4 - 1, mib4, mib4 + 1, 2 * mib4, 2 * mib4 + 15
                }) {
            byte[] plain = half(length, length);
            for (Lz4Library library : Lz4Library.values()) {
                byte[] frame = encode(library, MemorySegment.ofArray(plain));
                assertThat(frame.length).isLessThanOrEqualTo(length + 7 + 8 + 4 * (length / mib4 + 1));
                for (Lz4Library reader : Lz4Library.values()) {
                    assertThat(Arrays.equals(decode(reader, frame, length), plain))
                            .as("%s bytes, %s to %s", length, library, reader)
                            .isTrue();
                }
                try (var judge = new LZ4FrameInputStream(new ByteArrayInputStream(frame))) {
                    assertThat(Arrays.equals(judge.readAllBytes(), plain)).isTrue();
                }
            }
        }
    }

    @Test
    void incompressibleBlocksAreStoredRaw() {
        byte[] random = new byte[100_000];
        new Random(8).nextBytes(random);
        byte[] frame = encode(Lz4Library.FOREIGN, MemorySegment.ofArray(random));
        assertThat(frame).hasSize(100_000 + 19);
        assertThat(frame[10] & 0x80).isEqualTo(0x80);
    }

    @Test
    void readsEveryBlockSizeAndOption() throws IOException {
        byte[] plain = half(300_000, 4);
        for (BLOCKSIZE size : BLOCKSIZE.values()) {
            for (Bits[] bits : new Bits[][] {
                {Bits.BLOCK_INDEPENDENCE},
                {Bits.BLOCK_INDEPENDENCE, Bits.CONTENT_CHECKSUM, Bits.BLOCK_CHECKSUM},
                {Bits.BLOCK_INDEPENDENCE, Bits.CONTENT_CHECKSUM, Bits.CONTENT_SIZE},
            }) {
                var frame = new ByteArrayOutputStream();
                try (var out = new LZ4FrameOutputStream(frame, size, plain.length, bits)) {
                    out.write(plain);
                }
                assertThat(Arrays.equals(decode(Lz4Library.FOREIGN, frame.toByteArray(), plain.length), plain))
                        .as("%s %s", size, Arrays.toString(bits))
                        .isTrue();
            }
        }
    }

    /** Random bytes in raw blocks, and between them blocks that repeat six of them from as far back as can be. */
    private static byte[] linkedFrame(byte[] content, Random random) {
        var frame = new ByteArrayOutputStream();
        frame.writeBytes(HexFormat.of().parseHex("04224d184440"));
        frame.write(XxHash32.of(MemorySegment.ofArray(new byte[] {0x44, 0x40})) >>> 8);
        for (int at = 0; at < content.length; ) {
            boolean isRaw = at < 65_535 || random.nextBoolean();
            int length = Math.min(content.length - at, isRaw ? 1 + random.nextInt(65_536) : 11);
            if (isRaw || length < 11) {
                byte[] raw = new byte[length];
                random.nextBytes(raw);
                System.arraycopy(raw, 0, content, at, length);
                word(frame, length | 1 << 31);
                frame.writeBytes(raw);
            } else {
                System.arraycopy(content, at - 65_535, content, at, 6);
                System.arraycopy("xyzzy".getBytes(StandardCharsets.US_ASCII), 0, content, at + 6, 5);
                word(frame, 9);
                frame.writeBytes(HexFormat.of().parseHex("02ffff50"));
                frame.write(content, at + 6, 5);
            }
            at += length;
        }
        word(frame, 0);
        word(frame, XxHash32.of(MemorySegment.ofArray(content)));
        return frame.toByteArray();
    }

    private static void word(ByteArrayOutputStream frame, int word) {
        for (int i = 0; i < 4; i++) {
            frame.write(word >>> (8 * i));
        }
    }

    @Test
    void partsMakeUpTheWhole() {
        var random = new Random(9);
        byte[] linked = new byte[1_000_000];
        byte[] linkedFrame = linkedFrame(linked, random);
        byte[] plain = half(9_000_000, 5); // three blocks of 4 MiB
        byte[] frame = encode(Lz4Library.FOREIGN, MemorySegment.ofArray(plain));
        assertThat(takeInParts(linkedFrame, linked.length, random)).isEqualTo(linked);
        assertThat(takeInParts(frame, plain.length, random)).isEqualTo(plain);
        assertThatThrownBy(() -> takeInParts(frame, plain.length - 1, random)).isInstanceOf(CorruptDataException.class);
        frame[frame.length - 1] ^= 1;
        assertThatThrownBy(() -> takeInParts(frame, plain.length, random))
                .isInstanceOf(CorruptDataException.class)
                .hasMessageContaining("checksum");
    }

    private static byte[] takeInParts(byte[] frame, long limit, Random random) {
        var taken = new ByteArrayOutputStream();
        try (var codec = new Lz4Codec(Lz4Library.FOREIGN);
                var out = new ScratchBuffer();
                Arena arena = Arena.ofConfined()) {
            codec.decode(arena.allocateFrom(ValueLayout.JAVA_BYTE, frame), out, limit, (bytes, isLast) -> {
                long some = isLast ? bytes.byteSize() : Math.max(0, bytes.byteSize() - random.nextInt(200));
                taken.writeBytes(bytes.asSlice(0, some).toArray(ValueLayout.JAVA_BYTE));
                return some;
            });
            assertThat(out.segment().byteSize()).isLessThanOrEqualTo(6 << 20);
        }
        return taken.toByteArray();
    }

    /** A raw block, then one whose only match reaches back into it. */
    private static byte[] linkedFrame(int distance) {
        byte[] descriptor = {0x44, 0x40};
        byte[] head = HexFormat.of().parseHex("04224d184440");
        byte[] content = "abcdefghijklmnopghijklxyzzy".getBytes(StandardCharsets.US_ASCII);
        var frame = new ByteArrayOutputStream();
        frame.writeBytes(head);
        frame.write(XxHash32.of(MemorySegment.ofArray(descriptor)) >>> 8);
        frame.writeBytes(HexFormat.of().parseHex("10000080"));
        frame.write(content, 0, 16);
        frame.writeBytes(HexFormat.of().parseHex("09000000" + "02"));
        frame.write(distance);
        frame.write(0);
        frame.write(0x50);
        frame.write(content, 22, 5);
        frame.writeBytes(HexFormat.of().parseHex("00000000"));
        int checksum = XxHash32.of(MemorySegment.ofArray(content));
        for (int i = 0; i < 4; i++) {
            frame.write(checksum >>> (8 * i));
        }
        return frame.toByteArray();
    }

    @Test
    void readsLinkedBlocks() {
        assertThat(new String(decode(Lz4Library.FOREIGN, linkedFrame(10), 27), StandardCharsets.US_ASCII))
                .isEqualTo("abcdefghijklmnopghijklxyzzy");
        for (int wrong : new int[] {0, 9, 17, 255}) {
            assertThatThrownBy(() -> decode(Lz4Library.FOREIGN, linkedFrame(wrong), 27))
                    .isInstanceOf(CorruptDataException.class);
        }
    }

    @Test
    void leadingSkippableFramesAreSkippedAndTrailingBytesRefused() {
        String hello = "04224d186470b90500008068656c6c6f00000000f97700fb";
        assertThat(decode(Lz4Library.FOREIGN, Vectors.bytes("502a4d1803000000aabbcc5f2a4d1800000000" + hello), 5))
                .hasSize(5);
        assertThatThrownBy(() -> decode(Lz4Library.FOREIGN, Vectors.bytes(hello + hello), 50))
                .isInstanceOf(CorruptDataException.class)
                .hasMessageContaining("followed by 24 more bytes");
    }

    @ParameterizedTest
    @EnumSource(Lz4Library.class)
    void moreThanTheLimitIsRefused(Lz4Library library) {
        for (byte[] plain : new byte[][] {new byte[100_000], half(100_000, 2), new byte[14]}) {
            byte[] frame = encode(library, MemorySegment.ofArray(plain));
            assertThat(decode(library, frame, plain.length)).isEqualTo(plain);
            assertThatThrownBy(() -> decode(library, frame, plain.length - 1)).isInstanceOf(CorruptDataException.class);
            assertThatThrownBy(() -> decode(library, frame, 0)).isInstanceOf(CorruptDataException.class);
        }
    }

    @ParameterizedTest
    @EnumSource(Lz4Library.class)
    void aFlippedBitIsFoundOrChangesNothing(Lz4Library library) {
        byte[] plain = half(3000, 6);
        byte[] frame = encode(library, MemorySegment.ofArray(plain));
        int found = 0;
        var random = new Random(1);
        for (int i = 0; i < 2000; i++) {
            byte[] broken = frame.clone();
            broken[random.nextInt(frame.length)] ^= (byte) (1 << random.nextInt(8));
            try {
                // In a run of equal bytes a match may come from another distance and give the same.
                assertThat(decode(library, broken, NO_LIMIT)).isEqualTo(plain);
            } catch (CorruptDataException e) {
                found++;
            }
        }
        assertThat(found).isGreaterThan(1900);
    }

    @ParameterizedTest
    @EnumSource(Lz4Library.class)
    void hostileFramesGiveTypedErrorsOnly(Lz4Library library) {
        try (var codec = new Lz4Codec(library);
                var out = new ScratchBuffer()) {
            for (byte[] good : new byte[][] {
                encode(library, MemorySegment.ofArray(half(400, 6))),
                encode(library, MemorySegment.ofArray(new byte[400])),
                linkedFrame(10)
            }) {
                int refused = Mutations.feed(good, 23, 5000, mutant -> Codecs.decode(codec, mutant, out, NO_LIMIT));
                assertThat(refused).isGreaterThan(4000);
            }
        }
    }
}
