// SPDX-License-Identifier: ISC
package dev.armoire;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;

/** A file read anywhere: only the chunks that are touched are fetched and decoded. Thread-safe; one read at a time. */
final class ContentChannel implements SeekableByteChannel {
    private final Content content;
    private final Lifetime lifetime;
    private final Content.Cursor cursor;

    private volatile boolean closed;

    ContentChannel(Content content, Lifetime lifetime) {
        this.content = content;
        this.cursor = content.new Cursor(false);
        this.lifetime = lifetime;
    }

    private void requireOpen() throws ClosedChannelException {
        if (closed) {
            throw new ClosedChannelException();
        }
        lifetime.requireOpen();
    }

    @Override
    public synchronized int read(ByteBuffer into) throws IOException {
        requireOpen();
        if (cursor.position() >= content.size()) {
            return into.hasRemaining() ? -1 : 0;
        }
        int before = into.remaining();
        while (into.hasRemaining() && cursor.position() < content.size()) {
            lifetime.reading(() -> {
                cursor.read(into);
                return true;
            });
            if (closed) {
                throw new AsynchronousCloseException();
            }
        }
        return before - into.remaining();
    }

    @Override
    public synchronized long position() throws IOException {
        requireOpen();
        return cursor.position();
    }

    @Override
    public synchronized SeekableByteChannel position(long newPosition) throws IOException {
        requireOpen();
        if (newPosition < 0) {
            throw new IllegalArgumentException("negative position " + newPosition);
        }
        cursor.moveTo(newPosition);
        return this;
    }

    @Override
    public long size() throws IOException {
        requireOpen();
        return content.size();
    }

    @Override
    public int write(ByteBuffer from) {
        throw new NonWritableChannelException();
    }

    @Override
    public SeekableByteChannel truncate(long size) {
        throw new NonWritableChannelException();
    }

    @Override
    public boolean isOpen() {
        return !closed && lifetime.isOpen();
    }

    @Override
    public void close() {
        closed = true;
    }
}
