// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.CorruptDataException;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Tells what is damaged from what cannot be read, and a store of which some cannot be read from one that is out of reach, with the
 * server or the mount that it is on: then a check ends, as nothing that it could say of the store would be true. Thread-safe.
 */
final class Reach {
    private static final long LOOK_AGAIN_NANOS = Duration.ofSeconds(1).toNanos();

    private final Storage storage;
    private final LongAdder unreadable = new LongAdder();
    private volatile boolean hasDamage;
    private volatile boolean hasDoubts;
    private boolean hasLooked;
    private long lookedNanos;
    private @Nullable IOException lost;

    Reach(Storage storage) {
        this.storage = storage;
    }

    /**
     * Takes note of why something is not well.
     *
     * @throws UncheckedIOException when the store as a whole cannot be read any more
     */
    void failed(Exception problem) {
        Throwable cause = problem instanceof UncheckedIOException || problem instanceof CorruptDataException
                ? problem.getCause()
                : problem;
        boolean isMissing = cause instanceof NoSuchFileException;
        boolean isDamage = problem instanceof CorruptDataException || cause instanceof EOFException;
        if (isMissing || isDamage) {
            damaged();
        } else {
            unreadable.increment();
        }
        if (isMissing || !isDamage) {
            hasDoubts = true;
            look(false);
        }
    }

    /** Takes note of damage that was read. */
    void damaged() {
        hasDamage = true;
    }

    /** Whether something was met that may be the fault of the way to the store: look again at the end. */
    boolean hasDoubts() {
        return hasDoubts;
    }

    /**
     * Makes sure that the store can be reached now.
     *
     * @throws UncheckedIOException when it cannot
     */
    void confirm() {
        look(true);
    }

    /** Where CONFIG can be read, the rest should be, too. */
    private synchronized void look(boolean isAgain) {
        long now = System.nanoTime();
        if (lost == null && (isAgain || !hasLooked || now - lookedNanos > LOOK_AGAIN_NANOS)) {
            try (Arena arena = Arena.ofConfined()) {
                storage.readConfig(arena);
            } catch (IOException e) {
                lost = new IOException(
                        storage.location() + " cannot be read any more (" + e.getMessage()
                                + "): this says nothing about what is stored there; check it again when it can be reached",
                        e);
            }
            hasLooked = true;
            lookedNanos = System.nanoTime();
        }
        if (lost != null) {
            throw new UncheckedIOException(lost);
        }
    }

    /** Whether some could not be read, and no damage was met in the rest. */
    boolean isOnlyUnreadable() {
        return unreadable.sum() > 0 && !hasDamage;
    }
}
