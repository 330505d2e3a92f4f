// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class Blake3Test {
    private static final byte[] KEY = "whats the Elvish word for friend".getBytes(StandardCharsets.US_ASCII);

    record OfficialCase(int length, String plain, String keyed) {}

    @SuppressWarnings("unchecked")
    static List<OfficialCase> officialCases() {
        var file = (Map<String, Object>) Vectors.json("blake3_test_vectors.json");
        return ((List<Map<String, Object>>) file.get("cases"))
                .stream()
                        .map(c -> new OfficialCase(
                                Math.toIntExact((Long) c.get("input_len")), (String) c.get("hash"), (String)
                                        c.get("keyed_hash")))
                        .toList();
    }

    @ParameterizedTest
    @MethodSource("dev.armoire.simd.Vectors#kernels")
    void officialVectors(Kernels kernels) {
        try (var arena = Arena.ofConfined()) {
            for (OfficialCase official : officialCases()) {
                byte[] input = Vectors.blake3Input(official.length());
                for (var data : List.of(
                        MemorySegment.ofArray(input),
                        Vectors.unalignedHeap(input),
                        Vectors.unalignedNative(arena, input))) {
                    check(Blake3.plain(kernels), data, official.plain());
                    check(Blake3.keyed(KEY, kernels), data, official.keyed());
                }
            }
        }
    }

    private static void check(Blake3 hasher, MemorySegment data, String extendedHex) {
        hasher.update(data);
        byte[] extended = new byte[extendedHex.length() / 2];
        hasher.digestXof(MemorySegment.ofArray(extended));
        assertThat(HexFormat.of().formatHex(extended))
                .as("%d bytes", data.byteSize())
                .isEqualTo(extendedHex);

        hasher.update(data);
        assertThat(digest(hasher)).isEqualTo(Arrays.copyOf(extended, Blake3.DIGEST_BYTES));
    }

    @Test
    void piecesOfAnySizeGiveTheDigestOfTheWhole() {
        byte[] input = Vectors.random(300_000, 11);
        var random = new Random(5);
        var whole = Blake3.keyed(KEY);
        var pieces = Blake3.keyed(KEY);
        for (int round = 0; round < 60; round++) {
            int length = random.nextInt(input.length);
            whole.update(MemorySegment.ofArray(input).asSlice(0, length));
            for (int at = 0; at < length; ) {
                int step = Math.min(length - at, random.nextInt(1 + (1 << random.nextInt(17))));
                if (random.nextBoolean()) {
                    pieces.update(input, at, step);
                } else {
                    pieces.update(MemorySegment.ofArray(input).asSlice(at, step));
                }
                at += step;
            }
            assertThat(digest(pieces)).as("length %d", length).isEqualTo(digest(whole));
        }
    }

    @Test
    void digestGoesWhereItIsToldAndResetForgetsTheMessage() {
        var hasher = Blake3.plain();
        hasher.update(Vectors.random(5000, 1), 0, 5000);
        hasher.reset();
        hasher.update("abc".getBytes(StandardCharsets.US_ASCII), 0, 3);
        byte[] out = new byte[40];
        hasher.digest(MemorySegment.ofArray(out), 5);
        assertThat(HexFormat.of().formatHex(out))
                .isEqualTo(
                        "0000000000" + "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85" + "000000");
    }

    @Test
    void storeKeyVectors() {
        byte[] uuid = HexFormat.of().parseHex("00112233445566778899aabbccddeeff");
        var plain = Blake3.plain();
        plain.update(uuid, 0, uuid.length);
        byte[] storeKey = digest(plain);
        assertThat(HexFormat.of().formatHex(storeKey))
                .isEqualTo("2ff58ddf3d00b27143e7960de70679f11786176dc50d3ffd688b8aa4d1bd4294");
        var mac = Blake3.keyed(storeKey);
        assertThat(HexFormat.of().formatHex(digest(mac)))
                .isEqualTo("3a77dbd14805b47c2514acb2003f0b5cc99aa7dc3ec4f608ac77a7b03ac0755f");
        mac.update("hello".getBytes(StandardCharsets.US_ASCII), 0, 5);
        assertThat(HexFormat.of().formatHex(digest(mac)))
                .isEqualTo("9b03baccde1ae6194a7312024f19de11452b01116ad7c719f513fa520a5e6cf6");
    }

    @Test
    void aKeyOfAnotherLengthIsRefused() {
        assertThatThrownBy(() -> Blake3.keyed(new byte[31]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("32 bytes")
                .hasMessageContaining("31");
    }

    private static byte[] digest(Blake3 hasher) {
        byte[] digest = new byte[Blake3.DIGEST_BYTES];
        hasher.digest(MemorySegment.ofArray(digest), 0);
        return digest;
    }
}
