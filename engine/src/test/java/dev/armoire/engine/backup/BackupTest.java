// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ForwardingStorage;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.Summary;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.MemoryBudget;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.restore.Restore;
import dev.armoire.engine.restore.RestoreResult;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.engine.snapshot.SnapshotAudit;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Backups of sources that are made up, restored into memory and compared. */
class BackupTest {
    @TempDir
    Path temporary;

    private Path store;

    @BeforeEach
    void create() throws IOException {
        store = TestStores.create(temporary.resolve("store"));
    }

    private void audit() throws IOException {
        try (Repository repository = TestStores.open(store)) {
            assertThat(repository.hasMissingPackfiles()).isFalse();
            SnapshotAudit.all(repository);
        }
    }

    private static byte[] random(int bytes, long seed) {
        byte[] data = new byte[bytes];
        new Random(seed).nextBytes(data);
        return data;
    }

    private MemoryTarget backUpAndRestore(MemorySource source) throws IOException {
        BackupResult result = TestStores.backUp(store, source);
        audit();
        return TestStores.restore(store, result.header().identifier(), "/");
    }

    private static void assertSameFiles(MemoryTarget target, MemorySource source) throws IOException {
        Map<String, byte[]> expected = new TreeMap<>();
        source.contents().forEach((path, content) -> expected.put(path.substring(1), content));
        assertThat(target.files.keySet()).isEqualTo(expected.keySet());
        expected.forEach((path, content) -> assertThat(Arrays.equals(target.files.get(path), content))
                .as(path)
                .isTrue());
    }

    @Test
    void chunksLongerThanAPieceOfAPackfilePassThroughTheLeastMemory() throws IOException {
        store = TestStores.createWithFixedChunks(temporary.resolve("long-chunks"), 8 << 20);
        MemorySource source = new MemorySource("/src").directory("/").directory("/src");
        for (int i = 0; i < 3; i++) {
            source.file("/src/file-" + i, random((16 << 20) + i, i));
        }
        BackupResult result;
        try (Repository repository = TestStores.open(store)) {
            repository.useMemory(new MemoryBudget(MemoryBudget.LEAST_BYTES));
            result = Backup.run(repository, List.of(source), TestStores.options(store, 3), new TestStores.Events());
        }
        audit();
        assertSameFiles(TestStores.restore(store, result.header().identifier(), "/"), source);
    }

    @Test
    void allKinds() throws IOException {
        MemorySource source = new MemorySource("/src")
                .directory("/")
                .directory("/src")
                .file("/src/a.txt", "hello")
                .file("/src/empty", "")
                .directory("/src/d")
                .directory("/src/empty-dir")
                .link("/src/d/link", "../a.txt")
                .special("/src/fifo", FileMode.PIPE | 0644, 0)
                .special("/src/null", FileMode.DEVICE | FileMode.CHARACTER | 0666, 1L << 32 | 3)
                .file(
                        "/src/d/x",
                        random(10, 1),
                        new HashMap<>(Map.of("user.a", random(5, 2), "user.empty", new byte[0])));
        MemoryTarget target = backUpAndRestore(source);
        assertSameFiles(target, source);
        assertThat(target.links).containsEntry("src/d/link", "-> ../a.txt").hasSize(1);
        assertThat(target.specials).containsOnlyKeys("src/fifo", "src/null");
        assertThat(target.specials.get("src/null").rdev()).isEqualTo(1L << 32 | 3);
        assertThat(target.directories).containsOnlyKeys("", "src", "src/d", "src/empty-dir");
        assertThat(target.xattrs).containsOnlyKeys("src/d/x user.a", "src/d/x user.empty");
        assertThat(target.xattrs.get("src/d/x user.a")).isEqualTo(random(5, 2));
        source.items().stream()
                .filter(item -> FileMode.isRegular(item.info().mode()))
                .forEach(item -> assertThat(target.infos.get(
                                new String(item.path(), 1, item.path().length - 1, StandardCharsets.ISO_8859_1)))
                        .isEqualTo(item.info()));
    }

