// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import dev.armoire.connectors.spi.Location;
import java.nio.file.Path;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What stores, sources and destinations on servers have in common: whose keys and configuration they use. */
abstract class SftpKind {
    final Path home;
    final Function<String, @Nullable String> environment;

    /** As the user has them. */
    SftpKind() {
        this(Path.of(System.getProperty("user.home")), System::getenv);
    }

    SftpKind(Path home, Function<String, @Nullable String> environment) {
        this.home = home;
        this.environment = environment;
    }

    public boolean accepts(Location location) {
        return location.scheme().equals("sftp");
    }
}
