// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.cli.mount.FuseServer;
import dev.armoire.cli.mount.SnapshotFiles;
import dev.armoire.cli.web.WebExchange;
import dev.armoire.cli.web.WebText;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.Summary;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Folders and files of snapshots: shown, sent, or as an archive. What a file holds is shown as text, which stays text, or by
 * {@code img}, {@code audio} and {@code video}, which run nothing; sent as it is, it is in a sandbox. Thread-safe.
 */
final class UiFilePages {
    private static final int LINES = 1000;
    private static final int SHOWN_BYTES = 256 << 10;
    private static final int BUFFER_BYTES = 64 << 10;

    /** What browsers show as a picture. */
    private static final Set<String> IMAGES = Set.of(
            "image/png",
            "image/jpeg",
            "image/gif",
            "image/webp",
            "image/avif",
            "image/bmp",
            "image/x-icon",
            "image/svg+xml");

    private final UiSnapshots snapshots;
    private final SnapshotFiles files;
    private final FuseServer.Troubles troubles;
    private final Report report;

    UiFilePages(UiSnapshots snapshots, SnapshotFiles files, FuseServer.Troubles troubles, Report report) {
        this.snapshots = snapshots;
        this.files = files;
        this.troubles = troubles;
        this.report = report;
    }

    /** A snapshot, and a path in it. */
    private record Place(SnapshotHeader header, byte[] path) {}

    private interface Showing {
        void at(Place place) throws IOException;
    }

    /** Finds what {@code /WORD/ID/PATH} is about. Damage that is met there is told here, too. */
    private void find(WebExchange exchange, Showing showing) throws IOException {
        byte[] path = exchange.path();
        List<byte[]> parts = SnapshotPath.components(path);
        String id = parts.size() < 2 ? "" : new String(parts.get(1), StandardCharsets.ISO_8859_1);
        SnapshotHeader header = snapshots.find(id);
        if (header == null) {
            UiSite.notFound(exchange, "The store has no such snapshot, or not any more.");
            return;
        }
        byte[] inside =
                Arrays.copyOfRange(path, Math.min(path.length, 2 + parts.getFirst().length + id.length()), path.length);
        Place place = new Place(header, SnapshotPath.clean(inside));
        try {
            showing.at(place);
        } catch (CorruptDataException e) {
            troubles.failed(header, place.path, String.valueOf(e.getMessage()));
            throw e;
        }
    }

    // Pages

    void show(WebExchange exchange) throws IOException {
        find(exchange, place -> {
            Entry entry = files.<@Nullable Entry>ask(place.header, view -> view.lookUp(place.path));
            if (entry == null) {
                UiSite.notFound(
                        exchange,
                        "Snapshot " + place.header.identifier().shortHex() + " has no "
                                + SnapshotPath.display(place.path) + ".");
                return;
            }
            String url = UiPage.url(place.header, entry.path(), entry.isDirectory());
            if (!exchange.rawPath().equals(url)) {
                exchange.redirect(302, url); // a link, a folder without a slash, or another way to write the same
            } else if (entry.isDirectory()) {
                showFolder(exchange, place.header, entry);
            } else {
                showFile(exchange, place.header, entry);
            }
        });
    }

    /** A page with where it is and what can be done there. */
    private UiPage page(SnapshotHeader header, Entry entry) {
        UiPage html = new UiPage(SnapshotPath.display(entry.path()));
        html.html("<nav aria-label=\"folders\"><span class=\"m\">"
                + header.identifier().shortHex() + "</span> of "
                + GoFormat.time(header.timestamp()) + ": <a href=\"" + UiPage.url(header, SnapshotPath.ROOT, true)
                + "\">/</a>");
        byte[] at = SnapshotPath.ROOT;
        for (byte[] name : SnapshotPath.components(entry.path())) {
            at = SnapshotPath.child(at, name);
            boolean isLast = at.length == entry.path().length;
            if (isLast) {
                html.html("<span aria-current=\"page\">").name(name).html("</span>");
            } else {
                html.html("<a href=\"" + UiPage.url(header, at, true) + "\">")
                        .name(name)
                        .html("/</a>");
            }
        }
        html.html("</nav>\n<p class=\"act\">");
        String path = WebText.percentPath(entry.path());
        String place = UiPage.id(header) + path;
        if (entry.isDirectory()) {
            html.html("<a href=\"/archive/" + place + "?format=zip\">Download as .zip</a><a href=\"/archive/" + place
                    + "?format=tarball\">as .tar.gz</a>");
        } else if (entry.isRegular()) {
            html.html("<a href=\"/raw/" + place + "?download=1\">Download</a>");
        }
        html.html("<a href=\"/history?path=" + path + "\">Versions</a>");
        SnapshotHeader before = snapshots.before(header);
        if (before != null) {
            html.html("<a href=\"/diff?a=" + UiPage.id(before) + "&amp;b=" + UiPage.id(header) + "&amp;path=" + path
                    + "\">Compare with the snapshot before</a>");
        }
        return html.html("</p>\n");
    }

