// SPDX-License-Identifier: ISC
package dev.armoire.connectors.http;

import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;

/** Opens files of web servers: {@code http://HOST/PATH} and {@code https://HOST/PATH}. */
public final class HttpImporterFactory implements ImporterFactory {
    @Override
    public boolean accepts(Location location) {
        return location.scheme().equals("http") || location.scheme().equals("https");
    }

    @Override
    public Importer open(Location location, ImportOptions options) throws IOException {
        return new HttpImporter(HttpFile.of(location, options.settings(), System.getenv()), options.excludes());
    }
}
