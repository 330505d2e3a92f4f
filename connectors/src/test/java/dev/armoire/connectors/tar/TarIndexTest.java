// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Archives made by chance, with items that take each other's place, and a model of what is in them in the end. */
final class TarIndexTest {
    private static final int ITEMS = 3000;

    @TempDir
    Path folder;

    /** What a path is in the end: of files, links count as one more name of the same. */
    private record Entry(byte type, String text) {
        boolean isFolder() {
            return type == TarConstants.LF_DIR;
        }
    }

    private final Map<String, Entry> model = new LinkedHashMap<>();
    private final Set<Entry> linked = new HashSet<>();
    private int problems;

    private static String name(Random random) {
        StringBuilder name = new StringBuilder();
        for (int depth = 1 + random.nextInt(4); depth > 0; depth--) {
            name.append(name.isEmpty() ? "" : "/").append((char) ('a' + random.nextInt(5)));
            if (depth == 1 && random.nextInt(3) > 0) {
                name.append(random.nextInt(60));
            }
        }
        return name.toString();
    }

    private void write(Path file, Random random, boolean isCompressed) throws IOException {
        try (OutputStream bytes = Files.newOutputStream(file);
                TarArchiveOutputStream tar = new TarArchiveOutputStream(
                        isCompressed ? new GZIPOutputStream(bytes) : bytes, ISO_8859_1.name())) {
            tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_STAR); // for times before 1970
            for (int i = 0; i < ITEMS; i++) {
                String name = name(random);
                byte type = new byte[] {
                            TarConstants.LF_NORMAL,
                            TarConstants.LF_NORMAL,
                            TarConstants.LF_NORMAL,
                            TarConstants.LF_LINK,
                            TarConstants.LF_SYMLINK,
                            TarConstants.LF_DIR
                        }
                        [random.nextInt(random.nextInt(4) == 0 ? 6 : 4)];
                String target = type == TarConstants.LF_NORMAL || type == TarConstants.LF_DIR ? "" : name(random);
                TarArchiveEntry entry = new TarArchiveEntry(name, type, true);
                entry.setLinkName(target);
                entry.setUserId(random.nextInt(3));
                entry.setUserName("user" + random.nextInt(20));
                entry.setModTime(1000L * random.nextInt());
                byte[] content = type == TarConstants.LF_NORMAL && random.nextInt(9) > 0
                        ? ("content " + i).getBytes(ISO_8859_1)
                        : new byte[0];
                entry.setSize(content.length);
                tar.putArchiveEntry(entry);
                tar.write(content);
                tar.closeArchiveEntry();
                model(name, type, type == TarConstants.LF_NORMAL ? i + ":" + new String(content, ISO_8859_1) : target);
            }
        }
    }

    private void model(String name, byte type, String text) {
        if (type != TarConstants.LF_LINK) {
            // Symbolic links of one text are still two; so a number tells them apart.
            model.put(
                    "/" + name,
                    new Entry(
                            type,
                            type == TarConstants.LF_SYMLINK ? model.size() + "#" + linked.size() + ":" + text : text));
            return;
        }
        Entry first = model.get("/" + text);
        if (first == null || first.isFolder()) {
            problems++;
        } else {
            model.put("/" + name, first);
            linked.add(first);
        }
    }

    private Map<String, String> expected(List<String> left) {
        Map<String, String> expected = new TreeMap<>();
        expected.put("/", "folder");
        model.forEach((path, entry) -> {
            boolean isBelow = false;
            for (int slash = path.indexOf('/', 1); slash > 0; slash = path.indexOf('/', slash + 1)) {
                Entry above = model.get(path.substring(0, slash));
                isBelow |= above != null && !above.isFolder();
            }
            if (isBelow) {
                left.add(path);
                return;
            }
            for (int slash = path.indexOf('/', 1); slash > 0; slash = path.indexOf('/', slash + 1)) {
                expected.putIfAbsent(path.substring(0, slash), "folder");
            }
            String text = entry.text.substring(entry.text.indexOf(':') + 1);
            long names = linked.contains(entry)
                    ? model.values().stream().filter(entry::equals).count()
                    : 1;
            expected.put(path, entry.isFolder() ? "folder" : (char) entry.type + text + " x" + names);
        });
        return expected;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6})
    void whatIsThereInTheEndIsWhatUnpackingLeaves(int seed) throws IOException {
        Path file = folder.resolve("x.tar");
        write(file, new Random(seed), seed % 2 == 0);
        List<String> left = new ArrayList<>();
        Map<String, String> expected = expected(left);
        Map<String, String> found = new TreeMap<>();
        Map<String, Long> numbers = new TreeMap<>();
        List<String> errors = new ArrayList<>();
        Set<String> asked = new HashSet<>();
        ImportOptions options = new ImportOptions(
                (path, isDirectory) -> {
                    assertThat(asked.add(BytePath.text(path))).as("asked once").isTrue();
                    return false;
                },
                true,
                Map.of(),
                List.of());
        try (var importer = new TarImporterFactory().open(Location.parse("tar:" + file), options)) {
            importer.scan(new ImportSink() {
                @Override
                public void record(ImportRecord record) {
                    String path = BytePath.text(record.path());
                    assertThat(found.put(path, describe(record)))
                            .as("told once")
                            .isNull();
                    if (record.info().nlink() > 1) {
                        numbers.put(path, record.info().ino());
                    }
                    String folder = BytePath.text(BytePath.parent(record.path()));
                    assertThat(path.equals("/") || model.containsKey(folder) || found.containsKey(folder))
                            .as("made-up folders come before what is in them")
                            .isTrue();
                }

                @Override
                public void error(byte[] path, String message) {
                    errors.add(message.contains("it lies below") ? BytePath.text(path) : "problem");
                }

                @Override
                public boolean isStopped() {
                    return false;
                }
            });
        }
        assertThat(found).isEqualTo(expected);
        assertThat(errors).filteredOn(error -> !error.equals("problem")).containsExactlyInAnyOrderElementsOf(left);
        assertThat(errors).filteredOn("problem"::equals).hasSize(problems);
        numbers.forEach((path, number) -> numbers.forEach((other, otherNumber) -> assertThat(number.equals(otherNumber))
                .as(path + " and " + other)
                .isEqualTo(isSame(model.get(path), model.get(other)))));
    }

    /** Names of one file share its entry; two files with the same content do not. */
    @SuppressWarnings("ReferenceEquality")
    private static boolean isSame(@Nullable Entry one, @Nullable Entry other) {
        return one == other;
    }

    private static @Nullable String describe(ImportRecord record) {
        int mode = record.info().mode();
        String names = " x" + record.info().nlink();
        if (FileMode.isDirectory(mode)) {
            return "folder";
        } else if (FileMode.isSymlink(mode)) {
            return (char) TarConstants.LF_SYMLINK + new String(record.linkTarget(), ISO_8859_1) + names;
        }
        byte[] content = new byte[(int) record.info().size() + 1];
        try (var open = record.open()) {
            int count = (int) open.read(MemorySegment.ofArray(content));
            return (char) TarConstants.LF_NORMAL + new String(content, 0, count, ISO_8859_1) + names;
        } catch (IOException e) {
            return "unreadable: " + e.getMessage();
        }
    }
}
