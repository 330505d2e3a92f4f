// SPDX-License-Identifier: ISC
package dev.armoire.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.crypto.Mac;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MacSetTest {
    @Test
    void holdsWhatASetHolds() {
        Random random = new Random(1);
        Set<String> reference = new HashSet<>();
        try (MacSet set = new MacSet()) {
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

    /** From few words, so that equal ones, and ones that differ in the type alone, come up again and again. */
    private static Mac mac(Random random) {
        return new Mac(random.nextInt(40), (long) random.nextInt(40) << 8, (long) random.nextInt(16) << 60, 0);
    }
}
