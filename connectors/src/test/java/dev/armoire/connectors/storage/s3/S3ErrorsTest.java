// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What services answer when something is wrong, as AWS words it, and what is made of it. */
final class S3ErrorsTest {
    private static final String SECRET = "a secret that no message may show";
    private static final String TOKEN = "a token that no message may show";

    /** What the service refuses with; other requests find what {@link #isThere} says. */
    private record Refusal(
            String methods,
            int status,
            String code,
            @Nullable String header,
            @Nullable String value) {}

    private HttpServer server;
    private Location place;
    private volatile Refusal refusal = new Refusal("", 0, "", null, null);
    private boolean isThere;

    @BeforeEach
    void start() throws IOException {
        System.setProperty("armoire.s3.pause", "1");
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            try (exchange) {
                answer(exchange);
            }
        });
        server.start();
        place = Location.parse("s3://127.0.0.1:" + server.getAddress().getPort() + "/bucket/store");
    }

    @AfterEach
    void stop() {
        System.clearProperty("armoire.s3.pause");
        server.stop(0);
    }

    private void answer(HttpExchange exchange) throws IOException {
        exchange.getRequestBody().readAllBytes();
        boolean isHead = exchange.getRequestMethod().equals("HEAD");
        if (refusal.methods.contains(exchange.getRequestMethod())) {
            byte[] body = ("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>" + refusal.code
                            + "</Code><Message>words of the service</Message></Error>")
                    .getBytes(UTF_8);
            if (refusal.header != null) {
                exchange.getResponseHeaders().set(refusal.header, refusal.value);
            }
            exchange.sendResponseHeaders(refusal.status, isHead ? -1 : body.length);
            if (!isHead) {
                exchange.getResponseBody().write(body);
            }
        } else if (isThere && exchange.getRequestMethod().equals("GET")) {
            exchange.sendResponseHeaders(200, 6);
            exchange.getResponseBody().write("CONFIG".getBytes(UTF_8));
        } else {
            exchange.sendResponseHeaders(404, -1);
        }
    }

    private static Map<String, String> settings() {
        Map<String, String> settings = new HashMap<>(S3Server.settings());
        settings.put("secret_access_key", SECRET);
        settings.put("session_token", TOKEN);
        return settings;
    }

    private Storage open() throws IOException {
        return new S3StorageFactory(variable -> null).open(place, settings());
    }

    private void assertTold(Throwable failure, Class<?> type, String... words) {
        assertThat(failure).isInstanceOf(type);
        assertThat(failure.getMessage())
                .contains(words)
                .doesNotContain(SECRET, TOKEN, "Exception")
                .containsOnlyOnce(place.toString());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "403 | InvalidAccessKeyId          | denied  | does not know this access key; check access_key",
                "403 | SignatureDoesNotMatch       | denied  | the secret key does not belong to the access key",
                "403 | AccessDenied                | denied  | the keys do not allow it",
                "400 | ExpiredToken                | denied  | the session token has expired; get new keys",
                "400 | InvalidToken                | denied  | the session token is not valid",
                "404 | NoSuchBucket                | missing | there is no bucket bucket at 127.0.0.1",
                "404 | NoSuchKey                   | missing | this is not a store: it has no CONFIG",
                "403 | RequestTimeTooSkewed        | other   | differ too much; set the clock",
                "400 | AuthorizationHeaderMalformed| other   | not in region us-east-1 but in eu-west-3; set region=eu-west-3",
                "301 | PermanentRedirect           | other   | not in region us-east-1 but in eu-west-3; set region=eu-west-3",
                "403 | InvalidObjectState          | other   | cold storage class",
                "503 | SlowDown                    | other   | is overloaded or out of order (SlowDown, status 503)",
                "500 | InternalError               | other   | is overloaded or out of order (InternalError, status 500)",
                "400 | SomethingNew                | other   | answered with status 400, SomethingNew: words of the service",
            })
    void aStoreThatCannotBeOpenedSaysWhy(int status, String code, String kind, String words) {
        refusal = new Refusal("GET", status, code, "x-amz-bucket-region", "eu-west-3");
        Class<?> type = switch (kind) {
            case "denied" -> AccessDeniedException.class;
            case "missing" -> NoSuchFileException.class;
            default -> IOException.class;
        };
        assertTold(catchThrowable(this::open), type, "cannot open " + place, words);
    }

    @ParameterizedTest
    @ValueSource(strings = {"write", "lock", "delete", "replace"})
    void aBucketThatMayOnlyBeReadRefusesChanges(String change) throws IOException {
        refusal = new Refusal("PUT POST DELETE", 403, "AccessDenied", null, null);
        isThere = true;
        Mac name = Mac.parse("ab".repeat(Mac.BYTES));
        List<MemorySegment> content = List.of(MemorySegment.ofArray(new byte[] {1}));
        try (Storage storage = open()) {
            Throwable failure = catchThrowable(() -> {
                switch (change) {
                    case "write" -> storage.write(ObjectKind.STATE, name, content);
                    case "lock" -> storage.refreshLock(name, content.getFirst());
                    case "delete" -> storage.delete(ObjectKind.STATE, name);
                    default -> storage.replace(ObjectKind.PACKFILE, name, content);
                }
            });
            assertTold(
                    failure,
                    AccessDeniedException.class,
                    name.shortHex(),
                    "access denied; the keys do not allow it, or are wrong: check the policy of bucket bucket");
        }
    }

    /** A bucket is looked for with HEAD, which is answered without a reason. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "400 | ExpiredToken                 | the session token has expired",
                "403 | SignatureDoesNotMatch        | the secret key does not belong to the access key",
                "400 | AuthorizationHeaderMalformed | is not in region us-east-1",
            })
    void aStoreThatCannotBeMadeSaysWhy(int status, String code, String words) {
        refusal = new Refusal("HEAD GET", status, code, null, null);
        Throwable failure = catchThrowable(() -> new S3StorageFactory(variable -> null)
                .create(place, MemorySegment.ofArray(new byte[] {1}), settings())
                .close());
        assertTold(failure, IOException.class, "cannot create a store at " + place, words);
    }

    /** HEAD has no body, so nothing says what it is. */
    @Test
    void aRefusalWithoutAReasonNamesTheUsualOnes() {
        refusal = new Refusal("HEAD", 400, "", null, null);
        place = Location.parse(place + "/a.ptar");
        assertTold(catchThrowable(this::open), IOException.class, "gave no reason", "region", "session_token");
    }
}
