// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A passphrase or key outside the Java heap, where the collector leaves no copies behind. Owns its memory and fills it
 * with zeros on close. Thread-safe, but must not be closed while another thread exposes it.
 */
public final class Secret implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment bytes;

    private Secret(byte[] secret) {
        bytes = arena.allocate(Math.max(secret.length, 1)).asSlice(0, secret.length);
        MemorySegment.copy(secret, 0, bytes, JAVA_BYTE, 0, secret.length);
    }

    /** Holds a copy of the bytes; wiping the original stays with the caller. */
    public static Secret copyOf(byte[] secret) {
        return new Secret(secret);
    }

    /** A copy on the heap, for APIs that want an array. The caller fills it with zeros after use. */
    public byte[] expose() {
        return bytes.toArray(JAVA_BYTE);
    }

    public boolean isClosed() {
        return !arena.scope().isAlive();
    }

    @Override
    public void close() {
        if (!isClosed()) {
            bytes.fill((byte) 0);
            arena.close();
        }
    }

    @Override
    public String toString() {
        return "Secret[" + bytes.byteSize() + " bytes]";
    }
}
