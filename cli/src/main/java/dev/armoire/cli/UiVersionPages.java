// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.cli.mount.SnapshotFiles;
import dev.armoire.cli.web.WebExchange;
import dev.armoire.cli.web.WebText;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.exclude.NameGlob;
import dev.armoire.engine.history.FileHistory;
import dev.armoire.engine.query.EntryFilter;
import dev.armoire.engine.query.PathPattern;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.search.SearchIndex;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Pages over several snapshots: where a name is, which versions of a file there are, what two snapshots differ in. Thread-safe. */
final class UiVersionPages {
    private static final int MAX_PATHS = 500;
    private static final int MAX_VERSIONS = 1000;
    /** Folders with more entries are not compared here: both lists are held in memory. */
    private static final int MAX_CHILDREN = 100_000;

    private static final int MAX_DIFFERENCES = 2000;

    private final Repository repository;
    private final UiSnapshots snapshots;
    private final SnapshotFiles files;
    private final Session session;

    UiVersionPages(Repository repository, UiSnapshots snapshots, SnapshotFiles files, Session session) {
        this.repository = repository;
        this.snapshots = snapshots;
        this.files = files;
        this.session = session;
    }

    // Search

    /** A path that was found: in how many snapshots, and what it is in the newest of them. */
    private static final class Hit {
        final SnapshotHeader newest;
        final Entry entry;
        int count;

        Hit(SnapshotHeader newest, Entry entry) {
            this.newest = newest;
            this.entry = entry;
        }
    }

    /** A word without wildcards is looked for anywhere in names. */
    private static PathPattern pattern(String word) throws NameGlob.SyntaxException {
        boolean isPlain = word.chars().noneMatch(c -> "*?[\\/".indexOf(c) >= 0);
        return PathPattern.parse((isPlain ? '*' + word + '*' : word).getBytes(StandardCharsets.UTF_8));
    }

    void search(WebExchange exchange) throws IOException {
        String word = exchange.text("q").strip();
        UiPage html =
                new UiPage(word.isEmpty() ? "Search" : "Search for " + SnapshotPath.display(SnapshotPath.of(word)));
        html.html("<form><label>Name or pattern <input name=\"q\" type=\"search\" size=\"40\" value=\""
                + WebText.escape(word) + "\"></label><button>Search</button></form>"
                + "<p class=\"soft\">* ? [a-z] match within a name, ** any number of folders; a pattern with a slash is for the"
                + " last parts of the path, or all of it if it begins with one.</p>");
        if (word.isEmpty()) {
            html.send(200, exchange);
            return;
        }
        List<PathPattern> patterns;
        try {
            patterns = List.of(pattern(word));
        } catch (NameGlob.SyntaxException e) {
            html.note("This is no pattern: it " + e.reason() + ".").send(400, exchange);
            return;
        }
        Map<ByteBuffer, Hit> hits = new LinkedHashMap<>();
        boolean[] isCut = {false};
        List<SnapshotHeader> all = snapshots.all();
        Map<Mac, SnapshotHeader> byId =
                all.stream().collect(Collectors.toMap(SnapshotHeader::identifier, header -> header, (a, b) -> a));
        FileSearch.Visitor visitor = (id, time, entry) -> {
            Hit hit = hits.get(ByteBuffer.wrap(entry.path()));
            SnapshotHeader header = byId.get(id);
            if (hit != null) {
                hit.count++;
            } else if (hits.size() == MAX_PATHS) {
                isCut[0] = true;
            } else if (header != null) {
                Hit first = new Hit(header, entry);
                first.count = 1;
                hits.put(ByteBuffer.wrap(entry.path()), first);
            }
        };
        try (BlobReader reader = repository.newReader();
                SearchIndex index = SearchIndex.open(repository)) {
            if (index != null) {
                index.update(all);
            }
            SearchIndex.Results known =
                    index == null ? null : index.search(patterns, EntryFilter.any(), session.workers());
            if (index != null && known == null) {
                html.note("Far too many things match this: name more of what you look for.")
                        .send(200, exchange);
                return;
            }
            new FileSearch(reader, FileSearch.matching(patterns, entry -> true), visitor, this::tell)
                    .search(all, known);
        }
        if (isCut[0]) {
            html.note("There are more; these are the first " + MAX_PATHS + " paths.");
        }
        html.html("<p>" + hits.size() + (hits.size() == 1 ? " path" : " paths")
                + ", each as it is in the newest snapshot that has it</p>");
        html.table("Path", "#Size", "Changed", "Newest", "#Snapshots", "");
        for (Hit hit : hits.values()) {
            Entry entry = hit.entry;
            html.html("<tr><td class=\"f\"><a href=\"" + UiPage.url(hit.newest, entry.path(), entry.isDirectory())
                            + "\">")
                    .name(entry.path())
                    .html(entry.isDirectory() ? "/</a></td>" : "</a></td>")
                    .number(entry.isRegular() ? GoFormat.bytes(entry.info().size()) : "")
                    .time(Instant.ofEpochSecond(
                            entry.info().mtimeSeconds(), entry.info().mtimeNanos()))
                    .time(hit.newest.timestamp())
                    .number(Integer.toString(hit.count))
                    .html("<td><a href=\"/history?path=" + WebText.percentPath(entry.path())
                            + "\">Versions</a></td></tr>\n");
        }
        html.endTable().send(200, exchange);
    }

