// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.cli.web.WebExchange;
import dev.armoire.cli.web.WebText;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.history.StoreUsage;
import dev.armoire.engine.query.SnapshotFilter;
import dev.armoire.engine.query.TimeExpressions;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.Repository;
import dev.armoire.packfile.StoreConfig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Pages about the store: which snapshots it has, what it is, how it has grown. Thread-safe. */
final class UiStorePages {
    private static final int LINES = 200;
    private static final List<String> FILTERS = List.of("name", "tag", "root", "origin", "since", "before");

    private final Repository repository;
    private final UiSnapshots snapshots;
    private final Report report;
    /** Held while growth is found out, which takes long the first time: once is enough. */
    private final ReentrantLock growing = new ReentrantLock();

    private List<StatsCommand.Point> points = List.of();
    private List<Mac> pointsOf = List.of();

    UiStorePages(Repository repository, UiSnapshots snapshots, Report report) {
        this.repository = repository;
        this.snapshots = snapshots;
        this.report = report;
    }

    /** A page number of the query. */
    static int page(WebExchange exchange) {
        String text = exchange.text("page");
        return text.matches("[1-9]\\d{0,5}") ? Integer.parseInt(text) : 1;
    }

    void list(WebExchange exchange) throws IOException {
        List<SnapshotHeader> all = snapshots.all();
        List<SnapshotHeader> found = filter(exchange).select(all, FilterFlags::fields);
        int page = page(exchange);
        UiPage html = new UiPage("Snapshots");
        String trouble = snapshots.trouble();
        if (trouble != null) {
            html.note(trouble);
        }
        html.html("<form>");
        StringBuilder next = new StringBuilder("/?");
        for (String name : FILTERS) {
            String value = exchange.text(name);
            html.html("<label>" + name + " <input name=\"" + name + "\" size=\"10\" value=\"" + WebText.escape(value)
                    + "\"></label> ");
            if (!value.isEmpty()) {
                next.append(name)
                        .append('=')
                        .append(WebText.percent(exchange.parameter(name)))
                        .append("&amp;");
            }
        }
        html.html("<button>Filter</button></form>");
        html.html(
                "<p>" + found.size() + " of " + all.size() + ", newest first. <span class=\"soft\">Times are UTC; since"
                        + " and before take 2026-11-23, 3d, yesterday and the like.</span></p>");
        html.table("Time", "Snapshot", "#Size", "#Files", "#Errors", "Source", "Name", "Tags");
        int from = Math.min(found.size(), (page - 1) * LINES);
        int to = Math.min(found.size(), from + LINES);
        for (SnapshotHeader header : found.subList(from, to)) {
            line(html, header);
        }
        html.endTable().pages(next + "page=", page, to < found.size()).send(200, exchange);
    }

    private static void line(UiPage html, SnapshotHeader header) {
        SnapshotHeader.Source source = header.source();
        byte[] root = source.directory().length == 0 ? SnapshotPath.ROOT : SnapshotPath.clean(source.directory());
        String url = UiPage.url(header, root, true);
        html.html("<tr>")
                .time(header.timestamp())
                .html("<td class=\"m\"><a href=\"" + url + "\">"
                        + header.identifier().shortHex() + "</a></td>")
                .number(GoFormat.bytes(DuCommand.logicalBytes(header)))
                .number(Long.toString(
                        source.summary().directory().files + source.summary().below().files))
                .number(Long.toString(
                        source.summary().directory().errors + source.summary().below().errors))
                .html("<td class=\"f\">")
                .name(SnapshotPath.of(source.origin()))
                .html(":<a href=\"" + url + "\">")
                .name(root)
                .html("</a></td><td>")
                .name(SnapshotPath.of(header.name()))
                .html("</td><td>")
                .name(SnapshotPath.of(String.join(", ", header.tags())))
                .html("</td></tr>\n");
    }

    private static SnapshotFilter filter(WebExchange exchange) {
        SnapshotFilter.Builder filter = SnapshotFilter.builder();
        Instant now = Instant.now();
        for (String name : FILTERS) {
            String value = exchange.text(name).strip();
            if (!value.isEmpty()) {
                switch (name) {
                    case "name" -> filter.name(value);
                    case "tag" -> filter.tags(value);
                    case "root" -> filter.roots(value);
                    case "origin" -> filter.origins(value);
                    case "since" ->
                        filter.since(TimeExpressions.parse(value, now).instant());
                    default -> filter.before(TimeExpressions.parse(value, now).instant());
                }
            }
        }
        return filter.build();
    }

