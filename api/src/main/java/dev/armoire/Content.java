// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import java.io.IOException;
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

    /** A chunk for one who reads front to back. */
    byte[] read(int chunk) throws IOException {
        return readers.chunk(object.chunks().get(chunk));
    }

    /** A chunk for one who jumps about. */
    byte[] readCached(int chunk) throws IOException {
        return readers.cachedChunk(object.chunks().get(chunk));
    }
}
