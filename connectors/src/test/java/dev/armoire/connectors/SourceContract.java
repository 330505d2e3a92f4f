// SPDX-License-Identifier: ISC
package dev.armoire.connectors;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** What every kind of source does alike. A kind's test makes the place with the files, and says how it is called. */
public abstract class SourceContract {
    private static final int MANY = 40;

    /** Paths below the root, and contents. */
    protected static Map<String, byte[]> files() {
        Random random = new Random(42);
        Map<String, byte[]> files = new TreeMap<>();
        files.put("a.txt", "alpha\n".getBytes(UTF_8));
        files.put("empty", new byte[0]);
        files.put("sub/b.txt", "beta\n".getBytes(UTF_8));
        files.put("sub/deep/c.log", "gamma\n".getBytes(UTF_8));
        files.put("sub/with space & \u00e9", "odd".getBytes(UTF_8));
        files.put("sub.d/x", "beside sub".getBytes(UTF_8));
        byte[] large = new byte[5_000_001];
        random.nextBytes(large);
        files.put("large.bin", large);
        for (int i = 0; i < MANY; i++) {
            byte[] bytes = new byte[1 + random.nextInt(20_000)];
            random.nextBytes(bytes);
            files.put("many/%02d".formatted(i), bytes);
        }
        return files;
    }

    protected abstract ImporterFactory factory();

    /** Makes a place with all {@link #files} and returns it. */
    protected abstract Location place() throws IOException;

    /** A place where there is nothing. */
    protected abstract Location nowhere() throws IOException;

    /** The settings that such a place needs. */
    protected Map<String, String> settings() {
        return Map.of();
    }

    /** What was delivered. */
    private static final class Delivered implements ImportSink {
        final Map<String, ImportRecord> records = new TreeMap<>();
        final List<String> errors = new ArrayList<>();
        int stopAfter = Integer.MAX_VALUE;

        @Override
        public synchronized void record(ImportRecord record) {
            String path = new String(record.path(), UTF_8);
            assertThat(records.put(path, record)).as("delivered twice: " + path).isNull();
        }

        @Override
        public synchronized void error(byte[] path, String message) {
            errors.add(new String(path, UTF_8) + ": " + message);
        }

        @Override
        public synchronized boolean isStopped() {
            return records.size() >= stopAfter;
        }
    }

    private ImportOptions options(ImportOptions.Excludes excludes) {
        return new ImportOptions(excludes, true, settings(), List.of());
    }

    private ImportOptions everything() {
        return options((path, isDirectory) -> false);
    }

