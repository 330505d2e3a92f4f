// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.zip.CRC32;

/** The bytes of segments, one after the other. For one thread. */
final class SegmentStream extends InputStream {
    private static final int COPIED_BYTES = 64 << 10;

    private final List<MemorySegment> segments;
    private int next;
    private long offset;

    SegmentStream(List<MemorySegment> segments) {
        this.segments = segments;
    }

    @Override
    public int read() {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] into, int at, int length) {
        Objects.checkFromIndexSize(at, length, into.length);
        int done = 0;
        while (done < length && next < segments.size()) {
            MemorySegment segment = segments.get(next);
            int count = (int) Math.min(length - done, segment.byteSize() - offset);
            MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, offset, into, at + done, count);
            done += count;
            offset += count;
            if (offset == segment.byteSize()) {
                next++;
                offset = 0;
            }
        }
        return done == 0 && length > 0 ? -1 : done;
    }

    static long length(List<MemorySegment> segments) {
        long length = 0;
        for (MemorySegment segment : segments) {
            length += segment.byteSize();
        }
        return length;
    }

    /** Bytes {@code from} to {@code to} of all segments together, as segments. */
    static List<MemorySegment> slice(List<MemorySegment> segments, long from, long to) {
        List<MemorySegment> slices = new ArrayList<>();
        long start = 0;
        for (MemorySegment segment : segments) {
            long end = start + segment.byteSize();
            if (end > from && start < to) {
                long begin = Math.max(from, start) - start;
                slices.add(segment.asSlice(begin, Math.min(to, end) - start - begin));
            }
            start = end;
        }
        return slices;
    }

    /** The MD5 of all bytes in base64, as the header Content-MD5 has it. */
    static String contentMd5(List<MemorySegment> segments) {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("MD5");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has MD5", e);
        }
        // By the heap: native code would read memory that was freed, and the JVM would die of it instead of telling.
        byte[] copy = new byte[COPIED_BYTES];
        SegmentStream all = new SegmentStream(segments);
        for (int count = all.read(copy, 0, copy.length); count >= 0; count = all.read(copy, 0, copy.length)) {
            digest.update(copy, 0, count);
        }
        return Base64.getEncoder().encodeToString(digest.digest());
    }

    /** The CRC-32 of all bytes in base64, as the header x-amz-checksum-crc32 has it. */
    static String crc32(List<MemorySegment> segments) {
        CRC32 crc = new CRC32();
        for (MemorySegment segment : segments) {
            crc.update(segment.asByteBuffer()); // keeps memory from being freed while it is read
        }
        byte[] bytes =
                ByteBuffer.allocate(Integer.BYTES).putInt((int) crc.getValue()).array();
        return Base64.getEncoder().encodeToString(bytes);
    }
}