    void describe(WebExchange exchange) throws IOException {
        List<SnapshotHeader> all = snapshots.all();
        StoreConfig config = repository.config();
        UiPage html = new UiPage("Store").html("<table><tbody>");
        fact(html, "Location", repository.storage().location());
        fact(html, "Id", config.repositoryId().toString());
        fact(html, "Made", GoFormat.time(config.timestamp()));
        fact(html, "Encrypted", config.isEncrypted() ? "yes" : "no");
        StoreConfig.CompressionSettings compression = config.compression();
        fact(html, "Compression", compression == null ? "none" : compression.algorithm());
        fact(html, "Hashing", config.hashing().algorithm());
        fact(html, "Snapshots", Integer.toString(all.size()));
        fact(
                html,
                "All files of all snapshots",
                GoFormat.bytes(all.stream().mapToLong(DuCommand::logicalBytes).sum()));
        html.endTable();
        if (!all.isEmpty()) {
            html.html("<h2>Growth</h2><p>The first time, this takes long in a store with many snapshots."
                    + " <a href=\"/growth\">All figures</a></p>"
                    + "<img src=\"/growth.svg\" alt=\"plot of sizes and ratios over time\">");
        }
        html.send(200, exchange);
    }

    private static void fact(UiPage html, String name, String value) {
        html.html("<tr><th scope=\"row\">")
                .text(name)
                .html("</th><td>")
                .name(SnapshotPath.of(value))
                .html("</td></tr>");
    }

    void plot(WebExchange exchange) throws IOException {
        List<StatsCommand.Point> all = points();
        if (all == null) {
            exchange.say(503, "interrupted");
        } else {
            exchange.send(200, "image/svg+xml", GrowthPlot.svg(all).getBytes(StandardCharsets.UTF_8));
        }
    }

    void growth(WebExchange exchange) throws IOException {
        List<StatsCommand.Point> all = points();
        if (all == null) {
            exchange.say(503, "interrupted");
            return;
        }
        int page = page(exchange);
        UiPage html = new UiPage("Growth")
                .html(
                        "<p>Up to and with each snapshot, the newest first: the size of all files of all snapshots, what of it is"
                                + " stored, how many times over deduplication has saved storing, and how much smaller compression has"
                                + " made what is stored.</p>");
        html.table("Time", "Snapshot", "#All files", "#Stored", "#Deduplication", "#Compression");
        List<StatsCommand.Point> newestFirst = all.reversed();
        int from = Math.min(all.size(), (page - 1) * LINES);
        int to = Math.min(all.size(), from + LINES);
        for (StatsCommand.Point point : newestFirst.subList(from, to)) {
            html.html("<tr>")
                    .time(point.header().timestamp())
                    .html("<td class=\"m\">" + point.header().identifier().shortHex() + "</td>")
                    .number(GoFormat.bytes(point.logicalBytes()))
                    .number(GoFormat.bytes(point.storedBytes()))
                    .number(String.format(Locale.ROOT, "%.2f", point.deduplication()))
                    .number(String.format(Locale.ROOT, "%.2f", point.compression()))
                    .html("</tr>\n");
        }
        html.endTable().pages("/growth?page=", page, to < all.size()).send(200, exchange);
    }

    /** Null when interrupted. */
    private @Nullable List<StatsCommand.Point> points() {
        try {
            growing.lockInterruptibly();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        }
        try {
            List<SnapshotHeader> all = snapshots.all();
            List<Mac> ids = all.stream().map(SnapshotHeader::identifier).toList();
            if (!ids.equals(pointsOf)) {
                points = StatsCommand.points(StoreUsage.of(
                        repository,
                        new ArrayList<>(all),
                        false,
                        (header, problem) -> report.error(
                                "snapshot " + header.identifier().shortHex() + ": " + problem.getMessage())));
                pointsOf = ids;
            }
            return points;
        } finally {
            growing.unlock();
        }
    }
}
