// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.packfile.LockRecord;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A lock in the store (format 1 §11), refreshed in the background until closed. A shared lock lets other shared ones in and
 * keeps maintenance out. Plakar honours ours and we honour Plakar's.
 */
public final class RepositoryLock implements AutoCloseable {
    private static final Duration STALE_AFTER = Duration.ofMinutes(10);
    private static final Duration REFRESH_EVERY = Duration.ofMinutes(4);

    private final Repository repository;
    private final Mac name;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final Thread refresher;
    private volatile Instant lastRefresh;

    private RepositoryLock(Repository repository, Mac name, Instant now) {
        this.repository = repository;
        this.name = name;
        this.lastRefresh = now;
        this.refresher = Thread.ofVirtual().name("lock-refresh").unstarted(this::refresh);
    }

    /**
     * Takes a shared lock. The lock is put first and the others are looked at afterwards, so of two that come at once at
     * least one sees the other.
     *
     * @throws RepositoryLockedException when a live exclusive lock is there
     */
    public static RepositoryLock shared(Repository repository, Mac name) throws IOException {
        Storage storage = repository.storage();
        Instant now = Instant.now();
        RepositoryLock lock = new RepositoryLock(repository, name, now);
        try (Arena arena = Arena.ofConfined()) {
            storage.write(ObjectKind.LOCK, name, List.of(lock.encode(arena, now)));
        }
        try {
            for (Mac other : storage.list(ObjectKind.LOCK)) {
                if (!other.equals(name)) {
                    lock.consider(other, now);
                }
            }
        } catch (IOException | RuntimeException e) {
            try {
                storage.delete(ObjectKind.LOCK, name);
            } catch (IOException again) {
                e.addSuppressed(again);
            }
            throw e;
        }
        lock.refresher.start();
        return lock;
    }

    private void consider(Mac other, Instant now) throws IOException {
        LockRecord record;
        Storage storage = repository.storage();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stored = repository.readObject(ObjectKind.LOCK, other, arena);
            record = repository.decodeLock(stored, other);
        } catch (NoSuchFileException e) {
            return; // released while we looked
        } catch (CorruptDataException e) {
            throw new CorruptDataException(
                    "lock " + other.shortHex() + " cannot be read (" + e.getMessage()
                            + "); if no other program works on " + storage.location() + ", remove locks/" + other.hex(),
                    e);
        }
        if (Duration.between(record.timestamp(), now).compareTo(STALE_AFTER) >= 0) {
            storage.delete(ObjectKind.LOCK, other);
        } else if (record.exclusive()) {
            throw new RepositoryLockedException(
                    "the store " + storage.location() + " is locked by maintenance on "
                            + record.hostname() + " since " + record.timestamp()
                            + "; try again when it is done (a lock left by a dead process expires ten minutes after that time)");
        }
    }

    private MemorySegment encode(Arena arena, Instant now) {
        return repository.encodeLock(new LockRecord(now, repository.hostname(), false), arena);
    }

    private void refresh() {
        while (!closed.get()) {
            try {
                Thread.sleep(REFRESH_EVERY);
            } catch (InterruptedException e) {
                return;
            }
            try (Arena arena = Arena.ofConfined()) {
                Instant now = Instant.now();
                repository.storage().refreshLock(name, encode(arena, now));
                lastRefresh = now;
            } catch (IOException | RuntimeException e) {
                // Tried again at the next turn; verifyHeld stops the work before anyone may take the lock for stale.
            }
        }
    }

    /**
     * Makes sure that no other process may think this lock is dead.
     *
     * @throws RepositoryLockedException when it could not be refreshed in time
     */
    public void verifyHeld() {
        if (Duration.between(lastRefresh, Instant.now()).compareTo(STALE_AFTER) >= 0) {
            throw new RepositoryLockedException(
                    "the lock on " + repository.storage().location()
                            + " could not be refreshed since " + lastRefresh
                            + ", and maintenance may have begun; nothing was committed, run the command again");
        }
    }

    /** Removes the lock, and returns when it is gone, even if the thread is interrupted: others wait for it. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        boolean interrupted = Thread.interrupted();
        refresher.interrupt();
        while (refresher.isAlive()) {
            try {
                refresher.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        try {
            repository.storage().delete(ObjectKind.LOCK, name);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
