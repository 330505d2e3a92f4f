// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import dev.armoire.crypto.Mac;
import java.util.function.Supplier;

/** Told how a backup goes on. Called from many threads at once; must be quick. */
public interface BackupEvents {
    /** The snapshot's identifier is chosen; first of all calls. */
    void started(Mac snapshot);

    /** An item at or below a source root is in the snapshot. */
    void done(byte[] path);

    /** An item could not be read, wholly or in part. */
    void failed(byte[] path, String reason);

    /** The work begins. {@code now} says at any time, to any thread, how far it is; asking costs little. */
    default void progress(Supplier<BackupProgress> now) {}

    /** Something that the user should know and that is no error. */
    void notice(String text);
}
