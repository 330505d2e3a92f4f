// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import dev.armoire.connectors.storage.blocks.BlockCache;
import dev.armoire.connectors.storage.ptar.ArchiveBytes;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** An archive behind a web server. Its end, with the trailer and mostly the state, is fetched first and kept. */
final class RemoteArchive implements ArchiveBytes {
    private static final int TAIL_BYTES = 64 << 10;

    private final HttpLink link;
    private final WebFile file;
    private final BlockCache cache = new BlockCache();
    private final String location;
    private final byte[] tail;

    private RemoteArchive(HttpLink link, WebFile file, byte[] tail) {
        this.link = link;
        this.file = file;
        this.location = link.place().toString();
        this.tail = tail;
    }

    /** Takes over the link, and closes it when there is no such archive. */
    static RemoteArchive open(HttpLink link) throws IOException {
        try {
            WebFile file = new WebFile(link, link.place().uri(), link.place().toString());
            return new RemoteArchive(link, file, file.fetchTail(TAIL_BYTES));
        } catch (IOException | RuntimeException e) {
            link.close();
            throw e;
        }
    }

    @Override
    public String name() {
        return location;
    }

    @Override
    public String location() {
        return location;
    }

    @Override
    public @Nullable Path localPath() {
        return null;
    }

    @Override
    public long size() {
        return file.size();
    }

    @Override
    public void read(long position, MemorySegment into) throws IOException {
        link.refuseClosed("cannot read " + location);
        long tailAt = size() - tail.length;
        long inFront = Math.clamp(tailAt - position, 0, into.byteSize());
        long read = readInFront(position, into.asSlice(0, inFront));
        long offset = position + inFront - tailAt;
        long inTail = Math.min(into.byteSize() - inFront, tail.length - offset);
        if (inTail > 0) {
            MemorySegment.copy(tail, (int) offset, into, ValueLayout.JAVA_BYTE, inFront, (int) inTail);
            read += inTail;
        }
        if (read < into.byteSize()) {
            throw new EOFException("cannot read " + into.byteSize() + " bytes at byte " + position + " of " + location
                    + ": it has " + size() + " bytes");
        }
    }

    private long readInFront(long position, MemorySegment into) throws IOException {
        try {
            return cache.read(file, position, into);
        } catch (NoSuchFileException e) {
            // Not as what it is: to the engine a missing file means damage.
            throw new IOException(String.valueOf(e.getReason()) + " any more; it was there when it was opened", e);
        }
    }

    @Override
    public void close() {
        link.close();
    }
}
