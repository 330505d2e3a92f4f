// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import java.io.IOException;
import java.io.Serial;

/** A failure that may be gone a moment later. Its message says what the peer did: {@code example.org answered ...}. */
final class TryAgain extends IOException {
    @Serial
    private static final long serialVersionUID = 1;

    private final long waitSeconds;
    private final boolean isUnreachable;

    private TryAgain(
            String message,
            @org.jspecify.annotations.Nullable Throwable cause,
            long waitSeconds,
            boolean isUnreachable) {
        super(message, cause);
        this.waitSeconds = waitSeconds;
        this.isUnreachable = isUnreachable;
    }

    static TryAgain broken(String message, Throwable cause) {
        return new TryAgain(message, cause, 0, false);
    }

    /** Nobody answers there at all. */
    static TryAgain unreachable(String message, Throwable cause) {
        return new TryAgain(message, cause, 0, true);
    }

    /** @param waitSeconds how long the server wants to be left alone, or 0 */
    static TryAgain overloaded(String message, long waitSeconds) {
        return new TryAgain(message, null, waitSeconds, false);
    }

    long waitSeconds() {
        return waitSeconds;
    }

    boolean isUnreachable() {
        return isUnreachable;
    }
}
