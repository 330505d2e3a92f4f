// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.storage.blocks.Ranges;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A store that a {@code server} command gives out, Plakar's or ours (format 3 §B, 1 §15.3). In ranges the last number is the
 * first byte that is not wanted, and the answer to one is 200; Plakar's server heeds ranges of packfiles only, answers 500 for what is
 * not there, and does not say how long things are.
 *
 * <p>Our server says of itself that it does more: sizes by HEAD, 404 for what is not there, {@code If-None-Match} to
 * overwrite nothing, and POST of a list of names to have them synced. At Plakar's, objects are looked for before they are written.
 */
final class ServedStorage extends HttpStorage {
    /** By which our server tells that it is one. */
    static final String EXTENDED = "Armoire-Store";

    private static final byte[] NO_NAMES = {'[', ']'};
    private static final int MAX_LIST_BYTES = 160 << 20;
    private static final int MAX_LOCKS_BYTES = 1 << 20;
    /** The server takes a mebibyte. */
    private static final int SETTLED_AT_ONCE = 10_000;

    private static final Pattern NAME = Pattern.compile("\"([0-9a-f]{64})\"");
    private static final Pattern MISSING =
            Pattern.compile("not found|no such (?:file|key|object)|not exist", Pattern.CASE_INSENSITIVE);

    private final boolean isExtended;

    /** Packfiles that were read, by use, the eldest first. Guarded by itself. */
    private final Map<Mac, Packfile> packfiles = recentlyUsed();

    ServedStorage(HttpLink link, byte[] config, boolean isExtended) {
        super(link, config);
        this.isExtended = isExtended;
    }

    /** Whether there is a server of this kind. Whatever else answers the question shows nothing of the form of a list. */
    static boolean isThere(HttpLink link) throws IOException {
        String what = "cannot open " + link.place();
        HttpLink.Request request =
                HttpLink.Request.get(link.place().below("resources/" + ObjectKind.LOCK.folder()), Map.of());
        return link.send(what, request, answer -> {
            if (answer.status() == 401) {
                throw link.refused(what, answer);
            }
            if (answer.status() >= 400 && link.refused(what, answer) instanceof TryAgain overloaded) {
                throw overloaded; // which says nothing of what is there
            }
            return answer.status() == 200 && isList(answer.body().readAtMost(MAX_LOCKS_BYTES));
        });
    }

    private static boolean isList(byte[] answer) {
        int end = answer.length;
        while (end > 0 && answer[end - 1] <= ' ' && answer[end - 1] > 0) {
            end--;
        }
        boolean isArray = end > 1 && answer[0] == '[' && answer[end - 1] == ']';
        return isArray || new String(answer, 0, end, StandardCharsets.ISO_8859_1).equals("null");
    }

    @Override
    public boolean isWritable() {
        return true;
    }

    @Override
    public List<Mac> list(ObjectKind kind) throws IOException {
        String what = "cannot list the " + kind.folder() + " of " + location;
        HttpLink.Request request = HttpLink.Request.get(link.place().below("resources/" + kind.folder()), Map.of());
        byte[] list = link.send(what, request, answer -> {
            if (answer.status() != 200) {
                if (kind == ObjectKind.PARITY) {
                    return NO_NAMES; // Plakar's server does not know the word
                }
                throw link.refused(what, answer);
            }
            byte[] body = answer.body().readAtMost(MAX_LIST_BYTES + 1);
            if (body.length > MAX_LIST_BYTES || !isList(body)) {
                throw new CorruptDataException(
                        what + ": " + HttpLink.host(answer.uri()) + " sent something that is no list of names");
            }
            return body;
        });
        List<Mac> names = new ArrayList<>();
        Matcher matcher = NAME.matcher(new String(list, StandardCharsets.ISO_8859_1));
        while (matcher.find()) {
            names.add(Mac.parse(matcher.group(1)));
        }
        return names;
    }

    @Override
    public long size(ObjectKind kind, Mac name) throws IOException {
        Packfile known = kind == ObjectKind.PACKFILE ? packfile(name) : null;
        if (known != null && known.size() != Ranges.UNKNOWN) {
            return known.size();
        }
        long size = fetchSize(kind, name);
        if (known != null) {
            known.size = size;
        }
        return size;
    }

