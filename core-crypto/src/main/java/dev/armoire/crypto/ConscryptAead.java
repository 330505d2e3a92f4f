// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.Provider;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * BoringSSL's assembler through Conscrypt, on direct buffers over native segments. Heap segments are staged, because
 * Conscrypt would allocate a direct buffer for each call. BoringSSL expands the key on every call, so there is nothing
 * to be gained by keeping a cipher per subkey; the JCA object is kept to save the provider look-up.
 */
final class ConscryptAead implements SegmentAead {
    private static final String TRANSFORMATION = "AES_256/GCM-SIV/NoPadding";

    private final Cipher cipher;
    // Automatic: the staging is garbage with its cipher, and only callers with heap segments ever have one.
    private MemorySegment stagedIn = MemorySegment.NULL;
    private MemorySegment stagedOut = MemorySegment.NULL;
    private SecretKeySpec key = new SecretKeySpec(new byte[32], "AES");

    ConscryptAead(Provider conscrypt) {
        try {
            cipher = Cipher.getInstance(TRANSFORMATION, conscrypt);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Conscrypt has no " + TRANSFORMATION, e);
        }
    }

    @Override
    public void key(byte[] subkey) {
        key = new SecretKeySpec(subkey, "AES");
    }

    @Override
    public void seal(byte[] nonce, MemorySegment plain, MemorySegment out) {
        try {
            run(Cipher.ENCRYPT_MODE, nonce, plain, out);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-256-GCM-SIV refused to encrypt", e);
        }
    }

    @Override
    public void open(byte[] nonce, MemorySegment sealed, MemorySegment out) throws GeneralSecurityException {
        run(Cipher.DECRYPT_MODE, nonce, sealed, out);
    }

    private void run(int mode, byte[] nonce, MemorySegment in, MemorySegment out) throws GeneralSecurityException {
        cipher.init(mode, key, new IvParameterSpec(nonce));
        ByteBuffer source = in.isNative() ? in.asByteBuffer() : stage(in);
        int written;
        if (out.isNative()) {
            written = cipher.doFinal(source, out.asByteBuffer());
        } else {
            if (stagedOut.byteSize() < out.byteSize()) {
                stagedOut = Arena.ofAuto().allocate(out.byteSize());
            }
            MemorySegment staged = stagedOut.asSlice(0, out.byteSize());
            written = cipher.doFinal(source, staged.asByteBuffer());
            out.copyFrom(staged);
            staged.fill((byte) 0);
        }
        if (!in.isNative()) {
            stagedIn.asSlice(0, in.byteSize()).fill((byte) 0);
        }
        if (written != out.byteSize()) {
            throw new IllegalStateException("AES-256-GCM-SIV wrote " + written + " bytes, not " + out.byteSize());
        }
    }

    private ByteBuffer stage(MemorySegment in) {
        if (stagedIn.byteSize() < in.byteSize()) {
            stagedIn = Arena.ofAuto().allocate(in.byteSize());
        }
        return stagedIn.asSlice(0, in.byteSize()).copyFrom(in).asByteBuffer();
    }
}
