// SPDX-License-Identifier: ISC
package dev.armoire.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.crypto.Mac;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MacSetTest {
    MacSet newSet(boolean hasNumbers) {
        return new MacSet(hasNumbers, null, Long.MAX_VALUE);
    }

    @Test
    void holdsWhatASetHolds() {
        Random random = new Random(1);
        Set<String> reference = new HashSet<>();
        try (MacSet set = newSet(false)) {
            for (int i = 0; i < 50_000; i++) {
                Mac mac = mac(random);
                int type = 1 + random.nextInt(255);
                assertThat(set.contains(type, mac)).isEqualTo(reference.contains(type + " " + mac));
                if (random.nextBoolean()) {
                    set.add(type, mac);
                    reference.add(type + " " + mac);
                }
            }
            assertThat(reference).hasSizeGreaterThan(10_000);
        }
    }

    @Test
    void keepsANumberForEachAsItGrows() {
        Random random = new Random(2);
        Map<Mac, Integer> reference = new HashMap<>();
        try (MacSet set = newSet(true)) {
            for (int i = 0; i < 100_000; i++) {
                Mac mac = new Mac(random.nextLong(), random.nextLong(), random.nextLong(), 0);
                assertThat(set.add(7, mac)).isTrue();
                if (i % 3 != 0) {
                    set.setNumber(7, mac, i);
                    reference.put(mac, i);
                } else {
                    reference.put(mac, 0);
                }
            }
            reference.forEach((mac, number) -> {
                assertThat(set.add(7, mac)).isFalse();
                assertThat(set.number(7, mac)).isEqualTo(number);
                assertThat(set.number(8, mac)).isZero();
                assertThat(set.contains(8, mac)).isFalse();
            });
        }
    }

    @Test
    void aNumberThatWasGivenLaterHolds() {
        Random random = new Random(3);
        Map<String, Integer> reference = new HashMap<>();
        try (MacSet set = newSet(true)) {
            for (int i = 0; i < 20_000; i++) {
                Mac mac = mac(random);
                int type = 1 + random.nextInt(3);
                set.setNumber(type, mac, i);
                reference.put(type + " " + mac, i);
                Mac other = mac(random);
                assertThat(set.number(type, other)).isEqualTo(reference.getOrDefault(type + " " + other, 0));
            }
        }
    }

    @Test
    void bitsAddUp() {
        Random random = new Random(4);
        Map<Mac, Integer> reference = new HashMap<>();
        try (MacSet set = newSet(true)) {
            for (int i = 0; i < 20_000; i++) {
                Mac mac = new Mac(random.nextInt(6000) * 0x9E3779B97F4A7C15L, 0, (long) random.nextInt(16) << 60, 0);
                int bits = 1 << random.nextInt(3);
                assertThat(set.addBits(1, mac, bits)).isEqualTo(reference.getOrDefault(mac, 0));
                reference.merge(mac, bits, (old, more) -> old | more);
            }
            reference.forEach((mac, bits) -> assertThat(set.number(1, mac)).isEqualTo(bits));
        }
    }

    /** From few words, so that equal ones, and ones that differ in the type alone, come up again and again. */
    private static Mac mac(Random random) {
        return new Mac(random.nextInt(40), (long) random.nextInt(40) << 8, (long) random.nextInt(16) << 60, 0);
    }
}
