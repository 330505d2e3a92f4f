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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A lock in the store (format 1 §11), refreshed in the background until closed. A shared lock lets other shared ones in and
 * keeps maintenance out; an exclusive one is alone. Plakar honours ours and we honour Plakar's.
 *
 * <p>A lock that was not refreshed for ten minutes is that of a dead process. By the clock of this machine alone that is certain
 * only of locks of this machine; one of another machine is dead when it is ten minutes older than clocks may differ, or when it
 * was watched for ten minutes and did not change.
 */
public final class RepositoryLock implements AutoCloseable {
    private static final Duration STALE_AFTER = Duration.ofMinutes(10);
    /** The clocks of two machines may differ by so much without harm. */
    public static final Duration CLOCK_SKEW = Duration.ofHours(1);

    private static final Duration REFRESH_EVERY = Duration.ofMinutes(4);
    private static final Duration ASK_AGAIN_AFTER = Duration.ofSeconds(1);

    private final Repository repository;
    private final Mac name;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final Thread refresher;
    private volatile Instant lastRefresh;
    /** The same moment by a clock that nobody sets; it may stand still while the machine sleeps. */
    private volatile long lastRefreshNanos = System.nanoTime();

    private volatile boolean isTakenAway;

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
        return take(repository, name, false, new Watch());
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
        long begun = System.nanoTime();
        String told = "";
        Watch watch = new Watch();
        while (true) {
            try {
                return take(repository, repository.random().nextMac(), true, watch);
            } catch (RepositoryLockedException e) {
                if (System.nanoTime() - begun >= patience.toNanos()) {
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

    /** What was seen of others' locks since we began to wait. For one thread. */
    static final class Watch {
        private final Map<Mac, Seen> seen = new HashMap<>();

        private record Seen(Instant timestamp, long nanos) {}

        /** How long a lock has not been refreshed before our eyes. */
        Duration unchanged(Mac lock, Instant timestamp, long nowNanos) {
            Seen first = seen.get(lock);
            if (first == null || !first.timestamp.equals(timestamp)) {
                seen.put(lock, new Seen(timestamp, nowNanos));
                return Duration.ZERO;
            }
            return Duration.ofNanos(nowNanos - first.nanos);
        }
    }

    /** Whether a lock is that of a dead process. */
    static boolean isDead(LockRecord lock, String ownHost, Instant now, Duration unchanged) {
        Duration age = Duration.between(lock.timestamp(), now);
        boolean isOurClock = lock.hostname().equals(ownHost);
        return age.compareTo(isOurClock ? STALE_AFTER : STALE_AFTER.plus(CLOCK_SKEW)) >= 0
                || unchanged.compareTo(STALE_AFTER) >= 0;
    }

    private static RepositoryLock take(Repository repository, Mac name, boolean isExclusive, Watch watch)
            throws IOException {
        Storage storage = repository.storage();
        Instant now = Instant.now();
        RepositoryLock lock = new RepositoryLock(repository, name, isExclusive, now);
        try (Arena arena = Arena.ofConfined()) {
            storage.write(ObjectKind.LOCK, name, List.of(lock.encode(arena, now)));
        }
        try {
            for (Mac other : storage.list(ObjectKind.LOCK)) {
                if (!other.equals(name)) {
                    lock.consider(other, now, watch);
                }
            }
        } catch (IOException | RuntimeException e) {
            try {
                storage.delete(ObjectKind.LOCK, name);
            } catch (IOException again) {
                // Who cannot take back a lock must not put another one, as it would wait for itself.
                again.addSuppressed(e);
                throw again;
            }
            throw e;
        }
        lock.refresher.start();
        return lock;
    }

    private void consider(Mac other, Instant now, Watch watch) throws IOException {
        LockRecord record;
        Storage storage = repository.storage();
        try {
            record = repository.readLock(other);
        } catch (NoSuchFileException e) {
            return; // released while we looked
        } catch (CorruptDataException e) {
            throw new CorruptDataException(
                    "lock " + other.shortHex() + " cannot be read (" + e.getMessage()
                            + "); if no other program works on " + storage.location() + ", remove locks/" + other.hex(),
                    e);
        }
        Duration unchanged = watch.unchanged(other, record.timestamp(), System.nanoTime());
        String who = (record.exclusive() ? "maintenance" : "a backup or removal") + " on " + record.hostname();
        if (isDead(record, repository.hostname(), now, unchanged)) {
            storage.delete(ObjectKind.LOCK, other);
            if (!record.hostname().equals(repository.hostname())) {
                repository.notice("removed a lock that " + who + " left and did not refresh since " + record.timestamp()
                        + " by its clock; if that still runs, one of the two clocks is wrong by more than an hour, and it will"
                        + " not commit");
            }
        } else if (isExclusive || record.exclusive()) {
            throw new RepositoryLockedException("the store " + storage.location() + " is locked by " + who + " since "
                    + record.timestamp() + advice(record, now));
        } else if (record.timestamp().isAfter(now.plus(CLOCK_SKEW))) {
            repository.notice("a lock of " + who + " is of " + record.timestamp() + advice(record, now));
        }
    }

    private String advice(LockRecord record, Instant now) {
        if (record.timestamp().isAfter(now.plus(CLOCK_SKEW))) {
            return ", which is not yet by the clock of this machine: put the clocks right, as they may differ by an hour"
                    + " at most";
        }
        return record.hostname().equals(repository.hostname())
                ? "; try again when it is done (a lock left by a dead process expires ten minutes after that time)"
                : "; try again when it is done (a lock left by a dead process on another machine, whose clock may differ,"
                        + " expires 70 minutes after that time, or after ten minutes of waiting for it, as maintenance does)";
    }

    private MemorySegment encode(Arena arena, Instant now) {
        return repository.encodeLock(new LockRecord(now, repository.hostname(), isExclusive), arena);
    }

    private void refresh() {
        while (!closed.get() && !isTakenAway) {
            try {
                Thread.sleep(REFRESH_EVERY);
            } catch (InterruptedException e) {
                return;
            }
            refreshOnce();
        }
    }

    /** One that somebody took away is not put back: what it kept out may have come and gone meanwhile. */
    void refreshOnce() {
        try (Arena arena = Arena.ofConfined()) {
            Instant now = Instant.now();
            repository.storage().size(ObjectKind.LOCK, name);
            repository.storage().refreshLock(name, encode(arena, now));
            lastRefresh = now;
            lastRefreshNanos = System.nanoTime();
        } catch (NoSuchFileException e) {
            isTakenAway = true;
        } catch (IOException | RuntimeException e) {
            // Tried again at the next turn; verifyHeld stops the work before anyone may take the lock for stale.
        }
    }

    /**
     * Makes sure that no other process may think this lock is dead.
     *
     * @throws RepositoryLockedException when it could not be refreshed in time
     */
    public void verifyHeld() {
        if (isTakenAway) {
            throw takenAway();
        }
        // By both clocks: one may be set back, the other may have slept.
        if (Duration.between(lastRefresh, Instant.now()).compareTo(STALE_AFTER) >= 0
                || Duration.ofNanos(System.nanoTime() - lastRefreshNanos).compareTo(STALE_AFTER) >= 0) {
            throw new RepositoryLockedException(
                    "the lock on " + repository.storage().location()
                            + " could not be refreshed since " + lastRefresh
                            + ", and maintenance may have begun; nothing was committed, run the command again");
        }
    }

    /**
     * Makes sure that the lock is still in the store, before what it protects is committed: another machine, whose clock is
     * far ahead, may have taken it for that of a dead process.
     *
     * @throws RepositoryLockedException when it is not
     */
    public void verifyStillThere() throws IOException {
        verifyHeld();
        try {
            repository.storage().size(ObjectKind.LOCK, name);
        } catch (NoSuchFileException e) {
            throw takenAway();
        }
    }

    private RepositoryLockedException takenAway() {
        return new RepositoryLockedException(
                "the lock on " + repository.storage().location()
                        + " was taken away by somebody else, perhaps by a machine whose clock is more than an hour ahead of this one's;"
                        + " nothing was committed, run the command again");
    }

    /**
     * Removes the lock, and returns when it is gone, even if the thread is interrupted: others wait for it. One that cannot be removed
     * is told as a notice: it is a nuisance for ten minutes, and must not hide how the work went.
     */
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
            repository.notice(
                    "the lock of this run could not be removed, it expires in ten minutes: " + e.getMessage());
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
