// SPDX-License-Identifier: ISC
package dev.armoire.connectors.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.armoire.connectors.OneFile;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.ImporterFactory;
import dev.armoire.connectors.spi.Location;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against a server that answers word for word what a test wants, and then hangs up. */
final class HttpImporterTest {
    private static final String SECRET = "hunter2";

    private final Map<String, String> answers = new ConcurrentHashMap<>();
    private final List<String> requests = Collections.synchronizedList(new ArrayList<>());
    private ServerSocket server;

    @BeforeEach
    void start() throws IOException {
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(() -> {
            while (!server.isClosed()) {
                try (Socket socket = server.accept()) {
                    answer(socket);
                } catch (IOException e) {
                    // the test is over, or the client is
                }
            }
        });
    }

    private void answer(Socket socket) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(socket.getInputStream(), ISO_8859_1));
        StringBuilder request = new StringBuilder();
        for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
            request.append(line).append('\n');
        }
        requests.add(request.toString());
        String path = request.toString().split(" ", 3)[1];
        String answer = answers.getOrDefault(path, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        socket.getOutputStream().write(answer.getBytes(ISO_8859_1));
        socket.getOutputStream().flush();
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    private String url(String path) {
        return "http://127.0.0.1:" + server.getLocalPort() + path;
    }

    private static Importer open(String url, Map<String, String> settings) throws IOException {
        return new HttpImporterFactory().open(Location.parse(url), OneFile.options(settings));
    }

    private static String ok(String headers, String body) {
        return "HTTP/1.1 200 OK\r\n" + headers + "\r\n" + body;
    }

    @Test
    void aFileIsSavedUnderItsPathWithItsTime() throws IOException {
        answers.put(
                "/a%20b/c.txt?x=1",
                ok("Content-Length: 5\r\nLast-Modified: Sat, 03 Feb 2001 04:05:06 GMT\r\n", "hello"));
        try (Importer importer = open(url("/a%20b/c.txt?x=1"), Map.of())) {
            OneFile found = OneFile.scan(importer);

            assertThat(importer.type()).isEqualTo("http");
            assertThat(importer.origin()).isEqualTo("127.0.0.1:" + server.getLocalPort());
            assertThat(importer.root()).isEqualTo("/a b".getBytes(UTF_8));
            assertThat(found.paths).containsExactly("/", "/a b", "/a b/c.txt");
            assertThat(found.file().info().size()).isEqualTo(5);
            assertThat(found.file().info().mtimeSeconds()).isEqualTo(981_173_106);
            assertThat(found.content()).isEqualTo("hello".getBytes(UTF_8));
            assertThat(found.errors).isEmpty();
        }
    }

    @Test
    void chunksAreWholeWhenTheLastOneHasCome() throws IOException {
        answers.put("/x", ok("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
        try (Importer importer = open(url("/x"), Map.of())) {
            OneFile found = OneFile.scan(importer);
            assertThat(found.file().info().size()).isEqualTo(-1);
            assertThat(found.content()).isEqualTo("abcde".getBytes(UTF_8));
            assertThat(found.errors).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"Content-Length: 10\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo"})
    void aBodyThatEndsTooEarlyIsAnError(String rest) throws IOException {
        answers.put("/x", "HTTP/1.1 200 OK\r\n" + rest);
        try (Importer importer = open(url("/x"), Map.of())) {
            OneFile found = OneFile.scan(importer);
            assertThatThrownBy(found::content)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(url("/x") + ": cut off after ");
        }
    }

    @Test
    void aBodyWithoutALengthIsToldToBeDoubtful() throws IOException {
        answers.put("/x", ok("", "hello"));
        try (Importer importer = open(url("/x"), Map.of())) {
            OneFile found = OneFile.scan(importer);
            assertThat(found.content()).isEqualTo("hello".getBytes(UTF_8));
            assertThat(found.errors).hasSize(1).first().asString().contains("does not say how long it is");
        }
    }

    @ParameterizedTest
    @CsvSource({"404, there is no such file", "401, it wants credentials", "500, the server answers 500"})
    void anotherAnswerIsAnError(int status, String words) throws IOException {
        answers.put("/x", "HTTP/1.1 " + status + " X\r\nContent-Length: 0\r\n\r\n");
        try (Importer importer = open(url("/x?sig=" + SECRET), Map.of())) {
            answers.put("/x?sig=" + SECRET, "HTTP/1.1 " + status + " X\r\nContent-Length: 0\r\n\r\n");
            assertThatThrownBy(() -> OneFile.scan(importer))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(words)
                    .hasMessageNotContaining(SECRET);
        }
    }

    @Test
    void redirectsAreFollowedButNotForEver() throws IOException {
        answers.put("/a", "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n");
        answers.put("/b", ok("Content-Length: 1\r\n", "b"));
        answers.put("/loop", "HTTP/1.1 301 Moved\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n");
        answers.put("/file", "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n");
        try (Importer importer = open(url("/a"), Map.of())) {
            OneFile found = OneFile.scan(importer);
            assertThat(found.paths).containsExactly("/", "/a");
            assertThat(found.content()).isEqualTo("b".getBytes(UTF_8));
        }
        try (Importer importer = open(url("/loop"), Map.of())) {
            assertThatThrownBy(() -> OneFile.scan(importer)).hasMessageContaining("more than 5 redirects");
        }
        try (Importer importer = open(url("/file"), Map.of())) {
            assertThatThrownBy(() -> OneFile.scan(importer)).hasMessageContaining("that is not followed");
        }
    }

    @Test
    void credentialsGoToTheServerThatWasNamedOnly() throws IOException {
        answers.put(
                "/a",
                "HTTP/1.1 302 Found\r\nLocation: http://localhost:" + server.getLocalPort()
                        + "/b\r\nContent-Length: 0\r\n\r\n");
        answers.put("/b", ok("Content-Length: 1\r\n", "b"));
        try (Importer importer = open(url("/a"), Map.of("username", "me", "password", SECRET))) {
            OneFile.scan(importer);
        }
        assertThat(requests.get(0)).contains("Authorization: Basic ");
        assertThat(requests.get(1)).doesNotContain("Authorization");
    }

    @Test
    void secretsInUrlsAndOddSettingsAreRefused() {
        assertThatThrownBy(() -> open("http://me:" + SECRET + "@127.0.0.1/x", Map.of()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("-o username")
                .hasMessageNotContaining(SECRET);
        assertThatThrownBy(() -> open("http://127.0.0.1/%zz?" + SECRET, Map.of()))
                .isInstanceOf(IOException.class)
                .hasMessageNotContaining(SECRET);
        assertThatThrownBy(() -> open(url("/x"), Map.of("no_such_setting", "1")))
                .hasMessageContaining("no_such_setting");
        assertThatThrownBy(() -> open(url("/x"), Map.of("username", "me"))).hasMessageContaining("both");
        assertThat(ImporterFactory.find(Location.parse("https://example.org/x")))
                .isInstanceOf(HttpImporterFactory.class);
    }

    @Test
    void noServerIsAnError() throws IOException {
        server.close();
        try (Importer importer = open(url("/x"), Map.of())) {
            assertThatThrownBy(() -> OneFile.scan(importer))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(url("/x") + ": no connection");
        }
    }
}
