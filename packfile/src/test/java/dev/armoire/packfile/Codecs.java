// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

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
}
