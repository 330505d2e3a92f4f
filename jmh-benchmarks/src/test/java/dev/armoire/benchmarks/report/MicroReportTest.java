// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MicroReportTest {
    @TempDir
    Path folder;

    @Test
    void theFastestOfARowIsBoldAndSizesBecomeALine() throws IOException {
        var results = new ArrayList<Result>();
        for (String size : List.of("4096", "65536", "1048576")) {
            results.add(hash("Bouncy Castle", size, 0.3e9, 96));
            results.add(hash("Armoire native", size, 6e9, 0));
        }
        new MicroReport(folder, List.of("* Machine: a test")).write(results);

        String page = Files.readString(folder.resolve("README.md"));
        assertThat(page)
                .contains("* Machine: a test")
                .contains(
                        "| Blake3 hash | 1 MiB, RANDOM | 6.00 GB/s (Armoire native) | 0.30 GB/s (Bouncy Castle) | 20.0x |")
                .contains("| size | data | Armoire native GB/s | Bouncy Castle GB/s | B/op |")
                .contains("| 4 KiB | RANDOM | **6.00** ± 1 % | 0.30 ± 1 % | 0 / 96 |")
                .contains("![Blake3 hash, RANDOM](Blake3-hash-RANDOM.svg)")
                .endsWith("allocate a byte or more per operation: 0.\n");
        assertThat(folder.resolve("Blake3-hash-RANDOM.svg")).content().contains("<svg");
        assertThat(folder.resolve("overview.svg")).content().contains("<svg");
    }

    @Test
    void operationsAreCountedWhereThereAreNoBytes() throws IOException {
        var find = new Result(
                "BlobIndex", "find", "Armoire", Map.of("entries", "1000"), 2e6, Double.NaN, Double.NaN, Double.NaN, 24);
        new MicroReport(folder, List.of()).write(List.of(find));

        assertThat(folder.resolve("README.md"))
                .content()
                .contains("| entries | Armoire M/s | B/op |")
                .contains("| 1000 | **2.00** | 24 |")
                .contains("per operation: 1.");
        assertThat(folder.resolve("BlobIndex-find.svg")).exists();
    }

    private static Result hash(String who, String size, double bytesPerSecond, double allocated) {
        var input = new LinkedHashMap<String, String>();
        input.put("size", size);
        input.put("data", "RANDOM");
        double perSecond = bytesPerSecond / Integer.parseInt(size);
        return new Result(
                "Blake3", "hash", who, input, perSecond, perSecond / 100, bytesPerSecond, Double.NaN, allocated);
    }
}
