// SPDX-License-Identifier: ISC
package dev.armoire.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.crypto.Mac;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class MacFilterTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 23, 24, 25, 100_000})
    void deniesNothingThatWasAddedAndMostOfTheRest(int count) {
        MemorySegment bits = MemorySegment.ofArray(new long[(int) MacFilter.bytes(count) / 8]);
        MacFilter filter = new MacFilter(bits);
        Random random = new Random(count);
        for (int i = 0; i < count; i++) {
            filter.add(mac(random));
        }
        Random again = new Random(count);
        for (int i = 0; i < count; i++) {
            assertThat(filter.mayHave(mac(again))).isTrue();
        }
        int passed = 0;
        for (int i = 0; i < 100_000; i++) {
            passed += filter.mayHave(mac(random)) ? 1 : 0;
        }
        assertThat(passed).isLessThan(60);
    }

    @Test
    void takesAboutTwentyBitsForEach() {
        assertThat(MacFilter.bytes(3_000_000) * 8.0 / 3_000_000).isBetween(21.0, 22.0);
        assertThat(MacFilter.bytes(0)).isEqualTo(64);
    }

    private static Mac mac(Random random) {
        return new Mac(random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong());
    }
}
