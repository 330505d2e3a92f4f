// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.simd.Argon2id;
import java.util.Arrays;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Argon2id with the cost of a new store, next to Bouncy Castle's. Bytes are those of the memory, once per pass. A store is
 * unlocked once in a process, so that the cold series matters more than this one.
 */
@Warmup(iterations = 2)
@Measurement(iterations = 3)
public class Argon2idBenchmark extends Suite {
    private static final byte[] PASSWORD = Data.RANDOM.bytes(20, 3);
    private static final byte[] SALT = Data.RANDOM.bytes(16, 4);
    private static final int KEY_BYTES = 32;

    /** What a derivation costs. */
    @State(Scope.Thread)
    public static class Cost {
        /** Memory in KiB. */
        @Param({"262144"})
        public int memoryKiB;

        /** Passes over it. */
        @Param({"4"})
        public int passes;

        /** Lanes. */
        @Param({"1"})
        public int lanes;

        private final byte[] key = new byte[KEY_BYTES];

        void count(Bytes bytes) {
            bytes.bytes += (long) memoryKiB * passes << 10;
        }
    }

    /** Compares before anything is timed. */
    @State(Scope.Thread)
    public static class Ours {
        /** Compares the key with Bouncy Castle's. */
        @Setup
        public void prepare(Form form, Cost cost) {
            byte[] expected = deriveWithBouncyCastle(cost).clone();
            check(Arrays.equals(deriveWithArmoire(cost), expected), "Argon2id is not Bouncy Castle's");
        }
    }

    /** Armoire. */
    @Benchmark
    public byte[] derive(Form form, Cost cost, Ours ours, Bytes bytes) {
        cost.count(bytes);
        return deriveWithArmoire(cost);
    }

    /** What a user would pick instead. */
    @Benchmark
    public byte[] deriveByBouncyCastle(Cost cost, Bytes bytes) {
        cost.count(bytes);
        return deriveWithBouncyCastle(cost);
    }

    private static byte[] deriveWithArmoire(Cost cost) {
        Argon2id.derive(PASSWORD, SALT, cost.passes, cost.memoryKiB, cost.lanes, cost.key);
        return cost.key;
    }

    private static byte[] deriveWithBouncyCastle(Cost cost) {
        var generator = new Argon2BytesGenerator();
        generator.init(new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
                .withVersion(Argon2Parameters.ARGON2_VERSION_13)
                .withIterations(cost.passes)
                .withMemoryAsKB(cost.memoryKiB)
                .withParallelism(cost.lanes)
                .withSalt(SALT)
                .build());
        generator.generateBytes(PASSWORD, cost.key);
        return cost.key;
    }
}
