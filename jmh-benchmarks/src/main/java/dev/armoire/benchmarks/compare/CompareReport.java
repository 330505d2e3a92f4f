// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.compare;

import dev.armoire.benchmarks.report.Plot;
import dev.armoire.benchmarks.report.Table;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * The page of a comparison: for each data set a table with a column for each program, the best of each row in bold whoever it
 * is, and plots of time and memory. Cells are medians over the rounds; every single run is in {@code runs.csv}.
 */
final class CompareReport {
    private static final double MIB = 1 << 20;

    private final Path folder;
    private final double scale;
    private final List<String> facts;
    private final List<Peer> peers;

    CompareReport(Path folder, double scale, List<String> facts, List<Peer> peers) {
        this.folder = folder;
        this.scale = scale;
        this.facts = List.copyOf(facts);
        this.peers = List.copyOf(peers);
    }

    /** What is measured of a step, and how it is written. */
    private enum Metric {
        SECONDS("s", 2),
        CPU("CPU s", 2),
        PEAK("peak MiB", 0),
        READ("read MiB", 0),
        WRITTEN("written MiB", 0);

        private final String unit;
        private final int decimals;

        Metric(String unit, int decimals) {
            this.unit = unit;
            this.decimals = decimals;
        }

        double of(Measured step) {
            return switch (this) {
                case SECONDS -> step.seconds();
                case CPU -> step.cpuSeconds();
                case PEAK -> step.peakKiB() / 1024.0;
                case READ -> step.readBytes() / MIB;
                case WRITTEN -> step.writtenBytes() / MIB;
            };
        }
    }

    void write(List<Run> runs) throws IOException {
        var text = new StringBuilder("# Comparison of whole processes\n\n");
        facts.forEach(fact -> text.append(fact).append('\n'));
        text.append("""

                Encrypted stores, each program with its defaults, the source in the page cache, stores and restored files on the same file
                system. Medians of the rounds (`runs.csv` has each); the best of a row is bold. "touched" is a backup
                after all files got new times of modification and kept their contents; "check" reads and verifies every stored byte; "cold" is a
                backup into another new store after the page cache was emptied and the program was started once. Peak
                memory is that of the largest process; read and written are transfers to block devices. What was restored stays until all
                programs are through, as ext4 is slow to make files for minutes after many were deleted.
                """);
        List<DataSet> sets = runs.stream().map(Run::data).distinct().toList();
        for (DataSet data : sets) {
            List<Run> ofData = runs.stream().filter(run -> run.data() == data).toList();
            String name = data.name().toLowerCase(Locale.ROOT);
            text.append("\n## ").append(data.description(scale)).append("\n\n");
            text.append(table(ofData).markdown());
            text.append("\n![Seconds](").append(name).append("-seconds.svg)\n");
            text.append("\n![Peak memory](").append(name).append("-memory.svg)\n");
        }
        Files.writeString(folder.resolve("README.md"), text);
        Files.writeString(folder.resolve("runs.csv"), csv(runs));
        for (DataSet data : sets) {
            List<Run> ofData = runs.stream().filter(run -> run.data() == data).toList();
            String name = data.name().toLowerCase(Locale.ROOT);
            List<String> steps = steps(ofData);
            plot(
                    name + "-seconds.svg",
                    data.description(scale) + ": seconds, less is better",
                    Metric.SECONDS,
                    steps,
                    ofData);
            plot(name + "-memory.svg", data.description(scale) + ": peak memory", Metric.PEAK, steps, ofData);
        }
    }

