// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code locate} finds by its index must be what it finds by walking, whatever has become of store and index. */
class SearchIndexTest {
    private static final List<List<String>> SEARCHES = List.of(
            List.of("*"),
            List.of("*.txt"),
            List.of("d1/*"),
            List.of("/**/d2/**"),
            List.of("d*/"),
            List.of("/"),
            List.of("-size", "+500", "*"),
            List.of("-size", "-200", "*.txt"),
            List.of("-mtime", "-3650d", "*a*"),
            List.of("-mtime", "+3650d", "*"),
            List.of("-mime", "text", "*"),
            List.of("-owner", System.getProperty("user.name"), "*.txt"),
            List.of("-owner", "4711", "*"),
            List.of("-group", "0", "*"),
            List.of("-name", "even", "*b*"),
            List.of("-latest", "*.txt", "d3"),
            List.of("-since", "1d", "*.txt"),
            List.of("-before", "1d", "*"),
            List.of("-minutes", "2", "-per-minute", "2", "*a*"),
            List.of("-per-day", "1", "-group-by", "name", "*"));

    @TempDir
    Path folder;

    private ArmoireRun run;
    private Path source;

    private void check(String when) {
        for (List<String> search : SEARCHES) {
            ArmoireRun.Outcome walked = locate(search, "-no-index", "-json");
            ArmoireRun.Outcome found = locate(search, "-json");
            assertThat(untimed(found)).as("%s: locate %s", when, search).isEqualTo(untimed(walked));
            assertThat(found.exitCode()).isEqualTo(walked.exitCode());
            assertThat(locate(search).out())
                    .as("%s: text of %s", when, search)
                    .isEqualTo(locate(search, "-no-index").out());
        }
    }

    private static List<String> untimed(ArmoireRun.Outcome outcome) {
        return outcome.outLines().stream()
                .map(line -> line.replaceFirst("\"time\":\"[^\"]*\",", ""))
                .toList();
    }

    private ArmoireRun.Outcome locate(List<String> search, String... flags) {
        return run.onStore(Stream.concat(Stream.concat(Stream.of("locate"), Stream.of(flags)), search.stream())
                .toArray(String[]::new));
    }

