// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Small reads of packfiles out of windows that are read at once, as neighbours are mostly wanted one after the other. A window
 * that follows on another one is twice as long, up to a MiB; of several the one that was not used for the longest time makes
 * room. For one thread at a time; owns its memory, some MiB.
 */
final class ReadAhead implements AutoCloseable {
    private static final int WINDOWS = 8;
    private static final int KNOWN_SIZES = 4096;
    private static final int FIRST_BYTES = 16 << 10;
    private static final int MAX_BYTES = 1 << 20;

    private final Storage storage;
    private final Arena arena = Arena.ofShared();
    private final Window[] windows = new Window[WINDOWS];
    /** Of packfiles that were read from: to ask a server again for each window costs more than the window. */
    private final Map<Mac, Long> sizes = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Mac, Long> eldest) {
            return size() > KNOWN_SIZES;
        }
    };

    private long clock;
    private long bytesRead;

    /** A stretch of a packfile; {@code end} may be the end of all there is. */
    private static final class Window {
        private final MemorySegment bytes;
        private Mac packfile = Mac.ZERO;
        private long size;
        private long start;
        private long end;
        private long lastUse;

        Window(MemorySegment bytes) {
            this.bytes = bytes;
        }

        boolean has(Mac name, long at, long length) {
            return start <= at && at + length <= end && packfile.equals(name);
        }

        /** Whether what is asked for begins in this window or a little behind it. */
        boolean leadsTo(Mac name, long at) {
            return start <= at && at - end < FIRST_BYTES && packfile.equals(name);
        }
    }

    ReadAhead(Storage storage) {
        this.storage = storage;
        for (int i = 0; i < WINDOWS; i++) {
            windows[i] = new Window(arena.allocate(MAX_BYTES, 64));
        }
    }

    /** Whether so much can be had from a window. */
    static boolean takes(long length) {
        return length <= MAX_BYTES / 2;
    }

    /** Bytes of a packfile, {@link #takes} at most, valid until the next call. */
    MemorySegment read(Mac packfile, long at, long length) throws IOException {
        Window oldest = windows[0];
        Window before = null;
        for (Window window : windows) {
            if (window.has(packfile, at, length)) {
                window.lastUse = ++clock;
                return window.bytes.asSlice(at - window.start, length);
            }
            if (before == null && window.leadsTo(packfile, at)) {
                before = window;
            }
            if (window.lastUse < oldest.lastUse) {
                oldest = window;
            }
        }
        Window window = before == null ? oldest : before;
        long size = before == null ? size(packfile) : before.size;
        long wanted = before == null ? FIRST_BYTES : Math.min(MAX_BYTES, 2 * (before.end - before.start));
        long bytes = Math.max(length, Math.min(wanted, size - at)); // too much is for the storage to refuse
        window.packfile = Mac.ZERO; // if reading fails there is nothing in it
        storage.read(ObjectKind.PACKFILE, packfile, at, window.bytes.asSlice(0, bytes));
        bytesRead += bytes;
        window.packfile = packfile;
        window.size = size;
        window.start = at;
        window.end = at + bytes;
        window.lastUse = ++clock;
        return window.bytes.asSlice(0, length);
    }

    private long size(Mac packfile) throws IOException {
        Long known = sizes.get(packfile);
        if (known != null) {
            return known;
        }
        long size = storage.size(ObjectKind.PACKFILE, packfile);
        sizes.put(packfile, size);
        return size;
    }

    long bytesRead() {
        return bytesRead;
    }

    @Override
    public void close() {
        arena.close();
    }
}
