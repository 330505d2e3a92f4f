// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DataTest {
    private static final int LENGTH = 200_000;

    @ParameterizedTest
    @EnumSource
    void isTheSameForTheSameSeed(Data data) {
        assertThat(data.bytes(LENGTH, 1)).hasSize(LENGTH).isEqualTo(data.bytes(LENGTH, 1));
    }

    @ParameterizedTest
    @EnumSource
    void compressesAsItsNameSays(Data data) throws IOException {
        var compressed = new ByteArrayOutputStream();
        try (var deflater = new DeflaterOutputStream(compressed)) {
            deflater.write(data.bytes(LENGTH, 1));
        }
        double ratio = (double) LENGTH / compressed.size();
        switch (data) {
            case RANDOM -> assertThat(ratio).isLessThan(1.01);
            case TEXT -> assertThat(ratio).isBetween(2.0, 8.0);
            case ZEROS -> assertThat(ratio).isGreaterThan(100);
            case REAL -> assertThat(ratio).isGreaterThan(1.1);
        }
    }
}
