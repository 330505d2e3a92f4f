// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.query.SnapshotFilter;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.RepositoryLock;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** {@code rm}: removes snapshots. */
final class RmCommand implements Command {
    @Override
    public String usage() {
        return "rm [-apply] [FILTER...] [ID...]";
    }

    @Override
    public String description() {
        return """
            Lists the snapshots that filters and ids select together; with -apply, removes
            them. An empty, unknown or ambiguous id is an error, and nothing is removed.
            Their data stays in the store until maintenance finds that nothing needs it.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("apply", "remove, and not only list");
        FilterFlags.declare(flags);
    }

    @Override
    public String interrupted() {
        return "interrupted; the snapshots said to be removed are, the others are not";
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        Report report = session.report();
        SnapshotFilter filter = FilterFlags.of(arguments, report);
        if (arguments.words().isEmpty() && filter.isEmpty()) {
            throw CommandException.usage("no filter specified, not going to remove everything");
        }
        for (String word : arguments.words()) {
            if (word.isEmpty()) {
                throw CommandException.usage("an empty snapshot id: nothing was removed");
            }
            if (word.contains(":") || word.contains("/")) {
                throw CommandException.usage("rm takes whole snapshots, not " + word);
            }
        }
        try (Repository repository = session.open()) {
            if (!arguments.is("apply")) {
                repository.refresh();
                List<SnapshotHeader> selected = select(repository, arguments, filter, report);
                if (!selected.isEmpty()) {
                    plan(selected, report);
                }
                return ExitCode.OK;
            }
            if (!repository.storage().isWritable()) {
                throw new CommandException(
                        ExitCode.ERROR,
                        "storage is not writable: " + repository.storage().location());
            }
            boolean isLockless = session.surroundings().variable("LOCKLESS") != null;
            RepositoryLock lock = isLockless
                    ? null
                    : RepositoryLock.shared(repository, repository.random().nextMac());
            try {
                repository.refresh();
                remove(repository, select(repository, arguments, filter, report), report);
            } finally {
                if (lock != null) {
                    lock.close();
                }
            }
            return ExitCode.OK;
        }
    }

    private static List<SnapshotHeader> select(
            Repository repository, Flags.Arguments arguments, SnapshotFilter filter, Report report) {
        Snapshots snapshots = new Snapshots(repository, report);
        Set<Mac> ids = new LinkedHashSet<>();
        for (String word : arguments.words()) {
            ids.add(snapshots.find(word).identifier());
        }
        List<SnapshotHeader> selected = snapshots.matching(filter).stream()
                .filter(header -> ids.isEmpty() || ids.contains(header.identifier()))
                .toList();
        if (selected.isEmpty()) {
            report.info("rm: no snapshots matched the selection");
        }
        return selected;
    }

    private static void plan(List<SnapshotHeader> selected, Report report) {
        report.result(
                "rm: would remove these " + selected.size() + " snapshot(s), run with -apply to proceed",
                "rm.plan",
                "count",
                selected.size());
        selected.forEach(header -> Snapshots.print(report, header, false, true));
    }

    private static void remove(Repository repository, List<SnapshotHeader> selected, Report report) throws IOException {
        for (SnapshotHeader header : selected) {
            if (Thread.currentThread().isInterrupted()) {
                throw new java.io.InterruptedIOException("interrupted");
            }
            repository.removeSnapshot(header.identifier());
            report.info("rm: removal of " + header.identifier().shortHex() + " completed successfully");
        }
    }
}
