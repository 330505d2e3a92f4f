// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** A storage that counts the bytes that come and go, for the summaries of commands. Owns the storage. */
final class CountingStorage implements Storage {
    private final Storage storage;
    private final LongAdder read = new LongAdder();
    private final LongAdder written = new LongAdder();

    CountingStorage(Storage storage) {
        this.storage = storage;
    }

    long bytesRead() {
        return read.sum();
    }

    long bytesWritten() {
        return written.sum();
    }

    @Override
    public String location() {
        return storage.location();
    }

    @Override
    public @Nullable Path localPath() {
        return storage.localPath();
    }

    @Override
    public boolean isWritable() {
        return storage.isWritable();
    }

    @Override
    public MemorySegment readConfig(Arena arena) throws IOException {
        return storage.readConfig(arena); // a few hundred bytes that every command reads: no work of its own
    }

    @Override
    public List<Mac> list(ObjectKind kind) throws IOException {
        return storage.list(kind);
    }

    @Override
    public long size(ObjectKind kind, Mac name) throws IOException {
        return storage.size(kind, name);
    }

    @Override
    public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
        storage.read(kind, name, offset, into);
        read.add(into.byteSize());
    }

    @Override
    public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        storage.write(kind, name, parts);
        if (kind != ObjectKind.LOCK) { // gone again when the command ends
            for (MemorySegment part : parts) {
                written.add(part.byteSize());
            }
        }
    }

    @Override
    public void refreshLock(Mac name, MemorySegment content) throws IOException {
        storage.refreshLock(name, content);
    }

    @Override
    public void delete(ObjectKind kind, Mac name) throws IOException {
        storage.delete(kind, name);
    }

    @Override
    public void close() {
        storage.close();
    }
}