    private void showFolder(WebExchange exchange, SnapshotHeader header, Entry folder) throws IOException {
        UiPage html = page(header, folder);
        int page = UiStorePages.page(exchange);
        int skipped = (page - 1) * LINES;
        boolean hasMore = files.ask(header, view -> {
            Summary summary = view.summary(folder.path());
            if (summary != null) {
                html.html("<p>" + summary.directory().children + " entries; "
                        + (summary.directory().files + summary.below().files) + " files of "
                        + GoFormat.bytes(summary.directory().size + summary.below().size)
                        + " with what is below</p>");
            }
            html.table("Name", "#Size", "Changed", "Mode", "Owner", "Type");
            int[] count = {0};
            view.forEachChild(folder.path(), (entry, mac) -> {
                if (count[0] >= skipped && count[0] < skipped + LINES) {
                    line(html, header, entry);
                }
                return ++count[0] <= skipped + LINES;
            });
            return count[0] > skipped + LINES;
        });
        html.endTable()
                .pages(UiPage.url(header, folder.path(), true) + "?page=", page, hasMore)
                .send(200, exchange);
    }

    private static void line(UiPage html, SnapshotHeader header, Entry entry) {
        FileInfo info = entry.info();
        html.html("<tr><td class=\"f\"><a href=\"" + UiPage.url(header, entry.path(), entry.isDirectory()) + "\">")
                .name(entry.name())
                .html(entry.isDirectory() ? "/</a>" : "</a>");
        if (FileMode.isSymlink(info.mode())) {
            html.html(" &rarr; ").name(entry.linkTarget());
        }
        html.html("</td>")
                .number(entry.isRegular() ? GoFormat.bytes(info.size()) : "")
                .time(changed(info))
                .html("<td class=\"m\">" + GoFormat.mode(info.mode()) + "</td><td>");
        owner(html, info);
        html.html("</td><td>")
                .name(SnapshotPath.of(entry.isRegular() ? entry.contentType() : ""))
                .html("</td></tr>\n");
    }

    private static Instant changed(FileInfo info) {
        return Instant.ofEpochSecond(info.mtimeSeconds(), info.mtimeNanos());
    }

    private static void owner(UiPage html, FileInfo info) {
        html.name(SnapshotPath.of(info.username().isEmpty() ? Long.toString(info.uid()) : info.username()))
                .html(":")
                .name(SnapshotPath.of(info.groupname().isEmpty() ? Long.toString(info.gid()) : info.groupname()));
    }

    private void showFile(WebExchange exchange, SnapshotHeader header, Entry file) throws IOException {
        UiPage html = page(header, file);
        FileInfo info = file.info();
        html.html("<p>" + (file.isRegular() ? GoFormat.bytes(info.size()) + " (" + info.size() + " bytes), " : "")
                + "changed " + GoFormat.time(changed(info)) + ", <span class=\"m\">" + GoFormat.mode(info.mode())
                + "</span>, ");
        owner(html, info);
        html.html(", ").name(SnapshotPath.of(file.contentType())).html("</p>\n");
        String raw = "/raw/" + UiPage.id(header) + WebText.percentPath(file.path());
        String type = sentType(file);
        if (FileMode.isSymlink(info.mode())) {
            html.html("<p>A symbolic link to ").name(file.linkTarget()).html(", which is not in this snapshot.</p>");
        } else if (!file.isRegular()) {
            html.html("<p>Neither a file nor a folder.</p>");
        } else if (IMAGES.contains(type)) {
            html.html("<img src=\"" + raw + "\" alt=\"the picture\">");
        } else if (type.startsWith("audio/") || type.startsWith("video/")) {
            String tag = type.substring(0, 5);
            html.html("<" + tag + " controls preload=\"metadata\" src=\"" + raw + "\"></" + tag + ">");
        } else {
            showText(exchange, html, header, file);
        }
        html.send(200, exchange);
    }

    private void showText(WebExchange exchange, UiPage html, SnapshotHeader header, Entry file) {
        SnapshotFiles.Content content = files.content(header, file);
        String given = exchange.text("from");
        long from = given.matches("\\d{1,18}") ? Math.min(content.size(), Long.parseLong(given)) : 0;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        content.read(from, SHOWN_BYTES, data -> out.writeBytes(data.toArray(ValueLayout.JAVA_BYTE)));
        byte[] bytes = out.toByteArray();
        if (TextDiff.isBinary(bytes)) {
            html.html("<p>Not a text, so it is not shown.</p>");
            return;
        }
        long end = from + bytes.length;
        int length = end < content.size() ? wholeCharacters(bytes) : bytes.length;
        html.html("<pre tabindex=\"0\">");
        text(html, new String(bytes, 0, length, StandardCharsets.UTF_8));
        html.html("</pre>\n");
        if (from > 0 || end < content.size()) {
            String url = UiPage.url(header, file.path(), false) + "?from=";
            html.html("<p class=\"act\">Bytes " + from + " to " + (from + length) + ". ");
            if (from > 0) {
                html.html("<a href=\"" + url + Math.max(0, from - SHOWN_BYTES) + "\">Earlier</a>");
            }
            if (end < content.size()) {
                html.html("<a href=\"" + url + (from + length) + "\">Later</a>");
            }
            html.html("</p>");
        }
    }

