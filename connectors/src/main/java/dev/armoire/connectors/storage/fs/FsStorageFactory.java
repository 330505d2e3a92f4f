// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.fs;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;

/** Opens and creates stores in a folder: {@code fs:/srv/store}, or the path alone. */
public final class FsStorageFactory implements StorageFactory {
    @Override
    public boolean accepts(Location location) {
        return location.scheme().equals("fs");
    }

    @Override
    public Storage open(Location location) throws IOException {
        return FsStorage.open(path(location));
    }

    @Override
    public void check(Location location, Map<String, String> settings) throws IOException {
        StorageFactory.refuse(location, settings);
    }

    @Override
    public Storage create(Location location, MemorySegment config) throws IOException {
        return FsStorage.create(path(location), config);
    }

    private static Path path(Location location) throws IOException {
        if (location.path().isEmpty()) {
            throw new IOException("no directory given after " + location);
        }
        try {
            return Path.of(location.path()).toAbsolutePath();
        } catch (InvalidPathException e) {
            throw new IOException("not a path: " + location.path() + ": " + e.getReason(), e);
        }
    }
}
