// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** A server in the test's JVM that answers as the test says, truthfully or not. */
final class FakeServer implements AutoCloseable {
    /** Answers one request. */
    @FunctionalInterface
    interface Conduct {
        void answer(HttpExchange exchange, int number) throws IOException;
    }

    private final HttpServer server;
    private final AtomicInteger requests = new AtomicInteger();

    FakeServer(Conduct conduct) throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", exchange -> {
            try (exchange) {
                conduct.answer(exchange, requests.incrementAndGet());
            }
        });
        server.start();
    }

    int port() {
        return server.getAddress().getPort();
    }

    int requests() {
        return requests.get();
    }

    /** Answers as a server of files does. */
    static void range(HttpExchange exchange, byte[] file) throws IOException {
        int[] range = rangeOf(exchange, file.length);
        exchange.getResponseHeaders().add("Content-Range", "bytes " + range[0] + "-" + range[1] + "/" + file.length);
        exchange.sendResponseHeaders(206, range[1] - range[0] + 1);
        exchange.getResponseBody().write(file, range[0], range[1] - range[0] + 1);
    }

    /** First and last byte that are asked for. */
    static int[] rangeOf(HttpExchange exchange, int size) {
        String[] range = exchange.getRequestHeaders()
                .getFirst("Range")
                .replace("bytes=", "")
                .split("-", -1);
        return range[0].isEmpty()
                ? new int[] {Math.max(0, size - Integer.parseInt(range[1])), size - 1}
                : new int[] {Integer.parseInt(range[0]), Math.min(size - 1, Integer.parseInt(range[1]))};
    }

    static void status(HttpExchange exchange, int status) throws IOException {
        exchange.sendResponseHeaders(status, -1);
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
