// SPDX-License-Identifier: ISC
package dev.armoire;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Objects;

/** A file from front to back, a chunk at a time, each one verified before a byte of it is given out. For one thread. */
final class ContentStream extends InputStream {
    private static final byte[] NONE = {};

    private final Content content;
    private final Runnable check;
    private byte[] chunk = NONE;
    private int next;
    private int at;
    private boolean closed;

    /** @param check throws when reading is over for good */
    ContentStream(Content content, Runnable check) {
        this.content = content;
        this.check = check;
    }

    private boolean isAtEnd() throws IOException {
        if (closed) {
            throw new IOException("the stream is closed");
        }
        check.run();
        while (at == chunk.length) {
            if (next == content.chunks()) {
                return true;
            }
            chunk = content.read(next);
            next++;
            at = 0;
        }
        return false;
    }

    @Override
    public int read() throws IOException {
        return isAtEnd() ? -1 : chunk[at++] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, into.length);
        if (length == 0) {
            return 0;
        }
        if (isAtEnd()) {
            return -1;
        }
        int part = Math.min(length, chunk.length - at);
        System.arraycopy(chunk, at, into, offset, part);
        at += part;
        return part;
    }

    @Override
    public int available() throws IOException {
        return isAtEnd() ? 0 : chunk.length - at;
    }

    @Override
    public long transferTo(OutputStream out) throws IOException {
        long sum = 0;
        while (!isAtEnd()) {
            out.write(chunk, at, chunk.length - at);
            sum += chunk.length - at;
            at = chunk.length;
        }
        return sum;
    }

    @Override
    public void close() {
        closed = true;
        chunk = NONE;
        at = 0;
    }
}
