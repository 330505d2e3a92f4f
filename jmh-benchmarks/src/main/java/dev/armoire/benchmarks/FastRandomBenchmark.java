// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.crypto.FastRandom;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Random bytes for subkeys and nonces, next to the system's and to the JDK's DRBG. */
public class FastRandomBenchmark extends Suite {
    /** The generators and what they fill. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Generators {
        /** Bytes at a time: a nonce, a subkey, padding. */
        @Param({"12", "32", "4096", "65536"})
        public int size;

        private final FastRandom armoire = new FastRandom();
        private final SecureRandom system = new SecureRandom();
        private SecureRandom drbg;
        private byte[] target;

        /** Random bytes have no reference: two fillings must differ. */
        @Setup
        public void prepare() throws GeneralSecurityException {
            drbg = SecureRandom.getInstance("DRBG");
            target = new byte[size];
            armoire.nextBytes(target);
            byte[] first = target.clone();
            armoire.nextBytes(target);
            check(!Arrays.equals(first, target), "the same random bytes twice");
        }
    }

    /** Armoire. */
    @Benchmark
    public byte[] fill(Generators generators, Bytes bytes) {
        bytes.bytes += generators.size;
        generators.armoire.nextBytes(generators.target);
        return generators.target;
    }

    /** The generator that {@code new SecureRandom()} gives. */
    @Benchmark
    public byte[] fillBySecureRandom(Generators generators, Bytes bytes) {
        bytes.bytes += generators.size;
        generators.system.nextBytes(generators.target);
        return generators.target;
    }

    /** The JDK's DRBG. */
    @Benchmark
    public byte[] fillByDrbg(Generators generators, Bytes bytes) {
        bytes.bytes += generators.size;
        generators.drbg.nextBytes(generators.target);
        return generators.target;
    }
}
