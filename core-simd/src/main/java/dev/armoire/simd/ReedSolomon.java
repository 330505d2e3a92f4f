// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Reed-Solomon erasure code over GF(2^8) with {@value #PARITIES} parity bytes for up to {@value #MAX_COLUMNS} data bytes: of a
 * row of data and parity any {@value #PARITIES} can be lost, if it is known which. The coefficients are a Cauchy matrix,
 * {@code 1 / (j + 8 + i)} for parity j and column i, of which every square part can be inverted (Blömer and others, 1995).
 *
 * <p>The {@value #PARITIES} products of one data byte are one long of a table, so that a lookup and an XOR serve all parities:
 * quick also where C1 is the only compiler. May be used by many threads at once.
 */
public final class ReedSolomon {
    /** Parity bytes of a row. */
    public static final int PARITIES = 8;

    /** Data bytes of a row at most: both kinds together are no more than the field has elements. */
    public static final int MAX_COLUMNS = 256 - PARITIES;

    /** x^8 + x^4 + x^3 + x^2 + 1, of which x is a generator. */
    private static final int POLYNOMIAL = 0x11d;

    private static final int[] LOG = new int[256];
    private static final int[] EXP = new int[510];

    static {
        int x = 1;
        for (int i = 0; i < 255; i++) {
            EXP[i] = x;
            EXP[i + 255] = x;
            LOG[x] = i;
            x <<= 1;
            if (x > 255) {
                x ^= POLYNOMIAL;
            }
        }
    }

    private static final AtomicReferenceArray<long @Nullable []> TABLES = new AtomicReferenceArray<>(MAX_COLUMNS);

    private ReedSolomon() {}

    static int multiply(int a, int b) {
        return a == 0 || b == 0 ? 0 : EXP[LOG[a] + LOG[b]];
    }

    static int inverse(int a) {
        return EXP[255 - LOG[a]];
    }

    static int coefficient(int parity, int column) {
        return inverse(parity ^ (PARITIES + column));
    }

    /** Made when it is needed, perhaps twice at once, which gives the same. */
    private static long[] table(int column) {
        long[] table = TABLES.get(column);
        if (table == null) {
            table = new long[256];
            for (int parity = 0; parity < PARITIES; parity++) {
                putProducts(table, coefficient(parity, column), parity);
            }
            TABLES.set(column, table);
        }
        return table;
    }

    private static void putProducts(long[] table, int factor, int place) {
        for (int value = 1; value < 256; value++) {
            table[value] |= (long) multiply(factor, value) << Byte.SIZE * place;
        }
    }

    /**
     * Adds data of one column to sums, of which byte j of each long belongs to parity j.
     *
     * @param column 0 to {@value #MAX_COLUMNS} - 1
     * @param length bytes of data, for as many sums from the first one on
     */
    public static void add(int column, byte[] data, int offset, int length, long[] sums) {
        if (length > sums.length || offset > data.length - length) {
            throw new IllegalArgumentException(
                    length + " bytes from " + offset + " of " + data.length + " into " + sums.length + " sums");
        }
        long[] table = table(column);
        for (int i = 0; i < length; i++) {
            sums[i] ^= table[data[offset + i] & 0xff];
        }
    }

    /** Adds a parity as it was stored: what is left in its byte of the sums is what the lost data would have added. */
    public static void addParity(int parity, byte[] stored, int length, long[] sums) {
        int shift = Byte.SIZE * parity;
        for (int i = 0; i < length; i++) {
            sums[i] ^= (stored[i] & 0xffL) << shift;
        }
    }

    /** Takes the bytes at one place out of longs. */
    public static void extract(long[] sums, int length, int place, byte[] into) {
        int shift = Byte.SIZE * place;
        for (int i = 0; i < length; i++) {
            into[i] = (byte) (sums[i] >>> shift);
        }
    }

    /** How to get lost data of a row back, for rows in which the same columns are lost and the same parities are there. */
    public static final class Recovery {
        private final int[] parities;
        /** For each parity, what a byte of its sums adds to the lost columns, the first of them in the lowest byte. */
        private final long[][] tables;

        /**
         * @param lost the lost columns, {@value #PARITIES} at most, each once
         * @param parities as many parities that are there, each once
         */
        public Recovery(int[] lost, int[] parities) {
            if (lost.length != parities.length || lost.length > PARITIES) {
                throw new IllegalArgumentException(lost.length + " lost columns and " + parities.length + " parities");
            }
            this.parities = parities.clone();
            int[][] inverse = invert(lost, parities);
            tables = new long[lost.length][256];
            for (int row = 0; row < lost.length; row++) {
                for (int at = 0; at < lost.length; at++) {
                    putProducts(tables[at], inverse[row][at], row);
                }
            }
        }

        /** Gauss and Jordan, beside the unit matrix. */
        private static int[][] invert(int[] lost, int[] parities) {
            int size = lost.length;
            int[][] rows = new int[size][2 * size];
            for (int row = 0; row < size; row++) {
                for (int at = 0; at < size; at++) {
                    rows[row][at] = coefficient(parities[row], lost[at]);
                }
                rows[row][size + row] = 1;
            }
            for (int step = 0; step < size; step++) {
                int pivot = step;
                while (rows[pivot][step] == 0) {
                    pivot++;
                }
                int[] swapped = rows[pivot];
                rows[pivot] = rows[step];
                rows[step] = swapped;
                int scale = inverse(swapped[step]);
                for (int at = 0; at < 2 * size; at++) {
                    swapped[at] = multiply(swapped[at], scale);
                }
                for (int row = 0; row < size; row++) {
                    int factor = rows[row][step];
                    if (row != step && factor != 0) {
                        for (int at = 0; at < 2 * size; at++) {
                            rows[row][at] ^= multiply(factor, swapped[at]);
                        }
                    }
                }
            }
            int[][] inverse = new int[size][];
            for (int row = 0; row < size; row++) {
                inverse[row] = Arrays.copyOfRange(rows[row], size, 2 * size);
            }
            return inverse;
        }

        /**
         * Turns sums into lost data: byte x of each long is then of the column that was named x-th.
         *
         * @param sums of all columns that are there and of the parities of this recovery
         */
        public void run(long[] sums, int length) {
            for (int i = 0; i < length; i++) {
                long sum = sums[i];
                long found = 0;
                for (int at = 0; at < parities.length; at++) {
                    found ^= tables[at][(int) (sum >>> Byte.SIZE * parities[at]) & 0xff];
                }
                sums[i] = found;
            }
        }
    }
}