    private long fetchSize(ObjectKind kind, Mac name) throws IOException {
        String what = "cannot find " + label(kind, name);
        if (isExtended) {
            HttpLink.Request head = new HttpLink.Request("HEAD", link.place().below(path(kind, name)), Map.of(), null);
            long said = link.send(what, head, answer -> {
                if (answer.status() != 200) {
                    throw refused(what, kind, name, answer);
                }
                return answer.contentLength();
            });
            if (said >= 0) {
                return said;
            }
        }
        return link.send(what, get(kind, name, Map.of()), answer -> {
            if (answer.status() != 200) {
                throw refused(what, kind, name, answer);
            }
            long said = answer.contentLength();
            return said >= 0 ? said : answer.body().skip(Long.MAX_VALUE);
        });
    }

    @Override
    long fetch(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
        return kind == ObjectKind.PACKFILE
                ? cache.read(packfile(name), offset, into)
                : fetchWhole(kind, name, offset, into);
    }

    /** States and locks come whole, and are read whole. */
    private long fetchWhole(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
        String what = "cannot read " + label(kind, name);
        return link.send(what, get(kind, name, Map.of()), answer -> {
            if (answer.status() != 200) {
                throw refused(what, kind, name, answer);
            }
            answer.body().skip(offset);
            return answer.body().read(into);
        });
    }

    private Packfile packfile(Mac name) {
        synchronized (packfiles) {
            return packfiles.computeIfAbsent(name, Packfile::new);
        }
    }

    /** A packfile, read by ranges as the protocol has them. */
    private final class Packfile implements Ranges {
        private final Mac name;
        private volatile long size = UNKNOWN;

        Packfile(Mac name) {
            this.name = name;
        }

        @Override
        public long size() {
            return size;
        }

        @Override
        public long fetch(long from, MemorySegment into) throws IOException {
            String what = "cannot read " + label(ObjectKind.PACKFILE, name);
            long[] done = {0};
            return link.send(
                    what,
                    () -> get(
                            ObjectKind.PACKFILE,
                            name,
                            Map.of("Range", "bytes=" + (from + done[0]) + '-' + (from + into.byteSize()))),
                    () -> done[0],
                    answer -> {
                        if (answer.status() != 200) {
                            throw refused(what, ObjectKind.PACKFILE, name, answer);
                        }
                        long piece = 64 << 10;
                        while (done[0] < into.byteSize()) {
                            long got = answer.body()
                                    .read(into.asSlice(done[0], Math.min(piece, into.byteSize() - done[0])));
                            if (got == 0) {
                                break;
                            }
                            done[0] += got;
                        }
                        if (done[0] > 0 && done[0] < into.byteSize()) {
                            size = from + done[0];
                        }
                        if (done[0] == into.byteSize() && answer.body().hasNext()) {
                            throw new IOException(what + ": " + HttpLink.host(answer.uri())
                                    + " sent more than it was asked for: something in between does not leave ranges as"
                                    + " they are");
                        }
                        return done[0];
                    });
        }
    }

