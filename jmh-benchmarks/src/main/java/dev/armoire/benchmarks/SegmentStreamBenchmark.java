// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.crypto.StreamCipher;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * AES-256-GCM-SIV streams in segments of 64 KiB under a wrapped subkey, both ways, next to the JDK's AES-256-GCM in pieces of
 * the same size under one key, which is what a program without Plakar's format would use.
 */
public class SegmentStreamBenchmark extends Suite {
    private static final int SEGMENT_BYTES = 64 << 10;
    private static final int TAG_BYTES = 16;
    private static final int NONCE_BYTES = 12;
    private static final byte[] KEY = Data.RANDOM.bytes(32, 5);

    /** What is encrypted: a small blob, one segment, a chunk. Owns its arena and the keys. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Item {
        /** Bytes of plaintext. */
        @Param({"0", "300", "1024", "16384", "65536", "1048576"})
        public int size;

        private Arena arena;
        private MemorySegment plain;
        private MemorySegment sealed;
        private MemorySegment opened;

        /** Makes the plaintext. */
        @Setup
        public void prepare() {
            arena = Arena.ofConfined();
            plain = arena.allocate(size + 1L, 64)
                    .asSlice(1, size)
                    .copyFrom(MemorySegment.ofArray(Data.RANDOM.bytes(size, 6)));
            sealed = arena.allocate(size + 4096L + (size / SEGMENT_BYTES) * 64L, 64);
            opened = arena.allocate(size + 1L, 64).asSlice(1, size);
        }

        /** Frees it. */
        @TearDown
        public void close() {
            arena.close();
        }
    }

    /** Armoire's cipher. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Ours {
        /** Value of {@code armoire.crypto}. */
        @Param({"auto", "conscrypt", "bouncycastle"})
        public String provider;

        private StoreKeys keys;
        private StreamCipher cipher;
        private MemorySegment encrypted;

        /** Decrypts what it encrypted. */
        @Setup
        public void prepare(Item item) {
            System.setProperty("armoire.crypto", provider);
            keys = StoreKeys.encrypted(Hashing.BLAKE3, KEY, "AES256-KW", SEGMENT_BYTES);
            cipher = keys.newCipher();
            encrypted = item.sealed.asSlice(0, cipher.encryptedLength(item.size));
            cipher.encrypt(item.plain, encrypted);
            cipher.decrypt(encrypted, item.opened);
            check(item.opened.mismatch(item.plain) < 0, "what was decrypted is not what was encrypted");
        }

        /** Wipes the keys. */
        @TearDown
        public void close() {
            keys.close();
        }
    }

    /** The JDK's cipher. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Jdk {
        private final SecretKeySpec key = new SecretKeySpec(KEY, "AES");
        private final ByteBuffer nonce = ByteBuffer.allocate(NONCE_BYTES);
        private final byte[] sealed = new byte[SEGMENT_BYTES + TAG_BYTES];
        private long count;
        private Cipher cipher;
        private byte[] plain;

        /** Makes the cipher. */
        @Setup
        public void prepare(Item item) throws GeneralSecurityException {
            cipher = Cipher.getInstance("AES/GCM/NoPadding");
            plain = Data.RANDOM.bytes(item.size, 6);
        }
    }

    /** Armoire. */
    @Benchmark
    public long encrypt(Item item, Ours ours, Bytes bytes) {
        bytes.bytes += item.size;
        return ours.cipher.encrypt(item.plain, ours.encrypted);
    }

    /** Armoire. */
    @Benchmark
    public long decrypt(Item item, Ours ours, Bytes bytes) {
        bytes.bytes += item.size;
        return ours.cipher.decrypt(ours.encrypted, item.opened);
    }

    /** A plain cipher with a counter as nonce. */
    @Benchmark
    public byte[] encryptByJdkGcm(Item item, Jdk jdk, Bytes bytes) throws GeneralSecurityException {
        for (int from = 0; from < item.size; from += SEGMENT_BYTES) {
            jdk.nonce.putLong(0, ++jdk.count);
            jdk.cipher.init(
                    Cipher.ENCRYPT_MODE, jdk.key, new GCMParameterSpec(TAG_BYTES * Byte.SIZE, jdk.nonce.array()));
            jdk.cipher.doFinal(jdk.plain, from, Math.min(SEGMENT_BYTES, item.size - from), jdk.sealed, 0);
        }
        bytes.bytes += item.size;
        return jdk.sealed;
    }
}
