// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Backs up what lies on a server: {@code sftp://[USER@]HOST[:PORT]/PATH}. */
public final class SftpImporterFactory extends SftpKind implements ImporterFactory {
    public SftpImporterFactory() {}

    SftpImporterFactory(Path home, Function<String, @Nullable String> environment) {
        super(home, environment);
    }

    @Override
    public Importer open(Location location, ImportOptions options) throws IOException {
        return SftpImporter.open(SftpPlace.of(location, options.settings()), options, home, environment);
    }
}
