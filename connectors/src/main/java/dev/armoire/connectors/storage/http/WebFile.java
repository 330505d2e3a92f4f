// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import dev.armoire.connectors.storage.blocks.Ranges;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A file of a web server, read by ranges as RFC 9110 §14 has them. The first answer says which version of the file is read;
 * another one is never mixed with it.
 */
final class WebFile implements Ranges {
    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\\*)");
    private static final Pattern UNSATISFIED = Pattern.compile("bytes \\*/([0-9]{1,18})");

    private final HttpLink link;
    private final URI uri;
    private final String label;
    private volatile @Nullable Version version;

    /**
     * What identifies a version.
     *
     * @param condition what If-Range takes, or null when the server gives nothing that is good for it
     */
    private record Version(
            long size,
            @Nullable String tag,
            @Nullable String modified,
            @Nullable String condition) {
        static Version of(Answer answer, long size) {
            String tag = answer.header("ETag");
            String modified = answer.header("Last-Modified");
            return new Version(size, tag, modified, tag == null || tag.startsWith("W/") ? modified : tag);
        }

        boolean isSame(Version other) {
            return size == other.size && Objects.equals(tag, other.tag) && Objects.equals(modified, other.modified);
        }
    }

    /** @param label how messages call it */
    WebFile(HttpLink link, URI uri, String label) {
        this.link = link;
        this.uri = uri;
        this.label = label;
    }

    @Override
    public long size() {
        Version known = version;
        return known == null ? UNKNOWN : known.size;
    }

    @Override
    public long fetch(long from, MemorySegment into) throws IOException {
        String what = "cannot read " + label;
        long[] done = {0};
        while (true) {
            long size = size();
            long wanted = size == UNKNOWN ? into.byteSize() : Math.min(into.byteSize(), size - from);
            if (done[0] >= wanted) {
                return done[0];
            }
            boolean isAtEnd = link.send(
                    what,
                    () -> HttpLink.Request.get(uri, headers("bytes=" + (from + done[0]) + '-' + (from + wanted - 1))),
                    () -> done[0],
                    answer -> {
                        long before = done[0];
                        if (isEmptyThere(what, answer, from + before)) {
                            return true;
                        }
                        long end = begin(what, answer, from + before, from + wanted);
                        MemorySegment rest = into.asSlice(before, end - from - before);
                        take(answer, rest, done);
                        return false;
                    });
            if (isAtEnd) {
                return done[0];
            }
        }
    }

    /** Reads the last bytes, and learns how many there are. */
    byte[] fetchTail(int bytes) throws IOException {
        String what = "cannot open " + label;
        return link.send(what, HttpLink.Request.get(uri, headers("bytes=-" + bytes)), answer -> {
            if (isEmptyThere(what, answer, 0)) {
                return new byte[0];
            }
            Matcher range = range(what, answer);
            long begin = Long.parseLong(range.group(1));
            long end = begin(what, answer, begin, begin + bytes);
            if (end != size() || end - begin != Math.min(bytes, end)) {
                throw lies(answer);
            }
            byte[] tail = new byte[(int) (end - begin)];
            take(answer, MemorySegment.ofArray(tail), new long[1]);
            return tail;
        });
    }

    private Map<String, String> headers(String range) {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("Range", range);
        headers.put("Accept-Encoding", "identity");
        Version known = version;
        if (known != null && known.condition != null) {
            headers.put("If-Range", known.condition);
        }
        return headers;
    }

    /** Counts what came in any case: the next attempt goes on from there. */
    private static void take(Answer answer, MemorySegment into, long[] done) throws IOException {
        long piece = 64 << 10;
        for (long at = 0; at < into.byteSize(); ) {
            long got = answer.body().read(into.asSlice(at, Math.min(piece, into.byteSize() - at)));
            if (got == 0) {
                throw new Body.BrokenOff("it ends " + (into.byteSize() - at) + " bytes early", null);
            }
            at += got;
            done[0] += got;
        }
    }

    /** Whether the answer says that the file ends before this byte. */
    private boolean isEmptyThere(String what, Answer answer, long from) throws IOException {
        if (answer.status() == 200 && answer.contentLength() == 0 && size() <= 0) {
            pin(what, answer, 0);
            return true;
        }
        if (answer.status() != 416) {
            return false;
        }
        Matcher matcher = UNSATISFIED.matcher(Objects.requireNonNullElse(answer.header("Content-Range"), ""));
        if (matcher.matches()) {
            long size = Long.parseLong(matcher.group(1));
            if (size > from) {
                throw lies(answer);
            }
            if (size() != UNKNOWN && size() != size) {
                throw changed(what);
            }
            version = new Version(size, null, null, null);
        }
        return true;
    }

    /** Makes sure that the answer is what was asked for, and returns up to which byte it goes. */
    private long begin(String what, Answer answer, long from, long to) throws IOException {
        Matcher range = range(what, answer);
        long begin = Long.parseLong(range.group(1));
        long end = Long.parseLong(range.group(2)) + 1;
        String total = range.group(3);
        if (total.equals("*")) {
            throw new IOException(what + ": " + HttpLink.host(answer.uri()) + " does not say how long the file is");
        }
        long size = Long.parseLong(total);
        if (begin != from || end <= begin || end > to || end > size) {
            throw lies(answer);
        }
        pin(what, answer, size);
        return end;
    }

    private Matcher range(String what, Answer answer) throws IOException {
        String host = HttpLink.host(answer.uri());
        if (answer.status() == 200) {
            if (version != null) {
                throw changed(what);
            }
            throw new IOException(
                    what + ": " + host + " sends whole files only, as it does not know range requests;"
                            + " put it behind a server that does (nginx, Apache, Caddy, a bucket), or fetch it and read the copy");
        }
        if (answer.status() != 206) {
            throw link.refused(what, answer);
        }
        String encoding = answer.header("Content-Encoding");
        if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
            throw new IOException(what + ": " + host + " sends it as " + encoding.replaceAll("[^a-zA-Z0-9-]", "?")
                    + ", although that was not asked for; switch that off for this file");
        }
        Matcher matcher = CONTENT_RANGE.matcher(Objects.requireNonNullElse(answer.header("Content-Range"), ""));
        if (!matcher.matches()) {
            throw lies(answer);
        }
        return matcher;
    }

    private void pin(String what, Answer answer, long size) throws IOException {
        Version here = Version.of(answer, size);
        Version known = version;
        if (known == null) {
            version = here;
        } else if (!known.isSame(here)) {
            throw changed(what);
        }
    }

    private static IOException changed(String what) {
        return new IOException(what + ": it has changed on the server while it was read; run the command again");
    }

    /** Proxies that mix up answers have been seen to recover. */
    private static IOException lies(Answer answer) {
        return TryAgain.overloaded(
                HttpLink.host(answer.uri()) + " sent another range than it was asked for ("
                        + String.valueOf(answer.header("Content-Range")).replaceAll("[^a-z0-9 */-]", "?") + ")",
                0);
    }
}