    private static byte[] read(ImportRecord record, int step) throws IOException {
        java.io.ByteArrayOutputStream all = new java.io.ByteArrayOutputStream();
        try (Arena arena = Arena.ofConfined();
                var content = record.open()) {
            MemorySegment into = arena.allocate(step);
            for (long count; (count = content.read(into)) > 0; ) {
                all.writeBytes(into.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE));
            }
        }
        return all.toByteArray();
    }

    private static String below(Importer importer, String name) {
        return new String(BytePath.join(importer.root(), name.getBytes(UTF_8)), UTF_8);
    }

    @Test
    void everythingIsDeliveredOnceWithTheFoldersAbove() throws IOException {
        try (Importer importer = factory().open(place(), everything())) {
            Delivered delivered = new Delivered();
            importer.scan(delivered);

            assertThat(delivered.errors).isEmpty();
            assertThat(importer.type()).isNotEmpty();
            assertThat(importer.origin()).isNotEmpty();
            for (String path : delivered.records.keySet()) {
                byte[] bytes = path.getBytes(UTF_8);
                assertThat(BytePath.clean(BytePath.ROOT, bytes)).isEqualTo(bytes);
                String parent = new String(BytePath.parent(bytes), UTF_8);
                assertThat(delivered.records).containsKey(parent);
                assertThat(FileMode.isDirectory(
                                delivered.records.get(parent).info().mode()))
                        .as(parent)
                        .isTrue();
            }
            files().forEach((name, content) -> {
                ImportRecord record = delivered.records.get(below(importer, name));
                assertThat(record).as(name).isNotNull();
                assertThat(FileMode.isRegular(record.info().mode())).isTrue();
                assertThat(record.info().size()).isIn(-1L, (long) content.length);
            });
            long files = delivered.records.values().stream()
                    .filter(record -> FileMode.isRegular(record.info().mode()))
                    .count();
            assertThat(files).isEqualTo(files().size());
        }
    }

    @Test
    void contentsAreReadByManyThreadsInAnyOrder() throws Exception {
        try (Importer importer = factory().open(place(), everything())) {
            Delivered delivered = new Delivered();
            importer.scan(delivered);
            List<Map.Entry<String, byte[]>> all = new ArrayList<>(files().entrySet());
            Collections.shuffle(all, new Random(0));
            List<Future<?>> readers = new ArrayList<>();
            try (var threads = Executors.newFixedThreadPool(4)) {
                for (var file : all) {
                    readers.add(threads.submit(() -> {
                        assertThat(read(delivered.records.get(below(importer, file.getKey())), 65_537))
                                .as(file.getKey())
                                .isEqualTo(file.getValue());
                        importer.threadEnds();
                        return null;
                    }));
                }
            }
            for (Future<?> reader : readers) {
                reader.get();
            }
        } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
        }
    }

    @Test
    void whatIsExcludedIsNotDeliveredNorWhatIsBelow() throws IOException {
        Set<String> asked = new HashSet<>();
        List<String> twice = new ArrayList<>();
        try (Importer importer = factory().open(place(), options((path, isDirectory) -> {
            String text = new String(path, UTF_8);
            if (!asked.add(text)) {
                twice.add(text);
            }
            return text.endsWith("/sub") || text.endsWith(".bin");
        }))) {
            Delivered delivered = new Delivered();
            importer.scan(delivered);

            assertThat(twice).isEmpty();
            assertThat(delivered.errors).isEmpty();
            assertThat(delivered.records)
                    .containsKeys(below(importer, "a.txt"), below(importer, "sub.d/x"))
                    .doesNotContainKeys(
                            below(importer, "sub"),
                            below(importer, "sub/b.txt"),
                            below(importer, "sub/deep"),
                            below(importer, "sub/deep/c.log"),
                            below(importer, "large.bin"));
        }
    }

    @Test
    void theSamePlaceIsFoundTheSameAgain() throws IOException {
        Location place = place();
        List<Map<String, Object>> seen = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            try (Importer importer = factory().open(place, everything())) {
                Delivered delivered = new Delivered();
                importer.scan(delivered);
                Map<String, Object> infos = new HashMap<>();
                delivered.records.forEach((path, record) -> infos.put(path, record.info()));
                seen.add(infos);
            }
        }
        assertThat(seen.get(1)).isEqualTo(seen.get(0));
    }

    @Test
    void itStopsWhenNoMoreIsWanted() throws IOException {
        try (Importer importer = factory().open(place(), everything())) {
            Delivered delivered = new Delivered();
            delivered.stopAfter = 8;
            importer.scan(delivered);

            assertThat(delivered.records.size()).isLessThan(MANY);
        }
    }

    @Test
    void aPlaceWithNothingIsAnError() throws IOException {
        Location nowhere = nowhere();
        assertThatThrownBy(() -> {
                    try (Importer importer = factory().open(nowhere, everything())) {
                        importer.scan(new Delivered());
                    }
                })
                .isInstanceOf(IOException.class)
                .hasMessageNotContaining("Exception");
    }

    @Test
    void anUnknownSettingIsRefusedByName() throws IOException {
        Location place = place();
        Map<String, String> settings = new HashMap<>(settings());
        settings.put("no_such_setting", "1");
        assertThatThrownBy(() -> factory()
                        .open(place, new ImportOptions((path, isDirectory) -> false, true, settings, List.of()))
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
