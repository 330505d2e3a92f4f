// SPDX-License-Identifier: ISC
package dev.armoire.packfile.ffi;

import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.lang.foreign.MemorySegment;

/** zstd frames through the Java interface of zstd-jni, whose buffers end at 2 GiB. */
final class JniZstd implements ZstdFrames {
    private final ZstdCompressCtx compression;
    private final ZstdDecompressCtx decompression = new ZstdDecompressCtx();

    JniZstd(int level) {
        compression = new ZstdCompressCtx().setLevel(level).setChecksum(true);
    }

    @Override
    public long compress(MemorySegment source, MemorySegment target) {
        return compression.compressDirectByteBuffer(
                target.asByteBuffer(),
                0,
                Math.toIntExact(target.byteSize()),
                source.asByteBuffer(),
                0,
                Math.toIntExact(source.byteSize()));
    }

    @Override
    public long decompress(MemorySegment frames, MemorySegment target) {
        try {
            return decompression.decompressDirectByteBuffer(
                    target.asByteBuffer(),
                    0,
                    Math.toIntExact(target.byteSize()),
                    frames.asByteBuffer(),
                    0,
                    Math.toIntExact(frames.byteSize()));
        } catch (ZstdException e) {
            return -1;
        }
    }

    @Override
    public void close() {
        compression.close();
        decompression.close();
    }
}
