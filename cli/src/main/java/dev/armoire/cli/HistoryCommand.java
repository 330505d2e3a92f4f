// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.history.FileHistory;
import dev.armoire.engine.query.SnapshotQuery;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.search.SearchIndex;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** {@code history}: the versions of a file over all snapshots. */
final class HistoryCommand implements Command {
    private static final int SHOWN_DIGITS = 16;

    private boolean isDamaged;

    @Override
    public String usage() {
        return "history [-content] [FILTER...] PATH...";
    }

    @Override
    public String description() {
        return """
            Prints each version of a file or folder, the newest first: since when and in
            which snapshot, in how many, its size, its time, the identity of its content
            (of a folder: of the list of what is directly in it), and what has changed.
            The same content has the same identity everywhere in a store. A PATH that does
            not begin with a slash is below the root of each snapshot.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("content", "a change of mode, owner, time or attributes alone is no version");
        FilterFlags.declareQuery(flags);
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        Report report = session.report();
        if (arguments.words().isEmpty()) {
            throw CommandException.usage("history needs a path");
        }
        SnapshotQuery query = FilterFlags.query(arguments, report);
        boolean isMissing = false;
        try (Repository repository = session.openForReading();
                BlobReader reader = repository.newReader();
                SearchIndex index = SearchIndex.open(repository)) {
            Snapshots snapshots = new Snapshots(repository, report);
            FileHistory history = new FileHistory(
                    reader,
                    (header, problem) -> {
                        isDamaged = true;
                        report.error("snapshot " + header.identifier().shortHex() + ": " + problem.getMessage());
                    },
                    arguments.is("content"),
                    index);
            for (String word : arguments.words()) {
                if (word.isEmpty()) {
                    throw CommandException.usage("history: an empty path");
                }
                List<FileHistory.Version> versions = history.of(SnapshotPath.of(word), snapshots.matching(query));
                versions.forEach(version -> print(version, report));
                if (versions.isEmpty()) {
                    isMissing = true;
                    report.error(
                            "history: " + word + ": no snapshot has it; `armoire locate NAME` finds where a name is");
                }
            }
            isDamaged |= snapshots.isDamaged();
        }
        return isDamaged ? ExitCode.DAMAGE : session.exitCode(isMissing ? ExitCode.ERROR : ExitCode.OK);
    }

    private static void print(FileHistory.Version version, Report report) {
        Entry entry = version.entry();
        Mac content = version.content();
        List<String> changes = version.changes().stream()
                .map(change -> change.name().toLowerCase(Locale.ROOT))
                .toList();
        Instant mtime = entry == null
                ? null
                : Instant.ofEpochSecond(
                        entry.info().mtimeSeconds(), entry.info().mtimeNanos());
        String line = String.format(
                Locale.ROOT,
                "%s %5d %10s %20s %16s %s %s:%s",
                GoFormat.time(version.first().timestamp()),
                version.snapshots(),
                entry == null || !entry.isRegular()
                        ? "-"
                        : GoFormat.bytes(entry.info().size()),
                mtime == null ? "-" : GoFormat.time(mtime),
                content == null ? "-" : content.hex().substring(0, SHOWN_DIGITS),
                changes.stream().collect(Collectors.joining(",")),
                version.first().identifier().shortHex(),
                SnapshotPath.display(version.path()));
        report.result(
                line,
                "history",
                "path",
                version.path(),
                "snapshot",
                version.first().identifier().hex(),
                "timestamp",
                version.first().timestamp(),
                "last_snapshot",
                version.last().identifier().hex(),
                "last_timestamp",
                version.last().timestamp(),
                "snapshots",
                version.snapshots(),
                "origin",
                version.first().source().origin(),
                "changes",
                changes,
                "mode",
                entry == null ? null : GoFormat.mode(entry.info().mode()),
                "mtime",
                mtime,
                "size",
                entry == null ? null : entry.info().size(),
                "content",
                content == null ? null : content.hex());
    }
}
