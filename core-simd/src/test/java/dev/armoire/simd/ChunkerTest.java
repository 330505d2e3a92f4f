// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChunkerTest {
    private static final Set<String> ALGORITHMS = Set.of("fastcdc", "kfastcdc", "fastcdc-v1.0.0");

    record Run(String algorithm, int min, int normal, int max, int chunks, String cuts, List<Long> firstLengths) {}

    /** The published runs of our algorithms without a key, by input. */
    @SuppressWarnings("unchecked")
    static Map<String, List<Run>> publishedRuns() {
        Map<String, List<Run>> runs = new LinkedHashMap<>();
        for (var run : (List<Map<String, Object>>) Vectors.json("chunker-cuts.json")) {
            if (ALGORITHMS.contains((String) run.get("algorithm")) && !run.containsKey("key_hex")) {
                runs.computeIfAbsent((String) run.get("input"), input -> new ArrayList<>())
                        .add(new Run(
                                (String) run.get("algorithm"),
                                number(run, "min"),
                                number(run, "normal"),
                                number(run, "max"),
                                number(run, "chunks"),
                                (String) run.get("cuts_sha256"),
                                (List<Long>) run.get("first_lengths")));
            }
        }
        return runs;
    }

    private static int number(Map<String, Object> run, String field) {
        return Math.toIntExact((Long) run.get(field));
    }

    static Set<String> publishedInputs() {
        return publishedRuns().keySet();
    }

    @ParameterizedTest
    @MethodSource("publishedInputs")
    void cutsAsTheReferenceLibraryDoes(String input) {
        byte[] bytes = generate(input);
        try (var arena = Arena.ofConfined()) {
            var data = Vectors.unalignedNative(arena, bytes);
            for (Run run : publishedRuns().get(input)) {
                var lengths = lengths(Chunker.of(run.algorithm(), run.min(), run.normal(), run.max()), data);
                assertThat(lengths).as("%s", run).hasSize(run.chunks()).startsWith(array(run.firstLengths()));
                assertThat(digest(lengths)).as("%s", run).isEqualTo(run.cuts());
            }
        }
    }

    @Test
    void theFileHoldsAllRunsWeExpect() {
        assertThat(publishedRuns().values().stream().mapToInt(List::size).sum()).isEqualTo(120);
    }

    @ParameterizedTest
    @CsvSource({
        "fastcdc-v1.0.0, 524288, 1048576, 8388608, 16, 15, 5cb1299d9c81b7665c55a9c42fbafa8cc84d79f88945ee2c58f4477f3fa5fbe0",
        "fastcdc-v1.0.0, 65536, 1048576, 4194304, 16, 16, 9e8766adea126eb3e07439bc34e791eddb8003a85afa28305babdc522be90c3a",
        "fastcdc-v1.0.0, 65536, 262144, 1048576, 8, 28, aa3f379b298d8fc5da37759cd0a4ac6295225fd158b722ecdb45caff55f0819a",
        "fastcdc-v1.0.0, 0, 0, 0, 1, 114, d951e3e4f01aaf4b39193054b146824840a23e717bddc4d5e615f29f3266beaf",
        "FastCDC, 2048, 8192, 65536, 1, 114, d951e3e4f01aaf4b39193054b146824840a23e717bddc4d5e615f29f3266beaf",
        "fastcdc, 65536, 1048576, 4194304, 16, 167, e4660299c506c3bc5182175f99da08cd9a1a40040aa9406287087a42fa2011ec"
    })
    void cutsOfTheShaStream(String algorithm, int min, int normal, int max, int mebibytes, int chunks, String cuts) {
        var lengths =
                lengths(Chunker.of(algorithm, min, normal, max), MemorySegment.ofArray(shaStream(mebibytes << 20)));
        assertThat(lengths).hasSize(chunks);
        assertThat(digest(lengths)).isEqualTo(cuts);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 524287, 524288, 524289, 1048576})
    void upToNormalSizeOneChunk(int length) {
        var chunker = Chunker.of("fastcdc-v1.0.0", 524288, 1048576, 8388608);
        assertThat(chunker.cut(MemorySegment.ofArray(shaStream(length)))).isEqualTo(length);
    }

    @Test
    void anEmptyWindowIsAnEmptyChunkAndMoreThanMaxIsIgnored() {
        var chunker = Chunker.of("fastcdc", 64, 256, 1024);
        assertThat(chunker.cut(MemorySegment.ofArray(new byte[0]))).isZero();
        byte[] data = Vectors.random(5000, 3);
        for (int from = 0; from < 3000; from += 7) {
            var open = MemorySegment.ofArray(data).asSlice(from);
            assertThat(chunker.cut(open)).isEqualTo(chunker.cut(open.asSlice(0, 1024)));
        }
    }

    @Test
    void agreesWithThePlainLoopWhereverTheHitLies() {
        var random = new Random(42);
        int[][] sizes = {
            {64, 256, 1024}, {100, 3000, 20_000}, {1, 70_000, 200_000}, {2048, 8192, 65536}, {500, 1_000_000, 1_500_000}
        };
        for (int[] size : sizes) {
            for (String algorithm : ALGORITHMS) {
                var chunker = Chunker.of(algorithm, size[0], size[1], size[2]);
                byte[] data = Vectors.random(600_000, random.nextLong());
                for (int at = 0; at < data.length; ) {
                    int window =
                            Math.min(random.nextInt(8) == 0 ? random.nextInt(size[2]) + 1 : size[2], data.length - at);
                    var segment = MemorySegment.ofArray(data).asSlice(at, window);
                    long cut = chunker.cut(segment);
                    assertThat(cut)
                            .as("%s %d/%d/%d at %d, window %d", algorithm, size[0], size[1], size[2], at, window)
                            .isEqualTo(plainLoop(chunker, algorithm, data, at, window));
                    at += (int) cut;
                }
            }
        }
    }

    /** The format's definition, word for word, with masks from its table where it lists them. */
    private static int plainLoop(Chunker chunker, String algorithm, byte[] data, int at, int window) {
        int n = window;
        int normal = chunker.normalSize();
        if (n <= chunker.minSize()) {
            return n;
        }
        if (n >= chunker.maxSize()) {
            n = chunker.maxSize();
        } else if (n <= normal) {
            normal = n;
        }
        boolean legacy = !algorithm.equals("fastcdc-v1.0.0") || chunker.maxSize() == 65536;
        long maskS = legacy ? 0x0003590703530000L : mask(chunker.normalSize(), 2);
        long maskL = legacy ? 0x0000d90003530000L : mask(chunker.normalSize(), -2);
        long fp = 0;
        long mask = maskS;
        for (int i = chunker.minSize(); i < n; i++) {
            if (i == normal) {
                mask = maskL;
            }
            fp = (fp << 1) + GearTable.GEAR[data[at + i] & 0xff];
            if ((fp & mask) == 0) {
                return i;
            }
        }
        return n;
    }

    private static long mask(int normal, int more) {
        int ones = (int) Math.floor(Math.log(normal) / Math.log(2) + 1e-9) + more;
        return IntStream.range(0, ones)
                .mapToLong(i -> 1L << (63 - i * (64 / ones)))
                .reduce(0, (a, b) -> a | b);
    }

    @Test
    void theGearTableIsTheLibrarys() {
        var bytes = ByteBuffer.allocate(2048).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asLongBuffer().put(GearTable.GEAR);
        assertThat(HexFormat.of().formatHex(Vectors.sha256().digest(bytes.array())))
                .isEqualTo("c4e8f68dd1d035055021eec0298fdf67af2b77a8b690d418533cdb3970760372");
    }

    @Test
    void sizeZeroIsTheDefault() {
        var chunker = Chunker.of("KFastCDC", 0, 0, 0);
        assertThat(List.of(chunker.minSize(), chunker.normalSize(), chunker.maxSize()))
                .containsExactly(2048, 8192, 65536);
        assertThat(chunker.algorithm()).isEqualTo("kfastcdc");
    }

    @Test
    void unknownAlgorithmsAndSizesAreRefusedByName() {
        assertThatThrownBy(() -> Chunker.of("jc", 0, 0, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"jc\"")
                .hasMessageContaining("fastcdc, kfastcdc (without a key), fastcdc-v1.0.0");
        assertThatThrownBy(() -> Chunker.of("fastcdc", 10, 10, 20))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("min 10, normal 10, max 20");
        assertThatThrownBy(() -> Chunker.of("fastcdc", -1, 10, 20)).isInstanceOf(IllegalArgumentException.class);
    }

    private static List<Long> lengths(Chunker chunker, MemorySegment data) {
        List<Long> lengths = new ArrayList<>();
        for (long at = 0; at < data.byteSize(); ) {
            long cut = chunker.cut(data.asSlice(at, Math.min(chunker.maxSize(), data.byteSize() - at)));
            lengths.add(cut);
            at += cut;
        }
        return lengths;
    }

    private static Long[] array(List<Long> lengths) {
        return lengths.toArray(Long[]::new);
    }

    private static String digest(List<Long> lengths) {
        var bytes = ByteBuffer.allocate(lengths.size() * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        lengths.forEach(bytes::putLong);
        return HexFormat.of().formatHex(Vectors.sha256().digest(bytes.array()));
    }

    private static byte[] generate(String input) {
        String[] parts = input.split(":", -1);
        int length = parts.length == 1 ? 0 : Integer.parseInt(parts[1]);
        long seed = parts.length < 3 ? 0 : Long.parseLong(parts[parts.length - 1].substring("seed".length()));
        return switch (parts[0]) {
            case "empty" -> new byte[0];
            case "zeros" -> new byte[length];
            case "random" -> Vectors.random(length, seed);
            case "text" -> Vectors.text(length, seed);
            case "period" -> {
                byte[] period = Vectors.random(Integer.parseInt(parts[2]), seed);
                byte[] bytes = new byte[length];
                for (int i = 0; i < length; i++) {
                    bytes[i] = period[i % period.length];
                }
                yield bytes;
            }
            default -> throw new IllegalArgumentException(input);
        };
    }

    private static byte[] shaStream(int length) {
        MessageDigest sha256 = Vectors.sha256();
        var bytes = ByteBuffer.allocate((length + 31) / 32 * 32);
        var counter = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (long i = 0; bytes.hasRemaining(); i++) {
            bytes.put(sha256.digest(counter.putLong(0, i).array()));
        }
        return Arrays.copyOf(bytes.array(), length);
    }
}
