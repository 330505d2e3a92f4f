// SPDX-License-Identifier: ISC
package dev.armoire.engine.content;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** Eight bytes at once say what they say one by one. */
final class SampleTest {
    private static final int ROUNDS = 200_000;

    /** Bytes next to the bounds come more often than others. */
    private static long word(Random random) {
        int[] bounds = {0, 1, 8, 9, 10, 11, 13, 27, 0x1F, 0x20, 0x7E, 0x7F, 0x80, 0x8A, 0x89, 0xFF};
        long word = 0;
        for (int i = 0; i < Long.BYTES; i++) {
            int b = random.nextInt(4) == 0 ? bounds[random.nextInt(bounds.length)] : 'a' + random.nextInt(26);
            word = word << 8 | b;
        }
        return word;
    }

    @Test
    void wordsAreJudgedAsTheirBytesAre() {
        Random random = new Random(3);
        int controls = 0;
        int printables = 0;
        for (int round = 0; round < ROUNDS; round++) {
            long word = word(random);
            boolean hasControl = false;
            boolean isPrintable = true;
            for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
                int b = (int) (word >>> shift) & 0xff;
                boolean isBreak = b == '\t' || b == '\n';
                hasControl |= b < 0x20 && !isBreak;
                isPrintable &= isBreak || b >= 0x20 && b < 0x7F;
            }
            assertThat(Sample.hasControl(word)).as(Long.toHexString(word)).isEqualTo(hasControl);
            assertThat(Sample.isPrintable(word)).as(Long.toHexString(word)).isEqualTo(isPrintable);
            controls += hasControl ? 1 : 0;
            printables += isPrintable ? 1 : 0;
        }
        assertThat(controls).isBetween(ROUNDS / 10, ROUNDS * 9 / 10);
        assertThat(printables).isBetween(ROUNDS / 10, ROUNDS * 9 / 10);
    }
}
