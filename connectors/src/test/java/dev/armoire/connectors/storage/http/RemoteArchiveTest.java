// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import dev.armoire.connectors.storage.StorageReadContract;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Archives behind a real web server, and behind servers that lie, fail and dawdle. */
final class RemoteArchiveTest extends StorageReadContract {
    private static final Mac STATE = Mac.parse("0f0e0d0c0b0a0908070605040302010000000000000000000000000000000000");

    private static final HttpStorageFactory FACTORY =
            new HttpStorageFactory(limits(Duration.ofSeconds(10), Duration.ofSeconds(10)));

    /** Waits for nobody: where the machine is busy it asks again where nothing is wrong. */
    private static final HttpStorageFactory IMPATIENT =
            new HttpStorageFactory(limits(Duration.ofMillis(400), Duration.ofMillis(700)));

    private static Limits limits(Duration silence, Duration window) {
        return new Limits(Duration.ofSeconds(5), silence, window, 4096, 4, Duration.ofMillis(1), Duration.ofMillis(5));
    }

    @TempDir
    static Path folder;

    private static Nginx nginx;

    private final byte[] config = random(1, 400);
    private final byte[] packfile = random(2, 900_000);
    private final byte[] state = random(3, 5_000);

    @BeforeAll
    static void startNginx() throws Exception {
        nginx = Nginx.start(folder);
    }

    @AfterAll
    static void stopNginx() {
        if (nginx != null) {
            nginx.close();
        }
    }

