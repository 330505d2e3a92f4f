// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import dev.armoire.crypto.Mac;
import java.lang.foreign.MemorySegment;

/** Gives out blobs of a store. One per thread. */
public interface BlobSource {
    /**
     * The plaintext of a blob, its MAC verified, readable until the next call.
     *
     * @throws dev.armoire.crypto.CorruptDataException when it is damaged or nowhere to be found
     */
    MemorySegment read(int type, Mac mac);
}
