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
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A lock in the store (format 1 §11), refreshed in the background until closed. A shared lock lets other shared ones in and
 * keeps maintenance out; an exclusive one is alone. Plakar honours ours and we honour Plakar's.
 */
public final class RepositoryLock implements AutoCloseable {
    private static final Duration STALE_AFTER = Duration.ofMinutes(10);
    private static final Duration REFRESH_EVERY = Duration.ofMinutes(4);
    private static final Duration ASK_AGAIN_AFTER = Duration.ofSeconds(1);

    private final Repository repository;
    private final Mac name;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final Thread refresher;
    private volatile Instant lastRefresh;

    private final boolean isExclusive;

    private RepositoryLock(Repository repository, Mac name, boolean isExclusive, Instant now) {
        this.repository = repository;
        this.name = name;
        this.isExclusive = isExclusive;
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
        return take(repository, name, false);
    }

    /** Told of who is in the way, when it is waited for. */
    @FunctionalInterface
    public interface Waiting {
        void waiting(String why);
    }

    /**
     * Takes the lock that lets nobody else write, and waits for those who do. What a dead process left expires after ten
     * minutes.
     *
     * @param patience how long to wait
     * @param waiting told once for each reason to wait
     * @throws RepositoryLockedException when somebody else still has a lock after that time
     */
    public static RepositoryLock exclusive(Repository repository, Duration patience, Waiting waiting)
            throws IOException {
        Instant deadline = Instant.now().plus(patience);
        String told = "";
        while (true) {
            try {
                return take(repository, repository.random().nextMac(), true);
            } catch (RepositoryLockedException e) {
                if (!Instant.now().isBefore(deadline)) {
                    throw e;
                }
                String why = String.valueOf(e.getMessage());
                if (!why.equals(told)) {
                    waiting.waiting(why);
                    told = why;
                }
            }
            try {
                // Of two that got into each other's way one must be the first next time.
                Thread.sleep(
                        ASK_AGAIN_AFTER.plusMillis(ThreadLocalRandom.current().nextInt(1000)));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new PipelineAbortedException();
            }
        }
    }

    private static RepositoryLock take(Repository repository, Mac name, boolean isExclusive) throws IOException {
        Storage storage = repository.storage();
        Instant now = Instant.now();
        RepositoryLock lock = new RepositoryLock(repository, name, isExclusive, now);
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
        } else if (isExclusive || record.exclusive()) {
            throw new RepositoryLockedException(
                    "the store " + storage.location() + " is locked by "
                            + (record.exclusive() ? "maintenance" : "a backup or removal") + " on "
                            + record.hostname() + " since " + record.timestamp()
                            + "; try again when it is done (a lock left by a dead process expires ten minutes after that time)");
        }
    }

    private MemorySegment encode(Arena arena, Instant now) {
        return repository.encodeLock(new LockRecord(now, repository.hostname(), isExclusive), arena);
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
