// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlotTest {
    private static final List<String> STEPS = List.of("1 KiB", "4 KiB", "16 KiB");

    @TempDir
    Path folder;

    @Test
    void valuesMayBeMissingAnywhere() throws IOException {
        Map<String, List<Double>> series = new LinkedHashMap<>();
        series.put("first", List.of(Double.NaN, 1.0, 2.0));
        series.put("middle", List.of(1.0, Double.NaN, 2.0));
        series.put("all", List.of(Double.NaN, Double.NaN, Double.NaN));
        series.put("none", List.of(1.0, 2.0, 3.0));
        Plot.bars(folder.resolve("bars.svg"), "Bars", "GB/s", STEPS, series);
        Plot.lines(folder.resolve("lines.svg"), "Lines", "GB/s", STEPS, series);
        assertThat(folder.resolve("bars.svg")).content().contains("<svg");
        assertThat(folder.resolve("lines.svg")).content().contains("<svg");
    }
}
