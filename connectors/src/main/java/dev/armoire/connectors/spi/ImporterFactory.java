// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.io.IOException;

/** Opens importers of one kind. Found with ServiceLoader; must be cheap to construct. */
public interface ImporterFactory {
    boolean accepts(Location location);

    /**
     * Opens a source, which is not read before the scan.
     *
     * @throws IOException when there is nothing at that place
     */
    Importer open(Location location, ImportOptions options) throws IOException;
}
