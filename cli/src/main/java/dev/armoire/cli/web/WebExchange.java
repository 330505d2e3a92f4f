// SPDX-License-Identifier: ISC
package dev.armoire.cli.web;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import dev.armoire.cli.mount.SnapshotFiles;
import dev.armoire.engine.record.Entry;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** One request and its answer. For the thread that serves it. */
public final class WebExchange {
    private static final int COPY_BYTES = 64 << 10;
    private static final DateTimeFormatter HTTP_TIME = DateTimeFormatter.ofPattern(
                    "EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);
    private static final Pattern MEDIA_TYPE =
            Pattern.compile("[\\w.+-]{1,100}/[\\w.+-]{1,100}(; ?charset=[\\w-]{1,40})?");

    private final HttpExchange exchange;
    private final InputStream body;
    private @Nullable Map<String, byte[]> query;

    WebExchange(HttpExchange exchange, InputStream body) {
        this.exchange = exchange;
        this.body = body;
    }

    // The request

    public String method() {
        return exchange.getRequestMethod();
    }

    private boolean isHead() {
        return method().equals("HEAD");
    }

    /** The path and query as they were sent. */
    public String target() {
        return exchange.getRequestURI().toString();
    }

    /** The path as it was sent. */
    public String rawPath() {
        String path = exchange.getRequestURI().getRawPath();
        return path == null || path.isEmpty() ? "/" : path;
    }

    /** The bytes that the path stands for. */
    public byte[] path() {
        return WebText.bytes(rawPath());
    }

    /** A header of the request, or null. */
    public @Nullable String header(String name) {
        return exchange.getRequestHeaders().getFirst(name);
    }

    /** What stands under a name in the query; empty when nothing does. Of several the first counts. */
    public byte[] parameter(String name) {
        Map<String, byte[]> known = query;
        if (known == null) {
            String raw = exchange.getRequestURI().getRawQuery();
            known = parameters(raw == null ? "" : raw);
            query = known;
        }
        return known.getOrDefault(name, new byte[0]);
    }

    /** The same as text. */
    public String text(String name) {
        return new String(parameter(name), StandardCharsets.UTF_8);
    }

    /**
     * The fields of a form that was sent.
     *
     * @param limit how many bytes of it are looked at
     */
    public Map<String, byte[]> form(int limit) throws IOException {
        return parameters(new String(body.readNBytes(limit), StandardCharsets.UTF_8));
    }

    private static Map<String, byte[]> parameters(String raw) {
        Map<String, byte[]> all = new HashMap<>();
        for (String part : raw.split("&", -1)) {
            int equals = part.indexOf('=');
            if (equals > 0) {
                all.putIfAbsent(
                        part.substring(0, equals),
                        WebText.bytes(part.substring(equals + 1).replace('+', ' ')));
            }
        }
        return all;
    }

    // The answer

    /** Sets a header of the answer. */
    public void set(String name, String value) {
        exchange.getResponseHeaders().set(name, value);
    }

    /** Whether a part of the answer is out. */
    public boolean hasBegun() {
        return exchange.getResponseCode() >= 0;
    }

    /** Answers with a line of text. */
    public void say(int code, String text) throws IOException {
        exchange.getResponseHeaders().remove("Content-Range");
        send(code, "text/plain; charset=utf-8", (text + '\n').getBytes(StandardCharsets.UTF_8));
    }

    /** Sends the browser elsewhere. */
    public void redirect(int code, String to) throws IOException {
        set("Location", to);
        say(code, "see " + to);
    }

    /** Answers with nothing but headers. */
    public void sendNothing(int code) throws IOException {
        exchange.sendResponseHeaders(code, -1);
    }

    /** Answers with these bytes. */
    public void send(int code, String type, byte[] content) throws IOException {
        set("Content-Type", type);
        if (isHead() || content.length == 0) {
            set("Content-Length", Integer.toString(content.length));
        }
        exchange.sendResponseHeaders(code, isHead() || content.length == 0 ? -1 : content.length);
        if (!isHead()) {
            exchange.getResponseBody().write(content);
        }
    }

    /**
     * Begins an answer of unknown length. The caller closes the stream when all is out, and does not when all did not come out.
     *
     * @return null when only the headers are wanted
     */
    public @Nullable OutputStream begin(String type) throws IOException {
        set("Content-Type", type);
        exchange.sendResponseHeaders(200, isHead() ? -1 : 0);
        return isHead() ? null : exchange.getResponseBody();
    }

    /** A media type that a snapshot names, if it is one: it goes into a header. */
    public static String mediaType(Entry file) {
        return MEDIA_TYPE.matcher(file.contentType()).matches() ? file.contentType() : "application/octet-stream";
    }

    /**
     * Answers with a file, or with the part of it that was asked for.
     *
     * @throws dev.armoire.crypto.CorruptDataException when it is damaged, and {@link #hasBegun} says whether it can be told
     */
    public void send(SnapshotFiles.Content content, Entry file, String type) throws IOException {
        String tag = '"' + file.object().hex() + '"';
        Headers headers = exchange.getResponseHeaders();
        headers.set("ETag", tag);
        headers.set(
                "Last-Modified",
                HTTP_TIME.format(Instant.ofEpochSecond(file.info().mtimeSeconds())));
        String known = header("If-None-Match");
        if (known != null && (known.strip().equals("*") || known.contains(tag))) {
            sendNothing(304);
            return;
        }
        headers.set("Content-Type", type);
        headers.set("Accept-Ranges", "bytes");
        long size = content.size();
        String sameAs = header("If-Range");
        long[] range = sameAs == null || sameAs.equals(tag) ? range(header("Range"), size) : null;
        if (range != null && range[0] >= range[1]) {
            headers.set("Content-Range", "bytes */" + size);
            send(416, "text/plain; charset=utf-8", "beyond the end\n".getBytes(StandardCharsets.US_ASCII));
            return;
        }
        long from = range == null ? 0 : range[0];
        long length = (range == null ? size : range[1]) - from;
        if (range != null) {
            headers.set("Content-Range", "bytes " + from + '-' + (range[1] - 1) + '/' + size);
        }
        int code = range == null ? 200 : 206;
        if (isHead() || length == 0) {
            headers.set("Content-Length", Long.toString(length));
            sendNothing(code);
            return;
        }
        // The headers wait for the first chunk: if that is damaged, there is still time to say so.
        byte[] copy = new byte[COPY_BYTES];
        content.read(from, length, data -> {
            if (!hasBegun()) {
                exchange.sendResponseHeaders(code, length);
            }
            OutputStream out = exchange.getResponseBody();
            for (long at = 0; at < data.byteSize(); at += copy.length) {
                int count = (int) Math.min(copy.length, data.byteSize() - at);
                MemorySegment.copy(data, ValueLayout.JAVA_BYTE, at, copy, 0, count);
                out.write(copy, 0, count);
            }
        });
    }

    /** The first byte and the one behind the last, or null when the whole is to be sent. Several ranges are not served. */
    static long @Nullable [] range(@Nullable String text, long size) {
        if (text == null || !text.matches("bytes=(\\d{1,18}-\\d{0,18}|-\\d{1,18})")) {
            return null;
        }
        String given = text.substring("bytes=".length());
        int dash = given.indexOf('-');
        if (dash == 0) {
            return new long[] {Math.max(0, size - Long.parseLong(given.substring(1))), size};
        }
        long from = Long.parseLong(given.substring(0, dash));
        String last = given.substring(dash + 1);
        long end = last.isEmpty() ? size : Math.min(size, Long.parseLong(last) + 1);
        return new long[] {from, end};
    }
}
