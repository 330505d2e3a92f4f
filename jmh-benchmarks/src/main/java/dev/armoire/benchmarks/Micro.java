// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.benchmarks.report.Machine;
import dev.armoire.benchmarks.report.MicroReport;
import dev.armoire.benchmarks.report.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Runs the JMH classes one after the other and writes the report anew after each: a run of hours that ends early is kept. */
final class Micro {
    /** Parameters that say who does the work; all others describe the input. */
    private static final List<String> WHO = List.of("form", "provider", "library");

    /** What takes the same time whatever the bytes are: run on one kind of data, which leaves time for all sizes. */
    private static final List<String> DATA_BLIND = List.of("Blake3Benchmark", "Sha256Benchmark", "XxHash32Benchmark");

    private static final String PACKAGE = Micro.class.getPackageName() + ".";

    /** How much is run. */
    enum Extent {
        /** Some sizes, two kinds of data, little repetition: shows the shape. */
        SHORT,
        /** Everything, as the classes say. */
        FULL
    }

    private final Path root;
    private final Path folder;
    private final String command;

    /**
     * A run.
     *
     * @param root the checkout
     * @param folder where the report goes; made if it is not there
     * @param command what was typed
     */
    Micro(Path root, Path folder, String command) {
        this.root = root;
        this.folder = folder;
        this.command = command;
    }

    /** Runs what the pattern finds in names like {@code Blake3Benchmark.hash}. */
    void run(Extent extent, String pattern) throws IOException, RunnerException {
        Predicate<String> wanted = Pattern.compile(pattern).asPredicate();
        SequencedMap<String, List<String>> classes = benchmarks(wanted);
        if (classes.isEmpty()) {
            throw new IllegalArgumentException("no benchmark's name has \"" + pattern + "\" in it");
        }
        Files.createDirectories(folder);
        SequencedMap<String, String> forms = Forms.available();
        List<String> facts = new ArrayList<>(Machine.facts(root, command));
        forms.forEach((name, kernels) -> facts.add("* `-Darmoire.simd=" + name + "`: " + kernels));
        facts.add("* Options of the measured JVM: `" + String.join(" ", Forms.JVM) + "`");
        var report = new MicroReport(folder, facts);
        var results = new ArrayList<Result>();
        for (var entry : classes.sequencedEntrySet()) {
            var options = new OptionsBuilder()
                    .param("form", forms.sequencedKeySet().toArray(String[]::new))
                    .addProfiler(GCProfiler.class)
                    .jvmArgs("-Xmx1g") // not what this process was started with: results name no folder of the machine
                    .shouldFailOnError(false)
                    .resultFormat(ResultFormatType.JSON)
                    .result(folder.resolve(entry.getKey() + ".json").toString());
            entry.getValue().forEach(name -> options.include("^" + Pattern.quote(name) + "$"));
            if (extent == Extent.SHORT) {
                shorten(options, entry.getKey());
            } else if (DATA_BLIND.contains(entry.getKey())) {
                options.param("data", "RANDOM");
            } else if (entry.getKey().equals("ZstdBenchmark")) {
                options.param("size", "4096", "65536", "1048576"); // it takes two levels and two libraries as it is
            }
            for (RunResult result : new Runner(options.build()).run()) {
                results.add(result(result));
            }
            report.write(results);
        }
    }

    private static void shorten(ChainedOptionsBuilder options, String name) {
        options.param("size", "4096", "65536", "1048576")
                .param("messageSize", "1024", "4096")
                .param("entries", "1000000")
                .param("data", "RANDOM", "TEXT")
                .param("algorithm", "fastcdc-v1.0.0", "jc-v1.1.0")
                .param("level", "3")
                .warmupIterations(name.startsWith("Argon2id") ? 1 : 2)
                .measurementIterations(name.startsWith("Argon2id") ? 2 : 3)
                .warmupTime(TimeValue.milliseconds(300))
                .measurementTime(TimeValue.milliseconds(200));
    }

    /** Names of the methods that are wanted, by simple name of their class. */
    static SequencedMap<String, List<String>> benchmarks(Predicate<String> wanted) {
        var out = OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT);
        var classes = new LinkedHashMap<String, List<String>>();
        for (BenchmarkListEntry entry : BenchmarkList.defaultList().getAll(out, List.of())) {
            String name = entry.getUsername().substring(PACKAGE.length());
            if (wanted.test(name)) {
                classes.computeIfAbsent(name.substring(0, name.indexOf('.')), key -> new ArrayList<>())
                        .add(entry.getUsername());
            }
        }
        return classes;
    }

    /** What JMH found out about {@code XBenchmark.workByWho}, in the words of the report. */
    static Result result(RunResult run) {
        BenchmarkParams params = run.getParams();
        String[] name = params.getBenchmark().substring(PACKAGE.length()).split("\\.", -1);
        String[] method = name[1].split("By(?=[A-Z])", -1);
        String who = method.length > 1 ? spaced(method[1]) : "Armoire";
        Map<String, String> input = new LinkedHashMap<>();
        for (String key : params.getParamsKeys()) {
            if (WHO.contains(key)) {
                who += " " + params.getParam(key).toLowerCase(Locale.ROOT);
            } else {
                input.put(key, params.getParam(key));
            }
        }
        var primary = run.getPrimaryResult();
        return new Result(
                name[0].replace("Benchmark", ""),
                method[0],
                who,
                input,
                primary.getScore(),
                primary.getScoreError(),
                secondary(run, "bytes"),
                secondary(run, "scanned"),
                secondary(run, "gc.alloc.rate.norm"));
    }

    private static double secondary(RunResult run, String name) {
        var result = run.getSecondaryResults().get(name);
        return result == null ? Double.NaN : result.getScore();
    }

    /** {@code BouncyCastle} in two words. */
    private static String spaced(String name) {
        return name.replaceAll("(?<=[a-z0-9])(?=[A-Z])", " ");
    }
}
