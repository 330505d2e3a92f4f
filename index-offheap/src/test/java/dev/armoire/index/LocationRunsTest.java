// SPDX-License-Identifier: ISC
package dev.armoire.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.crypto.Mac;
import dev.armoire.index.ffi.MappedPages;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class LocationRunsTest {
    private static final int FILES = 4;
    private static final int BLOBS = 500;

    @TempDir
    Path folder;

    /** Every third blob is in all of them, at an offset that is the number of the file. */
    private LocationRuns write() throws IOException {
        List<Path> files = new ArrayList<>();
        for (int file = 0; file < FILES; file++) {
            int number = file;
            Path path = folder.resolve("locations-" + file);
            files.add(path);
            LocationRuns.write(path, BLOBS, List.of(), number % 2 == 0, (out, atOnce) -> {
                for (int blob = 0; blob < BLOBS; blob++) {
                    if (blob % 3 == 0 || blob % FILES == number) {
                        out.location(5, mac(blob), number, number, blob);
                    }
                }
            });
        }
        return new LocationRuns(files, FILES);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @EnabledOnOs(OS.LINUX)
    void whatIsReleasedIsNoLongerResidentAndStillThere(boolean asTable) throws IOException {
        Path path = folder.resolve("large");
        int blobs = 300_000;
        LocationRuns.write(path, blobs, List.of(), asTable, (out, atOnce) -> {
            for (int blob = 0; blob < blobs; blob++) {
                out.location(5, mac(blob), 0, blob, 7);
            }
        });
        try (LocationFile file = LocationFile.open(path)) {
            for (int round = 0; round < 2; round++) {
                for (int blob = 0; blob < blobs; blob++) {
                    long wanted = blob;
                    boolean[] isFound = {false};
                    file.find(5, mac(blob), (packfile, offset, length) -> {
                        isFound[0] = packfile == 0 && offset == wanted && length == 7;
                        return false;
                    });
                    assertThat(isFound[0])
                            .as("blob %d in round %d", blob, round)
                            .isTrue();
                }
                long before = MappedPages.residentBytes();
                file.release();
                assertThat(before - MappedPages.residentBytes()).isGreaterThan(8 << 20);
            }
        }
    }

    @Test
    void whicheverFileAnsweredLastAllOfThemAreAskedUntilNoMoreIsWanted() throws IOException {
        Random random = new Random(8);
        try (LocationRuns runs = write()) {
            for (int i = 0; i < 4000; i++) {
                int blob = random.nextInt(BLOBS + 20);
                int wanted = 1 + random.nextInt(FILES + 1);
                List<Integer> files = new ArrayList<>();
                runs.find(5, mac(blob), (packfile, offset, length) -> {
                    assertThat(offset).isEqualTo(packfile);
                    assertThat(length).isEqualTo(blob);
                    files.add(packfile);
                    return files.size() < wanted;
                });
                int there = blob >= BLOBS ? 0 : blob % 3 == 0 ? FILES : 1;
                assertThat(files).hasSize(Math.min(wanted, there)).doesNotHaveDuplicates();
                assertThat(there != 1 || files.contains(blob % FILES)).isTrue();
            }
        }
    }

    private static Mac mac(int blob) {
        Random random = new Random(blob);
        return new Mac(random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong());
    }
}
