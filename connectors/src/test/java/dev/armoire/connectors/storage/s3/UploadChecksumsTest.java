// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which checksums go with uploads to services that know the new one, ignore it or refuse it, and what becomes of spoilt bytes. */
final class UploadChecksumsTest {
    private static final String CRC = "x-amz-checksum-crc32";
    private static final String BOTH = "MD5 and CRC";

    /** What a service makes of the header that not all know. */
    enum Service {
        COMPARES,
        IGNORES,
        REFUSES_501("NotImplemented", 501),
        REFUSES_400("InvalidRequest", 400),
        /** An old one, which does not know conditions either. */
        REFUSES_BOTH("NotImplemented", 501);

        private final String code;
        private final int status;

        Service() {
            this("", 200);
        }

        Service(String code, int status) {
            this.code = code;
            this.status = status;
        }
    }

    private HttpServer server;
    private Storage storage;
    private volatile Service service = Service.COMPARES;
    private volatile boolean isStoredWrongly;
    private final AtomicInteger spoiltUploads = new AtomicInteger();
    private final Map<String, byte[]> objects = new ConcurrentHashMap<>(Map.of("/bucket/CONFIG", new byte[] {1}));

    /** Of each upload that was taken, what it carried. */
    private final List<String> taken = Collections.synchronizedList(new ArrayList<>());

    private final AtomicInteger refused = new AtomicInteger();

