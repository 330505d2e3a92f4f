// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.Backup;
import dev.armoire.engine.backup.MemorySource;
import dev.armoire.engine.backup.TestStores;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.packfile.Compression;
import dev.armoire.packfile.MsgpackWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the cache folder remembers of snapshots is what the store says. */
class HeaderCacheTest {
    @TempDir
    Path temporary;

    private Path store(String name, boolean isEncrypted) throws IOException {
        return TestStores.create(temporary.resolve(name), Hashing.BLAKE3, Compression.LZ4, isEncrypted);
    }

    private void backUp(Repository repository, int round) throws IOException {
        MemorySource source = new MemorySource("/src").directory("/src");
        source.file("/src/secret-name", ("content " + round).getBytes(StandardCharsets.UTF_8));
        Backup.run(
                repository,
                List.of(source),
                TestStores.options(temporary.resolve("store"), 1),
                new TestStores.Events());
    }

    private static List<String> encoded(Collection<SnapshotHeader> headers) {
        return headers.stream()
                .map(header -> {
                    MsgpackWriter out = new MsgpackWriter();
                    header.encode(out);
                    return new String(out.toByteArray(), StandardCharsets.ISO_8859_1);
                })
                .sorted()
                .toList();
    }

    private static List<SnapshotHeader> headers(Repository repository) {
        return Snapshot.headers(repository, (id, problem) -> {
            throw new AssertionError(problem);
        });
    }

    private Path file() throws IOException {
        try (Stream<Path> files = Files.list(temporary.resolve("cache/headers-2"))) {
            return files.findAny().orElseThrow();
        }
    }

    private static List<String> cached(Repository repository) {
        return encoded(new HeaderCache(repository).headers().values());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void itSaysWhatTheStoreSays(boolean isEncrypted) throws IOException {
        Path store = store("store", isEncrypted);
        try (Repository repository = TestStores.open(store)) {
            repository.useCache(temporary.resolve("cache"));
            int[] ends = new int[3];
            for (int round = 0; round < 3; round++) {
                backUp(repository, round);
                List<SnapshotHeader> all = headers(repository);
                assertThat(cached(repository)).isEqualTo(encoded(all));
                ends[round] = (int) Files.size(file());
            }
            List<SnapshotHeader> three = headers(repository);
            byte[] right = Files.readAllBytes(file());
            assertThat(new String(right, StandardCharsets.ISO_8859_1).contains("identifier"))
                    .isEqualTo(!isEncrypted);

            for (int at = 0; at < right.length; at += 1 + right.length / 80) {
                byte[] wrong = right.clone();
                wrong[at] ^= 4;
                Files.write(file(), wrong);
                assertThat(cached(repository)).as("byte %d", at).isEqualTo(oldest(three, ends, at));
            }
            for (int length : new int[] {0, 10, ends[0] - 1, ends[0], ends[1] + 40, right.length - 1}) {
                Files.write(file(), Arrays.copyOf(right, length));
                assertThat(cached(repository)).as("%d bytes", length).isEqualTo(oldest(three, ends, length));
                assertThat(encoded(headers(repository))).isEqualTo(encoded(three));
                assertThat(cached(repository)).as("made whole again").isEqualTo(encoded(three));
            }

            repository.removeSnapshot(three.getFirst().identifier());
            assertThat(encoded(headers(repository))).isEqualTo(encoded(three.subList(1, 3)));
        }
    }

    /** Those that stand in the file before a byte of it. */
    private static List<String> oldest(List<SnapshotHeader> newestFirst, int[] ends, int at) {
        int count = (int) Arrays.stream(ends).filter(end -> end <= at).count();
        return encoded(newestFirst.reversed().subList(0, count));
    }

    @Test
    void manyPiecesAndManyThatAreGoneMakeANewFile() throws IOException {
        try (Repository repository = TestStores.open(store("store", false))) {
            repository.useCache(temporary.resolve("cache"));
            backUp(repository, 0);
            SnapshotHeader one = headers(repository).getFirst();
            long small = Files.size(file());
            for (int i = 1; i < 64; i++) {
                new HeaderCache(repository).write(List.of(one), List.of(one));
            }
            assertThat(Files.size(file())).isEqualTo(64 * small);
            new HeaderCache(repository).write(List.of(one), List.of(one));
            assertThat(Files.size(file())).as("of 65 pieces").isEqualTo(small);

            List<SnapshotHeader> gone =
                    IntStream.range(0, 70).mapToObj(i -> renamed(one, i)).toList();
            new HeaderCache(repository).write(gone, gone);
            assertThat(new HeaderCache(repository).headers()).hasSize(71);
            new HeaderCache(repository).write(List.of(one), List.of(one));
            assertThat(Files.size(file())).as("with 70 that are gone").isEqualTo(small);
        }
    }

    private static SnapshotHeader renamed(SnapshotHeader like, int number) {
        return new SnapshotHeader(
                new Mac(1, 2, 3, number),
                like.timestamp(),
                like.durationNanos(),
                like.name(),
                like.category(),
                like.environment(),
                like.perimeter(),
                like.job(),
                like.dataset(),
                like.dataClasses(),
                like.tags(),
                like.context(),
                like.sources());
    }

    @Test
    void thatOfAnotherStoreIsNone() throws IOException {
        byte[] bytes;
        try (Repository repository = TestStores.open(store("first", false))) {
            repository.useCache(temporary.resolve("cache"));
            backUp(repository, 1);
            assertThat(headers(repository)).hasSize(1);
            bytes = Files.readAllBytes(file());
            Files.delete(file());
        }
        try (Repository repository = TestStores.open(store("second", false))) {
            repository.useCache(temporary.resolve("cache"));
            backUp(repository, 1);
            assertThat(headers(repository)).hasSize(1);
            assertThat(cached(repository)).hasSize(1);
            Files.write(file(), bytes);
            assertThat(cached(repository)).isEmpty();
        }
    }

    @Test
    void snapshotsThatAreKnownNeedNoListOfPackfiles() throws IOException {
        Path store = store("store", false);
        try (Repository repository = TestStores.open(store)) {
            repository.useCache(temporary.resolve("cache"));
            backUp(repository, 1);
            assertThat(headers(repository)).hasSize(1);
        }
        Files.move(store.resolve("packfiles"), store.resolve("elsewhere"));
        try (Repository repository = TestStores.open(store)) {
            repository.useCache(temporary.resolve("cache"));
            repository.refreshStates((state, problem) -> {
                throw problem;
            });
            assertThat(headers(repository)).hasSize(1);
        }
    }

    @Test
    void thoseThatAreNotKnownAreReadAlsoWhenOnlyStatesWere() throws IOException {
        Path store = store("store", false);
        try (Repository repository = TestStores.open(store)) {
            backUp(repository, 1);
        }
        try (Repository repository = TestStores.open(store)) {
            repository.refreshStates((state, problem) -> {
                throw problem;
            });
            assertThat(headers(repository)).hasSize(1);
        }
    }
}
