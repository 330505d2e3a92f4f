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
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChunkerTest {
    private static final int SHORT = 64 << 10;

    record Run(
            String algorithm,
            int min,
            int normal,
            int max,
            @Nullable String keyHex,
            int chunks,
            String cuts,
            List<Long> firstLengths) {
        Chunker chunker(GearForm form) {
            long[] table =
                    keyHex == null ? null : GearTable.keyed(HexFormat.of().parseHex(keyHex));
            return Chunker.of(algorithm, min, normal, max, table, form);
        }
    }

    /** The published runs, by input. */
    @SuppressWarnings("unchecked")
    static Map<String, List<Run>> publishedRuns() {
        Map<String, List<Run>> runs = new LinkedHashMap<>();
        for (var run : (List<Map<String, Object>>) Vectors.json("chunker-cuts.json")) {
            runs.computeIfAbsent((String) run.get("input"), input -> new ArrayList<>())
                    .add(new Run(
                            (String) run.get("algorithm"),
                            number(run, "min"),
                            number(run, "normal"),
                            number(run, "max"),
                            (String) run.get("key_hex"),
                            number(run, "chunks"),
                            (String) run.get("cuts_sha256"),
                            (List<Long>) run.get("first_lengths")));
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
    void everyFormCutsAsTheReferenceLibraryDoes(String input) {
        byte[] bytes = generate(input);
        try (var arena = Arena.ofConfined()) {
            var data = Vectors.unalignedNative(arena, bytes);
            List<Run> runs = publishedRuns().get(input);
            for (int i = 0; i < runs.size(); i++) {
                Run run = runs.get(i);
                for (GearForm form : GearForms.available()) {
                    if (GearForms.isEmulated(form)
                            && bytes.length > SHORT
                            && Math.floorMod(i + input.hashCode(), 16) != 0) {
                        continue;
                    }
                    var chunker = run.chunker(form);
                    var lengths = lengths(chunker, data);
                    assertThat(lengths).as("%s, %s", run, form).hasSize(run.chunks());
                    assertThat(lengths).as("%s, %s", run, form).startsWith(array(run.firstLengths()));
                    assertThat(digest(lengths)).as("%s, %s", run, form).isEqualTo(run.cuts());
                }
            }
        }
    }

    @Test
    void theFileHoldsAllRunsWeExpect() {
        assertThat(publishedRuns().values().stream().mapToInt(List::size).sum()).isEqualTo(900);
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
    void theGearTableIsTheLibrarys() {
        var bytes = ByteBuffer.allocate(2048).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asLongBuffer().put(GearTable.GEAR);
        assertThat(HexFormat.of().formatHex(Vectors.sha256().digest(bytes.array())))
                .isEqualTo("c4e8f68dd1d035055021eec0298fdf67af2b77a8b690d418533cdb3970760372");
    }

    @Test
    void aKeyGivesATableThatTextNeverShows() {
        byte[] key = HexFormat.of().parseHex("30".repeat(32));
        assertThat(GearTable.keyed(key)).hasSize(256).isNotEqualTo(GearTable.GEAR);
        assertThat(Chunker.keyed("fastcdc-v1.0.0", 0, 0, 0, key).toString())
                .startsWith("dev.armoire.simd.FastCdcChunker@");
    }

    @Test
    void sizeZeroIsTheDefault() {
        var chunker = Chunker.of("KFastCDC", 0, 0, 0);
        assertThat(List.of(chunker.minSize(), chunker.normalSize(), chunker.maxSize()))
                .containsExactly(2048, 8192, 65536);
        assertThat(chunker.algorithm()).isEqualTo("kfastcdc");
        assertThat(Chunker.of("ultracdc", 0, 0, 0).normalSize()).isEqualTo(10240);
        assertThat(Chunker.of("fixed-v1.0.0", 0, 0, 0).maxSize()).isEqualTo(65536);
    }

    @Test
    void unknownAlgorithmsAndSizesAreRefusedByName() {
        assertThatThrownBy(() -> Chunker.of("fastcdc4stadia", 0, 0, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"fastcdc4stadia\"")
                .hasMessageContaining("fastcdc, kfastcdc, fastcdc-v1.0.0, jc,");
        assertThatThrownBy(() -> Chunker.of("fastcdc", 10, 10, 20))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("min 10, normal 10, max 20");
        assertThatThrownBy(() -> Chunker.of("fastcdc", -1, 10, 20)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Chunker.of("jc", 1, 3, 20)).hasMessageContaining("4 bytes or more, found 3");
        assertThatThrownBy(() -> Chunker.of("fixed-v1.0.0", 0, 100, 0)).hasMessageContaining("power of two");
        assertThatThrownBy(() -> Chunker.keyed("jc", 0, 0, 0, new byte[31]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("32 bytes");
    }

    @Test
    void tinyNormalSizesCutAtTheSmallestSize() {
        // Masks of no bits, as the library computes them: every position is a hit.
        for (GearForm form : GearForms.available()) {
            var chunker = Chunker.of("fastcdc-v1.0.0", 1, 3, 20, null, form);
            assertThat(chunker.cut(MemorySegment.ofArray(shaStream(100))))
                    .isPositive()
                    .isLessThanOrEqualTo(3);
        }
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
