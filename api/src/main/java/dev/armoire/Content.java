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

    int chunks() {
        return ends.length;
    }

    /** The chunk with the byte at a position that is smaller than the size. */
    int chunkAt(long position) {
        int at = Arrays.binarySearch(ends, position);
        at = at >= 0 ? at + 1 : -at - 1;
        while (length(at) == 0) {
            at++; // a chunk of no bytes ends where the one before does
        }
        return at;
    }

    long start(int chunk) {
        return chunk == 0 ? 0 : ends[chunk - 1];
    }

    private long length(int chunk) {
        return ends[chunk] - start(chunk);
    }

    /**
     * Copies bytes of a chunk, which is verified, as many as there are and as fit.
     *
     * @param from where in the chunk they begin
     * @param isPassing whether the caller reads the file once, front to back
     */
    void copy(int chunk, int from, ByteBuffer into, boolean isPassing) throws IOException {
        readers.copy(object.chunks().get(chunk), from, into, isPassing);
    }

    /** Begins to read what one who reads front to back wants after a chunk. */
    void readAhead(int chunk) {
        for (int next = chunk + 1; next <= chunk + Readers.AHEAD && next < ends.length; next++) {
            readers.prefetch(object.chunks().get(next));
        }
    }
}
