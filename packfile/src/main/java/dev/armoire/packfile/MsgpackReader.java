// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Reads MessagePack as tolerantly as Plakar's Go library does (format 1 §2.3): integers of any width, strings and byte
 * strings for one another, nil as zero. Whatever does not fit, or does not fit into the input, is a
 * {@link CorruptDataException}; nothing is allocated beyond the length of the input. For one thread.
 *
 * <p>It reads through a window that is an array: a segment is read byte by byte at a tenth of the speed until C2 has
 * compiled the reader, and most runs are over by then.
 */
public final class MsgpackReader {
    /** More than any fixed part of a record; nearly all records are shorter as a whole. */
    private static final int WINDOW_BYTES = 4096;

    private static final int NIL = 0xc0;
    private static final int TIME_EXTENSION = 0xff;

    /** Seconds of Go's zero time, the first of January of year 1. */
    private static final long GO_ZERO_SECONDS = -62_135_596_800L;

    private final MemorySegment input;
    private final long end;
    private final String what;
    private final byte[] window;
    /** Where in the input the window begins, and how much of it is filled. */
    private long windowAt;

    private int windowFilled;
    private long position;
    private long timeSeconds;
    private int timeNanos;

    /**
     * @param input borrowed for the life of the reader
     * @param what names the record in error messages, such as {@code CONFIG}
     */
    public MsgpackReader(MemorySegment input, String what) {
        this.input = input;
        this.end = input.byteSize();
        this.what = what;
        this.window = new byte[(int) Math.min(end, WINDOW_BYTES)];
    }

    /** Bytes read so far. */
    public long position() {
        return position;
    }

    public boolean atEnd() {
        return position == end;
    }

    /** Consumes a nil if one comes next, and says whether it did. */
    public boolean tryNil() {
        if (peek() != NIL) {
            return false;
        }
        position++;
        return true;
    }

    /** Number of pairs of the map that starts here; nil is a map of none. */
    public int mapHeader() {
        long at = position;
        int code = code();
        long pairs = switch (code) {
            case NIL -> 0;
            case 0xde -> u16();
            case 0xdf -> u32();
            default -> {
                if (code >>> 4 != 0x8) {
                    throw unexpected("a map", code, at);
                }
                yield code & 0xf;
            }
        };
        return count(pairs, 2, at);
    }

    /** Number of elements of the array that starts here; nil is an array of none. */
    public int arrayHeader() {
        long at = position;
        int code = code();
        long elements = switch (code) {
            case NIL -> 0;
            case 0xdc -> u16();
            case 0xdd -> u32();
            default -> {
                if (code >>> 4 != 0x9) {
                    throw unexpected("an array", code, at);
                }
                yield code & 0xf;
            }
        };
        return count(elements, 1, at);
    }

    /**
     * Reads a key and looks it up.
     *
     * @return its place in {@code fields}, or -1 for an unknown one, whose value the caller then skips
     */
    public int field(FieldNames fields) {
        long length = stringLength("a field name");
        int place = -1;
        if (length <= WINDOW_BYTES) {
            int at = window((int) length);
            place = fields.find(window, at, (int) length);
        }
        position += length;
        return place;
    }

    /** An integer field of at most 64 bits; those above 2^63 - 1 come as negative numbers. */
    public long integer() {
        long at = position;
        int code = code();
        if (code <= 0x7f) {
            return code;
        }
        if (code >= 0xe0) {
            return (byte) code;
        }
        return switch (code) {
            case NIL -> 0;
            case 0xcc -> u8();
            case 0xcd -> u16();
            case 0xce -> u32();
            case 0xcf, 0xd3 -> u64();
            case 0xd0 -> (byte) u8();
            case 0xd1 -> (short) u16();
            case 0xd2 -> (int) u32();
            default -> throw unexpected("an integer", code, at);
        };
    }

    /** An integer field of 32 unsigned bits, as the {@code int} of the same bits. */
    public int uint32() {
        return (int) integer("32 unsigned bits", 0, 0xffff_ffffL);
    }

    /** An integer field that has to be within bounds. */
    public long integer(String bounds, long from, long to) {
        long at = position;
        long value = integer();
        if (value < from || value > to) {
            throw corrupt("expected an integer of " + bounds + ", found " + value, at);
        }
        return value;
    }

    public boolean bool() {
        long at = position;
        int code = code();
        return switch (code) {
            case NIL, 0xc2 -> false;
            case 0xc3 -> true;
            default -> throw unexpected("true or false", code, at);
        };
    }

