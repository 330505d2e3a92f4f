// SPDX-License-Identifier: ISC
package dev.armoire.packfile;

import static dev.armoire.packfile.Lz4FrameLayout.BLOCK_CHECKSUM;
import static dev.armoire.packfile.Lz4FrameLayout.CONTENT_SIZE;
import static dev.armoire.packfile.Lz4FrameLayout.MAGIC;
import static dev.armoire.packfile.Lz4FrameLayout.RAW_BLOCK;
import static dev.armoire.packfile.Lz4FrameLayout.U32;
import static dev.armoire.packfile.Lz4FrameLayout.WORD_BYTES;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Places within the one block of an LZ4 frame at which a sequence begins, some 32 KiB of plaintext apart: the block can be decoded
 * from one of them to another for whoever has the {@link #WINDOW_BYTES} of plaintext before the first. The first mark is the
 * begin of the block, before which nothing is; the last one its end. Immutable.
 */
public final class Lz4Marks {
    /** No match reaches back further. */
    public static final int WINDOW_BYTES = 64 << 10;

    private static final int DISTANCE_BYTES = 32 << 10;
    private static final int MIN_MATCH = 4;

    /** By mark: where it is in the frame, and in the plaintext, in bytes. */
    private final int[] inFrame;

    private final int[] inPlain;

    private Lz4Marks(int[] inFrame, int[] inPlain) {
        this.inFrame = inFrame;
        this.inPlain = inPlain;
    }

    /**
     * The marks of a frame that has been decoded.
     *
     * @return null for one that is not as Plakar writes it, or that does not have exactly one compressed block
     */
    static @Nullable Lz4Marks of(MemorySegment frame, int plainLength) {
        int header = WORD_BYTES + 3;
        int start = header + WORD_BYTES;
        if (frame.byteSize() < start + WORD_BYTES
                || frame.get(U32, 0) != MAGIC
                || (frame.get(JAVA_BYTE, WORD_BYTES) & (BLOCK_CHECKSUM | CONTENT_SIZE)) != 0) {
            return null;
        }
        int size = frame.get(U32, header);
        if (size <= 0 || (size & RAW_BLOCK) != 0 || size > frame.byteSize() - start - WORD_BYTES) {
            return null;
        }
        int end = start + size;
        return frame.get(U32, end) == 0 ? walk(frame, start, end, plainLength) : null;
    }

    /** Goes from sequence to sequence, as a decoder does, without copying anything. */
    private static @Nullable Lz4Marks walk(MemorySegment frame, int start, int end, int plainLength) {
        int[] inFrame = new int[2 + plainLength / DISTANCE_BYTES];
        int[] inPlain = new int[inFrame.length];
        inFrame[0] = start;
        int count = 1;
        int at = start;
        long plain = 0;
        while (at < end) {
            if (plain - inPlain[count - 1] >= DISTANCE_BYTES) {
                inFrame[count] = at;
                inPlain[count++] = (int) plain;
            }
            int token = frame.get(JAVA_BYTE, at++) & 0xff;
            int literals = token >>> 4;
            if (literals == 15) {
                int more;
                do {
                    more = frame.get(JAVA_BYTE, at++) & 0xff;
                    literals += more;
                } while (more == 255 && at < end);
            }
            at += literals;
            plain += literals;
            if (at >= end) {
                break; // the last sequence has no match
            }
            at += 2;
            int match = token & 0xf;
            if (match == 15) {
                int more;
                do {
                    more = frame.get(JAVA_BYTE, at++) & 0xff;
                    match += more;
                } while (more == 255 && at < end);
            }
            plain += match + MIN_MATCH;
            if (plain > plainLength) {
                return null;
            }
        }
        if (at != end || plain != plainLength) {
            return null;
        }
        inFrame[count] = end;
        inPlain[count++] = plainLength;
        return new Lz4Marks(Arrays.copyOf(inFrame, count), Arrays.copyOf(inPlain, count));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Lz4Marks marks
                && Arrays.equals(inFrame, marks.inFrame)
                && Arrays.equals(inPlain, marks.inPlain);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(inFrame) + Arrays.hashCode(inPlain);
    }

    /** How many there are, two at least. */
    public int count() {
        return inPlain.length;
    }

    /** Where a mark is, in bytes of plaintext. */
    public int position(int mark) {
        return inPlain[mark];
    }

    /** The first mark that is not before a byte of the plaintext. */
    int notBefore(long position) {
        int mark = 0;
        while (inPlain[mark] < position) {
            mark++;
        }
        return mark;
    }

    int inFrame(int mark) {
        return inFrame[mark];
    }
}
