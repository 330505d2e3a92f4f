// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.crypto.CorruptDataException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;

class GzipCodecTest {
    private static byte[] encode(byte[] plain) {
        try (var codec = new GzipCodec();
                var out = new ScratchBuffer()) {
            long length = codec.encode(MemorySegment.ofArray(plain), out);
            return out.segment().asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private static byte[] decode(byte[] gzip, long limit) {
        try (var codec = new GzipCodec();
                var out = new ScratchBuffer()) {
            long length = codec.decode(MemorySegment.ofArray(gzip), out, limit);
            return out.segment().asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private static byte[] data(int length) {
        byte[] data = new byte[length];
        new Random(length).nextBytes(data);
        Arrays.fill(data, length / 3, length, (byte) 3);
        return data;
    }

    private static byte[] byTheJdk(byte[] plain) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(bytes)) {
            out.write(plain);
        }
        return bytes.toByteArray();
    }

    @Test
    void agreesWithTheJdkBothWays() throws IOException {
        for (int length : new int[] {0, 1, 100, 65_536, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5_000_000}) {
            byte[] plain = data(length);
            byte[] gzip = encode(plain);
            assertThat(gzip).startsWith(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);
            try (var judge = new GZIPInputStream(new ByteArrayInputStream(gzip))) {
                assertThat(Arrays.equals(judge.readAllBytes(), plain))
                        .as("%s bytes", length)
                        .isTrue();
            }
            assertThat(Arrays.equals(decode(gzip, length), plain)).isTrue();
            assertThat(Arrays.equals(decode(byTheJdk(plain), length), plain)).isTrue();
        }
    }

    @Test
    void membersAreJoinedAndHeaderFieldsSkipped() throws IOException {
        byte[] one = byTheJdk(new byte[] {1, 2, 3});
        byte[] plain = byTheJdk(new byte[] {4, 5});
        byte[] head = {0x1f, (byte) 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3, 2, 0, 'e', 'x', 'n', 0, 'c', 'c', 0, 9, 9};
        byte[] both = Arrays.copyOf(one, one.length + head.length + plain.length - 10);
        System.arraycopy(head, 0, both, one.length, head.length);
        System.arraycopy(plain, 10, both, one.length + head.length, plain.length - 10);
        assertThat(decode(both, 5)).containsExactly(1, 2, 3, 4, 5);
        assertThatThrownBy(() -> decode(both, 4)).isInstanceOf(CorruptDataException.class);
    }

    @Test
    void moreThanTheLimitIsRefused() {
        byte[] bomb = encode(new byte[10_000_000]);
        assertThat(decode(bomb, 10_000_000)).hasSize(10_000_000);
        assertThatThrownBy(() -> decode(bomb, 9_999_999))
                .isInstanceOf(CorruptDataException.class)
                .hasMessageContaining("expected at most");
    }

    @Test
    void hostileDataGivesTypedErrorsOnly() {
        byte[] good = encode(data(2000));
        assertThat(Mutations.feed(good, 29, 5000, mutant -> decode(mutant, 1 << 30)))
                .isGreaterThan(4000);
        assertThatThrownBy(() -> decode(new byte[0], 10)).isInstanceOf(CorruptDataException.class);
    }
}
