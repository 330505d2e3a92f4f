// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import java.lang.foreign.MemorySegment;
import java.security.GeneralSecurityException;

/**
 * AES-256-GCM-SIV (RFC 8452) with no additional data, over one segment of a stream at a time. Keeps the key of the
 * current stream between calls. For one thread.
 */
sealed interface SegmentAead permits ConscryptAead, BouncyCastleAead, ShortSegmentAead {
    /** Bytes of the tag that follows the ciphertext. */
    int TAG_BYTES = 16;

    /** Sets the 32-byte key for the calls that follow; the array is borrowed for this call. */
    void key(byte[] subkey);

    /** Writes ciphertext and tag, {@code plain.byteSize() + 16} bytes, to {@code out} of exactly that size. */
    void seal(byte[] nonce, MemorySegment plain, MemorySegment out);

    /**
     * Writes the plaintext, {@code sealed.byteSize() - 16} bytes, to {@code out} of exactly that size.
     *
     * @throws GeneralSecurityException when the tag does not fit; {@code out} then holds nothing of use
     */
    void open(byte[] nonce, MemorySegment sealed, MemorySegment out) throws GeneralSecurityException;
}
