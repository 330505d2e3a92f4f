// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.engine.backup.BackupResult;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.sync.SyncEvents;
import org.jspecify.annotations.Nullable;

/** Counts what a synchronization does, for a view of it, and hands on what it tells. */
final class SyncProgress implements SyncEvents {
    private final SyncEvents next;
    private final Session session;
    private final long wanted;
    private volatile String current = "";
    private volatile long begun;
    private volatile long failed;

    SyncProgress(SyncEvents next, Session session, long wanted) {
        this.next = next;
        this.session = session;
        this.wanted = wanted;
    }

    void showOn(@Nullable LiveView view) {
        if (view != null) {
            view.follow(this::figures);
        }
    }

    private LiveView.Figures figures() {
        long bytes = session.bytesRead() + session.bytesWritten();
        String note = begun == 0 ? "looking for what is missing" : "snapshot " + begun + " of at most " + wanted;
        return new LiveView.Figures(current, "", -1, 0, bytes, 0, bytes, note, failed);
    }

    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread tells, another one looks
    public void started(SnapshotHeader snapshot) {
        current = snapshot.identifier().shortHex();
        begun++;
        next.started(snapshot);
    }

    @Override
    public void done(SnapshotHeader snapshot, BackupResult result) {
        next.done(snapshot, result);
    }

    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread tells, another one looks
    public void failed(SnapshotHeader snapshot, String reason, boolean isDamage) {
        failed++;
        next.failed(snapshot, reason, isDamage);
    }

    @Override
    public void notice(String text) {
        next.notice(text);
    }
}
