// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import dev.armoire.simd.Aes256KeyWrap;
import dev.armoire.simd.Blake3;
import dev.armoire.simd.Blake3Pieces;
import java.lang.foreign.MemorySegment;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The keys of one open store, and the only maker of what uses them (format 1 §5). Owns its copy of the keys and wipes it
 * on close; the hashers and ciphers it made hold key schedules of their own and stay usable. Thread-safe.
 */
public final class StoreKeys implements AutoCloseable {
    /** Bytes of a master key and of a store MAC key. */
    public static final int KEY_BYTES = 32;

    private static final int REPOSITORY_ID_BYTES = 16;
    private static final int CANARY_BYTES = 32;

    private final Hashing hashing;
    private final Secret macKey;
    private final @Nullable Subkeys subkeys;

    private enum SubkeyForm {
        KEY_WRAP,
        GCM
    }

    /** What only an encrypted store has. */
    private record Subkeys(SubkeyForm form, int segmentBytes) {}

    private StoreKeys(Hashing hashing, byte[] macKey, @Nullable Subkeys subkeys) {
        this.hashing = hashing;
        this.macKey = Secret.copyOf(macKey);
        this.subkeys = subkeys;
    }

    /** Keys of a store without encryption: the MAC key is the hash of the 16 bytes of its id. */
    public static StoreKeys plaintext(Hashing hashing, byte[] repositoryId) {
        if (repositoryId.length != REPOSITORY_ID_BYTES) {
            throw new IllegalArgumentException("a repository id has 16 bytes, not " + repositoryId.length);
        }
        byte[] key = new byte[KEY_BYTES];
        switch (hashing) {
            case BLAKE3 -> {
                Blake3 blake3 = Blake3.plain();
                blake3.update(MemorySegment.ofArray(repositoryId));
                blake3.digest(MemorySegment.ofArray(key), 0);
            }
            case SHA256 -> key = sha256(repositoryId);
        }
        return new StoreKeys(hashing, key, null);
    }

    /**
     * Keys of an encrypted store: the master key wraps subkeys and makes MACs.
     *
     * @param masterKey 32 bytes, copied; wiping the original stays with the caller
     * @param subkeyAlgorithm {@code AES256-KW} or {@code AES256-GCM}, as CONFIG says
     * @param segmentBytes {@code Encryption.ChunkSize} of CONFIG
     * @throws UnsupportedVersionException for another algorithm
     * @throws CorruptDataException for a segment size that cannot be meant
     */
    public static StoreKeys encrypted(Hashing hashing, byte[] masterKey, String subkeyAlgorithm, int segmentBytes) {
        if (masterKey.length != KEY_BYTES) {
            throw new IllegalArgumentException("a master key has 32 bytes, not " + masterKey.length);
        }
        if (segmentBytes < 1 || segmentBytes > StreamCipher.MAX_SEGMENT_BYTES) {
            throw new CorruptDataException("CONFIG says encrypted segments hold " + segmentBytes
                    + " bytes, expected 1 to " + StreamCipher.MAX_SEGMENT_BYTES + " (usual: 65536)");
        }
        SubkeyForm form = switch (subkeyAlgorithm.toUpperCase(Locale.ROOT)) {
            case "AES256-KW" -> SubkeyForm.KEY_WRAP;
            case "AES256-GCM" -> SubkeyForm.GCM;
            default ->
                throw UnsupportedVersionException.algorithm(
                        "form of subkeys", subkeyAlgorithm, "AES256-KW, AES256-GCM");
        };
        return new StoreKeys(hashing, masterKey, new Subkeys(form, segmentBytes));
    }

    public Hashing hashing() {
        return hashing;
    }

    public boolean isEncrypted() {
        return subkeys != null;
    }

    /** A hasher for the store MAC, for one thread. */
    public MacHasher newMacHasher() {
        byte[] key = macKey.expose();
        try {
            return switch (hashing) {
                case BLAKE3 -> new Blake3MacHasher(Blake3.keyed(key));
                case SHA256 -> new HmacSha256MacHasher(key);
            };
        } finally {
            Arrays.fill(key, (byte) 0);
        }
    }

    /** A hasher for the store MAC of what comes in pieces, for one thread; null where the store's function needs it in order. */
    public @Nullable Blake3Pieces newPieceHasher() {
        byte[] key = macKey.expose();
        try {
            return hashing == Hashing.BLAKE3 ? Blake3Pieces.keyed(key) : null;
        } finally {
            Arrays.fill(key, (byte) 0);
        }
    }

    /** A cipher for one thread. Only for encrypted stores. */
    public StreamCipher newCipher() {
        var random = new FastRandom();
        return newCipher(AeadProvider.newChosen(), random);
    }

    /** A cipher over the given parts, so that tests can compare providers and fix the random bytes. */
    StreamCipher newCipher(SegmentAead aead, ByteSource random) {
        if (subkeys == null) {
            throw new IllegalStateException("the store is not encrypted");
        }
        byte[] key = macKey.expose();
        try {
            SubkeyWrap wrap = switch (subkeys.form()) {
                case KEY_WRAP -> Aes256KeyWrap.isAvailable() ? new NativeKeyWrap(key) : new AesKeyWrap(key);
                case GCM -> new AesGcmWrap(key, random);
            };
            return new StreamCipher(wrap, aead, random, subkeys.segmentBytes());
        } finally {
            Arrays.fill(key, (byte) 0);
        }
    }

    /** The MAC that CONFIG ends with: BLAKE3 whatever the store's hash, keyed when encrypted (format 1 §3). */
    public Mac configMac(MemorySegment headerAndPayload) {
        if (subkeys == null) {
            return new Blake3MacHasher(Blake3.plain()).mac(headerAndPayload);
        }
        byte[] key = macKey.expose();
        try {
            return new Blake3MacHasher(Blake3.keyed(key)).mac(headerAndPayload);
        } finally {
            Arrays.fill(key, (byte) 0);
        }
    }

    /** Random bytes under these keys, which later tell a right passphrase from a wrong one. For encrypted stores. */
    public byte[] newCanary() {
        byte[] plain = new byte[CANARY_BYTES];
        new FastRandom().nextBytes(plain);
        StreamCipher cipher = newCipher();
        byte[] canary = new byte[Math.toIntExact(cipher.encryptedLength(CANARY_BYTES))];
        cipher.encrypt(MemorySegment.ofArray(plain), MemorySegment.ofArray(canary));
        return canary;
    }

    /**
     * Makes sure that these keys are the right ones for the store.
     *
     * @param canary {@code Encryption.Canary} of CONFIG
     * @throws WrongPassphraseException when it does not open
     * @throws CorruptDataException when its length is impossible
     */
    public void checkCanary(byte[] canary) {
        StreamCipher cipher = newCipher();
        byte[] plain = new byte[Math.toIntExact(cipher.plainLength(canary.length))];
        try {
            cipher.decrypt(MemorySegment.ofArray(canary), MemorySegment.ofArray(plain));
        } catch (AuthenticationFailedException e) {
            throw new WrongPassphraseException("the passphrase does not open this store; type it again, or check that"
                    + " -keyfile and the environment name the right one (if you are sure of it, CONFIG may be damaged:"
                    + " compare it with another copy)");
        }
    }

    @Override
    public void close() {
        macKey.close();
    }

    private static byte[] sha256(byte[] data) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(data);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java runtime has no SHA-256", e);
        }
    }
}
