// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import dev.armoire.connectors.spi.ForwardingStorage;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** A storage that goes wrong at a chosen change of the store. */
public final class FaultyStorage extends ForwardingStorage {
    /** How it goes wrong. */
    public enum Fault {
        /** One change is refused, later ones work. */
        ONCE,
        /** From that change on nothing can be changed: a full disk, a lost connection. */
        DEAD,
        /** Like DEAD, and a part of what was to be written stays behind under a temporary name: a crash. */
        TORN,
        /** The change is made, but the answer is lost; nothing works afterwards. */
        DONE_BUT_DEAD
    }

    private final Fault fault;
    private final int failAt;
    /** Writes and deletions so far. */
    public final AtomicInteger changes = new AtomicInteger();

    /** Called before each change; may block. */
    public volatile Runnable beforeChange = () -> {};

    public FaultyStorage(Storage real, Fault fault, int failAt) {
        super(real);
        this.fault = fault;
        this.failAt = failAt;
    }

    @FunctionalInterface
    private interface Change {
        void make() throws IOException;
    }

    private void change(ObjectKind kind, List<MemorySegment> parts, Change change) throws IOException {
        beforeChange.run();
        int number = changes.incrementAndGet();
        if (number < failAt || number > failAt && fault == Fault.ONCE) {
            change.make();
            return;
        }
        if (number == failAt && fault == Fault.DONE_BUT_DEAD) {
            change.make();
        }
        if (number == failAt && fault == Fault.TORN && !parts.isEmpty()) {
            Path folder = localPath();
            byte[] first = parts.getFirst().toArray(ValueLayout.JAVA_BYTE);
            if (folder != null) {
                Files.createDirectories(folder.resolve(kind.folder()));
                Files.write(folder.resolve(kind.folder()).resolve("tmp.1234"), first);
            }
        }
        throw new IOException("change " + number + " of the store fails, as the test wants it");
    }

    @Override
    public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        change(kind, parts, () -> real.write(kind, name, parts));
    }

    @Override
    public void replace(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        change(kind, parts, () -> real.replace(kind, name, parts));
    }

    @Override
    public void refreshLock(Mac name, MemorySegment content) throws IOException {
        change(ObjectKind.LOCK, List.of(content), () -> real.refreshLock(name, content));
    }

    @Override
    public void delete(ObjectKind kind, Mac name) throws IOException {
        change(kind, List.of(), () -> real.delete(kind, name));
    }
}
