// SPDX-License-Identifier: ISC
package dev.armoire.engine.search;

import dev.armoire.crypto.StoreKeys;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Compression;
import dev.armoire.packfile.StoreConfig;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What is between plain payloads of the index and those in its file: in an encrypted store encryption, and compression as the
 * store's where that is asked for. What needs none is there sooner: a process that has just begun pays more for the library that
 * decompresses than for reading some megabytes. Owns memory; for one thread.
 */
final class IndexCodec implements AutoCloseable {
    private final StoreConfig config;
    private final StoreKeys keys;
    private final BlobCodec sealing;
    private @Nullable BlobCodec packing;
    private ByteBuffer input = ByteBuffer.allocateDirect(0);

    IndexCodec(StoreConfig config, StoreKeys keys) {
        this.config = config;
        this.keys = keys;
        this.sealing = new BlobCodec(Compression.NONE, keys);
    }

    private BlobCodec codec(boolean isPacked) {
        if (!isPacked) {
            return sealing;
        }
        BlobCodec known = packing;
        if (known == null) {
            known = BlobCodec.of(config, keys);
            packing = known;
        }
        return known;
    }

    byte[] encode(byte[] plain, boolean isPacked) {
        BlobCodec codec = codec(isPacked);
        byte[] payload = new byte[Math.toIntExact(codec.prepare(MemorySegment.ofArray(plain)))];
        codec.writeTo(MemorySegment.ofArray(payload));
        return payload;
    }

    /** Native memory to read a payload into, kept from one to the next. */
    ByteBuffer input(int length) {
        if (input.capacity() < length) {
            input = ByteBuffer.allocateDirect(length + length / 2);
        }
        return input.clear().limit(length);
    }

    /** Plain bytes, valid until the next use. The payload stays borrowed until then. */
    MemorySegment decode(MemorySegment payload, boolean isPacked, long limitBytes) {
        return codec(isPacked).decode(payload, limitBytes);
    }

    @Override
    public void close() {
        sealing.close();
        BlobCodec open = packing;
        if (open != null) {
            open.close();
        }
    }
}
