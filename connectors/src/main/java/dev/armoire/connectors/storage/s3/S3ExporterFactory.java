// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.ExporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.util.Map;

/** Opens buckets as targets, with the settings of a store there. */
public final class S3ExporterFactory implements ExporterFactory {
    @Override
    public boolean accepts(Location location) {
        return location.scheme().equals("s3");
    }

    @Override
    public Exporter open(
            Location location, boolean restorePermissions, Map<String, String> settings, Exporter.Problems problems)
            throws IOException {
        return S3Exporter.open(S3Place.of(location, S3Settings.parse(settings), System::getenv));
    }
}
