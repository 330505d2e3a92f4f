// SPDX-License-Identifier: ISC
package dev.armoire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemAlreadyExistsException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SnapshotFileSystemTest {
    @TempDir
    private static Path folder;

    private static Path source;
    private static Store store;
    private static FileSystem files;

    @BeforeAll
    static void backUp() throws IOException {
        source = Trees.make(folder.resolve("source"), 11);
        store = Store.create(folder.resolve("the store"), CreateOptions.unencrypted(), OpenOptions.defaults());
        files = store.backup(source).snapshot().openFileSystem();
    }

    @AfterAll
    static void close() throws IOException {
        files.close();
        store.close();
    }

    private static Path in(Path onDisk) {
        return files.getPath(onDisk.toString());
    }

    @Test
    void walkFindsWhatIsOnDisk() throws IOException {
        try (Stream<Path> disk = Files.walk(source);
                Stream<Path> walk = Files.walk(files.getPath(""))) {
            assertThat(new TreeSet<>(
                            walk.map(path -> path.toAbsolutePath().toString()).toList()))
                    .isEqualTo(new TreeSet<>(disk.map(Path::toString).toList()));
        }
    }

    @Test
    void copiesAndAttributesAreThoseOnDisk() throws IOException {
        Path target = Files.createDirectory(folder.resolve("copied"));
        Files.walkFileTree(in(source), new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
                    throws IOException {
                Files.createDirectories(
                        target.resolve(in(source).relativize(directory).toString()));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Path original = Path.of(file.toString());
                PosixFileAttributes expected =
                        Files.readAttributes(original, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
                PosixFileAttributes found =
                        Files.readAttributes(file, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
                assertThat(found.lastModifiedTime()).isEqualTo(expected.lastModifiedTime());
                assertThat(found.permissions()).isEqualTo(expected.permissions());
                assertThat(found.owner().getName()).isEqualTo(expected.owner().getName());
                assertThat(found.isSymbolicLink()).isEqualTo(expected.isSymbolicLink());
                if (attributes.isRegularFile()) {
                    Path copy = target.resolve(in(source).relativize(file).toString());
                    Files.copy(file, copy, StandardCopyOption.COPY_ATTRIBUTES);
                    assertThat(found.size()).isEqualTo(expected.size());
                    assertThat(Files.mismatch(file, original)).isEqualTo(-1);
                    assertThat(Files.mismatch(copy, original)).isEqualTo(-1);
                    assertThat(Files.getLastModifiedTime(copy)).isEqualTo(expected.lastModifiedTime());
                }
                return FileVisitResult.CONTINUE;
            }
        });
        assertThat(target.resolve("large")).hasSize(3 << 20);
        assertThat(Files.mismatch(in(source.resolve("large")), in(source.resolve("empty"))))
                .isZero();
    }

    @Test
    void readsAtRandomAreThoseOfTheOriginal() throws IOException {
        byte[] large = Files.readAllBytes(source.resolve("large"));
        Random random = new Random(5);
        try (SeekableByteChannel channel = Files.newByteChannel(in(source.resolve("large")))) {
            assertThat(channel.size()).isEqualTo(large.length);
            for (int i = 0; i < 300; i++) {
                readAndCompare(channel, large, random);
            }
            assertThat(channel.position(large.length).read(ByteBuffer.allocate(1)))
                    .isEqualTo(-1);
            assertThat(channel.position(large.length + 5L).read(ByteBuffer.allocate(1)))
                    .isEqualTo(-1);
            assertThat(channel.position()).isEqualTo(large.length + 5L);
            assertThatThrownBy(() -> channel.write(ByteBuffer.allocate(1)))
                    .isInstanceOf(NonWritableChannelException.class);
        }
        SeekableByteChannel closed = Files.newByteChannel(in(source.resolve("large")));
        closed.close();
        assertThat(closed.isOpen()).isFalse();
        assertThatThrownBy(closed::position).isInstanceOf(ClosedChannelException.class);
        try (SeekableByteChannel channel = Files.newByteChannel(in(source.resolve("empty")))) {
            assertThat(channel.read(ByteBuffer.allocate(1))).isEqualTo(-1);
        }
    }

    private static void readAndCompare(SeekableByteChannel channel, byte[] original, Random random) throws IOException {
        int from = random.nextInt(original.length);
        ByteBuffer bytes = ByteBuffer.allocate(1 + random.nextInt(random.nextInt(8) == 0 ? 300_000 : 2000));
        int expected = Math.min(bytes.capacity(), original.length - from);
        assertThat(channel.position(from).read(bytes)).isEqualTo(expected);
        assertThat(channel.position()).isEqualTo(from + (long) expected);
        assertThat(bytes.flip().mismatch(ByteBuffer.wrap(original, from, expected)))
                .isEqualTo(-1);
    }

    @Test
    void fileChannelsReadWhatTheOriginalHas() throws Exception {
        byte[] large = Files.readAllBytes(source.resolve("large"));
        FileChannel channel = FileChannel.open(in(source.resolve("large")));
        readAndCompare(channel, large, new Random(5));
        long position = channel.position();
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (Future<Boolean> done : threads.invokeAll(IntStream.range(0, 8)
                    .mapToObj(seed -> (Callable<Boolean>) () -> {
                        Random random = new Random(seed);
                        for (int i = 0; i < 50; i++) {
                            int from = random.nextInt(large.length);
                            ByteBuffer bytes = ByteBuffer.allocate(1 + random.nextInt(70_000));
                            int count = channel.read(bytes, from);
                            if (count != Math.min(bytes.capacity(), large.length - from)
                                    || !bytes.flip().equals(ByteBuffer.wrap(large, from, count))) {
                                return false;
                            }
                        }
                        return true;
                    })
                    .toList())) {
                assertThat(done.get()).isTrue();
            }
        }
        assertThat(channel.position()).isEqualTo(position);

        var out = new ByteArrayOutputStream();
        assertThat(channel.transferTo(7, Long.MAX_VALUE, Channels.newChannel(out)))
                .isEqualTo(large.length - 7L);
        assertThat(out.toByteArray()).isEqualTo(Arrays.copyOfRange(large, 7, large.length));
        ByteBuffer[] parts = {ByteBuffer.allocate(10), ByteBuffer.allocate(0), ByteBuffer.allocate(30)};
        assertThat(channel.position(large.length - 20L).read(parts)).isEqualTo(20);
        assertThat(channel.read(parts)).isEqualTo(-1);
        assertThat(channel.read(ByteBuffer.allocate(1), large.length)).isEqualTo(-1);
        assertThatThrownBy(() -> channel.write(ByteBuffer.allocate(1))).isInstanceOf(NonWritableChannelException.class);
        assertThatThrownBy(() -> channel.map(FileChannel.MapMode.READ_ONLY, 0, 1))
                .isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> FileChannel.open(in(source.resolve("large")), StandardOpenOption.WRITE))
                .isInstanceOf(ReadOnlyFileSystemException.class);
        channel.close();
        assertThat(channel.isOpen()).isFalse();
        assertThatThrownBy(() -> channel.read(ByteBuffer.allocate(1), 0)).isInstanceOf(ClosedChannelException.class);
        assertThatThrownBy(channel::size).isInstanceOf(ClosedChannelException.class);
    }

    @Test
    void manyThreadsRead() throws Exception {
        byte[] large = Files.readAllBytes(source.resolve("large"));
        List<Callable<Integer>> tasks = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            Random random = new Random(i);
            tasks.add(() -> {
                try (SeekableByteChannel channel = Files.newByteChannel(in(source.resolve("large")));
                        Stream<Path> walk = Files.walk(in(source))) {
                    for (int j = 0; j < 20; j++) {
                        readAndCompare(channel, large, random);
                    }
                    return (int) walk.filter(Files::isRegularFile).count();
                }
            });
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            for (Future<Integer> done : threads.invokeAll(tasks)) {
                assertThat(done.get()).isEqualTo(48); // 5 * (8 + 1), large, empty, and what the link leads to
            }
        }
    }

    @Test
    void symbolicLinksAreLinks() throws IOException {
        Path link = in(source.resolve("link"));
        assertThat(Files.isSymbolicLink(link)).isTrue();
        assertThat(Files.readSymbolicLink(link)).hasToString("folder 1/übung.txt");
        assertThat(Files.readString(link)).isEqualTo("text 1");
        assertThat(link.toRealPath()).isEqualTo(in(source.resolve("folder 1/übung.txt")));
        assertThat(Files.isSameFile(link, link.toRealPath())).isTrue();
        assertThat(Files.readString(files.getPath("to-folder", "übung.txt"))).isEqualTo("text 2");
        assertThat(Files.exists(files.getPath("nowhere"))).isFalse();
        assertThat(Files.exists(files.getPath("nowhere"), LinkOption.NOFOLLOW_LINKS))
                .isTrue();
        assertThatThrownBy(() -> Files.readSymbolicLink(in(source))).isInstanceOf(NotLinkException.class);
        assertThat(Files.readAttributes(link, "unix:nlink,uid,mode", LinkOption.NOFOLLOW_LINKS))
                .containsEntry("nlink", 1)
                .containsEntry("mode", 0120777);
    }

    @Test
    void directoryStreamsTakeGlobs() throws IOException {
        Path deep = files.getPath("folder 0/deep");
        try (DirectoryStream<Path> some = Files.newDirectoryStream(deep, "file-[1-3].{bin,txt}")) {
            assertThat(some)
                    .extracting(Path::toString)
                    .containsExactly(
                            "folder 0/deep/file-1.bin", "folder 0/deep/file-2.bin", "folder 0/deep/file-3.bin");
        }
        for (String glob :
                List.of("*", "*.java", "**.java", "?x", "[!a-c]*", "{a,bc}*", "a\\*b", "[a-c]x", "a.b", "/x/**/y")) {
            for (String name :
                    List.of("a", "a.java", "d/a.java", "ax", "dx", "bcd", "a*b", "]", "a.b", "axb", "/x/q/r/y")) {
                assertThat(files.getPathMatcher("glob:" + glob).matches(files.getPath(name)))
                        .as("%s %s", glob, name)
                        .isEqualTo(FileSystems.getDefault()
                                .getPathMatcher("glob:" + glob)
                                .matches(Path.of(name)));
            }
        }
    }

    @Test
    void pathsBehaveAsThoseOnDisk() {
        List<String> texts =
                List.of("", "/", "a", "/a", "a/b", "/a/b/c", "../a", "a/../b", "/..", "./a", "a//b/", "..");
        for (String text : texts) {
            Path ours = files.getPath(text);
            Path theirs = Path.of(text);
            assertThat(ours).hasToString(theirs.toString());
            assertThat(ours.isAbsolute()).isEqualTo(theirs.isAbsolute());
            assertThat(ours.getNameCount()).isEqualTo(theirs.getNameCount());
            assertThat(String.valueOf(ours.getParent())).isEqualTo(String.valueOf(theirs.getParent()));
            assertThat(String.valueOf(ours.getFileName())).isEqualTo(String.valueOf(theirs.getFileName()));
            assertThat(ours.normalize()).as(text).hasToString(theirs.normalize().toString());
            for (String other : texts) {
                Path second = files.getPath(other);
                Path theirSecond = Path.of(other);
                assertThat(ours.resolve(second))
                        .hasToString(theirs.resolve(theirSecond).toString());
                assertThat(ours.startsWith(second)).as("%s %s", text, other).isEqualTo(theirs.startsWith(theirSecond));
                assertThat(ours.endsWith(second)).as("%s %s", text, other).isEqualTo(theirs.endsWith(theirSecond));
                assertThat(ours.equals(second)).isEqualTo(theirs.equals(theirSecond));
                if (ours.isAbsolute() == second.isAbsolute() && !(text + other).contains(".")) {
                    assertThat(ours.relativize(second))
                            .as("%s %s", text, other)
                            .hasToString(theirs.relativize(theirSecond).toString());
                }
            }
        }
        assertThat(files.getPath("x").toAbsolutePath()).hasToString(source + "/x");
    }

    @Test
    void nothingCanBeWritten() {
        Path file = in(source.resolve("large"));
        assertThat(files.isReadOnly()).isTrue();
        assertThat(Files.isWritable(file)).isFalse();
        assertThatThrownBy(() -> Files.delete(file)).isInstanceOf(ReadOnlyFileSystemException.class);
        assertThatThrownBy(() -> Files.writeString(file, "")).isInstanceOf(ReadOnlyFileSystemException.class);
        assertThatThrownBy(() -> Files.createDirectory(in(source.resolve("new"))))
                .isInstanceOf(ReadOnlyFileSystemException.class);
        assertThatThrownBy(() -> Files.copy(file, in(source.resolve("new"))))
                .isInstanceOf(ReadOnlyFileSystemException.class);
        assertThatThrownBy(() -> Files.move(file, in(source.resolve("new"))))
                .isInstanceOf(ReadOnlyFileSystemException.class);
        assertThatThrownBy(() -> Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------")))
                .isInstanceOf(ReadOnlyFileSystemException.class);
        assertThatThrownBy(() -> Files.getFileAttributeView(file, PosixFileAttributeView.class)
                        .setTimes(null, null, null))
                .isInstanceOf(ReadOnlyFileSystemException.class);
        assertThatThrownBy(() -> Files.copy(source.resolve("empty"), in(source.resolve("new"))))
                .isInstanceOf(ReadOnlyFileSystemException.class);
    }

    @Test
    void closingClosesWhatWasOpened() throws IOException {
        FileSystem closing = store.snapshot(Store.LATEST).openFileSystem();
        Path large = closing.getPath("large");
        InputStream in = Files.newInputStream(large);
        SeekableByteChannel channel = Files.newByteChannel(large);
        closing.close();
        closing.close();
        assertThat(closing.isOpen()).isFalse();
        assertThat(files.isOpen()).isTrue();
        assertThatThrownBy(() -> Files.size(large)).isInstanceOf(ClosedFileSystemException.class);
        assertThatThrownBy(in::read).isInstanceOf(ClosedFileSystemException.class);
        assertThatThrownBy(() -> channel.read(ByteBuffer.allocate(1))).isInstanceOf(ClosedFileSystemException.class);
        assertThat(large).hasToString("large");
    }

    @Test
    void urisOpenAndFindFileSystems() throws IOException {
        Path place = folder.resolve("the store");
        URI uri = URI.create("armoire:" + place.toUri().getRawPath().replaceAll("/$", "") + "!/latest");
        assertThatThrownBy(() -> Path.of(uri)).isInstanceOf(FileSystemNotFoundException.class);
        try (FileSystem opened = FileSystems.newFileSystem(uri, Map.of())) {
            assertThat(FileSystems.getFileSystem(uri)).isSameAs(opened);
            assertThatThrownBy(() -> FileSystems.newFileSystem(uri, Map.of()))
                    .isInstanceOf(FileSystemAlreadyExistsException.class);
            Path text = opened.getPath("folder 4", "übung.txt").toAbsolutePath();
            assertThat(Files.readString(text)).isEqualTo("text 4");
            assertThat(Path.of(text.toUri())).isEqualTo(text);
            assertThat(Path.of(URI.create(uri + "/x%20y"))).hasToString("/x y");
        }
        assertThatThrownBy(() -> FileSystems.getFileSystem(uri)).isInstanceOf(FileSystemNotFoundException.class);
        assertThatThrownBy(() -> FileSystems.newFileSystem(URI.create("armoire:/not/there"), Map.of()))
                .isInstanceOf(NoSuchFileException.class);
        try (FileSystem opened = FileSystems.newFileSystem(place, Map.of())) {
            assertThat(Files.readString(opened.getPath("folder 4", "übung.txt")))
                    .isEqualTo("text 4");
        }
    }

    @Test
    void namesNeedNotBeUtf8() throws IOException {
        try (FileSystem opened = FileSystems.newFileSystem(
                URI.create("armoire:" + Trees.FIXTURES + "/encrypted!/"),
                Map.of(ArmoireFileSystemProvider.PASSPHRASE, Trees.passphrase()))) {
            List<Path> strange = new ArrayList<>();
            try (Stream<Path> walk = Files.walk(opened.getPath("/"))) {
                walk.forEach(path -> {
                    if (path.toString().chars().anyMatch(c -> c >= 0xdc80 && c <= 0xdcff)) {
                        strange.add(path);
                    }
                });
            }
            assertThat(strange).isNotEmpty();
            for (Path path : strange) {
                Path again = opened.getPath(path.toString());
                assertThat(again).isEqualTo(path);
                assertThat(Path.of(path.toUri())).isEqualTo(path);
                assertThat(Files.exists(again, LinkOption.NOFOLLOW_LINKS)).isTrue();
            }
        }
    }
}
