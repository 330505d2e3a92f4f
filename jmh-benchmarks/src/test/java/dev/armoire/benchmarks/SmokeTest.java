// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.benchmarks.report.Result;
import dev.armoire.simd.Aes256KeyWrap;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Runs every benchmark once, on little data, with the check of its result: nothing here is about time. */
class SmokeTest {
    @Test
    void everyBenchmarkRunsAndItsResultIsRight() throws RunnerException {
        System.setProperty("jmh.ignoreLock", "true"); // another JMH on the machine is no reason to fail
        var options = new OptionsBuilder()
                .forks(0)
                .mode(Mode.SingleShotTime)
                .warmupIterations(0)
                .measurementIterations(1)
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT)
                .param("form", "auto")
                .param("size", "1024")
                .param("data", "TEXT")
                .param("contentMiB", "3")
                .param("cacheMiB", "64")
                .param("messageSize", "1025")
                .param("messages", "17")
                .param("entries", "1000")
                .param("memoryKiB", "64")
                .param("passes", "1")
                .param("provider", "conscrypt");
        if (!Aes256KeyWrap.isAvailable()) {
            options.exclude("KeyWrapBenchmark\\.(un)?wrap$");
        }
        List<Result> results =
                new Runner(options.build()).run().stream().map(Micro::result).toList();
        var expected = new TreeSet<String>();
        Micro.benchmarks(name -> true).forEach((name, methods) -> expected.add(name.replace("Benchmark", "")));
        assertThat(results).extracting(Result::suite).containsAll(expected);
    }
}
