// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/** The bytes of a tar file from the front, decompressed, with their position. Owns the stream below. For one thread at a time. */
final class TarStream implements AutoCloseable {
    private final InputStream in;
    /** Where the bytes end, or the largest number if nobody knows before: skipping in a file goes beyond its end. */
    private final long end;

    private long position;

    TarStream(InputStream in) {
        this(in, Long.MAX_VALUE);
    }

    TarStream(InputStream in, long end) {
        this.in = in;
        this.end = end;
    }

    /** Bytes read and skipped so far. */
    long position() {
        return position;
    }

    /** Fills a part of an array unless the bytes end; returns how many there were. */
    int read(byte[] into, int from, int length) throws IOException {
        int count = in.readNBytes(into, from, length);
        position += count;
        return count;
    }

    /** Goes forward. */
    void skipTo(long target) throws IOException {
        if (target > end) {
            throw cutOff(end);
        }
        try {
            in.skipNBytes(target - position);
        } catch (EOFException e) {
            throw (IOException) cutOff(position).initCause(e);
        }
        position = target;
    }

    /** Bytes, all of them. */
    byte[] readExactly(long length) throws IOException {
        byte[] bytes = in.readNBytes(Math.toIntExact(length));
        position += bytes.length;
        if (bytes.length < length) {
            throw cutOff(position);
        }
        return bytes;
    }

    /** Reads on to where the bytes end, so that a checksum there is looked at. */
    void drain() throws IOException {
        if (end == Long.MAX_VALUE) {
            position += in.transferTo(java.io.OutputStream.nullOutputStream());
        }
    }

    static EOFException cutOff(long at) {
        return new EOFException("it is cut off: it ends after byte " + at + " in the middle of an item");
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
