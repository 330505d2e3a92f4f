// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.cli.mount.FuseServer;
import dev.armoire.cli.mount.SnapshotFiles;
import dev.armoire.cli.web.WebExchange;
import dev.armoire.cli.web.WebServer;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.engine.query.InvalidTimeException;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.io.UncheckedIOException;

/** What {@code ui} serves: lets in, finds the page that is meant, and says what went wrong. Thread-safe. */
final class UiSite implements WebServer.Site {
    private final UiAccess access;
    private final boolean isOpenToOtherSites;
    private final Report report;
    private final UiStorePages store;
    private final UiFilePages files;
    private final UiVersionPages versions;

    /** @param isOpenToOtherSites whether scripts of other sites may read what they have the token for */
    UiSite(
            Repository repository,
            UiSnapshots snapshots,
            SnapshotFiles contents,
            UiAccess access,
            boolean isOpenToOtherSites,
            Session session,
            FuseServer.Troubles troubles) {
        this.access = access;
        this.isOpenToOtherSites = isOpenToOtherSites;
        this.report = session.report();
        this.store = new UiStorePages(repository, snapshots, session.report());
        this.files = new UiFilePages(snapshots, contents, troubles, session.report());
        this.versions = new UiVersionPages(repository, snapshots, contents, session);
    }

    @Override
    public void answer(WebExchange exchange) throws IOException {
        exchange.set("Content-Security-Policy", UiPage.POLICY);
        exchange.set("Referrer-Policy", "no-referrer");
        exchange.set("Cache-Control", "no-store");
        exchange.set("Cross-Origin-Resource-Policy", isOpenToOtherSites ? "cross-origin" : "same-origin");
        if (isOpenToOtherSites) {
            exchange.set("Access-Control-Allow-Origin", "*");
            exchange.set("Access-Control-Allow-Headers", "Authorization, Range, If-None-Match");
            exchange.set("Access-Control-Expose-Headers", "Accept-Ranges, Content-Range, ETag");
            if (exchange.method().equals("OPTIONS")) {
                exchange.sendNothing(204);
                return;
            }
        }
        if (!access.isLetIn(exchange)) {
            access.ask(exchange);
        } else if (exchange.method().equals("POST") && exchange.rawPath().equals("/login")) {
            exchange.redirect(303, "/"); // the page was open twice
        } else if (!exchange.method().equals("GET") && !exchange.method().equals("HEAD")) {
            exchange.set("Allow", "GET, HEAD");
            exchange.say(405, "reading only");
        } else {
            show(exchange);
        }
    }

    private void show(WebExchange exchange) throws IOException {
        try {
            String path = exchange.rawPath();
            switch (path.substring(1, path.indexOf('/', 1) < 0 ? path.length() : path.indexOf('/', 1))) {
                case "" -> store.list(exchange);
                case "store" -> store.describe(exchange);
                case "growth" -> store.growth(exchange);
                case "growth.svg" -> store.plot(exchange);
                case "s" -> files.show(exchange);
                case "raw" -> files.send(exchange);
                case "archive" -> files.archive(exchange);
                case "search" -> versions.search(exchange);
                case "history" -> versions.history(exchange);
                case "diff" -> versions.compare(exchange);
                default -> notFound(exchange, "There is no such page here.");
            }
        } catch (InvalidTimeException e) {
            failed(exchange, 400, "This cannot be searched for", e.getMessage() + ".");
        } catch (CorruptDataException e) {
            report.error(exchange.rawPath() + ": " + Failures.said(e));
            failed(
                    exchange,
                    500,
                    "This cannot be read from the store",
                    e.getMessage()
                            + ". `armoire check` lists all files that are damaged; `armoire check -heal` mends them"
                            + " where parity was made, and a copy of the store gives them back with `armoire sync`.");
        } catch (PipelineAbortedException e) {
            throw new IOException("ended", e);
        } catch (UncheckedIOException e) {
            failed(exchange, 500, "The store cannot be read", Failures.message(e));
        }
    }

    static void notFound(WebExchange exchange, String words) throws IOException {
        failed(exchange, 404, "Not found", words);
    }

    /** Once a part is out, only a connection that breaks can tell that the rest does not come. */
    private static void failed(WebExchange exchange, int code, String title, String words) throws IOException {
        if (exchange.hasBegun()) {
            throw new IOException(words);
        }
        exchange.set("Content-Security-Policy", UiPage.POLICY);
        new UiPage(title).note(words).send(code, exchange);
    }
}