    private static byte[] random(long seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private byte[] archive() {
        int packfileAt = 12 + config.length;
        int stateAt = packfileAt + packfile.length;
        return ByteBuffer.allocate(stateAt + state.length + 48)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put("_PLATAR_".getBytes(StandardCharsets.US_ASCII))
                .putInt(0x10000)
                .put(config)
                .put(packfile)
                .put(state)
                .putLong(12)
                .putLong(config.length)
                .putLong(packfileAt)
                .putLong(packfile.length)
                .putLong(stateAt)
                .putLong(state.length)
                .array();
    }

    private static Location at(int port, String path) {
        return Location.parse("http://127.0.0.1:" + port + path);
    }

    private static Storage open(int port) throws IOException {
        return FACTORY.open(at(port, "/a.ptar"));
    }

    private byte[] read(Storage storage, long from, int length) throws IOException {
        byte[] read = new byte[length];
        storage.read(ObjectKind.PACKFILE, mac(1), from, MemorySegment.ofArray(read));
        return read;
    }

    private byte[] part(int from, int length) {
        return Arrays.copyOfRange(packfile, from, from + length);
    }

    @Override
    protected Held held() throws IOException {
        Files.write(folder.resolve("www/a.ptar"), archive());
        return new Held(open(nginx.port()), config, mac(1), packfile, STATE, state);
    }

    @Test
    void urlsAreOfThisKind() {
        for (String place : List.of("http://h/a", "https://h/a.ptar", "ptar+http://h/a", "ptar+https://h:1/a?x=y")) {
            assertThat(StorageFactory.find(Location.parse(place))).isInstanceOf(HttpStorageFactory.class);
        }
        assertThat(storage.location()).isEqualTo("http://127.0.0.1:" + nginx.port() + "/a.ptar");
        assertThat(storage.localPath()).isNull();
        assertThat(storage.isWritable()).isFalse();
    }

    @Test
    void anArchiveMayHaveAnotherNameAndAKeyBehindIt() throws IOException {
        Files.write(folder.resolve("www/archive"), archive());
        try (Storage other =
                FACTORY.open(Location.parse("ptar+http://127.0.0.1:" + nginx.port() + "/archive?key=s3cret"))) {
            assertThat(content(other, ObjectKind.STATE, STATE)).isEqualTo(state);
            assertThat(other.location()).doesNotContain("s3cret");
        }
        assertThatThrownBy(() ->
                        FACTORY.open(Location.parse("http://127.0.0.1:" + nginx.port() + "/none.ptar?key=s3cret")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("/none.ptar: 127.0.0.1:" + nginx.port() + " has no such file")
                .hasMessageNotContaining("s3cret");
    }

    @Test
    void littleIsFetchedForLittle() throws IOException {
        int before = nginx.requests().size();
        try (Storage fresh = open(nginx.port())) {
            fresh.readConfig(java.lang.foreign.Arena.ofAuto());
            content(fresh, ObjectKind.STATE, STATE); // within the end that was fetched first
            assertThat(nginx.requests()).hasSize(before + 2);
            for (int i = 0; i < 100; i++) {
                assertThat(read(fresh, 300_000 + 40L * i, 40)).isEqualTo(part(300_000 + 40 * i, 40));
            }
            assertThat(nginx.requests()).hasSize(before + 3);
        }
    }

    @Test
    void readingOnIsGivenMoreEachTime() throws IOException {
        int before = nginx.requests().size();
        try (Storage fresh = open(nginx.port())) {
            for (int at = 0; at + 10_000 <= 800_000; at += 10_000) {
                assertThat(read(fresh, at, 10_000)).isEqualTo(part(at, 10_000));
            }
        }
        assertThat(nginx.requests().size() - before).isLessThanOrEqualTo(5); // of 128, 256, 512 KiB
    }

    @Test
    void aFileThatChangesIsNeverMixed() throws IOException {
        assertThat(read(storage, 0, 10)).isEqualTo(part(0, 10));
        byte[] other = archive();
        Arrays.fill(other, 500_000, 600_000, (byte) 0);
        Path file = folder.resolve("www/a.ptar");
        Files.write(file, other);
        Files.setLastModifiedTime(file, java.nio.file.attribute.FileTime.fromMillis(1_000_000_000_000L));
        assertThatThrownBy(() -> read(storage, 500_000, 10))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("has changed on the server while it was read");
        Files.write(file, Arrays.copyOf(archive(), archive().length + 1)); // grows
        assertThatThrownBy(() -> read(storage, 500_000, 10)).hasMessageContaining("has changed on the server");
        Files.delete(file);
        assertThatThrownBy(() -> read(storage, 500_000, 10))
                .isNotInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("it was there when it was opened");
    }

    @Test
    void aServerWithoutRangesIsTold() {
        assertThatThrownBy(() -> FACTORY.open(at(nginx.port(), "/whole/a.ptar")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("sends whole files only")
                .hasMessageContaining("nginx");
    }

    @Test
    void whatIsCutShortIsDamaged() throws IOException {
        Random random = new Random(5);
        for (int i = 0; i < 20; i++) {
            int length = i == 0 ? 0 : i == 1 ? 59 : random.nextInt(archive().length);
            Files.write(folder.resolve("www/cut.ptar"), Arrays.copyOf(archive(), length));
            assertThatThrownBy(() -> FACTORY.open(at(nginx.port(), "/cut.ptar")))
                    .as("%d bytes", length)
                    .isInstanceOf(CorruptDataException.class)
                    .hasMessageContaining("/cut.ptar");
        }
    }

    @Test
    void redirectsAreFollowedAndRemembered() throws IOException {
        byte[] archive = archive();
        try (FakeServer other = new FakeServer((exchange, number) -> {
                    assertThat(exchange.getRequestHeaders()).doesNotContainKey("Authorization");
                    FakeServer.range(exchange, archive);
                });
                FakeServer first = new FakeServer((exchange, number) -> {
                    assertThat(exchange.getRequestHeaders().getFirst("Authorization"))
                            .isEqualTo("Bearer t0ken");
                    exchange.getResponseHeaders().add("Location", "http://127.0.0.1:" + other.port() + "/b?sig=1");
                    FakeServer.status(exchange, 302);
                });
                Storage opened = FACTORY.open(at(first.port(), "/a.ptar"), Map.of("auth_token", "t0ken"))) {
            assertThat(content(opened, ObjectKind.PACKFILE, mac(1))).isEqualTo(packfile);
            assertThat(first.requests()).isEqualTo(1);
        }
    }

    @Test
    void redirectsInACircleAreTold() throws IOException {
        try (FakeServer server = new FakeServer((exchange, number) -> {
            exchange.getResponseHeaders().add("Location", "/" + number % 3 + ".ptar");
            FakeServer.status(exchange, 301);
        })) {
            assertThatThrownBy(() -> open(server.port())).hasMessageContaining("redirects in a circle");
        }
        try (FakeServer server = new FakeServer((exchange, number) -> {
            exchange.getResponseHeaders().add("Location", "http://me:secret@127.0.0.1/a.ptar");
            FakeServer.status(exchange, 307);
        })) {
            assertThatThrownBy(() -> open(server.port()))
                    .hasMessageContaining("redirects to a place that is not safe")
                    .hasMessageNotContaining("secret");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://me:secret@127.0.0.1/a.ptar", "https://secret@127.0.0.1/s", "http://a b:secret@c/"})
    void credentialsInALocationAreRefusedAndNotRepeated(String text) {
        Location location = Location.parse(text);
        assertThat(location.toString()).doesNotContain("secret");
        assertThatThrownBy(() -> FACTORY.open(location))
                .isInstanceOf(IOException.class)
                .hasMessageNotContaining("secret")
                .hasMessageContaining("***@");
    }

    @Test
    void refusalsAreTold() throws IOException {
        try (FakeServer server = new FakeServer((exchange, number) -> FakeServer.status(exchange, 401))) {
            assertThatThrownBy(() -> open(server.port()))
                    .isInstanceOf(AccessDeniedException.class)
                    .hasMessageContaining("set auth_token");
            assertThatThrownBy(() ->
                            FACTORY.open(at(server.port(), "/a.ptar"), Map.of("username", "me", "password", "s3cret")))
                    .isInstanceOf(AccessDeniedException.class)
                    .hasMessageContaining("does not accept the credentials")
                    .hasMessageNotContaining("s3cret");
            assertThat(server.requests()).isEqualTo(2);
        }
        try (FakeServer server = new FakeServer((exchange, number) -> FakeServer.status(exchange, 403))) {
            assertThatThrownBy(() -> open(server.port())).isInstanceOf(AccessDeniedException.class);
        }
        int nobody;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            nobody = socket.getLocalPort();
        }
        assertThatThrownBy(() -> open(nobody)).hasMessageContaining("refuses connections");
        assertThatThrownBy(() -> FACTORY.open(Location.parse("http://no.such.host.invalid/a.ptar")))
                .hasMessageContaining("there is no host no.such.host.invalid");
        assertThatThrownBy(() -> FACTORY.open(Location.parse("https://127.0.0.1:" + nginx.port() + "/a.ptar")))
                .hasMessageContaining("answers without TLS");
    }

    @Test
    void whatPassesIsTriedAgain() throws IOException {
        byte[] archive = archive();
        try (FakeServer server = new FakeServer((exchange, number) -> {
                    switch (number % 4) {
                        case 1 -> FakeServer.status(exchange, number % 8 == 1 ? 503 : 500);
                        case 2 -> cutShort(exchange, archive);
                        case 3 -> wrongRange(exchange, archive);
                        default -> FakeServer.range(exchange, archive);
                    }
                });
                Storage opened = open(server.port())) {
            assertThat(content(opened, ObjectKind.PACKFILE, mac(1))).isEqualTo(packfile);
            assertThat(content(opened, ObjectKind.STATE, STATE)).isEqualTo(state);
        }
    }

    private static void cutShort(HttpExchange exchange, byte[] file) throws IOException {
        int[] range = FakeServer.rangeOf(exchange, file.length);
        exchange.getResponseHeaders().add("Content-Range", "bytes " + range[0] + "-" + range[1] + "/" + file.length);
        exchange.sendResponseHeaders(206, range[1] - range[0] + 1);
        exchange.getResponseBody().write(file, range[0], (range[1] - range[0]) / 2);
        exchange.getResponseBody().flush();
    }

    private static void wrongRange(HttpExchange exchange, byte[] file) throws IOException {
        exchange.getResponseHeaders().add("Content-Range", "bytes 7-16/" + file.length);
        exchange.sendResponseHeaders(206, 10);
        exchange.getResponseBody().write(file, 7, 10);
    }

    @Test
    void whatStaysIsToldAfterSomeAttempts() throws IOException {
        try (FakeServer server = new FakeServer((exchange, number) -> FakeServer.status(exchange, 503))) {
            assertThatThrownBy(() -> open(server.port()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("answered with status 503, and did so 4 times; try again later");
            assertThat(server.requests()).isEqualTo(4);
        }
        try (FakeServer server = new FakeServer((exchange, number) -> wrongRange(exchange, archive()))) {
            assertThatThrownBy(() -> open(server.port())).hasMessageContaining("another range than it was asked for");
        }
    }

    @Test
    void dawdlersAreGivenUp() throws IOException {
        byte[] archive = archive();
        AtomicInteger sent = new AtomicInteger();
        try (FakeServer server = new FakeServer((exchange, number) -> {
            exchange.getResponseHeaders()
                    .add(
                            "Content-Range",
                            "bytes " + (archive.length - 65536) + "-" + (archive.length - 1) + "/" + archive.length);
            exchange.sendResponseHeaders(206, 65536);
            try {
                while (true) { // never silent for long, and never done
                    exchange.getResponseBody().write(1);
                    exchange.getResponseBody().flush();
                    sent.incrementAndGet();
                    Thread.sleep(100);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        })) {
            assertThatThrownBy(() -> IMPATIENT.open(at(server.port(), "/a.ptar")))
                    .hasMessageContaining("bytes came in");
        }
        assertThat(sent.get()).isBetween(4, 100);
        try (FakeServer server = new FakeServer((exchange, number) -> {
            try {
                Thread.sleep(5000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        })) {
            assertThatThrownBy(() -> IMPATIENT.open(at(server.port(), "/a.ptar")))
                    .hasMessageContaining("did not answer for");
        }
    }

    @Test
    void sizesThatAreSaidAreNotBelieved() throws IOException {
        try (FakeServer server = new FakeServer((exchange, number) -> {
            exchange.getResponseHeaders()
                    .add("Content-Range", "bytes 999999999934464-999999999999999/1000000000000000");
            exchange.sendResponseHeaders(206, 65536);
            exchange.getResponseBody().write(new byte[65536]);
        })) {
            assertThatThrownBy(() -> open(server.port())).isInstanceOf(IOException.class);
        }
        try (FakeServer server = new FakeServer((exchange, number) -> {
            exchange.getResponseHeaders().add("Content-Encoding", "gzip");
            FakeServer.range(exchange, archive());
        })) {
            assertThatThrownBy(() -> open(server.port())).hasMessageContaining("sends it as gzip");
        }
    }

    @Test
    void unknownSettingsAreRefused() {
        assertThatThrownBy(() -> FACTORY.open(at(1, "/a.ptar"), Map.of("token", "x")))
                .hasMessageContaining("unknown setting token")
                .hasMessageContaining("auth_token");
    }
}
