// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.exclude.NameGlob;
import dev.armoire.engine.query.EntryFilter;
import dev.armoire.engine.query.PathPattern;
import dev.armoire.engine.query.SnapshotQuery;
import dev.armoire.engine.query.TimeOnly;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.search.SearchIndex;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** {@code locate} and {@code find}: finds files in snapshots. */
final class LocateCommand implements Command {
    private final String word;
    private boolean isDamaged;

    /** The command under one of its names. */
    LocateCommand(String word) {
        this.word = word;
    }

    @Override
    public String usage() {
        return word + " [-snapshot ID] [-no-index] [FILTER...] [-size N] [-mtime TIME] [-mime TYPE]"
                + " [-owner USER] [-group GROUP] PATTERN...";
    }

    @Override
    public String description() {
        return """
            Finds files, folders and all else in snapshots, the newest first, and prints
            ID:PATH. A pattern is for the name; one with a slash is for the last parts of
            the path, or for all of it if it begins with a slash. * ? [a-z] match within a
            name, ** any number of folders. What snapshots hold is remembered in an index in
            the cache folder, encrypted if the store is; -no-index reads the snapshots.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.value("snapshot", "ID", "only in this snapshot")
                .value("size", "[+-]N[K|M|G|T]", "files of more than (+), less than (-) or just so many bytes")
                .value("mtime", "[+-]TIME", "changed longer ago (+) or less long ago (-) than 90m, 7d...")
                .value("mime", "TYPE", "content of this type, such as image/png or image")
                .value("owner", "USER", "owned by this user, a name or a number")
                .value("group", "GROUP", "owned by this group, a name or a number");
        flags.flag("no-index", "read the snapshots themselves, and leave the search index alone");
        FilterFlags.declareQuery(flags);
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        Report report = session.report();
        if (arguments.words().isEmpty()) {
            throw CommandException.usage(word + " needs a pattern");
        }
        List<PathPattern> patterns = patterns(arguments.words());
        EntryFilter wanted = EntryFilter.any();
        if (arguments.get("size") != null) {
            wanted = size(wanted, arguments.get("size", ""));
        }
        if (arguments.get("mtime") != null) {
            wanted = mtime(wanted, arguments.get("mtime", ""), Instant.now());
        }
        if (arguments.get("mime") != null) {
            wanted = wanted.withKind(mime(arguments.get("mime", "")));
        }
        if (arguments.get("owner") != null) {
            String owner = arguments.get("owner", "");
            wanted = wanted.withKind(entry ->
                    isCalled(owner, entry.info().username(), entry.info().uid()));
        }
        if (arguments.get("group") != null) {
            String group = arguments.get("group", "");
            wanted = wanted.withKind(entry ->
                    isCalled(group, entry.info().groupname(), entry.info().gid()));
        }
        SnapshotQuery query = FilterFlags.query(arguments, report);
        try (Repository repository = session.open();
                EarlySearch early =
                        EarlySearch.start(repository, arguments.is("no-index"), patterns, wanted, session.workers())) {
            if (query.needsTimesOnly()
                    && arguments.get("snapshot") == null
                    && printKnown(session, repository, query, early)) {
                return session.exitCode(ExitCode.OK);
            }
            repository.refresh(session::tellOfState);
            return search(session, arguments, query, patterns, wanted, repository, early);
        }
    }

    /** The general way: all that the index lacks is read. */
    private int search(
            Session session,
            Flags.Arguments arguments,
            SnapshotQuery query,
            List<PathPattern> patterns,
            EntryFilter wanted,
            Repository repository,
            EarlySearch early)
            throws IOException {
        Report report = session.report();
        SearchIndex index = early.index();
        try (BlobReader reader = repository.newReader()) {
            Snapshots snapshots = new Snapshots(repository, report);
            List<SnapshotHeader> in = new ArrayList<>();
            String only = arguments.get("snapshot");
            if (only == null) {
                in.addAll(snapshots.matching(query));
            } else {
                if (!query.isEmpty()) {
                    report.warn("snapshot specified, filters will be ignored");
                }
                if (only.contains(":") || only.contains("/") || only.isEmpty()) {
                    throw CommandException.usage("-snapshot takes the id of a snapshot, not \"" + only + "\"");
                }
                in.add(snapshots.find(Snapshots.Name.parse(only)));
            }
            SearchIndex.Results known = early.results();
            if (index != null && only == null && index.update(snapshots.all())) {
                known = index.search(patterns, wanted, session.workers());
            }
            new FileSearch(
                            reader,
                            FileSearch.matching(patterns, wanted::test),
                            (id, time, entry) -> print(id, time, entry, report),
                            (header, problem) -> {
                                isDamaged = true;
                                report.error("snapshot " + header.identifier().shortHex() + ": " + problem);
                            })
                    .search(in, known);
            isDamaged |= snapshots.isDamaged();
        }
        return isDamaged ? ExitCode.DAMAGE : session.exitCode(ExitCode.OK);
    }

    /** Prints what the index says, if it has all snapshots: without their headers, which take longer than the search. */
    private static boolean printKnown(Session session, Repository repository, SnapshotQuery query, EarlySearch early)
            throws IOException {
        List<Mac> states = repository.listStates();
        SearchIndex index = early.index();
        if (index == null) {
            return false;
        }
        List<SearchIndex.Known> snapshots = index.snapshotsOf(states);
        if (snapshots == null) {
            repository.refreshStates(session::tellOfState);
            snapshots = index.newestFirst(repository.snapshots());
            if (snapshots != null && repository.areClocksRight()) {
                index.remember(repository.states(), snapshots);
            }
        }
        SearchIndex.Results found = snapshots == null ? null : early.results();
        if (snapshots == null || found == null) {
            return false;
        }
        if (!query.isEmpty()) {
            snapshots = query.select(snapshots, snapshot -> new TimeOnly(snapshot.timestamp()), Instant.now());
        }
        Report report = session.report();
        if (report.isJson()) {
            for (SearchIndex.Known snapshot : snapshots) {
                found.forEach(snapshot.id(), entry -> print(snapshot.id(), snapshot.timestamp(), entry, report));
            }
        } else {
            FoundLines lines = new FoundLines(report);
            for (SearchIndex.Known snapshot : snapshots) {
                lines.begin(snapshot.id());
                found.forEach(snapshot.id(), lines::add);
            }
            lines.finish();
        }
        return true;
    }

    /**
     * The index of a store, opened and searched as it is, beside what the caller does to learn which snapshots there are.
     * Owns the index.
     */
    private static final class EarlySearch implements AutoCloseable {
        private final Thread thread;
        private @Nullable SearchIndex index;
        private SearchIndex.@Nullable Results results;
        private @Nullable RuntimeException failure;

        private EarlySearch(Repository repository, List<PathPattern> patterns, EntryFilter wanted, int workers) {
            thread = Thread.ofPlatform().daemon().name("search-early").unstarted(() -> {
                try {
                    SearchIndex opened = SearchIndex.open(repository);
                    index = opened;
                    results = opened == null ? null : opened.search(patterns, wanted, workers);
                } catch (RuntimeException e) {
                    failure = e;
                }
            });
        }

        static EarlySearch start(
                Repository repository,
                boolean hasNoIndex,
                List<PathPattern> patterns,
                EntryFilter wanted,
                int workers) {
            EarlySearch early = new EarlySearch(repository, patterns, wanted, workers);
            if (!hasNoIndex) {
                early.thread.start();
            }
            return early;
        }

        /** The index, which no other thread uses from now on; null when there is no cache folder. */
        @Nullable
        SearchIndex index() {
            await();
            RuntimeException thrown = failure;
            if (thrown != null) {
                throw thrown;
            }
            return index;
        }

        /** What was found, or null when the index cannot tell. */
        SearchIndex.@Nullable Results results() {
            await();
            return results;
        }

        private void await() {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new PipelineAbortedException();
            }
        }

        @Override
        public void close() {
            try {
                thread.join(); // the keys that it uses are about to be closed
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            SearchIndex opened = index;
            if (opened != null) {
                opened.close();
            }
        }
    }

    private static void print(Mac snapshot, Instant timestamp, Entry entry, Report report) {
        if (!report.isJson()) {
            report.result(FoundLines.line(snapshot, entry), "locate");
            return;
        }
        report.result(
                FoundLines.line(snapshot, entry),
                "locate",
                "snapshot",
                snapshot.hex(),
                "timestamp",
                timestamp,
                "path",
                entry.path(),
                "mode",
                GoFormat.mode(entry.info().mode()),
                "mtime",
                Instant.ofEpochSecond(entry.info().mtimeSeconds(), entry.info().mtimeNanos()),
                "size",
                entry.info().size(),
                "content_type",
                entry.contentType());
    }

    private List<PathPattern> patterns(List<String> words) {
        List<PathPattern> patterns = new ArrayList<>();
        for (String word : words) {
            if (word.isEmpty()) {
                throw CommandException.usage("an empty pattern");
            }
            try {
                patterns.add(PathPattern.parse(SnapshotPath.of(word)));
            } catch (NameGlob.SyntaxException e) {
                throw new CommandException(
                        ExitCode.ERROR, word + ": could not match pattern: \"" + word + "\" " + e.reason(), e);
            }
        }
        return patterns;
    }

    private static EntryFilter size(EntryFilter filter, String text) {
        String unsigned = unsigned(text);
        if (!unsigned.matches("[0-9]{1,15}[KkMmGgTt]?")) {
            throw CommandException.usage("-size " + text + ": expected a number of bytes such as 4096, +10M or -1G");
        }
        int shift = 10 * ("KMGT".indexOf(Character.toUpperCase(unsigned.charAt(unsigned.length() - 1))) + 1);
        String digits = shift == 0 ? unsigned : unsigned.substring(0, unsigned.length() - 1);
        if (Long.parseLong(digits) >= Long.MAX_VALUE >> shift) {
            throw CommandException.usage("-size " + text + ": no file is that large");
        }
        long limit = Long.parseLong(digits) << shift;
        return switch (text.charAt(0)) {
            case '+' -> filter.withSize(limit + 1, Long.MAX_VALUE);
            case '-' -> filter.withSize(Long.MIN_VALUE, limit - 1);
            default -> filter.withSize(limit, limit);
        };
    }

    private static EntryFilter mtime(EntryFilter filter, String text, Instant now) {
        Instant limit = now.minus(GoFormat.parseDuration(unsigned(text), "-mtime"));
        return text.startsWith("+") ? filter.withChangeBefore(limit) : filter.withChangeAfter(limit);
    }

    private static Predicate<Entry> mime(String type) {
        return entry -> {
            String content = entry.contentType();
            return content.startsWith(type)
                    && (content.length() == type.length()
                            || type.endsWith("/")
                            || content.charAt(type.length()) == '/'
                            || content.charAt(type.length()) == ';');
        };
    }

    /** A name may be made of digits, too. */
    private static boolean isCalled(String wanted, String name, long number) {
        return wanted.equals(name) || wanted.equals(Long.toString(number));
    }

    private static String unsigned(String text) {
        return text.startsWith("+") || text.startsWith("-") ? text.substring(1) : text;
    }
}
