// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.blocks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class BlockCacheTest {
    private static final int BLOCK = BlockCache.BLOCK_BYTES;

    private final BlockCache cache = new BlockCache();

    /** An object that remembers what was asked for. */
    private static final class Remote implements Ranges {
        private final byte[] content;
        private final boolean knowsSize;
        final List<String> requests = new ArrayList<>();
        final Semaphore arrived = new Semaphore(0);
        volatile boolean isBroken;

        Remote(int bytes, boolean knowsSize) {
            content = new byte[bytes];
            new Random(7).nextBytes(content);
            this.knowsSize = knowsSize;
        }

        @Override
        public long fetch(long from, MemorySegment into) throws IOException {
            synchronized (this) {
                requests.add(from / BLOCK + "+" + into.byteSize() / BLOCK);
            }
            arrived.release();
            if (isBroken) {
                throw new IOException("broken");
            }
            long count = Math.clamp(content.length - from, 0, into.byteSize());
            MemorySegment.copy(MemorySegment.ofArray(content), Math.min(from, content.length), into, 0, count);
            return count;
        }

        @Override
        public long size() {
            return knowsSize ? content.length : UNKNOWN;
        }

        synchronized List<String> requests() {
            return List.copyOf(requests);
        }

        void awaitRequests(int count) throws InterruptedException {
            assertThat(arrived.tryAcquire(count, 10, TimeUnit.SECONDS))
                    .as("requests: %s", requests())
                    .isTrue();
        }
    }

    private byte[] read(Remote remote, long from, int length) throws IOException {
        byte[] into = new byte[length];
        long got = cache.read(remote, from, MemorySegment.ofArray(into));
        return Arrays.copyOf(into, (int) got);
    }

    private void readBlock(Remote remote, long block) throws IOException {
        assertThat(read(remote, block * BLOCK + 5, 100))
                .isEqualTo(Arrays.copyOfRange(remote.content, (int) block * BLOCK + 5, (int) block * BLOCK + 105));
    }

    @Test
    void whoReadsTowardsTheBeginningIsGivenMoreAndMoreAndTheNextBeside() throws Exception {
        Remote remote = new Remote(64 * BLOCK, false);
        for (int block = 40; block > 32; block--) {
            readBlock(remote, block);
        }
        remote.awaitRequests(5); // the last of them before anybody asks for what it brings
        assertThat(remote.requests()).containsExactlyInAnyOrder("40+1", "38+2", "34+4", "26+8", "18+8");
        for (int block = 32; block >= 0; block--) {
            readBlock(remote, block);
        }
        assertThat(remote.requests())
                .containsExactlyInAnyOrder("40+1", "38+2", "34+4", "26+8", "18+8", "10+8", "2+8", "0+2");
    }

    @Test
    void whoReadsOnIsGivenMoreAndMoreUpToTheEnd() throws Exception {
        Remote remote = new Remote(24 * BLOCK - 9, true);
        for (int block = 0; block < 24; block++) {
            readBlock(remote, block);
        }
        assertThat(remote.requests()).containsExactlyInAnyOrder("0+1", "1+2", "3+4", "7+8", "15+8", "23+1");
    }

    @Test
    void readsHereAndThereBringOneBlockEach() throws Exception {
        Remote remote = new Remote(64 * BLOCK, false);
        for (int block : new int[] {3, 50, 20, 33, 7, 61}) {
            readBlock(remote, block);
            readBlock(remote, block);
        }
        assertThat(remote.requests()).containsExactly("3+1", "50+1", "20+1", "33+1", "7+1", "61+1");
    }

    @Test
    void whatCouldNotBeFetchedAheadIsFetchedByWhoWantsIt() throws Exception {
        Remote remote = new Remote(64 * BLOCK, false);
        for (int block = 0; block < 7; block++) {
            readBlock(remote, block);
        }
        remote.isBroken = true;
        assertThatThrownBy(() -> readBlock(remote, 7)).hasMessage("broken");
        remote.awaitRequests(5);
        remote.isBroken = false;
        for (int block = 7; block < 64; block++) {
            readBlock(remote, block);
        }
    }

    @Test
    void manyReadersInAllDirectionsReadWhatIsThere() throws Exception {
        Remote remote = new Remote(40 * BLOCK + 77, false);
        Callable<Boolean> reader = () -> {
            Random random = new Random(Thread.currentThread().threadId());
            long at = random.nextInt(remote.content.length);
            int step = random.nextInt(-90_000, 90_000);
            for (int i = 0; i < 3000; i++) {
                int length = 1 + random.nextInt(random.nextInt(10) == 0 ? 3 * BLOCK : 5000);
                byte[] expected = Arrays.copyOfRange(
                        remote.content, (int) at, (int) Math.min(at + length, remote.content.length));
                assertThat(Arrays.equals(read(remote, at, length), expected)).isTrue();
                at += step;
                if (at < 0 || at >= remote.content.length || random.nextInt(50) == 0) {
                    at = random.nextInt(remote.content.length);
                    step = random.nextInt(-90_000, 90_000);
                }
            }
            return true;
        };
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (Future<Boolean> done : threads.invokeAll(List.of(reader, reader, reader, reader))) {
                assertThat(done.get()).isTrue();
            }
        }
    }

    @Test
    void whatWasDeletedIsForgotten() throws Exception {
        Remote remote = new Remote(4 * BLOCK, false);
        readBlock(remote, 1);
        remote.content[BLOCK + 5]++;
        cache.forget(remote);
        readBlock(remote, 1);
        assertThat(MemorySegment.ofArray(read(remote, BLOCK + 5, 1)).get(ValueLayout.JAVA_BYTE, 0))
                .isEqualTo(remote.content[BLOCK + 5]);
    }
}
