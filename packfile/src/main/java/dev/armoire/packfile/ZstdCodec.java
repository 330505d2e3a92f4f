// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.packfile.ffi.ZstdFrames;
import dev.armoire.packfile.ffi.ZstdLibrary;
import java.lang.foreign.MemorySegment;

/**
 * zstd frames (format 1 §7.3): one with its content's length and checksum is written; any are read, also no bytes at all,
 * which is how Kloset writes empty content. Owns the library's contexts.
 */
final class ZstdCodec implements FrameCodec {
    /** See decision 11 for the figures of its neighbours. */
    private static final int LEVEL = 3;

    private final ZstdFrames frames;

    ZstdCodec(ZstdLibrary library) {
        frames = library.open(LEVEL);
    }

    @Override
    public long encode(MemorySegment plain, ScratchBuffer out) {
        return frames.compress(plain, out.start(ZstdFrames.maxCompressedLength(plain.byteSize())));
    }

    @Override
    public long decode(MemorySegment frame, ScratchBuffer out, long limit) {
        long bound = ZstdFrameLayout.contentBound(frame);
        long room = Math.min(bound, limit);
        long written = frames.decompress(frame, out.start(room).asSlice(0, room));
        if (written < 0) {
            throw new CorruptDataException(
                    "zstd frame: it is malformed or holds more than the " + limit + " bytes expected at most");
        }
        return written;
    }

    @Override
    public void close() {
        frames.close();
    }
}
