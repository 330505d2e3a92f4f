// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Hands every call on to another storage, which it owns: for those that watch or disturb some of them. */
public abstract class ForwardingStorage implements Storage {
    protected final Storage real;

    protected ForwardingStorage(Storage real) {
        this.real = real;
    }

    @Override
    public String location() {
        return real.location();
    }

    @Override
    public @Nullable Path localPath() {
        return real.localPath();
    }

    @Override
    public boolean isWritable() {
        return real.isWritable();
    }

    @Override
    public MemorySegment readConfig(Arena arena) throws IOException {
        return real.readConfig(arena);
    }

    @Override
    public List<Mac> list(ObjectKind kind) throws IOException {
        return real.list(kind);
    }

    @Override
    public long size(ObjectKind kind, Mac name) throws IOException {
        return real.size(kind, name);
    }

    @Override
    public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
        real.read(kind, name, offset, into);
    }

    @Override
    public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        real.write(kind, name, parts);
    }

    @Override
    public void settle(ObjectKind kind, Collection<Mac> names) throws IOException {
        real.settle(kind, names);
    }

    @Override
    public void refreshLock(Mac name, MemorySegment content) throws IOException {
        real.refreshLock(name, content);
    }

    @Override
    public void replace(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        real.replace(kind, name, parts);
    }

    @Override
    public int discardUnfinished(Instant begunBefore, boolean onlyCounts) throws IOException {
        return real.discardUnfinished(begunBefore, onlyCounts);
    }

    @Override
    public void delete(ObjectKind kind, Mac name) throws IOException {
        real.delete(kind, name);
    }

    @Override
    public void close() {
        real.close();
    }
}
