// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.armoire.connectors.server.StoreServer;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.connectors.storage.StorageContract;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Stores that our server gives out, read and written by our client; what the server tells others; hostile ones. */
final class ServedStorageTest extends StorageContract {
    private static final byte[] TOKEN = "a-token-of-this-test".getBytes(UTF_8);

    static final Limits HASTY = new Limits(
            Duration.ofSeconds(2),
            Duration.ofSeconds(3),
            Duration.ofSeconds(3),
            4096,
            4,
            Duration.ofMillis(1),
            Duration.ofMillis(5));

    @TempDir
    Path folder;

    private final Map<Integer, Path> roots = new HashMap<>();
    private final List<StoreServer> servers = new ArrayList<>();
    private final List<String> log = new ArrayList<>();
    private final List<Mac> settled = new ArrayList<>();

    private static StorageFactory local() {
        return StorageFactory.find(Location.parse("fs:/somewhere"));
    }

    /** A folder that becomes a store when one is made there, so that a server can be there before it. */
    private static final class Place implements Storage {
        private final Path root;
        private final List<Mac> settled;
        private Storage storage;

        Place(Path root, List<Mac> settled) {
            this.root = root;
            this.settled = settled;
        }

        private synchronized Storage storage() throws IOException {
            if (storage == null) {
                storage = local().open(Location.parse(root.toString()));
            }
            return storage;
        }

        @Override
        public String location() {
            return root.toString();
        }

        @Override
        public Path localPath() {
            return root;
        }

        @Override
        public boolean isWritable() {
            return true;
        }

        @Override
        public MemorySegment readConfig(Arena arena) throws IOException {
            return storage().readConfig(arena);
        }

        @Override
        public List<Mac> list(ObjectKind kind) throws IOException {
            return storage().list(kind);
        }

        @Override
        public long size(ObjectKind kind, Mac name) throws IOException {
            return storage().size(kind, name);
        }

        @Override
        public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
            storage().read(kind, name, offset, into);
        }

