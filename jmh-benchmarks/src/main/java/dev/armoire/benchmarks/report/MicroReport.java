// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The page of the micro-benchmarks: who is how fast at a glance, then a table and plots for each kind of work. Rows are
 * inputs, columns are those who did the work, and the fastest of a row is set in bold.
 */
public final class MicroReport {
    /** Sizes that stand for a kernel in the overview, the first that was measured. */
    private static final List<String> TYPICAL_SIZES = List.of("1048576", "65536", "4096");

    private static final List<String> SIZE_NAMES = List.of("size", "messageSize");
    private static final int STEPS_OF_A_LINE = 3;

    private final Path folder;
    private final List<String> facts;

    /**
     * A report in a folder that exists.
     *
     * @param facts lines of a Markdown list that say where and how it was measured
     */
    public MicroReport(Path folder, List<String> facts) {
        this.folder = folder;
        this.facts = List.copyOf(facts);
    }

    /** Writes the page and then the plots, over what an earlier call wrote. */
    public void write(List<Result> results) throws IOException {
        var groups = new ArrayList<>(groups(results));
        Files.writeString(folder.resolve("README.md"), page(results, groups));
        Map<String, List<Double>> overview = overviewPlot(groups);
        if (!overview.isEmpty()) {
            var best = typical(groups);
            Plot.bars(
                    folder.resolve("overview.svg"),
                    "The fastest form of Armoire and of the others, as in the first table",
                    "GB/s",
                    best.stream().map(Group::title).toList(),
                    overview);
        }
        for (Group group : groups) {
            for (Picture picture : group.pictures()) {
                picture.draw(folder);
            }
        }
    }

    private String page(List<Result> results, List<Group> groups) {
        var text = new StringBuilder("# Micro-benchmarks\n\n");
        facts.forEach(fact -> text.append(fact).append('\n'));
        text.append("""

                GB/s are 10^9 bytes of input per second on one thread; where operations count instead, millions per second. ± is half
                of JMH's 99.9 % interval. B/op are bytes allocated on the heap per operation, in the order of the columns. The
                fastest of each row is bold.

                ## At a glance

                """);
        text.append(overview(groups).markdown());
        if (!overviewPlot(groups).isEmpty()) {
            text.append("\n![Overview](overview.svg)\n");
        }
        for (Group group : groups) {
            text.append("\n## ").append(group.title()).append("\n\n");
            text.append(group.table().markdown());
            for (Picture picture : group.pictures()) {
                text.append("\n![")
                        .append(picture.title())
                        .append("](")
                        .append(picture.file())
                        .append(")\n");
            }
        }
        long allocating = results.stream()
                .filter(result -> result.isArmoire() && result.allocatedBytes() >= 1)
                .count();
        text.append("\nLines of Armoire that allocate a byte or more per operation: ")
                .append(allocating)
                .append(".\n");
        return text.toString();
    }

    private static SequencedSet<Group> groups(List<Result> results) {
        SequencedMap<String, List<Result>> byWork = new LinkedHashMap<>();
        for (Result result : results) {
            byWork.computeIfAbsent(result.suite() + " " + result.work(), key -> new ArrayList<>())
                    .add(result);
        }
        var groups = new LinkedHashSet<Group>();
        byWork.forEach((title, lines) -> groups.add(new Group(title, lines)));
        return groups;
    }

    private static Table overview(List<Group> groups) {
        var table = new Table(List.of("Work", "Input", "Armoire", "other", "ratio"));
        for (Group group : groups) {
            Optional<Result> ours = group.typical(true);
            Optional<Result> other = group.typical(false);
            String input = ours.or(() -> other)
                    .map(result -> Group.describe(result.parameters()))
                    .orElse("");
            table.add(List.of(
                    group.title(),
                    input,
                    ours.map(MicroReport::speedOf).orElse("-"),
                    other.map(MicroReport::speedOf).orElse("-"),
                    ours.isPresent() && other.isPresent()
                            ? number(ours.get().speed() / other.get().speed()) + "x"
                            : "-"));
        }
        return table;
    }

    private static List<Group> typical(List<Group> groups) {
        return groups.stream()
                .filter(group -> group.typical(true).filter(Result::countsBytes).isPresent())
                .toList();
    }

    private static Map<String, List<Double>> overviewPlot(List<Group> groups) {
        List<Group> shown = typical(groups);
        if (shown.isEmpty()) {
            return Map.of();
        }
        Function<Boolean, List<Double>> values = ours -> shown.stream()
                .map(group -> group.typical(ours).map(Result::speed).orElse(Double.NaN))
                .toList();
        var series = new LinkedHashMap<String, List<Double>>();
        series.put("Armoire", values.apply(true));
        series.put("other", values.apply(false));
        return series;
    }

    private static String speedOf(Result result) {
        return number(result.speed()) + (result.countsBytes() ? " GB/s" : " M/s") + " (" + result.who() + ")";
    }

    /** Three digits that mean something. */
    static String number(double value) {
        if (Double.isNaN(value)) {
            return "-";
        }
        int decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.1 || value == 0 ? 2 : 4;
        return String.format(Locale.ROOT, "%." + decimals + "f", value);
    }

    /** A parameter for people: sizes with their unit. */
    static String parameter(String name, String value) {
        if (!SIZE_NAMES.contains(name)) {
            return value;
        }
        long bytes = Long.parseLong(value);
        if (bytes >= 1 << 20) {
            return (bytes >> 20) + " MiB";
        }
        return bytes >= 1 << 10 ? (bytes >> 10) + " KiB" : bytes + " B";
    }

