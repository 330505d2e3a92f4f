// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.search;

import dev.armoire.benchmarks.report.Machine;
import dev.armoire.benchmarks.report.Table;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Searches in a store of many snapshots that differ little: how long the index takes to be built, how large it is, and how
 * long fresh processes take to find something by it.
 */
public final class Search {
    private static final double MIB = 1 << 20;

    private final Path root;
    private final Settings settings;

    /**
     * What to measure.
     *
     * @param snapshots how many
     * @param files in each of them
     * @param share of the files that are others, in contents, in the next snapshot
     * @param rounds how often everything is measured; medians are told
     * @param work an existing folder, in which a store and all else are made and removed
     */
    public record Settings(int snapshots, int files, double share, int rounds, Path work) {}

    /** A measurement with the program of this checkout. */
    public Search(Path root, Settings settings) {
        this.root = root;
        this.settings = settings;
    }

    /**
     * Measures, prints, and writes the report.
     *
     * @param folder where the report goes; made if it is not there
     * @param command what was typed
     */
    public void run(Path folder, String command) throws IOException, InterruptedException {
        List<String> facts = Machine.facts(root, command);
        Path work = Files.createTempDirectory(settings.work, "armoire-search").toRealPath();
        try {
            String report = measure(work, facts);
            Files.createDirectories(folder);
            Files.writeString(folder.resolve("README.md"), report);
            System.out.print(report);
        } finally {
            remove(work);
        }
    }

    private String measure(Path work, List<String> facts) throws IOException, InterruptedException {
        var made = new ManySnapshots(work.resolve("source"), settings.files);
        Path store = work.resolve("store");
        made.backUp(store, settings.snapshots, settings.share);
        Path index = work.resolve("home/.cache/armoire/search-1");
        String at = store.toString();
        armoire(work, "at", at, "ls"); // builds the program if need be, and what the cache has beside the index

        var table = new Table(List.of("Measured", "Result", "Goal"));
        List<Double> built = new ArrayList<>();
        for (int round = 0; round < settings.rounds; round++) {
            remove(index);
            built.add(armoire(work, "at", at, "locate", "no such name").seconds);
        }
        table.add(List.of("the first search, which builds the index", seconds(built), "30 s"));
        table.add(List.of("the index", String.format(Locale.ROOT, "%.1f MiB", size(index) / MIB), "100 MB"));

        String name = made.someFile().getFileName().toString();
        search(table, work, at, "a name that is nowhere", "no such name");
        search(table, work, at, "a file that is in every snapshot", name);
        search(table, work, at, "the same by its whole path", made.someFile().toString());
        search(table, work, at, "text within names", "*" + name.substring(name.length() - 9, name.length() - 4) + "*");
        search(
                table,
                work,
                at,
                "by type and size, of 1 % of the names",
                "-mime",
                "text",
                "-size",
                "+20",
                "*-?7*0*.txt");
        search(table, work, at, "in snapshots of today", "-since", "1d", name);
        search(table, work, at, "all snapshots, by `ls`", List.of("ls"));
        List<Double> walked = List.of(armoire(work, "at", at, "locate", "-no-index", name).seconds);
        table.add(List.of("a file that is in every snapshot, without index", seconds(walked), ""));

        return String.format(Locale.ROOT, """
                        # Searches in %,d snapshots of %,d files, %.1f %% of them changed each time

                        """, settings.snapshots, settings.files, settings.share * 100)
                + String.join("\n", facts)
                + "\n* Store without encryption: to unlock one that has a passphrase takes as long as that is made to take\n"
                + "* Seconds of whole processes, the median of " + settings.rounds + "; files are in the page cache\n\n"
                + table.markdown();
    }

    private void search(Table table, Path work, String store, String what, String... words)
            throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("locate"));
        command.addAll(List.of(words));
        search(table, work, store, what, command);
    }

    private void search(Table table, Path work, String store, String what, List<String> words)
            throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("at", store));
        command.addAll(words);
        List<Double> times = new ArrayList<>();
        long lines = 0;
        for (int round = 0; round < settings.rounds; round++) {
            Ended ended = armoire(work, command.toArray(String[]::new));
            times.add(ended.seconds);
            lines = ended.lines;
        }
        table.add(List.of(what + " (" + lines + " found)", seconds(times), "0.2 s"));
    }

    private record Ended(double seconds, long lines) {}

    /** Runs the program in a HOME of its own. */
    private Ended armoire(Path work, String... words) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(root.resolve("armoire").toString()));
        command.addAll(List.of(words));
        Path output = work.resolve("output");
        var builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .redirectInput(Path.of("/dev/null").toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("XDG_") || name.startsWith("ARMOIRE_"));
        builder.environment()
                .put("HOME", Files.createDirectories(work.resolve("home")).toString());
        long start = System.nanoTime();
        int status = builder.start().waitFor();
        double seconds = (System.nanoTime() - start) / 1e9;
        List<String> lines = Files.readAllLines(output);
        if (status != 0) {
            throw new IOException("\"" + String.join(" ", command) + "\" ended with " + status + ":\n"
                    + String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size())));
        }
        return new Ended(seconds, lines.size());
    }

    private static String seconds(List<Double> times) {
        List<Double> sorted = times.stream().sorted().toList();
        return String.format(Locale.ROOT, "%.3f s", sorted.get(sorted.size() / 2));
    }

    private static long size(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            long bytes = 0;
            for (Path file : files.toList()) {
                bytes += Files.size(file);
            }
            return bytes;
        }
    }

    private static void remove(Path tree) throws IOException {
        if (Files.exists(tree)) {
            try (Stream<Path> files = Files.walk(tree)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }
}
