// SPDX-License-Identifier: ISC
package dev.armoire.connectors.spi;

/**
 * A place as a user writes it, split at its scheme: {@code fs:/a}, {@code s3://h/b}, {@code /a} (scheme {@code fs}).
 *
 * @param scheme lower case, never empty; {@code fs} when none was written
 * @param path what follows {@code scheme:}, with a leading {@code //} kept out; for {@code fs} and {@code ptar} a file path
 */
public record Location(String scheme, String path) {
    /** Splits the location of a store. {@code x.ptar} without a scheme is a {@code ptar}. A one-letter scheme is a drive: a path. */
    public static Location parse(String text) {
        Location location = parseSource(text);
        return location.scheme.equals("fs") && location.path.endsWith(".ptar")
                ? new Location("ptar", location.path)
                : location;
    }

    /** Splits the location of a source: there {@code x.ptar} without a scheme is a file like any other. */
    public static Location parseSource(String text) {
        int colon = text.indexOf(':');
        if (colon > 1 && text.substring(0, colon).chars().allMatch(Location::isSchemeCharacter)) {
            String rest = text.substring(colon + 1);
            String scheme = text.substring(0, colon).toLowerCase(java.util.Locale.ROOT);
            return new Location(scheme, rest.startsWith("//") ? rest.substring(2) : rest);
        }
        return new Location("fs", text);
    }

    private static boolean isSchemeCharacter(int c) {
        return (c >= 'a' && c <= 'z')
                || (c >= 'A' && c <= 'Z')
                || (c >= '0' && c <= '9')
                || c == '+'
                || c == '-'
                || c == '.';
    }

    /**
     * As it may be shown: without a password, and without what follows a question mark in a URL, where keys stand. A URL's
     * user is left out, too, as it may be a token.
     */
    @Override
    public String toString() {
        return scheme + "://" + (isLocal() ? path : withoutSecrets());
    }

    private boolean isLocal() {
        return scheme.equals("fs") || scheme.equals("ptar");
    }

    private String withoutSecrets() {
        boolean isUrl = scheme.endsWith("http") || scheme.endsWith("https");
        int query = isUrl ? path.indexOf('?') : -1;
        String shown = query < 0 ? path : path.substring(0, query) + "?***";
        int slash = shown.indexOf('/');
        int at = shown.substring(0, slash < 0 ? shown.length() : slash).lastIndexOf('@');
        int colon = isUrl ? 0 : shown.indexOf(':') + 1;
        boolean hasSecret = at > 0 && (isUrl || colon > 0 && colon <= at);
        return hasSecret ? shown.substring(0, colon) + "***" + shown.substring(at) : shown;
    }
}
