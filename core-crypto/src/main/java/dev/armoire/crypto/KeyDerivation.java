// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import dev.armoire.simd.Argon2id;
import java.security.SecureRandom;
import java.util.Locale;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.generators.PKCS5S2ParametersGenerator;
import org.bouncycastle.crypto.generators.SCrypt;
import org.bouncycastle.crypto.params.KeyParameter;

/**
 * How a passphrase becomes a master key: algorithm, salt and cost, as CONFIG keeps them (format 1 §4.2, §5).
 *
 * <p>CONFIG is read before anything in it can be verified, so a hostile one may ask for any cost. The records refuse
 * numbers that no store needs, with {@link CorruptDataException}, before memory is allocated or time is spent.
 */
public sealed interface KeyDerivation {
    /** Bytes of the key that every derivation gives. */
    int KEY_BYTES = StoreKeys.KEY_BYTES;

    /** Bytes of the salt of a new store. */
    int SALT_BYTES = 16;

    /** Public, random, kept in CONFIG. */
    Bytes salt();

    /**
     * The 32-byte master key. The passphrase is borrowed; the caller wipes both arrays. Argon2id is derived for one caller at a time:
     * two stores that are unlocked at once, as {@code sync} does, would take twice the memory.
     */
    byte[] derive(byte[] passphrase);

    /** What a new store uses: Argon2id, four passes over 256 MiB, a random salt. */
    static KeyDerivation newDefault() {
        byte[] salt = new byte[SALT_BYTES];
        new SecureRandom().nextBytes(salt);
        return new Argon2(Bytes.copyOf(salt), 4, 256 << 10, 1);
    }

    /** Argon2id, version 0x13. */
    record Argon2(Bytes salt, long passes, long memoryKiB, int lanes) implements KeyDerivation {
        /** Passes times memory that is believed: 64 times the default, some minutes of work. */
        private static final long MAX_WORK_KIB = 64L << 20;

        public Argon2 {
            Limits.salt(salt);
            Limits.range("Argon2id Time", passes, 1, Argon2id.MAX_PASSES);
            Limits.range("Argon2id Threads", lanes, 1, Argon2id.MAX_LANES);
            Limits.range("Argon2id Memory (KiB)", memoryKiB, 8L * lanes, Argon2id.MAX_MEMORY_KIB);
            Limits.range("Argon2id Time x Memory (KiB)", passes * memoryKiB, 1, MAX_WORK_KIB);
        }

        @Override
        public byte[] derive(byte[] passphrase) {
            byte[] key = new byte[KEY_BYTES];
            synchronized (Argon2.class) {
                Argon2id.derive(passphrase, salt.toArray(), (int) passes, (int) memoryKiB, lanes, key);
            }
            return key;
        }
    }

    /** scrypt (RFC 7914). */
    record Scrypt(Bytes salt, long n, long r, long p) implements KeyDerivation {
        /** Bytes of its large array that are believed: 32 times the default. It lies on the heap. */
        private static final long MAX_BYTES = 1L << 30;

        /** 128 times the default, about a minute. */
        private static final long MAX_WORK = 1L << 25;

        public Scrypt {
            Limits.salt(salt);
            Limits.range("scrypt N", n, 2, MAX_BYTES / 128);
            Limits.range("scrypt R", r, 1, MAX_BYTES / 128);
            Limits.range("scrypt P", p, 1, MAX_WORK);
            Limits.range("scrypt N x R x 128 bytes", n * r * 128, 1, MAX_BYTES);
            Limits.range("scrypt P x R x 128 bytes", p * r * 128, 1, MAX_BYTES);
            Limits.range("scrypt N x R x P", n * r * p, 1, MAX_WORK);
            if (Long.bitCount(n) != 1) {
                throw new CorruptDataException("CONFIG says scrypt N is " + n + ", which is not a power of two");
            }
        }

        @Override
        public byte[] derive(byte[] passphrase) {
            return SCrypt.generate(passphrase, salt.toArray(), (int) n, (int) r, (int) p, KEY_BYTES);
        }
    }

    /** PBKDF2 (RFC 8018) with HMAC-SHA-256. */
    record Pbkdf2(Bytes salt, long iterations, String hashing) implements KeyDerivation {
        /** 1000 times the default, some minutes. */
        private static final long MAX_ITERATIONS = 100_000_000;

        public Pbkdf2 {
            Limits.salt(salt);
            Limits.range("PBKDF2 Iterations", iterations, 1, MAX_ITERATIONS);
            if (!hashing.toUpperCase(Locale.ROOT).equals("SHA256")) {
                throw UnsupportedVersionException.algorithm("hash of PBKDF2", hashing, "SHA256");
            }
        }

        @Override
        public byte[] derive(byte[] passphrase) {
            return BouncyCastle.pbkdf2(passphrase, salt.toArray(), (int) iterations);
        }
    }

    /**
     * Apart, because its class cannot be verified without classes of Bouncy Castle: if those came into the AOT cache, each
     * start would verify the signature of their jar, for 0.1 s.
     */
    final class BouncyCastle {
        private BouncyCastle() {}

        private static byte[] pbkdf2(byte[] passphrase, byte[] salt, int iterations) {
            // The JDK's own takes characters, not bytes, and a passphrase may be any bytes.
            var generator = new PKCS5S2ParametersGenerator(new SHA256Digest());
            generator.init(passphrase, salt, iterations);
            return ((KeyParameter) generator.generateDerivedMacParameters(KEY_BYTES * Byte.SIZE)).getKey();
        }
    }

    /** The bounds themselves, apart so that records stay readable. */
    final class Limits {
        private static final int MAX_SALT_BYTES = 1024;

        private Limits() {}

        private static void salt(Bytes salt) {
            range("KDF salt length (bytes)", salt.length(), 8, MAX_SALT_BYTES);
        }

        private static void range(String what, long value, long from, long to) {
            if (value < from || value > to) {
                throw new CorruptDataException("CONFIG says " + what + " is " + value + ", expected " + from + " to "
                        + to + "; it is damaged, or made to exhaust this machine");
            }
        }
    }
}
