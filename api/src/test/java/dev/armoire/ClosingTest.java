// SPDX-License-Identifier: ISC
package dev.armoire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** File systems, channels and stores that are closed while threads read them. */
class ClosingTest {
    private static final int LENGTH = 6 << 20;

    @TempDir
    Path folder;

    private final byte[] content = new byte[LENGTH];
    private Path file;
    private URI uri;

    @BeforeEach
    void backUp() throws IOException {
        new Random(5).nextBytes(content);
        for (int at = 0; at < LENGTH / 2; at += 32) { // the first half can be compressed
            Arrays.fill(content, at, at + 24, content[at]);
        }
        Path source = Files.createDirectories(folder.resolve("source")).toRealPath();
        file = Files.write(source.resolve("file"), content);
        Path place = folder.resolve("store");
        try (Store store = Store.create(place, CreateOptions.encrypted(Trees.passphrase()), OpenOptions.defaults())) {
            assertThat(store.backup(source).isComplete()).isTrue();
        }
        uri = URI.create("armoire:" + place);
    }

    private FileSystem open() throws IOException {
        return FileSystems.newFileSystem(uri, Map.of(ArmoireFileSystemProvider.PASSPHRASE, Trees.passphrase()));
    }

    private void readAbout(SeekableByteChannel channel, Random random) throws IOException {
        int position = random.nextInt(LENGTH - 100_000);
        ByteBuffer into = ByteBuffer.allocate(1 + random.nextInt(90_000));
        synchronized (channel) { // or another thread moves it in between
            assertThat(channel.position(position).read(into)).isEqualTo(into.capacity());
        }
        assertThat(into.flip()).isEqualTo(ByteBuffer.wrap(content, position, into.capacity()));
    }

    private void readAll(InputStream in) throws IOException {
        try (in) {
            assertThat(in.readAllBytes()).isEqualTo(content);
        }
    }

    /** What ended it. */
    private static Throwable end(Future<?> reader) throws InterruptedException, TimeoutException {
        try {
            throw new AssertionError("it has ended with " + reader.get(60, TimeUnit.SECONDS));
        } catch (ExecutionException e) {
            return e.getCause();
        }
    }

    private static Callable<Void> forEver(Callable<?> step, AtomicInteger steps, Phaser begun) {
        return () -> {
            boolean isFirst = true;
            while (true) {
                step.call();
                steps.incrementAndGet();
                if (isFirst) {
                    begun.arrive();
                    isFirst = false;
                }
            }
        };
    }

    @Test
    void whoReadsIsToldThatTheFileSystemWasClosed() throws Exception {
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            for (int round = 0; round < 6; round++) {
                FileSystem files = open();
                Path inSnapshot = files.getPath(file.toString());
                SeekableByteChannel shared = Files.newByteChannel(inSnapshot);
                AtomicInteger steps = new AtomicInteger();
                Phaser begun = new Phaser(1);
                List<Callable<?>> work = new ArrayList<>();
                for (int i = 0; i < 2; i++) {
                    Random random = new Random(10L * round + i);
                    SeekableByteChannel own = Files.newByteChannel(inSnapshot);
                    work.add(() -> {
                        readAbout(shared, random);
                        return null;
                    });
                    work.add(() -> {
                        readAbout(own, random);
                        return null;
                    });
                }
                work.add(() -> {
                    readAll(Files.newInputStream(inSnapshot));
                    return null;
                });
                work.add(() -> Files.mismatch(inSnapshot, file));
                work.add(() -> {
                    try (Stream<Path> walk = Files.walk(files.getPath("/"))) {
                        return walk.mapToLong(path -> path.toString().length()).sum();
                    }
                });
                begun.bulkRegister(work.size());
                List<Future<?>> readers = new ArrayList<>();
                for (Callable<?> step : work) {
                    readers.add(threads.submit(forEver(step, steps, begun)));
                }
                begun.arriveAndAwaitAdvance();
                int enough = steps.get() + 7 * round;
                while (steps.get() < enough) {
                    Thread.onSpinWait();
                }

                files.close();

                for (Future<?> reader : readers) {
                    assertThat(end(reader)).isInstanceOf(ClosedFileSystemException.class);
                }
                assertThat(shared.isOpen()).isFalse();
                assertThatThrownBy(() -> Files.newByteChannel(inSnapshot))
                        .isInstanceOf(ClosedFileSystemException.class);
            }
        }
    }

    @Test
    void whoReadsIsToldThatTheChannelWasClosed() throws Exception {
        try (ExecutorService threads = Executors.newCachedThreadPool();
                FileSystem files = open()) {
            for (int round = 0; round < 5; round++) {
                SeekableByteChannel channel = Files.newByteChannel(files.getPath(file.toString()));
                AtomicInteger steps = new AtomicInteger();
                Phaser begun = new Phaser(3);
                List<Future<?>> readers = new ArrayList<>();
                for (int i = 0; i < 2; i++) {
                    ByteBuffer all = ByteBuffer.allocate(LENGTH);
                    readers.add(threads.submit(forEver(
                            () -> {
                                synchronized (channel) {
                                    return channel.position(0).read(all.clear());
                                }
                            },
                            steps,
                            begun)));
                }
                begun.arriveAndAwaitAdvance();
                channel.close();
                for (Future<?> reader : readers) {
                    assertThat(end(reader))
                            .satisfiesAnyOf(
                                    e -> assertThat(e).isExactlyInstanceOf(ClosedChannelException.class),
                                    e -> assertThat(e).isExactlyInstanceOf(AsynchronousCloseException.class));
                }
                assertThat(files.isOpen()).isTrue();
            }
            readAll(Files.newInputStream(files.getPath(file.toString())));
        }
    }

    @Test
    void anInterruptEndsOneReadAndDisturbsNoOther() throws Exception {
        try (ExecutorService threads = Executors.newCachedThreadPool();
                FileSystem files = open()) {
            Path inSnapshot = files.getPath(file.toString());
            Future<?> undisturbed = threads.submit(() -> {
                for (int i = 0; i < 30; i++) {
                    readAll(Files.newInputStream(inSnapshot));
                }
                return null;
            });
            while (!undisturbed.isDone()) {
                Future<?> interrupted = threads.submit(() -> {
                    Thread.currentThread().interrupt();
                    readAll(Files.newInputStream(inSnapshot));
                    return null;
                });
                try {
                    interrupted.get(60, TimeUnit.SECONDS); // nothing had to be read from the store
                } catch (ExecutionException e) {
                    assertThat(e.getCause()).isInstanceOf(IOException.class);
                }
            }
            undisturbed.get();
        }
    }

    /** Files of the store that this process has open or mapped. */
    private List<String> held() throws IOException {
        List<String> held = new ArrayList<>();
        String store = folder.toRealPath().resolve("store").toString();
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors.toList()) {
                if (Files.isSymbolicLink(descriptor)) {
                    held.add(Files.readSymbolicLink(descriptor).toString());
                }
            }
        }
        held.addAll(Files.readAllLines(Path.of("/proc/self/maps")));
        held.removeIf(line -> !line.contains(store));
        return held;
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void closingLetsGoOfTheStoresFiles() throws IOException {
        for (int round = 0; round < 3; round++) {
            try (FileSystem files = open()) {
                Path inSnapshot = files.getPath(file.toString());
                readAbout(Files.newByteChannel(inSnapshot), new Random(round)); // neither is closed
                assertThat(Files.newInputStream(inSnapshot).read()).isEqualTo(content[0] & 0xff);
                assertThat(held()).isNotEmpty();
            }
            assertThat(held()).isEmpty();
        }
    }
}
