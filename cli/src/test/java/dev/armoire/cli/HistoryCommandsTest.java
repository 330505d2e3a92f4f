// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** Commands that look at a store over time: history, du, stats. */
class HistoryCommandsTest {
    @TempDir
    Path folder;

    private ArmoireRun run;
    private Path source;

    @BeforeEach
    void makeStore() throws IOException {
        run = new ArmoireRun(folder).withStoreAndSource();
        source = folder.resolve("source");
    }

    /** A number of a line of JSON. */
    private static long number(String line, String field) {
        Matcher matcher = Pattern.compile('"' + field + "\":(-?\\d+)").matcher(line);
        assertThat(matcher.find()).as("%s in %s", field, line).isTrue();
        return Long.parseLong(matcher.group(1));
    }

    private static String text(String line, String field) {
        Matcher matcher = Pattern.compile('"' + field + "\":\"([^\"]*)\"").matcher(line);
        return matcher.find() ? matcher.group(1) : "";
    }

    private void noise(String name, int bytes, long seed) throws IOException {
        byte[] content = new byte[bytes];
        new Random(seed).nextBytes(content);
        Files.createDirectories(source.resolve(name).getParent());
        Files.write(source.resolve(name), content);
    }

    // history

    @Test
    void historyShowsEachVersionAndWhatChanged() throws IOException {
        Path file = source.resolve("a.txt");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        String first = run.backup();
        String same = run.backup();
        FileTime time = FileTime.from(Instant.parse("2020-01-01T00:00:00Z"));
        Files.writeString(file, "alpha and beta\n");
        Files.setLastModifiedTime(file, time);
        String changed = run.backup();
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        String mode = run.backup();
        Files.delete(file);
        String gone = run.backup();
        Files.createSymbolicLink(file, Path.of("sub"));
        String link = run.backup();

        List<String> lines = run.onStore("history", "-json", "a.txt").outLines();

        assertThat(lines).hasSize(5);
        assertThat(lines.stream().map(line -> text(line, "snapshot").substring(0, 8)))
                .containsExactly(link, gone, mode, changed, first);
        assertThat(lines.get(0)).contains("\"changes\":[\"added\"]", "\"content\":null");
        assertThat(lines.get(1)).contains("\"changes\":[\"removed\"]", "\"size\":null");
        assertThat(lines.get(2)).contains("\"changes\":[\"mode\"]", "\"mode\":\"-rw-------\"");
        assertThat(lines.get(3)).contains("\"changes\":[\"content\",\"time\"]", "\"size\":15");
        assertThat(lines.get(4)).contains("\"changes\":[\"added\"]", "\"size\":6", "\"snapshots\":2");
        assertThat(text(lines.get(4), "last_snapshot")).startsWith(same);
        assertThat(text(lines.get(2), "content"))
                .isEqualTo(text(lines.get(3), "content"))
                .isNotEqualTo(text(lines.get(4), "content"));
        assertThat(run.onStore("history", "-content", source + "/a.txt").outLines())
                .hasSize(4)
                .noneMatch(line -> line.contains("mode"));
        assertThat(run.onStore("history", "sub").outLines()).hasSize(1);
    }

    @Test
    void historyOfWhatOtherSourcesHave() throws IOException {
        String first = run.backup();
        Files.createDirectories(folder.resolve("other"));
        Files.writeString(folder.resolve("other/x"), "x");
        run.onStore("backup", run.path("other"));

        assertThat(run.onStore("history", source + "/a.txt").outLines())
                .singleElement()
                .asString()
                .endsWith(first + ":" + source + "/a.txt");
        var missing = run.onStore("history", "nowhere");
        assertThat(missing.exitCode()).isEqualTo(1);
        assertThat(missing.err()).contains("nowhere: no snapshot has it");
    }

    // du and stats

