// SPDX-License-Identifier: ISC
package dev.armoire.engine.restore;

import java.util.function.LongSupplier;

/** Told how a restore goes on; paths are those in the snapshot. Called from many threads at once; must be quick. */
public interface RestoreEvents {
    /** What a restore does to the target. */
    enum Change {
        WRITE,
        OVERWRITE,
        DELETE
    }

    void done(byte[] path);

    /**
     * An item is not in the target.
     *
     * @param isDamage true when the store has lost or damaged it, false when the target could not take it
     */
    void failed(byte[] path, String reason, boolean isDamage);

    /** An item is in the target, but something of its metadata is not: {@code owner 0:0: operation not permitted}. */
    void lost(byte[] path, String what);

    /** Something was removed from the target, which the snapshot would have at this path. */
    default void deleted(byte[] path) {}

    /** The work begins. {@code writtenBytes} says at any time, to any thread, how much file content was written. */
    default void progress(LongSupplier writtenBytes) {}

    /** What would be done, when nothing is. */
    default void planned(byte[] path, Change change) {}

    /** Something that the user should know and that is no error. */
    default void notice(String text) {}
}
