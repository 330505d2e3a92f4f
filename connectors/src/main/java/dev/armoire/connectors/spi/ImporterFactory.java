// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Opens importers of one kind. Found with ServiceLoader; must be cheap to construct. */
public interface ImporterFactory {
    /** The first kind on the class path that accepts a location, or null. */
    static @Nullable ImporterFactory find(Location location) {
        return Kinds.find(ImporterFactory.class, "fs.FsImporterFactory", factory -> factory.accepts(location));
    }

    boolean accepts(Location location);

    /**
     * Opens a source, which is not read before the scan.
     *
     * @throws IOException when there is nothing at that place
     */
    Importer open(Location location, ImportOptions options) throws IOException;
}
