// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.fs;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Positional reads of immutable files through a bounded number of open channels; the one unused longest is closed first.
 * Owns its channels. All methods may be called from many threads at once; opening and reading hold no lock.
 */
public final class OpenFiles implements AutoCloseable {
    /** Bytes asked of the system at a time: the JDK reads into heap segments through a copy of this size at most. */
    private static final long PIECE_BYTES = 8 << 20;

    private final int capacity;
    private final ReentrantLock lock = new ReentrantLock();

    /** Guarded by {@link #lock}, in order of use. */
    private final Map<Path, OpenFile> files = new LinkedHashMap<>(16, 0.75f, true);

    private boolean closed;

    /** @param capacity how many channels are kept open; more may be while more are being read */
    public OpenFiles(int capacity) {
        this.capacity = capacity;
    }

    /**
     * Fills {@code into} from byte {@code position} of a file, as far as the file goes.
     *
     * @return bytes read, fewer than asked for only at the end of the file
     */
    public long read(Path file, long position, MemorySegment into) throws IOException {
        while (true) {
            OpenFile open = acquire(file);
            try {
                return fill(open.channel, position, into, PIECE_BYTES);
            } catch (ClosedByInterruptException e) {
                throw e;
            } catch (ClosedChannelException e) {
                // A thread interrupted in a read closes the channel under all others. They take a new one.
            } finally {
                release(file, open);
            }
        }
    }

    /** Reads as {@link #read} does, from the file that has this name now. */
    static long readUncached(Path file, long position, MemorySegment into) throws IOException {
        try (FileChannel channel = openChannel(file)) {
            return fill(channel, position, into, PIECE_BYTES);
        }
    }

    static long fill(FileChannel channel, long position, MemorySegment into, long pieceBytes) throws IOException {
        long size = into.byteSize();
        long done = 0;
        while (done < size) {
            ByteBuffer piece =
                    into.asSlice(done, Math.min(pieceBytes, size - done)).asByteBuffer();
            int n = channel.read(piece, position + done);
            if (n < 0) {
                break;
            }
            done += n;
        }
        return done;
    }

    /** Lets go of a file, which was removed. */
    public void forget(Path file) {
        lock.lock();
        try {
            OpenFile open = files.remove(file);
            if (open != null) {
                open.retire();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Channels that are being read are closed by their last reader. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            files.values().forEach(OpenFile::retire);
            files.clear();
        } finally {
            lock.unlock();
        }
    }

    /** How many channels are open and kept. */
    int size() {
        lock.lock();
        try {
            return files.size();
        } finally {
            lock.unlock();
        }
    }

    private OpenFile acquire(Path file) throws IOException {
        OpenFile open = tryAcquire(file);
        if (open != null) {
            return open;
        }
        FileChannel channel = openChannel(file);
        lock.lock();
        try {
            open = tryAcquire(file);
            if (open != null) {
                closeQuietly(channel); // another reader was faster
                return open;
            }
            open = new OpenFile(channel);
            open.users = 1;
            files.put(file, open);
            retireEldest();
            return open;
        } catch (IOException e) {
            closeQuietly(channel);
            throw e;
        } finally {
            lock.unlock();
        }
    }

    private @Nullable OpenFile tryAcquire(Path file) throws IOException {
        lock.lock();
        try {
            if (closed) {
                throw new IOException("read of " + file + " after its store was closed");
            }
            OpenFile open = files.get(file);
            if (open == null || !open.channel.isOpen()) {
                return null;
            }
            open.users++;
            return open;
        } finally {
            lock.unlock();
        }
    }

    private void release(Path file, OpenFile open) {
        lock.lock();
        try {
            open.users--;
            if (!open.channel.isOpen()) {
                files.remove(file, open);
            } else if (open.retired) {
                open.retire();
            }
        } finally {
            lock.unlock();
        }
    }

    private void retireEldest() {
        Iterator<OpenFile> eldest = files.values().iterator();
        for (int excess = files.size() - capacity; excess > 0; excess--) {
            eldest.next().retire();
            eldest.remove();
        }
    }

    /** Looks before it opens: opening a FIFO that somebody put there would wait for ever. */
    private static FileChannel openChannel(Path file) throws IOException {
        if (!Files.readAttributes(file, BasicFileAttributes.class).isRegularFile()) {
            throw new FileSystemException(file.toString(), null, "not a regular file");
        }
        return FileChannel.open(file, StandardOpenOption.READ);
    }

    private static void closeQuietly(FileChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            // It was only read: nothing can be lost, and there is nobody to tell.
        }
    }

    /** A channel and its readers. All but the channel is guarded by the lock of the owner. */
    private static final class OpenFile {
        final FileChannel channel;
        int users;
        boolean retired;

        OpenFile(FileChannel channel) {
            this.channel = channel;
        }

        /** Closes the channel, now or when its last reader is done. */
        void retire() {
            retired = true;
            if (users == 0) {
                closeQuietly(channel);
            }
        }
    }
}