    @Test
    void filesAtTheEdgesOfChunks() throws IOException {
        MemorySource source = new MemorySource("/s").directory("/s");
        for (int size : new int[] {0, 1, 524_287, 524_288, 524_289, 1 << 20, (8 << 20) - 1, 8 << 20, (8 << 20) + 1}) {
            source.file("/s/random-" + size, random(size, size));
            source.file("/s/zeros-" + size, new byte[size]);
        }
        source.file("/s/zeros-20M", new byte[20 << 20]);
        source.file("/s/random-20M", random(20 << 20, 5));
        assertSameFiles(backUpAndRestore(source), source);
    }

    @Test
    void anUnchangedSourceAddsNoContentAndIsNotRead() throws IOException {
        MemorySource source = new MemorySource("/s").directory("/s").directory("/s/d");
        for (int i = 0; i < 300; i++) {
            source.file("/s/d/f" + i, random(100 + i * 50, i));
        }
        BackupResult first = TestStores.backUp(store, source);
        int opened = source.opened.get();
        BackupResult second = TestStores.backUp(store, source);
        assertThat(source.opened.get()).isEqualTo(opened);
        assertThat(first.newChunks()).isEqualTo(300);
        assertThat(second.newChunks()).isZero();
        assertThat(second.unchangedFiles()).isEqualTo(300);
        assertThat(second.newBlobs()).as("the header").isEqualTo(1);
        audit();
        assertSameFiles(TestStores.restore(store, second.header().identifier(), "/"), source);
        // Read again in full, it is still nothing new.
        try (Repository repository = TestStores.open(store)) {
            BackupResult third = Backup.run(
                    repository, List.of(source), TestStores.options(store, 2, false), new TestStores.Events());
            assertThat(third.newBlobs()).isEqualTo(1);
        }
        assertThat(source.opened.get()).isEqualTo(2 * opened);
    }

    private static MemorySource tree() {
        return new MemorySource("/s")
                .directory("/")
                .directory("/s")
                .directory("/s/a")
                .directory("/s/b")
                .link("/s/link", "a")
                .special("/s/null", FileMode.DEVICE | FileMode.CHARACTER | 0666, 259)
                .file("/s/z", "z")
                .file("/s/a/one", "one")
                .file("/s/a/two", "two")
                .directory("/s/b/c")
                .file("/s/b/c/three", "three");
    }

    /** What a walk may find the second time, and whether the trees are then those of the first. */
    static List<Arguments> secondWalks() {
        return List.of(
                Arguments.of("all as it was", true, (UnaryOperator<MemorySource>) source -> source),
                without("/s/z"),
                without("/s/a/one"),
                without("/s/a/two"),
                without("/s/null"),
                without("/s/link"),
                without("/s/a", "/s/a/one", "/s/a/two"),
                without("/s/b", "/s/b/c", "/s/b/c/three"),
                without("/s/a", "/s/b", "/s/link", "/s/null", "/s/z", "/s/a/one", "/s/a/two", "/s/b/c", "/s/b/c/three"),
                with("a file", source -> source.file("/s/b/c/zzz", "zzz")),
                with("an empty directory", source -> source.directory("/s/b/c/empty")),
                with("an error", source -> source.error("/s/b/c/zzz", "input/output error")),
                with("a changed directory", source -> replaced(source.directory("/s/a"))),
                with("a changed root", source -> replaced(source.directory("/"))),
                with("a changed link", source -> replaced(source.link("/s/link", "b"))),
                with("a changed file", source -> replaced(source.file("/s/a/one", "eno"))),
                with("an attribute", source -> source.file("/s/b/c/y", new byte[3], Map.of("user.x", new byte[] {1}))));
    }

    /** Puts the last item in the place of the one that had its path: two records of one path come in any order. */
    private static MemorySource replaced(MemorySource source) {
        MemorySource.Item last = source.items().removeLast();
        source.items().replaceAll(item -> Arrays.equals(item.path(), last.path()) ? last : item);
        return source;
    }

    private static Arguments with(String what, UnaryOperator<MemorySource> change) {
        return Arguments.of("with " + what, false, change);
    }

