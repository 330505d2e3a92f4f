// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.armoire.crypto.Mac;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes MessagePack byte for byte as Plakar's Go library does (format 2 §3): integers by the width of their Go type, not
 * by their value. Reusable after {@link #reset}; for one thread.
 */
public final class MsgpackWriter {
    private static final VarHandle U16 = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle U32 = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle U64 = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private byte[] buffer = new byte[512];
    private int position;

    /** Forgets what was written. */
    public void reset() {
        position = 0;
    }

    /** What was written since the last reset, valid until the next write or reset. */
    public MemorySegment written() {
        return MemorySegment.ofArray(buffer).asSlice(0, position);
    }

    /** A copy of what was written since the last reset. */
    public byte[] toByteArray() {
        return Arrays.copyOf(buffer, position);
    }

    public MsgpackWriter nil() {
        return code(0xc0);
    }

    public MsgpackWriter bool(boolean value) {
        return code(value ? 0xc3 : 0xc2);
    }

    /** Go's {@code uint8}. */
    public MsgpackWriter u8(int value) {
        ensure(2);
        buffer[position] = (byte) 0xcc;
        buffer[position + 1] = (byte) value;
        position += 2;
        return this;
    }

    /** Go's {@code uint16}. */
    public MsgpackWriter u16(int value) {
        return wide16(0xcd, value);
    }

    /** Go's {@code uint32}, versions, file modes. */
    public MsgpackWriter u32(int value) {
        return wide32(0xce, value);
    }

    /** Go's {@code uint64}. */
    public MsgpackWriter u64(long value) {
        return wide64(0xcf, value);
    }

    /** Go's {@code int64} and durations. */
    public MsgpackWriter i64(long value) {
        return wide64(0xd3, value);
    }

    /** Go's {@code float64}. */
    public MsgpackWriter f64(double value) {
        return wide64(0xcb, Double.doubleToRawLongBits(value));
    }

    /** Go's {@code int}: as few bytes as the value needs. */
    public MsgpackWriter compactInt(long value) {
        if (value >= 0) {
            if (value <= 0x7f) {
                return code((int) value);
            }
            if (value <= 0xff) {
                return u8((int) value);
            }
            if (value <= 0xffff) {
                return u16((int) value);
            }
            return value <= 0xffff_ffffL ? u32((int) value) : u64(value);
        }
        if (value >= -32) {
            return code((int) value);
        }
        if (value >= Byte.MIN_VALUE) {
            code(0xd0);
            return code((int) value);
        }
        if (value >= Short.MIN_VALUE) {
            return wide16(0xd1, (int) value);
        }
        return value >= Integer.MIN_VALUE ? wide32(0xd2, (int) value) : wide64(0xd3, value);
    }

    /** A string of any bytes: Go does not ask for UTF-8. */
    public MsgpackWriter str(byte[] value) {
        strHeader(value.length);
        return append(value);
    }

    /** A string, in UTF-8. */
    public MsgpackWriter str(String value) {
        int length = value.length();
        for (int i = 0; i < length; i++) {
            if (value.charAt(i) > 0x7f) {
                return str(value.getBytes(StandardCharsets.UTF_8));
            }
        }
        strHeader(length);
        ensure(length);
        for (int i = 0; i < length; i++) {
            buffer[position + i] = (byte) value.charAt(i);
        }
        position += length;
        return this;
    }

    /** Go's {@code []byte}, not nil. */
    public MsgpackWriter bin(byte[] value) {
        binHeader(value.length);
        return append(value);
    }

    /** Go's {@code []byte}, not nil, from a segment of less than 2 GiB. */
    public MsgpackWriter bin(MemorySegment value) {
        int length = Math.toIntExact(value.byteSize());
        binHeader(length);
        ensure(length);
        MemorySegment.copy(value, JAVA_BYTE, 0, buffer, position, length);
        position += length;
        return this;
    }

    /** Go's {@code [32]byte}. */
    public MsgpackWriter mac(Mac mac) {
        binHeader(Mac.BYTES);
        ensure(Mac.BYTES);
        U64.set(buffer, position, mac.w0());
        U64.set(buffer, position + 8, mac.w1());
        U64.set(buffer, position + 16, mac.w2());
        U64.set(buffer, position + 24, mac.w3());
        position += Mac.BYTES;
        return this;
    }

    /** The header of a map; {@code pairs} keys and values have to follow. */
    public MsgpackWriter mapHeader(int pairs) {
        return header(pairs, 0x80, 0xde);
    }

    /** The header of an array; {@code elements} values have to follow. */
    public MsgpackWriter arrayHeader(int elements) {
        return header(elements, 0x90, 0xdc);
    }

    /**
     * Go's {@code time.Time}: extension -1 in the shortest of its three forms.
     *
     * @param seconds since 1970 UTC, negative before
     * @param nanos 0 to 999,999,999, forward from the second
     */
    public MsgpackWriter time(long seconds, int nanos) {
        if (seconds >>> 34 != 0) {
            ensure(15);
            buffer[position] = (byte) 0xc7;
            buffer[position + 1] = 12;
            buffer[position + 2] = (byte) 0xff;
            U32.set(buffer, position + 3, nanos);
            U64.set(buffer, position + 7, seconds);
            position += 15;
            return this;
        }
        long packed = (long) nanos << 34 | seconds;
        boolean shortForm = packed >>> 32 == 0;
        ensure(10);
        buffer[position] = (byte) (shortForm ? 0xd6 : 0xd7);
        buffer[position + 1] = (byte) 0xff;
        if (shortForm) {
            U32.set(buffer, position + 2, (int) packed);
        } else {
            U64.set(buffer, position + 2, packed);
        }
        position += shortForm ? 6 : 10;
        return this;
    }

    private void strHeader(int length) {
        if (length < 32) {
            code(0xa0 | length);
        } else if (length <= 0xff) {
            code(0xd9);
            code(length);
        } else if (length <= 0xffff) {
            wide16(0xda, length);
        } else {
            wide32(0xdb, length);
        }
    }

    private void binHeader(int length) {
        if (length <= 0xff) {
            code(0xc4);
            code(length);
        } else if (length <= 0xffff) {
            wide16(0xc5, length);
        } else {
            wide32(0xc6, length);
        }
    }

    private MsgpackWriter header(int count, int fixed, int wide) {
        if (count < 16) {
            return code(fixed | count);
        }
        return count <= 0xffff ? wide16(wide, count) : wide32(wide + 1, count);
    }

    private MsgpackWriter code(int value) {
        ensure(1);
        buffer[position++] = (byte) value;
        return this;
    }

    private MsgpackWriter wide16(int code, int value) {
        ensure(3);
        buffer[position] = (byte) code;
        U16.set(buffer, position + 1, (short) value);
        position += 3;
        return this;
    }

    private MsgpackWriter wide32(int code, int value) {
        ensure(5);
        buffer[position] = (byte) code;
        U32.set(buffer, position + 1, value);
        position += 5;
        return this;
    }

    private MsgpackWriter wide64(int code, long value) {
        ensure(9);
        buffer[position] = (byte) code;
        U64.set(buffer, position + 1, value);
        position += 9;
        return this;
    }

    private MsgpackWriter append(byte[] value) {
        ensure(value.length);
        System.arraycopy(value, 0, buffer, position, value.length);
        position += value.length;
        return this;
    }

    private void ensure(int more) {
        int needed = Math.addExact(position, more);
        if (needed > buffer.length) {
            buffer = Arrays.copyOf(buffer, Math.clamp(needed * 2L, needed, Integer.MAX_VALUE - 8));
        }
    }
}
