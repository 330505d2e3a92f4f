// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.HexFormat;

/**
 * The 32 bytes that name a blob, a packfile, a state or a snapshot, as four big-endian words, so that comparing words
 * as unsigned numbers is comparing bytes.
 */
public record Mac(long w0, long w1, long w2, long w3) implements Comparable<Mac> {
    /** Length in bytes. */
    public static final int BYTES = 32;

    /** 32 zero bytes: "none" wherever the format has a MAC that may be absent. */
    public static final Mac ZERO = new Mac(0, 0, 0, 0);

    private static final ValueLayout.OfLong WORD = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    /** Reads 32 bytes at {@code offset} (bytes, from the start of {@code segment}). */
    public static Mac read(MemorySegment segment, long offset) {
        return new Mac(
                segment.get(WORD, offset),
                segment.get(WORD, offset + 8),
                segment.get(WORD, offset + 16),
                segment.get(WORD, offset + 24));
    }

    /** Reads 32 bytes at {@code offset} of an array. */
    public static Mac read(byte[] bytes, int offset) {
        return new Mac(
                word(bytes, offset), word(bytes, offset + 8), word(bytes, offset + 16), word(bytes, offset + 24));
    }

    private static long word(byte[] bytes, int at) {
        // Written out: for C1 a loop is twice the work, and trees consist of these.
        return (bytes[at] & 0xFFL) << 56
                | (bytes[at + 1] & 0xFFL) << 48
                | (bytes[at + 2] & 0xFFL) << 40
                | (bytes[at + 3] & 0xFFL) << 32
                | (bytes[at + 4] & 0xFFL) << 24
                | (bytes[at + 5] & 0xFFL) << 16
                | (bytes[at + 6] & 0xFFL) << 8
                | bytes[at + 7] & 0xFFL;
    }

    public static Mac of(byte[] bytes) {
        if (bytes.length != BYTES) {
            throw new IllegalArgumentException("a MAC has 32 bytes, not " + bytes.length);
        }
        return read(bytes, 0);
    }

    /** Parses 64 hexadecimal digits of either case. */
    public static Mac parse(CharSequence hex) {
        return of(HexFormat.of().parseHex(hex));
    }

    /** Writes 32 bytes at {@code offset} (bytes, from the start of {@code segment}). */
    public void write(MemorySegment segment, long offset) {
        segment.set(WORD, offset, w0);
        segment.set(WORD, offset + 8, w1);
        segment.set(WORD, offset + 16, w2);
        segment.set(WORD, offset + 24, w3);
    }

    public byte[] toBytes() {
        byte[] bytes = new byte[BYTES];
        write(MemorySegment.ofArray(bytes), 0);
        return bytes;
    }

    public boolean isZero() {
        return (w0 | w1 | w2 | w3) == 0;
    }

    /** All of them together, in whatever order: what tells one set of random names from another. Of no secrets. */
    public static Mac xor(Iterable<Mac> macs) {
        long w0 = 0;
        long w1 = 0;
        long w2 = 0;
        long w3 = 0;
        for (Mac mac : macs) {
            w0 ^= mac.w0;
            w1 ^= mac.w1;
            w2 ^= mac.w2;
            w3 ^= mac.w3;
        }
        return new Mac(w0, w1, w2, w3);
    }

    /** 64 lower-case hexadecimal digits. */
    public String hex() {
        return HexFormat.of().formatHex(toBytes());
    }

    /** The first eight hexadecimal digits, as people see them. */
    public String shortHex() {
        return HexFormat.of().toHexDigits(w0, 16).substring(0, 8);
    }

    /** The order of the bytes, unsigned. */
    @Override
    public int compareTo(Mac other) {
        int order = Long.compareUnsigned(w0, other.w0);
        if (order == 0) {
            order = Long.compareUnsigned(w1, other.w1);
        }
        if (order == 0) {
            order = Long.compareUnsigned(w2, other.w2);
        }
        return order != 0 ? order : Long.compareUnsigned(w3, other.w3);
    }

    /** As records have it by themselves, but that takes the JVM milliseconds to put together in each process. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Mac mac && w0 == mac.w0 && w1 == mac.w1 && w2 == mac.w2 && w3 == mac.w3;
    }

    /** MACs are uniformly distributed: any of their bits is a good hash. */
    @Override
    public int hashCode() {
        return (int) (w0 ^ (w3 >>> 32));
    }

    @Override
    public String toString() {
        return hex();
    }
}
