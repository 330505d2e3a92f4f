// SPDX-License-Identifier: ISC
package dev.armoire.packfile.ffi;

import java.lang.foreign.MemorySegment;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4JNIFastResetCompressor;
import net.jpountz.lz4.LZ4SafeDecompressor;

/** LZ4 blocks through the Java interface of lz4-java. */
final class JavaLz4 implements Lz4Blocks {
    private final LZ4Compressor compressor;
    private final LZ4SafeDecompressor decompressor;

    JavaLz4(LZ4Factory factory) {
        compressor = factory == LZ4Factory.safeInstance() ? factory.fastCompressor() : factory.fastResetCompressor();
        decompressor = factory.safeDecompressor();
    }

    @Override
    public int compress(MemorySegment source, MemorySegment target) {
        return compressor.compress(
                source.asByteBuffer(),
                0,
                Math.toIntExact(source.byteSize()),
                target.asByteBuffer(),
                0,
                Math.toIntExact(target.byteSize()));
    }

    @Override
    public int decompress(MemorySegment block, MemorySegment target) {
        try {
            return decompressor.decompress(
                    block.asByteBuffer(),
                    0,
                    Math.toIntExact(block.byteSize()),
                    target.asByteBuffer(),
                    0,
                    Math.toIntExact(target.byteSize()));
        } catch (LZ4Exception e) {
            return -1;
        }
    }

    @Override
    public void close() {
        if (compressor instanceof LZ4JNIFastResetCompressor stateful) {
            stateful.close();
        }
    }
}
