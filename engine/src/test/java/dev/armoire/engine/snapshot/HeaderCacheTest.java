// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.crypto.Hashing;
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
import java.util.Collection;
import java.util.List;
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
        try (Stream<Path> files = Files.list(temporary.resolve("cache/headers-1"))) {
            return files.findAny().orElseThrow();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void itSaysWhatTheStoreSays(boolean isEncrypted) throws IOException {
        Path store = store("store", isEncrypted);
        try (Repository repository = TestStores.open(store)) {
            repository.useCache(temporary.resolve("cache"));
            for (int round = 0; round < 3; round++) {
                backUp(repository, round);
            }
            List<SnapshotHeader> all = headers(repository);
            HeaderCache cache = new HeaderCache(repository, 3);
            assertThat(cache.read()).as("three are not worth a file").isEmpty();

            cache.write(all, 3);
            assertThat(encoded(cache.read().values())).isEqualTo(encoded(all));
            assertThat(new String(Files.readAllBytes(file()), StandardCharsets.ISO_8859_1).contains("identifier"))
                    .isEqualTo(!isEncrypted);

            backUp(repository, 3);
            assertThat(headers(repository)).hasSize(4);
            repository.removeSnapshot(all.getFirst().identifier());
            assertThat(headers(repository)).hasSize(3);

            byte[] right = Files.readAllBytes(file());
            for (int at = 0; at < right.length; at += 1 + right.length / 40) {
                byte[] wrong = right.clone();
                wrong[at] ^= 4;
                Files.write(file(), wrong);
                assertThat(cache.read()).as("byte %d", at).isEmpty();
            }
            Files.write(file(), java.util.Arrays.copyOf(right, right.length - 1));
            assertThat(cache.read()).isEmpty();
            Files.write(file(), new byte[0]);
            assertThat(cache.read()).isEmpty();
            assertThat(headers(repository)).hasSize(3);
        }
    }

    @Test
    void thatOfAnotherStoreIsNone() throws IOException {
        Path first = store("first", false);
        byte[] bytes;
        try (Repository repository = TestStores.open(first)) {
            repository.useCache(temporary.resolve("cache"));
            backUp(repository, 1);
            new HeaderCache(repository, 1).write(headers(repository), 1);
            bytes = Files.readAllBytes(file());
            Files.delete(file());
        }
        try (Repository repository = TestStores.open(store("second", false))) {
            repository.useCache(temporary.resolve("cache"));
            backUp(repository, 1);
            HeaderCache cache = new HeaderCache(repository, 1);
            cache.write(headers(repository), 1);
            assertThat(cache.read()).hasSize(1);
            Files.write(file(), bytes);
            assertThat(cache.read()).isEmpty();
        }
    }
}
