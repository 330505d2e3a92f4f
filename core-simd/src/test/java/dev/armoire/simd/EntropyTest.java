// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.armoire.simd.ffi.MachineCode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EntropyTest {
    @ParameterizedTest
    @CsvSource({"'hello world\n', 40082d2b480691b2", "aab, 3fed62adf1ea257c", "abc, 3ff95c01a39fbd68"})
    void bitsOfTheFormatsCheckValues(String text, String bits) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        assertThat(bits(MemorySegment.ofArray(bytes))).isEqualTo(bits);
        // The same shares in a long input take the other way through the counters.
        byte[] repeated = new byte[bytes.length * 5000];
        for (int i = 0; i < repeated.length; i++) {
            repeated[i] = bytes[i % bytes.length];
        }
        try (var arena = Arena.ofConfined()) {
            assertThat(bits(Vectors.unalignedNative(arena, repeated))).isEqualTo(bits);
        }
    }

    @Test
    void allValuesEquallyOftenAreEightBits() {
        byte[] all = new byte[256];
        for (int i = 0; i < 256; i++) {
            all[i] = (byte) i;
        }
        assertThat(bits(MemorySegment.ofArray(all))).isEqualTo("4020000000000000");
    }

    @Test
    void nothingAndOneValueAreZero() {
        assertThat(Entropy.ofBytes(MemorySegment.ofArray(new byte[0]))).isZero();
        byte[] same = new byte[100_001];
        Arrays.fill(same, (byte) -3);
        assertThat(Entropy.ofBytes(MemorySegment.ofArray(same))).isZero();
    }

    @Test
    void agreesWithTheDefinitionAtEveryLengthAroundTheSwitch() {
        var random = new Random(9);
        byte[] data = new byte[70_000];
        for (int i = 0; i < data.length; i++) {
            data[i] = (byte) (random.nextGaussian() * 20);
        }
        for (int length : new int[] {1, 7, 8, 9, 4095, 4096, 4097, 4103, 4104, 70_000}) {
            int[] counts = new int[256];
            for (int i = 0; i < length; i++) {
                counts[data[i] & 0xff]++;
            }
            double exact = 0;
            double naive = 0;
            for (int count : counts) {
                if (count > 0) {
                    double p = (double) count / length;
                    exact -= p * Entropy.log2(p);
                    naive -= p * Math.log(p) / Math.log(2);
                }
            }
            double entropy = Entropy.ofBytes(MemorySegment.ofArray(data).asSlice(0, length));
            assertThat(entropy).as("length %d", length).isEqualTo(exact).isCloseTo(naive, within(1e-12));
        }
    }

    @ParameterizedTest(name = "for AVX-512: {0}")
    @ValueSource(booleans = {false, true})
    void bothFormsAgreeToTheLastBit(boolean isAvx512) {
        assumeTrue(isAvx512 ? MachineCode.hasAvx512() : MachineCode.refusal() == null);
        var random = new Random(10);
        byte[] data = new byte[2_500_000];
        for (int round = 0; round < 3000; round++) {
            int length = round % 500 == 0 ? data.length - round : 1 + random.nextInt(1 << 1 + random.nextInt(13));
            int from = random.nextInt(9);
            int values = 1 + random.nextInt(256);
            double spread = random.nextDouble() * 60;
            for (int i = from; i < Math.min(data.length, from + length); i++) {
                data[i] = (byte) (round % 2 == 0 ? random.nextInt(values) : random.nextGaussian() * spread);
            }
            var segment = MemorySegment.ofArray(data).asSlice(from, Math.min(length, data.length - from));
            assertThat(Double.doubleToRawLongBits(NativeEntropy.ofBytes(segment, isAvx512)))
                    .as("round %d, length %d", round, length)
                    .isEqualTo(Double.doubleToRawLongBits(Entropy.inJava(segment, segment.byteSize())));
        }
    }

    @ParameterizedTest(name = "for AVX-512: {0}")
    @ValueSource(booleans = {false, true})
    void machineCodeTakesReadOnlyAndNativeMemory(boolean isAvx512) {
        assumeTrue(isAvx512 ? MachineCode.hasAvx512() : MachineCode.refusal() == null);
        byte[] data = Vectors.text(70_001, 1);
        double expected = Entropy.inJava(MemorySegment.ofArray(data), data.length);
        assertThat(NativeEntropy.ofBytes(Vectors.unalignedHeap(data).asReadOnly(), isAvx512))
                .isEqualTo(expected);
        try (var arena = Arena.ofConfined()) {
            assertThat(NativeEntropy.ofBytes(Vectors.unalignedNative(arena, data), isAvx512))
                    .isEqualTo(expected);
        }
    }

    private static String bits(MemorySegment data) {
        return "%016x".formatted(Double.doubleToRawLongBits(Entropy.ofBytes(data)));
    }
}
