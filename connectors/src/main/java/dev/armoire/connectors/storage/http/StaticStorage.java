// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.storage.blocks.Ranges;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;

/**
 * A store whose folder a web server gives out as it is (format 1 §15.1). Can only be read. Its locks do not matter to those who
 * only read, and are not looked for.
 */
final class StaticStorage extends HttpStorage {
    private final Listing listing;

    /** Files that were read, by use, the eldest first. Guarded by itself. */
    private final Map<String, WebFile> files = recentlyUsed();

    StaticStorage(HttpLink link, byte[] config) {
        super(link, config);
        this.listing = new Listing(link);
    }

    @Override
    public boolean isWritable() {
        return false;
    }

    @Override
    public List<Mac> list(ObjectKind kind) throws IOException {
        // Parity is for those who can write: looking for the folder would only cost requests.
        return kind == ObjectKind.LOCK || kind == ObjectKind.PARITY ? List.of() : listing.names(kind);
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
    long fetch(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
        WebFile file = file(kind, name);
        boolean isInside = file.size() == Ranges.UNKNOWN || offset + into.byteSize() <= file.size();
        return isInside ? cache.read(file, offset, into) : 0;
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
}
