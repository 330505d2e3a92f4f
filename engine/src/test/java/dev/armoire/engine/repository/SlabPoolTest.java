// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SlabPoolTest {
    private static final long SLAB = SlabPool.SLAB_BYTES;

    @Test
    void longPiecesCountAsSeveralAndMakeOthersWait() throws Exception {
        var pool = new SlabPool(4, 3);
        SlabPool.Slab large = pool.take(2 * SLAB + 1);
        assertThat(large.slabs()).isEqualTo(3);
        assertThat(large.segment().byteSize()).isEqualTo(2 * SLAB + 1);
        SlabPool.Slab small = pool.take(1);
        assertThat(small.segment().byteSize()).isEqualTo(SLAB);
        var late = new ConcurrentLinkedQueue<SlabPool.Slab>();
        Thread waiting = Thread.ofPlatform().start(() -> late.add(pool.take(SLAB + 1)));
        waiting.join(100);
        assertThat(late).as("all are in use").isEmpty();
        pool.give(small);
        waiting.join(100);
        assertThat(late).as("one is free, two are wanted").isEmpty();
        pool.give(large);
        waiting.join();
        assertThat(late).hasSize(1);
        pool.give(late.remove());
        pool.close();
    }

    @Test
    void thereIsNeverMoreMemoryThanAllowed() throws Exception {
        var pool = new SlabPool(12, 3);
        var inUse = new AtomicLong();
        var most = new AtomicLong();
        List<Thread> threads = new ArrayList<>();
        var failures = new ConcurrentLinkedQueue<Throwable>();
        for (int i = 0; i < 6; i++) {
            var random = new SplittableRandom(i);
            threads.add(Thread.ofPlatform()
                    .uncaughtExceptionHandler((thread, e) -> failures.add(e))
                    .start(() -> {
                        for (int round = 0; round < 200; round++) {
                            long length = random.nextInt(4) > 0 ? 1000 : random.nextLong(SLAB, 3 * SLAB);
                            SlabPool.Slab slab = pool.take(length);
                            long now = inUse.addAndGet(slab.segment().byteSize());
                            most.accumulateAndGet(now, Math::max);
                            slab.segment().set(java.lang.foreign.ValueLayout.JAVA_BYTE, length - 1, (byte) 1);
                            inUse.addAndGet(-slab.segment().byteSize());
                            pool.give(slab);
                        }
                    }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
        assertThat(most.get()).isPositive().isLessThanOrEqualTo(12 * SLAB);
        pool.close();
    }

    @Test
    void anAbortWakesThoseWhoWait() throws Exception {
        var pool = new SlabPool(1, 1);
        SlabPool.Slab slab = pool.take(1);
        var failure = new ConcurrentLinkedQueue<Throwable>();
        Thread waiting = Thread.ofPlatform()
                .uncaughtExceptionHandler((thread, e) -> failure.add(e))
                .start(() -> pool.take(1));
        pool.abort();
        waiting.join();
        assertThat(failure).hasSize(1).first().isInstanceOf(PipelineAbortedException.class);
        pool.give(slab);
        pool.close();
    }

    @Test
    void aBudgetLetsOneChunkOfEachKindPass() {
        var least = new MemoryBudget(MemoryBudget.LEAST_BYTES);
        assertThat(least.workers(64)).isEqualTo(1);
        assertThat(least.slabsOfPackfile()).isGreaterThanOrEqualTo(3);
        assertThat(least.slabs()).isGreaterThanOrEqualTo(2 * least.slabsOfPackfile() + 3);
        assertThat(MemoryBudget.usual().workers(Runtime.getRuntime().availableProcessors()))
                .isEqualTo(Runtime.getRuntime().availableProcessors());
        assertThat(new MemoryBudget(4L << 30).workers(64)).isEqualTo(64);
        assertThatThrownBy(() -> new MemoryBudget(1)).isInstanceOf(IllegalArgumentException.class);
    }
}
