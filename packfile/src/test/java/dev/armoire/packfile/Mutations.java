// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.crypto.KlosetException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.function.Consumer;

/** Feeds a parser damaged copies of a good input: it may accept them or refuse them, but only with our typed errors. */
final class Mutations {
    private static final int[] WORDS = {0, 1, -1, 0x7fffffff, 0x80000000, 0xffff, 56, 85};

    private Mutations() {}

    /** Runs the parser on {@code rounds} mutants; returns how many it refused. */
    static int feed(byte[] good, long seed, int rounds, Consumer<byte[]> parser) {
        var random = new Random(seed);
        int refused = 0;
        for (int round = 0; round < rounds; round++) {
            byte[] mutant = mutate(good, random);
            try {
                parser.accept(mutant);
            } catch (KlosetException e) {
                assertThat(e.getMessage()).isNotBlank();
                refused++;
            } catch (RuntimeException | Error e) {
                throw new AssertionError(
                        "seed " + seed + ", round " + round + ": "
                                + HexFormat.of().formatHex(mutant, 0, Math.min(mutant.length, 2000)),
                        e);
            }
        }
        return refused;
    }

    private static byte[] mutate(byte[] good, Random random) {
        byte[] mutant = good.clone();
        for (int i = random.nextInt(3); i >= 0 && mutant.length > 0; i--) {
            int at = random.nextInt(mutant.length);
            switch (random.nextInt(5)) {
                case 0 -> mutant[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> mutant[at] = (byte) random.nextInt(256);
                case 2 -> mutant = Arrays.copyOf(mutant, at);
                case 3 -> mutant = Arrays.copyOf(mutant, mutant.length + random.nextInt(40));
                default -> {
                    int word = WORDS[random.nextInt(WORDS.length)];
                    for (int b = 0; b < 4 && at + b < mutant.length; b++) {
                        mutant[at + b] = (byte) (word >>> (8 * b));
                    }
                }
            }
        }
        return mutant;
    }
}
