// SPDX-License-Identifier: ISC
package dev.armoire.engine.maintenance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PackfileSetsTest {
    @Test
    void equalSetsHaveOneNumberAndInnerOnesAreInThoseAroundThem() {
        Random random = new Random(3);
        PackfileSets sets = new PackfileSets();
        Map<BitSet, Integer> numbers = new HashMap<>(Map.of(new BitSet(), 0));
        for (int i = 0; i < 2000; i++) {
            BitSet outer = new BitSet();
            sets.begin();
            for (int parts = random.nextInt(3); parts > 0; parts--) {
                BitSet inner = new BitSet();
                sets.begin();
                for (int count = random.nextInt(4); count > 0; count--) {
                    int packfile = random.nextInt(4) * 63 + random.nextInt(3);
                    sets.add(packfile);
                    inner.set(packfile);
                }
                assertNumber(sets, sets.end(), inner, numbers);
                outer.or(inner);
            }
            if (random.nextBoolean()) {
                BitSet known = numbers.keySet().stream()
                        .skip(random.nextInt(numbers.size()))
                        .findFirst()
                        .orElseThrow();
                sets.addAll(numbers.get(known));
                outer.or(known);
            }
            assertNumber(sets, sets.end(), outer, numbers);
        }
        assertThat(numbers).hasSizeGreaterThan(100);
    }

    private static void assertNumber(PackfileSets sets, int number, BitSet expected, Map<BitSet, Integer> numbers) {
        Integer known = numbers.putIfAbsent((BitSet) expected.clone(), number);
        assertThat(number).isEqualTo(known == null ? numbers.size() - 1 : known);
        for (int packfile = 0; packfile < 260; packfile++) {
            BitSet one = new BitSet();
            one.set(packfile);
            assertThat(sets.intersects(number, one)).isEqualTo(expected.get(packfile));
        }
    }
}
