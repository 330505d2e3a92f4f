// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import java.util.Arrays;

/** Bytes that grow while numbers are put at their end, small ones in few bytes, and that are read from the front. For one thread. */
final class Packed {
    private static final int LOW_BITS = 0x7F;
    private static final int MORE = 0x80;
    private static final int BITS = 7;

    private byte[] bytes = new byte[4096];
    private int length;
    private int position;

    /** Begins anew, to be written. */
    void clear() {
        length = 0;
        position = 0;
    }

    /** Begins anew with room for these many bytes, which the caller fills, to be read. */
    byte[] refill(int count) {
        clear();
        reserve(count);
        length = count;
        return bytes;
    }

    byte[] array() {
        return bytes;
    }

    int length() {
        return length;
    }

    private void reserve(int more) {
        if (bytes.length - length < more) {
            bytes = Arrays.copyOf(bytes, Math.max(Math.addExact(length, more), 2 * length));
        }
    }

    /** Any number; small in bytes if it is near zero from above. */
    void putNumber(long number) {
        reserve(10);
        long rest = number;
        while ((rest & ~LOW_BITS) != 0) {
            bytes[length++] = (byte) (rest & LOW_BITS | MORE);
            rest >>>= BITS;
        }
        bytes[length++] = (byte) rest;
    }

    long number() {
        long number = 0;
        for (int shift = 0; ; shift += BITS) {
            byte next = bytes[position++];
            number |= (long) (next & LOW_BITS) << shift;
            if (next >= 0) {
                return number;
            }
        }
    }

    int intNumber() {
        return (int) number();
    }

    /** Any number; small in bytes if it is near zero. */
    void putSigned(long number) {
        putNumber(number << 1 ^ number >> 63);
    }

    long signed() {
        long folded = number();
        return folded >>> 1 ^ -(folded & 1);
    }

    void putBytes(byte[] from) {
        putNumber(from.length);
        putRest(from, 0);
    }

    byte[] bytes() {
        int count = intNumber();
        position += count;
        return Arrays.copyOfRange(bytes, position - count, position);
    }

    /** Only those from an index on, whose number is known elsewhere. */
    void putRest(byte[] from, int start) {
        int count = from.length - start;
        reserve(count);
        System.arraycopy(from, start, bytes, length, count);
        length += count;
    }

    void rest(byte[] into, int start) {
        System.arraycopy(bytes, position, into, start, into.length - start);
        position += into.length - start;
    }
}
