// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.armoire.crypto.KlosetException;
import dev.armoire.packfile.ffi.ZstdLibrary;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.provider.MethodSource;

/** zstd frames: refused with our typed errors, or read alike by both libraries. */
class ZstdFrameFuzz {
    private static final long LIMIT_BYTES = 1 << 20;

    private final FrameCodec ours = new ZstdCodec(ZstdLibrary.FOREIGN);
    private final FrameCodec judge = new ZstdCodec(ZstdLibrary.JNI);
    private final ScratchBuffer out = new ScratchBuffer();

    static List<byte[]> seeds() {
        return Codecs.fuzzSeeds(new ZstdCodec(ZstdLibrary.FOREIGN));
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
