// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** The bytes of one file, by position: which chunk holds them, and that chunk. Thread-safe. */
final class Content {
    private final Readers readers;
    private final ObjectRecord object;
    /** Where each chunk ends, in bytes from the start of the file. */
    private final long[] ends;

    private Content(Readers readers, ObjectRecord object) {
        this.readers = readers;
        this.object = object;
        ends = new long[object.chunks().size()];
        long end = 0;
        for (int i = 0; i < ends.length; i++) {
            end += object.chunks().get(i).length();
            ends[i] = end;
        }
    }

    static Content of(Tree tree, Entry file) throws IOException {
        return new Content(tree.readers(), tree.content(file));
    }

    long size() {
        return ends.length == 0 ? 0 : ends[ends.length - 1];
    }

    /** The chunk with the byte at a position that is smaller than the size. */
    private int chunkAt(long position) {
        int at = Arrays.binarySearch(ends, position);
        at = at >= 0 ? at + 1 : -at - 1;
        while (length(at) == 0) {
            at++; // a chunk of no bytes ends where the one before does
        }
        return at;
    }

    private long start(int chunk) {
        return chunk == 0 ? 0 : ends[chunk - 1];
    }

    private long length(int chunk) {
        return ends[chunk] - start(chunk);
    }

    /** A place in the file that somebody reads on from. For one thread. */
    final class Cursor {
        /** Who has read so much from front to back is believed to go on. */
        private static final long FORWARD_BYTES = 512 << 10;

        private final boolean isPassing;
        private long position;
        /** Where the last read ended, and the bytes read without a gap before that. */
        private long end;

        private long bytesInARow;
        /** Whether it was ever read on from elsewhere than where a read had ended. */
        private boolean hasJumped;
        /** The chunk read last, or one of no file. */
        private int last = Integer.MIN_VALUE;

        /** @param isPassing whether the file is read once, front to back */
        Cursor(boolean isPassing) {
            this.isPassing = isPassing;
        }

        long position() {
            return position;
        }

        void moveTo(long newPosition) {
            position = newPosition;
        }

        /** Copies what is here, which is verified, as far as its chunk goes and as it fits. Not to be called at the end. */
        void read(ByteBuffer into) throws IOException {
            int chunk = chunkAt(position);
            if (position != end) {
                bytesInARow = 0;
                hasJumped = true;
            }
            boolean isForward = bytesInARow >= FORWARD_BYTES;
            if (chunk == last + 1) {
                readAhead(chunk, isForward ? Long.MAX_VALUE : position + into.remaining());
            }
            last = chunk;
            int at = into.position();
            Readers.Going going = isPassing
                    ? Readers.Going.THROUGH
                    : isForward || !hasJumped ? Readers.Going.FORWARD : Readers.Going.ABOUT;
            readers.copy(object.chunks().get(chunk), (int) (position - start(chunk)), into, going);
            int count = into.position() - at;
            position += count;
            end = position;
            bytesInARow += count;
        }
    }

    /** Begins to read what one who reads front to back wants after a chunk, as far as a position. */
    private void readAhead(int chunk, long until) {
        for (int next = chunk + 1; next <= chunk + Readers.AHEAD && next < ends.length && start(next) < until; next++) {
            readers.prefetch(object.chunks().get(next));
        }
    }
}
