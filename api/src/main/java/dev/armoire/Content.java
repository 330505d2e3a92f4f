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
        private final boolean isPassing;
        private long position;
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
            if (chunk == last + 1) {
                readAhead(chunk);
            }
            last = chunk;
            int at = into.position();
            readers.copy(object.chunks().get(chunk), (int) (position - start(chunk)), into, isPassing);
            position += into.position() - at;
        }
    }

    /** Begins to read what one who reads front to back wants after a chunk. */
    private void readAhead(int chunk) {
        for (int next = chunk + 1; next <= chunk + Readers.AHEAD && next < ends.length; next++) {
            readers.prefetch(object.chunks().get(next));
        }
    }
}
