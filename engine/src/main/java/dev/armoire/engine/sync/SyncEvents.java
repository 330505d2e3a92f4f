// SPDX-License-Identifier: ISC
package dev.armoire.engine.sync;

import dev.armoire.engine.backup.BackupResult;
import dev.armoire.engine.record.SnapshotHeader;

/** Told how a synchronization goes on. */
public interface SyncEvents {
    /** A snapshot begins to travel. */
    void started(SnapshotHeader snapshot);

    /** It has arrived. */
    void done(SnapshotHeader snapshot, BackupResult result);

    /** It has not, and nothing of it is visible there. */
    void failed(SnapshotHeader snapshot, String reason, boolean isDamage);

    /** Something that the user should know and that is no error. */
    void notice(String text);
}
