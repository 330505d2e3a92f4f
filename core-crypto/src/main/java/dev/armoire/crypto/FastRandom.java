// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.armoire.simd.Aes256GcmSiv;
import java.lang.foreign.MemorySegment;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Cryptographic random bytes at the speed of AES, for subkeys, nonces and padding: a call to {@link SecureRandom} per
 * blob would be a system call per blob.
 *
 * <p>AES-256 in counter mode with fast key erasure: each refill encrypts zeros under a key used once, and the first 32 bytes of
 * the result become the next key, so what was handed out cannot be recomputed from the present state. Fresh seed from the
 * system is mixed in after {@value #RESEED_BYTES} bytes or a minute, whichever comes first. For one thread.
 *
 * <p>Where there is machine code, it is the counter mode inside GCM-SIV, whose key is derived from the one given: without C2 the
 * JDK's takes 80 ns a block, which was 2 % of a backup of small files.
 */
public final class FastRandom implements ByteSource {
    private static final int KEY_BYTES = 32;
    private static final int POOL_BYTES = 8 * 1024;
    private static final long RESEED_BYTES = 16L << 20;
    private static final long RESEED_NANOS = 60_000_000_000L;
    private static final byte[] ZEROS = new byte[POOL_BYTES];

    private final SecureRandom system = new SecureRandom();
    private final Keystream keystream;
    private final byte[] key = new byte[KEY_BYTES];
    private final byte[] pool = new byte[POOL_BYTES];
    private int position = POOL_BYTES;
    private long untilReseedBytes;
    private long seededNanos;

    public FastRandom() {
        this(Aes256GcmSiv.isAvailable());
    }

    FastRandom(boolean byMachineCode) {
        keystream = byMachineCode ? new MachineCodeKeystream() : new JdkKeystream();
    }

    /** Fills a pool under a key that is used once. */
    @FunctionalInterface
    private interface Keystream {
        void write(byte[] key, byte[] pool);
    }

    private static final class MachineCodeKeystream implements Keystream {
        private static final byte[] ZERO_NONCE = new byte[Aes256GcmSiv.NONCE_BYTES];
        private static final byte[] NOTHING = {};
        private static final MemorySegment PLAIN = MemorySegment.ofArray(ZEROS);

        private final Aes256GcmSiv aes = new Aes256GcmSiv();
        private final byte[] sealed = new byte[POOL_BYTES + Aes256GcmSiv.TAG_BYTES];

        @Override
        public void write(byte[] key, byte[] pool) {
            aes.key(key);
            aes.seal(ZERO_NONCE, PLAIN, MemorySegment.ofArray(sealed));
            System.arraycopy(sealed, 0, pool, 0, POOL_BYTES);
            // Neither what was made nor what it was made with stays: the last keys of the workspace are of no use then.
            aes.key(ZEROS);
            aes.seal(
                    ZERO_NONCE,
                    MemorySegment.ofArray(NOTHING),
                    MemorySegment.ofArray(sealed).asSlice(0, Aes256GcmSiv.TAG_BYTES));
            Arrays.fill(sealed, (byte) 0);
        }
    }

    private static final class JdkKeystream implements Keystream {
        private static final IvParameterSpec ZERO_IV = new IvParameterSpec(new byte[16]);

        private final Cipher aes;

        JdkKeystream() {
            try {
                aes = Cipher.getInstance("AES/CTR/NoPadding");
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("this Java runtime has no AES/CTR/NoPadding", e);
            }
        }

        @Override
        public void write(byte[] key, byte[] pool) {
            try {
                aes.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"), ZERO_IV);
                int written = aes.doFinal(ZEROS, 0, POOL_BYTES, pool, 0);
                if (written != POOL_BYTES) {
                    throw new IllegalStateException("AES/CTR gave " + written + " bytes for " + POOL_BYTES);
                }
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("AES/CTR refused to run", e);
            }
        }
    }

    /** Fills the whole array. */
    @Override
    public void nextBytes(byte[] target) {
        fill(MemorySegment.ofArray(target));
    }

    /** Fills the whole segment, heap or native. */
    public void fill(MemorySegment target) {
        long done = 0;
        while (done < target.byteSize()) {
            if (position == POOL_BYTES) {
                refill();
            }
            int step = (int) Math.min(POOL_BYTES - position, target.byteSize() - done);
            MemorySegment.copy(pool, position, target, JAVA_BYTE, done, step);
            // What has been handed out must not be found here later.
            Arrays.fill(pool, position, position + step, (byte) 0);
            position += step;
            done += step;
        }
    }

    /** 32 random bytes: a name for a snapshot, a state or a padding blob. */
    public Mac nextMac() {
        byte[] bytes = new byte[Mac.BYTES];
        nextBytes(bytes);
        return Mac.of(bytes);
    }

    /** Uniform in 0 (inclusive) to {@code bound} (exclusive), which is positive. */
    public int nextInt(int bound) {
        if (bound <= 0) {
            throw new IllegalArgumentException("bound must be positive, not " + bound);
        }
        byte[] bytes = new byte[8];
        nextBytes(bytes);
        long word = 0;
        for (byte b : bytes) {
            word = word << 8 | (b & 0xff);
        }
        // 63 bits over at most 31: the bias is below 2^-32 of a step, and no caller's secrecy hangs on it.
        return (int) ((word >>> 1) % bound);
    }

    private void refill() {
        long now = System.nanoTime();
        if (untilReseedBytes <= 0 || now - seededNanos > RESEED_NANOS) {
            byte[] seed = new byte[KEY_BYTES];
            system.nextBytes(seed);
            for (int i = 0; i < KEY_BYTES; i++) {
                key[i] ^= seed[i];
            }
            Arrays.fill(seed, (byte) 0);
            untilReseedBytes = RESEED_BYTES;
            seededNanos = now;
        }
        keystream.write(key, pool);
        System.arraycopy(pool, 0, key, 0, KEY_BYTES);
        Arrays.fill(pool, 0, KEY_BYTES, (byte) 0);
        position = KEY_BYTES;
        untilReseedBytes -= POOL_BYTES;
    }
}
