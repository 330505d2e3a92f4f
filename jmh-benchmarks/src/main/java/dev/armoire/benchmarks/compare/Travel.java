// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.compare;

import dev.armoire.benchmarks.compare.Comparison.Settings;
import dev.armoire.benchmarks.report.Machine;
import dev.armoire.benchmarks.report.Table;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.stream.DoubleStream;

/**
 * What archives and synchronizations take beside a first backup, and how large archives are of a folder, and of a folder that
 * holds it twice: a {@code .tar.gz} of the second is twice as large, a {@code .ptar} is not. Every store and archive is made
 * anew in each round; those that were brought over are checked, which is not measured.
 */
public final class Travel {
    private static final double MIB = 1 << 20;
    private static final String BACKUP = "first backup";
    private static final String PLAIN_BACKUP = "first backup, plaintext";
    private static final String OTHER_PASSPHRASE = "of the other store, no secret either";

    private final Path root;
    private final Settings settings;
    private final SequencedMap<String, List<Step>> steps = new LinkedHashMap<>();

    /**
     * One step of one round.
     *
     * @param bytes of what it made
     */
    private record Step(Measured measured, long bytes) {}

    /** @param settings of which the data may be all that has one generation */
    public Travel(Path root, Settings settings) {
        this.root = root;
        this.settings = settings;
    }

    /**
     * Runs everything and writes the report.
     *
     * @param folder where the report goes; made if it is not there
     * @param command what was typed
     */
    public void run(Path folder, String command) throws IOException, InterruptedException {
        if (!Measured.isAvailable()) {
            throw new IOException("GNU time is needed as /usr/bin/time (Debian: apt install time)");
        }
        Files.createDirectories(folder);
        String program = root.resolve("armoire").toString();
        String version = Machine.output(root, program, "version"); // builds it, if that is needed
        var text = new StringBuilder("# Archives and synchronizations\n\n");
        for (String fact : Machine.facts(root, command)) {
            text.append(fact).append('\n');
        }
        text.append("* ")
                .append(version)
                .append("; cores ")
                .append(settings.cores())
                .append("; scale ");
        text.append(settings.scale())
                .append("; rounds ")
                .append(settings.rounds())
                .append('\n');
        text.append("""

                Whole processes; the source, or the store that is read, in the page cache. Medians of the rounds (`runs.csv` has each).
                "Times" is the time beside that of the first backup into a store that is encrypted, or not, as the step's is. "Twice" is
                a folder with two copies of the source.
                """);
        var csv = new StringBuilder("data,step,round,seconds,cpu_seconds,peak_kib,made_bytes\n");
        for (String name : settings.data()) {
            DataSet data = DataSet.valueOf(name.toUpperCase(Locale.ROOT));
            steps.clear();
            for (int round = 1; round <= settings.rounds(); round++) {
                System.out.println(data + ", round " + round);
                try (var workspace = new Workspace(settings.work())) {
                    new Round(program, workspace).run(data);
                }
            }
            text.append("\n## ")
                    .append(data.description(settings.scale()))
                    .append("\n\n")
                    .append(table());
            steps.forEach((step, rounds) -> {
                for (int i = 0; i < rounds.size(); i++) {
                    Measured measured = rounds.get(i).measured;
                    csv.append(String.format(
                            Locale.ROOT,
                            "%s,\"%s\",%d,%.2f,%.2f,%d,%d%n",
                            name,
                            step,
                            i + 1,
                            measured.seconds(),
                            measured.cpuSeconds(),
                            measured.peakKiB(),
                            rounds.get(i).bytes));
                }
            });
            Files.writeString(folder.resolve("README.md"), text);
            Files.writeString(folder.resolve("runs.csv"), csv);
        }
    }

    private String table() {
        var table = new Table(List.of("", "s", "times", "CPU s", "peak MiB", "made MiB"));
        steps.forEach((name, rounds) -> {
            String beside = name.contains("plaintext") ? PLAIN_BACKUP : BACKUP;
            double seconds = seconds(name);
            table.add(List.of(
                    name,
                    number(seconds, 2),
                    steps.containsKey(beside) ? number(seconds / seconds(beside), 2) : "",
                    number(median(rounds.stream().mapToDouble(step -> step.measured.cpuSeconds())), 2),
                    number(median(rounds.stream().mapToDouble(step -> step.measured.peakKiB() / 1024.0)), 0),
                    number(median(rounds.stream().mapToDouble(step -> step.bytes / MIB)), 1)));
        });
        return table.markdown();
    }

    private double seconds(String step) {
        return median(steps.getOrDefault(step, List.of()).stream().mapToDouble(one -> one.measured.seconds()));
    }