    @Override
    public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        String what = "cannot write " + label(kind, name);
        List<MemorySegment> content = shareable(parts);
        if (!isExtended && isThere(kind, name)) {
            throw exists(what, kind, name);
        }
        int[] attempts = {0};
        boolean isTaken = link.send(
                what,
                () -> {
                    attempts[0]++;
                    return put(kind, name, content, isExtended ? Map.of("If-None-Match", "*") : Map.of());
                },
                () -> 0,
                answer -> {
                    if (answer.status() == 412) {
                        return true;
                    }
                    if (answer.status() != 200) {
                        throw link.refused(what, answer);
                    }
                    return false;
                });
        // The first attempt may have got through, and only its answer not: then these are the same bytes.
        if (isTaken && (attempts[0] == 1 || !isSame(kind, name, content))) {
            throw exists(what, kind, name);
        }
    }

    private boolean isThere(ObjectKind kind, Mac name) throws IOException {
        String what = "cannot write " + label(kind, name);
        return link.send(what, get(kind, name, Map.of("Range", "bytes=0-1")), answer -> {
            if (answer.status() == 200) {
                return true;
            }
            IOException why = refused(what, kind, name, answer);
            if (why instanceof NoSuchFileException) {
                return false;
            }
            throw why; // whatever else it means, it does not mean that nothing is overwritten
        });
    }

    private static FileAlreadyExistsException exists(String what, ObjectKind kind, Mac name) {
        return new FileAlreadyExistsException(path(kind, name), null, what + ": it is there already");
    }

    private boolean isSame(ObjectKind kind, Mac name, List<MemorySegment> content) throws IOException {
        String what = "cannot read " + label(kind, name);
        return link.send(what, get(kind, name, Map.of()), answer -> {
            if (answer.status() != 200) {
                throw refused(what, kind, name, answer);
            }
            for (MemorySegment part : content) {
                for (long at = 0; at < part.byteSize(); ) {
                    MemorySegment piece =
                            MemorySegment.ofArray(new byte[(int) Math.min(64 << 10, part.byteSize() - at)]);
                    if (answer.body().read(piece) < piece.byteSize()
                            || piece.mismatch(part.asSlice(at, piece.byteSize())) != -1) {
                        return false;
                    }
                    at += piece.byteSize();
                }
            }
            return !answer.body().hasNext();
        });
    }

    /** The same bytes where every thread can read them. The large segments of a packfile are such already. */
    private static List<MemorySegment> shareable(List<MemorySegment> content) {
        Thread other = Thread.ofVirtual().unstarted(() -> {});
        List<MemorySegment> shared = new ArrayList<>();
        for (MemorySegment segment : content) {
            if (!segment.scope().isAlive()) {
                throw new IllegalStateException("memory was given back before it was written");
            }
            shared.add(
                    segment.isAccessibleBy(other)
                            ? segment
                            : MemorySegment.ofArray(segment.toArray(ValueLayout.JAVA_BYTE)));
        }
        return shared;
    }

    /** Plakar's server, and ours of before 0.1, know no such request. */
    @Override
    public void settle(ObjectKind kind, Collection<Mac> names) throws IOException {
        if (!isExtended) {
            return;
        }
        String what = "cannot sync " + kind.folder() + " of " + location;
        List<Mac> all = List.copyOf(names);
        for (int from = 0; from < all.size(); from += SETTLED_AT_ONCE) {
            StringBuilder lines = new StringBuilder();
            all.subList(from, Math.min(all.size(), from + SETTLED_AT_ONCE))
                    .forEach(name -> lines.append(name.hex()).append('\n'));
            List<MemorySegment> content =
                    List.of(MemorySegment.ofArray(lines.toString().getBytes(StandardCharsets.US_ASCII)));
            URI list = link.place().below("resources/" + kind.folder());
            link.send(what, new HttpLink.Request("POST", list, Map.of(), content), answer -> {
                if (answer.status() != 200 && answer.status() != 405) {
                    throw link.refused(what, answer);
                }
                return true;
            });
        }
    }

    @Override
    public void refreshLock(Mac name, MemorySegment content) throws IOException {
        String what = "cannot refresh " + label(ObjectKind.LOCK, name);
        link.send(what, put(ObjectKind.LOCK, name, shareable(List.of(content)), Map.of()), answer -> {
            if (answer.status() != 200) {
                throw link.refused(what, answer);
            }
            return true;
        });
    }

    @Override
    public void delete(ObjectKind kind, Mac name) throws IOException {
        String what = "cannot delete " + label(kind, name);
        HttpLink.Request request = new HttpLink.Request("DELETE", link.place().below(path(kind, name)), Map.of(), null);
        try {
            link.send(what, request, answer -> {
                if (answer.status() == 403 && kind == ObjectKind.LOCK) {
                    return true; // Plakar's server keeps locks, too, if it keeps all else: they expire
                }
                if (answer.status() == 403) {
                    throw new AccessDeniedException(
                            path(kind, name),
                            null,
                            what + ": the server does not let anything be deleted; it would if it were started with"
                                    + " -allow-delete");
                }
                if (answer.status() != 200) {
                    throw refused(what, kind, name, answer);
                }
                return true;
            });
            forget(kind, name);
        } catch (NoSuchFileException e) {
            forget(kind, name); // that is what was wanted
        }
    }

    private void forget(ObjectKind kind, Mac name) {
        if (kind == ObjectKind.PACKFILE) {
            synchronized (packfiles) {
                packfiles.remove(name);
            }
        }
    }

    private HttpLink.Request get(ObjectKind kind, Mac name, Map<String, String> headers) {
        return HttpLink.Request.get(link.place().below(path(kind, name)), headers);
    }

    private HttpLink.Request put(ObjectKind kind, Mac name, List<MemorySegment> content, Map<String, String> headers) {
        return new HttpLink.Request("PUT", link.place().below(path(kind, name)), headers, content);
    }

    /** The failure that an answer means. Plakar's server says only in words that an object is not there. */
    private IOException refused(String what, ObjectKind kind, Mac name, Answer answer) throws IOException {
        if (answer.status() == 404 || answer.status() == 500 && !isExtended && isMissing(answer)) {
            return new NoSuchFileException(path(kind, name), null, what + ": no such object");
        }
        return link.refused(what, answer);
    }

    private static boolean isMissing(Answer answer) throws IOException {
        return MISSING.matcher(new String(answer.body().readAtMost(1000), StandardCharsets.UTF_8))
                .find();
    }

    private static String path(ObjectKind kind, Mac name) {
        return "resources/" + kind.folder() + '/' + name.hex();
    }
}
