// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.SegmentTags;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.crypto.StreamCipher;
import dev.armoire.packfile.ffi.Lz4Library;
import dev.armoire.packfile.ffi.ZstdLibrary;
import java.io.IOException;
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
    private final @Nullable FrameCodec codec;
    private final ScratchBuffer staged = new ScratchBuffer();
    private final ScratchBuffer compressed = new ScratchBuffer();
    private final ScratchBuffer decrypted = new ScratchBuffer();
    private final ScratchBuffer decompressed = new ScratchBuffer();
    private @Nullable MemorySegment prepared;
    /** Whether what was prepared is encrypted already, or needs not be. */
    private boolean isEncoded;

    private @Nullable MemorySegment opened;

    public BlobCodec(Compression compression, StoreKeys keys) {
        this.compression = compression;
        cipher = keys.isEncrypted() ? keys.newCipher() : null;
        codec = switch (compression) {
            case NONE -> null;
            case LZ4 -> new Lz4Codec(Lz4Library.chosen());
            case GZIP -> new GzipCodec();
            case ZSTD -> new ZstdCodec(ZstdLibrary.chosen());
        };
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
        isEncoded = cipher == null;
        return cipher == null ? ready.byteSize() : cipher.encryptedLength(ready.byteSize());
    }

    /**
     * Like {@link #prepare}, for a blob that another codec of the same compression has opened: it is only encrypted.
     *
     * @param compressed what {@link #opened} gave there, borrowed until {@link #writeTo}
     */
    public long prepareCompressed(MemorySegment compressed) {
        prepared = compressed;
        isEncoded = cipher == null;
        return cipher == null ? compressed.byteSize() : cipher.encryptedLength(compressed.byteSize());
    }

    /**
     * Like {@link #prepare}, for a blob that is encoded already, by a codec with the same keys: it is only copied.
     *
     * @param encoded borrowed until {@link #writeTo}
     */
    public long prepareEncoded(MemorySegment encoded) {
        prepared = encoded;
        isEncoded = true;
        return encoded.byteSize();
    }

    /** Writes the blob of the last {@link #prepare} into {@code out}, which has the length it told. */
    public void writeTo(MemorySegment out) {
        MemorySegment ready = prepared;
        if (ready == null) {
            throw new IllegalStateException("nothing was prepared, or it was written already");
        }
        prepared = null;
        if (isEncoded || cipher == null) {
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
        MemorySegment decoded = decrypt(encoded);
        MemorySegment plain = decompress(decoded, limitBytes);
        opened = decoded;
        if (plain.byteSize() > limitBytes) {
            throw new CorruptDataException(
                    "the stored item holds " + plain.byteSize() + " bytes, expected at most " + limitBytes);
        }
        return plain.asReadOnly();
    }

    /**
     * Like {@link #decode}, for what is large and need not be had as a whole: gives it away in parts, in their order.
     *
     * @throws CorruptDataException as there; what was taken by then is not to be used
     */
    public void decodeInParts(MemorySegment encoded, long limitBytes, DecodedParts parts) {
        MemorySegment decoded = decrypt(encoded);
        if (codec != null) {
            codec.decode(inNativeMemory(decoded, decrypted), decompressed, limitBytes, parts);
        } else {
            var _ = parts.take(decoded.asReadOnly(), true);
        }
    }

    /** Reads encoded bytes of a blob. */
    @FunctionalInterface
    public interface EncodedBytes {
        /** Fills {@code into}, which is native and borrowed, from byte {@code offset} of the blob. */
        void read(long offset, MemorySegment into) throws IOException;
    }

    /**
     * A blob of which a part is wanted.
     *
     * @param length of all of it, encoded
     * @param tags of all of it, from when it was verified; null in a store that is not encrypted
     */
    public record EncodedBlob(
            EncodedBytes bytes, long length, @Nullable SegmentTags tags) {}

    /** The tags of a blob as it is stored; null in a store that is not encrypted. */
    public @Nullable SegmentTags tags(MemorySegment encoded) {
        return cipher == null ? null : cipher.tags(encoded);
    }

    /**
     * Whether the plaintext of a blob stands in it as it is, but for encryption: what could not be made smaller does. Judged by
     * lengths, and so no more than likely.
     */
    public boolean holdsPlain(long encodedLength, long plainLength) {
        long length = cipher == null ? encodedLength : cipher.plainLength(encodedLength);
        return codec == null
                ? length == plainLength
                : compression == Compression.LZ4 && length == Lz4FrameEncoder.rawFrameLength(plainLength);
    }

    /**
     * A part of a blob that {@link #holdsPlain}, of which no more is read and decrypted than that takes. By the tags it is verified;
     * where there are none nothing is: what comes is the plaintext only if nobody has changed the blob, and it is the one that is meant.
     * In either case only if the lengths did not deceive.
     *
     * @param from byte of the plaintext
     * @param length bytes, all of them within it
     * @return read-only, valid until the next decode on this codec; null when it has other tags
     */
    public @Nullable MemorySegment decodePart(EncodedBlob blob, long from, long length) throws IOException {
        long first = codec == null ? from : Lz4FrameEncoder.RAW_FRAME_START + from;
        MemorySegment part = open(blob, first, length);
        return part == null ? null : part.asReadOnly();
    }

    /** Where the blob of the last {@link #decode}, which gave so many bytes, can be decoded from; null if only from its begin. */
    public @Nullable Lz4Marks marks(int plainLength) {
        return compression == Compression.LZ4 ? Lz4Marks.of(opened(), plainLength) : null;
    }

    /**
     * A part of a blob that has marks, of which no more is read, decrypted and decompressed than that takes. It is verified by the
     * tags, if marks and window are of the blob that had them; where there are none nothing is.
     *
     * @param begin the mark that is decoded from
     * @param window the {@link Lz4Marks#WINDOW_BYTES} of plaintext before it; empty if it is the first mark
     * @param from byte of the plaintext, not before that mark
     * @param length bytes, all of them within the plaintext
     * @return read-only, valid until the next decode on this codec; null when that is not what is stored there, or the library
     *     for LZ4 cannot do this
     */
    public @Nullable MemorySegment decodePart(
            EncodedBlob blob, Lz4Marks marks, int begin, MemorySegment window, long from, long length)
            throws IOException {
        if (!(codec instanceof Lz4Codec lz4)) {
            return null;
        }
        int frameStart = marks.inFrame(begin);
        int frameEnd = Math.min(
                marks.inFrame(marks.notBefore(from + length)) + Lz4Codec.LOOK_AHEAD_BYTES,
                marks.inFrame(marks.count() - 1));
        if (frameEnd > (cipher == null ? blob.length() : cipher.plainLength(blob.length()))) {
            return null; // another writer has stored it, too, and compressed it otherwise
        }
        MemorySegment sequences = open(blob, frameStart, frameEnd - frameStart);
        if (sequences == null) {
            return null;
        }
        long before = window.byteSize();
        long wanted = from + length - marks.position(begin);
        // What was read is not needed any more where it came from `decompressed`: it was encrypted.
        MemorySegment out = decompressed.start(before + wanted).asSlice(0, before + wanted);
        MemorySegment.copy(window, 0, out, 0, before);
        return lz4.decodeFrom(sequences, out, before) == wanted
                ? out.asSlice(before + wanted - length, length).asReadOnly()
                : null;
    }

    /** Bytes of a blob as they are before they are encrypted, of which no more is read and decrypted than that takes; null when it has other tags. */
    private @Nullable MemorySegment open(EncodedBlob blob, long first, long length) throws IOException {
        if (cipher == null) {
            MemorySegment part = decrypted.start(length).asSlice(0, length);
            blob.bytes().read(first, part);
            return part;
        }
        SegmentTags tags = blob.tags();
        if (tags == null) {
            return null;
        }
        int headerBytes = cipher.headerBytes();
        long start = cipher.segmentStart(first);
        long end = Math.min(blob.length(), cipher.segmentStart(first + length - 1 + cipher.segmentBytes()));
        MemorySegment stored = decompressed.start(headerBytes + end - start);
        MemorySegment header = stored.asSlice(0, headerBytes);
        MemorySegment segments = stored.asSlice(headerBytes, end - start);
        blob.bytes().read(0, header);
        blob.bytes().read(start, segments);
        if (!cipher.haveTags(segments, start, tags)) {
            return null;
        }
        long plainLength = cipher.plainLength(headerBytes + end - start);
        MemorySegment plain = decrypted.start(plainLength).asSlice(0, plainLength);
        cipher.decryptSegments(header, segments, start, plain, blob.length());
        return plain.asSlice(first % cipher.segmentBytes(), length);
    }

    private MemorySegment decrypt(MemorySegment encoded) {
        if (cipher == null) {
            return encoded;
        }
        long length = cipher.plainLength(encoded.byteSize());
        MemorySegment decoded = decrypted.start(length).asSlice(0, length);
        cipher.decrypt(encoded, decoded);
        return decoded;
    }

    /** The blob of the last {@link #decode}, decrypted but still compressed, valid until the next one. */
    public MemorySegment opened() {
        MemorySegment last = opened;
        if (last == null) {
            throw new IllegalStateException("nothing was decoded");
        }
        return last.asReadOnly();
    }

    private MemorySegment compress(MemorySegment plain) {
        if (codec == null) {
            return plain;
        }
        long length = codec.encode(inNativeMemory(plain, staged), compressed);
        return compressed.segment().asSlice(0, length);
    }

    private MemorySegment decompress(MemorySegment opened, long limitBytes) {
        if (codec == null) {
            return opened;
        }
        // What is still on the heap here was not encrypted, so that its scratch is free.
        long length = codec.decode(inNativeMemory(opened, decrypted), decompressed, limitBytes);
        return decompressed.segment().asSlice(0, length);
    }

    /** The C libraries see native memory only. What comes from the heap is small: locks and tree nodes, never file data. */
    private static MemorySegment inNativeMemory(MemorySegment data, ScratchBuffer copy) {
        if (data.isNative()) {
            return data;
        }
        long length = data.byteSize();
        return copy.start(length).asSlice(0, length).copyFrom(data);
    }

    @Override
    public void close() {
        if (codec != null) {
            codec.close();
        }
        staged.close();
        compressed.close();
        decrypted.close();
        decompressed.close();
    }

    @Override
    public String toString() {
        return "BlobCodec[" + compression + (cipher == null ? "]" : ", encrypted]");
    }
}
