// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.RepositoryLock;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.List;
import java.util.function.Function;

/** Removes snapshots, for the commands that choose them. */
final class Removal {
    private Removal() {}

    /**
     * Chooses under a shared lock, so that no maintenance comes between the look at the snapshots and their removal, and
     * removes what was chosen, one after the other.
     *
     * @param repository from {@link Session#openForWriting}
     * @param command who removes, for what is said of each
     */
    static void apply(Session session, Repository repository, String command, Function<Snapshots, List<Mac>> choose)
            throws IOException {
        RepositoryLock lock = session.isLockless()
                ? null
                : RepositoryLock.shared(repository, repository.random().nextMac());
        try {
            repository.refresh();
            for (Mac id : choose.apply(new Snapshots(repository, session.report()))) {
                if (Thread.currentThread().isInterrupted()) {
                    throw new InterruptedIOException("interrupted");
                }
                if (lock != null) {
                    lock.verifyStillThere();
                }
                repository.removeSnapshot(id);
                session.report().info(command + ": removal of " + id.shortHex() + " completed successfully");
            }
        } finally {
            if (lock != null) {
                lock.close();
            }
        }
    }
}
