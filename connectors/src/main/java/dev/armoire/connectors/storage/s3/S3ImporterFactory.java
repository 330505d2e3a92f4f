// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;

/** Opens buckets as sources: {@code s3://HOST[:PORT]/BUCKET[/PREFIX]}, with the settings of a store there. */
public final class S3ImporterFactory implements ImporterFactory {
    @Override
    public boolean accepts(Location location) {
        return location.scheme().equals("s3");
    }

    @Override
    public Importer open(Location location, ImportOptions options) throws IOException {
        return new S3Importer(
                S3Place.of(location, S3Settings.parse(options.settings()), System::getenv), options.excludes());
    }
}
