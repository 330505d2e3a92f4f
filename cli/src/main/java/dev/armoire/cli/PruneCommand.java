// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.query.Retention;
import dev.armoire.engine.query.SnapshotQuery;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** {@code prune}: removes the snapshots that windows and caps do not keep. */
final class PruneCommand implements Command {
    private static final Retention.Verdict LAST_OF_SOURCE =
            new Retention.Verdict(true, null, "", 0, 0, "the last snapshot of its source, -force removes it");

    @Override
    public String usage() {
        return "prune [-apply] [-force] [-policy NAME] [FILTER...] [ID...]";
    }

    @Override
    public String description() {
        return """
            Lists which snapshots windows and caps keep and which they do not, and why; with
            -apply, removes the latter. Filters and ids choose the snapshots that are judged,
            others are not touched. A snapshot stays if any window or cap keeps it; without
            one, all stay. The last snapshot of a source stays, whatever the rules, unless
            there is -force.

            -policy takes filters, windows and caps from `armoire policy`; flags given
            beside it replace the policy's one by one. Data of removed snapshots stay in the
            store until maintenance finds that nothing needs them.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("apply", "remove, and not only list")
                .flag("force", "remove the last snapshot of a source, too")
                .value("policy", "NAME", "take what is not given from this policy");
        FilterFlags.declareQuery(flags);
    }

    @Override
    public String interrupted() {
        return "interrupted; the snapshots said to be removed are, the others are not";
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        Report report = session.report();
        Flags.Arguments all = withPolicy(session, arguments);
        List<String> ids = new ArrayList<>(all.words());
        ids.addAll(all.all(PoliciesFile.IDS));
        SnapshotQuery query = FilterFlags.query(all, report);
        if (ids.isEmpty() && query.isEmpty()) {
            throw CommandException.usage("no filter specified, not going to prune everything");
        }
        for (String id : ids) {
            if (id.isEmpty() || id.contains(":") || id.contains("/")) {
                throw CommandException.usage("prune takes ids of whole snapshots, not \"" + id + "\"");
            }
        }
        boolean isForced = arguments.is("force");
        try (Repository repository = arguments.is("apply") ? session.openForWriting() : session.open()) {
            if (arguments.is("apply")) {
                Removal.apply(
                        session, repository, "prune", snapshots -> toDelete(judge(snapshots, ids, query, isForced)));
                return ExitCode.OK;
            }
            repository.refresh();
            Snapshots snapshots = new Snapshots(repository, report);
            plan(judge(snapshots, ids, query, isForced), report);
            return snapshots.isDamaged() ? ExitCode.DAMAGE : ExitCode.OK;
        }
    }

    private static Flags.Arguments withPolicy(Session session, Flags.Arguments arguments) throws IOException {
        String name = arguments.get("policy");
        return name == null
                ? arguments
                : arguments.over(PoliciesFile.read(session.configurations()).arguments(name));
    }

    private static Map<SnapshotHeader, Retention.Verdict> judge(
            Snapshots snapshots, List<String> ids, SnapshotQuery query, boolean isForced) {
        Set<Mac> chosen = new HashSet<>();
        ids.forEach(id -> chosen.add(snapshots.resolve(id)));
        List<SnapshotHeader> judged = snapshots.all().stream()
                .filter(header -> ids.isEmpty() || chosen.contains(header.identifier()))
                .toList();
        Map<SnapshotHeader, Retention.Verdict> verdicts =
                new LinkedHashMap<>(query.judge(judged, FilterFlags::fields, Instant.now()));
        if (!isForced) {
            spareLastOfSource(snapshots.all(), verdicts);
        }
        return verdicts;
    }

    /** Where nothing of a source would be left, its newest snapshot stays. */
    private static void spareLastOfSource(
            List<SnapshotHeader> newestFirst, Map<SnapshotHeader, Retention.Verdict> verdicts) {
        Map<String, SnapshotHeader> newest = new LinkedHashMap<>();
        Set<String> left = new HashSet<>();
        for (SnapshotHeader header : newestFirst) {
            String source = source(header);
            newest.putIfAbsent(source, header);
            Retention.Verdict verdict = verdicts.get(header);
            if (verdict == null || verdict.keeps()) {
                left.add(source);
            }
        }
        newest.forEach((source, header) -> {
            if (!left.contains(source)) {
                verdicts.put(header, LAST_OF_SOURCE);
            }
        });
    }

    private static String source(SnapshotHeader header) {
        SnapshotHeader.Source source = header.source();
        return source.type() + '\0' + source.origin() + '\0' + SnapshotPath.display(source.directory());
    }

    private static List<Mac> toDelete(Map<SnapshotHeader, Retention.Verdict> verdicts) {
        return verdicts.entrySet().stream()
                .filter(judged -> !judged.getValue().keeps())
                .map(judged -> judged.getKey().identifier())
                .toList();
    }

    private static void plan(Map<SnapshotHeader, Retention.Verdict> verdicts, Report report) {
        int deleted = toDelete(verdicts).size();
        report.result(
                "prune: would keep " + (verdicts.size() - deleted) + " and delete " + deleted
                        + " snapshot(s), run with -apply to proceed",
                "prune.plan",
                "keep",
                verdicts.size() - deleted,
                "delete",
                deleted);
        int width = verdicts.keySet().stream()
                .mapToInt(header -> line(header).length())
                .max()
                .orElse(0);
        verdicts.forEach((header, verdict) -> {
            String action = verdict.keeps() ? "keep" : "delete";
            String period = verdict.period() == null ? "" : verdict.period().label();
            String why = period.isEmpty()
                    ? "reason=" + verdict.note()
                    : "match=" + period + ':' + verdict.bucket() + " rank=" + verdict.rank() + " cap=" + verdict.cap();
            report.result(
                    String.format(Locale.ROOT, "%-8s %-" + width + "s  %s", action, line(header), why),
                    "prune.verdict",
                    "snapshot",
                    header.identifier().hex(),
                    "timestamp",
                    header.timestamp(),
                    "action",
                    action,
                    "rule",
                    period,
                    "bucket",
                    verdict.bucket(),
                    "rank",
                    verdict.rank(),
                    "cap",
                    verdict.cap(),
                    "note",
                    verdict.note());
        });
    }

    private static String line(SnapshotHeader header) {
        long size = header.source().summary().directory().size
                + header.source().summary().below().size;
        String tags = header.tags().isEmpty() ? "" : " tags=" + String.join(",", header.tags());
        return String.format(
                Locale.ROOT,
                "%s %10s%10s %s%s",
                GoFormat.time(header.timestamp()),
                header.identifier().shortHex(),
                GoFormat.bytes(size),
                SnapshotPath.display(header.source().directory()),
                SnapshotPath.display(SnapshotPath.of(tags)));
    }
}