    private static Arguments without(String... paths) {
        UnaryOperator<MemorySource> change = source -> {
            source.items().removeIf(item -> List.of(paths).contains(SnapshotPath.display(item.path())));
            return source;
        };
        return Arguments.of("without " + paths[0], false, change);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("secondWalks")
    void theTreesOfTheParentAreTakenOverWhenNothingHasChanged(
            String name, boolean isSame, UnaryOperator<MemorySource> change) throws IOException {
        BackupResult first = TestStores.backUp(store, tree());
        BackupResult second = TestStores.backUp(store, change.apply(tree()));
        assertThat(roots(second).equals(roots(first))).isEqualTo(isSame);
        if (isSame) {
            assertThat(second.header().source().context())
                    .as("device numbers")
                    .isEqualTo(first.header().source().context())
                    .isNotEmpty();
        }
        audit();
        try (Repository repository = TestStores.open(store)) {
            BackupResult without = Backup.run(
                    repository,
                    List.of(change.apply(tree())),
                    TestStores.options(store, 2, false),
                    new TestStores.Events());
            assertThat(roots(second)).isEqualTo(roots(without));
        }
    }

    /** What a file of several chunks may have become. */
    static List<Arguments> changesOfAFile() {
        byte[] old = random(9 << 20, 5);
        byte[] changed = old.clone();
        changed[5 << 20] ^= 1;
        return List.of(
                Arguments.of("touched", old),
                Arguments.of("a byte in the middle", changed),
                Arguments.of("cut short", Arrays.copyOf(old, 7 << 20)),
                Arguments.of("cut to one chunk and a half", Arrays.copyOf(old, 2_000_000)),
                Arguments.of("empty", new byte[0]),
                Arguments.of("longer by a byte", Arrays.copyOf(old, old.length + 1)),
                Arguments.of("longer by chunks", joined(old, random(5 << 20, 6))),
                Arguments.of("something before", joined(random(1000, 7), old)),
                Arguments.of("something else", random(9 << 20, 8)));
    }

    private static byte[] joined(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("changesOfAFile")
    void aChangedFileIsCutAsIfItWereNew(String name, byte[] content) throws IOException {
        TestStores.backUp(
                store, new MemorySource("/s").directory("/").directory("/s").file("/s/f", random(9 << 20, 5)));
        // The clock of the source goes on, so the file is read again.
        MemorySource source = new MemorySource("/s")
                .directory("/")
                .directory("/s")
                .directory("/s/a")
                .file("/s/f", content);
        BackupResult second = TestStores.backUp(store, source);
        assertThat(source.opened.get()).isEqualTo(1);
        if (name.equals("touched")) {
            assertThat(second.newChunks()).isZero();
        }
        audit();
        assertSameFiles(TestStores.restore(store, second.header().identifier(), "/"), source);
        try (Repository repository = TestStores.open(store)) {
            BackupResult without = Backup.run(
                    repository, List.of(source), TestStores.options(store, 2, false), new TestStores.Events());
            assertThat(roots(second)).isEqualTo(roots(without));
        }
    }

    /** Their objects are not fetched for it: the entries in the listing of their folder are enough. */
    @Test
    void touchedSmallFilesAreProvenByTheirHash() throws IOException {
        Random random = new Random(21);
        int count = 200;
        List<byte[]> contents = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            byte[] content = new byte[random.nextInt(i % 10 == 0 ? 100_000 : 3000)];
            for (int at = 0; at < content.length; at++) {
                content[at] = (byte) (' ' + random.nextInt(1 + i % 200)); // of every entropy
            }
            contents.add(content);
        }
        TestStores.backUp(store, withFiles(new MemorySource("/s").directory("/").directory("/s"), contents));
        for (int i = 0; i < count; i++) {
            byte[] old = contents.get(i);
            switch (i % 20) {
                case 1 -> contents.set(i, joined(old, new byte[1]));
                case 2 -> contents.set(i, Arrays.copyOf(old, old.length / 2));
                case 3 -> contents.set(i, random(old.length, i));
                case 4 -> contents.set(i, new byte[0]);
                default -> {}
            }
        }
        MemorySource second =
                withFiles(new MemorySource("/s").directory("/").directory("/s").directory("/s/a"), contents);
        AtomicInteger reads = new AtomicInteger();
        BackupResult touched;
        try (Repository repository = TestStores.open(store, real -> new ForwardingStorage(real) {
            @Override
            public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
                reads.incrementAndGet();
                super.read(kind, name, offset, into);
            }
        })) {
            touched = Backup.run(repository, List.of(second), TestStores.options(store, 2), new TestStores.Events());
        }
        assertThat(second.opened.get()).isEqualTo(count);
        assertThat(touched.newChunks()).isBetween(1L, count / 4L);
        assertThat(reads.get()).isLessThan(count / 2);
        audit();
        assertSameFiles(TestStores.restore(store, touched.header().identifier(), "/"), second);
        try (Repository repository = TestStores.open(store)) {
            BackupResult without = Backup.run(
                    repository, List.of(second), TestStores.options(store, 2, false), new TestStores.Events());
            assertThat(roots(touched)).isEqualTo(roots(without));
        }
    }