    /** A float field, also from a float of 32 bits or an integer. */
    public double f64() {
        int code = peek();
        return switch (code) {
            case 0xca -> {
                position++;
                yield Float.intBitsToFloat((int) u32());
            }
            case 0xcb -> {
                position++;
                yield Double.longBitsToDouble(u64());
            }
            default -> integer();
        };
    }

    /** A string or byte string, as a slice of the input; nil is empty. */
    public MemorySegment slice() {
        long length = stringLength("a string");
        MemorySegment slice = input.asSlice(position, length);
        position += length;
        return slice;
    }

    /** A string or byte string, copied; nil is empty. */
    public byte[] bytes() {
        return bytes(stringLength("a string"));
    }

    private byte[] bytes(long length) {
        if (length > Integer.MAX_VALUE - 8) {
            throw corrupt("a string of " + length + " bytes", position);
        }
        byte[] bytes;
        if (length <= WINDOW_BYTES) {
            int from = window((int) length);
            bytes = Arrays.copyOfRange(window, from, from + (int) length);
        } else {
            bytes = new byte[(int) length];
            MemorySegment.copy(input, JAVA_BYTE, position, bytes, 0, bytes.length);
        }
        position += length;
        return bytes;
    }

    /** A string or byte string as text, malformed UTF-8 replaced; nil is empty. */
    public String string() {
        long length = stringLength("a string");
        if (length > WINDOW_BYTES) {
            return new String(bytes(length), StandardCharsets.UTF_8);
        }
        int from = window((int) length);
        position += length;
        return length == 0 ? "" : new String(window, from, (int) length, StandardCharsets.UTF_8);
    }

    /** A MAC field: a shorter one leaves zeros behind it, a longer one is an error. */
    public Mac mac() {
        long at = position;
        long length = stringLength("a MAC");
        if (length > Mac.BYTES) {
            throw corrupt("expected a MAC of 32 bytes, found " + length, at);
        }
        int from = window((int) length);
        Mac mac = length == Mac.BYTES
                ? Mac.read(window, from)
                : Mac.read(Arrays.copyOf(Arrays.copyOfRange(window, from, from + (int) length), Mac.BYTES), 0);
        position += length;
        return mac;
    }

    /** A time field, then given by {@link #timeSeconds} and {@link #timeNanos}; nil is Go's zero time. */
    public void time() {
        long at = position;
        int code = code();
        switch (code) {
            case NIL -> {
                timeSeconds = GO_ZERO_SECONDS;
                timeNanos = 0;
            }
            case 0xd6 -> {
                timeExtension(at);
                timeSeconds = u32();
                timeNanos = 0;
            }
            case 0xd7 -> {
                timeExtension(at);
                long packed = u64();
                timeSeconds = packed & 0x3_ffff_ffffL;
                timeNanos = nanos(packed >>> 34, at);
            }
            case 0xc7 -> {
                int length = u8();
                timeExtension(at);
                switch (length) {
                    case 4 -> {
                        timeSeconds = u32();
                        timeNanos = 0;
                    }
                    case 8 -> {
                        long packed = u64();
                        timeSeconds = packed & 0x3_ffff_ffffL;
                        timeNanos = nanos(packed >>> 34, at);
                    }
                    case 12 -> {
                        timeNanos = nanos(u32(), at);
                        timeSeconds = u64();
                    }
                    default -> throw corrupt("expected a time of 4, 8 or 12 bytes, found " + length, at);
                }
            }
            default -> throw unexpected("a time", code, at);
        }
    }

    /** Seconds since 1970 UTC of the last {@link #time}. */
    public long timeSeconds() {
        return timeSeconds;
    }

    /** Nanoseconds within the second, 0 to 999,999,999, of the last {@link #time}. */
    public int timeNanos() {
        return timeNanos;
    }

