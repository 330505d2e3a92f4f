// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.spi.ImportRecord;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** A file of which only pieces are stored: between them are zeros. */
final class WithHoles implements ImportRecord.Content {
    private final ImportRecord.Content stored;
    /** Pairs of offset and length, in order; {@link SparseMap#check} has seen them. */
    private final long[] data;

    private final long size;
    private int piece;
    private long position;

    WithHoles(ImportRecord.Content stored, long[] data, long size) {
        this.stored = stored;
        this.data = data;
        this.size = size;
    }

    @Override
    public long read(MemorySegment into) throws IOException {
        long wanted = Math.min(into.byteSize(), size - position);
        for (long filled = 0; filled < wanted; ) {
            while (piece < data.length && data[piece] + data[piece + 1] <= position) {
                piece += 2;
            }
            boolean isAtEnd = piece >= data.length;
            boolean isHole = isAtEnd || position < data[piece];
            long until = isAtEnd ? size : isHole ? data[piece] : data[piece] + data[piece + 1];
            MemorySegment part = into.asSlice(filled, Math.min(until - position, wanted - filled));
            if (isHole) {
                part.fill((byte) 0);
            } else if (stored.read(part) < part.byteSize()) {
                throw new IOException("its bytes end too early");
            }
            filled += part.byteSize();
            position += part.byteSize();
        }
        return wanted;
    }

    @Override
    public void close() {
        stored.close();
    }
}
