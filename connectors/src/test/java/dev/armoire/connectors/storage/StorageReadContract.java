// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.Mac;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every storage can be asked, tried on one that holds something. */
public abstract class StorageReadContract {
    /** A storage with what it holds: a CONFIG, one packfile, one state and no lock. */
    @SuppressWarnings("ArrayRecordComponent") // handed over and read once, never compared
    public record Held(
            Storage storage, byte[] config, Mac packfile, byte[] packfileContent, Mac state, byte[] stateContent) {}

    private Held held;
    protected Storage storage;

    /** Opens a storage and tells what is in it. It is closed after each test. */
    protected abstract Held held() throws IOException;

    @BeforeEach
    final void openHeld() throws IOException {
        held = held();
        storage = held.storage();
    }

    @AfterEach
    final void closeHeld() {
        storage.close();
    }

    @Test
    void configIsAsItWasStored() throws IOException {
        assertConfig();
    }

    @Test
    void listingNamesWhatIsThere() throws IOException {
        assertListing();
    }

    @Test
    void wholeObjectsReadBack() throws IOException {
        assertContents();
    }

    protected final void assertConfig() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            assertThat(storage.readConfig(arena).toArray(ValueLayout.JAVA_BYTE)).isEqualTo(held.config());
        }
    }

    protected final void assertListing() throws IOException {
        assertThat(storage.list(ObjectKind.PACKFILE)).hasSize(1);
        assertThat(storage.list(ObjectKind.STATE)).containsExactly(held.state());
        assertThat(storage.list(ObjectKind.LOCK)).isEmpty();
    }

    @Test
    void sizesAreThoseOfTheObjects() throws IOException {
        assertThat(storage.size(ObjectKind.PACKFILE, held.packfile())).isEqualTo(held.packfileContent().length);
        assertThat(storage.size(ObjectKind.STATE, held.state())).isEqualTo(held.stateContent().length);
    }

    protected final void assertContents() throws IOException {
        assertThat(content(storage, ObjectKind.PACKFILE, held.packfile())).isEqualTo(held.packfileContent());
        assertThat(content(storage, ObjectKind.STATE, held.state())).isEqualTo(held.stateContent());
    }

    @Test
    void rangesAtAllBoundariesReadBackIntoHeapAndNativeSegments() throws IOException {
        byte[] expected = held.packfileContent();
        int end = expected.length;
        int[] edges = {0, 1, 15, 16, 4095, 4096, 4097, end / 2, end - 4097, end - 2, end - 1, end};
        for (int from : edges) {
            for (int to : edges) {
                if (from <= to) {
                    assertRange(expected, from, to);
                }
            }
        }
        Random random = new Random(7);
        for (int i = 0; i < 100; i++) {
            int from = random.nextInt(end + 1);
            assertRange(expected, from, from + random.nextInt(end - from + 1));
        }
    }

    private void assertRange(byte[] expected, int from, int to) throws IOException {
        byte[] wanted = Arrays.copyOfRange(expected, from, to);
        // Inside a larger segment: what lies around the range must stay as it was.
        byte[] heap = new byte[wanted.length + 2];
        storage.read(
                ObjectKind.PACKFILE,
                held.packfile(),
                from,
                MemorySegment.ofArray(heap).asSlice(1, wanted.length));
        assertThat(Arrays.copyOfRange(heap, 1, heap.length - 1))
                .as("bytes %d to %d", from, to)
                .isEqualTo(wanted);
        assertThat(new byte[] {heap[0], heap[heap.length - 1]}).containsOnly(0);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(wanted.length);
            storage.read(ObjectKind.PACKFILE, held.packfile(), from, segment);
            assertThat(segment.mismatch(MemorySegment.ofArray(wanted))).isEqualTo(-1);
        }
    }

    @Test
    void readingPastTheEndSaysWhatWasWantedAndWhatThereIs() {
        int end = held.packfileContent().length;
        for (long from : new long[] {0, end - 1, end, end + 1, 1L << 40}) {
            int length = from == 0 ? end + 1 : 2;
            assertThatThrownBy(() -> storage.read(
                            ObjectKind.PACKFILE, held.packfile(), from, MemorySegment.ofArray(new byte[length])))
                    .isInstanceOf(EOFException.class)
                    .hasMessageContaining(held.packfile().shortHex())
                    .hasMessageContaining(String.valueOf(length))
                    .hasMessageContaining(String.valueOf(from))
                    .hasMessageContaining(String.valueOf(end));
        }
    }

    @Test
    void negativeOffsetsAreTheCallersBug() {
        assertThatThrownBy(() -> storage.read(ObjectKind.STATE, held.state(), -1, MemorySegment.ofArray(new byte[1])))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void missingObjectsAreTold() {
        Mac missing = mac(404);
        for (ObjectKind kind : List.of(ObjectKind.STATE, ObjectKind.LOCK)) {
            assertThatThrownBy(() -> storage.size(kind, missing))
                    .isInstanceOf(NoSuchFileException.class)
                    .hasMessageContaining(missing.shortHex());
            assertThatThrownBy(() -> storage.read(kind, missing, 0, MemorySegment.ofArray(new byte[1])))
                    .isInstanceOf(NoSuchFileException.class)
                    .hasMessageContaining(missing.shortHex());
        }
    }

    @Test
    void manyThreadsReadAtOnce() throws Exception {
        byte[] expected = held.packfileContent();
        inThreads(8, worker -> {
            Random random = new Random(worker);
            try (Arena arena = Arena.ofConfined()) {
                for (int i = 0; i < 200; i++) {
                    int from = random.nextInt(expected.length);
                    int length = random.nextInt(Math.min(4096, expected.length - from)) + 1;
                    MemorySegment into = arena.allocate(length);
                    storage.read(ObjectKind.PACKFILE, held.packfile(), from, into);
                    assertThat(into.mismatch(MemorySegment.ofArray(expected).asSlice(from, length)))
                            .isEqualTo(-1);
                }
            }
        });
    }

    @Test
    void aClosedStorageReadsNoMore() {
        storage.close();
        assertThatThrownBy(
                        () -> storage.read(ObjectKind.PACKFILE, held.packfile(), 0, MemorySegment.ofArray(new byte[1])))
                .isInstanceOf(IOException.class);
    }

    /** A name that depends on the seed only. */
    protected static Mac mac(long seed) {
        Random random = new Random(seed);
        return new Mac(random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong());
    }

    /** The only content that an object of this name can have, so that every reader can tell whether it is whole. */
    public static byte[] contentOf(Mac name, int maxBytes) {
        Random random = new Random(name.w0());
        byte[] content = new byte[random.nextInt(maxBytes) + 1];
        random.nextBytes(content);
        return content;
    }

    protected static byte[] content(Storage storage, ObjectKind kind, Mac name) throws IOException {
        byte[] content = new byte[Math.toIntExact(storage.size(kind, name))];
        storage.read(kind, name, 0, MemorySegment.ofArray(content));
        return content;
    }

    /** Work of one thread. */
    @FunctionalInterface
    protected interface Work<T> {
        T run(int worker) throws Exception;
    }

    /** Work of one thread without a result. */
    @FunctionalInterface
    protected interface Action {
        void run(int worker) throws Exception;
    }

    /** Runs the same action in many threads and passes on the first failure. */
    protected static void inThreads(int threads, Action action) throws Exception {
        together(threads, worker -> {
            action.run(worker);
            return worker;
        });
    }

    /** Runs the same work in many threads and passes on the first failure. */
    protected static <T> List<T> together(int threads, Work<T> work) throws Exception {
        try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
            List<Callable<T>> tasks = IntStream.range(0, threads)
                    .<Callable<T>>mapToObj(worker -> () -> work.run(worker))
                    .toList();
            List<T> results = new ArrayList<>();
            for (Future<T> future : executor.invokeAll(tasks)) {
                results.add(future.get());
            }
            return results;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw e;
        }
    }
}
