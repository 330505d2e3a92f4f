// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.query.SnapshotFilter;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.Repository;
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
        }
        Snapshots.requireWhole("rm", arguments.words());
        try (Repository repository = arguments.is("apply") ? session.openForWriting() : session.open()) {
            if (!arguments.is("apply")) {
                repository.refresh();
                Snapshots snapshots = new Snapshots(repository, report);
                List<Mac> selected = select(snapshots, arguments, filter, report);
                if (!selected.isEmpty()) {
                    plan(selected, snapshots, report);
                }
                return ExitCode.OK;
            }
            Removal.apply(session, repository, "rm", snapshots -> select(snapshots, arguments, filter, report));
            return ExitCode.OK;
        }
    }

    /** What filters and ids select together. With ids alone, a snapshot that cannot be read can be removed, too. */
    private static List<Mac> select(
            Snapshots snapshots, Flags.Arguments arguments, SnapshotFilter filter, Report report) {
        Set<Mac> selected = new LinkedHashSet<>();
        for (String word : arguments.words()) {
            selected.add(snapshots.resolve(word));
        }
        if (!filter.isEmpty()) {
            List<Mac> matching = snapshots.matching(filter).stream()
                    .map(SnapshotHeader::identifier)
                    .toList();
            if (arguments.words().isEmpty()) {
                selected.addAll(matching);
            } else {
                selected.retainAll(matching);
            }
        }
        if (selected.isEmpty()) {
            report.info("rm: no snapshots matched the selection");
        }
        return List.copyOf(selected);
    }

    private static void plan(List<Mac> selected, Snapshots snapshots, Report report) {
        report.result(
                "rm: would remove these " + selected.size() + " snapshot(s), run with -apply to proceed",
                "rm.plan",
                "count",
                selected.size());
        Set<Mac> unread = new LinkedHashSet<>(selected);
        for (SnapshotHeader header : snapshots.all()) {
            if (unread.remove(header.identifier())) {
                Snapshots.print(report, header, false, true);
            }
        }
        for (Mac id : unread) {
            report.result(id.shortHex() + " (cannot be read)", "snapshot", "snapshot", id.hex());
        }
    }
}
