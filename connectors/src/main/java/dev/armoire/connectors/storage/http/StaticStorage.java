// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.Mac;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A store whose folder a web server gives out as it is (format 1 §15.1). Can only be read. Its locks do not matter to those who
 * only read, and are not looked for.
 */
final class StaticStorage implements Storage {
    private static final int KNOWN_FILES = 512;

    private final HttpLink link;
    private final byte[] config;
    private final String location;
    private final Listing listing;
    private final BlockCache cache = new BlockCache();

    /** Files that were read, by use, the eldest first. Guarded by itself. */
    private final Map<String, WebFile> files = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, WebFile> eldest) {
            return size() > KNOWN_FILES;
        }
    };

    StaticStorage(HttpLink link, byte[] config) {
        this.link = link;
        this.config = config;
        this.location = link.place().toString();
        this.listing = new Listing(link);
    }

    @Override
    public String location() {
        return location;
    }

    @Override
    public java.nio.file.@Nullable Path localPath() {
        return null;
    }

    @Override
    public boolean isWritable() {
        return false;
    }

    /** As it was when the store was opened: it never changes. */
    @Override
    public MemorySegment readConfig(Arena arena) {
        return arena.allocateFrom(ValueLayout.JAVA_BYTE, config).asReadOnly();
    }

    @Override
    public List<Mac> list(ObjectKind kind) throws IOException {
        return kind == ObjectKind.LOCK ? List.of() : listing.names(kind);
    }

    @Override
    public long size(ObjectKind kind, Mac name) throws IOException {
        WebFile file = file(kind, name);
        if (file.size() == Ranges.UNKNOWN) {
            cache.read(file, 0, MemorySegment.ofArray(new byte[1]));
        }
        return file.size();
    }

    @Override
    public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
        if (offset < 0) {
            throw new IllegalArgumentException("negative offset " + offset);
        }
        link.refuseClosed("cannot read " + label(kind, name));
        long wanted = into.byteSize();
        WebFile file = file(kind, name);
        boolean isInside = file.size() == Ranges.UNKNOWN || offset + wanted <= file.size();
        long read = isInside ? cache.read(file, offset, into) : 0;
        if (read < wanted || wanted == 0) {
            long size = size(kind, name);
            if (offset + wanted > size) {
                throw new EOFException(label(kind, name) + ": wanted " + wanted + " bytes from byte " + offset
                        + ", but it has " + size + " bytes");
            }
            if (read < wanted) {
                throw new IOException("cannot read " + label(kind, name) + ": it ended at byte " + (offset + read));
            }
        }
    }

    private WebFile file(ObjectKind kind, Mac name) {
        String hex = name.hex();
        String path = kind == ObjectKind.LOCK
                ? kind.folder() + '/' + hex
                : kind.folder() + '/' + hex.substring(0, 2) + '/' + hex;
        synchronized (files) {
            return files.computeIfAbsent(
                    path, key -> new WebFile(link, link.place().below(key), label(kind, name)));
        }
    }

    @Override
    public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        throw readOnly("write", kind, name);
    }

    @Override
    public void refreshLock(Mac name, MemorySegment content) throws IOException {
        throw readOnly("refresh", ObjectKind.LOCK, name);
    }

    @Override
    public void delete(ObjectKind kind, Mac name) throws IOException {
        throw readOnly("delete", kind, name);
    }

    private IOException readOnly(String verb, ObjectKind kind, Mac name) {
        return new IOException(
                "cannot " + verb + ' ' + label(kind, name)
                        + ": a store of plain files behind a web server is read-only; `armoire server` gives out one that is not");
    }

    private String label(ObjectKind kind, Mac name) {
        return kind.name().toLowerCase(Locale.ROOT) + ' ' + name.shortHex() + " of " + location;
    }

    @Override
    public void close() {
        link.close();
    }
}
