// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A bucket and what in it is the store's, read from a location as Plakar reads it.
 *
 * @param endpoint the service: scheme, host and perhaps port
 * @param prefix empty, or ends in {@code /}; all keys of the store begin with it
 * @param virtualHost whether the bucket is named in the host instead of the path
 */
record S3Place(URI endpoint, String region, String bucket, String prefix, boolean virtualHost, S3Settings settings) {
    /** The region in {@code s3.REGION.PROVIDER.TLD}, as AWS and most others name their hosts. */
    private static final Pattern REGION_IN_HOST =
            Pattern.compile("(?:.+\\.)?s3[.-](?:dualstack\\.|fips\\.)?([a-z0-9-]+)\\.[^.]+\\.[^:]+(?::\\d+)?");

    private static final String DEFAULT_REGION = "us-east-1";

    static S3Place of(Location location, S3Settings settings, Function<String, @Nullable String> environment)
            throws IOException {
        String text = location.path();
        int slash = text.indexOf('/');
        String host = slash < 0 ? text : text.substring(0, slash);
        String path = slash < 0 ? "" : decoded(text.substring(slash + 1));
        if (host.contains("@")) {
            throw new IOException("s3: keys do not belong in a location; set access_key and secret_access_key, or"
                    + " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment");
        }
        String port = settings.text("port");
        if (port != null && host.indexOf(':') < 0) {
            host += ":" + port;
        }
        String wanted = settings.text("endpoint");
        if (wanted == null) {
            wanted = fromEnvironment(host, environment);
        }
        String service = wanted == null ? host : bare(wanted);
        boolean virtualHost = Objects.requireNonNullElse(settings.flag("virtual_host"), false);
        String root = settings.text("root");
        String[] parts; // bucket, prefix
        if (virtualHost) {
            if (settings.text("endpoint") == null) {
                throw new IOException("s3: virtual_host=true needs endpoint=HOST, the host without the bucket");
            }
            String bucket =
                    host.endsWith("." + service) ? host.substring(0, host.length() - service.length() - 1) : host;
            parts = new String[] {bucket, root == null ? path : agreed(location, path, root)};
        } else {
            if (!service.equals(host)) {
                path = path.isEmpty() ? host : host + '/' + path;
            }
            parts = split(location, path, root);
        }
        if (service.isEmpty() || parts[0].isEmpty()) {
            throw new IOException("s3: " + location + " names no bucket: s3://HOST[:PORT]/BUCKET[/PREFIX] is wanted");
        }
        String region = region(service, settings, environment);
        return new S3Place(
                uri(location, usesTls(settings, wanted) ? "https" : "http", regional(service, region)),
                region,
                parts[0],
                prefix(parts[1]),
                virtualHost,
                settings);
    }

    private static String decoded(String path) throws IOException {
        int query = path.indexOf('?');
        String text = query < 0 ? path : path.substring(0, query);
        try {
            return text.indexOf('%') < 0 ? text : URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new IOException("s3: a % in a location is followed by two hexadecimal digits: " + text, e);
        }
    }

    /** The service that the environment names, if the location names the same host or only a bucket. */
    private static @Nullable String fromEnvironment(String host, Function<String, @Nullable String> environment) {
        for (String variable : new String[] {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}) {
            String url = environment.apply(variable);
            if (url != null && !url.isEmpty()) {
                boolean isBucket = host.indexOf('.') < 0 && host.indexOf(':') < 0;
                return isBucket || bare(url).equals(host) ? url : null;
            }
        }
        return null;
    }

    private static String bare(String endpoint) {
        String text = endpoint.strip().replaceFirst("^(?i)https?://", "");
        text = text.startsWith(".") ? text.substring(1) : text;
        return text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
    }

    private static boolean usesTls(S3Settings settings, @Nullable String endpoint) throws IOException {
        Boolean set = settings.flag("use_tls");
        return set != null
                ? set
                : endpoint == null || !endpoint.toLowerCase(Locale.ROOT).startsWith("http://");
    }

    /** The prefix as the key of one object; empty when there is none. */
    String objectKey() {
        return prefix.isEmpty() ? "" : prefix.substring(0, prefix.length() - 1);
    }

    /** Bucket and prefix, of which {@code root} may name the latter or, as of old, both. */
    private static String[] split(Location location, String path, @Nullable String root) throws IOException {
        String[] own = cut(path);
        if (root == null || stripped(root).isEmpty()) {
            return own;
        }
        String[] rooted = cut(root.startsWith("/") ? root.substring(1) : root);
        if (own[0].isEmpty() || own[0].equals(rooted[0])) {
            return rooted;
        }
        own[1] = agreed(location, own[1], root);
        return own;
    }

    private static String[] cut(String path) {
        int slash = path.indexOf('/');
        return slash < 0 ? new String[] {path, ""} : new String[] {path.substring(0, slash), path.substring(slash + 1)};
    }

    private static String agreed(Location location, String prefix, String root) throws IOException {
        String own = stripped(prefix);
        String other = stripped(root);
        if (!own.isEmpty() && !other.isEmpty() && !own.equals(other)) {
            throw new IOException("s3: the setting root=" + root + " contradicts the prefix in " + location);
        }
        return other.isEmpty() ? own : other;
    }

    private static String stripped(String path) {
        return path.replaceAll("^/+|/+$", "");
    }

    private static String prefix(String path) {
        String prefix = path.startsWith("/") ? path.substring(1) : path;
        return prefix.isEmpty() || prefix.endsWith("/") ? prefix : prefix + '/';
    }

    private static String region(String host, S3Settings settings, Function<String, @Nullable String> environment) {
        String set = settings.text("region");
        if (set != null) {
            return set;
        }
        Matcher matcher = REGION_IN_HOST.matcher(host);
        if (matcher.matches() && !matcher.group(1).equals("amazonaws")) {
            return matcher.group(1);
        }
        for (String variable : new String[] {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
            String region = environment.apply(variable);
            if (region != null && !region.isEmpty()) {
                return region;
            }
        }
        return DEFAULT_REGION;
    }

    /** AWS sends requests for buckets of other regions away from the host without one. */
    private static String regional(String host, String region) {
        return host.equals("s3.amazonaws.com") && !region.equals(DEFAULT_REGION)
                ? "s3." + region + ".amazonaws.com"
                : host;
    }

    private static URI uri(Location location, String scheme, String host) throws IOException {
        try {
            URI uri = new URI(scheme + "://" + host);
            if (uri.getHost() != null) {
                return uri;
            }
        } catch (URISyntaxException e) {
            // said below
        }
        throw new IOException("s3: not a host: " + host + " in " + location);
    }

    String host() {
        return endpoint.getAuthority();
    }

    /** How people name it. */
    @Override
    public String toString() {
        String path = bucket + (prefix.isEmpty() ? "" : "/" + prefix.substring(0, prefix.length() - 1));
        return "s3://" + host() + '/' + path;
    }
}
