// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataSetTest {
    @TempDir
    Path folder;

    @Test
    void madeDataAreTheSameEveryTime() throws Exception {
        for (DataSet data : new DataSet[] {DataSet.RANDOM, DataSet.SMALL, DataSet.GENERATIONS}) {
            Path one = folder.resolve(data + "-1");
            Path two = folder.resolve(data + "-2");
            data.make(one, 0.001, null);
            data.make(two, 0.001, null);
            assertThat(Trees.compare(one, two).content()).as("%s", data).isEqualTo("same");
        }
    }

    @Test
    void aGenerationChangesSomeFilesAndLeavesTheRest() throws Exception {
        Path one = folder.resolve("1");
        Path two = folder.resolve("2");
        DataSet.GENERATIONS.make(one, 0.01, null);
        DataSet.GENERATIONS.make(two, 0.01, null);
        for (int generation = 1; generation <= 4; generation++) {
            DataSet.GENERATIONS.change(two, 0.01, generation);
        }
        String difference = Trees.compare(one, two).content();
        assertThat(difference).matches("[1-9] differ: .*");
    }

    @Test
    void aTreeIsCopied() throws Exception {
        Path source = folder.resolve("source");
        DataSet.RANDOM.make(source, 0.0001, null);
        Path copy = folder.resolve("copy");
        DataSet.TREE.make(copy, 1, source);
        assertThat(Trees.compare(source, copy)).isEqualTo(new Trees.Comparison("same", "same"));
    }

    @Test
    void readsWhatGnuTimeWrites() throws IOException {
        assertThat(Measured.parse("1.50 2.00 0.25 2048 8 16\n")).isEqualTo(new Measured(1.5, 2.25, 2048, 4096, 8192));
    }
}