    private Table table(List<Run> runs) {
        var head = new ArrayList<>(List.of("What"));
        peers.forEach(peer -> head.add(peer.label()));
        var table = new Table(head);
        for (Metric metric : Metric.values()) {
            for (String step : steps(runs)) {
                table.add(row(
                        step + ", " + metric.unit, metric.decimals, true, peer -> median(runs, peer, step, metric)));
            }
        }
        table.add(row("stored MB", 1, true, peer -> median(runs, peer, run -> run.storedBytes() / 1e6)));
        table.add(row(
                "backed up, all generations MB",
                1,
                false,
                peer -> median(runs, peer, run -> run.logicalBytes() / 1e6)));
        table.add(row(
                "saved %",
                1,
                false,
                peer -> median(runs, peer, run -> 100 - 100.0 * run.storedBytes() / Math.max(1, run.logicalBytes()))));
        table.add(words(
                "restored content",
                runs,
                run -> run.restored() == null ? "" : run.restored().content()));
        table.add(words(
                "restored metadata",
                runs,
                run -> run.restored() == null ? "" : run.restored().metadata()));
        table.add(words("failed", runs, run -> run.failure() == null ? "" : firstLine(run.failure())));
        return table;
    }

    private List<String> row(String title, int decimals, boolean lessIsBetter, Function<Peer, OptionalDouble> value) {
        List<OptionalDouble> values = peers.stream().map(value).toList();
        double best = values.stream()
                .filter(OptionalDouble::isPresent)
                .mapToDouble(OptionalDouble::getAsDouble)
                .min()
                .orElse(Double.NaN);
        var row = new ArrayList<>(List.of(title));
        for (OptionalDouble one : values) {
            if (one.isEmpty()) {
                row.add("-");
            } else {
                String cell = String.format(Locale.ROOT, "%." + decimals + "f", one.getAsDouble());
                row.add(lessIsBetter && one.getAsDouble() == best ? Table.winner(cell) : cell);
            }
        }
        return row;
    }

    private List<String> words(String title, List<Run> runs, Function<Run, String> word) {
        var row = new ArrayList<>(List.of(title));
        for (Peer peer : peers) {
            row.add(runs.stream()
                    .filter(run -> run.peer() == peer)
                    .map(word)
                    .filter(text -> !text.isEmpty())
                    .findFirst()
                    .orElse("-"));
        }
        return row;
    }

    private static String firstLine(String text) {
        return text.lines().findFirst().orElse("");
    }

    private void plot(String file, String title, Metric metric, List<String> steps, List<Run> runs) throws IOException {
        Map<String, List<Double>> series = new LinkedHashMap<>();
        for (Peer peer : peers) {
            series.put(
                    peer.label(),
                    steps.stream()
                            .map(step -> median(runs, peer, step, metric).orElse(Double.NaN))
                            .toList());
        }
        Plot.bars(folder.resolve(file), title, metric.unit, steps, series);
    }

    private static List<String> steps(List<Run> runs) {
        return runs.stream()
                .flatMap(run -> run.steps().sequencedKeySet().stream())
                .distinct()
                .toList();
    }

    private static OptionalDouble median(List<Run> runs, Peer peer, String step, Metric metric) {
        return median(runs.stream()
                .filter(run -> run.peer() == peer && run.steps().containsKey(step))
                .mapToDouble(run -> metric.of(Objects.requireNonNull(run.steps().get(step))))
                .sorted()
                .toArray());
    }

    private static OptionalDouble median(List<Run> runs, Peer peer, ToDoubleFunction<Run> value) {
        return median(runs.stream()
                .filter(run -> run.peer() == peer && run.failure() == null)
                .mapToDouble(value)
                .sorted()
                .toArray());
    }

    private static OptionalDouble median(double[] sorted) {
        int count = sorted.length;
        return count == 0
                ? OptionalDouble.empty()
                : OptionalDouble.of((sorted[(count - 1) / 2] + sorted[count / 2]) / 2);
    }

    private static String csv(List<Run> runs) {
        var text = new StringBuilder("data,program,round,step,seconds,cpu_seconds,peak_kib,read_bytes,written_bytes\n");
        for (Run run : runs) {
            run.steps()
                    .forEach((step, measured) -> text.append(String.format(
                            Locale.ROOT,
                            "%s,%s,%d,\"%s\",%.2f,%.2f,%d,%d,%d%n",
                            run.data(),
                            run.peer().label(),
                            run.round(),
                            step,
                            measured.seconds(),
                            measured.cpuSeconds(),
                            measured.peakKiB(),
                            measured.readBytes(),
                            measured.writtenBytes())));
        }
        return text.toString();
    }
}
