// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.connectors.storage.ptar.PtarStorage;
import dev.armoire.crypto.CorruptDataException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.NoSuchFileException;
import java.util.Map;

/**
 * Opens what is behind a web server: {@code http://} or {@code https://} and a URL. One that ends in {@code .ptar}, or begins
 * with {@code ptar+}, is an archive. Others are stores: given out by a server command when {@code resources/locks} is a list in JSON there,
 * else plain files.
 */
public final class HttpStorageFactory implements StorageFactory {
    private static final int MAX_CONFIG_BYTES = 1 << 20;

    private final Limits limits;

    public HttpStorageFactory() {
        this(Limits.usual());
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
        if (place.isArchive()) {
            return PtarStorage.open(RemoteArchive.open(link));
        }
        try {
            Config config = Config.fetch(link);
            return ServedStorage.isThere(link)
                    ? new ServedStorage(link, config.bytes, config.isExtended)
                    : new StaticStorage(link, config.bytes);
        } catch (IOException | RuntimeException e) {
            link.close();
            throw e;
        }
    }

    /**
     * CONFIG, which servers of stores give out under any name that they do not know, and others as the file that it is.
     *
     * @param isExtended whether it comes from a server of ours
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Config(byte[] bytes, boolean isExtended) {
        static Config fetch(HttpLink link) throws IOException {
            String what = "cannot open " + link.place();
            HttpLink.Request request =
                    HttpLink.Request.get(link.place().below("CONFIG"), Map.of("Accept-Encoding", "identity"));
            return link.send(what, request, answer -> {
                if (answer.status() == 404 || answer.status() == 410) {
                    throw new NoSuchFileException(
                            link.place().toString(),
                            null,
                            link.place() + " is not a store: " + HttpLink.host(answer.uri()) + " has no CONFIG there");
                }
                if (answer.status() != 200) {
                    throw link.refused(what, answer);
                }
                byte[] bytes = answer.body().readAtMost(MAX_CONFIG_BYTES + 1);
                if (bytes.length > MAX_CONFIG_BYTES) {
                    throw new CorruptDataException("CONFIG of " + link.place() + " has more than " + MAX_CONFIG_BYTES
                            + " bytes: this is no CONFIG of a store");
                }
                return new Config(bytes, answer.header(ServedStorage.EXTENDED) != null);
            });
        }
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
