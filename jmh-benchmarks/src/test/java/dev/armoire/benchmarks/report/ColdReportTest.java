// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.benchmarks.report.ColdReport.Series;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ColdReportTest {
    @TempDir
    Path folder;

    @Test
    void showsTheMedianOfTheRoundsAtEachMoment() throws IOException {
        var series = new ArrayList<Series>();
        for (int round = 1; round <= 3; round++) {
            int times = round == 3 ? 100 : round; // an outlier that no median shows
            series.add(new Series(
                    "blake3",
                    "auto",
                    round,
                    IntStream.range(0, 50).mapToObj(i -> (double) i * times).toList()));
        }
        new ColdReport(folder, List.of()).write(series, 100, Map.of("argon2", List.of(900.0, 1100.0, 1000.0)));

        assertThat(folder.resolve("README.md"))
                .content()
                .contains("| auto | 4.00 | 6.00 | 10.0 | 20.0 | 40.0 | 98.0 | 10.0 |")
                .contains("| argon2 | 1000 | 900, 1100, 1000 |");
        assertThat(folder.resolve("cold.csv")).content().contains("blake3,auto,3,200,200.0\n");
        assertThat(folder.resolve("cold-blake3.svg")).content().contains("<svg");
    }
}
