// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Learns which objects a store of plain files has. No standard says how a web server lists a folder, so names are looked for in
 * whatever page it shows of one: HTML and JSON of nginx, Apache, Caddy, Python and others have them in quotes. Where servers show none, as
 * buckets do, a file LISTING beside CONFIG has all paths, one a line.
 */
final class Listing {
    /** A page of a folder, or LISTING: of a million objects or so. */
    private static final int MAX_PAGE_BYTES = 160 << 20;

    private static final Pattern NAME = Pattern.compile("(?<![0-9A-Za-z])[0-9a-f]{64}(?![0-9A-Za-z])");
    private static final Pattern BUCKET = Pattern.compile("[\"'/=]([0-9a-f]{2})/?[\"'> ]");
    private static final Pattern LINE = Pattern.compile("(?:\\./)?(packfiles|states)/([0-9a-f]{2})/([0-9a-f]{64})");

    private static final String FILE = "LISTING";

    private final HttpLink link;
    private boolean hasLooked;
    private @Nullable String file;

    Listing(HttpLink link) {
        this.link = link;
    }

    /** Names of all objects of a kind, which is not that of locks. */
    List<Mac> names(ObjectKind kind) throws IOException {
        String paths = file();
        Set<Mac> names = new LinkedHashSet<>();
        if (paths == null) {
            search(kind, names);
            return new ArrayList<>(names);
        }
        paths.lines().forEach(line -> {
            Matcher path = LINE.matcher(line.strip());
            if (path.matches()
                    && path.group(1).equals(kind.folder())
                    && path.group(3).startsWith(path.group(2))) {
                names.add(Mac.parse(path.group(3)));
            }
        });
        return new ArrayList<>(names);
    }

    private synchronized @Nullable String file() throws IOException {
        if (!hasLooked) {
            file = page(FILE);
            hasLooked = true;
        }
        String text = file;
        // Some servers have a page of their own for all that they do not have.
        return text != null
                        && text.lines()
                                .anyMatch(line -> LINE.matcher(line.strip()).matches())
                ? text
                : null;
    }

    private void search(ObjectKind kind, Set<Mac> names) throws IOException {
        String page = page(kind.folder() + '/');
        Set<String> buckets = new LinkedHashSet<>();
        if (page != null) {
            BUCKET.matcher(page).results().forEach(bucket -> buckets.add(bucket.group(1)));
        }
        if (buckets.isEmpty()) {
            // Not taken for an empty store: it must not look emptier than it is.
            throw new IOException("cannot list the " + kind.folder() + " of " + link.place() + ": "
                    + HttpLink.host(link.place().uri()) + " shows no listing of that folder; switch that on (nginx:"
                    + " autoindex on), or put a list beside CONFIG: (cd STORE && find packfiles states -type f > "
                    + FILE + ")");
        }
        List<Future<List<Mac>>> pages = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            try {
                for (String bucket : buckets) {
                    pages.add(threads.submit(() -> bucket(kind, bucket)));
                }
                for (Future<List<Mac>> found : pages) {
                    names.addAll(found.get());
                }
            } catch (InterruptedException e) {
                threads.shutdownNow();
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted");
            } catch (ExecutionException e) {
                threads.shutdownNow();
                switch (e.getCause()) {
                    case IOException failure -> throw failure;
                    case RuntimeException failure -> throw failure;
                    case Error failure -> throw failure;
                    case null, default -> throw new IllegalStateException(e);
                }
            }
        }
    }

    private List<Mac> bucket(ObjectKind kind, String bucket) throws IOException {
        String page = page(kind.folder() + '/' + bucket + '/');
        return page == null
                ? List.of() // what looked like a folder is none
                : NAME.matcher(page)
                        .results()
                        .map(java.util.regex.MatchResult::group)
                        .filter(name -> name.startsWith(bucket))
                        .map(Mac::parse)
                        .toList();
    }

    /** What the server shows there, or null when it shows nothing. */
    private @Nullable String page(String path) throws IOException {
        String what = "cannot list " + link.place() + '/' + path;
        try {
            byte[] bytes = link.send(
                    what,
                    HttpLink.Request.get(link.place().below(path), Map.of("Accept-Encoding", "identity")),
                    answer -> {
                        if (answer.status() != 200) {
                            throw link.refused(what, answer);
                        }
                        byte[] page = answer.body().readAtMost(MAX_PAGE_BYTES + 1);
                        if (page.length > MAX_PAGE_BYTES) {
                            throw new CorruptDataException(
                                    what + ": the page has more than " + MAX_PAGE_BYTES + " bytes");
                        }
                        return page;
                    });
            return new String(bytes, StandardCharsets.ISO_8859_1); // a byte each in memory; names are ASCII
        } catch (NoSuchFileException e) {
            return null;
        } catch (AccessDeniedException e) {
            if (link.hasCredentials() || e.getReason() == null || e.getReason().contains("wants to know")) {
                throw e;
            }
            return null; // how nginx says that it lists nothing, and buckets that they have no such file
        }
    }
}
