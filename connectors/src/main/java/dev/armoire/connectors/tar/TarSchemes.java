// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;

/** How tar files are named as places. */
final class TarSchemes {
    private TarSchemes() {}

    static boolean isTar(Location location) {
        return switch (location.scheme()) {
            case "tar", "tgz", "tar+gz", "tar+gzip", "tar.gz" -> true;
            default -> false;
        };
    }

    /** The type that snapshots have: Plakar's word. */
    static String type(Location location) {
        return location.scheme().equals("tar.gz") ? "tar+gz" : location.scheme();
    }

    /** Whether a tar file that is written there is to be compressed. */
    static boolean isCompressed(Location location) {
        return !location.scheme().equals("tar")
                || location.path().endsWith(".gz")
                || location.path().endsWith(".tgz");
    }

    static Path path(Location location) throws IOException {
        if (location.path().isEmpty()) {
            throw new IOException(location.scheme() + ": the path of a tar file is wanted");
        }
        if (location.path().equals("-")) {
            throw new IOException("a tar file is read twice, and standard input only once: save it to a file first;"
                    + " to standard output `archive -format tar -output -` writes one");
        }
        try {
            return Path.of(location.path()).toAbsolutePath();
        } catch (InvalidPathException e) {
            throw new IOException(location.path() + " is no path: " + e.getReason(), e);
        }
    }

    static void refuse(Map<String, String> settings) throws IOException {
        if (!settings.isEmpty()) {
            throw new IOException(
                    "tar: unknown setting " + String.join(", ", settings.keySet()) + "; tar files have no settings");
        }
    }
}
