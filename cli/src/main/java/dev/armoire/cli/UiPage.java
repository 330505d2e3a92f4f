// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.cli.web.WebExchange;
import dev.armoire.cli.web.WebText;
import dev.armoire.engine.record.SnapshotHeader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.Base64;

/**
 * A page of {@code ui}, written from its head to its end. It loads nothing from elsewhere, and runs no script: what a browser
 * may do with it is said by {@link #POLICY}, so that a name that got out of its quotes would still do nothing.
 */
final class UiPage {
    static final String HTML = "text/html; charset=utf-8";

    private static final String STYLE = """
            :root{color-scheme:light dark;--line:#8886;--soft:#8882}
            body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:75rem;padding:0 1rem 3rem}
            header{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;align-items:center;border-bottom:1px solid var(--line);padding:.6rem 0}
            header form{margin-left:auto}h1{font-size:1.25rem;overflow-wrap:anywhere}h2{font-size:1.05rem}
            table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top}
            th[scope=col]{border-bottom:1px solid var(--line)}tbody tr:hover{background:var(--soft)}
            td.n,th.n{text-align:right;white-space:nowrap}td.f{overflow-wrap:anywhere;min-width:12rem}
            code,pre,.m{font-family:ui-monospace,monospace;font-size:.9em}.m{white-space:nowrap}
            pre{background:var(--soft);padding:.7rem;overflow:auto;tab-size:4}nav a,.act a{margin-right:1rem}
            img,video{max-width:100%;max-height:80vh}.note{border-left:4px solid #c60;padding:.2rem .8rem;background:var(--soft)}
            ins{background:#2a62;text-decoration:none}del{background:#c332;text-decoration:none}.soft{opacity:.7}
            input,select,button{font:inherit}label{margin-right:.6rem;white-space:nowrap}
            """;

    static final String POLICY = "default-src 'none'; style-src " + hash(STYLE)
            + "; img-src 'self'; media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    private final StringBuilder html = new StringBuilder(8 << 10);

    /** A page with the links that all have. */
    UiPage(String title) {
        this(title, "");
        html("<header><strong>Armoire</strong><nav aria-label=\"pages\"><a href=\"/\">Snapshots</a>"
                + "<a href=\"/store\">Store</a></nav><form action=\"/search\" role=\"search\"><label>Find"
                + " <input name=\"q\" type=\"search\" placeholder=\"name, *.pdf, dir/*.c\"></label>"
                + "<button>Search</button></form></header><main>");
        html("<h1>").text(title).html("</h1>");
    }

    /** A page with a title and nothing else. */
    UiPage(String title, String head) {
        html("<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
                + "<meta name=\"viewport\" content=\"width=device-width\"><title>");
        text(title).html(" - Armoire</title><style>" + STYLE + "</style>" + head + "\n");
    }

    /** Stands for a script or style in a policy that lets only this one in. */
    static String hash(String content) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(content.getBytes(StandardCharsets.UTF_8));
            return "'sha256-" + Base64.getEncoder().encodeToString(digest) + "'";
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** Adds HTML of this program's own. */
    UiPage html(String markup) {
        html.append(markup);
        return this;
    }

    /** Adds text, whatever is in it. */
    UiPage text(String text) {
        html.append(WebText.escape(text));
        return this;
    }

    /** Adds a name or path of a snapshot, or text that came from one. */
    UiPage name(byte[] name) {
        html.append(WebText.display(name));
        return this;
    }

    /** Begins a table. Heads that begin with {@code #} are of columns of numbers. */
    UiPage table(String... heads) {
        html("<table><thead><tr>");
        for (String head : heads) {
            boolean isNumber = head.startsWith("#");
            html("<th scope=\"col\"" + (isNumber ? " class=\"n\">" : ">"))
                    .text(isNumber ? head.substring(1) : head)
                    .html("</th>");
        }
        return html("</tr></thead><tbody>\n");
    }

    UiPage endTable() {
        return html("</tbody></table>\n");
    }

    UiPage number(String text) {
        return html("<td class=\"n\">").text(text).html("</td>");
    }

    UiPage time(Instant time) {
        return html("<td class=\"m\">").text(GoFormat.time(time)).html("</td>");
    }

    /** Says something that should not be overlooked. */
    UiPage note(String text) {
        return html("<p class=\"note\" role=\"status\">").text(text).html("</p>\n");
    }

    /** Links to the pages before and behind this one of a list. */
    UiPage pages(String urlUpToNumber, int page, boolean hasMore) {
        if (page > 1 || hasMore) {
            html("<p class=\"act\">");
            if (page > 1) {
                html("<a rel=\"prev\" href=\"" + urlUpToNumber + (page - 1) + "\">Previous page</a>");
            }
            html("Page " + page + " ");
            if (hasMore) {
                html("<a rel=\"next\" href=\"" + urlUpToNumber + (page + 1) + "\">Next page</a>");
            }
            html("</p>\n");
        }
        return this;
    }

    /** What a snapshot is called in URLs. */
    static String id(SnapshotHeader header) {
        return header.identifier().hex().substring(0, 16);
    }

    /** Where a path of a snapshot is shown. */
    static String url(SnapshotHeader header, byte[] path, boolean isFolder) {
        String text = WebText.percentPath(path);
        return "/s/" + id(header) + text + (isFolder && !text.endsWith("/") ? "/" : "");
    }

    void send(int code, WebExchange exchange) throws IOException {
        exchange.send(code, HTML, html.append("</main></html>\n").toString().getBytes(StandardCharsets.UTF_8));
    }
}