    private void tell(SnapshotHeader header, String problem) {
        session.report().error("snapshot " + header.identifier().shortHex() + ": " + problem);
    }

    // Versions

    void history(WebExchange exchange) throws IOException {
        byte[] given = exchange.parameter("path");
        byte[] path = given.length == 0 ? given : SnapshotPath.clean(given);
        UiPage html = new UiPage(path.length == 0 ? "Versions" : "Versions of " + SnapshotPath.display(path));
        if (path.length == 0) {
            html.note("No path was named.").send(400, exchange);
            return;
        }
        List<FileHistory.Version> versions;
        try (BlobReader reader = repository.newReader();
                SearchIndex index = SearchIndex.open(repository)) {
            versions = new FileHistory(
                            reader,
                            (header, problem) -> tell(header, String.valueOf(problem.getMessage())),
                            false,
                            index)
                    .of(path, new ArrayList<>(snapshots.all()));
        }
        if (versions.isEmpty()) {
            html.note("No snapshot has it. A search finds where else a name is.")
                    .send(404, exchange);
            return;
        }
        if (versions.size() > MAX_VERSIONS) {
            html.note("These are the newest " + MAX_VERSIONS + " of " + versions.size()
                    + "; `armoire history` lists all.");
        }
        html.table("Since", "Snapshot", "#Snapshots", "#Size", "Changed", "What is new", "Content", "");
        for (int i = 0; i < Math.min(MAX_VERSIONS, versions.size()); i++) {
            version(html, versions.get(i), older(versions, i));
        }
        html.endTable().send(200, exchange);
    }

    /** The version before one, of the same source. */
    private static FileHistory.@Nullable Version older(List<FileHistory.Version> versions, int of) {
        FileHistory.Version version = versions.get(of);
        return versions.subList(of + 1, versions.size()).stream()
                .filter(other -> UiSnapshots.isOfSameSource(other.first(), version.first()))
                .findFirst()
                .orElse(null);
    }

    private static void version(UiPage html, FileHistory.Version version, FileHistory.@Nullable Version older) {
        Entry entry = version.entry();
        SnapshotHeader first = version.first();
        Mac content = version.content();
        html.html("<tr>").time(first.timestamp()).html("<td class=\"m\">");
        if (entry == null) {
            html.html(first.identifier().shortHex());
        } else {
            html.html("<a href=\"" + UiPage.url(first, version.path(), entry.isDirectory()) + "\">"
                    + first.identifier().shortHex() + "</a>");
        }
        html.html("</td>")
                .number(Integer.toString(version.snapshots()))
                .number(
                        entry == null || !entry.isRegular()
                                ? ""
                                : GoFormat.bytes(entry.info().size()));
        if (entry == null) {
            html.html("<td></td>");
        } else {
            html.time(Instant.ofEpochSecond(
                    entry.info().mtimeSeconds(), entry.info().mtimeNanos()));
        }
        html.html("<td>")
                .text(version.changes().stream()
                        .map(change -> change.name().toLowerCase(Locale.ROOT))
                        .collect(Collectors.joining(", ")))
                .html("</td><td class=\"m\">" + (content == null ? "" : content.shortHex()) + "</td><td>");
        if (older != null && older.entry() != null && entry != null) {
            html.html("<a href=\"/diff?a=" + UiPage.id(older.first()) + "&amp;b=" + UiPage.id(first) + "&amp;path="
                    + WebText.percentPath(version.path()) + "\">Compare with the one before</a>");
        }
        html.html("</td></tr>\n");
    }

