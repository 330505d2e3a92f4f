// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import dev.armoire.crypto.CorruptDataException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/** Gzip (RFC 1952) over segments: one member at the default level is written, any members are read. For one thread. */
final class GzipCodec implements FrameCodec {
    private static final ValueLayout.OfInt U32 = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final byte[] HEADER = {0x1f, (byte) 0x8b, 8, 0, 0, 0, 0, 0, 0, (byte) 0xff};
    private static final int TRAILER_BYTES = 8;
    private static final int HEADER_CRC = 0x02;
    private static final int EXTRA = 0x04;
    private static final int NAME = 0x08;
    private static final int COMMENT = 0x10;

    /** Given to zlib at a time; its buffers count in ints. */
    private static final long STEP_BYTES = 1 << 20;

    private final Deflater deflater = new Deflater(Deflater.DEFAULT_COMPRESSION, true);
    private final Inflater inflater = new Inflater(true);

    @Override
    public long encode(MemorySegment plain, ScratchBuffer out) {
        long length = plain.byteSize();
        MemorySegment target = out.start(HEADER.length + length + length / 1000 + 64 + TRAILER_BYTES);
        MemorySegment.copy(HEADER, 0, target, JAVA_BYTE, 0, HEADER.length);
        long written = HEADER.length;
        long read = 0;
        deflater.reset();
        while (!deflater.finished()) {
            if (deflater.needsInput() && read < length) {
                long step = Math.min(STEP_BYTES, length - read);
                deflater.setInput(plain.asSlice(read, step).asByteBuffer());
                read += step;
            }
            if (read == length) {
                deflater.finish();
            }
            target = out.grow(written + STEP_BYTES / 16 + TRAILER_BYTES, written);
            long room = Math.min(STEP_BYTES, target.byteSize() - written - TRAILER_BYTES);
            written += deflater.deflate(target.asSlice(written, room).asByteBuffer());
        }
        target.set(U32, written, crc(plain, 0, length));
        target.set(U32, written + 4, (int) length);
        return written + TRAILER_BYTES;
    }

    @Override
    public long decode(MemorySegment gzip, ScratchBuffer out, long limit) {
        long length = gzip.byteSize();
        // What is announced cannot be trusted: start with a likely ratio and grow by what really comes out.
        out.start(Math.min(limit, length * 4));
        long written = 0;
        long position = 0;
        do {
            position = skipHeader(gzip, position);
            long from = written;
            inflater.reset();
            while (!inflater.finished()) {
                if (inflater.needsInput()) {
                    if (position == length) {
                        throw corrupt("ends inside a member", position);
                    }
                    long step = Math.min(STEP_BYTES, length - position);
                    inflater.setInput(gzip.asSlice(position, step).asByteBuffer());
                    position += step;
                }
                written += inflate(out, written, limit, position);
            }
            position -= inflater.getRemaining();
            need(gzip, position, TRAILER_BYTES);
            if (gzip.get(U32, position) != crc(out.segment(), from, written - from)
                    || gzip.get(U32, position + 4) != (int) (written - from)) {
                throw corrupt("holds content whose checksum or length differs", position);
            }
            position += TRAILER_BYTES;
        } while (position < length);
        return written;
    }

    private long inflate(ScratchBuffer out, long written, long limit, long position) {
        if (inflater.needsDictionary()) {
            throw corrupt("asks for a dictionary", position);
        }
        try {
            if (written == limit) {
                // Nothing more may come, but the end of the member still has to be seen.
                byte[] one = new byte[1];
                if (inflater.inflate(one) != 0) {
                    throw corrupt("holds more than the " + limit + " bytes expected at most", position);
                }
                return 0;
            }
            MemorySegment target = out.segment();
            if (target.byteSize() == written) {
                target = out.grow(Math.min(limit, written * 2 + STEP_BYTES / 16), written);
            }
            long room = Math.min(Math.min(STEP_BYTES, limit - written), target.byteSize() - written);
            return inflater.inflate(target.asSlice(written, room).asByteBuffer());
        } catch (DataFormatException e) {
            throw new CorruptDataException("gzip data, before byte " + position + ": it is malformed", e);
        }
    }

    private static long skipHeader(MemorySegment gzip, long start) {
        need(gzip, start, HEADER.length);
        for (int i = 0; i < 3; i++) {
            if (gzip.get(JAVA_BYTE, start + i) != HEADER[i]) {
                throw corrupt("does not start with a gzip header", start);
            }
        }
        int flags = gzip.get(JAVA_BYTE, start + 3);
        long position = start + HEADER.length;
        if ((flags & EXTRA) != 0) {
            need(gzip, position, 2);
            int extra = (gzip.get(JAVA_BYTE, position) & 0xff) | (gzip.get(JAVA_BYTE, position + 1) & 0xff) << 8;
            need(gzip, position, 2L + extra);
            position += 2L + extra;
        }
        for (int text : new int[] {NAME, COMMENT}) {
            if ((flags & text) != 0) {
                do {
                    need(gzip, position, 1);
                } while (gzip.get(JAVA_BYTE, position++) != 0);
            }
        }
        if ((flags & HEADER_CRC) != 0) {
            need(gzip, position, 2);
            position += 2;
        }
        return position;
    }

    private static int crc(MemorySegment data, long from, long length) {
        var crc = new CRC32();
        for (long at = 0; at < length; at += STEP_BYTES) {
            crc.update(
                    data.asSlice(from + at, Math.min(STEP_BYTES, length - at)).asByteBuffer());
        }
        return (int) crc.getValue();
    }

    private static void need(MemorySegment gzip, long at, long bytes) {
        if (bytes > gzip.byteSize() - at) {
            throw corrupt("ends after " + gzip.byteSize() + " bytes, inside a member", at);
        }
    }

    private static CorruptDataException corrupt(String problem, long at) {
        return new CorruptDataException("gzip data, byte " + at + ": it " + problem);
    }

    @Override
    public void close() {
        deflater.end();
        inflater.end();
    }
}