    private static MemorySource withFiles(MemorySource source, List<byte[]> contents) {
        for (int i = 0; i < contents.size(); i++) {
            source.file("/s/f" + (1000 + i), contents.get(i));
        }
        return source;
    }

    private static List<Object> roots(BackupResult result) {
        SnapshotHeader.Source source = result.header().source();
        return List.of(source.vfs(), source.xattrs(), source.errors(), source.indexes());
    }

    @Test
    void oneFileAsTheSource() throws IOException {
        MemorySource source =
                new MemorySource("/d/file").directory("/").directory("/d").file("/d/file", "content");
        BackupResult result = TestStores.backUp(store, source);
        audit();
        assertThat(result.header().source().directory()).isEqualTo(SnapshotPath.of("/d"));
        assertThat(TestStores.restore(store, result.header().identifier(), "/d/file").files)
                .containsOnlyKeys("file");
    }

    @Test
    void anEmptyDirectoryAsTheSource() throws IOException {
        MemoryTarget target =
                backUpAndRestore(new MemorySource("/d").directory("/").directory("/d"));
        assertThat(target.directories).containsOnlyKeys("", "d");
        assertThat(target.files).isEmpty();
    }

    @Test
    void severalImportersShareParents() throws IOException {
        MemorySource one = new MemorySource("/a/one")
                .directory("/")
                .directory("/a")
                .directory("/a/one")
                .file("/a/one/x", "1");
        MemorySource two = new MemorySource("/a/two")
                .directory("/")
                .directory("/a")
                .directory("/a/two")
                .file("/a/two/y", "2");
        BackupResult result = TestStores.backUp(store, one, two);
        audit();
        assertThat(result.header().source().directory()).isEqualTo(SnapshotPath.of("/a"));
        assertThat(result.header().source().summary().below().files).isEqualTo(2);
        assertThat(TestStores.restore(store, result.header().identifier(), "/a").files)
                .containsOnlyKeys("one/x", "two/y");
    }

    @Test
    void hardLinks() throws IOException {
        byte[] content = random(1000, 3);
        MemoryTarget target =
                backUpAndRestore(new MemorySource("/s").directory("/s").hardLinks(content, "/s/a", "/s/b", "/s/c"));
        assertThat(target.files).containsOnlyKeys("s/a");
        assertThat(target.links).isEqualTo(Map.of("s/b", "= s/a", "s/c", "= s/a"));
    }

    @Test
    void manyFilesInOneDirectory() throws IOException {
        MemorySource source = new MemorySource("/s").directory("/s");
        for (int i = 0; i < 5_000; i++) {
            source.file("/s/file-" + i, "content " + i);
        }
        assertSameFiles(backUpAndRestore(source), source);
    }

    @Test
    void deepDirectories() throws IOException {
        MemorySource source = new MemorySource("/s").directory("/s");
        String path = "/s";
        for (int i = 0; i < 200; i++) {
            path += "/d" + i;
            source.directory(path);
            source.file(path + "-file", "beside " + i);
        }
        source.file(path + "/leaf", "leaf");
        assertSameFiles(backUpAndRestore(source), source);
    }

