// SPDX-License-Identifier: ISC
package dev.armoire.cli.mount;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * Shows what is exported to browsers: lists of folders, and files with ranges. Reading only; no password. What a file holds
 * is never run as a script of this site. Owns its threads.
 */
public final class HttpFace implements AutoCloseable {
    private static final int THREADS = 8;
    private static final int COPY_BYTES = 64 << 10;
    private static final DateTimeFormatter HTTP_TIME = DateTimeFormatter.ofPattern(
                    "EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);

    private final HttpServer server;
    private final ExecutorService threads;
    private final String host;
    private final Exported exported;
    private final SnapshotFiles files;
    private final FuseServer.Troubles troubles;

    private HttpFace(
            HttpServer server, String host, Exported exported, SnapshotFiles files, FuseServer.Troubles troubles) {
        this.server = server;
        this.host = host;
        this.exported = exported;
        this.files = files;
        this.troubles = troubles;
        this.threads = Executors.newFixedThreadPool(
                THREADS, Thread.ofPlatform().daemon().name("http-", 0).factory());
    }

    /**
     * Begins to serve.
     *
     * @param address {@code http://HOST:PORT}; port 0 for a free one
     * @throws IllegalArgumentException when that is none
     */
    public static HttpFace start(String address, Exported exported, SnapshotFiles files, FuseServer.Troubles troubles)
            throws IOException {
        URI uri;
        try {
            uri = new URI(address);
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException(e.getReason(), e);
        }
        // Go's http://:8080 means every address; URI knows no authority without a host.
        String authority = uri.getRawAuthority();
        String host = uri.getHost();
        if (host == null && authority != null && authority.matches(":\\d{1,5}")) {
            host = "0.0.0.0";
        }
        String path = uri.getRawPath();
        if (host == null || authority == null || path != null && !path.isEmpty() && !path.equals("/")) {
            throw new IllegalArgumentException("not an address to listen at");
        }
        int colon = authority.lastIndexOf(':');
        int port = uri.getPort() >= 0 ? uri.getPort() : colon == 0 ? Integer.parseInt(authority.substring(1)) : 80;
        InetSocketAddress place = new InetSocketAddress(host.replaceAll("[\\[\\]]", ""), port);
        if (place.isUnresolved()) {
            throw new IllegalArgumentException("no host is called " + host);
        }
        HttpFace face = new HttpFace(HttpServer.create(place, 0), host, exported, files, troubles);
        face.server.setExecutor(face.threads);
        face.server.createContext("/", face::handle);
        face.server.start();
        return face;
    }

    /** Where it can be reached, with the port that it has. */
    public String address() {
        return "http://" + host + ":" + server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            String method = exchange.getRequestMethod();
            Headers headers = exchange.getResponseHeaders();
            headers.set("X-Content-Type-Options", "nosniff");
            headers.set(
                    "Content-Security-Policy",
                    "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'");
            if (!method.equals("GET") && !method.equals("HEAD")) {
                headers.set("Allow", "GET, HEAD");
                say(exchange, 405, "reading only");
            } else if (!isOurs(exchange)) {
                say(exchange, 403, "asked for under the name of another host");
            } else {
                find(exchange, bytes(exchange.getRequestURI().getRawPath()));
            }
        }
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

    private void find(HttpExchange exchange, byte[] path) throws IOException {
        SnapshotHeader header = exported.only();
        byte[] clean = SnapshotPath.clean(path);
        byte[] inside;
        if (header == null) {
            if (SnapshotPath.isRoot(clean)) {
                listSnapshots(exchange);
                return;
            }
            byte[] name = SnapshotPath.components(clean).getFirst();
            header = snapshot(new String(name, StandardCharsets.ISO_8859_1));
            inside = SnapshotPath.clean(Arrays.copyOfRange(clean, name.length + 1, clean.length));
        } else {
            inside = SnapshotPath.clean(join(exported.folder(), clean));
        }
        if (header == null) {
            say(exchange, 404, "no such snapshot");
            return;
        }
        SnapshotHeader found = header;
        try {
            Entry entry = files.<@Nullable Entry>ask(found, view -> view.follow(inside));
            if (entry == null || !SnapshotPath.isWithin(entry.path(), exported.folder())) {
                say(exchange, 404, "not in the snapshot");
            } else if (entry.isDirectory()) {
                if (path[path.length - 1] != '/') {
                    exchange.getResponseHeaders()
                            .set("Location", exchange.getRequestURI().getRawPath() + "/");
                    say(exchange, 301, "a folder");
                } else {
                    listFolder(exchange, found, entry);
                }
            } else if (entry.isRegular()) {
                send(exchange, found, entry);
            } else {
                say(exchange, 404, "neither a file nor a folder");
            }
        } catch (CorruptDataException e) {
            troubles.failed(found, inside, String.valueOf(e.getMessage()));
            damaged(exchange);
        } catch (UncheckedIOException e) {
            troubles.failed(found, inside, String.valueOf(e.getCause()));
            damaged(exchange);
        }
    }

    /** Once a part is out, only a connection that breaks can tell that the rest does not come. */
    private static void damaged(HttpExchange exchange) throws IOException {
        if (exchange.getResponseCode() >= 0) {
            throw new IOException("damaged");
        }
        exchange.getResponseHeaders().remove("Content-Range");
        say(exchange, 500, "this cannot be read from the store: see what `armoire mount` says");
    }

    private @Nullable SnapshotHeader snapshot(String name) {
        SnapshotHeader known = exported.snapshots().get(name);
        if (known != null) {
            return known;
        }
        return exported.snapshots().values().stream()
                .filter(header -> header.identifier().hex().equals(name))
                .findAny()
                .orElse(null);
    }

    private static byte[] join(byte[] folder, byte[] below) {
        byte[] joined = Arrays.copyOf(folder, folder.length + below.length);
        System.arraycopy(below, 0, joined, folder.length, below.length);
        return joined;
    }

    // Answers

    private static void say(HttpExchange exchange, int code, String text) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
        sendAll(exchange, code, (text + '\n').getBytes(StandardCharsets.UTF_8));
    }

