// SPDX-License-Identifier: ISC
package dev.armoire.engine.history;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.crypto.Hashing;
import dev.armoire.engine.backup.Backup;
import dev.armoire.engine.backup.MemorySource;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.history.StoreUsage.Usage;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.packfile.Compression;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Figures that are remembered are given only when they would come out the same. */
class UsageCacheTest {
    private static final long SEED = 20261129;
    private static final String KIND = "figures";

    @TempDir
    Path temporary;

    private final Random random = new Random(SEED);
    private Path store;

    @BeforeEach
    void makeStore() throws IOException {
        store = TestStores.create(temporary.resolve("store"), Hashing.BLAKE3, Compression.LZ4, true);
    }

    private Repository open(Path folder) throws IOException {
        Repository repository = TestStores.open(folder);
        repository.useCache(temporary.resolve("cache"));
        return repository;
    }

    private void backUp(Repository repository, String content) throws IOException {
        MemorySource source = new MemorySource("/src").directory("/src");
        source.file("/src/file", content.getBytes(StandardCharsets.UTF_8));
        Backup.run(repository, List.of(source), TestStores.options(store, 1), new TestStores.Events());
        repository.refresh();
    }

    private static List<SnapshotHeader> headers(Repository repository) {
        return Snapshot.headers(repository, (id, problem) -> {
            throw new AssertionError(problem);
        });
    }

    /** Any figures: the cache does not know what they mean. */
    private List<Usage> figures(List<SnapshotHeader> headers) {
        return headers.stream()
                .map(header -> new Usage(
                        header,
                        random.nextLong(),
                        random.nextLong(),
                        random.nextLong(),
                        random.nextLong(),
                        random.nextLong()))
                .toList();
    }

    private Path file() throws IOException {
        try (Stream<Path> files = Files.list(temporary.resolve("cache").resolve(KIND))) {
            List<Path> all = files.toList();
            assertThat(all).as("nothing else is left there").hasSize(1);
            return all.getFirst();
        }
    }

    @Test
    void figuresAreGivenInTheOrderThatIsAskedFor() throws IOException {
        try (Repository repository = open(store)) {
            backUp(repository, "one");
            backUp(repository, "two");
            List<SnapshotHeader> headers = headers(repository);
            UsageCache cache = new UsageCache(repository, KIND);
            assertThat(cache.read(headers)).isNull();
            List<Usage> figures = figures(headers);
            cache.write(figures);
            assertThat(cache.read(headers)).isEqualTo(figures);
            assertThat(cache.read(headers.reversed())).isEqualTo(figures.reversed());
            assertThat(cache.read(headers.subList(0, 1))).as("fewer snapshots").isNull();
            List<SnapshotHeader> twice = List.of(headers.getFirst(), headers.getFirst());
            assertThat(cache.read(twice)).as("as many, and others").isNull();
            assertThat(new UsageCache(repository, "other-figures").read(headers))
                    .isNull();
        }
        try (Repository again = open(store)) {
            again.refresh();
            assertThat(new UsageCache(again, KIND).read(headers(again))).hasSize(2);
        }
    }

    @Test
    void whatIsNewInTheStoreMakesThemWorthless() throws IOException {
        try (Repository repository = open(store)) {
            backUp(repository, "one");
            List<SnapshotHeader> before = headers(repository);
            UsageCache cache = new UsageCache(repository, KIND);
            cache.write(figures(before));
            backUp(repository, "two");
            assertThat(cache.read(before))
                    .as("what one takes alone depends on the others")
                    .isNull();
            assertThat(cache.read(headers(repository))).isNull();
        }
    }

    @Test
    void aByteThatIsWrongMakesThemWorthless() throws IOException {
        try (Repository repository = open(store)) {
            backUp(repository, "one");
            backUp(repository, "two");
            List<SnapshotHeader> headers = headers(repository);
            UsageCache cache = new UsageCache(repository, KIND);
            List<Usage> figures = figures(headers);
            cache.write(figures);
            Path file = file();
            byte[] right = Files.readAllBytes(file);
            for (int at = 0; at < right.length; at++) {
                byte[] wrong = right.clone();
                wrong[at] ^= (byte) (1 << random.nextInt(8));
                Files.write(file, wrong);
                assertThat(cache.read(headers)).as("seed %d, byte %d", SEED, at).isNull();
            }
            for (int length : new int[] {0, 1, right.length - 1, right.length + 1, right.length * 2}) {
                Files.write(file, Arrays.copyOf(right, length));
                assertThat(cache.read(headers)).as("%d bytes", length).isNull();
            }
            cache.write(figures);
            assertThat(cache.read(headers)).isEqualTo(figures);
        }
    }

    @Test
    void thoseOfAnotherStoreAreNotTaken() throws IOException {
        Path other = TestStores.create(temporary.resolve("other"), Hashing.BLAKE3, Compression.LZ4, true);
        try (Repository mine = open(store);
                Repository theirs = open(other)) {
            backUp(mine, "one");
            backUp(theirs, "one");
            UsageCache cache = new UsageCache(mine, KIND);
            cache.write(figures(headers(mine)));
            Path file = file();
            byte[] written = Files.readAllBytes(file);
            new UsageCache(theirs, KIND).write(figures(headers(theirs)));
            List<Path> all = new ArrayList<>();
            try (Stream<Path> files = Files.list(file.getParent())) {
                files.forEach(all::add);
            }
            for (Path one : all) {
                Files.write(one, written);
            }
            assertThat(new UsageCache(theirs, KIND).read(headers(theirs))).isNull();
            assertThat(cache.read(headers(mine))).hasSize(1);
        }
    }

    @Test
    void withoutACacheFolderNothingIsRemembered() throws IOException {
        try (Repository repository = TestStores.open(store)) {
            backUp(repository, "one");
            UsageCache cache = new UsageCache(repository, KIND);
            cache.write(figures(headers(repository)));
            assertThat(cache.read(headers(repository))).isNull();
        }
    }
}
