// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import dev.armoire.crypto.NativeServices;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.MemorySegment;
import java.net.ConnectException;
import java.net.ProtocolException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;

/**
 * Sends requests to a web server: again when they fail for reasons that may be gone a moment later, on to where redirects
 * lead, and never with credentials to anybody but the server they are meant for. Thread-safe. Owns its connections.
 */
final class HttpLink implements AutoCloseable {
    /** More than the engine asks for at once; who comes later waits. */
    private static final int CONNECTIONS = 16;

    private static final int MAX_REDIRECTS = 5;
    private static final int KEPT_REDIRECTS = 64;
    private static final int MAX_WAIT_SECONDS = 60;
    private static final long PROGRESS_BYTES = 64 << 10;
    private static final int MAX_WORDS_BYTES = 300;

    private final HttpPlace place;
    private final Limits limits;
    private final @Nullable String authorization;
    private final HttpClient client;
    private final Semaphore connections = new Semaphore(CONNECTIONS);

    /** Where redirects of reading requests have led to. Guarded by itself. */
    private final Map<URI, URI> redirects = new LinkedHashMap<>();

    private volatile boolean hasAnswered;
    private volatile boolean isClosed;

    /**
     * A request.
     *
     * @param content what it carries, or null; readable by all threads
     */
    record Request(
            String method,
            URI uri,
            Map<String, String> headers,
            @Nullable List<MemorySegment> content) {
        static Request get(URI uri, Map<String, String> headers) {
            return new Request("GET", uri, headers, null);
        }

        boolean isReading() {
            return method.equals("GET") || method.equals("HEAD");
        }
    }

    /** Takes an answer whatever its status, in the thread that asked. Not called for redirects. */
    @FunctionalInterface
    interface Receiver<T> {
        /**
         * Takes it.
         *
         * @throws TryAgain to have the request sent again
         */
        T receive(Answer answer) throws IOException;
    }

    HttpLink(HttpPlace place, HttpSettings settings, Limits limits) throws IOException {
        this.place = place;
        this.limits = limits;
        this.authorization = settings.authorization();
        NativeServices.register();
        HttpClient.Builder builder = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(limits.connect());
        var trust = settings.trust();
        if (trust != null) {
            builder.sslContext(trust);
        }
        client = builder.build();
    }

    /** @throws IOException that says so, when the link was closed */
    void refuseClosed(String what) throws IOException {
        if (isClosed) {
            throw new IOException(what + ": the store is closed");
        }
    }

    HttpPlace place() {
        return place;
    }

    boolean hasCredentials() {
        return authorization != null;
    }

    /**
     * Sends a request until it is answered.
     *
     * @param what what fails if it is not, with the object and the place: {@code cannot read state ab12 of http://...}
     */
    <T> T send(String what, Request request, Receiver<T> receiver) throws IOException {
        return send(what, () -> request, () -> 0, receiver);
    }

    /**
     * Sends a request until it is answered.
     *
     * @param requests the request for the next attempt
     * @param progress bytes that earlier attempts have brought
     */
    <T> T send(String what, Supplier<Request> requests, LongSupplier progress, Receiver<T> receiver)
            throws IOException {
        long progressed = progress.getAsLong();
        for (int attempt = 1; ; attempt++) {
            refuseClosed(what);
            try {
                return sendOnce(what, requests.get(), receiver);
            } catch (TryAgain e) {
                if (Thread.currentThread().isInterrupted()) {
                    throw interrupted(what);
                }
                if (progress.getAsLong() - progressed >= PROGRESS_BYTES) {
                    progressed = progress.getAsLong();
                    attempt = 1;
                }
                boolean isHopeless = e.isUnreachable() && !hasAnswered;
                if (attempt >= limits.attempts() || isHopeless || isClosed) {
                    throw new IOException(
                            what + ": " + e.getMessage()
                                    + (isHopeless ? "" : ", and did so " + attempt + " times; try again later"),
                            e);
                }
                pause(what, attempt, e.waitSeconds());
            }
        }
    }

