// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompareReportTest {
    @TempDir
    Path folder;

    @Test
    void theBestOfARowIsBoldWhoeverItIs() throws IOException {
        var report = new CompareReport(folder, 1, List.of("* Machine: a test"), List.of(Peer.ARMOIRE, Peer.RESTIC));
        report.write(List.of(run(Peer.ARMOIRE, 1, 3), run(Peer.ARMOIRE, 2, 1), run(Peer.RESTIC, 1, 0.5), failed()));

        assertThat(folder.resolve("README.md"))
                .content()
                .contains("| What | armoire | restic |")
                .contains("| first backup, s | 2.00 | **0.50** |")
                .contains("| saved % | 75.0 | 75.0 |")
                .contains("| restored content | same | same |")
                .contains("| failed | - | it broke |");
        assertThat(folder.resolve("runs.csv"))
                .content()
                .contains("RANDOM,armoire,2,\"first backup\",1.00,2.00,2048,1,2\n");
        assertThat(folder.resolve("random-seconds.svg")).content().contains("<svg");
    }

    private static Run run(Peer peer, int round, double seconds) {
        var steps = new LinkedHashMap<String, Measured>();
        steps.put(Comparison.FIRST, new Measured(seconds, 2, 2048, 1, 2));
        var restored = new Trees.Comparison("same", "same");
        return new Run(DataSet.RANDOM, peer, round, steps, 4_000_000, 1_000_000, restored, null);
    }

    private static Run failed() {
        return new Run(DataSet.RANDOM, Peer.RESTIC, 2, new LinkedHashMap<>(), 0, 0, null, "it broke\nbadly");
    }
}