    private Path index() throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("home/.cache/armoire/search-1"))) {
            return files.filter(file -> !file.toString().endsWith(".lock"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    /** Makes, changes, moves and removes files and folders. */
    private void change(Random random) throws IOException {
        for (int i = 0; i < 6; i++) {
            Path directory = source.resolve("d" + random.nextInt(4));
            if (random.nextBoolean()) {
                directory = directory.resolve("d" + random.nextInt(4));
            }
            Path file = directory.resolve(List.of("a.txt", "b.txt", "a", "ab", "c", "d3", "Ä b", "a-", "a.")
                    .get(random.nextInt(9)));
            for (Path above = directory; !above.equals(source); above = above.getParent()) {
                if (Files.isRegularFile(above)) {
                    Files.delete(above);
                }
            }
            switch (random.nextInt(5)) {
                case 0 -> remove(random.nextBoolean() ? directory : file);
                case 1 -> {
                    remove(file);
                    Files.createDirectories(file);
                }
                default -> {
                    if (Files.isDirectory(file)) {
                        remove(file);
                    }
                    Files.createDirectories(directory);
                    Files.writeString(file, "x".repeat(random.nextInt(1000)));
                    if (random.nextBoolean()) {
                        Files.setLastModifiedTime(
                                file, FileTime.from(Instant.ofEpochSecond(random.nextInt(), 123_456_789)));
                    }
                }
            }
        }
    }

    private static void remove(Path path) throws IOException {
        if (Files.exists(path)) {
            try (Stream<Path> files = Files.walk(path)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2})
    void findsWhatAWalkFinds(long seed) throws IOException {
        run = new ArmoireRun(folder).withStoreAndSource();
        source = folder.resolve("source");
        Random random = new Random(seed);
        List<String> ids = new ArrayList<>();
        for (int round = 0; round < 6; round++) {
            change(random);
            ids.add(run.backup("-name", round % 2 == 0 ? "even" : "odd"));
            if (random.nextBoolean()) {
                run.onStore("locate", "*"); // so that snapshots come into the index one by one and in company
            }
            if (round == 3) {
                run.onStore("rm", "-apply", ids.get(random.nextInt(ids.size())));
                run.onStore("backup", source.resolve("sub").toString());
            }
        }
        check("seed " + seed);
        run.onStore("rm", "-apply", ids.getLast());
        run.onStore("dup", "-latest");
        change(random);
        run.backup();
        check("seed " + seed + ", after the newest was removed");
        for (String path : List.of("/", "d1", "d1/a.txt", "d2/d3", "d2/d3/b.txt", "d0/c", "a.txt")) {
            assertThat(untimed(run.onStore("history", "-json", path)))
                    .as("seed %d: history of %s", seed, path)
                    .isEqualTo(untimed(run.onStore("history", "-json", "-cachedir", run.path("empty"), path)));
        }
    }

    @Test
    void aDamagedIndexIsMadeAnew() throws IOException {
        run = new ArmoireRun(folder).withStoreAndSource();
        source = folder.resolve("source");
        Random random = new Random(5);
        for (int round = 0; round < 3; round++) {
            change(random);
            run.backup("-name", "even");
        }
        check("intact");
        Path index = index();
        byte[] intact = Files.readAllBytes(index);
        for (int at = 0; at < intact.length; at += 1 + random.nextInt(intact.length / 20)) {
            byte[] damaged = intact.clone();
            damaged[at] ^= (byte) (1 << random.nextInt(8));
            Files.write(index, damaged);
            List<String> search = SEARCHES.get(random.nextInt(SEARCHES.size()));
            assertThat(untimed(locate(search, "-json")))
                    .as("byte %d, locate %s", at, search)
                    .isEqualTo(untimed(locate(search, "-no-index", "-json")));
        }
        for (int length : new int[] {0, 7, 56, 60, intact.length / 2, intact.length - 1}) {
            Files.write(index, Arrays.copyOf(intact, length));
            assertThat(untimed(locate(List.of("*"), "-json")))
                    .as("cut to %d", length)
                    .isEqualTo(untimed(locate(List.of("*"), "-no-index", "-json")));
        }
        assertThat(Files.readAllBytes(index)).as("made anew").hasSameSizeAs(intact);
    }

    /** As with archives, which all have the same source as it seems. */
    @Test
    void whatHasNothingInCommonIsNotToldByItsDifference() throws IOException {
        run = new ArmoireRun(folder).withStoreAndSource();
        source = folder.resolve("source");
        long afterTwo = 0;
        for (int round = 0; round < 6; round++) {
            remove(source);
            for (int i = 0; i < 400; i++) {
                Path file = source.resolve((round % 2 == 0 ? "x" : "y") + i / 20 + "/file-" + i + ".txt");
                Files.createDirectories(file.getParent());
                Files.writeString(file, i == 7 ? "round " + round : "x");
                Files.setLastModifiedTime(
                        file, FileTime.from(Instant.ofEpochSecond(1_700_000_000L + (i == 7 ? round : 0))));
            }
            run.backup("-name", round % 2 == 0 ? "even" : "odd");
            locate(List.of("*"));
            afterTwo = round == 1 ? Files.size(index()) : afterTwo;
        }

        check("alternating");
        assertThat(Files.size(index()))
                .as("the others are told by their differences")
                .isLessThan(2 * afterTwo);
    }

    @Test
    void anotherStoresIndexIsNotBelieved() throws IOException {
        run = new ArmoireRun(folder).withStoreAndSource();
        source = folder.resolve("source");
        run.backup();
        locate(List.of("*"));
        byte[] other = Files.readAllBytes(index());
        Files.delete(index());
        run.run("at", run.path("store2"), "create", "-plaintext");
        run.run("at", run.path("store2"), "backup", run.path("source/sub"));
        var before = run.run("at", run.path("store2"), "locate", "-no-index", "*");
        run.run("at", run.path("store2"), "locate", "*");
        Files.write(index(), other);

        assertThat(run.run("at", run.path("store2"), "locate", "*").outLines()).isEqualTo(before.outLines());
    }

    @Test
    void searchesReadNothingFromTheStore() throws IOException {
        run = new ArmoireRun(folder).withStoreAndSource();
        source = folder.resolve("source");
        run.backup("-name", "even");
        run.backup();
        List<String> search = List.of("-name", "even", "*.txt");
        List<String> found = locate(search).outLines();
        try (Stream<Path> files = Files.walk(folder.resolve("store/packfiles"))) {
            for (Path packfile : files.filter(Files::isRegularFile).toList()) {
                Files.write(packfile, new byte[0]);
            }
        }

        assertThat(found).isNotEmpty();
        assertThat(run.onStore("find", "-name", "even", "*.txt").outLines()).isEqualTo(found);
        assertThat(locate(search, "-no-index").exitCode()).isEqualTo(65);
    }

    @Test
    void timesOfSnapshotsComeFromTheIndexAlone() throws IOException {
        run = new ArmoireRun(folder).withStoreAndSource();
        source = folder.resolve("source");
        for (int day = 1; day <= 4; day++) {
            Files.writeString(source.resolve("a.txt"), "day " + day);
            run.backup("-force-timestamp", "2026-01-0" + day + "T12:00:00Z");
        }
        List<List<String>> searches = List.of(
                List.of("-since", "2026-01-02T12:00:00Z", "a.txt"),
                List.of("-before", "2026-01-03T11:59:59Z", "a.txt"),
                List.of("-since", "2026-01-02", "-before", "2026-01-03", "a.txt"),
                List.of("-latest", "a.txt"),
                List.of("-per-year", "3", "a.txt"));
        List<List<String>> walked = searches.stream()
                .map(search -> locate(search, "-no-index").outLines())
                .toList();
        locate(List.of("*"));
        remove(folder.resolve("home/.cache/armoire/headers-2"));
        remove(folder.resolve("store/packfiles"));

        List<List<String>> found =
                searches.stream().map(search -> locate(search).outLines()).toList();
        assertThat(walked).extracting(List::size).containsExactly(3, 2, 1, 1, 3);
        assertThat(found).isEqualTo(walked);
    }

    @Test
    void anEncryptedStoresIndexShowsNoNames() throws IOException {
        run = new ArmoireRun(folder).with("ARMOIRE_PASSPHRASE", "correct horse battery staple 1");
        run.run("at", run.path("store"), "create");
        source = folder.resolve("source");
        Files.createDirectories(source);
        Files.writeString(source.resolve("very-secret-name.txt"), "x");
        run.backup();

        assertThat(run.onStore("locate", "very-*").outLines()).hasSize(1);
        assertThat(run.onStore("locate", "very-*").outLines()).hasSize(1);
        for (String[] command : new String[][] {{"history", "very-secret-name.txt"}, {"stats"}, {"du"}, {"check"}}) {
            assertThat(run.onStore(command).exitCode())
                    .as("%s", (Object) command)
                    .isZero();
        }
        for (Path kept : List.of(folder.resolve("home"), folder.resolve("store"))) {
            try (Stream<Path> files = Files.walk(kept)) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    assertThat(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1))
                            .as("%s", file)
                            .doesNotContain("secret")
                            .doesNotContain("source");
                }
            }
        }
        assertThat(Files.getPosixFilePermissions(index())).hasSize(2);
    }
}
