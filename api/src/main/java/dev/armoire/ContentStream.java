// SPDX-License-Identifier: ISC
package dev.armoire;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Objects;

/** A file from front to back, every chunk verified before a byte of it is given out. For one thread. */
final class ContentStream extends InputStream {
    /** What is read at once when less is asked for. */
    private static final int BUFFER_BYTES = 64 << 10;

    private final Content content;
    private final Lifetime lifetime;
    private ByteBuffer buffer = ByteBuffer.allocate(0);
    private final Content.Cursor cursor;
    private boolean closed;

    ContentStream(Content content, Lifetime lifetime) {
        this.content = content;
        this.cursor = content.new Cursor(true);
        this.lifetime = lifetime;
    }

    private void requireOpen() throws IOException {
        if (closed) {
            throw new IOException("the stream is closed");
        }
        lifetime.requireOpen();
    }

    /** Puts something into the buffer if it is empty; whether there is nothing more. */
    private boolean isAtEnd() throws IOException {
        requireOpen();
        if (buffer.hasRemaining()) {
            return false;
        }
        long left = content.size() - cursor.position();
        if (left == 0) {
            return true;
        }
        if (buffer.capacity() == 0) {
            buffer = ByteBuffer.allocate((int) Math.min(left, BUFFER_BYTES));
        }
        buffer.clear();
        try {
            read(buffer);
        } finally {
            buffer.flip();
        }
        return false;
    }

    private void read(ByteBuffer into) throws IOException {
        lifetime.reading(() -> {
            cursor.read(into);
            return true;
        });
    }

    @Override
    public int read() throws IOException {
        return isAtEnd() ? -1 : buffer.get() & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, into.length);
        requireOpen();
        if (length == 0) {
            return 0;
        }
        if (!buffer.hasRemaining() && length >= BUFFER_BYTES && cursor.position() < content.size()) {
            ByteBuffer direct = ByteBuffer.wrap(into, offset, length);
            read(direct);
            return direct.position() - offset;
        }
        if (isAtEnd()) {
            return -1;
        }
        int part = Math.min(length, buffer.remaining());
        buffer.get(into, offset, part);
        return part;
    }

    @Override
    public int available() throws IOException {
        requireOpen();
        return buffer.remaining();
    }

    @Override
    public long transferTo(OutputStream out) throws IOException {
        long sum = 0;
        while (!isAtEnd()) {
            out.write(buffer.array(), buffer.position(), buffer.remaining());
            sum += buffer.remaining();
            buffer.position(buffer.limit());
        }
        return sum;
    }

    @Override
    public void close() {
        closed = true;
        buffer = ByteBuffer.allocate(0);
    }
}
