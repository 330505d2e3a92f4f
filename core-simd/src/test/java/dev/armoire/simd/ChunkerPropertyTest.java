// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Chunkers against the format's definitions, and known cuts against full scans. */
class ChunkerPropertyTest {
    private static final int[][] SIZES = {
        {64, 256, 1024},
        {100, 3000, 20_000},
        {1, 70_000, 200_000},
        {2048, 8192, 65536},
        {500, 100_000, 300_000},
        {5, 9, 13},
        {61, 130, 1001}
    };

    static List<String> algorithms() {
        return List.of(
                "fastcdc",
                "fastcdc-v1.0.0",
                "jc",
                "jc-v1.0.0",
                "jc-v1.1.0",
                "ultracdc",
                "ultracdc-v1.0.0",
                "fixed-v1.0.0");
    }

    /** Random, then letters, then few values, then long runs: what makes every algorithm cut in each of its ways. */
    private static byte[] mixedData(int length, long seed) {
        byte[] data = Vectors.random(length, seed);
        byte[] letters = Vectors.text(length, seed);
        var random = new Random(seed);
        for (int at = 0; at < length; ) {
            int end = Math.min(length, at + 1 + random.nextInt(4000));
            switch (random.nextInt(4)) {
                case 0 -> System.arraycopy(letters, at, data, at, end - at);
                case 1 -> Arrays.fill(data, at, end, (byte) random.nextInt(256));
                case 2 -> {
                    for (int i = at + 8; i < end; i++) {
                        data[i] = data[i - 8];
                    }
                }
                default -> {}
            }
            at = end;
        }
        return data;
    }

    private static int[] fit(String algorithm, int[] size) {
        return algorithm.startsWith("fixed") ? new int[] {0, Integer.highestOneBit(size[1] + 64), 0} : size;
    }

    @ParameterizedTest
    @MethodSource("algorithms")
    void agreesWithTheDefinitionForAnyWindow(String algorithm) {
        var random = new Random(42);
        for (int[] sizes : SIZES) {
            int[] size = fit(algorithm, sizes);
            for (GearForm form : GearForms.available()) {
                var chunker = Chunker.of(algorithm, size[0], size[1], size[2], null, form);
                byte[] data = mixedData(60_000 + 2 * chunker.maxSize(), random.nextLong());
                int rounds = 0;
                for (int at = 0; at < data.length && rounds < (GearForms.isEmulated(form) ? 200 : 1500); rounds++) {
                    int max = chunker.maxSize();
                    int window = Math.min(random.nextInt(8) == 0 ? random.nextInt(max) + 1 : max, data.length - at);
                    long cut = chunker.cut(MemorySegment.ofArray(data).asSlice(at, window));
                    assertThat(cut)
                            .as("%s %s %s at %d, window %d", form, algorithm, Arrays.toString(size), at, window)
                            .isEqualTo(ReferenceChunkers.cut(chunker, data, at, window));
                    at += (int) cut;
                }
            }
        }
    }

    /** The bytes of a chunk stay; what follows stays, changes, or ends sooner or later. */
    @ParameterizedTest
    @MethodSource("algorithms")
    void aKnownCutIsJudgedAsAFullScanWould(String algorithm) {
        var random = new Random(4);
        for (int[] sizes : SIZES) {
            int[] size = fit(algorithm, sizes);
            for (GearForm form : GearForms.available()) {
                var chunker = Chunker.of(algorithm, size[0], size[1], size[2], null, form);
                int max = chunker.maxSize();
                byte[] data = mixedData(60_000 + 2 * max, random.nextLong());
                int rounds = 0;
                for (int at = 0; at < data.length - max && rounds < (GearForms.isEmulated(form) ? 30 : 300); rounds++) {
                    int length = (int) chunker.cut(MemorySegment.ofArray(data).asSlice(at, max));
                    for (int change = 0; change < 6; change++) {
                        byte[] changed = Arrays.copyOfRange(data, at, at + max);
                        for (int i = length; i < Math.min(max, length + 10) && change > 0; i++) {
                            changed[i] = switch (change) {
                                case 1 -> (byte) random.nextInt();
                                case 2 -> changed[Math.max(0, i - 8)];
                                case 3 -> 0;
                                default -> changed[i];
                            };
                        }
                        int window = change < 4 ? max : length + random.nextInt(Math.min(20, max - length + 1));
                        var segment = MemorySegment.ofArray(changed).asSlice(0, window);
                        assertThat(chunker.cutsAt(segment, length))
                                .as(
                                        "%s %s %s at %d, length %d, change %d, window %d",
                                        form, algorithm, Arrays.toString(size), at, length, change, window)
                                .isEqualTo(chunker.cut(segment) == length);
                    }
                    at += length;
                }
            }
        }
    }

    @Test
    void fastCdcJudgesAChunkThatEndedItsStreamToo() {
        var chunker = Chunker.of("fastcdc", 64, 256, 1024);
        byte[] data = mixedData(200_000, 8);
        for (int at = 0; at < data.length - 1024; at += 50) {
            int length = at % 1024 + 1;
            var known = MemorySegment.ofArray(data).asSlice(at, length);
            if (chunker.cut(known) == length) {
                var grown = MemorySegment.ofArray(data).asSlice(at, 1024);
                assertThat(chunker.cutsAt(grown, length)).isEqualTo(chunker.cut(grown) == length);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("algorithms")
    void aKnownChunkLongerThanTheWindowIsTheCallersMistake(String algorithm) {
        var chunker = Chunker.of(algorithm, 0, 0, 0);
        var window = MemorySegment.ofArray(new byte[10]);
        assertThatThrownBy(() -> chunker.cutsAt(window, 11)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(chunker.cutsAt(window, 10)).isTrue();
    }
}
