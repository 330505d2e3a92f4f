// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import dev.armoire.connectors.spi.ExistingFiles;
import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.ExporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Restores to a server: {@code sftp://[USER@]HOST[:PORT]/PATH}. */
public final class SftpExporterFactory extends SftpKind implements ExporterFactory {
    public SftpExporterFactory() {}

    SftpExporterFactory(Path home, Function<String, @Nullable String> environment) {
        super(home, environment);
    }

    @Override
    public Exporter open(
            Location location, boolean restorePermissions, Map<String, String> settings, Exporter.Problems problems)
            throws IOException {
        return SftpExporter.open(SftpPlace.of(location, settings), restorePermissions, problems, home, environment);
    }

    @Override
    public void check(Location location, Map<String, String> settings) throws IOException {
        SftpPlace.of(location, settings);
    }

    @Override
    public ExistingFiles look(Location location, Map<String, String> settings) throws IOException {
        return SftpExistingFiles.open(SftpPlace.of(location, settings), home, environment);
    }
}
