// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.simd.Aes256KeyWrap;
import java.lang.foreign.MemorySegment;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.spec.SecretKeySpec;
import org.bouncycastle.crypto.InvalidCipherTextException;
import org.bouncycastle.crypto.engines.AESWrapEngine;
import org.bouncycastle.crypto.params.KeyParameter;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * AES-KW of a subkey as machine code, which only some CPUs can run, next to the JDK's, which Armoire takes on others, and
 * Bouncy Castle's. What the whole of a subkey costs (random bytes, wrap, key schedule) is {@link SegmentStreamBenchmark} with
 * no plaintext.
 */
public class KeyWrapBenchmark extends Suite {
    private static final byte[] MASTER = Data.RANDOM.bytes(32, 7);
    private static final byte[] SUBKEY = Data.RANDOM.bytes(32, 8);

    /** Armoire's schedule and what goes in and out. */
    @State(Scope.Thread)
    public static class Ours {
        private final MemorySegment schedule = MemorySegment.ofArray(new byte[Aes256KeyWrap.SCHEDULE_BYTES]);
        private final MemorySegment subkey = MemorySegment.ofArray(SUBKEY.clone());
        private final byte[] out = new byte[Aes256KeyWrap.WRAPPED_BYTES];
        private final MemorySegment wrapped = MemorySegment.ofArray(out);

        /** Compares with the JDK's, both ways. */
        @Setup
        public void prepare(Ciphers ciphers) {
            check(Aes256KeyWrap.isAvailable(), "this CPU or system does not run AES-KW as machine code");
            Aes256KeyWrap.expand(MASTER, schedule);
            Aes256KeyWrap.wrap(schedule, subkey, wrapped);
            check(Arrays.equals(out, ciphers.wrapped), "AES-KW is not the JDK's");
            check(Aes256KeyWrap.unwrap(schedule, wrapped, subkey), "AES-KW does not unwrap");
            check(subkey.mismatch(MemorySegment.ofArray(SUBKEY)) < 0, "AES-KW unwraps something else");
        }
    }

    /** Ciphers that stay initialised. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Ciphers {
        private final AESWrapEngine bouncyCastle = new AESWrapEngine();
        private final AESWrapEngine bouncyCastleUnwrap = new AESWrapEngine();
        private Cipher wrap;
        private Cipher unwrap;
        private byte[] wrapped;

        /** Compares the two. */
        @Setup
        public void prepare() throws GeneralSecurityException, InvalidCipherTextException {
            var key = new SecretKeySpec(MASTER, "AES");
            wrap = Cipher.getInstance("AES/KW/NoPadding");
            wrap.init(Cipher.WRAP_MODE, key);
            unwrap = Cipher.getInstance("AES/KW/NoPadding");
            unwrap.init(Cipher.UNWRAP_MODE, key);
            bouncyCastle.init(true, new KeyParameter(MASTER));
            bouncyCastleUnwrap.init(false, new KeyParameter(MASTER));
            wrapped = wrap.wrap(new SecretKeySpec(SUBKEY, "AES"));
            check(
                    Arrays.equals(wrapped, bouncyCastle.wrap(SUBKEY, 0, SUBKEY.length)),
                    "AES-KW of the JDK and of Bouncy Castle differ");
        }
    }

    /** Armoire. */
    @Benchmark
    public byte[] wrap(Ours ours) {
        Aes256KeyWrap.wrap(ours.schedule, ours.subkey, ours.wrapped);
        return ours.out;
    }

    /** Armoire. */
    @Benchmark
    public boolean unwrap(Ours ours) {
        return Aes256KeyWrap.unwrap(ours.schedule, ours.wrapped, ours.subkey);
    }

    /** The JDK's. */
    @Benchmark
    public byte[] wrapByJdk(Ciphers ciphers) throws GeneralSecurityException {
        return ciphers.wrap.wrap(new SecretKeySpec(SUBKEY, "AES"));
    }

    /** The JDK's. */
    @Benchmark
    public byte[] unwrapByJdk(Ciphers ciphers) throws GeneralSecurityException {
        return ciphers.unwrap.unwrap(ciphers.wrapped, "AES", Cipher.SECRET_KEY).getEncoded();
    }

    /** Bouncy Castle's. */
    @Benchmark
    public byte[] wrapByBouncyCastle(Ciphers ciphers) {
        return ciphers.bouncyCastle.wrap(SUBKEY, 0, SUBKEY.length);
    }

    /** Bouncy Castle's. */
    @Benchmark
    public byte[] unwrapByBouncyCastle(Ciphers ciphers) throws InvalidCipherTextException {
        return ciphers.bouncyCastleUnwrap.unwrap(ciphers.wrapped, 0, ciphers.wrapped.length);
    }
}
