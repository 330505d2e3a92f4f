// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.ExporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Map;

/** Opens tar files as targets. */
public final class TarExporterFactory implements ExporterFactory {
    @Override
    public boolean accepts(Location location) {
        return TarSchemes.isTar(location);
    }

    @Override
    public Exporter open(
            Location location, boolean restorePermissions, Map<String, String> settings, Exporter.Problems problems)
            throws IOException {
        TarSchemes.refuse(settings);
        TarOutput output = TarOutput.toFile(TarSchemes.path(location), TarSchemes.isCompressed(location));
        return new TarExporter(output, restorePermissions, problems);
    }

    @Override
    public Exporter stream(Location location, OutputStream out, boolean restorePermissions, Exporter.Problems problems)
            throws IOException {
        return new TarExporter(TarOutput.to(out, TarSchemes.isCompressed(location)), restorePermissions, problems);
    }
}
