// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import java.security.GeneralSecurityException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** The older form, {@code AES256-GCM}: 12-byte nonce, 32 bytes of ciphertext, 16-byte tag, no additional data. */
final class AesGcmWrap implements SubkeyWrap {
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BYTES = 16;
    private static final int WRAPPED_BYTES = NONCE_BYTES + SUBKEY_BYTES + TAG_BYTES;

    private final Cipher gcm;
    private final SecretKeySpec masterKey;
    private final ByteSource random;
    private final byte[] nonce = new byte[NONCE_BYTES];

    AesGcmWrap(byte[] masterKey, ByteSource random) {
        try {
            gcm = Cipher.getInstance("AES/GCM/NoPadding");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java runtime has no AES/GCM/NoPadding", e);
        }
        this.masterKey = new SecretKeySpec(masterKey, "AES");
        this.random = random;
    }

    @Override
    public int wrappedBytes() {
        return WRAPPED_BYTES;
    }

    @Override
    public void wrap(byte[] subkey, byte[] wrapped) {
        try {
            random.nextBytes(nonce);
            gcm.init(Cipher.ENCRYPT_MODE, masterKey, new GCMParameterSpec(TAG_BYTES * Byte.SIZE, nonce));
            System.arraycopy(nonce, 0, wrapped, 0, NONCE_BYTES);
            gcm.doFinal(subkey, 0, SUBKEY_BYTES, wrapped, NONCE_BYTES);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-256-GCM refused to wrap a subkey", e);
        }
    }

    @Override
    public void unwrap(byte[] wrapped, byte[] subkey) throws GeneralSecurityException {
        gcm.init(Cipher.DECRYPT_MODE, masterKey, new GCMParameterSpec(TAG_BYTES * Byte.SIZE, wrapped, 0, NONCE_BYTES));
        gcm.doFinal(wrapped, NONCE_BYTES, SUBKEY_BYTES + TAG_BYTES, subkey, 0);
    }
}
