// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import java.lang.foreign.MemorySegment;
import java.security.GeneralSecurityException;
import javax.crypto.spec.SecretKeySpec;

/** HMAC-SHA-256 of the JDK, which uses the CPU's SHA instructions. */
final class HmacSha256MacHasher implements MacHasher {
    /** asByteBuffer is limited to 2 GiB - 1; any smaller step will do. */
    private static final long STEP_BYTES = 1L << 30;

    private final javax.crypto.Mac hmac;
    private final byte[] digest = new byte[Mac.BYTES];

    HmacSha256MacHasher(byte[] key) {
        try {
            hmac = javax.crypto.Mac.getInstance("HmacSHA256");
            hmac.init(new SecretKeySpec(key, "HmacSHA256"));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java runtime has no HmacSHA256", e);
        }
    }

    @Override
    public void update(MemorySegment data) {
        for (long from = 0; from < data.byteSize(); from += STEP_BYTES) {
            hmac.update(data.asSlice(from, Math.min(STEP_BYTES, data.byteSize() - from))
                    .asByteBuffer());
        }
    }

    @Override
    public Mac finish() {
        try {
            hmac.doFinal(digest, 0);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("HmacSHA256 refused to finish", e);
        }
        return Mac.of(digest);
    }

    @Override
    public Mac mac(MemorySegment data) {
        hmac.reset();
        update(data);
        return finish();
    }
}
