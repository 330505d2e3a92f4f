// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bytes to and from stores take their time, if that is wanted. */
class LimitsTest {
    private static final int BYTES = 300_000;

    @TempDir
    Path folder;

    private ArmoireRun run;

    @BeforeEach
    void prepare() throws IOException {
        run = new ArmoireRun(folder).withStoreAndSource();
        byte[] content = new byte[BYTES];
        new Random(3).nextBytes(content);
        Files.write(folder.resolve("source/random.bin"), content);
    }

    private Duration timed(String... words) {
        long start = System.nanoTime();
        ArmoireRun.Outcome outcome = run.run(words);
        assertThat(outcome.exitCode()).as("%s", outcome).isZero();
        return Duration.ofNanos(System.nanoTime() - start);
    }

    @Test
    void writesAndReadsTakeAtLeastSoLong() {
        Duration atLeast = Duration.ofMillis(BYTES * 1000L / (300 << 10));
        String store = run.path("store");
        assertThat(timed("at", store, "backup", "-limit-upload", "300K", run.path("source")))
                .isGreaterThan(atLeast);
        assertThat(timed("at", store, "-limit-download", "300K", "check")).isGreaterThan(atLeast);

        assertThat(run.run("at", run.path("peer"), "create", "-plaintext").exitCode())
                .isZero();
        assertThat(timed("at", store, "sync", "-limit-upload=300K", "to", run.path("peer")))
                .isGreaterThan(atLeast);
    }

    @Test
    void jobsHaveTheirOwn() throws IOException {
        Path jobs = folder.resolve("jobs.yml");
        Files.writeString(
                jobs,
                "at: " + run.path("store") + "\njobs: {a: {command: backup, limit-upload: 300K, places: "
                        + run.path("source") + "}}\n");
        assertThat(timed("run", jobs.toString())).isGreaterThan(Duration.ofMillis(BYTES * 1000L / (300 << 10)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"500", "0K", "-1M", "fast", "1.5M", "", "9999999G", "5T"})
    void nonsenseIsRefusedBeforeAnythingIsDone(String rate) {
        ArmoireRun.Outcome outcome = run.onStore("backup", "-limit-upload=" + rate, run.path("source"));
        assertThat(outcome.exitCode()).as("%s", outcome).isEqualTo(64);
        assertThat(outcome.err()).contains("-limit-upload");
        assertThat(run.onStore("ls").outLines()).isEmpty();
    }
}
