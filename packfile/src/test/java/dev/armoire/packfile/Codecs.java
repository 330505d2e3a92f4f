// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** Codecs over arrays, for tests. */
final class Codecs {
    private Codecs() {}

    /** Decodes from native memory that ends where the frame ends. */
    static byte[] decode(FrameCodec codec, byte[] frame, ScratchBuffer out, long limit) {
        try (Arena arena = Arena.ofConfined()) {
            long length = codec.decode(arena.allocateFrom(ValueLayout.JAVA_BYTE, frame), out, limit);
            return out.segment().asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /** Frames to start fuzzing from: of nothing, of text, of random bytes. Closes the codec. */
    static List<byte[]> fuzzSeeds(FrameCodec codec) {
        byte[] random = new byte[300];
        new Random(61).nextBytes(random);
        byte[] text = "a chunk, an object, a chunk of an object, ".repeat(20).getBytes(StandardCharsets.US_ASCII);
        try (codec;
                var out = new ScratchBuffer();
                Arena arena = Arena.ofConfined()) {
            return Stream.of(new byte[0], random, text)
                    .map(plain -> codec.encode(arena.allocateFrom(ValueLayout.JAVA_BYTE, plain), out))
                    .map(length -> out.segment().asSlice(0, length).toArray(ValueLayout.JAVA_BYTE))
                    .toList();
        }
    }
}
