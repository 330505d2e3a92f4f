// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.http.HttpRequest;
import java.util.List;
import java.util.Objects;

/** What a request carries, read by the client's threads, one at a time. Knows when it was read last. */
final class Upload {
    private final List<MemorySegment> segments;
    private volatile long lastRead = System.nanoTime();

    Upload(List<MemorySegment> segments) {
        this.segments = segments;
    }

    /** When bytes were last taken, by {@link System#nanoTime}. */
    long lastRead() {
        return lastRead;
    }

    HttpRequest.BodyPublisher publisher() {
        long length = segments.stream().mapToLong(MemorySegment::byteSize).sum();
        return length == 0
                ? HttpRequest.BodyPublishers.noBody()
                : HttpRequest.BodyPublishers.fromPublisher(
                        HttpRequest.BodyPublishers.ofInputStream(Stream::new), length);
    }

    /** The segments, one after the other. */
    private final class Stream extends InputStream {
        private int next;
        private long offset;

        @Override
        public int read() {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
        }

        @Override
        public int read(byte[] into, int at, int length) {
            Objects.checkFromIndexSize(at, length, into.length);
            lastRead = System.nanoTime();
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
    }
}
