// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.spi.ImportRecord;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Bytes that are in memory already. */
final class InMemory implements ImportRecord.Content {
    private final byte[] bytes;
    private int position;

    InMemory(byte[] bytes) {
        this.bytes = bytes;
    }

    @Override
    public long read(MemorySegment into) {
        int part = (int) Math.min(into.byteSize(), bytes.length - position);
        MemorySegment.copy(bytes, position, into, ValueLayout.JAVA_BYTE, 0, part);
        position += part;
        return part;
    }

    @Override
    public void close() {
        // holds nothing
    }
}
