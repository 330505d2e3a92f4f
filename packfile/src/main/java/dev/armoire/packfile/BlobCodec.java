// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.crypto.StreamCipher;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What is between plaintext and stored bytes of every blob, index, footer, state and lock of a store: compress, then
 * encrypt, and back (format 1 §8). Owns native scratch memory that grows on demand; of a big use at most 16 MiB stay. One
 * per thread; preparing and decoding do not disturb each other.
 */
public final class BlobCodec implements AutoCloseable {
    private final Compression compression;
    private final @Nullable StreamCipher cipher;
    private final @Nullable Lz4FrameEncoder lz4Encoder;
    private final @Nullable Lz4FrameDecoder lz4Decoder;
    private final @Nullable GzipCodec gzip;
    private final ScratchBuffer compressed = new ScratchBuffer();
    private final ScratchBuffer decrypted = new ScratchBuffer();
    private final ScratchBuffer decompressed = new ScratchBuffer();
    private @Nullable MemorySegment prepared;

    public BlobCodec(Compression compression, StoreKeys keys) {
        this(compression, keys.isEncrypted() ? keys.newCipher() : null, Lz4Library.chosen());
    }

    BlobCodec(Compression compression, @Nullable StreamCipher cipher, Lz4Library library) {
        this.compression = compression;
        this.cipher = cipher;
        lz4Encoder = compression == Compression.LZ4 ? new Lz4FrameEncoder(library) : null;
        lz4Decoder = compression == Compression.LZ4 ? new Lz4FrameDecoder(library) : null;
        gzip = compression == Compression.GZIP ? new GzipCodec() : null;
    }

    /** A codec for a store, for one thread. */
    public static BlobCodec of(StoreConfig config, StoreKeys keys) {
        return new BlobCodec(config.compressor(), keys);
    }

    /**
     * Compresses a blob and tells how long it will be when encoded. The blob stays borrowed until {@link #writeTo}.
     *
     * @param plain heap (a {@code byte[]}) or native
     * @return bytes that {@link #writeTo} will write
     */
    public long prepare(MemorySegment plain) {
        MemorySegment ready = compress(plain);
        prepared = ready;
        return cipher == null ? ready.byteSize() : cipher.encryptedLength(ready.byteSize());
    }

    /** Writes the blob of the last {@link #prepare} into {@code out}, which has the length it told. */
    public void writeTo(MemorySegment out) {
        MemorySegment ready = prepared;
        if (ready == null) {
            throw new IllegalStateException("nothing was prepared, or it was written already");
        }
        prepared = null;
        if (cipher == null) {
            MemorySegment.copy(ready, 0, out, 0, ready.byteSize());
        } else {
            cipher.encrypt(ready, out);
        }
    }

    /**
     * Decrypts and decompresses a blob.
     *
     * @param encoded heap (a {@code byte[]}) or native, borrowed as long as the result is used
     * @param limitBytes the longest plaintext that is expected; nothing much larger is allocated
     * @return the plaintext, read-only, valid until the next decode on this codec
     * @throws CorruptDataException when it was changed, is malformed or longer than the limit
     */
    public MemorySegment decode(MemorySegment encoded, long limitBytes) {
        MemorySegment opened = encoded;
        if (cipher != null) {
            long length = cipher.plainLength(encoded.byteSize());
            opened = decrypted.start(length).asSlice(0, length);
            cipher.decrypt(encoded, opened);
        }
        MemorySegment plain = decompress(opened, limitBytes);
        if (plain.byteSize() > limitBytes) {
            throw new CorruptDataException(
                    "the stored item holds " + plain.byteSize() + " bytes, expected at most " + limitBytes);
        }
        return plain.asReadOnly();
    }

    private MemorySegment compress(MemorySegment plain) {
        if (lz4Encoder != null) {
            MemorySegment out = compressed.start(Lz4FrameEncoder.maxFrameLength(plain.byteSize()));
            return out.asSlice(0, lz4Encoder.encode(plain, out));
        }
        if (gzip != null) {
            long length = gzip.encode(plain, compressed);
            return compressed.segment().asSlice(0, length);
        }
        return plain;
    }

    private MemorySegment decompress(MemorySegment opened, long limitBytes) {
        if (lz4Decoder != null) {
            long length = lz4Decoder.decode(opened, decompressed, limitBytes);
            return decompressed.segment().asSlice(0, length);
        }
        if (gzip != null) {
            long length = gzip.decode(opened, decompressed, limitBytes);
            return decompressed.segment().asSlice(0, length);
        }
        return opened;
    }

    @Override
    public void close() {
        if (lz4Encoder != null) {
            lz4Encoder.close();
        }
        if (gzip != null) {
            gzip.close();
        }
        compressed.close();
        decrypted.close();
        decompressed.close();
    }

    @Override
    public String toString() {
        return "BlobCodec[" + compression + (cipher == null ? "]" : ", encrypted]");
    }
}