    @Test
    void duTellsWhatIsSharedAndWhatRemovingGivesBack() throws IOException {
        noise("big/old", 300_000, 1);
        noise("kept", 200_000, 2);
        String first = run.backup();
        Files.delete(source.resolve("big/old"));
        noise("big/new", 100_000, 3);
        String second = run.backup();

        List<String> lines = run.onStore("du", "-json").outLines();

        assertThat(lines).hasSize(2);
        assertThat(text(lines.get(0), "snapshot")).startsWith(second);
        assertThat(text(lines.get(1), "snapshot")).startsWith(first);
        assertThat(number(lines.get(0), "unique_bytes")).isBetween(100_000L, 110_000L);
        assertThat(number(lines.get(1), "unique_bytes")).isBetween(300_000L, 310_000L);
        long shared = number(lines.get(0), "shared_bytes");
        assertThat(shared).isBetween(200_000L, 210_000L).isEqualTo(number(lines.get(1), "shared_bytes"));
        for (String line : lines) {
            assertThat(number(line, "stored_bytes"))
                    .isEqualTo(number(line, "unique_bytes") + number(line, "shared_bytes"));
        }
        List<String> stats = run.onStore("stats", "-json").outLines();
        assertThat(text(stats.get(0), "snapshot")).startsWith(first);
        assertThat(number(stats.get(0), "new_stored_bytes")).isEqualTo(number(lines.get(1), "stored_bytes"));
        assertThat(number(stats.get(1), "new_stored_bytes")).isEqualTo(number(lines.get(0), "unique_bytes"));
        assertThat(number(stats.get(1), "total_stored_bytes"))
                .isEqualTo(number(lines.get(1), "stored_bytes") + number(lines.get(0), "unique_bytes"));
        // Nothing else is left when one of them goes.
        run.onStore("rm", "-apply", second);
        List<String> alone = run.onStore("du", "-json").outLines();
        assertThat(number(alone.getFirst(), "unique_bytes")).isEqualTo(number(lines.get(1), "stored_bytes"));
        assertThat(number(alone.getFirst(), "shared_bytes")).isZero();
    }

    @Test
    void duByFolderAndByType() throws IOException {
        noise("one/a", 100_000, 1);
        noise("two/a", 100_000, 1);
        noise("two/b", 50_000, 2);
        String id = run.backup("-name", "x");

        List<String> lines = run.onStore("du", "-json", id).outLines();

        assertThat(lines.stream().map(line -> text(line, "path")))
                .containsExactly(
                        source + "/a.txt", source + "/link", source + "/one", source + "/sub", source + "/two");
        assertThat(number(lines.get(2), "shared_bytes")).isBetween(100_000L, 101_000L);
        assertThat(number(lines.get(2), "unique_bytes")).isBetween(1L, 1000L);
        assertThat(number(lines.get(4), "unique_bytes")).isBetween(50_000L, 52_000L);
        assertThat(number(lines.get(4), "files")).isEqualTo(2);
        assertThat(number(lines.get(4), "logical_bytes")).isEqualTo(150_000);
        List<String> types = run.onStore("du", "-json", "-by-type", id + ":two").outLines();
        assertThat(types).singleElement().asString().contains("\"content_type\":\"application/octet-stream\"");
        assertThat(number(types.getFirst(), "stored_bytes")).isBetween(150_000L, 153_000L);
        Files.writeString(source.resolve("new"), "new");
        run.backup();
        List<String> later = run.onStore("du", "-json", id + ":two").outLines();
        assertThat(later).allMatch(line -> number(line, "unique_bytes") == 0);
        assertThat(run.onStore("du", id + ":nowhere").exitCode()).isEqualTo(1);
        assertThat(run.onStore("du", "-by-type").exitCode()).isEqualTo(64);
    }

