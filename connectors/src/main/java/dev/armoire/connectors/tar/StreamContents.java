// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.spi.ImportRecord;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Contents of a compressed tar file. There is one way through it, from the front, which those who open contents share; and
 * they open them nearly in order. Small files are taken into memory at once, those that were passed before anybody has opened
 * them, too, as long as there is room. A large file keeps the others waiting until it is read. What was passed and is not in
 * memory is fetched by a way of its own from the front: slow, right, and rare, since a large file that is about to be passed
 * is first waited for.
 */
final class StreamContents implements TarContents {
    private static final int SMALL_BYTES = 1 << 20;
    private static final long KEPT_BYTES = 16L << 20;
    /** What a content takes beside its bytes. */
    private static final int KEPT_OVERHEAD_BYTES = 128;

    private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private static final byte[] NONE = {};

    private final TarFile file;
    private final ContentOrder order;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final LinkedHashMap<Long, byte[]> kept = new LinkedHashMap<>();
    private long keptBytes;
    private @Nullable TarStream way;
    /** Whether somebody reads a large file on the way. */
    private boolean isBusy;
    /** Index of the first item that was not passed. */
    private int next;

    /** Large files that somebody wants to open, and those that nobody was seen to want. */
    private final Set<Long> wanted = new HashSet<>();

    private final Set<Long> unwanted = new HashSet<>();

    /** @param order what is delivered; owned by this, and filled before anything is opened */
    StreamContents(TarFile file, ContentOrder order) {
        this.file = file;
        this.order = order;
    }

    private static boolean isLarge(long length) {
        return length > SMALL_BYTES;
    }

    @Override
    public ImportRecord.Content open(TarItem item) throws IOException {
        if (item.storedBytes() == 0) {
            return new InMemory(NONE);
        }
        try {
            lock.lockInterruptibly();
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
        try {
            ImportRecord.Content content = openOnTheWay(item);
            if (content != null) {
                return content;
            }
        } finally {
            lock.unlock();
        }
        TarStream own = file.open();
        try {
            own.skipTo(item.contentAt());
        } catch (IOException e) {
            own.close();
            throw e;
        }
        return new Reading(own, item.storedBytes(), () -> close(own));
    }

    /** Null when the item was passed long ago. */
    private ImportRecord.@Nullable Content openOnTheWay(TarItem item) throws IOException {
        long at = item.contentAt();
        if (isLarge(item.storedBytes())) {
            wanted.add(at);
            changed.signalAll();
        }
        try {
            waitForTurn(item);
            byte[] bytes = kept.get(at);
            TarStream stream = way;
            if (stream == null) {
                stream = way = file.open();
            }
            if (bytes == null) {
                if (stream.position() > at) {
                    return null;
                }
                pass(stream, item);
                if (isLarge(item.storedBytes())) {
                    isBusy = true;
                    return new Reading(stream, item.storedBytes(), this::giveBack);
                }
                bytes = stream.readExactly(item.storedBytes());
            }
            if (order.isOpenedAgain(at)) {
                keep(at, bytes);
            } else {
                forget(at);
            }
            return new InMemory(bytes);
        } finally {
            if (isLarge(item.storedBytes())) {
                wanted.remove(at);
                unwanted.add(at); // nobody has to wait for it any more
                changed.signalAll();
            }
        }
    }

    private void waitForTurn(TarItem item) throws IOException {
        long end = System.nanoTime() + PATIENCE_NANOS;
        try {
            while (!kept.containsKey(item.contentAt())) {
                if (isBusy) {
                    changed.await();
                    continue;
                }
                long before = largeBefore(item);
                long left = end - System.nanoTime();
                if (before < 0) {
                    return;
                } else if (wanted.contains(before)) {
                    changed.await();
                } else if (left > 0) {
                    changed.awaitNanos(left);
                } else {
                    unwanted.add(before);
                }
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    /** Where the first large file before an item is that somebody may still want to read on the way, or -1. */
    private long largeBefore(TarItem item) {
        for (int i = next; i < order.count() && order.contentAt(i) < item.contentAt(); i++) {
            if (isLarge(order.length(i)) && !unwanted.contains(order.contentAt(i))) {
                return order.contentAt(i);
            }
        }
        return -1;
    }

    /** Goes to where an item begins. */
    private void pass(TarStream stream, TarItem item) throws IOException {
        for (; next < order.count() && order.contentAt(next) < item.contentAt(); next++) {
            long at = order.contentAt(next);
            if (!isLarge(order.length(next)) && at >= stream.position()) {
                stream.skipTo(at);
                keep(at, stream.readExactly(order.length(next)));
            }
        }
        order.forgetBefore(next);
        stream.skipTo(item.contentAt());
    }

    private void keep(long contentAt, byte[] bytes) {
        if (kept.put(contentAt, bytes) == null) {
            keptBytes += bytes.length + KEPT_OVERHEAD_BYTES;
        }
        while (keptBytes > KEPT_BYTES) {
            forget(kept.firstEntry().getKey());
        }
    }

    private void forget(long contentAt) {
        byte[] bytes = kept.remove(contentAt);
        keptBytes -= bytes == null ? 0 : bytes.length + KEPT_OVERHEAD_BYTES;
    }

    private void giveBack() {
        lock.lock();
        try {
            isBusy = false;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private static IOException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return (IOException) new InterruptedIOException("interrupted").initCause(e);
    }

    private static void close(TarStream stream) {
        try {
            stream.close();
        } catch (IOException e) {
            // it was only read
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (way != null) {
                close(way);
            }
            order.close();
        } finally {
            lock.unlock();
        }
    }
}
