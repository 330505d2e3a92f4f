// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.crypto.Mac;
import java.util.function.LongSupplier;

/** Told how a check goes on; paths are those in the snapshot. Called from many threads at once; must be quick. */
public interface CheckEvents {
    /** Whether {@link #done} is of use; if not, a target that was found well in an earlier snapshot is not gone through again. */
    default boolean wantsItems() {
        return true;
    }

    /** An item is well: its entry, its content, its attributes, and for a directory its listing. */
    void done(Mac snapshot, byte[] path);

    /** An item is not well. Once for each item, with all that was found: {@code chunk 0 at 0-8: MAC mismatch, ...}. */
    void failed(Mac snapshot, byte[] path, String reason);

    /** A packfile is damaged or missing, whoever may need it. */
    void storeProblem(String object, String reason);

    /** Packfiles begin to be read. {@code read} says at any time, to any thread, how many of them were. */
    default void reading(LongSupplier read, long packfiles) {}

    /**
     * A target is finished.
     *
     * @param errors calls of {@link #failed} for it
     * @param bytesRead bytes fetched from the storage for it
     */
    void snapshotDone(Mac snapshot, long errors, long bytesRead, long nanos);

    /** Something that the user should know and that is no damage. */
    void notice(String text);
}
