// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class VectorBlake3Test {
    private static final byte[] KEY = Vectors.random(32, 4);
    private static final int CHUNK = Blake3.CHUNK_BYTES;

    /** Counts calls, so that a test cannot pass on the scalar way. */
    private static final class Counting implements LeafKernel {
        private final LeafKernel kernel = new VectorBlake3();
        private int chunkCalls;
        private int parentCalls;

        @Override
        public int width() {
            return kernel.width();
        }

        @Override
        public void hashChunks(int[] chunks, int[] key, long counter, int modeFlags, int[] cvs, int cvAt) {
            chunkCalls++;
            kernel.hashChunks(chunks, key, counter, modeFlags, cvs, cvAt);
        }

        @Override
        public void hashParents(int[] children, int childAt, int[] key, int modeFlags, int[] cvs, int cvAt) {
            parentCalls++;
            kernel.hashParents(children, childAt, key, modeFlags, cvs, cvAt);
        }
    }

    @Test
    void equalsScalarOnEachSideOfEveryBoundary() {
        var counting = new Counting();
        var vector = Blake3.keyed(KEY, counting);
        var scalar = Blake3.keyed(KEY, null);
        int batch = counting.width() * CHUNK;
        var lengths = new TreeSet<Integer>();
        for (int base : new int[] {
            0,
            64,
            CHUNK,
            2 * CHUNK,
            3 * CHUNK,
            4 * CHUNK,
            6 * CHUNK,
            batch,
            2 * batch,
            7 * batch,
            8 * batch,
            9 * batch,
            16 * batch,
            17 * batch
        }) {
            for (int off :
                    new int[] {-CHUNK - 1, -CHUNK, -65, -64, -1, 0, 1, 63, 64, 65, CHUNK - 1, CHUNK, CHUNK + 1}) {
                if (base + off >= 0) {
                    lengths.add(base + off);
                }
            }
        }
        byte[] all = Vectors.random(lengths.last(), 21);
        try (var arena = Arena.ofConfined()) {
            var heap = Vectors.unalignedHeap(all);
            var off = Vectors.unalignedNative(arena, all);
            for (int length : lengths) {
                String expected = digest(scalar, heap.asSlice(0, length));
                assertThat(digest(vector, heap.asSlice(0, length)))
                        .as("heap, %d bytes", length)
                        .isEqualTo(expected);
                assertThat(digest(vector, off.asSlice(0, length)))
                        .as("native, %d bytes", length)
                        .isEqualTo(expected);
            }
        }
        assertThat(counting.chunkCalls).isPositive();
        assertThat(counting.parentCalls).isPositive();
    }

    @Test
    void equalsScalarWhenPiecesMissTheBoundaries() {
        var vector = Blake3.keyed(KEY, new VectorBlake3());
        var scalar = Blake3.keyed(KEY, null);
        byte[] all = Vectors.random(2_000_000, 8);
        var random = new Random(3);
        for (int round = 0; round < 40; round++) {
            int length = random.nextInt(all.length);
            for (int at = 0; at < length; ) {
                int step = Math.min(length - at, random.nextInt(1 + (1 << random.nextInt(21))));
                vector.update(MemorySegment.ofArray(all).asSlice(at, step));
                at += step;
            }
            assertThat(digest(vector, MemorySegment.ofArray(new byte[0])))
                    .as("round %d, %d bytes", round, length)
                    .isEqualTo(digest(scalar, MemorySegment.ofArray(all).asSlice(0, length)));
        }
    }

    @Test
    void chunkCountersCarryIntoTheirUpperHalf() {
        var kernel = new VectorBlake3();
        int[] chunks = new Random(6).ints(kernel.width() * CHUNK / 4).toArray();
        int[] key = new Random(7).ints(8).toArray();
        int[] cvs = new int[kernel.width() * 8 + 5];
        long first = (1L << 32) - 3;
        kernel.hashChunks(chunks, key, first, Blake3.KEYED_HASH, cvs, 5);
        for (int i = 0; i < kernel.width(); i++) {
            int[] state = Arrays.copyOf(key, 16);
            for (int block = 0; block < 16; block++) {
                int flags = Blake3.KEYED_HASH | (block == 0 ? Blake3.CHUNK_START : block == 15 ? Blake3.CHUNK_END : 0);
                ScalarBlake3.compress(state, chunks, (i * 16 + block) * 16, 64, first + i, flags);
            }
            assertThat(Arrays.copyOfRange(cvs, 5 + 8 * i, 13 + 8 * i)).isEqualTo(Arrays.copyOf(state, 8));
        }
    }

    @Test
    void kernelsKeepTheirWord() {
        assertThat(new Kernels("scalar", 0).leafKernel()).isNull();
        assertThat(new Kernels("scalar", 0).hashed(1 << 30)).isNull();
        assertThat(new Kernels("scalar", 0).description()).isEqualTo("blake3 scalar (asked for)");
        assertThat(new Kernels("vector", 0).leafKernel()).isInstanceOf(VectorBlake3.class);
        assertThat(new Kernels("vector", 0).description())
                .isEqualTo("blake3 vector, " + VectorBlake3.vectorBits() + " bits (asked for)");
        assertThatThrownBy(() -> new Kernels("fast", 0).leafKernel())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("auto, scalar or vector")
                .hasMessageContaining("\"fast\"");
        var little = new Kernels("auto", 1 << 20);
        assertThat(little.hashed((1 << 20) - 1)).isNull();
        assertThat(little.description()).isEqualTo("blake3 scalar (until 1 MiB are hashed)");
    }

    @Test
    @Timeout(60)
    void autoComesToADecisionInTheBackground() throws InterruptedException {
        var kernels = new Kernels("auto", 10);
        @Nullable LeafKernel kernel = kernels.hashed(10);
        while (kernel == null && !kernels.description().matches(".*(not faster|bits only).*")) {
            assertThat(kernels.description()).doesNotContain("failed");
            Thread.sleep(20);
            kernel = kernels.leafKernel();
        }
        assertThat(kernels.description())
                .matches("blake3 (vector, \\d+ bits \\(.*times scalar.*\\)|scalar \\(.*(not faster|bits only).*\\))");
    }

    private static String digest(Blake3 hasher, MemorySegment data) {
        byte[] digest = new byte[Blake3.DIGEST_BYTES];
        hasher.update(data);
        hasher.digest(MemorySegment.ofArray(digest), 0);
        return HexFormat.of().formatHex(digest);
    }
}
