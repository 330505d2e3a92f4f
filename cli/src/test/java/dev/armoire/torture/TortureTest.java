// SPDX-License-Identifier: ISC
package dev.armoire.torture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A little of everything that {@code armoire-torture} does in full. */
class TortureTest {
    @TempDir
    Path work;

    @ParameterizedTest
    @CsvSource({
        "flip, 20",
        "files, 8",
        "heal, 10",
        "fuzz, 1",
        "kill, 2",
        "power, 12",
        "errors, 30",
        "disk, 7",
        "writers, 4",
        "s3, 3",
        "s3-other, 2",
        "sftp, 3"
    })
    @Timeout(value = 300, unit = TimeUnit.SECONDS)
    void nothingGoesWrong(String part, int times) throws Exception {
        if (part.equals("disk") && System.getenv("CI") == null) {
            assumeTrue(SystemCalls.canBeSeen(), "skipped: there is no strace here");
        }
        Torture torture = new Torture(System.out, work, 7, Kills.ownProgram());
        // To watch a process, or to measure how long it takes when nobody kills it, takes seconds.
        boolean isSlow = part.equals("disk") || part.equals("kill");
        torture.run(part, times, isSlow ? List.of(true) : Torture.BOTH);
        assertThat(torture.failures()).isEmpty();
    }
}
