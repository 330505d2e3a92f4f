// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.benchmarks.compare.Comparison;
import dev.armoire.benchmarks.compare.Comparison.Settings;
import dev.armoire.benchmarks.compare.Far;
import dev.armoire.benchmarks.compare.LargeIndex;
import dev.armoire.benchmarks.compare.Ranges;
import dev.armoire.benchmarks.compare.Travel;
import dev.armoire.benchmarks.search.Search;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;

/** What {@code armoire-bench} runs. */
public final class Main {
    private static final String HELP = """
            armoire-bench micro [-short|-full] [-out FOLDER] [PATTERN]   kernels and hot paths, by JMH (short: minutes, full: an hour)
            armoire-bench cold [-rounds N] [-out FOLDER]                 the first five seconds of fresh JVMs, argon2 and b3sum
            armoire-bench compare [OPTIONS] [DATA...]                    whole backups, beside all other programs that are there
            armoire-bench travel [OPTIONS] [DATA...]                     archives and sync beside a first backup, and tar.gz beside .ptar
            armoire-bench far [OPTIONS] [DATA]                           a store in a bucket 50 ms away, beside restic
            armoire-bench ranges [OPTIONS]                               what reading parts of a 10 GiB archive moves over HTTP
            armoire-bench search [OPTIONS]                               locate, in 1,000 snapshots of 10,000 files
            armoire-bench index [OPTIONS]                                backups into stores that know up to 50 million blobs
            armoire-bench help

            A report, with its plots and raw numbers, goes into a dated folder of perf-reports, or into FOLDER. PATTERN is a regular
            expression that is looked for in names such as Blake3Benchmark.hash; without one everything runs. Nothing else should run
            meanwhile.

            DATA is random (2 GiB), tree (source code), small (1,000,000 files) or generations (ten of 1 GiB); all but small by default.
            Options of compare:
              -scale X       size of the made data, 1 by default; 0.02 shows in a minute that everything works
              -rounds N      how often everything is done, 3 by default
              -tree FOLDER   the source tree; by default Debian's package linux-source, if it is installed
              -work FOLDER   where data, stores and restored files go, about four times the data; by default the system's for temporary files
              -cores LIST    which cores are used, as taskset takes them, 0,1 by default; "" for all
              -out FOLDER    where the report goes
            Options of travel are those of compare; DATA is random, tree or small, tree by default.
            Options of far are those of compare and -connections N (16); DATA is random, tree or small, tree by default, and rounds are 1.
            Options of ranges: -scale X, -work FOLDER (20 GiB), -out FOLDER; nginx is needed.
            Options of search: -snapshots N, -files N, -share PART (of the files that change each time, 0.01 by default), -rounds N,
            -work FOLDER (1.5 GB), -out FOLDER
            Options of index: -blobs LIST (0,1000000,10000000,50000000 by default), -files N, -work FOLDER (150 bytes a blob), -out FOLDER
            RESTIC, BORG, KOPIA, RUSTIC and PLAKAR name programs that are not on the PATH, or others than those there.
            """;

    private Main() {}

    /** Runs a command; the exit status is 64 if it is none. */
    public static void main(String[] arguments) throws Exception {
        var words = new ArrayDeque<>(List.of(arguments));
        String command = words.isEmpty() ? "help" : words.pop();
        Path root = Path.of(System.getProperty("armoire.root", "."));
        Path folder = root.resolve("perf-reports").resolve(LocalDate.now(ZoneOffset.UTC) + "-" + command);
        String typed = "./armoire-bench " + String.join(" ", arguments);
        switch (command) {
            case "micro" -> micro(words, root, folder, typed);
            case "cold" -> cold(words, root, folder, typed);
            case "compare" -> compare(words, root, folder, typed);
            case "travel" -> travel(words, root, folder, typed);
            case "far" -> far(words, root, folder, typed);
            case "ranges" -> ranges(words, root, folder, typed);
            case "search" -> search(words, root, folder, typed);
            case "index" -> index(words, root, folder, typed);
            case "help", "-h", "-help", "--help" -> System.out.print(HELP);
            default -> refuse("no command \"" + command + "\"");
        }
    }

    private static void micro(Deque<String> words, Path root, Path folder, String typed) throws Exception {
        var extent = Micro.Extent.SHORT;
        String pattern = "";
        while (!words.isEmpty()) {
            String word = words.pop();
            switch (word) {
                case "-short" -> extent = Micro.Extent.SHORT;
                case "-full" -> extent = Micro.Extent.FULL;
                case "-out" -> folder = Path.of(words.pop());
                default -> pattern = word;
            }
        }
        new Micro(root, folder, typed).run(extent, pattern);
        System.out.println("Report: " + folder.resolve("README.md"));
    }

    private static void cold(Deque<String> words, Path root, Path folder, String typed) throws Exception {
        int rounds = 3;
        while (!words.isEmpty()) {
            String word = words.pop();
            switch (word) {
                case "-rounds" -> rounds = Integer.parseInt(words.pop());
                case "-out" -> folder = Path.of(words.pop());
                default -> refuse("cold does not know \"" + word + "\"");
            }
        }
        new Cold(root, folder, typed, rounds).run();
        System.out.println("Report: " + folder.resolve("README.md"));
    }

