// SPDX-License-Identifier: ISC
package dev.armoire.connectors.stdio;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Opens standard input: {@code stdin:NAME}, or {@code stdin:} for a file of the name stdin. */
public final class StdinImporterFactory implements ImporterFactory {
    @Override
    public boolean accepts(Location location) {
        return location.scheme().equals("stdin");
    }

    @Override
    public Importer open(Location location, ImportOptions options) throws IOException {
        if (!options.settings().isEmpty()) {
            throw new IOException("stdin: unknown setting "
                    + String.join(", ", options.settings().keySet()) + "; standard input has no settings");
        }
        byte[] path = BytePath.clean(BytePath.ROOT, location.path().getBytes(StandardCharsets.UTF_8));
        return new StdinImporter(
                path.length == 1 ? "/stdin".getBytes(StandardCharsets.UTF_8) : path, System.in, options.excludes());
    }
}
