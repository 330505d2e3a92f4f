// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.nio.file.Path;

/** Opens importers of local files and directories. */
public final class FsImporterFactory implements ImporterFactory {
    @Override
    public boolean accepts(Location location) {
        return location.scheme().equals("fs");
    }

    @Override
    public Importer open(Location location, ImportOptions options) throws IOException {
        FsSettings settings = FsSettings.forImport(options.settings());
        return Posix.isAvailable()
                ? PosixImporter.open(BytePath.absolute(location.path()), options, settings)
                : new NioImporter(Path.of(location.path()), options, settings);
    }
}
