// SPDX-License-Identifier: ISC
package dev.armoire.connectors.http;

import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Where a file is on the web, and how it is asked for. */
final class HttpFile {
    private static final int MAX_REDIRECTS = 5;
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Set<String> KNOWN = Set.of("username", "password", "bearer_token");
    private static final String TOKEN_VARIABLE = "ARMOIRE_HTTP_TOKEN";

    private final URI uri;
    private final @Nullable String authorization;

    private HttpFile(URI uri, @Nullable String authorization) {
        this.uri = uri;
        this.authorization = authorization;
    }

    static HttpFile of(Location location, Map<String, String> settings, Map<String, String> environment)
            throws IOException {
        URI uri;
        try {
            uri = new URI(location.scheme() + "://" + location.path());
        } catch (URISyntaxException e) {
            // Its message has the whole text, and secrets may stand in that.
            throw new IOException("no URL: " + e.getReason() + " at character " + e.getIndex());
        }
        if (uri.getHost() == null) {
            throw new IOException("no URL: " + location.scheme() + "://HOST/PATH is wanted");
        }
        if (uri.getRawUserInfo() != null) {
            throw new IOException(
                    "credentials in a URL would be shown: use -o username=... -o password=..., or the variable "
                            + TOKEN_VARIABLE + " for a token");
        }
        for (String key : settings.keySet()) {
            if (!KNOWN.contains(key)) {
                throw new IOException(
                        "http: unknown setting " + key + "; known are username, password and bearer_token");
            }
        }
        return new HttpFile(uri, authorization(settings, environment));
    }

    private static @Nullable String authorization(Map<String, String> settings, Map<String, String> environment)
            throws IOException {
        String username = settings.get("username");
        String password = settings.get("password");
        String token = settings.get("bearer_token");
        if ((username == null) != (password == null)) {
            throw new IOException("http: username and password are wanted both, or none");
        }
        if (username != null && token != null) {
            throw new IOException("http: username and password, or bearer_token; not both");
        }
        if (username != null) {
            byte[] both = (username + ":" + password).getBytes(StandardCharsets.UTF_8);
            return "Basic " + Base64.getEncoder().encodeToString(both);
        }
        String any = token == null ? environment.get(TOKEN_VARIABLE) : token;
        return any == null || any.isEmpty() ? null : "Bearer " + any.strip();
    }

    String scheme() {
        return uri.getScheme();
    }

    /** The server, with its port if that is another than usual. */
    String origin() {
        return uri.getPort() < 0 ? uri.getHost() : uri.getHost() + ":" + uri.getPort();
    }

    /** The path, decoded; where it ends in a slash, the name of the page that servers have there. */
    String path() {
        String path = uri.getPath() == null || uri.getPath().isEmpty() ? "/" : uri.getPath();
        return path.endsWith("/") ? path + "index.html" : path;
    }

    /** For messages: without what may be secret. */
    private static String shown(URI uri) {
        return uri.getScheme() + "://" + uri.getRawAuthority() + uri.getRawPath()
                + (uri.getRawQuery() == null ? "" : "?...");
    }

    @Override
    public String toString() {
        return shown(uri);
    }

    /** Asks for the file, and follows where the server points to. */
    HttpResponse<InputStream> get(HttpClient client) throws IOException {
        URI at = uri;
        for (int hops = 0; hops <= MAX_REDIRECTS; hops++) {
            HttpResponse<InputStream> response = send(client, at);
            int status = response.statusCode();
            if (status == 200) {
                return response;
            }
            response.body().close();
            String target = response.headers().firstValue("location").orElse("");
            boolean isRedirect = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
            if (!isRedirect || target.isEmpty()) {
                throw new IOException(shown(at) + ": " + reason(status));
            }
            at = next(at, target);
        }
        throw new IOException(this + ": more than " + MAX_REDIRECTS + " redirects");
    }

    private static URI next(URI at, String target) throws IOException {
        URI next;
        try {
            next = at.resolve(new URI(target));
        } catch (URISyntaxException | IllegalArgumentException e) {
            throw new IOException(shown(at) + " redirects to what is no URL");
        }
        String scheme = next.getScheme() == null ? "" : next.getScheme().toLowerCase(Locale.ROOT);
        boolean isDowngrade = at.getScheme().equalsIgnoreCase("https") && !scheme.equals("https");
        if (isDowngrade || next.getHost() == null || !(scheme.equals("http") || scheme.equals("https"))) {
            throw new IOException(
                    shown(at) + " redirects to " + (next.getHost() == null ? "no web server" : shown(next))
                            + (isDowngrade ? ", which is not encrypted" : "") + "; that is not followed");
        }
        return next;
    }

    private static String reason(int status) {
        return switch (status) {
            case 401, 403 -> "the server answers " + status + ": it wants credentials, or others";
            case 404, 410 -> "the server answers " + status + ": there is no such file";
            default -> "the server answers " + status;
        };
    }

    private HttpResponse<InputStream> send(HttpClient client, URI at) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(at)
                .timeout(PATIENCE)
                .header("User-Agent", "armoire")
                .GET();
        boolean isSameServer = at.getScheme().equalsIgnoreCase(uri.getScheme())
                && at.getHost().equalsIgnoreCase(uri.getHost())
                && at.getPort() == uri.getPort();
        if (authorization != null && isSameServer) {
            request.header("Authorization", authorization);
        }
        try {
            return client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException("interrupted").initCause(e);
        } catch (ConnectException e) {
            throw new IOException(shown(at) + ": no connection", e);
        } catch (IOException e) {
            throw new IOException(shown(at) + ": " + e.getMessage(), e);
        }
    }
}