    /** Waits a random time, so that many clients do not come back at once. */
    private void pause(String what, int attempt, long waitSeconds) throws IOException {
        long longest =
                Math.min(limits.longestPause().toMillis(), limits.firstPause().toMillis() << Math.min(attempt - 1, 20));
        long millis = longest / 2 + ThreadLocalRandom.current().nextLong(longest / 2 + 1);
        try {
            Thread.sleep(Math.max(millis, 1000 * Math.min(waitSeconds, MAX_WAIT_SECONDS)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw interrupted(what);
        }
    }

    private static InterruptedIOException interrupted(String what) {
        return new InterruptedIOException(what + ": interrupted");
    }

    private <T> T sendOnce(String what, Request request, Receiver<T> receiver) throws IOException {
        URI known = request.isReading() ? knownTarget(request.uri()) : null;
        URI uri = known == null ? request.uri() : known;
        Set<URI> seen = new HashSet<>();
        try {
            connections.acquire();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw interrupted(what);
        }
        try {
            while (true) {
                if (!seen.add(uri) || seen.size() > MAX_REDIRECTS) {
                    throw new IOException(
                            what + ": its server redirects in a circle, lastly to " + HttpPlace.shown(uri));
                }
                Answer answer = exchange(what, request, uri);
                try (Body _ = answer.body()) {
                    hasAnswered = true;
                    if (isRedirect(answer.status())) {
                        uri = redirected(what, request, answer);
                    } else if (known != null && uri.equals(known) && answer.status() >= 400) {
                        forgetTarget(request.uri()); // such targets are often good for some minutes only
                        known = null;
                        uri = request.uri();
                    } else {
                        if (seen.size() > 1 && answer.status() < 300) {
                            rememberTarget(request.uri(), uri);
                        }
                        return receive(receiver, answer);
                    }
                }
            }
        } finally {
            connections.release();
        }
    }

    private static <T> T receive(Receiver<T> receiver, Answer answer) throws IOException {
        try {
            return receiver.receive(answer);
        } catch (Body.BrokenOff e) {
            throw TryAgain.broken(host(answer.uri()) + " broke off its answer: " + e.getMessage(), e);
        }
    }

    private static boolean isRedirect(int status) {
        return switch (status) {
            case 301, 302, 303, 307, 308 -> true;
            default -> false;
        };
    }

    private URI redirected(String what, Request request, Answer answer) throws IOException {
        String text = answer.header("Location");
        URI target;
        try {
            target = answer.uri().resolve(new URI(text == null ? "" : text));
        } catch (URISyntaxException e) {
            target = null;
        }
        if (text == null || text.isEmpty() || target == null || target.getHost() == null) {
            throw new IOException(what + ": " + host(answer.uri()) + " redirects to no place");
        }
        String scheme = String.valueOf(target.getScheme()).toLowerCase(java.util.Locale.ROOT);
        boolean isSafe =
                scheme.equals("https") || scheme.equals("http") && !isTls(request.uri()) && !isTls(answer.uri());
        if (!isSafe || target.getRawUserInfo() != null) {
            throw new IOException(what + ": " + host(answer.uri()) + " redirects to a place that is not safe, " + scheme
                    + "://" + host(target));
        }
        if (!request.isReading()) {
            throw new IOException(what + ": " + host(answer.uri()) + " redirects to " + HttpPlace.shown(target)
                    + ", which is not followed when something is written: name that place as the store");
        }
        return target;
    }

    private static boolean isTls(URI uri) {
        return "https".equalsIgnoreCase(uri.getScheme());
    }

    private @Nullable URI knownTarget(URI uri) {
        synchronized (redirects) {
            return redirects.get(uri);
        }
    }

    private void forgetTarget(URI uri) {
        synchronized (redirects) {
            redirects.remove(uri);
        }
    }

    private void rememberTarget(URI uri, URI target) {
        synchronized (redirects) {
            if (redirects.size() >= KEPT_REDIRECTS) {
                redirects.clear();
            }
            redirects.put(uri, target);
        }
    }

    private Answer exchange(String what, Request request, URI uri) throws IOException {
        HttpRequest.Builder builder = HttpRequest.newBuilder(uri).header("User-Agent", "armoire");
        request.headers().forEach(builder::header);
        String secret = authorization;
        if (secret != null && isSameOrigin(uri, place.uri())) {
            builder.header("Authorization", secret);
        }
        Upload upload = new Upload(request.content() == null ? List.of() : request.content());
        builder.method(
                request.method(), request.content() == null ? HttpRequest.BodyPublishers.noBody() : upload.publisher());
        CompletableFuture<HttpResponse<Body>> sending =
                client.sendAsync(builder.build(), information -> new Body(limits));
        HttpResponse<Body> response = await(what, sending, upload, uri);
        return new Answer(response.statusCode(), response.headers(), response.body(), uri);
    }

    private static boolean isSameOrigin(URI one, URI other) {
        return one.getScheme().equalsIgnoreCase(other.getScheme())
                && one.getHost().equalsIgnoreCase(other.getHost())
                && port(one) == port(other);
    }

    private static int port(URI uri) {
        return uri.getPort() >= 0 ? uri.getPort() : isTls(uri) ? 443 : 80;
    }

    private HttpResponse<Body> await(String what, CompletableFuture<HttpResponse<Body>> sending, Upload upload, URI uri)
            throws IOException {
        long begun = System.nanoTime();
        long tick = Math.min(Duration.ofSeconds(1).toNanos(), limits.silence().toNanos());
        while (true) {
            try {
                return sending.get(tick, TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                long now = System.nanoTime();
                if (Math.min(now - begun, now - upload.lastRead())
                        > limits.silence().toNanos()) {
                    abandon(sending);
                    throw TryAgain.broken(
                            host(uri) + " did not answer for "
                                    + limits.silence().toSeconds() + " s",
                            e);
                }
            } catch (InterruptedException e) {
                abandon(sending);
                Thread.currentThread().interrupt();
                throw interrupted(what);
            } catch (ExecutionException e) {
                throw failed(what, uri, e.getCause());
            }
        }
    }

    /** An answer that arrives all the same is let go of. */
    private static void abandon(CompletableFuture<HttpResponse<Body>> sending) {
        var _ = sending.thenAccept(late -> late.body().close());
        sending.cancel(true);
    }

    private IOException failed(String what, URI uri, @Nullable Throwable failure) {
        String host = host(uri);
        return switch (failure) {
            case SSLHandshakeException e -> tlsRefused(what, host, e);
            case SSLPeerUnverifiedException e -> tlsRefused(what, host, e);
            case SSLException e
            when String.valueOf(e.getMessage()).contains("ecognized SSL message") ->
                new IOException(what + ": no TLS connection to " + host
                        + ": it answers without TLS; if that is meant, name it with http://");
            case HttpConnectTimeoutException e ->
                TryAgain.unreachable(
                        host + " takes no connection within " + limits.connect().toSeconds() + " s", e);
            case ConnectException e
            when find(e, UnresolvedAddressException.class) != null ->
                TryAgain.unreachable("there is no host " + host + "; check the location and the network", e);
            case ConnectException e -> TryAgain.unreachable(host + " refuses connections; is the server running?", e);
            case ProtocolException e ->
                TryAgain.broken(host + " does not speak HTTP there (" + e.getMessage() + ")", e);
            case IOException e when find(e, SSLHandshakeException.class) != null -> tlsRefused(what, host, e);
            case IOException e -> TryAgain.broken(host + " broke the connection (" + e.getMessage() + ")", e);
            case null, default -> new IOException(what + ": " + failure, failure);
        };
    }

    private static <X extends Throwable> @Nullable X find(@Nullable Throwable failure, Class<X> type) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (type.isInstance(cause)) {
                return type.cast(cause);
            }
        }
        return null;
    }

    private static IOException tlsRefused(String what, String host, IOException e) {
        String words = String.valueOf(e.getMessage());
        boolean isUntrusted =
                words.contains("PKIX") || words.contains("certif") || words.contains("subject alternative");
        return new IOException(
                what + ": no TLS connection to " + host + ": "
                        + (isUntrusted
                                ? "its certificate is not trusted (" + words + "); if it is signed by an authority of"
                                        + " your own, name that one's PEM file with the setting tls_ca_file"
                                : words),
                e);
    }

    static String host(URI uri) {
        return uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort());
    }

