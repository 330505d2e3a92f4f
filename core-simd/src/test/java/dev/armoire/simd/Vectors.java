// SPDX-License-Identifier: ISC
package dev.armoire.simd;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.armoire.simd.ffi.MachineCode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Published vectors, and the generators their inputs come from. */
final class Vectors {
    private static final Path DIRECTORY = Path.of("..", "testdata", "vectors");

    private Vectors() {}

    /** A JSON file as lists, maps, strings and longs. */
    static Object json(String name) {
        try (JsonParser parser =
                new JsonFactory().createParser(DIRECTORY.resolve(name).toFile())) {
            parser.nextToken();
            return value(parser);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Object value(JsonParser parser) throws IOException {
        return switch (parser.currentToken()) {
            case START_ARRAY -> {
                List<Object> list = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    list.add(value(parser));
                }
                yield list;
            }
            case START_OBJECT -> {
                Map<String, Object> map = new LinkedHashMap<>();
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    String field = parser.currentName();
                    parser.nextToken();
                    map.put(field, value(parser));
                }
                yield map;
            }
            case VALUE_STRING -> parser.getText();
            case VALUE_NUMBER_INT -> parser.getLongValue();
            default -> throw new IOException("unexpected " + parser.currentToken());
        };
    }

    /** The choices of kernels that this machine can have. */
    static Stream<Kernels> kernels() {
        return Stream.of("scalar", "vector", "avx2", "native")
                .filter(mode -> !mode.equals("avx2") || MachineCode.refusal() == null)
                .filter(mode -> !mode.equals("native") || MachineCode.hasAvx512())
                .map(Kernels::of);
    }

    /** The bytes 0, 1, ... 250 over and over. */
    static byte[] blake3Input(int length) {
        byte[] input = new byte[length];
        for (int i = 0; i < length; i++) {
            input[i] = (byte) (i % 251);
        }
        return input;
    }

    /** Bytes of SplitMix64 started at {@code seed}. */
    static byte[] random(int length, long seed) {
        var bytes = ByteBuffer.allocate((length + 7) / 8 * 8).order(ByteOrder.LITTLE_ENDIAN);
        long state = seed;
        while (bytes.hasRemaining()) {
            state += 0x9E3779B97F4A7C15L;
            bytes.putLong(mix(state));
        }
        return Arrays.copyOf(bytes.array(), length);
    }

    /** Letters a to d, one output of SplitMix64 each. */
    static byte[] text(int length, long seed) {
        byte[] bytes = new byte[length];
        long state = seed;
        for (int i = 0; i < length; i++) {
            state += 0x9E3779B97F4A7C15L;
            bytes[i] = (byte) ('a' + (mix(state) & 3));
        }
        return bytes;
    }

    private static long mix(long state) {
        long z = (state ^ (state >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    /** A native copy that starts at an odd address. */
    static MemorySegment unalignedNative(Arena arena, byte[] bytes) {
        var segment = arena.allocate(bytes.length + 1L, 8).asSlice(1);
        return segment.copyFrom(MemorySegment.ofArray(bytes));
    }

    /** A slice of a heap array that starts at an odd index. */
    static MemorySegment unalignedHeap(byte[] bytes) {
        byte[] shifted = new byte[bytes.length + 3];
        System.arraycopy(bytes, 0, shifted, 3, bytes.length);
        return MemorySegment.ofArray(shifted).asSlice(3);
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
