// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** The page of the cold-start series: a plot and a table for each subject, then the times of whole processes. */
public final class ColdReport {
    /** Moments that the table shows, in milliseconds after the start. */
    private static final int[] MOMENTS = {200, 300, 500, 1000, 2000, 4900};

    private final Path folder;
    private final List<String> facts;

    /**
     * A report in a folder that exists.
     *
     * @param facts lines of a Markdown list that say where and how it was measured
     */
    public ColdReport(Path folder, List<String> facts) {
        this.folder = folder;
        this.facts = List.copyOf(facts);
    }

    /**
     * One fresh JVM.
     *
     * @param megabytesPerSecond in each step of time from the start of the process
     */
    public record Series(String subject, String form, int round, List<Double> megabytesPerSecond) {}

    /**
     * Writes page, plots and raw numbers.
     *
     * @param bucketMillis the step of time of all series, which are equally long
     * @param judgedMillis times of each round by what was timed
     */
    public void write(List<Series> series, int bucketMillis, Map<String, List<Double>> judgedMillis)
            throws IOException {
        var text = new StringBuilder("# Cold start\n\n");
        facts.forEach(fact -> text.append(fact).append('\n'));
        text.append("\nMB/s (10^6 bytes) in every ")
                .append(bucketMillis)
                .append(
                        " ms since the process was started, the median of the rounds at each moment. `cold.csv` has every round.\n");
        for (String subject : series.stream().map(Series::subject).distinct().toList()) {
            Map<String, List<Double>> medians = medians(series, subject);
            text.append("\n## ").append(subject).append("\n\n");
            text.append(table(medians, bucketMillis).markdown());
            text.append("\n![")
                    .append(subject)
                    .append("](")
                    .append(file(subject))
                    .append(")\n");
        }
        text.append("\n## Against other programs\n\n");
        var table = new Table(List.of("What", "median ms", "every round ms"));
        judgedMillis.forEach((what, millis) -> table.add(List.of(
                what,
                MicroReport.number(median(millis)),
                String.join(", ", millis.stream().map(MicroReport::number).toList()))));
        text.append(table.markdown());
        Files.writeString(folder.resolve("README.md"), text);
        Files.writeString(folder.resolve("cold.csv"), csv(series, bucketMillis));
        for (String subject : series.stream().map(Series::subject).distinct().toList()) {
            Map<String, List<Double>> medians = medians(series, subject);
            int steps = medians.values().iterator().next().size();
            List<Double> seconds = IntStream.range(0, steps)
                    .mapToObj(i -> (i + 0.5) * bucketMillis / 1000)
                    .toList();
            Plot.curves(
                    folder.resolve(file(subject)),
                    subject + " in a fresh JVM",
                    "seconds since start",
                    "MB/s",
                    seconds,
                    medians);
        }
    }

    private static String file(String subject) {
        return "cold-" + subject.replace(' ', '-') + ".svg";
    }

    private static Map<String, List<Double>> medians(List<Series> all, String subject) {
        var medians = new LinkedHashMap<String, List<Double>>();
        List<Series> ofSubject =
                all.stream().filter(one -> one.subject().equals(subject)).toList();
        for (String form : ofSubject.stream().map(Series::form).distinct().toList()) {
            List<List<Double>> rounds = ofSubject.stream()
                    .filter(one -> one.form().equals(form))
                    .map(Series::megabytesPerSecond)
                    .toList();
            medians.put(
                    form,
                    IntStream.range(0, rounds.getFirst().size())
                            .mapToObj(i -> median(
                                    rounds.stream().map(round -> round.get(i)).toList()))
                            .toList());
        }
        return medians;
    }

    /** The middle value; the lower one of two. */
    static double median(List<Double> values) {
        var sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    private static Table table(Map<String, List<Double>> medians, int bucketMillis) {
        var head = new ArrayList<>(List.of("form"));
        for (int moment : MOMENTS) {
            head.add("at " + moment / 1000.0 + " s");
        }
        head.add("slowest after 0.5 s");
        var table = new Table(head);
        medians.forEach((form, values) -> {
            var row = new ArrayList<>(List.of(form));
            for (int moment : MOMENTS) {
                row.add(MicroReport.number(values.get(moment / bucketMillis)));
            }
            row.add(MicroReport.number(Collections.min(values.subList(500 / bucketMillis, values.size()))));
            table.add(row);
        });
        return table;
    }

    private static String csv(List<Series> series, int bucketMillis) {
        var text = new StringBuilder("subject,form,round,ms,MBps\n");
        for (Series one : series) {
            for (int i = 0; i < one.megabytesPerSecond().size(); i++) {
                text.append(one.subject())
                        .append(',')
                        .append(one.form())
                        .append(',')
                        .append(one.round())
                        .append(',');
                text.append(i * bucketMillis)
                        .append(',')
                        .append(one.megabytesPerSecond().get(i))
                        .append('\n');
            }
        }
        return text.toString();
    }
}
