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
import dev.armoire.index.MacTable;
import dev.armoire.packfile.Compression;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A walk that goes on where the last one ended finds what one from the begin on does. */
class UsageProgressTest {
    private static final long SEED = 20261130;

    @TempDir
    Path temporary;

    private final Random random = new Random(SEED);
    private final TreeMap<String, byte[]> files = new TreeMap<>();
    private Path store;

    @BeforeEach
    void makeStore() throws IOException {
        store = TestStores.create(temporary.resolve("store"), Hashing.BLAKE3, Compression.LZ4, true);
    }

    private Repository open() throws IOException {
        Repository repository = TestStores.open(store);
        repository.useCache(temporary.resolve("cache"));
        return repository;
    }

    /** Changes some files, back to earlier contents too, and backs all up. */
    private void backUp(Repository repository) throws IOException {
        for (int i = 0; i < 4; i++) {
            String name = "/src/file" + random.nextInt(12);
            if (random.nextInt(5) == 0) {
                files.remove(name);
            } else {
                byte[] content = new byte[3000];
                new Random(random.nextInt(20)).nextBytes(content);
                files.put(name, content);
            }
        }
        MemorySource source = new MemorySource("/src").directory("/src");
        files.forEach(source::file);
        Backup.run(repository, List.of(source), TestStores.options(store, 1), new TestStores.Events());
        repository.refresh();
    }

    private static List<SnapshotHeader> headers(Repository repository) {
        return Snapshot.headers(repository, (id, problem) -> {
                    throw new AssertionError(problem);
                })
                .stream()
                .sorted(Comparator.comparing(SnapshotHeader::timestamp).thenComparing(SnapshotHeader::identifier))
                .toList();
    }

    private static List<Usage> usages(Repository repository, List<SnapshotHeader> headers) {
        return StoreUsage.of(repository, headers, false, (header, problem) -> {
            throw new AssertionError(problem);
        });
    }

    /** What can be compared: headers that were read twice are never equal. */
    private static List<List<Object>> figures(List<Usage> usages) {
        return usages.stream()
                .map(usage -> List.<Object>of(
                        usage.header().identifier(),
                        usage.storedBytes(),
                        usage.uniqueBytes(),
                        usage.newBytes(),
                        usage.newContentBytes(),
                        usage.newPlainBytes()))
                .toList();
    }

    private List<Usage> withoutCache() throws IOException {
        try (Repository repository = TestStores.open(store)) {
            return usages(repository, headers(repository));
        }
    }

    private static int resumed(Repository repository, List<SnapshotHeader> order) {
        try (MacTable table = new MacTable(4)) {
            int done = new UsageProgress(repository).resume(order, table).size();
            assertThat(table.size() > 0).isEqualTo(done > 0);
            return done;
        }
    }

    @Test
    void newSnapshotsCostThemselvesAndAllComesOutTheSame() throws IOException {
        try (Repository repository = open()) {
            for (int round = 0; round < 8; round++) {
                int before = headers(repository).size();
                for (int i = random.nextInt(3); i >= 0; i--) {
                    backUp(repository);
                }
                List<SnapshotHeader> headers = headers(repository);
                assertThat(resumed(repository, headers)).isEqualTo(before);
                assertThat(figures(usages(repository, headers)))
                        .as("seed %d, round %d", SEED, round)
                        .isEqualTo(figures(withoutCache()));
                assertThat(resumed(repository, headers)).isEqualTo(headers.size());
            }
            List<SnapshotHeader> headers = headers(repository);
            assertThat(resumed(repository, headers.subList(1, headers.size())))
                    .as("the eldest is gone")
                    .isZero();
            assertThat(resumed(repository, headers.subList(0, 2)))
                    .as("the newest are gone")
                    .isZero();
            assertThat(usages(repository, headers.subList(2, 5))).hasSize(3);
            assertThat(resumed(repository, headers))
                    .as("some do not replace all")
                    .isEqualTo(headers.size());
        }
    }

    @Test
    void whatWasChangedIsNotTaken() throws IOException {
        try (Repository repository = open()) {
            backUp(repository);
            backUp(repository);
            List<SnapshotHeader> headers = headers(repository);
            List<Usage> right = usages(repository, headers);
            Path file;
            try (Stream<Path> all = Files.list(temporary.resolve("cache/growth-blobs-1"))) {
                file = all.findFirst().orElseThrow();
            }
            byte[] written = Files.readAllBytes(file);
            for (int i = 0; i < 200; i++) {
                byte[] wrong = written.clone();
                wrong[random.nextInt(wrong.length)] ^= (byte) (1 << random.nextInt(8));
                Files.write(file, wrong);
                assertThat(resumed(repository, headers)).isZero();
            }
            Files.write(file, List.of("short"));
            backUp(repository);
            headers = headers(repository);
            assertThat(figures(usages(repository, headers))).isEqualTo(figures(withoutCache()));
            assertThat(right).hasSize(2);
            assertThat(resumed(repository, headers)).isEqualTo(3);
        }
    }
}