    // Differences

    void compare(WebExchange exchange) throws IOException {
        SnapshotHeader a = snapshots.find(exchange.text("a"));
        SnapshotHeader b = snapshots.find(exchange.text("b"));
        byte[] given = exchange.parameter("path");
        if (a == null || b == null || given.length == 0) {
            UiSite.notFound(exchange, "Two snapshots of this store and a path are wanted.");
            return;
        }
        byte[] path = SnapshotPath.clean(given);
        UiPage html = new UiPage("Differences in " + SnapshotPath.display(path));
        html.html("<p>From <a class=\"m\" href=\"" + UiPage.url(a, path, false) + "\">"
                + a.identifier().shortHex() + "</a> of " + GoFormat.time(a.timestamp()) + " to <a class=\"m\" href=\""
                + UiPage.url(b, path, false) + "\">" + b.identifier().shortHex() + "</a> of "
                + GoFormat.time(b.timestamp()) + "</p>\n");
        files.ask(
                a,
                left -> files.ask(b, right -> {
                    compare(html, left, right, path);
                    return true;
                }));
        html.send(200, exchange);
    }

    private void compare(UiPage html, Snapshot left, Snapshot right, byte[] path) {
        Entry a = left.find(path);
        Entry b = right.find(path);
        if (a == null || b == null) {
            html.html("<p>" + (a == null && b == null ? "Neither has it." : a == null ? "It is new." : "It is gone.")
                    + "</p>");
        } else if (a.isDirectory() && b.isDirectory()) {
            compareFolders(html, left, right, path);
        } else if (a.isRegular() && b.isRegular()) {
            compareFiles(html, new DiffItem.Stored(left, a), new DiffItem.Stored(right, b));
        } else {
            html.html("<p>");
            html.text(what(left, a, right, b)).html("</p>");
        }
    }

    private void compareFiles(UiPage html, DiffItem.Stored a, DiffItem.Stored b) {
        String metadata = metadata(a.entry(), b.entry());
        if (!metadata.isEmpty()) {
            html.html("<p>Changed: ").text(metadata).html("</p>");
        }
        if (DiffItem.isSameObject(a, b)) {
            html.html("<p>The content is the same.</p>");
            return;
        }
        if (a.size() > TextDiff.MAX_BYTES || b.size() > TextDiff.MAX_BYTES) {
            html.html("<p>The contents differ, and are too long to be shown.</p>");
            return;
        }
        byte[] left = content(a);
        byte[] right = content(b);
        if (TextDiff.isBinary(left) || TextDiff.isBinary(right)) {
            html.html("<p>The contents differ, and are no texts: " + GoFormat.bytes(a.size()) + " and "
                    + GoFormat.bytes(b.size()) + ".</p>");
            return;
        }
        List<String> lines = TextDiff.unified(a.label(), left, b.label(), right);
        if (lines == null) {
            html.html("<p>The contents differ, and have too many lines to be shown.</p>");
            return;
        }
        html.html("<pre tabindex=\"0\">");
        for (String line : lines.subList(Math.min(2, lines.size()), lines.size())) {
            String tag = line.startsWith("+") ? "ins" : line.startsWith("-") ? "del" : "";
            html.html(tag.isEmpty() ? "" : "<" + tag + ">");
            UiFilePages.text(html, new String(line.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8));
            html.html(tag.isEmpty() ? "\n" : "</" + tag + ">\n");
        }
        html.html("</pre>");
    }

