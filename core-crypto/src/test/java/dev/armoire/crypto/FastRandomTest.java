// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.simd.Aes256GcmSiv;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FastRandomTest {
    /** The form of the JDK, and the other where there is one. */
    private static Stream<FastRandom> forms() {
        return Stream.of(false, Aes256GcmSiv.isAvailable()).distinct().map(FastRandom::new);
    }

    @ParameterizedTest
    @MethodSource("forms")
    void neverRepeatsAcrossRefillsAndReseeds(FastRandom random) {
        Set<Long> words = new HashSet<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment chunk = arena.allocate(1 << 20);
            for (int i = 0; i < 20; i++) { // 20 MiB: past one reseed
                random.fill(chunk);
                for (long at = 0; at < chunk.byteSize(); at += 4096 - 8) {
                    if (at + 8 <= chunk.byteSize()) {
                        assertThat(words.add(chunk.get(ValueLayout.JAVA_LONG_UNALIGNED, at)))
                                .isTrue();
                    }
                }
            }
        }
        assertThat(random.nextMac()).isNotEqualTo(random.nextMac());
        assertThat(new FastRandom().nextMac()).isNotEqualTo(new FastRandom().nextMac());
    }

    @ParameterizedTest
    @MethodSource("forms")
    void bitsAreBalanced(FastRandom random) {
        byte[] bytes = new byte[1 << 20];
        random.nextBytes(bytes);
        long ones = 0;
        for (byte b : bytes) {
            ones += Integer.bitCount(b & 0xff);
        }
        // 2^23 fair coins: the standard deviation is 1448, this is more than seven of them.
        assertThat(ones).isBetween((1L << 22) - 11_000, (1L << 22) + 11_000);
    }

    @Test
    void boundedNumbersReachEveryValueAndNoOther() {
        var random = new FastRandom();
        Set<Integer> seen = new HashSet<>();
        for (int i = 0; i < 1000; i++) {
            seen.add(random.nextInt(10));
        }
        assertThat(seen).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
        assertThatThrownBy(() -> random.nextInt(0)).isInstanceOf(IllegalArgumentException.class);
    }
}
