// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Paths in the order of a walk, each stored as what it does not share with the one before: some twenty bytes for a folder,
 * however deep it lies. For one thread.
 */
final class PathList {
    private static final int LENGTHS_BYTES = 2 * Integer.BYTES;

    private byte[] stored = new byte[4096];
    private int end;
    private byte[] last = {};

    void add(byte[] path) {
        int mismatch = Arrays.mismatch(last, path);
        int shared = mismatch < 0 ? path.length : mismatch;
        int own = path.length - shared;
        int needed = Math.addExact(end, LENGTHS_BYTES + own);
        if (needed > stored.length) {
            stored = Arrays.copyOf(stored, Math.max(needed, Math.addExact(stored.length, stored.length >> 1)));
        }
        putInt(shared);
        putInt(own);
        System.arraycopy(path, shared, stored, end, own);
        end += own;
        last = path;
    }

    private void putInt(int value) {
        for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
            stored[end++] = (byte) (value >>> shift);
        }
    }

    void forEach(Consumer<byte[]> visitor) {
        byte[] path = {};
        for (int at = 0; at < end; ) {
            int shared = getInt(at);
            int own = getInt(at + Integer.BYTES);
            at += LENGTHS_BYTES;
            path = Arrays.copyOf(path, shared + own);
            System.arraycopy(stored, at, path, shared, own);
            at += own;
            visitor.accept(path);
        }
    }

    private int getInt(int at) {
        int value = 0;
        for (int i = Integer.BYTES - 1; i >= 0; i--) {
            value = value << Byte.SIZE | stored[at + i] & 0xff;
        }
        return value;
    }
}