    /**
     * Skips one value with everything in it. Values still to be skipped are counted, not nested, so depth costs nothing;
     * and as each takes a byte, there are never more of them than bytes left.
     */
    public void skip() {
        long values = 1;
        while (values > 0) {
            values--;
            long at = position;
            int code = code();
            if (code <= 0x7f || code >= 0xe0) {
                continue;
            }
            if (code <= 0x8f) {
                values += 2L * (code & 0xf);
            } else if (code <= 0x9f) {
                values += code & 0xf;
            } else if (code <= 0xbf) {
                advance(code & 0x1f, at);
            } else {
                switch (code) {
                    case NIL, 0xc2, 0xc3 -> {}
                    case 0xc4, 0xd9 -> advance(u8(), at);
                    case 0xc5, 0xda -> advance(u16(), at);
                    case 0xc6, 0xdb -> advance(u32(), at);
                    case 0xc7 -> advance(1L + u8(), at);
                    case 0xc8 -> advance(1L + u16(), at);
                    case 0xc9 -> advance(1L + u32(), at);
                    case 0xcc, 0xd0 -> advance(1, at);
                    case 0xcd, 0xd1, 0xd4 -> advance(2, at);
                    case 0xd5 -> advance(3, at);
                    case 0xca, 0xce, 0xd2 -> advance(4, at);
                    case 0xd6 -> advance(5, at);
                    case 0xcb, 0xcf, 0xd3 -> advance(8, at);
                    case 0xd7 -> advance(9, at);
                    case 0xd8 -> advance(17, at);
                    case 0xdc -> values += u16();
                    case 0xdd -> values += u32();
                    case 0xde -> values += 2L * u16();
                    case 0xdf -> values += 2L * u32();
                    default -> throw unexpected("a value", code, at);
                }
            }
            if (values > end - position) {
                throw corrupt(values + " values announced, " + (end - position) + " bytes left", at);
            }
        }
    }

    /** An error about the value at {@code at}, for a caller that finds a well-formed value wrong. */
    public CorruptDataException corrupt(String problem, long at) {
        return new CorruptDataException(what + ", byte " + at + " of " + end + ": " + problem);
    }

    private CorruptDataException unexpected(String expected, int code, long at) {
        return corrupt("expected " + expected + ", found code 0x" + Integer.toHexString(code), at);
    }

    private long stringLength(String expected) {
        long at = position;
        int code = code();
        long length = switch (code) {
            case NIL -> 0;
            case 0xc4, 0xd9 -> u8();
            case 0xc5, 0xda -> u16();
            case 0xc6, 0xdb -> u32();
            default -> {
                if (code >>> 5 != 0x5) {
                    throw unexpected(expected, code, at);
                }
                yield code & 0x1f;
            }
        };
        if (length > end - position) {
            throw corrupt(length + " bytes announced, " + (end - position) + " left", at);
        }
        return length;
    }

    private void timeExtension(long at) {
        int type = u8();
        if (type != TIME_EXTENSION) {
            throw corrupt("expected a time (extension -1), found extension " + (byte) type, at);
        }
    }

    private int nanos(long nanos, long at) {
        if (nanos > 999_999_999) {
            throw corrupt("expected a time, found " + nanos + " nanoseconds in a second", at);
        }
        return (int) nanos;
    }

    private int count(long announced, int bytesEach, long at) {
        long left = end - position;
        if (announced > left / bytesEach || announced > Integer.MAX_VALUE) {
            throw corrupt(announced + " elements announced, " + left + " bytes left", at);
        }
        return (int) announced;
    }

    private void advance(long bytes, long at) {
        if (bytes > end - position) {
            throw corrupt(bytes + " bytes announced, " + (end - position) + " left", at);
        }
        position += bytes;
    }

    private int peek() {
        return window[window(1)] & 0xff;
    }

    private int code() {
        int code = peek();
        position++;
        return code;
    }

    private int u8() {
        return code();
    }

    private int u16() {
        int at = window(2);
        position += 2;
        return (window[at] & 0xff) << 8 | window[at + 1] & 0xff;
    }

    private long u32() {
        int at = window(4);
        position += 4;
        return u32(at);
    }

    private long u64() {
        int at = window(8);
        position += 8;
        return u32(at) << 32 | u32(at + 4);
    }

    private long u32(int at) {
        return (window[at] & 0xffL) << 24
                | (window[at + 1] & 0xff) << 16
                | (window[at + 2] & 0xff) << 8
                | window[at + 3] & 0xff;
    }

    /** Makes sure that the next bytes lie in the window; returns where in it. */
    private int window(int bytes) {
        long at = position - windowAt;
        if (at + bytes <= windowFilled) {
            return (int) at;
        }
        if (bytes > end - position) {
            throw corrupt("ends here, " + bytes + " more bytes expected", position);
        }
        windowAt = position;
        windowFilled = (int) Math.min(window.length, end - position);
        MemorySegment.copy(input, JAVA_BYTE, position, window, 0, windowFilled);
        return 0;
    }
}