    private static void compare(Deque<String> words, Path root, Path folder, String typed) throws Exception {
        Invocation said = Invocation.parse("compare", words, folder, List.of("random", "tree", "generations"));
        new Comparison(root, said.settings).run(said.folder, typed);
        System.out.println("Report: " + said.folder.resolve("README.md"));
    }

    private static void travel(Deque<String> words, Path root, Path folder, String typed) throws Exception {
        Invocation said = Invocation.parse("travel", words, folder, List.of("tree"));
        if (said.settings.data().contains("generations")) {
            refuse("travel takes no generations");
        }
        new Travel(root, said.settings).run(said.folder, typed);
        System.out.println("Report: " + said.folder.resolve("README.md"));
    }

    private static void far(Deque<String> words, Path root, Path folder, String typed) throws Exception {
        int connections = 16;
        var others = new ArrayDeque<>(List.of("-rounds", "1"));
        while (!words.isEmpty()) {
            String word = words.pop();
            if (word.equals("-connections")) {
                connections = Integer.parseInt(words.pop());
            } else {
                others.add(word);
            }
        }
        Invocation said = Invocation.parse("far", others, folder, List.of("tree"));
        if (said.settings.data().size() > 1 || said.settings.data().contains("generations")) {
            refuse("far takes one of random, tree and small");
        }
        new Far(root, said.settings, connections).run(said.folder, typed);
        System.out.println("Report: " + said.folder.resolve("README.md"));
    }

    /** What compare, travel and far are told. */
    private record Invocation(Settings settings, Path folder) {
        static Invocation parse(String command, Deque<String> words, Path usualFolder, List<String> usualData)
                throws IOException {
            var data = new ArrayList<String>();
            double scale = 1;
            int rounds = 3;
            String cores = "0,1";
            Path tree = null;
            Path work = Path.of(System.getProperty("java.io.tmpdir"));
            Path folder = usualFolder;
            while (!words.isEmpty()) {
                String word = words.pop();
                switch (word) {
                    case "-scale" -> scale = Double.parseDouble(words.pop());
                    case "-rounds" -> rounds = Integer.parseInt(words.pop());
                    case "-tree" -> tree = Path.of(words.pop()).toAbsolutePath();
                    case "-work" -> work = madeFolder(words.pop());
                    case "-cores" -> cores = words.pop();
                    case "-out" -> folder = Path.of(words.pop());
                    case "random", "tree", "small", "generations" -> data.add(word);
                    default -> refuse(command + " does not know \"" + word + "\"");
                }
            }
            List<String> sets = data.isEmpty() ? usualData : List.copyOf(data);
            return new Invocation(new Settings(sets, scale, rounds, cores, tree, work), folder);
        }
    }

    private static void ranges(Deque<String> words, Path root, Path folder, String typed) throws Exception {
        double scale = 1;
        Path work = Path.of(System.getProperty("java.io.tmpdir"));
        while (!words.isEmpty()) {
            String word = words.pop();
            switch (word) {
                case "-scale" -> scale = Double.parseDouble(words.pop());
                case "-work" -> work = madeFolder(words.pop());
                case "-out" -> folder = Path.of(words.pop());
                default -> refuse("ranges does not know \"" + word + "\"");
            }
        }
        new Ranges(root, work, scale).run(folder, typed);
        System.out.println("Report: " + folder.resolve("README.md"));
    }

    private static void search(Deque<String> words, Path root, Path folder, String typed) throws Exception {
        int snapshots = 1000;
        int files = 10_000;
        double share = 0.01;
        int rounds = 5;
        Path work = Path.of(System.getProperty("java.io.tmpdir"));
        while (!words.isEmpty()) {
            String word = words.pop();
            switch (word) {
                case "-snapshots" -> snapshots = Integer.parseInt(words.pop());
                case "-files" -> files = Integer.parseInt(words.pop());
                case "-share" -> share = Double.parseDouble(words.pop());
                case "-rounds" -> rounds = Integer.parseInt(words.pop());
                case "-work" -> work = madeFolder(words.pop());
                case "-out" -> folder = Path.of(words.pop());
                default -> refuse("search does not know \"" + word + "\"");
            }
        }
        new Search(root, new Search.Settings(snapshots, files, share, rounds, work)).run(folder, typed);
        System.out.println("Report: " + folder.resolve("README.md"));
    }

    private static void index(Deque<String> words, Path root, Path folder, String typed) throws Exception {
        List<Long> blobs = List.of(0L, 1_000_000L, 10_000_000L, 50_000_000L);
        int files = 100_000;
        Path work = Path.of(System.getProperty("java.io.tmpdir"));
        while (!words.isEmpty()) {
            String word = words.pop();
            switch (word) {
                case "-blobs" ->
                    blobs = Stream.of(words.pop().split(",", -1))
                            .map(Long::valueOf)
                            .toList();
                case "-files" -> files = Integer.parseInt(words.pop());
                case "-work" -> work = madeFolder(words.pop());
                case "-out" -> folder = Path.of(words.pop());
                default -> refuse("index does not know \"" + word + "\"");
            }
        }
        new LargeIndex(root, new LargeIndex.Settings(blobs, files, work)).run(folder, typed);
        System.out.println("Report: " + folder.resolve("README.md"));
    }

    private static void refuse(String why) {
        System.err.println("armoire-bench: " + why + "; see armoire-bench help");
        System.exit(64);
    }

    private static Path madeFolder(String name) throws IOException {
        return Files.createDirectories(Path.of(name).toAbsolutePath());
    }
}