    /** Deeper than a stack is, for those who call themselves; paths that together would fill the heap of the program. */
    @Test
    void veryDeepDirectories() throws IOException {
        int depth = 4_000;
        MemorySource source = new MemorySource("/s").directory("/s");
        StringBuilder path = new StringBuilder("/s");
        for (int i = 0; i < depth; i++) {
            source.directory(path.append("/d").toString());
        }
        source.file(path + "/leaf", "leaf");
        Mac snapshot = TestStores.backUp(store, source).header().identifier();
        assertThat(TestStores.backUp(store, source).newBlobs()).isLessThan(10);

        AtomicInteger made = new AtomicInteger();
        AtomicInteger finished = new AtomicInteger();
        AtomicInteger written = new AtomicInteger();
        MemoryTarget target = new MemoryTarget() {
            @Override
            public void makeDirectory(byte[] path) {
                assertThat(path).hasSize(1 + 2 * made.getAndIncrement());
            }

            @Override
            public FileOutput createFile(byte[] path, FileInfo info) throws IOException {
                assertThat(path).hasSize(1 + 2 * depth + "/leaf".length());
                written.incrementAndGet();
                return super.createFile(new byte[] {'f'}, info);
            }

            @Override
            public void finishDirectory(byte[] path, FileInfo info, List<Xattr> xattrs) {
                int left = depth - finished.getAndIncrement();
                assertThat(path).hasSize(left < 0 ? 0 : 1 + 2 * left);
            }
        };
        try (Repository repository = TestStores.open(store)) {
            RestoreResult result =
                    Restore.run(repository, snapshot, SnapshotPath.ROOT, target, new TestStores.Losses(), 2);
            assertThat(result.failed()).isZero();
        }
        assertThat(made).hasValue(depth + 1);
        assertThat(finished).hasValue(depth + 2);
        assertThat(written).hasValue(1);
    }

    /** Msgpack writes the length of such paths in four bytes where that of others takes two. */
    @Test
    void pathsOfMoreThan64KiB() throws IOException {
        MemorySource source = new MemorySource("/s").directory("/s");
        String path = "/s";
        for (int i = 0; i < 270; i++) {
            path += "/" + "d".repeat(255);
            source.directory(path);
            source.file(path + "/later", "beside " + i).file(path + "/earlier", "beside " + i);
        }
        assertThat(path.length()).isGreaterThan(1 << 16);
        assertSameFiles(backUpAndRestore(source), source);
        audit();
    }

    @Test
    void namesOfAllSorts() throws IOException {
        MemorySource source = new MemorySource("/s").directory("/s");
        for (int c = 1; c < 256; c++) {
            if (c != '/' && c != '.') {
                source.file("/s/" + (char) c, "name " + c);
                source.file("/s/x" + (char) c + "\n", "longer " + c);
            }
        }
        source.file("/s/" + "n".repeat(255), "long");
        // Directories whose names sort differently with and without what is below them.
        for (String name : List.of("a", "a-b", "a.b", "a b", "ab")) {
            source.directory("/s/dir/" + name).file("/s/dir/" + name + "/f", name);
        }
        assertSameFiles(backUpAndRestore(source), source);
    }

    @Test
    void missingParentsAreMade() throws IOException {
        MemorySource source =
                new MemorySource("/s").file("/s/a/b/c/file", "deep").file("/s/a-b", "x");
        MemoryTarget target = backUpAndRestore(source);
        assertSameFiles(target, source);
        assertThat(target.directories).containsOnlyKeys("", "s", "s/a", "s/a/b", "s/a/b/c");
        assertThat(target.directories.get("s/a").mode()).isEqualTo(FileMode.DIRECTORY | 0750);
    }

