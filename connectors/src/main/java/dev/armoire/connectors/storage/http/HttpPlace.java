// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;

/**
 * A place behind a web server.
 *
 * @param uri of the archive, or of the store without a slash at its end
 * @param isArchive whether it is a {@code .ptar} file
 */
record HttpPlace(URI uri, boolean isArchive) {
    /** In front of {@code http} where the name of an archive does not end in {@code .ptar}. */
    private static final String ARCHIVE_PREFIX = "ptar+";

    static boolean accepts(Location location) {
        return switch (location.scheme()) {
            case "http", "https", "ptar+http", "ptar+https" -> true;
            default -> false;
        };
    }

    static HttpPlace of(Location location) throws IOException {
        String scheme = location.scheme();
        boolean isArchive = scheme.startsWith(ARCHIVE_PREFIX);
        URI uri;
        try {
            uri = new URI((isArchive ? scheme.substring(ARCHIVE_PREFIX.length()) : scheme) + "://" + location.path());
        } catch (URISyntaxException e) {
            // Its own words would quote all of it.
            throw new IOException(location + " is not a URL: " + e.getReason() + " at character " + (e.getIndex() + 1)
                    + "; blanks and the like are written as %20");
        }
        if (uri.getRawUserInfo() != null) {
            throw new IOException(location + ": credentials do not belong in a location, which is shown in messages and"
                    + " lists of processes: set username and password, or auth_token, of a store in stores.yml");
        }
        if (uri.getHost() == null) {
            throw new IOException(location + " names no host: http://HOST[:PORT]/PATH is wanted");
        }
        if (uri.getRawFragment() != null) {
            throw new IOException(location + ": a location has no part behind a #");
        }
        String path = uri.getRawPath();
        isArchive |= path.endsWith(".ptar");
        if (isArchive) {
            return new HttpPlace(uri, true);
        }
        if (uri.getRawQuery() != null) {
            throw new IOException(location
                    + ": the location of a store has no part behind a ?; only that of an archive may have one");
        }
        while (path.endsWith("/")) {
            path = path.substring(0, path.length() - 1);
        }
        return new HttpPlace(uri.resolve(path.isEmpty() ? "/" : path), false);
    }

    /** Of what lies below the store, {@code states/ab/abcd...}. */
    URI below(String path) {
        String base = uri.getRawPath();
        return uri.resolve(base.endsWith("/") ? base + path : base + '/' + path);
    }

    /** {@code example.org:8080}. */
    String host() {
        return uri.getRawAuthority();
    }

    /** As it may be shown: what stands behind a question mark may be a key. */
    @Override
    public String toString() {
        return shown(uri);
    }

    static String shown(URI uri) {
        return uri.getScheme() + "://" + uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort())
                + uri.getRawPath();
    }
}