    /** How many bytes there are up to a character of UTF-8 of which only a part is there. */
    private static int wholeCharacters(byte[] bytes) {
        for (int back = 1; back <= Math.min(4, bytes.length); back++) {
            int b = bytes[bytes.length - back] & 0xff;
            if (b < 0x80) {
                break;
            }
            if (b >= 0xc0) {
                int wanted = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2;
                return wanted > back ? bytes.length - back : bytes.length;
            }
        }
        return bytes.length;
    }

    /** Text line by line, its control characters, and those that turn the direction, made visible. */
    static void text(UiPage html, String text) {
        int start = 0;
        for (int end = text.indexOf('\n'); end >= 0; start = end + 1, end = text.indexOf('\n', start)) {
            line(html, text.substring(start, end));
            html.html("\n");
        }
        line(html, text.substring(start));
    }

    private static void line(UiPage html, String line) {
        String[] cells = (line.endsWith("\r") ? line.substring(0, line.length() - 1) : line).split("\t", -1);
        for (int i = 0; i < cells.length; i++) {
            html.html(i == 0 ? "" : "\t").name(cells[i].getBytes(StandardCharsets.UTF_8));
        }
    }

    // Contents

    /** The type that a file is sent as: pictures and sound as what they are, texts as plain text, all else as bytes. */
    private static String sentType(Entry file) {
        String type = WebExchange.mediaType(file);
        if (IMAGES.contains(type) || type.startsWith("audio/") || type.startsWith("video/")) {
            return type;
        }
        return type.startsWith("text/") ? "text/plain; charset=utf-8" : "application/octet-stream";
    }

    void send(WebExchange exchange) throws IOException {
        find(exchange, place -> {
            Entry file = files.<@Nullable Entry>ask(place.header, view -> view.follow(place.path));
            if (file == null || !file.isRegular()) {
                UiSite.notFound(exchange, "No file is called so in this snapshot.");
                return;
            }
            String type = sentType(file);
            exchange.set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'");
            exchange.set("Cache-Control", "private, no-cache");
            if (type.equals("application/octet-stream")
                    || !exchange.text("download").isEmpty()) {
                exchange.set("Content-Disposition", attachment(file.name(), ""));
            }
            exchange.send(files.content(place.header, file), file, type);
        });
    }

    /** A name for what is downloaded: such as all browsers and systems take, and the true one for those that can. */
    private static String attachment(byte[] name, String ending) {
        String text = new String(name, StandardCharsets.UTF_8).replaceAll("[\\p{Cntrl}/\\\\\ufffd]", "_") + ending;
        return "attachment; filename=\"" + text.replaceAll("[^A-Za-z0-9._ -]", "_") + "\"; filename*=UTF-8''"
                + WebText.percent(text.getBytes(StandardCharsets.UTF_8));
    }

    void archive(WebExchange exchange) throws IOException {
        find(exchange, place -> {
            ArchiveFormat format = exchange.text("format").equals("zip") ? ArchiveFormat.ZIP : ArchiveFormat.TARBALL;
            Entry start = files.<@Nullable Entry>ask(place.header, view -> view.follow(place.path));
            if (start == null) {
                UiSite.notFound(exchange, "Nothing is called so in this snapshot.");
                return;
            }
            byte[] name = SnapshotPath.isRoot(start.path())
                    ? SnapshotPath.of("snapshot-" + place.header.identifier().shortHex())
                    : start.name();
            exchange.set("Content-Disposition", attachment(name, format.ending()));
            OutputStream out = exchange.begin(format.mediaType());
            if (out != null) {
                IOException failure = files.<@Nullable IOException>ask(
                        place.header, view -> write(view, start, format, new BufferedOutputStream(out, BUFFER_BYTES)));
                if (failure != null) {
                    throw failure; // the other end must not take what it has for all
                }
                out.close();
            }
        });
    }

    private @Nullable IOException write(Snapshot snapshot, Entry start, ArchiveFormat format, OutputStream out) {
        try {
            format.write(snapshot, start, SnapshotPath.parent(start.path()), out, report);
            out.flush();
            return null;
        } catch (IOException e) {
            return e;
        }
    }
}
