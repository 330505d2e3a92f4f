// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.benchmarks.report.ColdReport;
import dev.armoire.benchmarks.report.ColdReport.Series;
import dev.armoire.benchmarks.report.Machine;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Fresh JVMs, from the moment at which they are started: how fast each form of a kernel is in every tenth of a second of the
 * first five, and how long a process takes to unlock a store; beside them the programs {@code argon2} and {@code b3sum},
 * where installed.
 */
final class Cold {
    private static final List<String> SUBJECTS = List.of("blake3", "chunker", "chunk path");
    private static final int SERIES_MILLIS = 5000;
    private static final int CONTENT_BYTES = 32 << 20;
    private static final int JUDGED_FILE_BYTES = 512 << 20;

    private final Path root;
    private final Path folder;
    private final String command;
    private final int rounds;

    /**
     * A run.
     *
     * @param root the checkout
     * @param folder where the report goes; made if it is not there
     * @param command what was typed
     * @param rounds how often each JVM is started; forms alternate
     */
    Cold(Path root, Path folder, String command, int rounds) {
        this.root = root;
        this.folder = folder;
        this.command = command;
        this.rounds = rounds;
    }

    /** Measures and writes the report. */
    void run() throws IOException, InterruptedException {
        Files.createDirectories(folder);
        var forms = Forms.available();
        List<String> facts = new ArrayList<>(Machine.facts(root, command));
        forms.forEach((name, kernels) -> facts.add("* `-Darmoire.simd=" + name + "`: " + kernels));
        var names = new ArrayList<>(List.of("auto"));
        names.addAll(forms.sequencedKeySet());
        for (String name : names) {
            facts.add("* Options of the JVM for " + name + ", as the launcher has them where that form is chosen: `"
                    + String.join(" ", Forms.ofLauncher(root, name)) + "`");
        }
        facts.add("* No AOT cache. Where it says warm: `" + String.join(" ", Forms.JVM) + "`");

        Path file = Files.createTempFile("armoire-cold", ".data");
        try {
            Files.write(file, Data.RANDOM.bytes(CONTENT_BYTES, 15));
            var series = new ArrayList<Series>();
            for (int round = 1; round <= rounds; round++) {
                for (String subject : SUBJECTS) {
                    for (String form : names) {
                        series.add(new Series(subject, form, round, series(subject, form, file)));
                    }
                }
            }
            new ColdReport(folder, facts).write(series, ColdProbe.BUCKET_MILLIS, judged(names, file));
        } finally {
            Files.delete(file);
        }
    }

    private List<Double> series(String subject, String form, Path file) throws IOException {
        String line = probe(
                Forms.ofLauncher(root, form),
                form,
                "series",
                subject,
                file.toString(),
                Long.toString(System.currentTimeMillis()),
                Integer.toString(SERIES_MILLIS));
        return Arrays.stream(line.strip().split(" ", -1))
                .map(bytes -> Long.parseLong(bytes) * (1000.0 / ColdProbe.BUCKET_MILLIS) / 1e6)
                .toList();
    }

    /** Milliseconds of each program for the same work, a list of rounds each. */
    private Map<String, List<Double>> judged(List<String> forms, Path file) throws IOException, InterruptedException {
        Files.write(file, Data.RANDOM.bytes(JUDGED_FILE_BYTES, 16));
        Path empty = Files.createTempFile("armoire-cold", ".empty");
        var millis = new LinkedHashMap<String, List<Double>>();
        try {
            for (int round = 0; round < rounds; round++) {
                for (String form : forms) {
                    add(
                            millis,
                            "Argon2id, 256 MiB, t=4: Armoire " + form,
                            Double.parseDouble(probe(Forms.ofLauncher(root, form), form, "argon2id")));
                }
                add(millis, "Argon2id, 256 MiB, t=4: argon2", argon2());
                for (String form : forms) {
                    add(
                            millis,
                            "BLAKE3, 512 MiB file, warm: Armoire " + form,
                            Double.parseDouble(probe(Forms.JVM, form, "file", file.toString())));
                }
                add(millis, "BLAKE3, 512 MiB file, warm: b3sum --num-threads 1", b3sum(file) - b3sum(empty));
            }
        } finally {
            Files.delete(empty);
        }
        return millis;
    }

    private static void add(Map<String, List<Double>> millis, String name, double value) {
        if (!Double.isNaN(value)) {
            millis.computeIfAbsent(name, key -> new ArrayList<>()).add(value);
        }
    }

    private static String probe(List<String> options, String form, String... arguments) {
        String line = Machine.lineOf(Forms.java(options, form, ColdProbe.class, List.of(arguments)), ColdProbe.MARK);
        if (line.isEmpty()) {
            throw new IllegalStateException(
                    "the probe " + String.join(" ", arguments) + " failed with -Darmoire.simd=" + form);
        }
        return line;
    }

    /** The tool's own process, whose start takes about a millisecond. */
    private static double argon2() throws InterruptedException {
        return millis(
                "secret secret secret".getBytes(StandardCharsets.US_ASCII),
                "argon2",
                "saltsaltsaltsalt",
                "-id",
                "-t",
                "4",
                "-m",
                "18",
                "-p",
                "1",
                "-r");
    }

    private static double b3sum(Path file) throws InterruptedException {
        return millis(new byte[0], "b3sum", "--num-threads", "1", file.toString());
    }

    /** NaN if the program is not there or fails. */
    private static double millis(byte[] input, String... command) throws InterruptedException {
        try {
            long start = System.nanoTime();
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            try (var stdin = process.getOutputStream()) {
                stdin.write(input);
            }
            process.getInputStream().readAllBytes();
            return process.waitFor() == 0 ? (System.nanoTime() - start) / 1e6 : Double.NaN;
        } catch (IOException e) {
            return Double.NaN;
        }
    }
}
