// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.snapshot.BlobSource;
import dev.armoire.engine.snapshot.ObjectReader;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Iterator;

/** The content of a file as a stream; reads a chunk when the one before is used up. */
final class ChunkStream extends InputStream {
    private final BlobSource source;
    private final Iterator<ObjectRecord.Chunk> rest;
    private MemorySegment chunk = MemorySegment.NULL;
    private long position;

    /** @param source not read from for anything else until this stream is used up */
    ChunkStream(BlobSource source, ObjectRecord object) {
        this.source = source;
        this.rest = object.chunks().iterator();
    }

    private boolean isAtEnd() {
        while (position == chunk.byteSize()) {
            if (!rest.hasNext()) {
                return true;
            }
            chunk = ObjectReader.chunk(source, rest.next());
            position = 0;
        }
        return false;
    }

    @Override
    public int read() {
        return isAtEnd() ? -1 : chunk.get(ValueLayout.JAVA_BYTE, position++) & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
        if (length == 0) {
            return 0;
        }
        if (isAtEnd()) {
            return -1;
        }
        int part = (int) Math.min(length, chunk.byteSize() - position);
        MemorySegment.copy(chunk, ValueLayout.JAVA_BYTE, position, into, offset, part);
        position += part;
        return part;
    }
}
