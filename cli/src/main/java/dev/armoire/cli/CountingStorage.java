// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.ForwardingStorage;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts the bytes that come and go, for the summaries of commands, but for CONFIG: every command reads its few hundred bytes.
 */
final class CountingStorage extends ForwardingStorage {
    private final LongAdder read = new LongAdder();
    private final LongAdder written = new LongAdder();

    CountingStorage(Storage storage) {
        super(storage);
    }

    long bytesRead() {
        return read.sum();
    }

    long bytesWritten() {
        return written.sum();
    }

    @Override
    public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
        super.read(kind, name, offset, into);
        read.add(into.byteSize());
    }

    @Override
    public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        super.write(kind, name, parts);
        if (kind != ObjectKind.LOCK) { // gone again when the command ends
            for (MemorySegment part : parts) {
                written.add(part.byteSize());
            }
        }
    }
}
