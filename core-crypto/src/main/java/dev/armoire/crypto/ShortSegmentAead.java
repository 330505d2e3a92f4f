// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import dev.armoire.simd.Aes256GcmSiv;
import java.lang.foreign.MemorySegment;
import java.security.GeneralSecurityException;
import java.util.function.Supplier;
import javax.crypto.AEADBadTagException;
import org.jspecify.annotations.Nullable;

/**
 * Short segments by our own machine code, which costs nothing to call; the others by a library, which is loaded when the first one
 * comes.
 */
final class ShortSegmentAead implements SegmentAead {
    /** For what is longer, the call of a library is a small part. */
    static final int MAX_BYTES = 16 << 10;

    private final Aes256GcmSiv own = new Aes256GcmSiv();
    private final Supplier<SegmentAead> provider;
    private @Nullable SegmentAead library;
    private final byte[] key = new byte[Aes256GcmSiv.KEY_BYTES];
    private boolean hasLibraryKey;

    ShortSegmentAead(Supplier<SegmentAead> provider) {
        this.provider = provider;
    }

    @Override
    public void key(byte[] subkey) {
        own.key(subkey);
        System.arraycopy(subkey, 0, key, 0, key.length);
        hasLibraryKey = false;
    }

    private SegmentAead library() {
        SegmentAead there = library;
        if (there == null) {
            there = provider.get();
            library = there;
        }
        if (!hasLibraryKey) {
            there.key(key);
            hasLibraryKey = true;
        }
        return there;
    }

    @Override
    public void seal(byte[] nonce, MemorySegment plain, MemorySegment out) {
        if (plain.byteSize() > MAX_BYTES) {
            library().seal(nonce, plain, out);
        } else {
            own.seal(nonce, plain, out);
        }
    }

    @Override
    public void open(byte[] nonce, MemorySegment sealed, MemorySegment out) throws GeneralSecurityException {
        if (out.byteSize() > MAX_BYTES) {
            library().open(nonce, sealed, out);
        } else if (!own.open(nonce, sealed, out)) {
            throw new AEADBadTagException("the tag does not fit");
        }
    }
}
