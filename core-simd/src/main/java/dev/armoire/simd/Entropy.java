// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Shannon entropy of bytes, to the last bit as Plakar stores it on amd64 (format 2a §7.3). {@link Math#log} may differ in
 * that bit, so the logarithm is FreeBSD's polynomial as Go carries it.
 */
public final class Entropy {
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Below this length clearing and adding up four tables costs more than they save. */
    private static final int FEW_BYTES = 4096;

    /** Bytes after which the int counters move to the sum: none can overflow in between. */
    private static final long BATCH_BYTES = 1L << 30;

    static final double INVERSE_LN2 = 1 / 0.6931471805599453;
    static final double HALF_SQRT2 = 1.4142135623730951 / 2;
    static final double LN2_HIGH = 0.6931471803691238;
    static final double LN2_LOW = 1.9082149292705877e-10;
    static final double L1 = 0.6666666666666735;
    static final double L2 = 0.3999999999940942;
    static final double L3 = 0.2857142874366239;
    static final double L4 = 0.22222198432149784;
    static final double L5 = 0.1818357216161805;
    static final double L6 = 0.15313837699209373;
    static final double L7 = 0.14798198605116586;

    private static final int EXPONENT_SHIFT = 52;
    private static final long EXPONENT_OF_HALF = 1022;
    static final long MANTISSA_MASK = (1L << EXPONENT_SHIFT) - 1;

    private Entropy() {}

    /** Entropy in bits per byte, 0 to 8; 0 for no bytes. The data is borrowed for the call. */
    public static double ofBytes(MemorySegment data) {
        long length = data.byteSize();
        if (length == 0) {
            return 0;
        }
        return Kernels.machineCode() && length <= NativeEntropy.MAX_BYTES
                ? NativeEntropy.ofBytes(data, Kernels.avx512())
                : inJava(data, length);
    }

    /** The form that runs everywhere, for 1 byte or more. */
    static double inJava(MemorySegment data, long length) {
        if (length < FEW_BYTES) {
            int[] counts = new int[256];
            for (long i = 0; i < length; i++) {
                counts[data.get(ValueLayout.JAVA_BYTE, i) & 0xFF]++;
            }
            double entropy = 0;
            for (int count : counts) {
                entropy = addTerm(entropy, count, length);
            }
            return entropy;
        }
        long[] sums = new long[256];
        int[] counts = new int[4 * 256];
        for (long from = 0; from < length; from += BATCH_BYTES) {
            long to = Math.min(length, from + BATCH_BYTES);
            count(data, from, to, counts);
            for (int value = 0; value < 256; value++) {
                sums[value] += (long) counts[value] + counts[256 + value] + counts[512 + value] + counts[768 + value];
            }
            Arrays.fill(counts, 0);
        }
        double entropy = 0;
        for (long count : sums) {
            entropy = addTerm(entropy, count, length);
        }
        return entropy;
    }

    /** Four tables, so that runs of one value do not wait for their own last increment. */
    private static void count(MemorySegment data, long from, long to, int[] counts) {
        long i = from;
        for (; i <= to - Long.BYTES; i += Long.BYTES) {
            long word = data.get(U64, i);
            counts[(int) word & 0xFF]++;
            counts[256 + ((int) (word >>> 8) & 0xFF)]++;
            counts[512 + ((int) (word >>> 16) & 0xFF)]++;
            counts[768 + ((int) (word >>> 24) & 0xFF)]++;
            counts[(int) (word >>> 32) & 0xFF]++;
            counts[256 + ((int) (word >>> 40) & 0xFF)]++;
            counts[512 + ((int) (word >>> 48) & 0xFF)]++;
            counts[768 + (int) (word >>> 56)]++;
        }
        for (; i < to; i++) {
            counts[data.get(ValueLayout.JAVA_BYTE, i) & 0xFF]++;
        }
    }

    private static double addTerm(double entropy, long count, long length) {
        if (count == 0) {
            return entropy;
        }
        double p = (double) count / length;
        return entropy - p * log2(p);
    }

    /** Logarithm to base 2 of a positive normal number. */
    static double log2(double x) {
        long bits = Double.doubleToRawLongBits(x);
        int exponent = (int) ((bits >>> EXPONENT_SHIFT) - EXPONENT_OF_HALF);
        double fraction = Double.longBitsToDouble((bits & MANTISSA_MASK) | (EXPONENT_OF_HALF << EXPONENT_SHIFT));
        if (fraction == 0.5) {
            return exponent - 1;
        }
        return lnOfFraction(fraction) * INVERSE_LN2 + exponent;
    }

    /** Natural logarithm of a number of [0.5, 1). */
    private static double lnOfFraction(double fraction) {
        double m = fraction;
        double k = 0;
        if (m < HALF_SQRT2) {
            m *= 2;
            k = -1;
        }
        double f = m - 1;
        double s = f / (2 + f);
        double s2 = s * s;
        double s4 = s2 * s2;
        double t1 = s2 * (L1 + s4 * (L3 + s4 * (L5 + s4 * L7)));
        double t2 = s4 * (L2 + s4 * (L4 + s4 * L6));
        double r = t1 + t2;
        double h = 0.5 * f * f;
        return k * LN2_HIGH - ((h - (s * (h + r) + k * LN2_LOW)) - f);
    }
}
