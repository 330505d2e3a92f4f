// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.storage.blocks.BlockCache;
import dev.armoire.crypto.Mac;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What stores behind a web server have in common, whatever it speaks. Owns the link. */
abstract class HttpStorage implements Storage {
    private static final int KNOWN_FILES = 512;

    protected final HttpLink link;
    protected final String location;
    protected final BlockCache cache = new BlockCache();
    private final byte[] config;

    HttpStorage(HttpLink link, byte[] config) {
        this.link = link;
        this.config = config;
        this.location = link.place().toString();
    }

    /** A map that forgets what was not used for longest. For one thread at a time. */
    static <K, V> Map<K, V> recentlyUsed() {
        return new LinkedHashMap<>(16, 0.75f, true) {
            private static final long serialVersionUID = 1;

            @Override
            protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
                return size() > KNOWN_FILES;
            }
        };
    }

    @Override
    public String location() {
        return location;
    }

    @Override
    public @Nullable Path localPath() {
        return null;
    }

    /** As it was when the store was opened: it never changes. */
    @Override
    public MemorySegment readConfig(Arena arena) {
        return arena.allocateFrom(ValueLayout.JAVA_BYTE, config).asReadOnly();
    }

    @Override
    public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
        if (offset < 0) {
            throw new IllegalArgumentException("negative offset " + offset);
        }
        link.refuseClosed("cannot read " + label(kind, name));
        long wanted = into.byteSize();
        long read = wanted == 0 ? 0 : fetch(kind, name, offset, into);
        if (read < wanted || wanted == 0) {
            long size = size(kind, name);
            if (offset + wanted > size) {
                throw new EOFException(label(kind, name) + ": wanted " + wanted + " bytes from byte " + offset
                        + ", but it has " + size + " bytes");
            }
            if (read < wanted) {
                throw new IOException("cannot read " + label(kind, name) + ": the server sent only " + read + " of "
                        + wanted + " bytes from byte " + offset);
            }
        }
    }

    /** Reads what there is of a part of an object that is not empty; returns how much. */
    abstract long fetch(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException;

    /** An object in words. */
    String label(ObjectKind kind, Mac name) {
        return kind.name().toLowerCase(Locale.ROOT) + ' ' + name.shortHex() + " of " + location;
    }

    @Override
    public void close() {
        link.close();
    }
}
