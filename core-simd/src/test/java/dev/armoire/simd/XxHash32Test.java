// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.simd.ffi.MachineCode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class XxHash32Test {
    @ParameterizedTest
    @CsvSource({"'', 02cc5d05", "a, 550d7456", "abc, 32d153ff", "Nobody inspects the spammish repetition, e2293b2f"})
    void knownValues(String text, String hex) {
        int hash = XxHash32.of(MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII)));
        assertThat(Integer.toHexString(hash)).isEqualTo(Integer.toHexString(Integer.parseUnsignedInt(hex, 16)));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 4, 5, 15, 16, 17, 31, 32, 33, 100, 4095, 4096, 4097, 4111, 4112, 8192, 100_001})
    void agreesWithTheDefinitionOnAnySegment(int length) {
        byte[] data = Vectors.random(length, length);
        int expected = plain(data);
        try (var arena = Arena.ofConfined()) {
            for (var segment : List.of(
                    MemorySegment.ofArray(data),
                    Vectors.unalignedHeap(data).asReadOnly(),
                    Vectors.unalignedNative(arena, data))) {
                assertThat(XxHash32.of(segment)).isEqualTo(expected);
                forms().forEach(hash -> {
                    hash.update(segment);
                    assertThat(hash.value()).isEqualTo(expected);
                });
            }
        }
    }

    /** In Java, and in machine code where that can run. */
    static Stream<XxHash32> forms() {
        return MachineCode.refusal() == null
                ? Stream.of(new XxHash32(false), new XxHash32(true))
                : Stream.of(new XxHash32(false));
    }

    @ParameterizedTest
    @MethodSource("forms")
    void piecesAndLooksInBetweenChangeNothing(XxHash32 hash) {
        byte[] data = Vectors.random(50_000, 77);
        var random = new Random(7);
        for (int round = 0; round < 20; round++) {
            int at = 0;
            while (at < data.length) {
                int step = Math.min(data.length - at, random.nextInt(1 + (1 << random.nextInt(14))));
                if (random.nextBoolean()) {
                    hash.update(data, at, step);
                } else {
                    hash.update(MemorySegment.ofArray(data).asSlice(at, step));
                }
                at += step;
                if (random.nextInt(10) == 0) {
                    assertThat(hash.value()).isEqualTo(plain(Arrays.copyOf(data, at)));
                }
            }
            assertThat(hash.value()).isEqualTo(plain(data));
            hash.reset();
        }
    }

    /** The specification, byte by byte in one go. */
    private static int plain(byte[] data) {
        var in = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
        int prime1 = (int) 2654435761L;
        int prime2 = (int) 2246822519L;
        int prime3 = (int) 3266489917L;
        int prime4 = 668265263;
        int prime5 = 374761393;
        int hash = prime5;
        if (data.length >= 16) {
            int[] lanes = {prime1 + prime2, prime2, 0, -prime1};
            while (in.remaining() >= 16) {
                for (int i = 0; i < 4; i++) {
                    lanes[i] = Integer.rotateLeft(lanes[i] + in.getInt() * prime2, 13) * prime1;
                }
            }
            hash = Integer.rotateLeft(lanes[0], 1)
                    + Integer.rotateLeft(lanes[1], 7)
                    + Integer.rotateLeft(lanes[2], 12)
                    + Integer.rotateLeft(lanes[3], 18);
        }
        hash += data.length;
        while (in.remaining() >= 4) {
            hash = Integer.rotateLeft(hash + in.getInt() * prime3, 17) * prime4;
        }
        while (in.hasRemaining()) {
            hash = Integer.rotateLeft(hash + (in.get() & 0xff) * prime5, 11) * prime1;
        }
        hash = (hash ^ (hash >>> 15)) * prime2;
        hash = (hash ^ (hash >>> 13)) * prime3;
        return hash ^ (hash >>> 16);
    }
}
