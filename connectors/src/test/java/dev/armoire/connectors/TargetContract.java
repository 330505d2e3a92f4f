// SPDX-License-Identifier: ISC
package dev.armoire.connectors;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.ExporterFactory;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every kind of target does alike. A kind's test says where it is, and reads what was written there. */
public abstract class TargetContract {
    protected abstract ExporterFactory factory();

    /** A place to write to, the same for each call in one test. */
    protected abstract Location place() throws IOException;

    /** Relative paths of all files that are there now, and their contents. */
    protected abstract Map<String, byte[]> written() throws IOException;

    protected Map<String, String> settings() {
        return Map.of();
    }

    private final List<String> lost = new ArrayList<>();

    private Exporter open() throws IOException {
        return factory()
                .open(place(), true, settings(), (path, what) -> lost.add(new String(path, UTF_8) + ": " + what));
    }

    private static FileInfo info(long size, int mode) {
        return new FileInfo(size, mode, 1_700_000_000, 0, 0, 0, 0, 0, 1, "", "", 0);
    }

    private static void write(Exporter exporter, String path, byte[] content) throws IOException {
        FileInfo info = info(content.length, 0644);
        try (Exporter.FileOutput out = exporter.createFile(path.getBytes(UTF_8), info, List.of())) {
            int half = content.length / 2;
            out.write(MemorySegment.ofArray(content).asSlice(0, half).asReadOnly());
            out.write(MemorySegment.ofArray(content).asSlice(half).asReadOnly());
            out.commit(List.of());
        }
    }

    private static void makeFolders(Exporter exporter) throws IOException {
        for (String folder : List.of("sub", "sub/deep", "sub.d", "many")) {
            exporter.makeDirectory(folder.getBytes(UTF_8));
        }
    }

    private static void end(Exporter exporter) throws IOException {
        for (String folder : List.of("many", "sub.d", "sub/deep", "sub", "")) {
            exporter.finishDirectory(folder.getBytes(UTF_8), info(0, FileMode.DIRECTORY | 0755), List.of());
        }
        exporter.finish();
    }

    private static Map<String, String> sums(Map<String, byte[]> files) {
        Map<String, String> sums = new TreeMap<>();
        files.forEach(
                (path, content) -> sums.put(path, content.length + " bytes, " + java.util.Arrays.hashCode(content)));
        return sums;
    }

    @Test
    void whatManyThreadsWriteIsThere() throws Exception {
        try (Exporter exporter = open()) {
            makeFolders(exporter);
            List<Future<?>> writers = new ArrayList<>();
            try (var threads = Executors.newFixedThreadPool(4)) {
                SourceContract.files()
                        .forEach((path, content) -> writers.add(threads.submit(() -> {
                            write(exporter, path, content);
                            return null;
                        })));
            }
            for (Future<?> writer : writers) {
                writer.get();
            }
            end(exporter);
        }
        assertThat(sums(written())).isEqualTo(sums(SourceContract.files()));
    }

    @ParameterizedTest
    @ValueSource(ints = {10, 6_000_000})
    void aFileThatWasNotCommittedIsNotThere(int size) throws IOException {
        byte[] content = new byte[size];
        content[0] = 1;
        try (Exporter exporter = open()) {
            makeFolders(exporter);
            write(exporter, "before", content);
            try (Exporter.FileOutput out = exporter.createFile("cut".getBytes(UTF_8), info(size, 0644), List.of())) {
                out.write(MemorySegment.ofArray(content).asSlice(0, size / 2).asReadOnly());
            }
            write(exporter, "after", content);
            end(exporter);
        }
        assertThat(sums(written())).isEqualTo(sums(Map.of("before", content, "after", content)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"..", "../x", "a/../../x", "/x", "sub/./x", "sub//x", "x/", "nul\0x"})
    void namesThatLeadElsewhereAreRefused(String path) throws IOException {
        try (Exporter exporter = open()) {
            makeFolders(exporter);
            assertThatThrownBy(() -> write(exporter, path, new byte[] {1})).isInstanceOf(IOException.class);
            write(exporter, "good", new byte[] {2});
            end(exporter);
        }
        assertThat(sums(written())).isEqualTo(sums(Map.of("good", new byte[] {2})));
    }

    @Test
    void anUnknownSettingIsRefusedByName() {
        Map<String, String> settings = new HashMap<>(settings());
        settings.put("no_such_setting", "1");
        assertThatThrownBy(() -> factory()
                        .open(place(), true, settings, (path, what) -> {})
                        .close())
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no_such_setting");
    }

    @Test
    void onlyItsOwnPlacesAreAccepted() throws IOException {
        assertThat(factory().accepts(place())).isTrue();
        assertThat(factory().accepts(new Location("nobody", "x"))).isFalse();
    }
}
