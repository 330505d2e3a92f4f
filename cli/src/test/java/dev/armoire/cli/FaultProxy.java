// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import com.sun.net.httpserver.Headers;
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
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** Stands in front of a web server, or one of buckets, and spoils what goes through it, as a seed says. */
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
        SLOW_BYTES,
        /** As S3 says it. */
        SLOW_DOWN,
        /** A byte of what is stored is another one: its checksum is wrong. */
        SPOILT_UPLOAD,
        /** A byte of a packfile or state that is read is another one. */
        SPOILT_DOWNLOAD,
        /** Not drawn: so many requests are under way that one more is refused. */
        TOO_MANY,
        /** Not drawn: by the clock of the service the request was signed at another time. */
        CLOCK_SKEW;

        /** What happens to any web server. */
        static final Set<Fault> OF_THE_WEB = EnumSet.range(LATENCY, SLOW_BYTES);

        static final Set<Fault> OF_BUCKETS = EnumSet.complementOf(EnumSet.of(WRONG_RANGE, TOO_MANY, CLOCK_SKEW));
    }

    private static final Set<String> NOT_PASSED_ON = Set.of(
            "connection", "content-length", "host", "transfer-encoding", "date", "expect", "upgrade", "http2-settings");
    private static final int LATENCY_MILLIS = 50;
    private static final int MOST_AT_ONCE = 8;
    private static final byte[] SLOW_DOWN_BODY =
            "<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
                    .getBytes(StandardCharsets.US_ASCII);

    private static final byte[] SKEWED_BODY = ("<Error><Code>RequestTimeTooSkewed</Code>"
                    + "<Message>The difference between the request time and the current time is too large.</Message></Error>")
            .getBytes(StandardCharsets.US_ASCII);
    private static final Duration TOLERATED_SKEW = Duration.ofMinutes(15);
    private static final DateTimeFormatter SIGNED =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

    private final int target;
    private final Random random;
    private final double share;
    private final Fault[] possible;
    private final HttpServer server;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<Fault, Integer> faults = new EnumMap<>(Fault.class);
    private final AtomicInteger underWay = new AtomicInteger();
    private final AtomicInteger left = new AtomicInteger(Integer.MAX_VALUE);
    private final LongAdder stored = new LongAdder();
    private volatile Duration ahead = Duration.ZERO;
    private volatile ShiftedDates shifted;
    private volatile Runnable kill = () -> {};
    private long held;
    private long mostHeld;

    /**
     * @param share of the requests that are spoilt, 0 to 1
     * @param possible what can happen to them
     */
    FaultProxy(int target, long seed, double share, Set<Fault> possible) throws IOException {
        this.target = target;
        this.possible = possible.toArray(Fault[]::new);
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

    int port() {
        return shifted == null ? server.getAddress().getPort() : shifted.port();
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
        return count(possible[random.nextInt(possible.length)]);
    }

    private synchronized Fault count(Fault fault) {
        faults.merge(fault, 1, Integer::sum);
        return fault;
    }

    /** From then on no request gets through: for what is behind, the client is dead. */
    void dieAfter(int requests) {
        left.set(requests);
    }

    /** Kills the client when a request arrives after so many; half of the times that request still gets through. */
    void killAfter(int requests, Runnable kill) {
        this.kill = kill;
        left.set(requests);
    }

    /** Sets the clock of the service, which refuses what is not signed at about its time; once, before {@link #port} is asked for. */
    void setClock(Duration ahead) throws IOException {
        this.ahead = ahead;
        shifted = ahead.isZero() ? null : new ShiftedDates(server.getAddress().getPort(), ahead);
    }

    /** Bytes of packfiles that were stored. */
    long stored() {
        return stored.sum();
    }

    /** The most bytes of requests and answers that were under way at once. */
    synchronized long mostHeld() {
        return mostHeld;
    }

    private synchronized void hold(long bytes) {
        held += bytes;
        mostHeld = Math.max(mostHeld, held);
    }

    private synchronized int drawBelow(int bound) {
        return random.nextInt(bound);
    }

    private void pass(HttpExchange exchange) throws IOException, InterruptedException {
        int before = left.getAndDecrement();
        if (before <= 0) {
            left.set(-1);
            if (before == 0) {
                if (drawBelow(2) == 0) {
                    ask(exchange, exchange.getRequestBody().readAllBytes());
                }
                kill.run();
            }
            return;
        }
        try {
            int others = underWay.getAndIncrement();
            boolean isTooMany = others >= MOST_AT_ONCE && List.of(possible).contains(Fault.SLOW_DOWN);
            pass(exchange, isTooMany ? count(Fault.TOO_MANY) : draw());
        } finally {
            underWay.decrementAndGet();
        }
    }

    private void pass(HttpExchange exchange, Fault fault) throws IOException, InterruptedException {
        byte[] content = exchange.getRequestBody().readAllBytes();
        if (!ahead.isZero() && isSkewed(exchange)) {
            return;
        }
        hold(content.length);
        try {
            pass(exchange, fault, content);
        } finally {
            hold(-content.length);
        }
    }

    /** Refuses what is signed at another time. */
    private boolean isSkewed(HttpExchange exchange) throws IOException {
        Instant now = Instant.now().plus(ahead);
        Instant signed = Instant.from(SIGNED.parse(exchange.getRequestHeaders().getFirst("X-Amz-Date")));
        if (Duration.between(signed, now).abs().compareTo(TOLERATED_SKEW) <= 0) {
            return false;
        }
        count(Fault.CLOCK_SKEW);
        boolean isHead = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(403, isHead ? -1 : SKEWED_BODY.length);
        if (!isHead) {
            exchange.getResponseBody().write(SKEWED_BODY);
        }
        return true;
    }

    private void pass(HttpExchange exchange, Fault fault, byte[] content) throws IOException, InterruptedException {
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
            case SLOW_DOWN, TOO_MANY -> {
                boolean isHead = exchange.getRequestMethod().equals("HEAD");
                exchange.sendResponseHeaders(503, isHead ? -1 : SLOW_DOWN_BODY.length);
                if (!isHead) {
                    exchange.getResponseBody().write(SLOW_DOWN_BODY);
                }
                return;
            }
            case SPOILT_UPLOAD -> {
                Headers sent = exchange.getRequestHeaders();
                boolean isCompared = sent.containsKey("Content-MD5") || sent.containsKey("x-amz-checksum-crc32");
                if (content.length > 0 && isCompared) {
                    content[drawBelow(content.length)] ^= 1;
                }
            }
            case RESET_BEFORE -> {
                return; // closing what was not answered closes the connection
            }
            case null, default -> {
                // The answer is spoilt, or nothing.
            }
        }
        HttpResponse<byte[]> answer = ask(exchange, content);
        boolean isPackfile = exchange.getRequestURI().getPath().contains("/packfiles/");
        if (exchange.getRequestMethod().equals("PUT") && isPackfile && answer.statusCode() == 200) {
            stored.add(content.length);
        }
        boolean isObject = isPackfile || exchange.getRequestURI().getPath().contains("/states/");
        if (fault == Fault.SPOILT_DOWNLOAD && isObject && answer.body().length > 0 && answer.statusCode() < 300) {
            answer.body()[drawBelow(answer.body().length)] ^= 1;
        }
        if (fault == Fault.RESET_AFTER) {
            return;
        }
        hold(answer.body().length);
        try {
            send(exchange, answer, fault);
        } finally {
            hold(-answer.body().length);
        }
    }

    private HttpResponse<byte[]> ask(HttpExchange exchange, byte[] content) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + target + exchange.getRequestURI()))
                .method(
                        exchange.getRequestMethod(),
                        Set.of("PUT", "POST").contains(exchange.getRequestMethod())
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
    public void close() throws IOException {
        if (shifted != null) {
            shifted.close();
        }
        server.stop(0);
        threads.shutdownNow();
        client.shutdownNow();
    }
}