    /** Whatever comes and goes, in whatever order: the walk over differences finds what walks over wholes find. */
    @Test
    void duOfManySnapshotsIsWhatEachAloneWouldSay() throws IOException {
        Random random = new Random(11);
        List<String> ids = new ArrayList<>();
        for (int round = 0; round < 6; round++) {
            for (int change = 0; change < 4; change++) {
                String name = "d" + random.nextInt(3) + "/f" + random.nextInt(5);
                if (random.nextInt(3) == 0) {
                    Files.deleteIfExists(source.resolve(name));
                } else {
                    noise(name, 1000 + random.nextInt(20_000), random.nextInt(4));
                }
            }
            ids.add(run.backup());
        }
        List<String> together = run.onStore("du", "-json").outLines();

        for (String id : ids) {
            List<String> others =
                    ids.stream().filter(other -> !other.equals(id)).toList();
            Path copy = folder.resolve("copy-" + id);
            copy(folder.resolve("store"), copy);
            run.run(Stream.concat(Stream.of("at", copy.toString(), "rm", "-apply"), others.stream())
                    .toArray(String[]::new));
            String alone =
                    run.run("at", copy.toString(), "du", "-json").outLines().getFirst();
            String line = together.stream()
                    .filter(each -> text(each, "snapshot").startsWith(id))
                    .findFirst()
                    .orElseThrow();
            assertThat(number(line, "stored_bytes")).as(id).isEqualTo(number(alone, "stored_bytes"));
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
    }

    @Test
    void duTellsDamageAndCountsTheRest() throws IOException {
        noise("big", 300_000, 1);
        run.backup();
        long whole = number(run.onStore("du", "-json").outLines().getFirst(), "stored_bytes");
        try (Stream<Path> packfiles = Files.walk(folder.resolve("store/packfiles"))) {
            for (Path packfile : packfiles.filter(Files::isRegularFile).toList()) {
                byte[] content = Files.readAllBytes(packfile);
                for (int at = 64; at < content.length - 5000; at += 512) {
                    content[at] ^= 1;
                }
                Files.setPosixFilePermissions(packfile, PosixFilePermissions.fromString("rw-------"));
                Files.write(packfile, content);
            }
        }

        var outcome = run.onStore("du", "-json");

        assertThat(outcome.exitCode()).isEqualTo(65);
        assertThat(outcome.err()).contains("\"type\":\"error\"");
        outcome.outLines()
                .forEach(line -> assertThat(number(line, "stored_bytes")).isLessThanOrEqualTo(whole));
    }

    /** In stores that Plakar has written and nobody has removed anything from, each blob is needed by a snapshot, but for padding. */
    @ParameterizedTest
    @ValueSource(strings = {"plaintext", "sha256", "errors"})
    void statsAndDuCountAllThatPlakarHasStored(String fixture) throws IOException {
        String store = Path.of("..", "testdata", "fixtures", fixture)
                .toAbsolutePath()
                .normalize()
                .toString();
        Map<String, Long> blobs = new HashMap<>();
        try (Stream<Path> packfiles = Files.walk(Path.of(store, "packfiles"))) {
            for (Path packfile : packfiles.filter(Files::isRegularFile).toList()) {
                run.run("at", store, "diag", "packfile", packfile.getFileName().toString()).outLines().stream()
                        .filter(line -> line.startsWith("blob[") && !line.endsWith(" random"))
                        .map(line -> line.split(" ", -1))
                        .forEach(words -> blobs.merge(words[5] + words[1], Long.parseLong(words[3]), Math::min));
            }
        }
        long all = blobs.values().stream().mapToLong(Long::longValue).sum();

        List<String> stats = run.run("at", store, "stats", "-json").outLines().stream()
                .filter(line -> line.contains("\"type\":\"stats\""))
                .toList();
        assertThat(number(stats.getLast(), "total_stored_bytes")).isEqualTo(all);
        assertThat(stats.stream()
                        .mapToLong(line -> number(line, "new_stored_bytes"))
                        .sum())
                .isEqualTo(all);
        long shared = all
                - stats.stream().mapToLong(line -> number(line, "unique_bytes")).sum();
        List<String> du = run.run("at", store, "du", "-json").outLines().stream()
                .filter(line -> line.contains("\"type\":\"du.snapshot\""))
                .toList();
        assertThat(du).hasSameSizeAs(stats);
        assertThat(du)
                .allSatisfy(line -> assertThat(number(line, "shared_bytes")).isLessThanOrEqualTo(shared));
        assertThat(du.stream().mapToLong(line -> number(line, "unique_bytes")).sum())
                .isEqualTo(all - shared);
    }

    @Test
    void statsDrawsGrowth() throws Exception {
        noise("a", 100_000, 1);
        run.backup();
        noise("b", 100_000, 1);
        run.backup();
        Path plot = folder.resolve("growth.svg");

        var outcome = run.onStore("stats", "-plot", plot.toString());

        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.outLines()).hasSize(3);
        var svg = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(plot.toFile())
                .getDocumentElement();
        assertThat(svg.getElementsByTagName("path").getLength()).isEqualTo(4);
        NodeList texts = svg.getElementsByTagName("text");
        for (int i = 0; i < texts.getLength(); i++) {
            Element text = (Element) texts.item(i);
            double at = Double.parseDouble(text.getAttribute("x"));
            // A letter is about half as wide as it is high.
            double width = 6.5 * text.getTextContent().length();
            switch (text.getAttribute("text-anchor")) {
                case "end" -> assertThat(at - width).isNotNegative();
                case "middle" -> assertThat(at + width / 2).isLessThan(900);
                default -> assertThat(at + width).isLessThan(900);
            }
        }
        var again = run.onStore("stats", "-plot", plot.toString());
        assertThat(again.exitCode()).isEqualTo(73);
        assertThat(again.err()).contains("exists already");
        List<String> lines = run.onStore("stats", "-json").outLines();
        assertThat(lines.get(1)).containsPattern("\"deduplication\":2\\.99");
    }
}