    private static byte[] content(DiffItem item) {
        try (InputStream in = item.open()) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void compareFolders(UiPage html, Snapshot left, Snapshot right, byte[] path) {
        List<Entry> before = children(left, path);
        List<Entry> after = children(right, path);
        if (before == null || after == null) {
            html.note("These folders have more entries than are compared here: `armoire diff` does it.");
            return;
        }
        html.table("Name", "What is different");
        int differences = 0;
        for (int i = 0, j = 0; (i < before.size() || j < after.size()) && differences < MAX_DIFFERENCES; ) {
            int order = i == before.size()
                    ? 1
                    : j == after.size()
                            ? -1
                            : Arrays.compareUnsigned(
                                    before.get(i).name(), after.get(j).name());
            Entry a = order <= 0 ? before.get(i++) : null;
            Entry b = order >= 0 ? after.get(j++) : null;
            String what = a == null ? "new" : b == null ? "gone" : what(left, a, right, b);
            Entry shown = b != null ? b : a;
            if (shown != null && !what.isEmpty()) {
                differences++;
                SnapshotHeader header = b != null ? right.header() : left.header();
                String url = a == null || b == null
                        ? UiPage.url(header, shown.path(), shown.isDirectory())
                        : "/diff?a=" + UiPage.id(left.header()) + "&amp;b=" + UiPage.id(right.header()) + "&amp;path="
                                + WebText.percentPath(shown.path());
                html.html("<tr><td class=\"f\"><a href=\"" + url + "\">")
                        .name(shown.name())
                        .html((shown.isDirectory() ? "/" : "") + "</a></td><td>")
                        .text(what)
                        .html("</td></tr>\n");
            }
        }
        html.endTable();
        if (differences == 0) {
            html.html("<p>Nothing is different.</p>");
        } else if (differences == MAX_DIFFERENCES) {
            html.note("There may be more; these are the first " + MAX_DIFFERENCES + ".");
        }
    }

    /** Null when there are too many. */
    private static @Nullable List<Entry> children(Snapshot snapshot, byte[] path) {
        List<Entry> children = new ArrayList<>();
        snapshot.forEachChild(path, (entry, mac) -> {
            children.add(entry);
            return children.size() <= MAX_CHILDREN;
        });
        return children.size() > MAX_CHILDREN ? null : children;
    }

    /** In what two entries of one path differ; empty when in nothing. A folder with a change below it has another listing, or not. */
    private static String what(Snapshot left, Entry a, Snapshot right, Entry b) {
        List<String> changes = new ArrayList<>();
        if (a.isDirectory() && b.isDirectory()) {
            if (!isSameListing(left, right, a.path())) {
                changes.add("something in it");
            }
        } else if (!a.object().equals(b.object())) {
            changes.add("content");
        }
        if (!Arrays.equals(a.linkTarget(), b.linkTarget())) {
            changes.add("where it points to");
        }
        String metadata = metadata(a, b);
        if (!metadata.isEmpty()) {
            changes.add(metadata);
        }
        return String.join(", ", changes);
    }

    private static boolean isSameListing(Snapshot left, Snapshot right, byte[] path) {
        Mac mine = left.listing(path);
        return mine != null && mine.equals(right.listing(path));
    }

    private static String metadata(Entry a, Entry b) {
        List<String> changes = new ArrayList<>();
        if (a.info().mode() != b.info().mode()) {
            changes.add("mode " + GoFormat.mode(a.info().mode()) + " to "
                    + GoFormat.mode(b.info().mode()));
        }
        if (a.info().uid() != b.info().uid() || a.info().gid() != b.info().gid()) {
            changes.add("owner " + a.info().uid() + ':' + a.info().gid() + " to "
                    + b.info().uid() + ':' + b.info().gid());
        }
        if (a.info().mtimeSeconds() != b.info().mtimeSeconds()
                || a.info().mtimeNanos() != b.info().mtimeNanos()) {
            changes.add("time");
        }
        return String.join(", ", changes);
    }
}
