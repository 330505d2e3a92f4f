// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.ptar;

import dev.armoire.connectors.spi.ArchiveOutput;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;

/** Opens archives: {@code ptar:/srv/a.ptar}, or a path that ends in {@code .ptar}. */
public final class PtarStorageFactory implements StorageFactory {
    @Override
    public boolean accepts(Location location) {
        return location.scheme().equals("ptar");
    }

    @Override
    public Storage open(Location location) throws IOException {
        if (location.path().isEmpty()) {
            throw new IOException("no file given after " + location);
        }
        try {
            return PtarStorage.open(Path.of(location.path()).toAbsolutePath());
        } catch (InvalidPathException e) {
            throw new IOException("not a path: " + location.path() + ": " + e.getReason(), e);
        }
    }

    @Override
    public void check(Location location, Map<String, String> settings) throws IOException {
        StorageFactory.refuse(location, settings);
    }

    @Override
    public Storage create(Location location, MemorySegment config) throws IOException {
        throw new IOException(location + ": a .ptar archive is not written by this command: use `ptar`");
    }

    /** The path {@code -} is standard output. */
    @Override
    public ArchiveOutput createArchive(Location location, MemorySegment config, boolean replaces) throws IOException {
        if (location.path().equals("-")) {
            return PtarOutput.toStandardOutput(config);
        }
        try {
            return PtarOutput.create(Path.of(location.path()).toAbsolutePath(), config, replaces);
        } catch (InvalidPathException e) {
            throw new IOException("not a path: " + location.path() + ": " + e.getReason(), e);
        }
    }
}
