// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.crypto.StoreKeys;
import java.lang.foreign.MemorySegment;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import javax.crypto.spec.SecretKeySpec;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** The MAC of stores with SHA-256, next to the bare hash of the JDK and of Bouncy Castle. */
public class Sha256Benchmark extends Suite {
    private static final String SUBKEYS = "AES256-KW";
    private static final byte[] KEY = Data.RANDOM.bytes(32, 2);

    /** The store's MAC, as the engine calls it. Owns its keys. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Ours {
        private StoreKeys keys;
        private MacHasher hasher;

        /** Compares the first MAC with the JDK's. */
        @Setup
        public void prepare(Content content) throws GeneralSecurityException {
            keys = StoreKeys.encrypted(Hashing.SHA256, KEY, SUBKEYS, 1 << 16);
            hasher = keys.newMacHasher();
            var judge = javax.crypto.Mac.getInstance("HmacSHA256");
            judge.init(new SecretKeySpec(KEY, "HmacSHA256"));
            judge.update(content.heap, content.firstOffset(), content.size);
            check(
                    hasher.mac(content.first()).equals(Mac.read(MemorySegment.ofArray(judge.doFinal()), 0)),
                    "HMAC-SHA-256 is not the JDK's");
        }

        /** Wipes the keys. */
        @TearDown
        public void close() {
            keys.close();
        }
    }

    /** Two implementations of the hash. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Judges {
        private final SHA256Digest bouncyCastle = new SHA256Digest();
        private final byte[] out = new byte[32];
        private MessageDigest jdk;

        /** Compares the two. */
        @Setup
        public void prepare(Content content) throws GeneralSecurityException {
            jdk = MessageDigest.getInstance("SHA-256");
            jdk.update(content.heap, content.firstOffset(), content.size);
            bouncyCastle.update(content.heap, content.firstOffset(), content.size);
            bouncyCastle.doFinal(out, 0);
            check(Arrays.equals(jdk.digest(), out), "SHA-256 of the JDK and of Bouncy Castle differ");
        }
    }

    /** Armoire. */
    @Benchmark
    public Mac hash(Content content, Ours ours, Bytes bytes) {
        bytes.bytes += content.size;
        return ours.hasher.mac(content.next());
    }

    /** The JDK's hash, without a key. */
    @Benchmark
    public byte[] hashByJdk(Content content, Judges judges, Bytes bytes) {
        bytes.bytes += content.size;
        judges.jdk.update(content.heap, content.nextOffset(), content.size);
        return judges.jdk.digest();
    }

    /** Bouncy Castle's hash, without a key. */
    @Benchmark
    public byte[] hashByBouncyCastle(Content content, Judges judges, Bytes bytes) {
        bytes.bytes += content.size;
        judges.bouncyCastle.update(content.heap, content.nextOffset(), content.size);
        judges.bouncyCastle.doFinal(judges.out, 0);
        return judges.out;
    }
}