    private static void sendAll(HttpExchange exchange, int code, byte[] body) throws IOException {
        boolean isHead = exchange.getRequestMethod().equals("HEAD");
        if (isHead) {
            exchange.getResponseHeaders().set("Content-Length", Integer.toString(body.length));
        }
        exchange.sendResponseHeaders(code, isHead ? -1 : body.length);
        if (!isHead) {
            exchange.getResponseBody().write(body);
        }
    }

    private void listSnapshots(HttpExchange exchange) throws IOException {
        StringBuilder page = new StringBuilder(head("snapshots"));
        exported.snapshots()
                .forEach((name, header) -> page.append("<a href=\"")
                        .append(name)
                        .append("/\">")
                        .append(name)
                        .append("</a>  ")
                        .append(time(header.timestamp()))
                        .append("  ")
                        .append(escape(SnapshotPath.display(header.source().directory())))
                        .append('\n'));
        exchange.getResponseHeaders().set("Content-Type", "text/html; charset=utf-8");
        sendAll(exchange, 200, page.append("</pre>\n").toString().getBytes(StandardCharsets.UTF_8));
    }

    private void listFolder(HttpExchange exchange, SnapshotHeader header, Entry folder) throws IOException {
        // A line is some 200 bytes, so even a million items fit; and damage is known before the first byte is out.
        ByteArrayOutputStream page = new ByteArrayOutputStream();
        try (Writer out = new OutputStreamWriter(page, StandardCharsets.UTF_8)) {
            out.write(head(SnapshotPath.display(folder.path())));
            out.write("<a href=\"../\">../</a>\n");
            files.ask(header, view -> {
                view.forEachChild(folder.path(), (entry, mac) -> {
                    line(out, entry);
                    return true;
                });
                return true;
            });
            out.write("</pre>\n");
        }
        exchange.getResponseHeaders().set("Content-Type", "text/html; charset=utf-8");
        sendAll(exchange, 200, page.toByteArray());
    }

