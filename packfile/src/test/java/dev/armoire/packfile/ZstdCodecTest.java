// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdOutputStream;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.packfile.ffi.ZstdLibrary;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ZstdCodecTest {
    private static byte[] encode(ZstdLibrary library, byte[] plain) {
        try (var codec = new ZstdCodec(library);
                var out = new ScratchBuffer();
                Arena arena = Arena.ofConfined()) {
            long length = codec.encode(arena.allocateFrom(ValueLayout.JAVA_BYTE, plain), out);
            return out.segment().asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private static byte[] decode(ZstdLibrary library, byte[] frames, long limit) {
        try (var codec = new ZstdCodec(library);
                var out = new ScratchBuffer()) {
            return Codecs.decode(codec, frames, out, limit);
        }
    }

    private static byte[] decode(byte[] frames, long limit) {
        return decode(ZstdLibrary.FOREIGN, frames, limit);
    }

    private static byte[] half(int length, long seed) {
        byte[] data = new byte[length];
        new Random(seed).nextBytes(data);
        Arrays.fill(data, 0, length / 2, (byte) 'z');
        return data;
    }

    /** As Kloset writes: a stream of unknown length. */
    private static byte[] streamed(byte[] plain) throws IOException {
        var frame = new ByteArrayOutputStream();
        try (var out = new ZstdOutputStream(frame, 3).setChecksum(true)) {
            for (int at = 0; at < plain.length; at += 70_000) {
                out.write(plain, at, Math.min(70_000, plain.length - at));
                out.flush();
            }
        }
        return frame.toByteArray();
    }

    private static byte[] join(byte[]... parts) {
        var joined = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            joined.writeBytes(part);
        }
        return joined.toByteArray();
    }

    private static byte[] hex(String digits) {
        return HexFormat.of().parseHex(digits.replace(" ", ""));
    }

    @ParameterizedTest
    @EnumSource(ZstdLibrary.class)
    void agreesWithZstdJniBothWays(ZstdLibrary library) throws IOException {
        int block = 128 << 10;
        for (int length : new int[] {0, 1, 255, 256, 400, block - 1, block, block + 1, 300_000, 5 << 20}) {
            byte[] plain = half(length, length);
            byte[] frame = encode(library, plain);
            assertThat(Zstd.getFrameContentSize(frame)).isEqualTo(length);
            assertThat(Arrays.equals(Zstd.decompress(frame, length), plain)).isTrue();
            for (byte[] stored : new byte[][] {
                frame,
                Zstd.compress(plain, 1),
                new ZstdCompressCtx().setContentSize(false).compress(plain),
                streamed(plain)
            }) {
                assertThat(Arrays.equals(decode(library, stored, length), plain))
                        .as("%s bytes", length)
                        .isTrue();
                if (length > 0) {
                    assertThatThrownBy(() -> decode(library, stored, length - 1))
                            .isInstanceOf(CorruptDataException.class);
                }
            }
        }
    }

    @Test
    void noBytesAndSeveralFramesAreRead() {
        assertThat(decode(new byte[0], 10)).isEmpty();
        byte[] hello = Zstd.compress(new byte[] {1, 2, 3});
        byte[] skippable = hex("502a4d18 03000000 aabbcc");
        assertThat(decode(join(hello, skippable, hello), 6)).containsExactly(1, 2, 3, 1, 2, 3);
        assertThatThrownBy(() -> decode(join(hello, hello), 5)).isInstanceOf(CorruptDataException.class);
        assertThatThrownBy(() -> decode(join(hello, new byte[1]), 10)).isInstanceOf(CorruptDataException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "28b52ffd 20,                           ends after 5 bytes",
        "28b52ffd 28 00 010000,                 header flags",
        "28b52ffd 21 07 00 010000,              header flags",
        "27b52ffd 20 00 010000,                 magic number",
        "28b52ffd 20 01 070000,                 block header that no writer makes",
        "28b52ffd 20 01 110000 6162,            block header that no writer makes",
        "28b52ffd a0 ffffff7f 0d0000 61,        says that it holds 2147483647 bytes",
        "28b52ffd e0 ffffffffffffffff 0d0000 61, says that it holds 18446744073709551615 bytes",
        "28b52ffd 20 05 0b0000 61,              'says that it holds 5 bytes, its blocks hold at most 1'",
        "28b52ffd 20 05 1d0000 ffffff,          malformed",
        "502a4d18 ffffffff 00,                  ends after 9 bytes",
    })
    void whatHeadersSayIsCheckedBeforeMemoryIsTaken(String frame, String problem) {
        try (var codec = new ZstdCodec(ZstdLibrary.FOREIGN);
                var out = new ScratchBuffer();
                Arena arena = Arena.ofConfined()) {
            MemorySegment stored = arena.allocateFrom(ValueLayout.JAVA_BYTE, hex(frame));
            assertThatThrownBy(() -> codec.decode(stored, out, 1L << 40))
                    .isInstanceOf(CorruptDataException.class)
                    .hasMessageContaining(problem);
            assertThat(out.segment().byteSize()).isLessThanOrEqualTo(256 << 10);
        }
    }

    @Test
    void aBombIsRefusedWithinItsLimit() {
        byte[] bomb = Zstd.compress(new byte[50_000_000]);
        assertThat(bomb).hasSizeLessThan(5000);
        try (var codec = new ZstdCodec(ZstdLibrary.FOREIGN);
                var out = new ScratchBuffer();
                Arena arena = Arena.ofConfined()) {
            assertThatThrownBy(() -> codec.decode(arena.allocateFrom(ValueLayout.JAVA_BYTE, bomb), out, 100_000))
                    .isInstanceOf(CorruptDataException.class)
                    .hasMessageContaining("more than the 100000 bytes");
            assertThat(out.segment().byteSize()).isLessThanOrEqualTo(100_000);
        }
    }

    @ParameterizedTest
    @EnumSource(ZstdLibrary.class)
    void aFlippedBitIsFoundOrChangesNothing(ZstdLibrary library) {
        byte[] plain = half(3000, 6);
        byte[] frame = encode(library, plain);
        int found = 0;
        for (int bit = 0; bit < frame.length * 8; bit += 3) {
            byte[] broken = frame.clone();
            broken[bit >> 3] ^= (byte) (1 << (bit & 7));
            try {
                assertThat(decode(library, broken, plain.length)).isEqualTo(plain);
            } catch (CorruptDataException e) {
                found++;
            }
        }
        assertThat(found).isGreaterThan(frame.length * 8 / 3 - 20);
    }

    @ParameterizedTest
    @EnumSource(ZstdLibrary.class)
    void hostileFramesGiveTypedErrorsOnly(ZstdLibrary library) throws IOException {
        for (byte[] good :
                new byte[][] {encode(library, half(400, 6)), encode(library, new byte[400]), streamed(half(150_000, 7))
                }) {
            Mutations.feed(good, 59, 2000, mutant -> decode(library, mutant, 1 << 20));
        }
    }
}
