// SPDX-License-Identifier: ISC
package dev.armoire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Compression;
import dev.armoire.packfile.Lz4Marks;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ChunkCacheTest {
    private static final long MAX_BYTES = 64L * ChunkCache.PAGE_BYTES;

    private final AtomicInteger loads = new AtomicInteger();

    private static Mac mac(int number) {
        return new Mac(number, 1, 2, 3);
    }

    private static byte[] bytes(int number, int length) {
        byte[] bytes = new byte[length];
        new Random(number).nextBytes(bytes);
        return bytes;
    }

    private ChunkCache.Loader loader(int number, int length) {
        return taker -> {
            loads.incrementAndGet();
            taker.accept(MemorySegment.ofArray(bytes(number, length)).asReadOnly());
        };
    }

    private static void verify(ChunkCache.Chunk chunk, int number, int length, int from) {
        assertThat(chunk.length()).isEqualTo(length);
        ByteBuffer into = ByteBuffer.allocate(length + 1).position(1);
        assertThat(chunk.copy(from, into)).isEqualTo(length - from);
        byte[] expected = bytes(number, length);
        assertThat(into.flip().position(1)).isEqualTo(ByteBuffer.wrap(expected, from, length - from));
    }

    private void use(ChunkCache cache, int number, int length) {
        ChunkCache.Chunk chunk = cache.use(mac(number), loader(number, length));
        try {
            verify(chunk, number, length, length / 3);
        } finally {
            cache.release(mac(number), chunk, false);
        }
    }

    @Test
    void keepsWhatFitsAndForgetsTheEldest() {
        try (ChunkCache cache = new ChunkCache(MAX_BYTES)) {
            int length = 20 * ChunkCache.PAGE_BYTES - 7; // three of them fit
            for (int round = 0; round < 2; round++) {
                for (int number = 0; number < 3; number++) {
                    use(cache, number, length);
                }
            }
            assertThat(loads).hasValue(3);
            use(cache, 0, length);
            use(cache, 3, length);
            use(cache, 0, length);
            assertThat(loads).hasValue(4);
            use(cache, 1, length);
            assertThat(loads).hasValue(5);
            assertThat(cache.bytes()).isEqualTo(MAX_BYTES);
        }
    }

    private static Lz4Marks marks(int length) {
        try (BlobCodec codec = new BlobCodec(Compression.LZ4, StoreKeys.plaintext(Hashing.BLAKE3, new byte[16]))) {
            byte[] encoded = new byte[Math.toIntExact(codec.prepare(MemorySegment.ofArray(new byte[length])))];
            codec.writeTo(MemorySegment.ofArray(encoded));
            var _ = codec.decode(MemorySegment.ofArray(encoded), length);
            return Objects.requireNonNull(codec.marks(length));
        }
    }

    private static boolean hasWindows(ChunkCache cache, int number, Lz4Marks marks, int count) {
        ChunkCache.Chunk windows = cache.useWindows(mac(number), marks);
        if (windows == null) {
            return false;
        }
        for (int i = 0; i < count; i++) {
            assertThat(windows.window(i).mismatch(MemorySegment.ofArray(bytes(i, ChunkCache.PAGE_BYTES))))
                    .isEqualTo(-1);
        }
        cache.releaseWindows(windows);
        return true;
    }

    @Test
    void windowsStayLongerThanChunksButNotForEver() {
        try (ChunkCache cache = new ChunkCache(MAX_BYTES)) {
            Lz4Marks marks = marks(1 << 20);
            List<MemorySegment> pages = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                pages.add(MemorySegment.ofArray(bytes(i, ChunkCache.PAGE_BYTES)));
            }
            cache.keepWindows(mac(0), marks, pages);
            cache.keepWindows(mac(0), marks, pages);
            int length = 20 * ChunkCache.PAGE_BYTES; // two of them fit beside the windows
            for (int number = 0; number < 9; number++) {
                use(cache, number, length);
            }
            assertThat(hasWindows(cache, 0, marks, 10)).isTrue();
            for (int number = 0; number < 40; number++) {
                use(cache, number, length);
            }
            assertThat(hasWindows(cache, 0, marks, 10)).isFalse();
            assertThat(cache.bytes()).isEqualTo(MAX_BYTES);

            cache.keepWindows(mac(0), marks, pages);
            ChunkCache.Chunk inUse = cache.useWindows(mac(0), marks);
            assertThat(inUse).isNotNull();
            for (int number = 0; number < 60; number++) {
                use(cache, number, length);
            }
            cache.releaseWindows(inUse);
            assertThat(hasWindows(cache, 0, marks, 10))
                    .as("nothing goes that is read")
                    .isTrue();
        }
    }

    @Test
    void windowsBeforeOtherMarksAreNotThoseAskedFor() {
        try (ChunkCache cache = new ChunkCache(MAX_BYTES)) {
            Lz4Marks before = marks(1 << 20);
            Lz4Marks after = marks(2 << 20);
            List<MemorySegment> pages = List.of(MemorySegment.ofArray(bytes(0, ChunkCache.PAGE_BYTES)));
            cache.keepWindows(mac(0), before, pages);
            assertThat(cache.useWindows(mac(0), after)).isNull();

            ChunkCache.Chunk inUse = cache.useWindows(mac(0), before);
            assertThat(inUse).isNotNull();
            cache.keepWindows(mac(0), after, pages);
            assertThat(cache.useWindows(mac(0), after))
                    .as("the others are being read")
                    .isNull();
            cache.releaseWindows(inUse);
            cache.keepWindows(mac(0), after, pages);
            assertThat(hasWindows(cache, 0, after, 1)).isTrue();
            assertThat(cache.useWindows(mac(0), before)).isNull();
        }
    }

    @Test
    void whatIsDoneWithGoesFirst() {
        try (ChunkCache cache = new ChunkCache(MAX_BYTES)) {
            int length = 20 * ChunkCache.PAGE_BYTES;
            use(cache, 0, length);
            use(cache, 1, length);
            ChunkCache.Chunk passing = cache.use(mac(2), loader(2, length));
            cache.release(mac(2), passing, true);
            use(cache, 3, length);
            use(cache, 0, length);
            use(cache, 1, length);
            assertThat(loads).hasValue(4);
        }
    }

    @Test
    void whatIsBeingReadStaysWhateverElseIsWanted() {
        try (ChunkCache cache = new ChunkCache(MAX_BYTES)) {
            int length = 30 * ChunkCache.PAGE_BYTES;
            ChunkCache.Chunk first = cache.use(mac(0), loader(0, length));
            ChunkCache.Chunk second = cache.use(mac(1), loader(1, length));
            ChunkCache.Chunk third = cache.use(mac(2), loader(2, length)); // on the heap
            verify(first, 0, length, 0);
            verify(second, 1, length, 1);
            verify(third, 2, length, 2);
            assertThat(cache.bytes()).isEqualTo(MAX_BYTES);
            cache.release(mac(0), first, false);
            cache.release(mac(1), second, false);
            cache.release(mac(2), third, false);
            use(cache, 1, length);
            assertThat(loads).hasValue(3);
        }
    }

    @Test
    void worksWithoutMemoryOfItsOwnAndForEmptyChunks() {
        try (ChunkCache cache = new ChunkCache(0)) {
            use(cache, 0, 100_000);
            use(cache, 0, 100_000);
            use(cache, 1, 0);
            assertThat(cache.bytes()).isZero();
            assertThat(loads).hasValue(3);
            assertThat(cache.lacks(mac(7), 1)).isFalse();
        }
    }

    @Test
    void aFailureIsForWhoMeetsItAndNotKept() {
        try (ChunkCache cache = new ChunkCache(MAX_BYTES)) {
            for (int round = 0; round < 2; round++) {
                assertThatThrownBy(() -> cache.use(mac(0), taker -> {
                            throw new IllegalArgumentException("damaged");
                        }))
                        .hasMessage("damaged");
            }
            use(cache, 0, 10);
            assertThat(loads).hasValue(1);
        }
    }

    @Test
    void whoWaitsForALoaderThatFailsLoadsForItself() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch fail = new CountDownLatch(1);
        try (ChunkCache cache = new ChunkCache(MAX_BYTES);
                ExecutorService threads = Executors.newFixedThreadPool(2)) {
            Future<?> failing = threads.submit(() -> cache.use(mac(0), taker -> {
                begun.countDown();
                try {
                    fail.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                throw new IllegalStateException("interrupted");
            }));
            begun.await();
            Future<?> waiting = threads.submit(() -> use(cache, 0, 10));
            fail.countDown();
            waiting.get();
            assertThatThrownBy(failing::get).hasRootCauseMessage("interrupted");
            assertThat(loads).hasValue(1);
        }
    }

    @Test
    void manyThreadsSeeTheRightBytes() throws Exception {
        try (ChunkCache cache = new ChunkCache(MAX_BYTES);
                ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<?>> all = new ArrayList<>();
            for (int thread = 0; thread < 4; thread++) {
                Random random = new Random(thread);
                all.add(threads.submit(() -> {
                    for (int i = 0; i < 200; i++) {
                        int number = random.nextInt(12);
                        use(cache, number, (number + 1) * 50_000);
                    }
                }));
            }
            for (Future<?> one : all) {
                one.get();
            }
            assertThat(cache.bytes()).isLessThanOrEqualTo(MAX_BYTES);
        }
    }
}
