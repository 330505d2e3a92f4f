// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.spi.ImportRecord;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Bytes of a stream, from where it is. */
final class Reading implements ImportRecord.Content {
    private static final int COPY_BYTES = 64 << 10;

    private final TarStream stream;
    private final Runnable atEnd;
    private final byte[] copy = new byte[COPY_BYTES];
    private long left;
    private boolean isClosed;

    /** @param atEnd what is to be done when it is closed */
    Reading(TarStream stream, long length, Runnable atEnd) {
        this.stream = stream;
        this.left = length;
        this.atEnd = atEnd;
    }

    @Override
    public long read(MemorySegment into) throws IOException {
        long wanted = Math.min(into.byteSize(), left);
        for (long filled = 0; filled < wanted; ) {
            int part = (int) Math.min(COPY_BYTES, wanted - filled);
            if (stream.read(copy, 0, part) < part) {
                throw TarStream.cutOff(stream.position());
            }
            MemorySegment.copy(copy, 0, into, ValueLayout.JAVA_BYTE, filled, part);
            filled += part;
            left -= part;
        }
        return wanted;
    }

    @Override
    public void close() {
        if (!isClosed) {
            isClosed = true;
            atEnd.run();
        }
    }
}
