// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.armoire.crypto.KlosetException;
import dev.armoire.packfile.ffi.Lz4Library;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.provider.MethodSource;

/** LZ4 frames: refused with our typed errors, or read alike by both libraries. */
class Lz4FrameFuzz {
    private static final long LIMIT_BYTES = 1 << 20;

    private final FrameCodec ours = new Lz4Codec(Lz4Library.FOREIGN);
    private final FrameCodec judge = new Lz4Codec(Lz4Library.JAVA);
    private final ScratchBuffer out = new ScratchBuffer();

    static List<byte[]> seeds() {
        return Codecs.fuzzSeeds(new Lz4Codec(Lz4Library.FOREIGN));
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "30s")
    void bothLibrariesAgree(byte[] frame) {
        byte[] byUs = decode(ours, frame);
        byte[] byJudge = decode(judge, frame);
        if (!Arrays.equals(byUs, byJudge)) {
            throw new AssertionError("the libraries read this differently");
        }
    }

    private byte[] decode(FrameCodec codec, byte[] frame) {
        try {
            return Codecs.decode(codec, frame, out, LIMIT_BYTES);
        } catch (KlosetException e) {
            return new byte[0];
        }
    }
}
