// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.connectors.storage.ptar.PtarStorage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Map;

/**
 * Opens what is behind a web server: {@code http://} or {@code https://} and a URL. One that ends in {@code .ptar}, or begins
 * with {@code ptar+}, is an archive.
 */
public final class HttpStorageFactory implements StorageFactory {
    private final Limits limits;

    public HttpStorageFactory() {
        this(Limits.USUAL);
    }

    HttpStorageFactory(Limits limits) {
        this.limits = limits;
    }

    @Override
    public boolean accepts(Location location) {
        return HttpPlace.accepts(location);
    }

    @Override
    public Storage open(Location location) throws IOException {
        return open(location, Map.of());
    }

    @Override
    public Storage open(Location location, Map<String, String> settings) throws IOException {
        HttpPlace place = HttpPlace.of(location);
        HttpLink link = new HttpLink(place, HttpSettings.parse(settings), limits);
        return PtarStorage.open(RemoteArchive.open(link));
    }

    @Override
    public Storage create(Location location, MemorySegment config) throws IOException {
        return create(location, config, Map.of());
    }

    @Override
    public Storage create(Location location, MemorySegment config, Map<String, String> settings) throws IOException {
        throw new IOException(
                location + ": a store is made where it lies, and not through a web server: run `create` there,"
                        + " and give it out with `server`");
    }
}
