// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import dev.armoire.simd.Blake3;
import java.lang.foreign.MemorySegment;

/** BLAKE3, keyed for the store MAC, plain for CONFIG of an unencrypted store. */
final class Blake3MacHasher implements MacHasher {
    private final Blake3 blake3;
    private final MemorySegment digest = MemorySegment.ofArray(new byte[Blake3.DIGEST_BYTES]);

    Blake3MacHasher(Blake3 blake3) {
        this.blake3 = blake3;
    }

    @Override
    public void update(MemorySegment data) {
        blake3.update(data);
    }

    @Override
    public Mac finish() {
        blake3.digest(digest, 0);
        return Mac.read(digest, 0);
    }

    @Override
    public Mac mac(MemorySegment data) {
        blake3.reset();
        blake3.update(data);
        return finish();
    }
}
