// SPDX-License-Identifier: ISC
package dev.armoire;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * A file read anywhere, for programs that want a {@link FileChannel}. Reads at a given position go on beside each other; it neither
 * maps nor locks. Thread-safe.
 */
final class ContentFileChannel extends FileChannel {
    private static final int TRANSFER_BYTES = 256 << 10;

    private final Content content;
    private final Lifetime lifetime;
    /** With the position that callers see. */
    private final ContentChannel own;
    /** For reads at positions: each knows whether who reads goes on from where it was. */
    private final Queue<ContentChannel> idle = new ConcurrentLinkedQueue<>();

    private final Queue<ContentChannel> all = new ConcurrentLinkedQueue<>();

    ContentFileChannel(Content content, Lifetime lifetime) {
        this.content = content;
        this.lifetime = lifetime;
        this.own = newChannel();
    }

    private ContentChannel newChannel() {
        ContentChannel made = new ContentChannel(content, lifetime);
        all.add(made);
        if (!isOpen()) {
            made.close(); // whoever closes meanwhile may not have seen it
        }
        return made;
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
        return own.read(into);
    }

    @Override
    public long read(ByteBuffer[] into, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, into.length);
        long sum = 0;
        synchronized (own) { // so that they are filled with what stands together
            for (int i = offset; i < offset + length; i++) {
                int wanted = into[i].remaining();
                int count = own.read(into[i]);
                if (count < 0) {
                    return sum > 0 ? sum : -1;
                }
                sum += count;
                if (count < wanted) {
                    break;
                }
            }
        }
        return sum;
    }

    @Override
    public int read(ByteBuffer into, long position) throws IOException {
        if (position < 0) {
            throw new IllegalArgumentException("negative position " + position);
        }
        ContentChannel known = idle.poll();
        ContentChannel channel = known == null ? newChannel() : known;
        try {
            return channel.position(position).read(into);
        } finally {
            idle.add(channel);
        }
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel target) throws IOException {
        long size = size();
        if (position < 0 || count < 0) {
            throw new IllegalArgumentException("position " + position + ", count " + count);
        }
        long left = Math.min(count, Math.max(0, size - position));
        ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(left, TRANSFER_BYTES));
        long sum = 0;
        while (left > sum) {
            buffer.clear().limit((int) Math.min(buffer.capacity(), left - sum));
            read(buffer, position + sum);
            buffer.flip();
            int wanted = buffer.remaining();
            int written = target.write(buffer);
            sum += written;
            if (written < wanted) {
                break; // a target that does not wait
            }
        }
        return sum;
    }

    @Override
    public long position() throws IOException {
        return own.position();
    }

    @Override
    public FileChannel position(long newPosition) throws IOException {
        own.position(newPosition);
        return this;
    }

    @Override
    public long size() throws IOException {
        return own.size();
    }

    @Override
    public void force(boolean withMetadata) throws IOException {
        own.size(); // closed ones say so; there is nothing to be written
    }

    @Override
    public int write(ByteBuffer from) {
        throw new NonWritableChannelException();
    }

    @Override
    public long write(ByteBuffer[] from, int offset, int length) {
        throw new NonWritableChannelException();
    }

    @Override
    public int write(ByteBuffer from, long position) {
        throw new NonWritableChannelException();
    }

    @Override
    public long transferFrom(ReadableByteChannel source, long position, long count) {
        throw new NonWritableChannelException();
    }

    @Override
    public FileChannel truncate(long size) {
        throw new NonWritableChannelException();
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long position, long size) {
        throw new UnsupportedOperationException(
                "a file in a snapshot is decoded when it is read, and cannot be mapped");
    }

    @Override
    public FileLock lock(long position, long size, boolean shared) {
        throw notLocked(shared);
    }

    @Override
    public FileLock tryLock(long position, long size, boolean shared) {
        throw notLocked(shared);
    }

    private static RuntimeException notLocked(boolean shared) {
        return shared
                ? new UnsupportedOperationException("a file in a snapshot never changes, and cannot be locked")
                : new NonWritableChannelException();
    }

    @Override
    protected void implCloseChannel() {
        all.forEach(ContentChannel::close);
    }
}
