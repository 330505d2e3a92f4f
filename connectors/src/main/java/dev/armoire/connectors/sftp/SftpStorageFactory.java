// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Opens and creates stores on a server: {@code sftp://[USER@]HOST[:PORT]/PATH}. */
public final class SftpStorageFactory extends SftpKind implements StorageFactory {
    public SftpStorageFactory() {}

    SftpStorageFactory(Path home, Function<String, @Nullable String> environment) {
        super(home, environment);
    }

    @Override
    public Storage open(Location location) throws IOException {
        return open(location, Map.of());
    }

    @Override
    public Storage open(Location location, Map<String, String> settings) throws IOException {
        return SftpStorage.open(SftpPlace.of(location, settings), home, environment);
    }

    @Override
    public Storage create(Location location, MemorySegment config) throws IOException {
        return create(location, config, Map.of());
    }

    @Override
    public Storage create(Location location, MemorySegment config, Map<String, String> settings) throws IOException {
        return SftpStorage.create(SftpPlace.of(location, settings), home, environment, config);
    }
}
