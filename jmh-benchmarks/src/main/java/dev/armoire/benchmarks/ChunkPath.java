// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks;

import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Compression;
import dev.armoire.simd.Chunker;
import dev.armoire.simd.Entropy;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The way of new content through one core: cut, MAC, entropy, compress, encrypt, with what a new store has as its defaults.
 * Goes through the same content again and again. Owns the keys, the codec and an arena; borrows the content. For one thread.
 */
public final class ChunkPath implements AutoCloseable {
    private static final int MIN_BYTES = 512 << 10;
    private static final int NORMAL_BYTES = 1 << 20;
    private static final int MAX_BYTES = 8 << 20;
    private static final int SEGMENT_BYTES = 64 << 10;

    private final MemorySegment content;
    private final StoreKeys keys =
            StoreKeys.encrypted(Hashing.BLAKE3, Data.RANDOM.bytes(32, 14), "AES256-KW", SEGMENT_BYTES);
    private final Chunker chunker = newChunker();
    private final MacHasher hasher = keys.newMacHasher();
    private final BlobCodec codec = new BlobCodec(Compression.LZ4, keys);
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment packfile = arena.allocate(2L * MAX_BYTES, 64);

    private long position;
    private MemorySegment chunk = MemorySegment.NULL;
    private Mac mac = Mac.ZERO;
    private double entropy;
    private long encodedLength;

    public ChunkPath(MemorySegment content) {
        this.content = content;
    }

    /** The chunker of a new store. */
    static Chunker newChunker() {
        return Chunker.of("fastcdc-v1.0.0", MIN_BYTES, NORMAL_BYTES, MAX_BYTES);
    }

    /** Handles the next chunk; its length in bytes. */
    public long next() {
        if (atEnd()) {
            position = 0;
        }
        chunk = content.asSlice(position);
        chunk = chunk.asSlice(0, chunker.cut(chunk));
        position += chunk.byteSize();
        mac = hasher.mac(chunk);
        entropy = Entropy.ofBytes(chunk);
        encodedLength = codec.prepare(chunk);
        codec.writeTo(packfile.asSlice(0, encodedLength));
        return chunk.byteSize();
    }

    /** Whether the last chunk of the content was handled. */
    boolean atEnd() {
        return position == content.byteSize();
    }

    /** Ends with an exception unless the last chunk decodes to what it was, with the same MAC. */
    void checkLast() {
        MemorySegment decoded = codec.decode(packfile.asSlice(0, encodedLength), MAX_BYTES);
        Suite.check(decoded.mismatch(chunk) < 0, "a chunk decodes to something else");
        Suite.check(hasher.mac(decoded).equals(mac), "a chunk has two MACs");
        Suite.check(entropy >= 0 && entropy <= Byte.SIZE, "a chunk has an entropy of " + entropy);
    }

    @Override
    public void close() {
        codec.close();
        keys.close();
        arena.close();
    }
}
