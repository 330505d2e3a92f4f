// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.fs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class OpenFilesTest {
    @TempDir
    Path folder;

    @Test
    void noMoreChannelsStayOpenThanAllowed() throws IOException {
        try (OpenFiles files = new OpenFiles(3)) {
            for (int i = 0; i < 20; i++) {
                assertThat(readByte(files, file(i % 7))).isEqualTo(i % 7);
                assertThat(files.size()).isLessThanOrEqualTo(3);
            }
            assertThat(descriptorsBelow(folder)).isEqualTo(3);
        }
        assertThat(descriptorsBelow(folder)).isZero();
    }

    @Test
    void aForgottenFileIsOpenedAnew() throws IOException {
        try (OpenFiles files = new OpenFiles(3)) {
            Path file = file(1);
            assertThat(readByte(files, file)).isEqualTo(1);
            Files.delete(file);
            Files.write(file, new byte[] {99});
            assertThat(readByte(files, file))
                    .as("read through the open channel")
                    .isEqualTo(1);
            files.forget(file);
            assertThat(readByte(files, file)).isEqualTo(99);
        }
    }

    @Test
    void afterCloseNothingIsRead() throws IOException {
        OpenFiles files = new OpenFiles(1);
        Path file = file(1);
        files.close();
        assertThatThrownBy(() -> readByte(files, file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(file.toString());
    }

    @Test
    void aFolderIsNoFile() {
        try (OpenFiles files = new OpenFiles(1)) {
            assertThatThrownBy(() -> readByte(files, folder))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("not a regular file");
        }
    }

    /** The JDK closes a channel when one of its readers is interrupted; the other readers must not notice. */
    @Test
    void anInterruptedReaderDisturbsNoOther() throws Exception {
        Path file = file(5);
        AtomicBoolean stop = new AtomicBoolean();
        try (OpenFiles files = new OpenFiles(2);
                ExecutorService readers = Executors.newFixedThreadPool(3)) {
            CountDownLatch begun = new CountDownLatch(3);
            List<Future<?>> ends = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                ends.add(readers.submit(() -> {
                    while (!stop.get()) {
                        assertThat(readByte(files, file)).isEqualTo(5);
                        begun.countDown();
                    }
                    return null;
                }));
            }
            try {
                assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();
                for (int i = 0; i < 200; i++) {
                    Thread.currentThread().interrupt();
                    assertThatThrownBy(() -> readByte(files, file)).isInstanceOf(ClosedByInterruptException.class);
                    assertThat(Thread.interrupted()).isTrue();
                }
            } finally {
                stop.set(true);
            }
            for (Future<?> end : ends) {
                end.get();
            }
            assertThat(descriptorsBelow(folder)).isLessThanOrEqualTo(1);
        }
    }

    private Path file(int content) throws IOException {
        return Files.write(folder.resolve("file" + content), new byte[] {(byte) content});
    }

    private static int readByte(OpenFiles files, Path file) throws IOException {
        byte[] into = new byte[1];
        assertThat(files.read(file, 0, MemorySegment.ofArray(into))).isEqualTo(1);
        return into[0];
    }

    /** How many files of a folder this process has open, as Linux knows. */
    private static long descriptorsBelow(Path folder) throws IOException {
        Path descriptors = Path.of("/proc/self/fd");
        assumeTrue(Files.isDirectory(descriptors), "needs /proc");
        try (Stream<Path> links = Files.list(descriptors)) {
            return links.filter(link -> {
                        try {
                            return Files.readSymbolicLink(link).startsWith(folder.toRealPath());
                        } catch (IOException e) {
                            return false; // closed a moment ago
                        }
                    })
                    .count();
        }
    }
}
