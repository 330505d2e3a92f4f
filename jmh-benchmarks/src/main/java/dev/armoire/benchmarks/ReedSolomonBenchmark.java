// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.simd.ReedSolomon;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Adding one column to the eight parities of a group, next to eight tables of one byte each, as libraries do it. */
public class ReedSolomonBenchmark extends Suite {
    private static final int COLUMN = 5;

    /** The sums, and the products of the textbook. */
    @State(Scope.Thread)
    public static class Sums {
        private long[] sums = {};
        private byte[][] parities = {};
        private final byte[][] products = new byte[ReedSolomon.PARITIES][256];

        /** Takes the products from the code, one by one, and compares a whole column. */
        @Setup
        public void prepare(Content content) {
            sums = new long[content.size];
            parities = new byte[ReedSolomon.PARITIES][content.size];
            byte[] product = new byte[1];
            for (int value = 0; value < 256; value++) {
                long[] one = new long[1];
                ReedSolomon.add(COLUMN, new byte[] {(byte) value}, 0, 1, one);
                for (int parity = 0; parity < ReedSolomon.PARITIES; parity++) {
                    ReedSolomon.extract(one, 1, parity, product);
                    products[parity][value] = product[0];
                }
            }
            int offset = content.firstOffset();
            ReedSolomon.add(COLUMN, content.heap, offset, content.size, sums);
            addByTextbook(content.heap, offset);
            byte[] extracted = new byte[content.size];
            for (int parity = 0; parity < ReedSolomon.PARITIES; parity++) {
                ReedSolomon.extract(sums, content.size, parity, extracted);
                check(java.util.Arrays.equals(extracted, parities[parity]), "parity " + parity + " differs");
            }
        }

        private void addByTextbook(byte[] data, int offset) {
            for (int parity = 0; parity < ReedSolomon.PARITIES; parity++) {
                byte[] table = products[parity];
                byte[] sum = parities[parity];
                for (int i = 0; i < sum.length; i++) {
                    sum[i] ^= table[data[offset + i] & 0xff];
                }
            }
        }
    }

    /** Armoire. */
    @Benchmark
    public long[] measure(Content content, Sums sums, Bytes bytes) {
        bytes.bytes += content.size;
        ReedSolomon.add(COLUMN, content.heap, content.nextOffset(), content.size, sums.sums);
        return sums.sums;
    }

    /** One table for each parity. */
    @Benchmark
    public byte[][] measureByTextbook(Content content, Sums sums, Bytes bytes) {
        bytes.bytes += content.size;
        sums.addByTextbook(content.heap, content.nextOffset());
        return sums.parities;
    }
}