    private static void line(Writer out, Entry entry) {
        String slash = entry.isDirectory() ? "/" : "";
        boolean isLink = FileMode.isSymlink(entry.info().mode());
        try {
            out.write("<a href=\"./" + percent(entry.name()) + slash + "\">"
                    + escape(SnapshotPath.display(entry.name())) + slash + "</a>"
                    + (isLink ? " -&gt; " + escape(SnapshotPath.display(entry.linkTarget())) : "")
                    + "  " + time(modified(entry))
                    + (entry.isRegular() ? "  " + entry.info().size() : "") + '\n');
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String head(String title) {
        return "<!doctype html>\n<meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n<title>"
                + escape(title) + "</title>\n<pre>\n";
    }

    private void send(HttpExchange exchange, SnapshotHeader header, Entry file) throws IOException {
        SnapshotFiles.Content content = files.content(header, file);
        Headers headers = exchange.getResponseHeaders();
        headers.set("Content-Type", file.contentType().isEmpty() ? "application/octet-stream" : file.contentType());
        headers.set("Accept-Ranges", "bytes");
        headers.set("ETag", '"' + file.object().hex() + '"');
        headers.set("Last-Modified", HTTP_TIME.format(modified(file)));
        long size = content.size();
        long[] range = range(exchange.getRequestHeaders().getFirst("Range"), size);
        if (range != null && range[0] >= range[1]) {
            headers.set("Content-Range", "bytes */" + size);
            say(exchange, 416, "beyond the end");
            return;
        }
        long from = range == null ? 0 : range[0];
        long length = (range == null ? size : range[1]) - from;
        if (range != null) {
            headers.set("Content-Range", "bytes " + from + '-' + (range[1] - 1) + '/' + size);
        }
        int code = range == null ? 200 : 206;
        if (exchange.getRequestMethod().equals("HEAD")) {
            headers.set("Content-Length", Long.toString(length));
            exchange.sendResponseHeaders(code, -1);
            return;
        }
        boolean[] hasBegun = {false};
        // The headers wait for the first chunk: if that is damaged, there is still time to say so.
        byte[] copy = new byte[COPY_BYTES];
        content.read(from, length, data -> {
            if (!hasBegun[0]) {
                exchange.sendResponseHeaders(code, length);
                hasBegun[0] = true;
            }
            OutputStream out = exchange.getResponseBody();
            for (long at = 0; at < data.byteSize(); at += copy.length) {
                int count = (int) Math.min(copy.length, data.byteSize() - at);
                MemorySegment.copy(data, ValueLayout.JAVA_BYTE, at, copy, 0, count);
                out.write(copy, 0, count);
            }
        });
        if (!hasBegun[0]) {
            exchange.sendResponseHeaders(code, -1); // an empty file
        }
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

    // Texts

    private static Instant modified(Entry entry) {
        return Instant.ofEpochSecond(entry.info().mtimeSeconds(), entry.info().mtimeNanos());
    }

    private static String time(Instant time) {
        return DateTimeFormatter.ISO_INSTANT.format(time.truncatedTo(java.time.temporal.ChronoUnit.SECONDS));
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    static String percent(byte[] name) {
        StringBuilder text = new StringBuilder();
        for (byte b : name) {
            boolean isPlain =
                    b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || "-._~".indexOf(b) >= 0;
            if (isPlain) {
                text.append((char) b);
            } else {
                text.append('%').append(HexFormat.of().withUpperCase().toHexDigits(b));
            }
        }
        return text.toString();
    }

    /** A path of a URL as bytes. */
    static byte[] bytes(@Nullable String raw) {
        byte[] text = (raw == null || raw.isEmpty() ? "/" : raw).getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < text.length; i++) {
            int high = i + 2 < text.length ? Character.digit(text[i + 1], 16) : -1;
            int low = i + 2 < text.length ? Character.digit(text[i + 2], 16) : -1;
            if (text[i] == '%' && high >= 0 && low >= 0) {
                bytes.write(high << 4 | low);
                i += 2;
            } else {
                bytes.write(text[i]);
            }
        }
        return bytes.toByteArray();
    }
}
