// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.CreateOptions;
import dev.armoire.OpenOptions;
import dev.armoire.Snapshot;
import dev.armoire.Store;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Threads read a file of a snapshot through channels, as from any file system of NIO: a file of bytes that do not compress,
 * larger than the read cache, in a store that is in the page cache. Long enough before it is measured for every chunk to have been
 * read once as a whole: parts are read by themselves only after that.
 */
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 4, time = 1)
public class ChannelBenchmark extends Suite {
    /** A file in a snapshot. Owns its store. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Benchmark)
    public static class File {
        /** How large it is. */
        @Param("1024")
        public int contentMiB;

        /** What is in it: bytes that do not compress, or text. */
        @Param({"RANDOM", "TEXT"})
        public Data data;

        /** How large the read cache is. */
        @Param("256")
        public int cacheMiB;

        /** Whether the store is. */
        @Param({"false", "true"})
        public boolean encrypted;

        /** How much is read at once. */
        @Param({"4", "64", "1024"})
        public int readKiB;

        private Path folder;
        private Path source;
        private Store store;
        private Snapshot snapshot;

        /** Backs it up and opens it. */
        @Setup(Level.Trial)
        public void prepare() throws IOException {
            folder = Files.createTempDirectory("armoire-channel");
            source = folder.resolve("file");
            try (OutputStream file = Files.newOutputStream(source)) {
                for (int i = 0; i < contentMiB; i++) {
                    file.write(data.bytes(1 << 20, i));
                }
            }
            store = Store.create(
                    folder.resolve("store"),
                    encrypted
                            ? CreateOptions.encrypted("a passphrase for this run 1".toCharArray())
                            : CreateOptions.unencrypted(),
                    OpenOptions.defaults().withReadCache((long) cacheMiB << 20));
            snapshot = store.backup(source).snapshot();
        }

        /** Removes all. */
        @TearDown(Level.Trial)
        public void close() throws IOException {
            store.close();
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    /** What one thread has. Owns its channel. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Thread)
    public static class Reading {
        private final SplittableRandom random =
                new SplittableRandom(Thread.currentThread().threadId());
        private SeekableByteChannel channel;
        private ByteBuffer buffer;

        /** Opens the file, and looks whether it is read right. */
        @Setup(Level.Trial)
        public void prepare(File file) throws IOException {
            channel = file.snapshot.openChannel(file.source.toString());
            buffer = ByteBuffer.allocate(file.readKiB << 10);
            ByteBuffer expected = ByteBuffer.allocate(buffer.capacity());
            try (FileChannel original = FileChannel.open(file.source)) {
                for (int i = 0; i < 16; i++) {
                    long position = jump();
                    read();
                    expected.clear();
                    while (expected.hasRemaining()) {
                        original.read(expected, position + expected.position());
                    }
                    check(buffer.flip().equals(expected.flip()), "the channel gave other bytes");
                }
            }
        }

        private long jump() throws IOException {
            long position = random.nextLong(channel.size() - buffer.capacity());
            channel.position(position);
            return position;
        }

        private int read() throws IOException {
            buffer.clear();
            while (buffer.hasRemaining()) {
                if (channel.read(buffer) < 0) {
                    channel.position(0);
                }
            }
            return buffer.capacity();
        }

        /** Ends it. */
        @TearDown(Level.Trial)
        public void close() throws IOException {
            channel.close();
        }
    }

    /** At positions that have nothing to do with each other. */
    @Benchmark
    public int readAtRandom(File file, Reading reading, Bytes bytes) throws IOException {
        reading.jump();
        bytes.bytes += reading.buffer.capacity();
        return reading.read();
    }

    /** The same by two threads, each with a channel of its own. */
    @Benchmark
    @Threads(2)
    public int readAtRandomTwice(File file, Reading reading, Bytes bytes) throws IOException {
        reading.jump();
        bytes.bytes += reading.buffer.capacity();
        return reading.read();
    }

    /** From front to back, and again. */
    @Benchmark
    public int readForward(File file, Reading reading, Bytes bytes) throws IOException {
        bytes.bytes += reading.buffer.capacity();
        return reading.read();
    }
}
