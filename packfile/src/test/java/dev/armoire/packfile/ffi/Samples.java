// SPDX-License-Identifier: ISC
package dev.armoire.packfile.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** Native memory with content of many kinds and lengths, at any alignment. */
final class Samples {
    private Samples() {}

    /** Content that a compressor meets: random, runs, few symbols, repeated words, or parts of each. */
    static MemorySegment content(Random random, int maxLength, Arena arena) {
        int length = random.nextInt(4) == 0 ? random.nextInt(maxLength + 1) : random.nextInt(2000);
        byte[] data = new byte[length];
        int kind = random.nextInt(5);
        byte[] word = new byte[3 + random.nextInt(40)];
        random.nextBytes(word);
        for (int i = 0; i < length; i++) {
            int form = kind == 4 ? i * 7 / Math.max(1, length) % 4 : kind;
            data[i] = switch (form) {
                case 0 -> (byte) random.nextInt(256);
                case 1 -> (byte) (i >>> 9);
                case 2 -> (byte) ('a' + random.nextInt(4));
                default -> random.nextInt(50) == 0 ? (byte) random.nextInt(256) : word[i % word.length];
            };
        }
        return unaligned(random, length, arena).copyFrom(MemorySegment.ofArray(data));
    }

    static MemorySegment unaligned(Random random, long length, Arena arena) {
        return arena.allocate(length + 16).asSlice(random.nextInt(16), length);
    }

    static byte[] bytes(MemorySegment segment) {
        return segment.toArray(ValueLayout.JAVA_BYTE);
    }
}
