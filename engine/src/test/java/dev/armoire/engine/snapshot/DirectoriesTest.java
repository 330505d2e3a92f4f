// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.snapshot.Directories.Directory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class DirectoriesTest {
    /** Bytes on both sides of the slash, and such as are negative in Java. */
    private static final byte[] LETTERS = {'-', '.', '0', 'a', 'b', (byte) 0x80, (byte) 0xff};

    private final Directories directories = new Directories();

    private static byte[] randomPath(Random random) {
        byte[] path = SnapshotPath.ROOT;
        for (int depth = random.nextInt(6); depth > 0; depth--) {
            byte[] name = new byte[1 + random.nextInt(3)];
            for (int i = 0; i < name.length; i++) {
                name[i] = LETTERS[random.nextInt(LETTERS.length)];
            }
            path = SnapshotPath.child(path, name);
        }
        return path;
    }

    private static List<byte[]> paths(List<Directory> list) {
        return list.stream().map(Directory::path).toList();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void ordersAreThoseOfWholePaths(long seed) {
        Random random = new Random(seed);
        TreeSet<byte[]> expected = new TreeSet<>(SnapshotPath::compareBytes);
        expected.add(SnapshotPath.ROOT);
        for (int i = 0; i < 400; i++) {
            byte[] path = randomPath(random);
            Directory directory = random.nextBoolean()
                    ? directories.at(path)
                    : directories.parentOf(SnapshotPath.child(path, new byte[] {'f'}));
            assertThat(directory.path()).isEqualTo(path);
            assertThat(directory.pathLength()).isEqualTo(path.length);
            for (byte[] at = path; expected.add(at); ) {
                at = SnapshotPath.parent(at);
            }
        }
        assertThat(paths(directories.byPath())).containsExactlyElementsOf(expected);
        List<byte[]> byDepth = new ArrayList<>(expected);
        byDepth.sort(Comparator.comparingInt(DirectoriesTest::depth)
                .thenComparing(path -> SnapshotPath.child(path, new byte[0]), SnapshotPath::compareBytes));
        assertThat(paths(directories.byDepth())).containsExactlyElementsOf(byDepth);
    }

    private static int depth(byte[] path) {
        return SnapshotPath.components(path).size();
    }

    @Test
    void findsWhatIsThereAndMakesNothing() {
        Directory a = directories.at(SnapshotPath.of("/a"));
        assertThat(directories.find(directories.root(), new byte[] {'a'})).isSameAs(a);
        assertThat(directories.find(a, new byte[] {'a'})).isNull();
        assertThat(directories.byPath()).containsExactly(directories.root(), a);
        assertThat(directories.parentOf(SnapshotPath.ROOT)).isSameAs(directories.root());
    }

    @Test
    void relativePathsAreRefused() {
        assertThatThrownBy(() -> directories.at(SnapshotPath.of("a/b")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("path that is not absolute: a/b");
    }

    /** All their paths would be 2.4 GB. */
    @Test
    void holdsNamesOnly() {
        byte[] longest = "/abcdefghijk".repeat(20_000).getBytes(StandardCharsets.ISO_8859_1);
        for (int length = 12; length <= longest.length; length += 12) {
            assertThat(directories.at(Arrays.copyOf(longest, length)).pathLength())
                    .isEqualTo(length);
        }
        List<Directory> all = directories.byDepth();
        assertThat(all).hasSize(20_001);
        assertThat(all.getLast().path()).isEqualTo(longest);
    }

    @Test
    void manyThreadsMakeEachOnce() throws Exception {
        Random random = new Random(11);
        List<byte[]> paths =
                IntStream.range(0, 2_000).mapToObj(i -> randomPath(random)).toList();
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            Callable<List<Directory>> lookUp =
                    () -> paths.stream().map(directories::at).toList();
            List<Future<List<Directory>>> results = threads.invokeAll(List.of(lookUp, lookUp, lookUp, lookUp));
            for (Future<List<Directory>> result : results) {
                for (int i = 0; i < paths.size(); i++) {
                    assertThat(result.get().get(i))
                            .isSameAs(results.getFirst().get().get(i));
                    assertThat(result.get().get(i).path()).isEqualTo(paths.get(i));
                }
            }
        }
        List<byte[]> all = paths(directories.byPath());
        TreeSet<byte[]> distinct = new TreeSet<>(SnapshotPath::compareBytes);
        distinct.addAll(all);
        assertThat(distinct).hasSameSizeAs(all);
    }
}