    @BeforeEach
    void start() throws IOException {
        System.setProperty("armoire.s3.pause", "1");
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            try (exchange) {
                answer(exchange);
            } catch (NoSuchAlgorithmException e) {
                throw new IOException(e);
            }
        });
        server.start();
        Location place = Location.parse("s3://127.0.0.1:" + server.getAddress().getPort() + "/bucket");
        storage = new S3StorageFactory(variable -> null).open(place, S3Server.settings());
    }

    @AfterEach
    void stop() throws IOException {
        System.clearProperty("armoire.s3.pause");
        storage.close();
        server.stop(0);
    }

    private void answer(HttpExchange exchange) throws IOException, NoSuchAlgorithmException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        String key = exchange.getRequestURI().getPath();
        if (!exchange.getRequestMethod().equals("PUT")) {
            byte[] found = objects.get(key);
            boolean isHead = exchange.getRequestMethod().equals("HEAD");
            exchange.sendResponseHeaders(found == null ? 404 : 200, found == null || isHead ? -1 : found.length);
            if (found != null && !isHead) {
                exchange.getResponseBody().write(found);
            }
            return;
        }
        String crc = exchange.getRequestHeaders().getFirst(CRC);
        String md5 = exchange.getRequestHeaders().getFirst("Content-MD5");
        boolean isConditional = exchange.getRequestHeaders().containsKey("If-None-Match");
        boolean isSpoilt = body.length > 1 && spoiltUploads.getAndUpdate(n -> Math.max(0, n - 1)) > 0;
        if (isSpoilt) {
            body[body.length / 2] ^= 1;
        }
        if (service.status != 200 && (crc != null || isConditional && service == Service.REFUSES_BOTH)) {
            refuse(exchange, service.status, service.code);
        } else if (md5 != null && !md5.equals(md5(body))
                || crc != null && service == Service.COMPARES && !crc.equals(crc(body))) {
            refuse(exchange, 400, "BadDigest");
        } else if (isConditional && objects.containsKey(key)) {
            exchange.sendResponseHeaders(412, -1);
        } else {
            objects.put(key, body);
            taken.add(md5 == null ? "CRC" : crc == null ? "MD5" : BOTH);
            if (crc != null && service == Service.COMPARES) {
                exchange.getResponseHeaders().set(CRC, isStoredWrongly ? "AAAAAA==" : crc(body));
            }
            exchange.sendResponseHeaders(200, -1);
        }
    }

    private void refuse(HttpExchange exchange, int status, String code) throws IOException {
        refused.incrementAndGet();
        byte[] words =
                ("<Error><Code>" + code + "</Code><Message>words of the service</Message></Error>").getBytes(UTF_8);
        exchange.sendResponseHeaders(status, words.length);
        exchange.getResponseBody().write(words);
    }

    private static String crc(byte[] content) {
        CRC32 crc = new CRC32();
        crc.update(content);
        return Base64.getEncoder()
                .encodeToString(
                        ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
    }

    private static String md5(byte[] content) throws NoSuchAlgorithmException {
        return Base64.getEncoder()
                .encodeToString(MessageDigest.getInstance("MD5").digest(content));
    }

    private static Mac mac(int number) {
        return Mac.parse(String.format("%064x", number));
    }

    private byte[] stored(ObjectKind kind, Mac name) {
        String hex = name.hex();
        return objects.get(
                "/bucket/" + kind.folder() + '/' + (kind == ObjectKind.LOCK ? "" : hex.substring(0, 2) + '/') + hex);
    }

    private void write(ObjectKind kind, int name, byte[] content) throws IOException {
        storage.write(kind, mac(name), List.of(MemorySegment.ofArray(content)));
    }

    /** A lock, as each backup writes one first, and when all is learnt a packfile of several segments, and the lock again. */
    private List<String> carriedByABackup() throws IOException {
        byte[] packfile = new byte[3_000_000];
        new Random(5).nextBytes(packfile);
        write(ObjectKind.LOCK, 1, new byte[] {1, 2, 3});
        storage.refreshLock(mac(1), MemorySegment.ofArray(new byte[] {4, 5}));
        int learnt = taken.size() - 1;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment all = MemorySegment.ofArray(packfile);
            MemorySegment middle = arena.allocate(2_000_000).copyFrom(all.asSlice(7, 2_000_000));
            storage.write(
                    ObjectKind.PACKFILE,
                    mac(2),
                    List.of(all.asSlice(0, 7), middle, all.asSlice(2_000_007).asReadOnly()));
        }
        assertThat(stored(ObjectKind.PACKFILE, mac(2))).isEqualTo(packfile);
        assertThat(stored(ObjectKind.LOCK, mac(1))).containsExactly(4, 5);
        return List.of(taken.getFirst(), taken.get(learnt), taken.getLast());
    }

    @Test
    void aServiceThatComparesTheNewOneGetsNoOther() throws IOException {
        assertThat(carriedByABackup()).containsExactly(BOTH, "CRC", "CRC");
        assertThat(refused).hasValue(0);
    }

    @Test
    void aServiceThatIgnoresTheNewOneGetsMd5() throws IOException {
        service = Service.IGNORES;
        assertThat(carriedByABackup()).containsExactly(BOTH, "MD5", "MD5");
    }

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"REFUSES_501", "REFUSES_400", "REFUSES_BOTH"})
    void aServiceThatRefusesTheNewOneIsAskedOnce(Service refusing) throws IOException {
        service = refusing;
        assertThat(carriedByABackup()).containsExactly("MD5", "MD5", "MD5");
        assertThat(refused).hasValue(refusing == Service.REFUSES_BOTH ? 3 : 1);
    }

    @Test
    void aLargeObjectIsNoTrial() throws IOException {
        write(ObjectKind.PACKFILE, 3, new byte[2 << 20]);
        assertThat(taken).containsExactly("MD5");
    }

    @ParameterizedTest
    @EnumSource(
            value = Service.class,
            names = {"COMPARES", "IGNORES", "REFUSES_501"})
    void whatWasSpoiltOnItsWayIsSentAgain(Service any) throws IOException {
        service = any;
        spoiltUploads.set(2);
        write(ObjectKind.STATE, 4, new byte[1000]);
        assertThat(stored(ObjectKind.STATE, mac(4))).isEqualTo(new byte[1000]);
        storage.delete(ObjectKind.LOCK, mac(1)); // waits until it has been learnt whether names can be taken twice
        spoiltUploads.set(2);
        write(ObjectKind.PACKFILE, 5, new byte[2 << 20]);
        assertThat(stored(ObjectKind.PACKFILE, mac(5))).isEqualTo(new byte[2 << 20]);
        assertThat(spoiltUploads).hasValue(0);
    }

    @Test
    void whatIsSpoiltEachTimeIsTold() throws IOException {
        write(ObjectKind.LOCK, 1, new byte[] {1, 2, 3});
        storage.delete(ObjectKind.LOCK, mac(2)); // waits
        spoiltUploads.set(1000);
        assertThatThrownBy(() -> write(ObjectKind.PACKFILE, 5, new byte[2 << 20]))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("BadDigest");
        assertThat(stored(ObjectKind.PACKFILE, mac(5))).isNull();
    }

    @Test
    void whatTheServiceHasStoredOtherwiseIsTold() throws IOException {
        write(ObjectKind.LOCK, 1, new byte[] {1, 2, 3});
        storage.delete(ObjectKind.LOCK, mac(2)); // waits
        isStoredWrongly = true;
        assertThatThrownBy(() -> write(ObjectKind.PACKFILE, 5, new byte[2 << 20]))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("cannot write packfile")
                .hasMessageEndingWith(
                        "the service has stored other bytes than it was sent: their CRC-32 is AAAAAA==, not "
                                + crc(new byte[2 << 20]));
    }

    /** Of a service with several machines, some older, the rest is sent with what all know. */
    @Test
    void aServiceThatForgetsTheNewOneGetsMd5() throws IOException {
        write(ObjectKind.LOCK, 1, new byte[] {1, 2, 3});
        storage.delete(ObjectKind.LOCK, mac(2)); // waits
        taken.clear();
        service = Service.IGNORES;
        write(ObjectKind.PACKFILE, 5, new byte[2 << 20]);
        write(ObjectKind.PACKFILE, 6, new byte[2 << 20]);
        assertThat(taken).containsExactly("CRC", "MD5");
    }
}
