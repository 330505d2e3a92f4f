// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.simd.ffi.MachineCode;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class Blake3KernelTest {
    private static final byte[] KEY = Vectors.random(32, 4);
    private static final int CHUNK = Blake3.CHUNK_BYTES;
    private static final Kernels SCALAR = Kernels.of("scalar");

    static Stream<Kernels.Form> fastForms() {
        return Vectors.kernels().map(Kernels::form).filter(form -> form != Kernels.Form.SCALAR);
    }

    static Stream<Kernels> fastKernels() {
        return Vectors.kernels().filter(kernels -> kernels.form() != Kernels.Form.SCALAR);
    }

    @ParameterizedTest
    @MethodSource("fastKernels")
    void equalsScalarOnEachSideOfEveryBoundary(Kernels kernels) {
        var fast = Blake3.keyed(KEY, kernels);
        var scalar = Blake3.keyed(KEY, SCALAR);
        var lengths = new TreeSet<Integer>();
        for (int chunks : new int[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 24, 31, 32, 48, 64, 112, 128, 512, 1024}) {
            for (int off :
                    new int[] {-CHUNK - 1, -CHUNK, -65, -64, -1, 0, 1, 63, 64, 65, CHUNK - 1, CHUNK, CHUNK + 1}) {
                if (chunks * CHUNK + off >= 0) {
                    lengths.add(chunks * CHUNK + off);
                }
            }
        }
        byte[] all = Vectors.random(lengths.last(), 21);
        try (var arena = Arena.ofConfined()) {
            var heap = Vectors.unalignedHeap(all);
            var off = Vectors.unalignedNative(arena, all);
            for (int length : lengths) {
                String expected = digest(scalar, heap.asSlice(0, length));
                assertThat(digest(fast, heap.asSlice(0, length)))
                        .as("heap, %d bytes", length)
                        .isEqualTo(expected);
                assertThat(digest(fast, off.asSlice(0, length).asReadOnly()))
                        .as("native, %d bytes", length)
                        .isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("fastKernels")
    void equalsScalarWhenPiecesMissTheBoundaries(Kernels kernels) {
        var fast = Blake3.keyed(KEY, kernels);
        var scalar = Blake3.keyed(KEY, SCALAR);
        byte[] all = Vectors.random(2_000_000, 8);
        var random = new Random(3);
        for (int round = 0; round < 40; round++) {
            int length = random.nextInt(all.length);
            for (int at = 0; at < length; ) {
                int step = Math.min(length - at, random.nextInt(1 + (1 << random.nextInt(21))));
                fast.update(MemorySegment.ofArray(all).asSlice(at, step).asReadOnly());
                at += step;
            }
            assertThat(digest(fast, MemorySegment.ofArray(new byte[0])))
                    .as("round %d, %d bytes", round, length)
                    .isEqualTo(digest(scalar, MemorySegment.ofArray(all).asSlice(0, length)));
        }
    }

    @ParameterizedTest
    @MethodSource("fastForms")
    void treesOfAnySizeAreThoseOfTheReference(Kernels.Form form) {
        int[] key = new Random(7).ints(8).toArray();
        var fast = form.kernel(key, Blake3.KEYED_HASH);
        var scalar = new ScalarBlake3(key, Blake3.KEYED_HASH);
        int most = 66;
        var data = Vectors.unalignedHeap(Vectors.random(most * CHUNK + 5, 6)).asReadOnly();
        var cvs = Words.of(new int[(most + Blake3Kernel.SPARE_CVS + 1) * Blake3.CV_WORDS]);
        var expected = Words.of(new int[cvs.array().length]);
        for (int chunks = 1; chunks <= most; chunks++) {
            // The counters of some lanes carry into their upper halves.
            long counter = (1L << 32) - chunks / 2;
            for (int levels = 0; levels <= Integer.numberOfTrailingZeros(chunks); levels++) {
                Arrays.fill(cvs.array(), 77);
                fast.hashTree(data, 5, chunks, counter, levels, cvs);
                scalar.hashTree(data, 5, chunks, counter, levels, expected);
                int words = (chunks >> levels) * Blake3.CV_WORDS;
                assertThat(Arrays.copyOf(cvs.array(), words))
                        .as("%d chunks, %d levels", chunks, levels)
                        .isEqualTo(Arrays.copyOf(expected.array(), words));
                int end = (chunks + Blake3Kernel.SPARE_CVS) * Blake3.CV_WORDS;
                assertThat(Arrays.stream(cvs.array(), end, cvs.array().length))
                        .as("behind %d chunks", chunks)
                        .containsOnly(77);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("fastForms")
    void blocksAreThoseOfTheReference(Kernels.Form form) {
        int[] key = new Random(8).ints(8).toArray();
        var fast = form.kernel(key, 0);
        var scalar = new ScalarBlake3(key, 0);
        var random = new Random(9);
        var message = Words.of(random.ints(300).toArray());
        for (int round = 0; round < 300; round++) {
            int blocks = 1 + random.nextInt(16);
            int at = random.nextInt(300 - 16 * blocks + 1);
            int length = random.nextInt(65);
            long counter = random.nextLong();
            int flags = random.nextInt(32);
            int[] state = random.ints(16).toArray();
            var actual = Words.of(state.clone());
            var expected = Words.of(state);
            fast.compress(actual, message, at, blocks, length, counter, flags);
            scalar.compress(expected, message, at, blocks, length, counter, flags);
            assertThat(actual.array()).as("round %d", round).isEqualTo(expected.array());
        }
    }

    /** Pages behind the end of a file that is mapped cannot be touched: machine code that does so ends the process. */
    @ParameterizedTest
    @MethodSource("fastKernels")
    void nothingBehindTheMessageIsRead(Kernels kernels, @TempDir Path directory) throws IOException {
        int end = 20 * CHUNK;
        byte[] bytes = Vectors.random(end, 10);
        try (var arena = Arena.ofConfined();
                var file = FileChannel.open(
                        directory.resolve("message"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE)) {
            var mapped = file.map(FileChannel.MapMode.READ_WRITE, 0, 2L * end, arena);
            mapped.asSlice(0, end).copyFrom(MemorySegment.ofArray(bytes));
            file.truncate(end);
            var fast = Blake3.keyed(KEY, kernels);
            var scalar = Blake3.keyed(KEY, SCALAR);
            for (int length :
                    new int[] {1, 64, CHUNK, 2 * CHUNK, 3 * CHUNK, 7 * CHUNK + 1, 16 * CHUNK, 17 * CHUNK, end}) {
                assertThat(digest(fast, mapped.asSlice(end - length, length)))
                        .as("%d bytes", length)
                        .isEqualTo(digest(scalar, MemorySegment.ofArray(bytes).asSlice(end - length)));
            }
        }
    }

    @Test
    void kernelsKeepTheirWord() {
        assertThat(Kernels.of("scalar").form()).isEqualTo(Kernels.Form.SCALAR);
        assertThat(Kernels.of("scalar").hashed(1 << 30)).isEqualTo(Kernels.Form.SCALAR);
        assertThat(Kernels.of("scalar").description()).isEqualTo("blake3 scalar (asked for)");
        assertThat(Kernels.of("vector").form()).isEqualTo(Kernels.Form.VECTOR);
        assertThat(Kernels.of("vector").description())
                .isEqualTo("blake3 vector, " + VectorBlake3.vectorBits() + " bits (asked for)");
        String best = "blake3 native, " + (MachineCode.hasAvx512() ? "AVX-512" : "AVX2");
        assertThat(new Kernels("auto", null, 0).description()).isEqualTo(best + " (CPU and system allow it)");
        assertThat(new Kernels("native", null, 0).description()).isEqualTo(best + " (asked for)");
        assertThat(new Kernels("avx2", null, 0).description()).isEqualTo("blake3 native, AVX2 (asked for)");
        var refused = new Kernels("native", "no AVX state", 0);
        for (var use : List.<Runnable>of(
                refused::form, refused::description, () -> Kernels.of("fast").form())) {
            assertThatThrownBy(use::run).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(refused::form).hasMessage("-Darmoire.simd=native cannot be had: no AVX state");
        assertThatThrownBy(() -> Kernels.of("fast").form())
                .hasMessageContaining("auto, native, avx2, scalar or vector")
                .hasMessageContaining("\"fast\"");
        var little = new Kernels("auto", "no AVX-512 state", 1 << 20);
        assertThat(little.hashed((1 << 20) - 1)).isEqualTo(Kernels.Form.SCALAR);
        assertThat(little.description()).isEqualTo("blake3 scalar (until 1 MiB are hashed; no AVX-512 state)");
    }

    @Test
    @Timeout(60)
    void autoComesToADecisionInTheBackground() throws InterruptedException {
        var kernels = new Kernels("auto", "not in this test", 10);
        Kernels.Form form = kernels.hashed(10);
        while (form == Kernels.Form.SCALAR && !kernels.description().matches(".*(not faster|bits only).*")) {
            assertThat(kernels.description()).doesNotContain("failed");
            Thread.sleep(20);
            form = kernels.form();
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