    /** One kind of work. */
    private record Group(String title, List<Result> results) {
        List<String> whos() {
            return results.stream()
                    .sorted(Comparator.comparing(result -> !result.isArmoire()))
                    .map(Result::who)
                    .distinct()
                    .toList();
        }

        List<Map<String, String>> inputs() {
            return results.stream().map(Result::parameters).distinct().toList();
        }

        Optional<Result> find(Map<String, String> input, String who) {
            return results.stream()
                    .filter(result ->
                            result.who().equals(who) && result.parameters().equals(input))
                    .findFirst();
        }

        /** The fastest of ours, or of the others, on the input that stands for the work. */
        Optional<Result> typical(boolean ours) {
            Map<String, String> input = typicalInput();
            return results.stream()
                    .filter(result ->
                            result.isArmoire() == ours && result.parameters().equals(input))
                    .max(Comparator.comparingDouble(Result::perSecond));
        }

        private Map<String, String> typicalInput() {
            List<Map<String, String>> inputs = inputs();
            for (String size : TYPICAL_SIZES) {
                for (Map<String, String> input : inputs) {
                    if (size.equals(input.get("size")) || size.equals(input.get("messageSize"))) {
                        return input;
                    }
                }
            }
            return inputs.getFirst();
        }

        static String describe(Map<String, String> input) {
            return input.entrySet().stream()
                    .map(entry -> parameter(entry.getKey(), entry.getValue()))
                    .collect(Collectors.joining(", "));
        }

        Table table() {
            List<String> whos = whos();
            boolean bytes = results.stream().anyMatch(Result::countsBytes);
            var head = new ArrayList<>(inputs().getFirst().keySet());
            whos.forEach(who -> head.add(who + (bytes ? " GB/s" : " M/s")));
            head.add("B/op");
            var table = new Table(head);
            for (Map<String, String> input : inputs()) {
                var row = new ArrayList<String>();
                input.forEach((name, value) -> row.add(parameter(name, value)));
                double best = whos.stream()
                        .flatMap(who -> find(input, who).stream())
                        .mapToDouble(Result::perSecond)
                        .max()
                        .orElse(0);
                for (String who : whos) {
                    row.add(find(input, who)
                            .map(result -> cell(result, result.perSecond() == best))
                            .orElse(""));
                }
                row.add(whos.stream()
                        .map(who -> find(input, who)
                                .map(result -> String.format(Locale.ROOT, "%.0f", result.allocatedBytes()))
                                .orElse("-"))
                        .collect(Collectors.joining(" / ")));
                table.add(row);
            }
            return table;
        }

        private static String cell(Result result, boolean isBest) {
            String speed = number(result.speed());
            String cell = isBest ? Table.winner(speed) : speed;
            if (!Double.isNaN(result.error())) {
                cell += String.format(Locale.ROOT, " ± %.0f %%", 100 * result.error() / result.perSecond());
            }
            if (result.scannedPerSecond() > 0) {
                cell += " (scanned " + number(result.scannedPerSecond() / 1e9) + ")";
            }
            return cell;
        }

        /** Lines over sizes, a plot for each combination of the other parameters; without sizes one plot of bars. */
        List<Picture> pictures() {
            String unit = results.getFirst().countsBytes() ? "GB/s" : "M/s";
            String over = inputs().getFirst().keySet().stream()
                    .filter(name -> SIZE_NAMES.contains(name) || name.equals("entries"))
                    .findFirst()
                    .orElse("");
            if (inputs().stream().map(input -> input.get(over)).distinct().count() < STEPS_OF_A_LINE) {
                return List.of(new Picture(title, unit, false, steps(inputs()), series(inputs())));
            }
            SequencedMap<String, List<Map<String, String>>> byRest = new LinkedHashMap<>();
            for (Map<String, String> input : inputs()) {
                var rest = new LinkedHashMap<>(input);
                rest.remove(over);
                byRest.computeIfAbsent(describe(rest), key -> new ArrayList<>()).add(input);
            }
            var pictures = new ArrayList<Picture>();
            byRest.forEach((rest, inputs) -> pictures.add(new Picture(
                    rest.isEmpty() ? title : title + ", " + rest,
                    unit,
                    true,
                    inputs.stream()
                            .map(input -> parameter(over, input.getOrDefault(over, "")))
                            .toList(),
                    series(inputs))));
            return pictures;
        }

        private static List<String> steps(List<Map<String, String>> inputs) {
            return inputs.stream()
                    .map(Group::describe)
                    .map(text -> text.isEmpty() ? "all" : text)
                    .toList();
        }

        private Map<String, List<Double>> series(List<Map<String, String>> inputs) {
            var series = new LinkedHashMap<String, List<Double>>();
            for (String who : whos()) {
                series.put(
                        who,
                        inputs.stream()
                                .map(input ->
                                        find(input, who).map(Result::speed).orElse(Double.NaN))
                                .toList());
            }
            return series;
        }
    }

    private record Picture(
            String title, String unit, boolean lines, List<String> steps, Map<String, List<Double>> series) {
        String file() {
            return title.replaceAll("[^A-Za-z0-9.]+", "-") + ".svg";
        }

        void draw(Path folder) throws IOException {
            if (lines) {
                Plot.lines(folder.resolve(file()), title, unit, steps, series);
            } else {
                Plot.bars(folder.resolve(file()), title, unit, steps, series);
            }
        }
    }
}
