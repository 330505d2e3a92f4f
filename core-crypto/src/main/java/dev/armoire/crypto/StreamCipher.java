// SPDX-License-Identifier: ISC
package dev.armoire.crypto;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.security.GeneralSecurityException;
import java.util.Arrays;

/**
 * Encrypts and decrypts one encoded item (blob, index, footer, state, lock) at a time, in the stream form of format 1 §6.
 * Reusable; one per thread, from {@link StoreKeys#newCipher()}.
 *
 * <pre>
 *  wrapped subkey (40, or 60 in older stores) | segment 0 | segment 1 | ...
 *  segment: nonce (12) | ciphertext (as long as its piece of plaintext) | tag (16)
 * </pre>
 *
 * Each piece but the last has exactly {@code segmentBytes} of plaintext; no plaintext, no segment. The form does not say
 * how many segments there are: that whole segments were dropped or swapped is for the MACs above it to find.
 */
public final class StreamCipher {
    /** Largest segment that is believed: the default is 64 KiB, and one segment is held in memory. */
    static final int MAX_SEGMENT_BYTES = 64 << 20;

    private static final int NONCE_BYTES = 12;
    private static final int SEGMENT_OVERHEAD_BYTES = NONCE_BYTES + SegmentAead.TAG_BYTES;

    private final SubkeyWrap wrap;
    private final SegmentAead aead;
    private final ByteSource random;
    private final int segmentBytes;
    private final int headerBytes;

    private final byte[] subkey = new byte[SubkeyWrap.SUBKEY_BYTES];
    private final byte[] header;
    private final byte[] nonce = new byte[NONCE_BYTES];

    StreamCipher(SubkeyWrap wrap, SegmentAead aead, ByteSource random, int segmentBytes) {
        this.wrap = wrap;
        this.aead = aead;
        this.random = random;
        this.segmentBytes = segmentBytes;
        headerBytes = wrap.wrappedBytes();
        header = new byte[headerBytes];
    }

    /** Who encrypts in this process, and why if it is the fallback. */
    public static String implementation() {
        return AeadProvider.describe();
    }

    /** Bytes that {@link #encrypt} writes for so many bytes of plaintext. */
    public long encryptedLength(long plainLength) {
        long segments = (plainLength + segmentBytes - 1) / segmentBytes;
        return headerBytes + plainLength + segments * SEGMENT_OVERHEAD_BYTES;
    }

    /**
     * Bytes that {@link #decrypt} writes for so many encrypted bytes.
     *
     * @throws CorruptDataException when no plaintext encrypts to that length
     */
    public long plainLength(long encryptedLength) {
        long body = encryptedLength - headerBytes;
        long whole = body / (segmentBytes + SEGMENT_OVERHEAD_BYTES);
        long rest = body % (segmentBytes + SEGMENT_OVERHEAD_BYTES);
        if (body < 0 || (rest > 0 && rest < SEGMENT_OVERHEAD_BYTES)) {
            throw new CorruptDataException("no encrypted item is " + encryptedLength
                    + " bytes long: it was cut short, or the store's CONFIG names other segment sizes than it was"
                    + " written with");
        }
        return whole * segmentBytes + Math.max(rest - SEGMENT_OVERHEAD_BYTES, 0);
    }

    /**
     * Encrypts under a fresh subkey and fresh nonces.
     *
     * @param plain borrowed, heap or native, not overlapping {@code out}
     * @param out heap or native, at least {@link #encryptedLength} of the plaintext's size
     * @return bytes written from the start of {@code out}
     */
    public long encrypt(MemorySegment plain, MemorySegment out) {
        long plainLength = plain.byteSize();
        random.nextBytes(subkey);
        try {
            wrap.wrap(subkey, header);
            MemorySegment.copy(header, 0, out, JAVA_BYTE, 0, headerBytes);
            aead.key(subkey);
        } finally {
            Arrays.fill(subkey, (byte) 0);
        }
        long position = headerBytes;
        for (long from = 0; from < plainLength; from += segmentBytes) {
            long length = Math.min(segmentBytes, plainLength - from);
            random.nextBytes(nonce);
            MemorySegment.copy(nonce, 0, out, JAVA_BYTE, position, NONCE_BYTES);
            position += NONCE_BYTES;
            aead.seal(nonce, plain.asSlice(from, length), out.asSlice(position, length + SegmentAead.TAG_BYTES));
            position += length + SegmentAead.TAG_BYTES;
        }
        return position;
    }

