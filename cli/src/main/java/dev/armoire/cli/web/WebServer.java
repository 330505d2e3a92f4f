// SPDX-License-Identifier: ISC
package dev.armoire.cli.web;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.armoire.connectors.server.HttpListeners;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** Serves one site to browsers. Owns its threads. */
public final class WebServer implements AutoCloseable {
    /** Browsers hold six connections each; one that waits for its next request holds no thread. */
    private static final int THREADS = 16;
    /** Who is served has so long to notice that the end has come. */
    private static final long STOP_MILLIS = 500;

    private final HttpServer server;
    private final ExecutorService threads;
    private final String scheme;
    private final String host;
    private final Site site;

    /** What is served. Called by many threads. */
    @FunctionalInterface
    public interface Site {
        /**
         * Answers a request.
         *
         * @throws IOException when the answer cannot be brought to its end; the connection breaks then
         */
        void answer(WebExchange exchange) throws IOException;
    }

    private WebServer(HttpServer server, String scheme, String host, Site site) {
        this.server = server;
        this.scheme = scheme;
        this.host = host;
        this.site = site;
        this.threads = Executors.newFixedThreadPool(
                THREADS, Thread.ofPlatform().daemon().name("http-", 0).factory());
    }

    /**
     * Begins to serve.
     *
     * @param host the name under which browsers are meant to come
     * @param tls what to prove oneself with, or null to serve without TLS
     * @throws java.net.BindException when the address is not to be had
     */
    public static WebServer start(InetSocketAddress place, String host, @Nullable SSLContext tls, Site site)
            throws IOException {
        WebServer serving =
                new WebServer(HttpListeners.bind(place, tls, 0), tls == null ? "http" : "https", host, site);
        serving.server.setExecutor(serving.threads);
        serving.server.createContext("/", serving::handle);
        serving.server.start();
        return serving;
    }

    /** Where it can be reached, with the port that it has. */
    public String address() {
        return scheme + "://" + host + ":" + server.getAddress().getPort();
    }

    /** Breaks off what is going on, and waits until nothing is. */
    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
        try {
            threads.awaitTermination(STOP_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** An exception breaks the connection: only so a browser learns that an answer has no proper end. */
    private void handle(HttpExchange exchange) throws IOException {
        var body = exchange.getRequestBody(); // unless it was asked for, the connection is not kept
        exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
        WebExchange asked = new WebExchange(exchange, body);
        if (isOurs(exchange)) {
            site.answer(asked);
        } else {
            asked.say(403, "asked for under the name of another host");
        }
        exchange.close();
    }

    /**
     * Whether the browser knows whom it asks: a page of elsewhere can make its own name point at this machine, and would
     * then read what only this machine may see.
     */
    private boolean isOurs(HttpExchange exchange) {
        if (!server.getAddress().getAddress().isLoopbackAddress()) {
            return true;
        }
        String asked = exchange.getRequestHeaders().getFirst("Host");
        String name = asked == null ? "" : asked.replaceFirst(":\\d*$", "");
        return name.isEmpty()
                || name.equalsIgnoreCase(host)
                || name.equalsIgnoreCase("localhost")
                || name.equals("[::1]")
                || name.matches("127(\\.\\d{1,3}){3}");
    }
}
