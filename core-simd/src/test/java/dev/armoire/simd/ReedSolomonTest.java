// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReedSolomonTest {
    /** The field as textbooks have it: shift, and subtract the polynomial. */
    private static int slowProduct(int a, int b) {
        int product = 0;
        int shifted = a;
        for (int bits = b; bits != 0; bits >>= 1) {
            if ((bits & 1) != 0) {
                product ^= shifted;
            }
            shifted <<= 1;
            if ((shifted & 0x100) != 0) {
                shifted ^= 0x11d;
            }
        }
        return product;
    }

    @Test
    void itIsTheField() {
        for (int a = 0; a < 256; a++) {
            for (int b = 0; b < 256; b++) {
                assertThat(ReedSolomon.multiply(a, b)).isEqualTo(slowProduct(a, b));
            }
            if (a != 0) {
                assertThat(slowProduct(a, ReedSolomon.inverse(a))).isEqualTo(1);
            }
        }
    }

    private static long[] sums(byte[][] data, int length) {
        long[] sums = new long[length];
        for (int column = 0; column < data.length; column++) {
            ReedSolomon.add(column, data[column], 0, length, sums);
        }
        return sums;
    }

    private static byte[] parity(long[] sums, int place) {
        byte[] bytes = new byte[sums.length];
        ReedSolomon.extract(sums, sums.length, place, bytes);
        return bytes;
    }

    private static byte[][] randomData(Random random, int columns, int length) {
        byte[][] data = new byte[columns][length];
        for (byte[] column : data) {
            random.nextBytes(column);
        }
        return data;
    }

    @Test
    void paritiesAreTheProductsOfTheMatrix() {
        byte[][] data = randomData(new Random(1), ReedSolomon.MAX_COLUMNS, 3);
        long[] sums = sums(data, 3);
        for (int parity = 0; parity < ReedSolomon.PARITIES; parity++) {
            for (int i = 0; i < 3; i++) {
                int expected = 0;
                for (int column = 0; column < data.length; column++) {
                    expected ^= slowProduct(ReedSolomon.coefficient(parity, column), data[column][i] & 0xff);
                }
                assertThat(parity(sums, parity)[i] & 0xff).isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 5", "2, 64", "8, 17", "9, 1000", "80, 33", "247, 10", "248, 4096"})
    void whateverIsLostComesBack(int columns, int length) {
        Random random = new Random(columns * 1000L + length);
        byte[][] data = randomData(random, columns, length);
        long[] sums = sums(data, length);
        byte[][] parities = new byte[ReedSolomon.PARITIES][];
        for (int parity = 0; parity < parities.length; parity++) {
            parities[parity] = parity(sums, parity);
        }
        for (int round = 0; round < 60; round++) {
            // Up to eight of both kinds, the whole eight in every third round.
            int losses = round % 3 == 0 ? ReedSolomon.PARITIES : 1 + random.nextInt(ReedSolomon.PARITIES);
            List<Integer> all = new ArrayList<>();
            for (int i = 0; i < columns + ReedSolomon.PARITIES; i++) {
                all.add(i);
            }
            Collections.shuffle(all, random);
            List<Integer> gone = all.subList(0, Math.min(losses, all.size()));
            int[] lost = gone.stream().filter(i -> i < columns).mapToInt(i -> i).toArray();
            int[] there = all.stream()
                    .filter(i -> i >= columns && !gone.contains(i))
                    .mapToInt(i -> i - columns)
                    .limit(lost.length)
                    .toArray();
            long[] left = new long[length];
            for (int column = 0; column < columns; column++) {
                if (!gone.contains(column)) {
                    ReedSolomon.add(column, data[column], 0, length, left);
                }
            }
            for (int parity : there) {
                ReedSolomon.addParity(parity, parities[parity], length, left);
            }
            new ReedSolomon.Recovery(lost, there).run(left, length);
            for (int at = 0; at < lost.length; at++) {
                assertThat(Arrays.equals(parity(left, at), data[lost[at]]))
                        .as("column %s of %s, round %s", lost[at], columns, round)
                        .isTrue();
            }
        }
    }

    @Test
    void dataMayStartAnywhereInItsArray() {
        byte[] data = new byte[100];
        new Random(2).nextBytes(data);
        long[] whole = new long[40];
        ReedSolomon.add(3, Arrays.copyOfRange(data, 60, 100), 0, 40, whole);
        long[] part = new long[50];
        ReedSolomon.add(3, data, 60, 40, part);
        assertThat(Arrays.copyOf(part, 40)).isEqualTo(whole);
        assertThat(Arrays.copyOfRange(part, 40, 50)).containsOnly(0);
        assertThatThrownBy(() -> ReedSolomon.add(3, data, 61, 40, part)).isInstanceOf(IllegalArgumentException.class);
    }
}