        @Override
        public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
            storage().write(kind, name, parts);
        }

        @Override
        public void settle(ObjectKind kind, Collection<Mac> names) throws IOException {
            assertThat(kind).isEqualTo(ObjectKind.STATE);
            synchronized (settled) {
                settled.addAll(names);
            }
            storage().settle(kind, names);
        }

        @Override
        public void refreshLock(Mac name, MemorySegment content) throws IOException {
            storage().refreshLock(name, content);
        }

        @Override
        public void delete(ObjectKind kind, Mac name) throws IOException {
            storage().delete(kind, name);
        }

        @Override
        public void close() {}
    }

    private StoreServer serve(Path root, boolean allowsDelete, byte[] token) throws IOException {
        StoreServer server = StoreServer.start(
                new Place(root, settled),
                new StoreServer.Options(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                        allowsDelete,
                        token,
                        null,
                        folder,
                        Duration.ofMillis(500),
                        4096),
                log::add);
        servers.add(server);
        return server;
    }

    @AfterEach
    void stopServers() {
        servers.forEach(StoreServer::close);
        assertThat(log).isEmpty();
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left).noneMatch(file -> file.toString().endsWith(".tmp"));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Override
    protected StorageFactory factory() {
        HttpStorageFactory http = new HttpStorageFactory(HASTY);
        Map<String, String> settings = Map.of("auth_token", new String(TOKEN, UTF_8));
        return new StorageFactory() {
            @Override
            public boolean accepts(Location location) {
                return http.accepts(location);
            }

            @Override
            public Storage open(Location location) throws IOException {
                return http.open(location, settings);
            }

            // Where it lies; then it is opened through the server.
            @Override
            public Storage create(Location location, MemorySegment config) throws IOException {
                local().create(Location.parse(root(location).toString()), config)
                        .close();
                return open(location);
            }
        };
    }

    @Override
    protected Class<? extends StorageFactory> registered() {
        return HttpStorageFactory.class;
    }

    @Override
    protected Location freshPlace() throws IOException {
        Path root = folder.resolve("store" + servers.size());
        int port = serve(root, true, TOKEN).address().getPort();
        roots.put(port, root);
        return Location.parse("http://127.0.0.1:" + port);
    }

    private Path root(Location location) {
        return roots.get(port(location));
    }

    private static int port(Location location) {
        return Integer.parseInt(location.path().substring(location.path().indexOf(':') + 1));
    }

    @Override
    protected int leaveUnfinished(Location at) {
        return 0;
    }

    @Override
    protected boolean canReplace() {
        return false;
    }

    @Override
    protected void plant(Location at, String key, byte[] content) throws IOException {
        Path file = root(at).resolve(key);
        Files.createDirectories(file.getParent());
        Files.write(file, content);
    }

    private static HttpResponse<byte[]> ask(int port, String method, String path, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .header("Authorization", "Bearer " + new String(TOKEN, UTF_8))
                .method(
                        method,
                        method.equals("PUT")
                                ? HttpRequest.BodyPublishers.ofString("content")
                                : HttpRequest.BodyPublishers.noBody());
        if (headers.length > 0) {
            request.headers(headers);
        }
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        }
    }

    @Test
    void answersAreThoseOfTheProtocol() throws Exception {
        int port = port(place());
        String packfile = "/resources/packfiles/" + mac(1).hex();
        byte[] content = content(storage, ObjectKind.PACKFILE, mac(1));

        HttpResponse<byte[]> config = ask(port, "GET", "/");
        assertThat(config.statusCode()).isEqualTo(200);
        assertThat(config.body()).isEqualTo(CONFIG);
        assertThat(config.headers().firstValue("Content-Type")).contains("application/octet-stream");
        assertThat(new String(ask(port, "GET", "/resources/states").body(), UTF_8).strip())
                .isEqualTo("[\"" + mac(2).hex() + "\"]");

        HttpResponse<byte[]> part = ask(port, "GET", packfile, "Range", "bytes=10-30");
        assertThat(part.statusCode()).isEqualTo(200);
        assertThat(part.headers().firstValue("Content-Range")).isEmpty();
        assertThat(part.body()).isEqualTo(Arrays.copyOfRange(content, 10, 30)); // the last number is not in it
        HttpResponse<byte[]> end = ask(port, "GET", packfile, "Range", "bytes=200000-300000");
        assertThat(end.body()).isEqualTo(Arrays.copyOfRange(content, 200_000, content.length));

        for (String range : List.of("bytes=5-5", "bytes=6-5", "bytes=-5", "bytes=5-", "5-6", "bytes=0-4294967296")) {
            HttpResponse<byte[]> refused = ask(port, "GET", packfile, "Range", range);
            assertThat(refused.statusCode()).as(range).isEqualTo(400);
            assertThat(new String(refused.body(), UTF_8)).startsWith("Invalid range");
        }
        assertThat(ask(port, "GET", "/resources/chunks").statusCode()).isEqualTo(400);
        assertThat(ask(port, "GET", "/resources/states/abc").statusCode()).isEqualTo(400);
        assertThat(ask(port, "GET", "/resources/states/" + mac(77).hex()).statusCode())
                .isEqualTo(404);
        assertThat(ask(port, "GET", "/../../etc/passwd").statusCode()).isEqualTo(404);
        assertThat(ask(port, "PUT", packfile).statusCode()).isEqualTo(409);
        assertThat(ask(port, "PUT", packfile, "If-None-Match", "*").statusCode())
                .isEqualTo(412);
        assertThat(ask(port, "PUT", "/resources/packfiles").statusCode()).isEqualTo(405);
        assertThat(content(storage, ObjectKind.PACKFILE, mac(1))).isEqualTo(content);
    }

    /** Whoever wrote them through another process may have been stopped before they were. */
    @Test
    void theServerMakesDurableWhatOthersHaveWritten() throws Exception {
        List<Mac> many = new ArrayList<>(List.of(mac(2)));
        for (int i = 100; i < 20_100; i++) {
            many.add(mac(i)); // as good as removed meanwhile
        }
        storage.settle(ObjectKind.STATE, many);
        assertThat(settled).containsExactlyElementsOf(many);
        storage.settle(ObjectKind.STATE, List.of());
        assertThat(settled).hasSize(many.size());

        HttpRequest.Builder bad = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + port(place()) + "/resources/states"))
                .header("Authorization", "Bearer " + new String(TOKEN, UTF_8))
                .POST(HttpRequest.BodyPublishers.ofString("no name\n"));
        HttpRequest.Builder large = bad.copy().POST(HttpRequest.BodyPublishers.ofString("x".repeat(2 << 20)));
        try (HttpClient client = HttpClient.newHttpClient()) {
            assertThat(client.send(bad.build(), HttpResponse.BodyHandlers.discarding())
                            .statusCode())
                    .isEqualTo(400);
            assertThat(client.send(large.build(), HttpResponse.BodyHandlers.discarding())
                            .statusCode())
                    .isEqualTo(413);
        }
        assertThat(settled).hasSize(many.size());
    }

    /** Ours of before, and Plakar's. */
    @Test
    void aServerThatCannotDoSoIsNoObstacle() throws Exception {
        for (boolean isOurs : List.of(true, false)) {
            AtomicInteger asked = new AtomicInteger();
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext("/", exchange -> {
                if (isOurs) {
                    exchange.getResponseHeaders().set(ServedStorage.EXTENDED, "1");
                }
                boolean isPost = exchange.getRequestMethod().equals("POST");
                asked.addAndGet(isPost ? 1 : 0);
                byte[] list = "[]".getBytes(UTF_8);
                exchange.sendResponseHeaders(isPost ? 405 : 200, isPost ? -1 : list.length);
                if (!isPost) {
                    exchange.getResponseBody().write(list);
                }
                exchange.close();
            });
            server.start();
            try (Storage old = new HttpStorageFactory(HASTY)
                    .open(Location.parse(
                            "http://127.0.0.1:" + server.getAddress().getPort()))) {
                old.settle(ObjectKind.STATE, List.of(mac(1)));
                assertThat(asked).hasValue(isOurs ? 1 : 0);
            } finally {
                server.stop(0);
            }
        }
    }

    @Test
    void withoutTheTokenNothingIsTold() throws Exception {
        HttpStorageFactory http = new HttpStorageFactory(HASTY);
        assertThatThrownBy(() -> http.open(place()))
                .isInstanceOf(AccessDeniedException.class)
                .hasMessageContaining("set auth_token");
        assertThatThrownBy(() -> http.open(place(), Map.of("auth_token", "another-one")))
                .isInstanceOf(AccessDeniedException.class)
                .hasMessageContaining("does not accept the credentials")
                .hasMessageNotContaining("another-one");
    }

    @Test
    void onlyLocksAreDeletedUnlessAllOfItMayBe() throws Exception {
        int port = serve(root(place()), false, null).address().getPort();
        try (Storage careful = new HttpStorageFactory(HASTY).open(Location.parse("http://127.0.0.1:" + port + "/"))) {
            for (ObjectKind kind : List.of(ObjectKind.PACKFILE, ObjectKind.STATE)) {
                Mac name = kind == ObjectKind.PACKFILE ? mac(1) : mac(2);
                assertThatThrownBy(() -> careful.delete(kind, name))
                        .isInstanceOf(AccessDeniedException.class)
                        .hasMessageContaining("-allow-delete");
            }
            careful.write(ObjectKind.LOCK, mac(3), List.of(MemorySegment.ofArray(new byte[5])));
            careful.delete(ObjectKind.LOCK, mac(3));
            assertThat(careful.list(ObjectKind.LOCK)).isEmpty();
        }
        assertContents();
    }

    @Test
    void largeObjectsTravelInBothDirections() throws Exception {
        byte[] content = new byte[(9 << 20) + 12_345];
        new Random(5).nextBytes(content);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment head = arena.allocate(1 << 20)
                    .copyFrom(MemorySegment.ofArray(content).asSlice(0, 1 << 20));
            storage.write(
                    ObjectKind.PACKFILE,
                    mac(9),
                    List.of(head, MemorySegment.ofArray(content).asSlice(1 << 20)));
            MemorySegment back = arena.allocate(content.length);
            storage.read(ObjectKind.PACKFILE, mac(9), 0, back);
            assertThat(back.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(content);
        }
        assertThat(Files.readAllBytes(
                        root(place()).resolve("packfiles/" + mac(9).hex().substring(0, 2) + '/' + mac(9).hex())))
                .isEqualTo(content);
    }

    @Test
    void aRequestThatBreaksOffLeavesNothing() throws Exception {
        int port = port(place());
        for (String length : List.of("Content-Length: 1000000", "Transfer-Encoding: chunked")) {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                OutputStream out = socket.getOutputStream();
                out.write(head("PUT", "/resources/states/" + mac(55).hex(), length));
                out.write(length.startsWith("T") ? "9999\r\nabc".getBytes(UTF_8) : new byte[400_000]);
                out.flush();
            }
        }
        Thread.sleep(200);
        assertThat(storage.list(ObjectKind.STATE)).containsExactly(mac(2));
    }

    private static byte[] head(String method, String path, String length) {
        return (method + ' ' + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                        + new String(TOKEN, UTF_8) + "\r\n" + length + "\r\n\r\n")
                .getBytes(UTF_8);
    }

    @Test
    void slowAndLyingPeersAreDroppedAndOthersServed() throws Exception {
        int port = port(place());
        List<Socket> sockets = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
            sockets.add(socket);
            // An exabyte is promised, and a byte comes now and then.
            socket.getOutputStream()
                    .write(head(
                            "PUT", "/resources/packfiles/" + mac(60 + i).hex(), "Content-Length: 1000000000000000000"));
            socket.getOutputStream().write(1);
        }
        assertContents(); // meanwhile
        for (Socket socket : sockets) {
            socket.setSoTimeout(5000);
            try (socket;
                    InputStream in = socket.getInputStream()) {
                assertThat(in.read()).isEqualTo(-1);
            } catch (java.net.SocketException e) {
                // Or it is reset.
            }
        }
        assertThat(storage.list(ObjectKind.PACKFILE)).containsExactly(mac(1));
    }

    @Test
    void whoDoesNotTakeWhatHeAskedForIsDropped() throws Exception {
        byte[] content = new byte[12 << 20];
        storage.write(ObjectKind.PACKFILE, mac(9), List.of(MemorySegment.ofArray(content)));
        try (Socket socket = new Socket()) {
            socket.setReceiveBufferSize(4096);
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port(place())));
            socket.getOutputStream().write(head("GET", "/resources/packfiles/" + mac(9).hex(), "Accept: */*"));
            Thread.sleep(1500);
            socket.setSoTimeout(5000);
            long got = 0;
            try (InputStream in = socket.getInputStream()) {
                byte[] piece = new byte[65536];
                for (int count = in.read(piece); count >= 0; count = in.read(piece)) {
                    got += count;
                }
            } catch (java.net.SocketException e) {
                // reset
            }
            assertThat(got).isLessThan(content.length);
        }
    }

    @Test
    void aServerThatIsNoneIsTold() throws IOException {
        try (FakeServer server = new FakeServer((exchange, number) -> FakeServer.status(exchange, 404))) {
            assertThatThrownBy(() -> factory().open(Location.parse("http://127.0.0.1:" + server.port() + "/s")))
                    .isInstanceOf(NoSuchFileException.class)
                    .hasMessageContaining("is not a store");
        }
    }

    @Test
    void makingAStoreThroughAServerIsRefusedWithAdvice() throws IOException {
        assertThatThrownBy(() -> new HttpStorageFactory(HASTY).create(freshPlace(), MemorySegment.ofArray(CONFIG)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("`server`");
    }

    /** As Plakar's server answers: 500 with words for what is missing, no lengths, and ranges of packfiles only. */
    @Test
    void aServerThatDoesNoMoreThanTheProtocolIsUnderstood() throws Exception {
        Storage behind = local().open(Location.parse(root(place()).toString()));
        try (FakeServer server = new FakeServer((exchange, number) -> PlainServer.answer(exchange, behind));
                Storage plain =
                        new HttpStorageFactory(HASTY).open(Location.parse("http://127.0.0.1:" + server.port() + "/"))) {
            assertThat(content(plain, ObjectKind.PACKFILE, mac(1)))
                    .isEqualTo(content(storage, ObjectKind.PACKFILE, mac(1)));
            assertThat(content(plain, ObjectKind.STATE, mac(2))).isEqualTo(content(storage, ObjectKind.STATE, mac(2)));
            byte[] part = new byte[100];
            plain.read(ObjectKind.STATE, mac(2), 50, MemorySegment.ofArray(part));
            assertThat(part).isEqualTo(Arrays.copyOfRange(content(storage, ObjectKind.STATE, mac(2)), 50, 150));
            int before = server.requests();
            assertThatThrownBy(() -> plain.size(ObjectKind.LOCK, mac(70))).isInstanceOf(NoSuchFileException.class);
            assertThat(server.requests()).isEqualTo(before + 1);
            plain.write(ObjectKind.STATE, mac(71), List.of(MemorySegment.ofArray(new byte[] {1, 2})));
            assertThat(content(storage, ObjectKind.STATE, mac(71))).containsExactly(1, 2);
            assertThatThrownBy(
                            () -> plain.write(ObjectKind.STATE, mac(71), List.of(MemorySegment.ofArray(new byte[1]))))
                    .isInstanceOf(java.nio.file.FileAlreadyExistsException.class);
            assertThatThrownBy(() -> plain.delete(ObjectKind.STATE, mac(71))).isInstanceOf(AccessDeniedException.class);
        }
    }

    /** Before something is written there, only the news that it is missing counts as that. */
    @ParameterizedTest
    @ValueSource(ints = {204, 302, 400, 403, 404, 500, 503})
    void onlyWhatIsMissingIsWritten(int status) throws IOException {
        Storage behind = local().open(Location.parse(root(place()).toString()));
        int[] writes = {0};
        try (FakeServer server = new FakeServer((exchange, number) -> {
                    boolean isProbe = exchange.getRequestURI().getPath().contains("/states/");
                    if (exchange.getRequestMethod().equals("PUT")) {
                        writes[0]++;
                        PlainServer.answer(exchange, behind);
                    } else if (isProbe) {
                        FakeServer.status(exchange, status);
                    } else {
                        PlainServer.answer(exchange, behind);
                    }
                });
                Storage plain =
                        new HttpStorageFactory(HASTY).open(Location.parse("http://127.0.0.1:" + server.port() + "/"))) {
            List<MemorySegment> content = List.of(MemorySegment.ofArray(new byte[] {1, 2}));
            if (status == 404) {
                plain.write(ObjectKind.STATE, mac(72), content);
            } else {
                assertThatThrownBy(() -> plain.write(ObjectKind.STATE, mac(72), content))
                        .isInstanceOf(IOException.class);
            }
            assertThat(writes[0]).isEqualTo(status == 404 ? 1 : 0);
        }
    }

    /** A server that is overloaded when it is asked what it is, is asked again. */
    @Test
    void anOverloadedServerIsNotTakenForAFolder() throws IOException {
        Storage behind = local().open(Location.parse(root(place()).toString()));
        int[] refusals = {2};
        try (FakeServer server = new FakeServer((exchange, number) -> {
                    if (exchange.getRequestURI().getPath().endsWith("/locks") && refusals[0]-- > 0) {
                        FakeServer.status(exchange, 503);
                    } else {
                        PlainServer.answer(exchange, behind);
                    }
                });
                Storage plain =
                        new HttpStorageFactory(HASTY).open(Location.parse("http://127.0.0.1:" + server.port() + "/"))) {
            assertThat(plain.isWritable()).isTrue();
        }
    }
}
