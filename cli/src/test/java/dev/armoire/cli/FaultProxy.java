// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Stands in front of a web server and spoils what goes through it, as a seed says. */
final class FaultProxy implements AutoCloseable {
    /** What can happen to a request or its answer. */
    enum Fault {
        LATENCY,
        RESET_BEFORE,
        /** The request gets through, and the answer does not. */
        RESET_AFTER,
        STATUS_500,
        STATUS_503,
        TRUNCATED,
        WRONG_RANGE,
        SLOW_BYTES
    }

    private static final Set<String> NOT_PASSED_ON = Set.of(
            "connection", "content-length", "host", "transfer-encoding", "date", "expect", "upgrade", "http2-settings");
    private static final int LATENCY_MILLIS = 50;

    private final int target;
    private final Random random;
    private final double share;
    private final HttpServer server;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<Fault, Integer> faults = new EnumMap<>(Fault.class);

    /** @param share of the requests that are spoilt, 0 to 1 */
    FaultProxy(int target, long seed, double share) throws IOException {
        this.target = target;
        this.random = new Random(seed);
        this.share = share;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            try (exchange) {
                pass(exchange);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** How often what has happened. */
    synchronized Map<Fault, Integer> faults() {
        return new EnumMap<>(faults);
    }

    private synchronized Fault draw() {
        if (random.nextDouble() >= share) {
            return null;
        }
        Fault fault = Fault.values()[random.nextInt(Fault.values().length)];
        faults.merge(fault, 1, Integer::sum);
        return fault;
    }

    private synchronized int drawBelow(int bound) {
        return random.nextInt(bound);
    }

    private void pass(HttpExchange exchange) throws IOException, InterruptedException {
        Fault fault = draw();
        byte[] content = exchange.getRequestBody().readAllBytes();
        switch (fault) {
            case LATENCY -> Thread.sleep(LATENCY_MILLIS);
            case STATUS_500 -> {
                exchange.sendResponseHeaders(500, -1);
                return;
            }
            case STATUS_503 -> {
                exchange.sendResponseHeaders(503, -1);
                return;
            }
            case RESET_BEFORE -> {
                return; // closing what was not answered closes the connection
            }
            case null, default -> {
                // The answer is spoilt, or nothing.
            }
        }
        HttpResponse<byte[]> answer = ask(exchange, content);
        if (fault == Fault.RESET_AFTER) {
            return;
        }
        send(exchange, answer, fault);
    }

    private HttpResponse<byte[]> ask(HttpExchange exchange, byte[] content) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + target + exchange.getRequestURI()))
                .method(
                        exchange.getRequestMethod(),
                        exchange.getRequestMethod().equals("PUT")
                                ? HttpRequest.BodyPublishers.ofByteArray(content)
                                : HttpRequest.BodyPublishers.noBody());
        exchange.getRequestHeaders().forEach((name, values) -> {
            if (!NOT_PASSED_ON.contains(name.toLowerCase(Locale.ROOT))) {
                values.forEach(value -> request.header(name, value));
            }
        });
        return client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    private void send(HttpExchange exchange, HttpResponse<byte[]> answer, Fault fault)
            throws IOException, InterruptedException {
        byte[] body = answer.body();
        answer.headers().map().forEach((name, values) -> {
            boolean isLengthOfHead =
                    exchange.getRequestMethod().equals("HEAD") && name.equalsIgnoreCase("Content-Length");
            if (isLengthOfHead || !NOT_PASSED_ON.contains(name.toLowerCase(Locale.ROOT))) {
                exchange.getResponseHeaders().put(name, values);
            }
        });
        if (fault == Fault.WRONG_RANGE
                && body.length > 1
                && answer.headers().firstValue("Content-Range").isPresent()) {
            // The bytes are those of a part that was not asked for, and it says so.
            int count = 1 + drawBelow(body.length - 1);
            exchange.getResponseHeaders().set("Content-Range", "bytes 1-" + count + "/1000000000");
            body = Arrays.copyOf(body, count);
        }
        exchange.sendResponseHeaders(answer.statusCode(), body.length == 0 ? -1 : body.length);
        if (body.length == 0) {
            return;
        }
        OutputStream out = exchange.getResponseBody();
        switch (fault) {
            case TRUNCATED -> {
                out.write(body, 0, drawBelow(body.length));
                out.flush();
            }
            case SLOW_BYTES -> {
                int piece = Math.max(1, body.length / 20);
                for (int at = 0; at < body.length; at += piece) {
                    out.write(body, at, Math.min(piece, body.length - at));
                    out.flush();
                    Thread.sleep(2);
                }
            }
            case null, default -> out.write(body);
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
        client.shutdownNow();
    }
}
