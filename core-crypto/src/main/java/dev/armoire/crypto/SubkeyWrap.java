// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import java.security.GeneralSecurityException;

/** How the 32-byte subkey of a stream is kept under the master key (format 1 §6). For one thread. */
sealed interface SubkeyWrap permits NativeKeyWrap, AesKeyWrap, AesGcmWrap {
    /** Bytes of a subkey. */
    int SUBKEY_BYTES = 32;

    /** Bytes of a wrapped subkey. */
    int wrappedBytes();

    /** Writes {@link #wrappedBytes()} bytes to the start of {@code wrapped}. */
    void wrap(byte[] subkey, byte[] wrapped);

    /** Reads {@link #wrappedBytes()} bytes from the start of {@code wrapped}. */
    void unwrap(byte[] wrapped, byte[] subkey) throws GeneralSecurityException;
}
