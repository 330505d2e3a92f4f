// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import dev.armoire.simd.Aes256KeyWrap;
import java.lang.foreign.MemorySegment;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;

/** {@code AES256-KW} on the CPU's own instructions: fast from the first blob on. */
final class NativeKeyWrap implements SubkeyWrap {
    private final MemorySegment schedule = MemorySegment.ofArray(new byte[Aes256KeyWrap.SCHEDULE_BYTES]);

    NativeKeyWrap(byte[] masterKey) {
        Aes256KeyWrap.expand(masterKey, schedule);
    }

    @Override
    public int wrappedBytes() {
        return Aes256KeyWrap.WRAPPED_BYTES;
    }

    @Override
    public void wrap(byte[] subkey, byte[] wrapped) {
        Aes256KeyWrap.wrap(schedule, MemorySegment.ofArray(subkey), MemorySegment.ofArray(wrapped));
    }

    @Override
    public void unwrap(byte[] wrapped, byte[] subkey) throws GeneralSecurityException {
        if (!Aes256KeyWrap.unwrap(schedule, MemorySegment.ofArray(wrapped), MemorySegment.ofArray(subkey))) {
            throw new InvalidKeyException("integrity check failed");
        }
    }
}
