// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.spi.ImportRecord;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
    private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private final TarFile file;
    /** What is delivered, in the order of its bytes; each content once. */
    private final List<TarItem> order;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** Names by which a content will still be opened, where there are several. */
    private final Map<Long, Integer> namesLeft = new HashMap<>();

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

    /** @param groups in the order of their bytes, and only those that are delivered */
    StreamContents(TarFile file, List<TarIndex.Group> groups) {
        this.file = file;
        this.order = groups.stream().map(TarIndex.Group::first).toList();
        for (TarIndex.Group group : groups) {
            if (group.names().size() > 1) {
                namesLeft.put(group.first().contentAt(), group.names().size());
            }
        }
    }

    private static boolean isLarge(TarItem item) {
        return item.storedBytes() > SMALL_BYTES;
    }

    @Override
    public ImportRecord.Content open(TarItem item) throws IOException {
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
        if (isLarge(item)) {
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
                if (isLarge(item)) {
                    isBusy = true;
                    return new Reading(stream, item.storedBytes(), this::giveBack);
                }
                bytes = stream.readExactly(item.storedBytes());
            }
            Integer names = namesLeft.computeIfPresent(at, (content, left) -> left - 1);
            if (names == null || names <= 0) {
                forget(at);
            } else {
                keep(at, bytes);
            }
            return new InMemory(bytes);
        } finally {
            if (isLarge(item)) {
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
                TarItem before = largeBefore(item);
                long left = end - System.nanoTime();
                if (before == null) {
                    return;
                } else if (wanted.contains(before.contentAt())) {
                    changed.await();
                } else if (left > 0) {
                    changed.awaitNanos(left);
                } else {
                    unwanted.add(before.contentAt());
                }
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    /** The first large file before an item that somebody may still want to read on the way. */
    private @Nullable TarItem largeBefore(TarItem item) {
        for (int i = next; i < order.size() && order.get(i).contentAt() < item.contentAt(); i++) {
            TarItem before = order.get(i);
            if (isLarge(before) && !unwanted.contains(before.contentAt())) {
                return before;
            }
        }
        return null;
    }

    /** Goes to where an item begins. */
    private void pass(TarStream stream, TarItem item) throws IOException {
        for (; next < order.size() && order.get(next).contentAt() < item.contentAt(); next++) {
            TarItem before = order.get(next);
            if (!isLarge(before) && before.storedBytes() > 0 && before.contentAt() >= stream.position()) {
                stream.skipTo(before.contentAt());
                keep(before.contentAt(), stream.readExactly(before.storedBytes()));
            }
        }
        stream.skipTo(item.contentAt());
    }

    private void keep(long contentAt, byte[] bytes) {
        if (kept.put(contentAt, bytes) == null) {
            keptBytes += bytes.length;
        }
        while (keptBytes > KEPT_BYTES) {
            forget(kept.firstEntry().getKey());
        }
    }

    private void forget(long contentAt) {
        byte[] bytes = kept.remove(contentAt);
        keptBytes -= bytes == null ? 0 : bytes.length;
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
        } finally {
            lock.unlock();
        }
    }
}
