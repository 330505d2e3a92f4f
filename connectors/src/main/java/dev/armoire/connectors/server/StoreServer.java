// SPDX-License-Identifier: ISC
package dev.armoire.connectors.server;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Gives out a storage over HTTP as Plakar's {@code server} does (format 3 §B): in ranges the last number is the first byte that is
 * not wanted, and the answer to one is 200. Beyond that it tells sizes (HEAD), 404 for what is not there, and overwrites
 * nothing but locks, and says that it does with the header {@code Armoire-Store}.
 *
 * <p>Peers are not trusted: what they say of sizes is not believed, what they send goes to a file before it goes to the store, slow ones
 * are dropped, and no more than {@link #TRANSFERS} are served at a time. Owns its threads, not the storage.
 */
public final class StoreServer implements AutoCloseable {
    /** By which clients learn that more is done here than the protocol asks for. */
    static final String EXTENDED = "Armoire-Store";

    private static final int TRANSFERS = 32;
    private static final int ANSWER_SECONDS = 3600;
    private static final int MAX_LOCK_BYTES = 1 << 20;
    private static final int MAX_NAMES_BYTES = 1 << 20;
    private static final long MAX_OBJECT_BYTES = 4L << 30;
    private static final int IN_MEMORY_BYTES = 256 << 10;
    private static final int PIECE_BYTES = 128 << 10;
    private static final int STOP_SECONDS = 5;

    private static final Pattern RESOURCE = Pattern.compile("/resources/([a-z]+)(?:/([0-9a-zA-Z]+))?/?");
    private static final Pattern RANGE = Pattern.compile("bytes=([0-9]{1,18})-([0-9]{1,18})");
    private static final long MAX_RANGE_BYTES = 0xFFFF_FFFFL;

    private final Storage storage;
    private final Options options;
    private final Consumer<String> log;
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Semaphore transfers = new Semaphore(TRANSFERS);
    private final SlowPeers peers;

    /**
     * How to serve.
     *
     * @param allowsDelete whether packfiles and states may be deleted; locks always may
     * @param token what clients must show, or null when anybody may do anything
     * @param tls what to prove oneself with, or null to serve without TLS
     * @param scratch a folder for what is being received
     * @param window time in which a peer must move {@code windowBytes}
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    public record Options(
            InetSocketAddress address,
            boolean allowsDelete,
            byte @Nullable [] token,
            @Nullable SSLContext tls,
            Path scratch,
            Duration window,
            long windowBytes) {
        public Options(
                InetSocketAddress address,
                boolean allowsDelete,
                byte @Nullable [] token,
                @Nullable SSLContext tls,
                Path scratch) {
            this(address, allowsDelete, token, tls, scratch, Duration.ofSeconds(60), 16 << 10);
        }
    }

    private StoreServer(Storage storage, Options options, Consumer<String> log, HttpServer server) {
        this.storage = storage;
        this.options = options;
        this.log = log;
        this.server = server;
        this.peers = new SlowPeers(options.window, options.windowBytes);
    }

    /**
     * Begins to serve.
     *
     * @param log told of what goes wrong here and is no fault of the peer, in one line each
     */
    public static StoreServer start(Storage storage, Options options, Consumer<String> log) throws IOException {
        HttpServer server = HttpListeners.bind(options.address, options.tls, ANSWER_SECONDS);
        StoreServer serving = new StoreServer(storage, options, log, server);
        server.createContext("/", serving::handle);
        server.setExecutor(serving.threads);
        server.start();
        return serving;
    }

    /** Where it listens. */
    public InetSocketAddress address() {
        return server.getAddress();
    }

    /** Ends what is going on, if it ends soon, and then serves no more. */
    @Override
    public void close() {
        server.stop(STOP_SECONDS);
        threads.shutdownNow();
        peers.close();
    }

    /** What a request is answered with instead of what it asks for. */
    private static final class Refusal extends Exception {
        private static final long serialVersionUID = 1;

        private final int status;

        Refusal(int status, String words) {
            super(words);
            this.status = status;
        }
    }

    private void handle(HttpExchange exchange) {
        boolean isServed = false;
        try (exchange) {
            transfers.acquire();
            try (SlowPeers.Transfer transfer = peers.watchMe()) {
                exchange.getResponseHeaders().set(EXTENDED, "1");
                try {
                    serve(exchange, transfer);
                } catch (Refusal e) {
                    answer(
                            exchange,
                            transfer,
                            e.status,
                            "text/plain; charset=utf-8",
                            (e.getMessage() + '\n').getBytes(UTF_8));
                }
                isServed = true;
            } finally {
                transfers.release();
            }
        } catch (IOException e) {
            // The peer is gone, or was too slow: there is nobody to tell.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            if (!isServed) {
                log.accept("a request failed: " + e);
            }
        }
    }

    private void serve(HttpExchange exchange, SlowPeers.Transfer transfer) throws IOException, Refusal {
        authorize(exchange.getRequestHeaders());
        String path = exchange.getRequestURI().getRawPath();
        String method = exchange.getRequestMethod();
        boolean isReading = method.equals("GET") || method.equals("HEAD");
        if (isReading && (path.equals("/") || path.equals("/CONFIG"))) {
            byte[] config = local("read CONFIG", () -> {
                try (Arena arena = Arena.ofConfined()) {
                    return storage.readConfig(arena).toArray(ValueLayout.JAVA_BYTE);
                }
            });
            answer(exchange, transfer, 200, "application/octet-stream", config);
            return;
        }
        Matcher resource = RESOURCE.matcher(path);
        if (!resource.matches()) {
            throw new Refusal(404, "there is nothing of that name here");
        }
        ObjectKind kind = kind(resource.group(1));
        if (resource.group(2) == null) {
            switch (method) {
                case "GET", "HEAD" -> list(exchange, transfer, kind);
                case "POST" -> settle(exchange, transfer, kind);
                default -> throw new Refusal(405, method + " is not known here");
            }
            return;
        }
        Mac name = name(resource.group(2));
        switch (method) {
            case "GET" -> get(exchange, transfer, kind, name);
            case "HEAD" -> {
                exchange.getResponseHeaders().set("Content-Length", String.valueOf(size(kind, name)));
                exchange.sendResponseHeaders(200, -1);
            }
            case "PUT" -> put(exchange, transfer, kind, name);
            case "DELETE" -> delete(exchange, transfer, kind, name);
            default -> throw new Refusal(405, method + " is not known here");
        }
    }

    private void authorize(Headers headers) throws Refusal {
        byte[] token = options.token;
        if (token == null) {
            return;
        }
        String given = headers.getFirst("Authorization");
        String scheme = "Bearer ";
        boolean isRight = given != null
                && given.regionMatches(true, 0, scheme, 0, scheme.length())
                && MessageDigest.isEqual(
                        given.substring(scheme.length()).strip().getBytes(UTF_8), token);
        if (!isRight) {
            throw new Refusal(401, given == null ? "a token is wanted" : "this token is not known here");
        }
    }

    private static ObjectKind kind(String folder) throws Refusal {
        for (ObjectKind kind : ObjectKind.values()) {
            if (kind.folder().equals(folder)) {
                return kind;
            }
        }
        throw new Refusal(400, "Invalid resource type");
    }

    private static Mac name(String digits) throws Refusal {
        if (!digits.matches("[0-9a-fA-F]{64}")) {
            throw new Refusal(400, "Invalid MAC");
        }
        return Mac.parse(digits.toLowerCase(java.util.Locale.ROOT));
    }

    private static String label(ObjectKind kind, Mac name) {
        return kind.name().toLowerCase(java.util.Locale.ROOT) + ' ' + name.shortHex();
    }

    private void list(HttpExchange exchange, SlowPeers.Transfer transfer, ObjectKind kind) throws IOException, Refusal {
        List<Mac> names = local("list " + kind.folder(), () -> storage.list(kind));
        StringBuilder json = new StringBuilder(2 + 67 * names.size()).append('[');
        for (Mac name : names) {
            json.append(json.length() == 1 ? "\"" : ",\"").append(name.hex()).append('"');
        }
        answer(
                exchange,
                transfer,
                200,
                "application/json",
                json.append("]\n").toString().getBytes(US_ASCII));
    }

    private long size(ObjectKind kind, Mac name) throws Refusal {
        return local("find " + label(kind, name), () -> storage.size(kind, name));
    }

    private void get(HttpExchange exchange, SlowPeers.Transfer transfer, ObjectKind kind, Mac name)
            throws IOException, Refusal {
        String range = exchange.getRequestHeaders().getFirst("Range");
        long from = 0;
        long to = Long.MAX_VALUE;
        if (range != null) {
            Matcher numbers = RANGE.matcher(range);
            if (!numbers.matches()) {
                throw new Refusal(400, "Invalid range");
            }
            from = Long.parseLong(numbers.group(1));
            to = Long.parseLong(numbers.group(2));
            if (to <= from || to - from > MAX_RANGE_BYTES) {
                throw new Refusal(400, "Invalid range");
            }
        }
        long end = Math.min(to, size(kind, name));
        long at = Math.min(from, end);
        if (kind == ObjectKind.LOCK) { // rewritten under its name: in one piece, or it may be of two
            byte[] whole = new byte[(int) Math.min(MAX_LOCK_BYTES, end - at)];
            long start = at;
            local("read " + label(kind, name), () -> {
                storage.read(kind, name, start, MemorySegment.ofArray(whole));
                return true;
            });
            answer(exchange, transfer, 200, "application/octet-stream", whole);
            return;
        }
        byte[] piece = new byte[(int) Math.min(PIECE_BYTES, end - at)];
        read(kind, name, at, piece); // before anything is promised
        exchange.getResponseHeaders().set("Content-Type", "application/octet-stream");
        exchange.sendResponseHeaders(200, end == at ? -1 : end - at);
        try (OutputStream out = exchange.getResponseBody()) {
            while (at < end) {
                int count = (int) Math.min(piece.length, end - at);
                transfer.peersTurn();
                out.write(piece, 0, count);
                transfer.moved(count);
                at += count;
                if (at < end) {
                    piece = new byte[(int) Math.min(PIECE_BYTES, end - at)];
                    try {
                        read(kind, name, at, piece);
                    } catch (Refusal e) {
                        throw new IOException("cannot be read to its end", e); // the peer sees that it ends early
                    }
                }
            }
        }
    }

    private void read(ObjectKind kind, Mac name, long at, byte[] into) throws Refusal {
        if (into.length > 0) {
            local("read " + label(kind, name), () -> {
                storage.read(kind, name, at, MemorySegment.ofArray(into));
                return true;
            });
        }
    }

    private void put(HttpExchange exchange, SlowPeers.Transfer transfer, ObjectKind kind, Mac name)
            throws IOException, Refusal {
        if (!storage.isWritable()) {
            throw new Refusal(403, "this store can only be read");
        }
        boolean mustBeNew = exchange.getRequestHeaders().containsKey("If-None-Match");
        long limit = kind == ObjectKind.LOCK ? MAX_LOCK_BYTES : MAX_OBJECT_BYTES;
        byte[] head = new byte[IN_MEMORY_BYTES];
        InputStream in = exchange.getRequestBody();
        int inHead = fill(in, transfer, head);
        if (inHead < head.length) {
            store(kind, name, MemorySegment.ofArray(head).asSlice(0, inHead), mustBeNew);
        } else {
            Path file = Files.createTempFile(options.scratch, "received-", ".tmp");
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
                    Arena arena = Arena.ofShared()) {
                spool(in, transfer, head, channel, limit);
                store(kind, name, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena), mustBeNew);
            } finally {
                Files.deleteIfExists(file);
            }
        }
        answer(exchange, transfer, 200, "text/plain; charset=utf-8", new byte[0]);
    }

    /** Fills an array unless the request ends before. A request that breaks off is an IOException. */
    private static int fill(InputStream in, SlowPeers.Transfer transfer, byte[] into) throws IOException {
        int done = 0;
        while (done < into.length) {
            transfer.peersTurn();
            int count = in.read(into, done, into.length - done);
            transfer.moved(Math.max(count, 0));
            if (count < 0) {
                break;
            }
            done += count;
        }
        return done;
    }

    private static void spool(
            InputStream in, SlowPeers.Transfer transfer, byte[] buffer, FileChannel channel, long limit)
            throws IOException, Refusal {
        int count = buffer.length;
        while (true) {
            for (ByteBuffer rest = ByteBuffer.wrap(buffer, 0, count); rest.hasRemaining(); ) {
                channel.write(rest);
            }
            if (count < buffer.length) {
                return;
            }
            if (channel.size() > limit) {
                throw new Refusal(413, "objects have " + limit + " bytes at most here");
            }
            count = fill(in, transfer, buffer);
        }
    }

    /** Names, one a line, of what another process may have written just before it was stopped. */
    private void settle(HttpExchange exchange, SlowPeers.Transfer transfer, ObjectKind kind)
            throws IOException, Refusal {
        byte[] lines = new byte[MAX_NAMES_BYTES];
        int count = fill(exchange.getRequestBody(), transfer, lines);
        if (count == lines.length) {
            throw new Refusal(413, "lists of names have less than " + MAX_NAMES_BYTES + " bytes here");
        }
        List<Mac> names = new ArrayList<>();
        for (String line : new String(lines, 0, count, US_ASCII).lines().toList()) {
            names.add(name(line));
        }
        local("sync " + kind.folder(), () -> {
            storage.settle(kind, names);
            return true;
        });
        answer(exchange, transfer, 200, "text/plain; charset=utf-8", new byte[0]);
    }

    private void store(ObjectKind kind, Mac name, MemorySegment content, boolean mustBeNew) throws Refusal {
        if (kind == ObjectKind.LOCK && content.byteSize() > MAX_LOCK_BYTES) {
            throw new Refusal(413, "locks have " + MAX_LOCK_BYTES + " bytes at most");
        }
        local("write " + label(kind, name), () -> {
            if (kind == ObjectKind.LOCK && !mustBeNew) {
                storage.refreshLock(name, content);
            } else {
                try {
                    storage.write(kind, name, List.of(content));
                } catch (FileAlreadyExistsException e) {
                    throw new Refusal(mustBeNew ? 412 : 409, label(kind, name) + " is there already");
                }
            }
            return true;
        });
    }

    private void delete(HttpExchange exchange, SlowPeers.Transfer transfer, ObjectKind kind, Mac name)
            throws IOException, Refusal {
        // Who writes takes his lock away when he is done, or nobody could clean up here for minutes.
        if (!options.allowsDelete && kind != ObjectKind.LOCK || !storage.isWritable()) {
            throw new Refusal(403, "not allowed to delete");
        }
        local("delete " + label(kind, name), () -> {
            storage.delete(kind, name);
            return true;
        });
        answer(exchange, transfer, 200, "text/plain; charset=utf-8", new byte[0]);
    }

    /** Something that the storage does. */
    @FunctionalInterface
    private interface Work<T> {
        T run() throws IOException, Refusal;
    }

    /** Peers learn that it failed, and nothing of paths; the log learns all. */
    private <T> T local(String what, Work<T> work) throws Refusal {
        try {
            return work.run();
        } catch (NoSuchFileException e) {
            throw new Refusal(404, what + ": not found");
        } catch (IOException | CorruptDataException e) {
            log.accept("cannot " + what + ": " + e.getMessage());
            throw new Refusal(500, "cannot " + what + ": the server's own messages say why");
        }
    }

    private static void answer(
            HttpExchange exchange, SlowPeers.Transfer transfer, int status, String type, byte[] content)
            throws IOException {
        exchange.getResponseHeaders().set("Content-Type", type);
        if (status == 401) {
            exchange.getResponseHeaders().set("WWW-Authenticate", "Bearer");
        }
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().set("Content-Length", String.valueOf(content.length));
        }
        boolean hasBody = content.length > 0 && !exchange.getRequestMethod().equals("HEAD");
        transfer.peersTurn();
        exchange.sendResponseHeaders(status, hasBody ? content.length : -1);
        if (hasBody) {
            try (OutputStream out = exchange.getResponseBody()) {
                for (int at = 0; at < content.length; at += PIECE_BYTES) {
                    int count = Math.min(PIECE_BYTES, content.length - at);
                    transfer.peersTurn();
                    out.write(content, at, count);
                    transfer.moved(count);
                }
            }
        }
        transfer.moved(0);
    }
}
