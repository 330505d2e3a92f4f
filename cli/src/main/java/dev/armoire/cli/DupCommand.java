// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.RepositoryLock;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.engine.sync.Duplicate;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.LinkedHashSet;
import java.util.Set;

/** {@code dup}: copies snapshots within the store. */
final class DupCommand implements Command {
    @Override
    public String usage() {
        return "dup ID...";
    }

    @Override
    public String description() {
        return """
            Copies snapshots within the store: the same data under a new id and the present
            time, with name and tags kept. That costs a few kilobytes. If one of the ids is
            unknown, nothing is copied.""";
    }

    @Override
    public void declare(Flags flags) {}

    @Override
    public String interrupted() {
        return "interrupted; the copies said to be made are, the others are not";
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        if (arguments.words().isEmpty()) {
            throw CommandException.usage("dup needs the id of a snapshot");
        }
        Snapshots.requireWhole("dup", arguments.words());
        Report report = session.report();
        try (Repository repository = session.openForWriting()) {
            RepositoryLock lock = session.isLockless()
                    ? null
                    : RepositoryLock.shared(repository, repository.random().nextMac());
            try {
                repository.refresh();
                Snapshots snapshots = new Snapshots(repository, report);
                Set<Mac> ids = new LinkedHashSet<>();
                for (String word : arguments.words()) {
                    ids.add(snapshots.resolve(word));
                }
                try (BlobReader reader = repository.newReader()) {
                    for (Mac id : ids) {
                        if (Thread.currentThread().isInterrupted()) {
                            throw new InterruptedIOException("interrupted");
                        }
                        SnapshotHeader copy = Duplicate.of(repository, Snapshot.header(reader, id));
                        report.result(
                                id.shortHex() + " -> " + copy.identifier().shortHex(),
                                "dup.done",
                                "from",
                                id.hex(),
                                "to",
                                copy.identifier().hex());
                    }
                }
            } finally {
                if (lock != null) {
                    lock.close();
                }
            }
        }
        return ExitCode.OK;
    }
}