    @Test
    void ofTwoRecordsOfOnePathTheLastOneCounts() throws IOException {
        MemorySource source = new MemorySource("/s")
                .directory("/s")
                .file("/s/twice", "first")
                .file("/s/other", "other")
                .file("/s/twice", "second");
        BackupResult result;
        try (Repository repository = TestStores.open(store)) {
            result = Backup.run(repository, List.of(source), TestStores.options(store, 1), new TestStores.Events());
        }
        audit();
        assertThat(TestStores.restore(store, result.header().identifier(), "/s").files)
                .containsOnlyKeys("twice", "other")
                .containsEntry("twice", "second".getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void randomOrderFromManyThreads(int workers) throws IOException {
        MemorySource source = new MemorySource("/s").directory("/").directory("/s");
        Random random = new Random(workers);
        for (int i = 0; i < 40; i++) {
            source.directory("/s/d" + i / 6 + "/e" + i % 3 + (i % 6 < 3 ? "/f" : ""));
        }
        for (int i = 0; i < 1_500; i++) {
            String directory = "/s/d" + random.nextInt(7) + "/e" + random.nextInt(3);
            source.file(directory + "/file" + i, random(random.nextInt(2000), i));
        }
        List<MemorySource.Item> items = source.items();
        Collections.shuffle(items, random);
        Mac[] roots = new Mac[3];
        for (int round = 0; round < roots.length; round++) {
            BackupResult result;
            try (Repository repository = TestStores.open(store)) {
                result = Backup.run(
                        repository,
                        List.of(new ManyThreads(source)),
                        TestStores.options(store, workers, round != 1),
                        new TestStores.Events());
            }
            roots[round] = result.header().source().vfs();
            assertSameFiles(TestStores.restore(store, result.header().identifier(), "/"), source);
            Collections.shuffle(items, random);
        }
        assertThat(roots).as("the trees do not depend on the order").containsOnly(roots[0]);
        audit();
    }

    /** Delivers from four threads at once. */
    private record ManyThreads(MemorySource source) implements Importer {
        @Override
        public String type() {
            return source.type();
        }

        @Override
        public String origin() {
            return source.origin();
        }

        @Override
        public byte[] root() {
            return source.root();
        }

        @Override
        public void scan(ImportSink sink) {
            AtomicInteger next = new AtomicInteger();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                threads.add(Thread.ofPlatform().start(() -> {
                    for (int at = next.getAndIncrement(); at < source.items().size(); at = next.getAndIncrement()) {
                        sink.record(source.items().get(at));
                    }
                }));
            }
            for (Thread thread : threads) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
        }

        @Override
        public void close() {}
    }

    @Test
    void whatCannotBeReadIsListedAndTheRestIsThere() throws IOException {
        byte[] large = random(30 << 20, 8);
        MemorySource source = new MemorySource("/s")
                .directory("/s")
                .file("/s/a", "a")
                .file("/s/denied", 5, () -> {
                    throw new IOException("open /s/denied: permission denied");
                })
                .file("/s/breaks", large.length, () -> new MemorySource.Failing(large))
                .file("/s/large", large)
                .error("/s/closed", "open /s/closed: permission denied")
                .file("/s/z", "z");
        TestStores.Events events = new TestStores.Events();
        BackupResult result;
        try (Repository repository = TestStores.open(store)) {
            // One worker: what it half read must not get into what it reads next.
            result = Backup.run(repository, List.of(source), TestStores.options(store, 1), events);
        }
        assertThat(result.errors()).isEqualTo(3);
        assertThat(events.failed)
                .containsExactlyInAnyOrder(
                        "/s/denied: open /s/denied: permission denied",
                        "/s/breaks: read: input/output error",
                        "/s/closed: open /s/closed: permission denied");
        audit();
        MemoryTarget target = TestStores.restore(store, result.header().identifier(), "/s");
        assertThat(target.files).containsOnlyKeys("a", "large", "z");
        assertThat(target.files.get("large")).isEqualTo(large);
        Summary summary = result.header().source().summary();
        assertThat(summary.below().errors).isEqualTo(3);
        List<String> errors = new ArrayList<>();
        try (Repository repository = TestStores.open(store);
                BlobReader reader = repository.newReader()) {
            Snapshot.open(reader, result.header().identifier()).forEachError(SnapshotPath.of("/s"), item -> {
                errors.add(SnapshotPath.display(item.path()));
                return true;
            });
        }
        assertThat(errors).containsExactly("/s/breaks", "/s/closed", "/s/denied");
    }

    @Test
    void attributesThatCannotBeRead() throws IOException {
        Map<String, byte @Nullable []> xattrs = new HashMap<>();
        xattrs.put("user.good", random(10, 1));
        xattrs.put("user.bad1", null);
        xattrs.put("user.bad2", null);
        MemorySource source = new MemorySource("/s").directory("/s").file("/s/f", random(10, 2), xattrs);
        BackupResult result = TestStores.backUp(store, source);
        audit();
        MemoryTarget target = TestStores.restore(store, result.header().identifier(), "/s");
        assertThat(target.xattrs).containsOnlyKeys("f user.good");
        assertThat(result.header().source().summary().below().errors)
                .as("one path, whatever happened to it")
                .isEqualTo(1);
    }

    @Test
    void anUnreadableFileLeavesNoAttributesBehind() throws IOException {
        MemorySource source = new MemorySource("/s").directory("/s");
        source.file("/s/f", 4, () -> {
            throw new IOException("gone");
        });
        MemorySource.Item broken = source.items().removeLast();
        source.items()
                .add(new MemorySource.Item(
                        broken.path(),
                        broken.info(),
                        "",
                        new HashMap<>(Map.of("user.a", random(3, 1))),
                        broken.opener(),
                        broken.opened()));
        BackupResult result = TestStores.backUp(store, source);
        audit();
        try (Repository repository = TestStores.open(store);
                BlobReader reader = repository.newReader()) {
            Snapshot snapshot = Snapshot.open(reader, result.header().identifier());
            assertThat(snapshot.find(SnapshotPath.of("/s/f"))).isNull();
            List<String> attributes = new ArrayList<>();
            snapshot.forEachXattr(item -> attributes.add(SnapshotPath.display(item.key())));
            assertThat(attributes).isEmpty();
        }
    }

    /** The size that counts is what was read, not what was there at first. */
    @Test
    void filesThatGrowAndShrinkWhileTheyAreRead() throws IOException {
        byte[] grown = random(3 << 20, 4);
        byte[] shrunk = random(10, 5);
        MemorySource source = new MemorySource("/s")
                .directory("/s")
                .file("/s/grows", 10, () -> new MemorySource.Bytes(grown))
                .file("/s/shrinks", 1 << 20, () -> new MemorySource.Bytes(shrunk))
                .file("/s/unknown", -1, () -> new MemorySource.Bytes(shrunk));
        BackupResult result = TestStores.backUp(store, source);
        audit();
        MemoryTarget target = TestStores.restore(store, result.header().identifier(), "/s");
        assertThat(target.files.get("grows")).isEqualTo(grown);
        assertThat(target.files.get("shrinks")).isEqualTo(shrunk);
        assertThat(target.infos.get("grows").size()).isEqualTo(grown.length);
        assertThat(target.infos.get("unknown").size()).isEqualTo(10);
    }

    @Test
    void aRepeatedContentIsStoredOnce() throws IOException {
        byte[] content = random(2 << 20, 9);
        MemorySource source = new MemorySource("/s").directory("/s");
        for (int i = 0; i < 50; i++) {
            source.file("/s/copy" + i, content);
        }
        BackupResult result = TestStores.backUp(store, source);
        assertThat(result.newChunkBytes()).isEqualTo(content.length);
        assertSameFiles(TestStores.restore(store, result.header().identifier(), "/"), source);
    }

    /** A failed backup leaves the open store as it was: what it had claimed or written counts for nothing. */
    @Test
    void theSameOpenStoreAfterAFailure() throws IOException {
        byte[] data = random(40 << 20, 10);
        MemorySource good =
                new MemorySource("/s").directory("/s").file("/s/large", data).file("/s/a", "a");
        AtomicReference<@Nullable RuntimeException> thrown = new AtomicReference<>();
        MemorySource bad = new MemorySource("/s")
                .directory("/s")
                .file("/s/large", data)
                .file("/s/a", "a")
                .file("/s/zz", 1, () -> {
                    RuntimeException failure = new IllegalStateException("a bug in an importer");
                    thrown.set(failure);
                    throw failure;
                });
        BackupResult result;
        try (Repository repository = TestStores.open(store)) {
            assertThatThrownBy(() ->
                            Backup.run(repository, List.of(bad), TestStores.options(store, 1), new TestStores.Events()))
                    .isSameAs(thrown.get());
            assertThat(repository.snapshots()).isEmpty();
            result = Backup.run(repository, List.of(good), TestStores.options(store, 1), new TestStores.Events());
        }
        audit();
        assertSameFiles(TestStores.restore(store, result.header().identifier(), "/"), good);
    }

    @Test
    void contentIsReadThroughSmallReadsToo() throws IOException {
        byte[] data = random(5 << 20, 12);
        MemorySource source = new MemorySource("/s").directory("/s").file("/s/f", data.length, () -> new Whole(data));
        BackupResult result = TestStores.backUp(store, source);
        assertThat(TestStores.restore(store, result.header().identifier(), "/s")
                        .files
                        .get("f"))
                .isEqualTo(data);
    }

    /** Content as the interface demands it: a read is only short at the end. */
    private static final class Whole implements ImportRecord.Content {
        private final MemorySource.Bytes bytes;

        Whole(byte[] data) {
            bytes = new MemorySource.Bytes(data);
        }

        @Override
        public long read(MemorySegment into) throws IOException {
            long done = 0;
            while (done < into.byteSize()) {
                long part = bytes.read(into.asSlice(done, Math.min(4096, into.byteSize() - done)));
                if (part == 0) {
                    break;
                }
                done += part;
            }
            return done;
        }

        @Override
        public void close() {}
    }
}
