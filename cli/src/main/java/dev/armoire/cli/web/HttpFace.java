// SPDX-License-Identifier: ISC
package dev.armoire.cli.web;

import dev.armoire.cli.mount.Exported;
import dev.armoire.cli.mount.FuseServer;
import dev.armoire.cli.mount.SnapshotFiles;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Shows what is exported to browsers: lists of folders, and files with ranges. Reading only; no password. What a file holds
 * is never run as a script of this site.
 */
public final class HttpFace {
    private static final String HTML = "text/html; charset=utf-8";

    private final Exported exported;
    private final SnapshotFiles files;
    private final FuseServer.Troubles troubles;

    private HttpFace(Exported exported, SnapshotFiles files, FuseServer.Troubles troubles) {
        this.exported = exported;
        this.files = files;
        this.troubles = troubles;
    }

    /**
     * Begins to serve. The caller closes the server.
     *
     * @param address {@code http://HOST:PORT}; port 0 for a free one
     * @throws IllegalArgumentException when that is none
     */
    public static WebServer start(String address, Exported exported, SnapshotFiles files, FuseServer.Troubles troubles)
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
        HttpFace face = new HttpFace(exported, files, troubles);
        return WebServer.start(place, host, null, face::answer);
    }

    private void answer(WebExchange exchange) throws IOException {
        exchange.set(
                "Content-Security-Policy",
                "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'");
        if (!exchange.method().equals("GET") && !exchange.method().equals("HEAD")) {
            exchange.set("Allow", "GET, HEAD");
            exchange.say(405, "reading only");
        } else {
            find(exchange, exchange.path());
        }
    }

    private void find(WebExchange exchange, byte[] path) throws IOException {
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
            exchange.say(404, "no such snapshot");
            return;
        }
        SnapshotHeader found = header;
        try {
            Entry entry = files.<@Nullable Entry>ask(found, view -> view.follow(inside));
            if (entry == null || !SnapshotPath.isWithin(entry.path(), exported.folder())) {
                exchange.say(404, "not in the snapshot");
            } else if (entry.isDirectory()) {
                if (path[path.length - 1] != '/') {
                    exchange.redirect(301, exchange.rawPath() + "/");
                } else {
                    listFolder(exchange, found, entry);
                }
            } else if (entry.isRegular()) {
                exchange.send(files.content(found, entry), entry, WebExchange.mediaType(entry));
            } else {
                exchange.say(404, "neither a file nor a folder");
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
    private static void damaged(WebExchange exchange) throws IOException {
        if (exchange.hasBegun()) {
            throw new IOException("damaged");
        }
        exchange.say(500, "this cannot be read from the store: see what `armoire mount` says");
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

    // Lists

    private void listSnapshots(WebExchange exchange) throws IOException {
        StringBuilder page = new StringBuilder(head("snapshots"));
        exported.snapshots()
                .forEach((name, header) -> page.append("<a href=\"")
                        .append(name)
                        .append("/\">")
                        .append(name)
                        .append("</a>  ")
                        .append(time(header.timestamp()))
                        .append("  ")
                        .append(WebText.display(header.source().directory()))
                        .append('\n'));
        exchange.send(200, HTML, page.append("</pre>\n").toString().getBytes(StandardCharsets.UTF_8));
    }

    private void listFolder(WebExchange exchange, SnapshotHeader header, Entry folder) throws IOException {
        // A line is some 200 bytes, so even a million items fit; and damage is known before the first byte is out.
        ByteArrayOutputStream page = new ByteArrayOutputStream();
        try (Writer out = new OutputStreamWriter(page, StandardCharsets.UTF_8)) {
            out.write(head(WebText.display(folder.path())));
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
        exchange.send(200, HTML, page.toByteArray());
    }

    private static void line(Writer out, Entry entry) {
        String slash = entry.isDirectory() ? "/" : "";
        boolean isLink = FileMode.isSymlink(entry.info().mode());
        try {
            out.write("<a href=\"./" + WebText.percent(entry.name()) + slash + "\">"
                    + WebText.display(entry.name()) + slash + "</a>"
                    + (isLink ? " -&gt; " + WebText.display(entry.linkTarget()) : "")
                    + "  " + time(modified(entry))
                    + (entry.isRegular() ? "  " + entry.info().size() : "") + '\n');
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String head(String title) {
        return "<!doctype html>\n<meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n<title>"
                + title + "</title>\n<pre>\n";
    }

    // Texts

    private static Instant modified(Entry entry) {
        return Instant.ofEpochSecond(entry.info().mtimeSeconds(), entry.info().mtimeNanos());
    }

    private static String time(Instant time) {
        return DateTimeFormatter.ISO_INSTANT.format(time.truncatedTo(java.time.temporal.ChronoUnit.SECONDS));
    }
}
