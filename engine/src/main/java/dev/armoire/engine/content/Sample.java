// SPDX-License-Identifier: ISC
package dev.armoire.engine.content;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The start of one file while its type is looked for, with the questions that rules ask of it. Every question may be
 * asked with any offset: outside the input the answer is no, or zero. Belongs to one thread.
 */
final class Sample {
    /** The most that is ever looked at. An input of this length may have been cut off. */
    static final int LIMIT = 3072;

    private static final VarHandle WORDS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long ONES = 0x0101010101010101L;
    private static final long HIGH_BITS = 0x8080808080808080L;
    private static final long NOT_CONTROL = 0xE0E0E0E0E0E0E0E0L;
    private static final long TABS = '\t' * ONES;
    private static final long LINE_FEEDS = '\n' * ONES;

    final byte[] bytes = new byte[LIMIT];
    final JsonScan json = new JsonScan(bytes);
    int length;

    void fill(MemorySegment source) {
        length = (int) Math.min(LIMIT, source.byteSize());
        MemorySegment.copy(source, ValueLayout.JAVA_BYTE, 0, bytes, 0, length);
    }

    boolean mayBeCutOff() {
        return length == LIMIT;
    }

    /** Unsigned byte. */
    int u8(int at) {
        return at >= 0 && at < length ? bytes[at] & 0xff : 0;
    }

    int u16le(int at) {
        return u8(at) | (u8(at + 1) << 8);
    }

    int u16be(int at) {
        return (u8(at) << 8) | u8(at + 1);
    }

    long u32le(int at) {
        return u16le(at) | ((long) u16le(at + 2) << 16);
    }

    long u32be(int at) {
        return ((long) u16be(at) << 16) | u16be(at + 2);
    }

    boolean has(int at, byte[] wanted) {
        if (at < 0 || at > length - wanted.length) {
            return false;
        }
        for (int i = 0; i < wanted.length; i++) {
            if (bytes[at + i] != wanted[i]) {
                return false;
            }
        }
        return true;
    }

    boolean hasAny(int at, byte[][] wanted) {
        for (byte[] one : wanted) {
            if (has(at, one)) {
                return true;
            }
        }
        return false;
    }

    boolean contains(int from, int to, byte[] wanted) {
        return indexOf(from, to, wanted) >= 0;
    }

    /** Where {@code wanted} first stands whole within {@code from..to}, or -1. */
    int indexOf(int from, int to, byte[] wanted) {
        int end = Math.min(to, length) - wanted.length + 1;
        int at = indexOf(from, end, wanted[0]);
        while (at >= 0 && !has(at, wanted)) {
            at = indexOf(at + 1, end, wanted[0]);
        }
        return at;
    }

    /** Where {@code wanted} first stands within {@code from..to}, or -1. Compares eight bytes at a time. */
    int indexOf(int from, int to, int wanted) {
        long everywhere = (wanted & 0xff) * ONES;
        int at = from;
        for (; at + Long.BYTES <= to; at += Long.BYTES) {
            long zeros = zeroBytes(word(at) ^ everywhere);
            if (zeros != 0) {
                return at + Long.numberOfTrailingZeros(zeros) / Byte.SIZE;
            }
        }
        for (; at < to; at++) {
            if (bytes[at] == (byte) wanted) {
                return at;
            }
        }
        return -1;
    }

    /** The eight bytes from {@code at} on, the first one lowest. */
    long word(int at) {
        return (long) WORDS.get(bytes, at);
    }

    /** Marks the lowest zero byte of a word, and perhaps others above it; 0 if there is none. */
    private static long zeroBytes(long word) {
        return (word - ONES) & ~word & HIGH_BITS;
    }

    /** Marks each zero byte of a word, and none else. */
    private static long allZeroBytes(long word) {
        return ~((word & ~HIGH_BITS) + ~HIGH_BITS | word | ~HIGH_BITS);
    }

    /** Whether some byte of a word lies below 0x20, and is no tab or line feed. */
    static boolean hasControl(long word) {
        long controls = allZeroBytes(word & NOT_CONTROL);
        return controls != 0 && (controls & ~(allZeroBytes(word ^ TABS) | allZeroBytes(word ^ LINE_FEEDS))) != 0;
    }

    /** Whether all bytes of a word lie within 0x20..0x7E, or are tabs or line feeds. */
    static boolean isPrintable(long word) {
        return (word & HIGH_BITS) == 0 && !hasControl(word) && zeroBytes(word ^ (0x7F * ONES)) == 0;
    }

    /**
     * The end of {@code pattern} laid at {@code from}, or -1. An upper-case letter in the pattern also takes its lower
     * case; if {@code stretchBlanks}, a space takes one or more blanks.
     */
    int matchEnd(int from, int to, byte[] pattern, boolean foldCase, boolean stretchBlanks) {
        int at = from;
        for (int i = 0; i < pattern.length; i++) {
            if (at >= to) {
                return -1;
            }
            byte wanted = pattern[i];
            byte found = bytes[at];
            if (stretchBlanks && wanted == ' ') {
                if (!isBlank(found)) {
                    return -1;
                }
                at = skipBlanks(at, to);
                continue;
            }
            if (found != wanted && !(foldCase && wanted >= 'A' && wanted <= 'Z' && found == wanted + 32)) {
                return -1;
            }
            at++;
        }
        return at;
    }

    int skipBlanks(int from, int to) {
        int at = from;
        while (at < to && isBlank(bytes[at])) {
            at++;
        }
        return at;
    }

    /** The end of the line that starts at {@code from}: its line feed, or {@code to}. */
    int lineFeed(int from, int to) {
        int at = indexOf(from, to, '\n');
        return at < 0 ? to : at;
    }

    /** The end of the text of a line that ends at {@code lineFeed}: one carriage return before it does not count. */
    int textEnd(int from, int lineFeed) {
        return lineFeed > from && bytes[lineFeed - 1] == '\r' ? lineFeed - 1 : lineFeed;
    }

    static boolean isBlank(int b) {
        return b == ' ' || b == '\n' || b == '\t' || b == '\r' || b == '\f';
    }
}
