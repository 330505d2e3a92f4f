// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.engine.history.FileUsage;
import dev.armoire.engine.history.StoreUsage;
import dev.armoire.engine.query.SnapshotQuery;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.Summary;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.util.List;
import java.util.Locale;

/** {@code du}: what snapshots, folders and types take in the store, alone and together. */
final class DuCommand implements Command {
    private boolean isDamaged;

    @Override
    public String usage() {
        return "du [FILTER...] | du [-by-type] ID[:PATH]";
    }

    @Override
    public String description() {
        return """
            Without an ID: for each snapshot its size as files, what it needs in the store,
            and how much of that it needs alone (what removing it would give back) or shares
            with other snapshots. With an ID the same for each file and folder directly in
            PATH, or with -by-type for each type of file below it: unique is then what
            neither another line nor another snapshot needs. Sizes in the store are those of
            compressed and encrypted blobs.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("by-type", "by type of content instead of by folder");
        FilterFlags.declareQuery(flags);
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        Report report = session.report();
        List<String> words = arguments.words();
        if (words.size() > 1) {
            throw CommandException.usage("du takes one ID[:PATH]");
        }
        SnapshotQuery query = FilterFlags.query(arguments, report);
        if (!words.isEmpty() && !query.isEmpty()) {
            throw CommandException.usage("du takes an ID[:PATH] or filters, not both");
        }
        if (words.isEmpty() && arguments.is("by-type")) {
            throw CommandException.usage("du -by-type needs an ID[:PATH]");
        }
        try (Repository repository = session.openForReading()) {
            Snapshots snapshots = new Snapshots(repository, report);
            if (words.isEmpty()) {
                snapshots(repository, snapshots, query, report);
            } else {
                files(
                        repository,
                        snapshots,
                        Snapshots.Name.parse(words.getFirst()),
                        arguments.is("by-type") ? FileUsage.Grouping.TYPE : FileUsage.Grouping.FOLDER,
                        report);
            }
            isDamaged |= snapshots.isDamaged();
        }
        return isDamaged ? ExitCode.DAMAGE : session.exitCode(ExitCode.OK);
    }

    private void damaged(SnapshotHeader header, CorruptDataException problem, Report report) {
        isDamaged = true;
        report.error("snapshot " + header.identifier().shortHex() + ": " + problem.getMessage());
    }

    /** Bytes of the files of a snapshot. */
    static long logicalBytes(SnapshotHeader header) {
        Summary summary = header.source().summary();
        return summary.directory().size + summary.below().size;
    }

    private void snapshots(Repository repository, Snapshots snapshots, SnapshotQuery query, Report report) {
        List<SnapshotHeader> shown = snapshots.matching(query);
        // What a snapshot shares depends on all of them, whichever are shown.
        List<StoreUsage.Usage> usages =
                StoreUsage.of(repository, snapshots.all(), true, (header, problem) -> damaged(header, problem, report));
        head(
                report,
                String.format(
                        Locale.ROOT,
                        "%-20s %-8s %10s %10s %10s %10s %s",
                        "TIME",
                        "SNAPSHOT",
                        "FILES",
                        "STORED",
                        "UNIQUE",
                        "SHARED",
                        "ROOT"));
        for (StoreUsage.Usage usage : usages.reversed()) {
            SnapshotHeader header = usage.header();
            if (!shown.contains(header)) {
                continue;
            }
            long logical = logicalBytes(header);
            report.result(
                    String.format(
                            Locale.ROOT,
                            "%-20s %-8s %10s %10s %10s %10s %s",
                            GoFormat.time(header.timestamp()),
                            header.identifier().shortHex(),
                            GoFormat.bytes(logical),
                            GoFormat.bytes(usage.storedBytes()),
                            GoFormat.bytes(usage.uniqueBytes()),
                            GoFormat.bytes(usage.sharedBytes()),
                            SnapshotPath.display(header.source().directory())),
                    "du.snapshot",
                    "snapshot",
                    header.identifier().hex(),
                    "timestamp",
                    header.timestamp(),
                    "root",
                    header.source().directory(),
                    "logical_bytes",
                    logical,
                    "stored_bytes",
                    usage.storedBytes(),
                    "unique_bytes",
                    usage.uniqueBytes(),
                    "shared_bytes",
                    usage.sharedBytes());
        }
    }

    private void files(
            Repository repository,
            Snapshots snapshots,
            Snapshots.Name name,
            FileUsage.Grouping grouping,
            Report report) {
        SnapshotHeader header = snapshots.find(name);
        Entry start;
        try (BlobReader reader = repository.newReader()) {
            start = FileWalk.start(Snapshot.of(header, reader), name);
        }
        List<SnapshotHeader> others = snapshots.all().stream()
                .filter(other -> !other.identifier().equals(header.identifier()))
                .toList();
        List<FileUsage.Group> groups = FileUsage.of(
                repository, header, start, grouping, others, (where, problem) -> damaged(where, problem, report));
        boolean isByType = grouping == FileUsage.Grouping.TYPE;
        head(
                report,
                String.format(
                        Locale.ROOT,
                        "%9s %10s %10s %10s %10s %s",
                        "FILES",
                        "SIZE",
                        "STORED",
                        "UNIQUE",
                        "SHARED",
                        isByType ? "TYPE" : "PATH"));
        for (FileUsage.Group group : groups) {
            report.result(
                    String.format(
                            Locale.ROOT,
                            "%9d %10s %10s %10s %10s %s",
                            group.files(),
                            GoFormat.bytes(group.logicalBytes()),
                            GoFormat.bytes(group.storedBytes()),
                            GoFormat.bytes(group.uniqueBytes()),
                            GoFormat.bytes(group.sharedBytes()),
                            isByType
                                    ? SnapshotPath.display(SnapshotPath.of(group.name()))
                                    : SnapshotPath.display(group.path())),
                    isByType ? "du.type" : "du.path",
                    "snapshot",
                    header.identifier().hex(),
                    isByType ? "content_type" : "path",
                    isByType ? group.name() : group.path(),
                    "files",
                    group.files(),
                    "logical_bytes",
                    group.logicalBytes(),
                    "stored_bytes",
                    group.storedBytes(),
                    "unique_bytes",
                    group.uniqueBytes(),
                    "shared_bytes",
                    group.sharedBytes());
        }
    }

    /** What the columns are; in JSON their names say so. */
    private static void head(Report report, String names) {
        if (!report.isJson()) {
            report.result(names, "head");
        }
    }
}
