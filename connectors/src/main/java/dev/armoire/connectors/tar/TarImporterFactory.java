// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;

/** Opens tar files as sources. */
public final class TarImporterFactory implements ImporterFactory {
    @Override
    public boolean accepts(Location location) {
        return TarSchemes.isTar(location);
    }

    @Override
    public Importer open(Location location, ImportOptions options) throws IOException {
        TarSchemes.refuse(options.settings());
        return new TarImporter(TarSchemes.type(location), TarFile.of(TarSchemes.path(location)), options);
    }
}
