// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.KlosetException;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** {@code status}: says of each source and store how old its last good backup and its last check are. */
final class StatusCommand implements Command {
    private static final String DEFAULT = "default store";
    /** Clocks of two machines differ by less than this. */
    private static final Duration CLOCK_SKEW = Duration.ofMinutes(5);

    @Override
    public String usage() {
        return "status [-max-age DURATION] [FILE]";
    }

    @Override
    public String description() {
        return """
            Shows the last good backup and the last check of everything in one table: with
            FILE for its jobs, each against its `max-age:`; otherwise for each source in the
            store, or in all stores of the configuration when none is named. -max-age is for
            what has no age of its own.

            A backup is good if everything could be read. The exit code is 1 when something
            is too old, or was never done, or cannot be asked, so that a monitor can use it.
            Checks are known from the jobs that this machine has run; those with -fast do not
            count.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.value("max-age", "DURATION", "how old the last good backup may be: 26h, 7d");
    }

    /**
     * One line of the table.
     *
     * @param good when it was last done well, or null
     * @param limit how long ago that may be, or null
     * @param trouble what is wrong whatever the time, or nothing
     */
    private record Row(
            String store,
            String what,
            @Nullable Instant good,
            @Nullable Duration limit,
            @Nullable Instant checked,
            String trouble) {
        /** What is wrong, or {@code ok}. */
        String verdict(Instant now) {
            if (!trouble.isEmpty()) {
                return trouble;
            }
            if (good == null) {
                return "never done";
            }
            if (good.isAfter(now.plus(CLOCK_SKEW))) {
                return "in the future: is the clock right?";
            }
            return limit != null && Duration.between(good, now).compareTo(limit) > 0 ? "too old" : "ok";
        }
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        if (arguments.words().size() > 1) {
            throw CommandException.usage("status takes one file of jobs: armoire " + usage());
        }
        String text = arguments.get("max-age");
        Duration limit = text == null ? null : GoFormat.parseDuration(text, "-max-age");
        List<Row> rows = arguments.words().isEmpty()
                ? ofStores(session, limit)
                : ofJobs(session, arguments.words().getFirst(), limit);
        Instant now = Instant.now();
        long bad = rows.stream().filter(row -> !row.verdict(now).equals("ok")).count();
        show(rows, now, session.report());
        if (bad > 0) {
            session.report()
                    .failure(
                            bad + " of " + rows.size() + (bad == 1 ? " is" : " are") + " not as it should be",
                            ExitCode.ERROR);
            return ExitCode.ERROR;
        }
        return session.exitCode(ExitCode.OK);
    }

    // By jobs

    private static List<Row> ofJobs(Session session, String name, @Nullable Duration limit) throws IOException {
        JobsFile file = JobsFile.read(name, session.configurations());
        JobsState state = JobsState.read(file.path(), session.states(), session.report());
        Map<String, Instant> checks = new TreeMap<>();
        for (JobsFile.Job job : file.jobs()) {
            Instant success = job.verifiesData() ? state.lastSuccess(job.name()) : null;
            if (success != null) {
                checks.merge(storeOf(job), success, (a, b) -> a.isAfter(b) ? a : b);
            }
        }
        Map<String, Contents> stores = new LinkedHashMap<>();
        List<Row> rows = new ArrayList<>();
        for (JobsFile.Job job : file.jobs()) {
            String store = storeOf(job);
            Duration own = job.maxAge() == null ? limit : job.maxAge();
            if (!job.command().equals("backup")) {
                if (own != null || state.last(job.name()) != null) {
                    rows.add(new Row(store, job.name(), state.lastSuccess(job.name()), own, null, ""));
                }
                continue;
            }
            Contents contents = stores.get(store);
            if (contents == null) {
                contents = Contents.read(session, job.store());
                stores.put(store, contents);
            }
            String mark = job.flags().stream()
                    .filter(flag -> flag.startsWith("-job="))
                    .reduce("", (first, last) -> last.substring("-job=".length()));
            Instant good = contents.lastGood(header -> header.job().equals(mark));
            rows.add(new Row(store, job.name(), good, own, checks.get(store), contents.trouble));
        }
        return rows;
    }

    private static String storeOf(JobsFile.Job job) {
        return job.store() == null ? DEFAULT : job.store();
    }

    // By stores

    private static List<Row> ofStores(Session session, @Nullable Duration limit) throws IOException {
        List<@Nullable String> stores = new ArrayList<>();
        if (session.invocation().store() == null) {
            PlacesFile.read(PlacesFile.Kind.STORE, session.configurations())
                    .names()
                    .forEach(name -> stores.add('@' + name));
        }
        if (stores.isEmpty()) {
            stores.add(session.invocation().store());
        }
        Map<String, Instant> checks = JobsState.lastChecks(session.states(), session.report());
        List<Row> rows = new ArrayList<>();
        for (String store : stores) {
            String shown = store == null ? DEFAULT : store;
            Contents contents = Contents.read(session, store);
            Set<String> sources = new LinkedHashSet<>();
            contents.headers.forEach(header -> sources.add(sourceOf(header)));
            for (String source : sources) {
                Instant good = contents.lastGood(header -> sourceOf(header).equals(source));
                rows.add(new Row(shown, source, good, limit, checks.get(shown), contents.trouble));
            }
            if (sources.isEmpty()) {
                rows.add(new Row(shown, "-", null, limit, checks.get(shown), contents.trouble));
            }
        }
        return rows;
    }

    private static String sourceOf(SnapshotHeader header) {
        return SnapshotPath.display(SnapshotPath.of(header.source().origin()))
                + ':'
                + SnapshotPath.display(header.source().directory());
    }

    /**
     * What a store holds.
     *
     * @param headers newest first
     * @param trouble why it is not known, or nothing
     */
    private record Contents(List<SnapshotHeader> headers, String trouble) {
        static Contents read(Session session, @Nullable String store) {
            try (Repository repository = store == null ? session.open() : session.openPeer(store)) {
                repository.refresh();
                Snapshots snapshots = new Snapshots(repository, session.report());
                List<SnapshotHeader> headers = snapshots.all();
                return new Contents(headers, snapshots.isDamaged() ? "some snapshots cannot be read" : "");
            } catch (IOException | CommandException | KlosetException e) {
                if (Failures.isInterruption(e)) {
                    throw new CommandException(ExitCode.INTERRUPTED, "interrupted", e);
                }
                String said = Failures.message(e).lines().findFirst().orElse("");
                return new Contents(List.of(), said);
            }
        }

        @Nullable
        Instant lastGood(Predicate<SnapshotHeader> isOne) {
            return headers.stream()
                    .filter(isOne)
                    .filter(header -> header.source().summary().directory().errors
                                    + header.source().summary().below().errors
                            == 0)
                    .map(SnapshotHeader::timestamp)
                    .findFirst()
                    .orElse(null);
        }
    }

    // The table

    private static void show(List<Row> rows, Instant now, Report report) {
        List<String> heads = List.of("STORE", "SOURCE", "LAST GOOD", "AGE", "LIMIT", "LAST CHECK", "STATE");
        List<List<String>> lines = new ArrayList<>();
        for (Row row : rows) {
            lines.add(List.of(
                    row.store,
                    row.what,
                    time(row.good),
                    row.good == null ? "-" : age(Duration.between(row.good, now)),
                    row.limit == null ? "-" : GoFormat.shortDuration(row.limit),
                    time(row.checked),
                    row.verdict(now)));
        }
        int[] widths = new int[heads.size() - 1];
        for (int i = 0; i < widths.length; i++) {
            widths[i] = heads.get(i).length();
            for (List<String> line : lines) {
                widths[i] = Math.max(widths[i], line.get(i).length());
            }
        }
        if (!report.isJson()) {
            report.result(line(heads, widths), "status.head");
        }
        for (int i = 0; i < rows.size(); i++) {
            Row row = rows.get(i);
            report.result(
                    line(lines.get(i), widths),
                    "status",
                    "store",
                    row.store,
                    "source",
                    row.what,
                    "last_good",
                    row.good,
                    "age_seconds",
                    row.good == null ? null : Duration.between(row.good, now).toSeconds(),
                    "max_age_seconds",
                    row.limit == null ? null : row.limit.toSeconds(),
                    "last_check",
                    row.checked,
                    "state",
                    row.verdict(now));
        }
    }

    private static String line(List<String> cells, int[] widths) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            line.append(String.format(Locale.ROOT, "%-" + widths[i] + "s  ", cells.get(i)));
        }
        return line.append(cells.getLast()).toString();
    }

    private static String time(@Nullable Instant time) {
        return time == null ? "-" : GoFormat.time(time);
    }

    /** In the two largest units. */
    private static String age(Duration age) {
        if (age.isNegative()) {
            return "-";
        }
        if (age.toDays() > 0) {
            return age.toDays() + "d" + age.toHoursPart() + 'h';
        }
        return age.toHours() > 0
                ? age.toHours() + "h" + age.toMinutesPart() + 'm'
                : age.toMinutes() + "m" + age.toSecondsPart() + 's';
    }
}