    private static double median(DoubleStream values) {
        double[] sorted = values.sorted().toArray();
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    private static String number(double value, int decimals) {
        return String.format(Locale.ROOT, "%." + decimals + "f", value);
    }

    /** Everything once, on one data set. */
    private final class Round {
        private final String program;
        private final Workspace workspace;
        private final Path source;
        private final Path twice;

        Round(String program, Workspace workspace) {
            this.program = program;
            this.workspace = workspace;
            this.source = workspace.resolve("source");
            this.twice = workspace.resolve("twice");
        }

        void run(DataSet data) throws IOException, InterruptedException {
            data.make(source, settings.scale(), settings.tree());
            Files.createDirectory(twice);
            for (String copy : List.of("one", "two")) {
                Measured.run(
                        List.of(
                                "cp",
                                "-a",
                                source.toString(),
                                twice.resolve(copy).toString()),
                        "",
                        source,
                        workspace);
            }
            archives();
            stores();
        }

        private void archives() throws IOException, InterruptedException {
            for (boolean isTwice : new boolean[] {false, true}) {
                Path of = isTwice ? twice : source;
                String suffix = isTwice ? " of twice" : "";
                measured("tar.gz" + suffix, of, "made.tar.gz", "tar", "-czf", "made.tar.gz", of.toString());
                if (Files.isExecutable(Path.of("/usr/bin/zstd"))) {
                    String zstd = "zstd -T0 --long=27";
                    measured(
                            "tar.zst --long=27" + suffix,
                            of,
                            "made.tar.zst",
                            "tar",
                            "-I",
                            zstd,
                            "-cf",
                            "made.tar.zst",
                            of.toString());
                }
                measured(
                        "ptar, plaintext" + suffix,
                        of,
                        "made.ptar",
                        program,
                        "-quiet",
                        "ptar",
                        "-plaintext",
                        "-o",
                        "made.ptar",
                        of.toString());
                measured("ptar" + suffix, of, "made.ptar", program, "-quiet", "ptar", "-o", "made.ptar", of.toString());
            }
        }

        private void stores() throws IOException, InterruptedException {
            unmeasured(program, "at", "plain", "create", "-plaintext");
            measured(PLAIN_BACKUP, source, "plain", program, "-quiet", "at", "plain", "backup", source.toString());
            unmeasured(program, "at", "plain2", "create", "-plaintext");
            measured(
                    "sync, plaintext",
                    workspace.resolve("plain"),
                    "plain2",
                    program,
                    "-quiet",
                    "at",
                    "plain",
                    "sync",
                    "to",
                    "plain2");
            unmeasured(program, "-quiet", "at", "plain2", "check");
            drop("plain");
            drop("plain2");

            unmeasured(program, "at", "secret", "create");
            measured(BACKUP, source, "secret", program, "-quiet", "at", "secret", "backup", source.toString());
            unmeasured("env", "ARMOIRE_PASSPHRASE=" + OTHER_PASSPHRASE, program, "at", "secret2", "create");
            measured(
                    "sync, other passphrase",
                    workspace.resolve("secret"),
                    "secret2",
                    "env",
                    "ARMOIRE_PEER_PASSPHRASE=" + OTHER_PASSPHRASE,
                    program,
                    "-quiet",
                    "at",
                    "secret",
                    "sync",
                    "to",
                    "secret2");
            unmeasured("env", "ARMOIRE_PASSPHRASE=" + OTHER_PASSPHRASE, program, "-quiet", "at", "secret2", "check");
            drop("secret2");
            unmeasured(program, "at", "other", "create", "-hashing", "SHA256", "-no-compression");
            measured(
                    "sync, other hash, no compression",
                    workspace.resolve("secret"),
                    "other",
                    program,
                    "-quiet",
                    "at",
                    "secret",
                    "sync",
                    "to",
                    "other");
            drop("other");
            measured(
                    "sync to a .ptar",
                    workspace.resolve("secret"),
                    "made.ptar",
                    program,
                    "-quiet",
                    "at",
                    "secret",
                    "sync",
                    "to",
                    "made.ptar");
            drop("secret");
        }

        /** Runs a command in the work folder; what it makes there is counted, and an archive deleted. */
        private void measured(String step, Path read, String made, String... command)
                throws IOException, InterruptedException {
            Trees.readAll(read);
            new ProcessBuilder("sync").start().waitFor();
            Path folder = workspace.resolve(".");
            Measured measured = Measured.run(List.of(command), settings.cores(), folder, workspace);
            Path result = workspace.resolve(made);
            long bytes = Files.isDirectory(result) ? Trees.extent(result).bytes() : Files.size(result);
            steps.computeIfAbsent(step, key -> new ArrayList<>()).add(new Step(measured, bytes));
            if (!Files.isDirectory(result)) {
                Files.delete(result);
            }
        }

        private void unmeasured(String... command) throws IOException, InterruptedException {
            Measured.run(List.of(command), "", workspace.resolve("."), workspace);
        }

        private void drop(String store) throws IOException {
            Workspace.delete(workspace.resolve(store));
        }
    }
}
