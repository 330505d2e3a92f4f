// SPDX-License-Identifier: ISC
package dev.armoire;

import java.io.IOException;

/** What a stream or channel belongs to: a file system or a store, with which it ends. */
interface Lifetime {
    /** Whether it has not ended. */
    boolean isOpen();

    /**
     * Does nothing as long as it has not ended.
     *
     * @throws IllegalStateException of the kind that fits when it has
     */
    void requireOpen();

    /** Reads something; that it may have ended meanwhile is told as by {@link #requireOpen}. */
    default <T> T reading(Failures.Work<T> work) throws IOException {
        requireOpen();
        try {
            return work.run();
        } catch (IllegalStateException e) {
            requireOpen();
            throw e;
        }
    }
}