    /** The failure that a status means which the caller did not expect. */
    IOException refused(String what, Answer answer) {
        int status = answer.status();
        String host = host(answer.uri());
        String words = words(answer);
        return switch (status) {
            case 401, 407 ->
                new AccessDeniedException(
                        place.toString(),
                        null,
                        what + ": " + host
                                + (authorization == null
                                        ? " wants to know who asks: set auth_token, or username and password, of this"
                                                + " store in stores.yml"
                                        : " does not accept the credentials: check auth_token, or username and"
                                                + " password, of this store in stores.yml"));
            case 403 -> new AccessDeniedException(place.toString(), null, what + ": " + host + " forbids it" + words);
            case 404, 410 -> new NoSuchFileException(place.toString(), null, what + ": " + host + " has no such file");
            case 408, 425, 429, 500, 502, 503, 504 ->
                TryAgain.overloaded(host + " answered with status " + status + words, retryAfter(answer));
            default -> new IOException(what + ": " + host + " answered with status " + status + words);
        };
    }

    private static long retryAfter(Answer answer) {
        String text = answer.header("Retry-After");
        return text != null && text.matches("[0-9]{1,6}") ? Long.parseLong(text) : 0;
    }

    /** {@code : words}, the beginning of what the server says of an error, made harmless; empty for pages of HTML. */
    private static String words(Answer answer) {
        if (answer.headers().firstValue("Content-Type").orElse("").contains("html")) {
            return "";
        }
        try {
            String text = new String(answer.body().readAtMost(MAX_WORDS_BYTES), StandardCharsets.UTF_8).strip();
            String line = text.lines().findFirst().orElse("").replaceAll("\\p{Cntrl}", "?");
            return line.isEmpty() ? "" : ": " + line;
        } catch (IOException e) {
            return "";
        }
    }

    @Override
    public void close() {
        isClosed = true;
        client.shutdownNow();
    }
}
