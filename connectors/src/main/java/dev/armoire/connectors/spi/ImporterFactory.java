// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.io.IOException;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/** Opens importers of one kind. Found with ServiceLoader; must be cheap to construct. */
public interface ImporterFactory {
    /** The first kind on the class path that accepts a location, or null. */
    static @Nullable ImporterFactory find(Location location) {
        for (ImporterFactory factory : ServiceLoader.load(ImporterFactory.class)) {
            if (factory.accepts(location)) {
                return factory;
            }
        }
        return null;
    }

    boolean accepts(Location location);

    /**
     * Opens a source, which is not read before the scan.
     *
     * @throws IOException when there is nothing at that place
     */
    Importer open(Location location, ImportOptions options) throws IOException;
}
