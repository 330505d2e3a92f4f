// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import java.lang.foreign.MemorySegment;

/**
 * The store's MAC function with its key: keyed BLAKE3, or HMAC-SHA-256 (format 1 §5). Holds the state of one running
 * computation, so one per thread; get them from {@link StoreKeys#newMacHasher()}.
 */
public interface MacHasher {
    /** Adds bytes, heap or native, borrowed for the call. */
    void update(MemorySegment data);

    /** The MAC of all bytes since creation or the last call; afterwards the hasher is ready for the next message. */
    Mac finish();

    /** The MAC of one message. Any computation under way is thrown away. */
    Mac mac(MemorySegment data);
}
