// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.CreateOptions;
import dev.armoire.OpenOptions;
import dev.armoire.Snapshot;
import dev.armoire.Store;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * One thread reads a file of a snapshot in an encrypted store through a channel, as from any file system of NIO. Whole chunks
 * are decoded, a MiB or so, and as many of them are kept as the read cache holds: where that is smaller than the file, small reads
 * at random mostly get a part of what is decoded for them.
 */
public class ChannelBenchmark extends Suite {
    /** A file in a snapshot. Owns its store. */
    @SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup first
    @State(Scope.Benchmark)
    public static class File {
        /** How large it is. */
        @Param("256")
        public int contentMiB;

        /** How large the read cache is: smaller than the file, or larger. */
        @Param({"64", "512"})
        public int cacheMiB;

        /** How much is read at once. */
        @Param({"64", "1024"})
        public int readKiB;

        private final Random random = new Random(6);
        private byte[] content;
        private Path folder;
        private Store store;
        private SeekableByteChannel channel;
        private ByteBuffer buffer;

        /** Backs it up, opens it, and looks whether it is read right. */
        @Setup(Level.Trial)
        public void prepare() throws IOException {
            content = Data.RANDOM.bytes(contentMiB << 20, 17);
            folder = Files.createTempDirectory("armoire-channel");
            Path source = Files.write(folder.resolve("file"), content);
            store = Store.create(
                    folder.resolve("store"),
                    CreateOptions.encrypted("a passphrase for this run 1".toCharArray()),
                    OpenOptions.defaults().withReadCache((long) cacheMiB << 20));
            Snapshot snapshot = store.backup(source).snapshot();
            channel = snapshot.openChannel(source.toString());
            buffer = ByteBuffer.allocate(readKiB << 10);
            for (int i = 0; i < 8; i++) {
                int position = jump();
                read();
                check(
                        buffer.flip().equals(ByteBuffer.wrap(content, position, buffer.capacity())),
                        "the channel gave other bytes");
            }
            content = new byte[0];
        }

        private int jump() throws IOException {
            int position = random.nextInt((contentMiB << 20) - buffer.capacity());
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

        /** Removes all. */
        @TearDown(Level.Trial)
        public void close() throws IOException {
            channel.close();
            store.close();
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    /** At positions that have nothing to do with each other. */
    @Benchmark
    public int readAtRandom(File file, Bytes bytes) throws IOException {
        file.jump();
        bytes.bytes += file.buffer.capacity();
        return file.read();
    }

    /** From front to back, and again. */
    @Benchmark
    public int readForward(File file, Bytes bytes) throws IOException {
        bytes.bytes += file.buffer.capacity();
        return file.read();
    }
}
