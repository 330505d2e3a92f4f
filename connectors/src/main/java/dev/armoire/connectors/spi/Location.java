// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

/**
 * A place as a user writes it, split at its scheme: {@code fs:/a}, {@code s3://h/b}, {@code /a} (scheme {@code fs}).
 *
 * @param scheme lower case, never empty; {@code fs} when none was written
 * @param path what follows {@code scheme:}, with a leading {@code //} kept out; for {@code fs} and {@code ptar} a file path
 */
public record Location(String scheme, String path) {
    /** Splits a location. {@code x.ptar} without a scheme is a {@code ptar}. A one-letter scheme is a drive: a path. */
    public static Location parse(String text) {
        int colon = text.indexOf(':');
        if (colon > 1 && text.substring(0, colon).chars().allMatch(Location::isSchemeCharacter)) {
            String rest = text.substring(colon + 1);
            String scheme = text.substring(0, colon).toLowerCase(java.util.Locale.ROOT);
            return local(scheme, rest.startsWith("//") ? rest.substring(2) : rest);
        }
        return local("fs", text);
    }

    private static Location local(String scheme, String path) {
        return new Location(scheme.equals("fs") && path.endsWith(".ptar") ? "ptar" : scheme, path);
    }

    private static boolean isSchemeCharacter(int c) {
        return (c >= 'a' && c <= 'z')
                || (c >= 'A' && c <= 'Z')
                || (c >= '0' && c <= '9')
                || c == '+'
                || c == '-'
                || c == '.';
    }

    @Override
    public String toString() {
        return scheme + "://" + path;
    }
}
