// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.ffi.Posix;
import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.ExistingFiles;
import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.ExporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/** Opens directories of this machine as restore targets. */
public final class FsExporterFactory implements ExporterFactory {
    /** Also {@code ptar}: a directory to restore to may have such a name. */
    @Override
    public boolean accepts(Location location) {
        return location.scheme().equals("fs") || location.scheme().equals("ptar");
    }

    @Override
    public Exporter open(
            Location location, boolean restorePermissions, Map<String, String> settings, Exporter.Problems problems)
            throws IOException {
        FsSettings.forExport(settings);
        return Posix.isAvailable()
                ? PosixExporter.open(BytePath.absolute(location.path()), restorePermissions, problems)
                : NioExporter.open(Path.of(location.path()), restorePermissions, problems);
    }

    @Override
    public void check(Location location, Map<String, String> settings) throws IOException {
        FsSettings.forExport(settings);
    }

    @Override
    public ExistingFiles look(Location location, Map<String, String> settings) throws IOException {
        FsSettings.forExport(settings);
        return Posix.isAvailable()
                ? PosixExistingFiles.open(BytePath.absolute(location.path()))
                : new NioExistingFiles(
                        new NioTarget(Path.of(location.path()).toAbsolutePath().normalize()));
    }
}
