// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.AEADBadTagException;
import org.bouncycastle.crypto.InvalidCipherTextException;
import org.bouncycastle.crypto.modes.GCMSIVBlockCipher;
import org.bouncycastle.crypto.params.AEADParameters;
import org.bouncycastle.crypto.params.KeyParameter;

/** Bouncy Castle's lightweight API: slow, in Java, and at home on every platform. */
final class BouncyCastleAead implements SegmentAead {
    private final GCMSIVBlockCipher cipher = new GCMSIVBlockCipher();
    private byte[] in = new byte[0];
    private byte[] out = new byte[0];
    private KeyParameter key = new KeyParameter(new byte[32]);

    @Override
    public void key(byte[] subkey) {
        key = new KeyParameter(subkey);
    }

    @Override
    public void seal(byte[] nonce, MemorySegment plain, MemorySegment sealed) {
        try {
            run(true, nonce, plain, sealed);
        } catch (InvalidCipherTextException e) {
            throw new IllegalStateException("AES-256-GCM-SIV refused to encrypt", e);
        }
    }

    @Override
    public void open(byte[] nonce, MemorySegment sealed, MemorySegment plain) throws GeneralSecurityException {
        try {
            run(false, nonce, sealed, plain);
        } catch (InvalidCipherTextException e) {
            throw (AEADBadTagException) new AEADBadTagException(e.getMessage()).initCause(e);
        }
    }

    private void run(boolean encrypt, byte[] nonce, MemorySegment source, MemorySegment target)
            throws InvalidCipherTextException {
        int inBytes = Math.toIntExact(source.byteSize());
        int outBytes = Math.toIntExact(target.byteSize());
        if (in.length < inBytes) {
            in = new byte[inBytes];
        }
        if (out.length < outBytes) {
            out = new byte[outBytes];
        }
        MemorySegment.copy(source, JAVA_BYTE, 0, in, 0, inBytes);
        cipher.init(encrypt, new AEADParameters(key, TAG_BYTES * Byte.SIZE, nonce));
        try {
            int written = cipher.processBytes(in, 0, inBytes, out, 0);
            written += cipher.doFinal(out, written);
            if (written != outBytes) {
                throw new IllegalStateException("AES-256-GCM-SIV wrote " + written + " bytes, not " + outBytes);
            }
            MemorySegment.copy(out, 0, target, JAVA_BYTE, 0, outBytes);
        } finally {
            Arrays.fill(in, 0, inBytes, (byte) 0);
            Arrays.fill(out, 0, outBytes, (byte) 0);
        }
    }
}
