// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.InterruptedIOException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Lets so many bytes pass in a second, of all threads together. One that takes many waits until all of them are due, so that
 * whatever is taken never comes to more than was allowed since the bucket was made.
 */
final class TokenBucket {
    private static final double NANOS_PER_SECOND = 1e9;

    private final long bytesPerSecond;
    /** When all that was taken so far is due. */
    private long due = System.nanoTime();

    TokenBucket(long bytesPerSecond) {
        this.bytesPerSecond = bytesPerSecond;
    }

    /** Of a flag's value such as {@code 500K}; null for none. */
    static @Nullable TokenBucket parse(String flag, @Nullable String value) {
        if (value == null) {
            return null;
        }
        // Without a unit some would mean bytes, and those who come from other programs KiB.
        if (!value.matches("[0-9]{1,6}[KkMmGg]")) {
            throw CommandException.usage("invalid -" + flag + " value \"" + value
                    + "\": bytes a second with their unit are wanted, such as 500K or 2M");
        }
        int shift = 10 * ("KMG".indexOf(Character.toUpperCase(value.charAt(value.length() - 1))) + 1);
        long rate = Long.parseLong(value.substring(0, value.length() - 1)) << shift;
        if (rate == 0) {
            throw CommandException.usage("invalid -" + flag + " value \"" + value + "\": nothing would ever pass");
        }
        return new TokenBucket(rate);
    }

    /** Waits until so many bytes may pass. */
    void take(long bytes) throws InterruptedIOException {
        long until;
        synchronized (this) {
            long now = System.nanoTime();
            long from = due - now > 0 ? due : now;
            until = from + (long) (bytes * NANOS_PER_SECOND / bytesPerSecond);
            due = until;
        }
        try {
            for (long left = until - System.nanoTime(); left > 0; left = until - System.nanoTime()) {
                TimeUnit.NANOSECONDS.sleep(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }
}
