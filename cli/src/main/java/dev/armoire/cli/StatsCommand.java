// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.engine.history.StoreUsage;
import dev.armoire.engine.query.SnapshotQuery;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** {@code stats}: how a store has grown, and what deduplication and compression have saved. */
final class StatsCommand implements Command {
    private boolean isDamaged;

    @Override
    public String usage() {
        return "stats [-plot FILE.svg] [FILTER...]";
    }

    @Override
    public String description() {
        return """
            Prints for each snapshot, the oldest first, what it added to the store, and the
            sums up to then: the size of all files of all snapshots, what of it is stored,
            how many times over deduplication has saved storing (of contents, before
            compression) and how much smaller compression has made what is stored. Only
            snapshots that are still there count; with filters, only those. Figures are
            remembered in the cache folder, and told again while the store is the same.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.value("plot", "FILE", "also draw the growth, as SVG, into this new file");
        FilterFlags.declareQuery(flags);
    }

    /** Sums up to and with one snapshot. */
    record Point(
            SnapshotHeader header, long logicalBytes, long storedBytes, double deduplication, double compression) {}

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        Report report = session.report();
        if (!arguments.words().isEmpty()) {
            throw CommandException.usage("stats takes no arguments but flags");
        }
        SnapshotQuery query = FilterFlags.query(arguments, report);
        String plot = arguments.get("plot");
        if (plot != null && Files.exists(Path.of(plot))) {
            throw exists(plot, null);
        }
        try (Repository repository = session.openForReading()) {
            Snapshots snapshots = new Snapshots(repository, report);
            if (!report.isJson()) {
                report.result(
                        String.format(
                                Locale.ROOT,
                                "%-20s %-8s %10s %10s %10s %10s %6s %6s",
                                "TIME",
                                "SNAPSHOT",
                                "FILES",
                                "ADDED",
                                "ALL FILES",
                                "STORED",
                                "DEDUP",
                                "COMPR"),
                        "head");
            }
            List<StoreUsage.Usage> usages =
                    StoreUsage.of(repository, snapshots.matching(query), false, (header, problem) -> {
                        isDamaged = true;
                        report.error("snapshot " + header.identifier().shortHex() + ": " + problem.getMessage());
                    });
            List<Point> points = points(usages);
            for (int i = 0; i < points.size(); i++) {
                print(usages.get(i), points.get(i), report);
            }
            isDamaged |= snapshots.isDamaged();
            if (plot != null) {
                write(plot, points);
            }
        }
        return isDamaged ? ExitCode.DAMAGE : session.exitCode(ExitCode.OK);
    }

    /** The sums of snapshots in the order in which they were made. */
    static List<Point> points(List<StoreUsage.Usage> oldestFirst) {
        Sums sums = new Sums();
        return oldestFirst.stream().map(sums::add).toList();
    }

    /** What snapshots have added up to. */
    private static final class Sums {
        private long logical;
        private long stored;
        private long content;
        private long plain;

        Point add(StoreUsage.Usage usage) {
            logical += DuCommand.logicalBytes(usage.header());
            stored += usage.newBytes();
            content += usage.newContentBytes();
            plain += usage.newPlainBytes();
            return new Point(usage.header(), logical, stored, ratio(logical, plain), ratio(plain, content));
        }

        private static double ratio(long of, long to) {
            return to == 0 ? 1 : (double) of / to;
        }
    }

    private static void print(StoreUsage.Usage usage, Point point, Report report) {
        SnapshotHeader header = usage.header();
        long logical = DuCommand.logicalBytes(header);
        report.result(
                String.format(
                        Locale.ROOT,
                        "%-20s %-8s %10s %10s %10s %10s %6.2f %6.2f",
                        GoFormat.time(header.timestamp()),
                        header.identifier().shortHex(),
                        GoFormat.bytes(logical),
                        GoFormat.bytes(usage.newBytes()),
                        GoFormat.bytes(point.logicalBytes),
                        GoFormat.bytes(point.storedBytes),
                        point.deduplication,
                        point.compression),
                "stats",
                "snapshot",
                header.identifier().hex(),
                "timestamp",
                header.timestamp(),
                "logical_bytes",
                logical,
                "new_stored_bytes",
                usage.newBytes(),
                "new_content_bytes",
                usage.newContentBytes(),
                "new_plain_bytes",
                usage.newPlainBytes(),
                "unique_bytes",
                usage.uniqueBytes(),
                "total_logical_bytes",
                point.logicalBytes,
                "total_stored_bytes",
                point.storedBytes,
                "deduplication",
                point.deduplication,
                "compression",
                point.compression);
    }

    private static CommandException exists(String plot, @Nullable FileAlreadyExistsException e) {
        return new CommandException(
                ExitCode.CANNOT_CREATE, "-plot " + plot + ": the file exists already; name another one", e);
    }

    private static void write(String plot, List<Point> points) throws IOException {
        try {
            Files.writeString(
                    Path.of(plot), GrowthPlot.svg(points), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        } catch (FileAlreadyExistsException e) {
            throw exists(plot, e);
        }
    }
}
