// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.simd.Entropy;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Shannon entropy of a chunk, next to the loop that everybody writes first. */
public class EntropyBenchmark extends Suite {
    private static final double TOLERANCE = 1e-9;

    /** Compares before anything is timed. */
    @State(Scope.Thread)
    public static class Ours {
        /** Compares the first result with the textbook's. */
        @Setup
        public void prepare(Form form, Content content) {
            double difference =
                    Entropy.ofBytes(content.first()) - entropy(content.heap, content.firstOffset(), content.size);
            check(Math.abs(difference) < TOLERANCE, "the entropy is off by " + difference);
        }
    }

    /** Armoire. */
    @Benchmark
    public double measure(Form form, Content content, Ours ours, Bytes bytes) {
        bytes.bytes += content.size;
        return Entropy.ofBytes(content.next());
    }

    /** One counter per byte value, on the heap. */
    @Benchmark
    public double measureByTextbook(Content content, Bytes bytes) {
        bytes.bytes += content.size;
        return entropy(content.heap, content.nextOffset(), content.size);
    }

    private static double entropy(byte[] data, int offset, int length) {
        var counts = new int[256];
        for (int i = offset; i < offset + length; i++) {
            counts[data[i] & 0xff]++;
        }
        double sum = 0;
        for (int count : counts) {
            if (count != 0) {
                double share = (double) count / length;
                sum -= share * Math.log(share) / Math.log(2);
            }
        }
        return sum;
    }
}