    /** Bytes before the first segment: the wrapped subkey. */
    public int headerBytes() {
        return headerBytes;
    }

    /** Bytes of plaintext in each segment but the last. */
    public int segmentBytes() {
        return segmentBytes;
    }

    /** Where the segment begins, from the start of the encrypted item, that holds the byte of plaintext at a position. */
    public long segmentStart(long plainPosition) {
        return headerBytes + plainPosition / segmentBytes * (segmentBytes + (long) SEGMENT_OVERHEAD_BYTES);
    }

    /**
     * Decrypts a whole item.
     *
     * @param in borrowed, heap or native, not overlapping {@code out}
     * @param out heap or native, at least {@link #plainLength} of the input's size
     * @return bytes written from the start of {@code out}
     * @throws AuthenticationFailedException when the subkey or a segment does not open; {@code out} then holds zeros
     * @throws CorruptDataException when the input has an impossible length
     */
    public long decrypt(MemorySegment in, MemorySegment out) {
        long length = in.byteSize();
        long plainLength = plainLength(length);
        return decryptSegments(
                in.asSlice(0, headerBytes), in.asSlice(headerBytes), headerBytes, out.asSlice(0, plainLength), length);
    }

    /** The tags of a whole item's segments. */
    public SegmentTags tags(MemorySegment item) {
        return SegmentTags.of(item.asSlice(headerBytes), segmentBytes + (long) SEGMENT_OVERHEAD_BYTES);
    }

    /**
     * Whether segments carry the tags that those of a known item carry from a place on. They are those segments then, if they open.
     *
     * @param at a {@link #segmentStart}
     */
    public boolean haveTags(MemorySegment segments, long at, SegmentTags known) {
        long stride = segmentBytes + (long) SEGMENT_OVERHEAD_BYTES;
        return known.fit(SegmentTags.of(segments, stride), (at - headerBytes) / stride);
    }

    /**
     * Decrypts some segments that follow each other, and no more. That they are from the place they were read at, is for the
     * caller to verify, by {@link #haveTags} for instance.
     *
     * @param head the first {@link #headerBytes} of the item; all is borrowed, heap or native, nothing overlapping
     * @param segments from a {@link #segmentStart} on, the last one to its end
     * @param at that start, for messages
     * @param out heap or native, of exactly the size of their plaintext
     * @param itemLength bytes of the whole item, for messages
     * @return bytes written from the start of {@code out}
     * @throws AuthenticationFailedException when the subkey or a segment does not open; {@code out} then holds zeros
     */
    public long decryptSegments(
            MemorySegment head, MemorySegment segments, long at, MemorySegment out, long itemLength) {
        MemorySegment.copy(head, JAVA_BYTE, 0, header, 0, headerBytes);
        try {
            wrap.unwrap(header, subkey);
            aead.key(subkey);
        } catch (GeneralSecurityException e) {
            throw new AuthenticationFailedException(
                    "the subkey of an encrypted item of " + itemLength
                            + " bytes does not unwrap: the item is damaged, or was"
                            + " written under another passphrase",
                    e);
        } finally {
            Arrays.fill(subkey, (byte) 0);
        }
        long length = segments.byteSize();
        long written = 0;
        long position = 0;
        try {
            while (position < length) {
                MemorySegment.copy(segments, JAVA_BYTE, position, nonce, 0, NONCE_BYTES);
                long sealed = Math.min(segmentBytes + (long) SegmentAead.TAG_BYTES, length - position - NONCE_BYTES);
                long plain = sealed - SegmentAead.TAG_BYTES;
                aead.open(nonce, segments.asSlice(position + NONCE_BYTES, sealed), out.asSlice(written, plain));
                position += NONCE_BYTES + sealed;
                written += plain;
            }
        } catch (GeneralSecurityException e) {
            out.fill((byte) 0);
            throw new AuthenticationFailedException(
                    "the segment at byte " + (at + position) + " of an encrypted item of " + itemLength
                            + " bytes does not authenticate: it was changed after it was written",
                    e);
        }
        return written;
    }
}
