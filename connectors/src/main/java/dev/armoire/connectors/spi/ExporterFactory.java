// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Opens exporters of one kind. Found with ServiceLoader; must be cheap to construct. */
public interface ExporterFactory {
    /** The first kind on the class path that accepts a location, or null. */
    static @Nullable ExporterFactory find(Location location) {
        return Kinds.find(ExporterFactory.class, "fs.FsExporterFactory", factory -> factory.accepts(location));
    }

    boolean accepts(Location location);

    /**
     * Opens a target, making it when it is not there.
     *
     * @param restorePermissions false leaves owner and mode to the process and its umask
     * @param settings connector settings; an unknown key is an IOException
     */
    Exporter open(
            Location location, boolean restorePermissions, Map<String, String> settings, Exporter.Problems problems)
            throws IOException;

    /**
     * Says what is wrong with a location and its settings, as far as that shows without going there.
     *
     * @throws IOException when something is
     */
    default void check(Location location, Map<String, String> settings) throws IOException {}

    /**
     * Writes a target of this kind to a stream instead of its place.
     *
     * @param location tells the kind; its path does not count
     * @param out stays open, and is flushed when the target is finished
     * @throws IOException also when a target of this kind is more than one file
     */
    default Exporter stream(Location location, OutputStream out, boolean restorePermissions, Exporter.Problems problems)
            throws IOException {
        throw new IOException("targets of kind " + location.scheme() + " cannot be written to standard output");
    }

    /**
     * Looks into a target without making or changing anything. One that is not there has nothing in it.
     *
     * @param settings as for {@link #open}
     * @throws IOException also when targets of this kind cannot tell what is in them
     */
    default ExistingFiles look(Location location, Map<String, String> settings) throws IOException {
        throw new IOException("targets of kind " + location.scheme()
                + " do not tell what is in them: restore without -overwrite, " + "-delete, -verify and -dry-run");
    }
}
