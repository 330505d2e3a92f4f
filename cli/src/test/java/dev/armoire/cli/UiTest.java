// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code ui}, as browsers and other programs see it. */
class UiTest {
    private static final String TOKEN = "a-token-that-only-tests-know";
    private static final long SEED = 20261129;

    @TempDir
    Path folder;

    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private ArmoireRun run;
    private Path source;
    private String id;

    @BeforeEach
    void makeSnapshot() throws IOException {
        run = new ArmoireRun(folder).withStoreAndSource().with("ARMOIRE_UI_TOKEN", TOKEN);
        source = folder.resolve("source");
        Files.writeString(source.resolve("page.html"), "<script>document.title = 'taken over'</script>");
        Files.writeString(source.resolve("\"><script>x<\n.txt"), "odd");
        Files.writeString(source.resolve("ends.txt"), "one\ntwo\u001b[31m<b>\u202e\n");
        Files.write(source.resolve("empty"), new byte[0]);
        byte[] random = new byte[3 << 20];
        new Random(SEED).nextBytes(random);
        Files.write(source.resolve("random.bin"), random);
        id = run.backup().substring(0, 8);
    }

    @AfterEach
    void closeClient() {
        client.close();
    }

    private RunningArmoire start(String... flags) {
        List<String> words = new ArrayList<>(List.of("ui", "-no-spawn"));
        words.addAll(List.of(flags));
        return run.start(words.toArray(String[]::new));
    }

    private static String address(RunningArmoire ui) throws InterruptedException {
        return ui.await("launching webUI at (http://127.0.0.1:[1-9]\\d*)/");
    }

    private HttpRequest.Builder request(String url) {
        return HttpRequest.newBuilder(URI.create(url)).header("Authorization", "Bearer " + TOKEN);
    }

    private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private String page(String url) throws Exception {
        HttpResponse<String> answer = send(request(url));
        assertThat(answer.statusCode()).as(url).isEqualTo(200);
        return answer.body();
    }

    private byte[] bytes(String url) throws Exception {
        return client.send(request(url).build(), HttpResponse.BodyHandlers.ofByteArray())
                .body();
    }

    /** Where the source is in the URLs of a kind of page. */
    private String at(String address, String kind) {
        return address + '/' + kind + '/' + id + run.path("source");
    }

    @Test
    void onlyWhoHasTheTokenIsLetIn() throws Exception {
        try (RunningArmoire ui = start()) {
            String address = address(ui);
            HttpResponse<String> asked = send(HttpRequest.newBuilder(URI.create(at(address, "raw") + "/a.txt")));
            assertThat(asked.statusCode()).isEqualTo(401);
            assertThat(asked.headers().firstValue("WWW-Authenticate")).hasValue("Bearer");
            assertThat(asked.body())
                    .contains("armoire ui", "#token=", "value=\"/raw/" + id)
                    .doesNotContain("alpha", TOKEN);
            assertThat(send(HttpRequest.newBuilder(URI.create(address + '/')).header("Authorization", "Bearer wrong"))
                            .statusCode())
                    .isEqualTo(401);
            assertThat(send(login(address, "wrong", "/store")).statusCode()).isEqualTo(401);

            HttpResponse<String> in = send(login(address, TOKEN, "/store"));
            assertThat(in.statusCode()).isEqualTo(303);
            assertThat(in.headers().firstValue("Location")).hasValue("/store");
            String cookie = in.headers().firstValue("Set-Cookie").orElseThrow();
            assertThat(cookie).contains("; HttpOnly; SameSite=Strict").doesNotContain(TOKEN);
            HttpRequest.Builder next = HttpRequest.newBuilder(URI.create(address + "/store"));
            assertThat(send(next.header("Cookie", "other=1; " + cookie.replaceFirst(";.*", "")))
                            .statusCode())
                    .isEqualTo(200);
            for (String elsewhere : List.of("//evil.example/", "https://evil.example/", "/\\evil.example", "")) {
                assertThat(send(login(address, TOKEN, elsewhere)).headers().firstValue("Location"))
                        .as(elsewhere)
                        .hasValue("/");
            }
            assertThat(ui.end()).isZero();
        }
    }

    private static HttpRequest.Builder login(String address, String token, String to) {
        return HttpRequest.newBuilder(URI.create(address + "/login"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(
                        "token=" + token + "&to=" + URLEncoder.encode(to, StandardCharsets.UTF_8)));
    }

    @Test
    void snapshotsFoldersAndTextsAreShown() throws Exception {
        try (RunningArmoire ui = start()) {
            String address = address(ui);
            assertThat(page(address + '/')).contains("1 of 1", ">" + id + "</a>", run.path("source"));
            assertThat(page(address + "/?name=nobody")).contains("0 of 1");
            assertThat(page(address + "/?since=1h")).contains("1 of 1");
            assertThat(send(request(address + "/?since=nonsense")).statusCode()).isEqualTo(400);
            HttpResponse<String> short8 = send(request(at(address, "s")));
            String url = address + short8.headers().firstValue("Location").orElseThrow();
            assertThat(url).endsWith("/source/");
            assertThat(page(url))
                    .contains(
                            ">a.txt</a>",
                            ">sub/</a>",
                            "</a> &rarr; a.txt",
                            "%22%3E%3Cscript%3Ex%3C%0A.txt\">&quot;&gt;&lt;script&gt;x&lt;\\n.txt</a>")
                    .doesNotContain("<script");
            assertThat(page(url + "ends.txt"))
                    .contains("<pre tabindex=\"0\">one\ntwo\\x1b[31m&lt;b&gt;\\u202e\n</pre>");
            assertThat(page(url + "page.html")).doesNotContain("<script");
            assertThat(page(url + "random.bin")).contains("Not a text");
            assertThat(send(request(url + "link")).headers().firstValue("Location"))
                    .hasValueSatisfying(to -> assertThat(to).endsWith("/source/a.txt"));
            assertThat(send(request(url + "none")).statusCode()).isEqualTo(404);
            assertThat(send(request(address + "/s/ffffffff/")).statusCode()).isEqualTo(404);
            assertThat(send(request(address + "/none")).statusCode()).isEqualTo(404);
            assertThat(ui.end()).isZero();
        }
    }

    @Test
    void contentsAreSentInASandboxAndInParts() throws Exception {
        try (RunningArmoire ui = start()) {
            String raw = at(address(ui), "raw");
            HttpResponse<String> html = send(request(raw + "/page.html"));
            assertThat(html.headers().firstValue("Content-Type")).hasValue("text/plain; charset=utf-8");
            assertThat(html.headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
            assertThat(html.headers().firstValue("Content-Security-Policy"))
                    .hasValueSatisfying(policy -> assertThat(policy).startsWith("sandbox; default-src 'none'"));
            assertThat(bytes(raw + "/random.bin")).isEqualTo(Files.readAllBytes(source.resolve("random.bin")));
            assertThat(bytes(raw + "/empty")).isEmpty();
            HttpResponse<String> part = send(request(raw + "/a.txt").header("Range", "bytes=1-3"));
            assertThat(part.statusCode()).isEqualTo(206);
            assertThat(part.body()).isEqualTo("lph");
            assertThat(part.headers().firstValue("Content-Range")).hasValue("bytes 1-3/6");
            assertThat(send(request(raw + "/a.txt").header("Range", "bytes=9-")).statusCode())
                    .isEqualTo(416);
            HttpResponse<String> head = send(request(raw + "/a.txt?download=1").HEAD());
            assertThat(head.headers().firstValue("Content-Length")).hasValue("6");
            assertThat(head.headers().firstValue("Content-Disposition"))
                    .hasValue("attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt");
            String tag = head.headers().firstValue("ETag").orElseThrow();
            assertThat(send(request(raw + "/a.txt").header("If-None-Match", tag))
                            .statusCode())
                    .isEqualTo(304);
            assertThat(send(request(raw + "/a.txt").DELETE()).statusCode()).isEqualTo(405);
            assertThat(ui.end()).isZero();
        }
    }

    @Test
    void foldersAreDownloadedAsArchives() throws Exception {
        try (RunningArmoire ui = start()) {
            String archive = at(address(ui), "archive");
            byte[] random = Files.readAllBytes(source.resolve("random.bin"));
            List<String> names = new ArrayList<>();
            try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(bytes(archive + "?format=zip")))) {
                for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                    names.add(entry.getName());
                    if (entry.getName().equals("source/random.bin")) {
                        assertThat(zip.readAllBytes()).isEqualTo(random);
                    }
                }
            }
            assertThat(names).contains("source/", "source/random.bin", "source/sub/deep/c.log");
            byte[] tar =
                    new GZIPInputStream(new ByteArrayInputStream(bytes(archive + "?format=tarball"))).readAllBytes();
            assertThat(new String(tar, StandardCharsets.ISO_8859_1))
                    .contains("source/sub/b.txt", new String(random, StandardCharsets.ISO_8859_1));
            assertThat(ui.end()).isZero();
        }
    }

    @Test
    void versionsAndDifferencesAreFoundAndNewSnapshotsAppear() throws Exception {
        try (RunningArmoire ui = start();
                RunningArmoire fixed = start("-no-refresh")) {
            String address = address(ui);
            String other = address(fixed);
            Files.writeString(source.resolve("ends.txt"), "one\n2\n");
            Files.writeString(source.resolve("new.txt"), "new\n");
            Files.delete(source.resolve("a.txt"));
            String second = run.backup("-tag", "later").substring(0, 8);
            Thread.sleep(2100); // the store is asked every two seconds at most

            assertThat(page(address + "/?tag=later")).contains("1 of 2", second);
            assertThat(page(other + '/')).contains("1 of 1");
            assertThat(page(address + "/search?q=end")).contains("1 path,", "/ends.txt</a>", "<td class=\"n\">2</td>");
            assertThat(page(address + "/search?q=source%2F*.bin")).contains("1 path,", "random.bin</a>");
            assertThat(send(request(address + "/search?q=%5B")).statusCode()).isEqualTo(400);
            String path = "path=" + run.path("source");
            assertThat(page(address + "/history?" + path + "/ends.txt"))
                    .contains(">content, time</td>", ">added</td>", "Compare with the one before");
            assertThat(page(address + "/history?" + path + "/a.txt")).contains(">removed</td>");
            assertThat(send(request(address + "/history?path=/none")).statusCode())
                    .isEqualTo(404);
            String between = address + "/diff?a=" + id + "&b=" + second + '&' + path;
            assertThat(page(between))
                    .contains(">a.txt</a></td><td>gone<", ">new.txt</a></td><td>new<", ">ends.txt</a></td><td>content")
                    .doesNotContain("random.bin");
            assertThat(page(between + "/ends.txt"))
                    .contains("<del>-two\\x1b[31m&lt;b&gt;\\u202e</del>", "<ins>+2</ins>");
            assertThat(page(between + "/sub")).contains("Nothing is different");
            assertThat(page(address + "/growth")).contains(second, id);
            assertThat(page(address + "/growth.svg")).startsWith("<svg");
            assertThat(ui.end()).isZero();
            assertThat(fixed.end()).isZero();
        }
    }

    @Test
    void otherSitesReadOnlyWhereThatIsWanted() throws Exception {
        try (RunningArmoire ui = start();
                RunningArmoire open = start("-cors")) {
            assertThat(send(request(address(ui) + '/')).headers().map())
                    .doesNotContainKey("Access-Control-Allow-Origin");
            String address = address(open);
            HttpRequest.Builder before = HttpRequest.newBuilder(URI.create(address + '/'))
                    .method("OPTIONS", HttpRequest.BodyPublishers.noBody());
            assertThat(send(before).headers().firstValue("Access-Control-Allow-Headers"))
                    .hasValueSatisfying(names -> assertThat(names).contains("Authorization"));
            assertThat(send(HttpRequest.newBuilder(URI.create(address + '/'))).statusCode())
                    .isEqualTo(401);
        }
    }

    @Test
    void damageIsToldAndNeverTakenForTheEndOfAFile() throws Exception {
        try (RunningArmoire ui = start()) {
            String address = address(ui);
            damage(Files.readAllBytes(source.resolve("random.bin")));
            HttpResponse<String> file =
                    send(request(at(address, "raw") + "/random.bin").header("Range", "bytes=-10"));
            assertThat(file.statusCode()).isEqualTo(500);
            assertThat(file.body()).contains("armoire check");
            assertThatThrownBy(() -> bytes(at(address, "archive") + "?format=tarball"))
                    .isInstanceOf(IOException.class);
            assertThatThrownBy(() -> bytes(at(address, "archive") + "?format=zip"))
                    .isInstanceOf(IOException.class);
            assertThat(bytes(at(address, "raw") + "/a.txt")).hasSize(6); // the others are still there
            assertThat(ui.end()).isEqualTo(ExitCode.DAMAGE);
            assertThat(ui.err()).contains("KO ✘ " + run.path("source/random.bin"));
        }
    }

    /** Turns a byte near the end of a content around, wherever the store has it: what is random is stored as it is. */
    private void damage(byte[] content) throws IOException {
        String wanted = new String(content, content.length - 64, 32, StandardCharsets.ISO_8859_1);
        try (var files = Files.walk(folder.resolve("store/packfiles"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                byte[] bytes = Files.readAllBytes(file);
                int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf(wanted);
                if (at >= 0) {
                    bytes[at] ^= 1;
                    assertThat(file.toFile().setWritable(true)).isTrue();
                    Files.write(file, bytes);
                    return;
                }
            }
        }
        throw new AssertionError("the content is not in the store");
    }

    @Test
    void whatLetsStrangersInIsRefused() throws IOException {
        assertThat(run.onStore("ui", "-no-spawn", "-no-auth", "-addr", "0.0.0.0:0")
                        .err())
                .contains("anybody who reaches 0.0.0.0:0", "-insecure");
        assertThat(run.onStore("ui", "-no-spawn", "-no-auth", "-cors").exitCode())
                .isEqualTo(ExitCode.USAGE);
        assertThat(run.onStore("ui", "-no-spawn", "-cert", "x").exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run.onStore("ui", "-no-spawn", "-addr", "nonsense").err()).contains("invalid -addr value nonsense");
        assertThat(run.onStore("ui", "-no-spawn", "word").exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(new ArmoireRun(folder)
                        .with("ARMOIRE_UI_TOKEN", "short")
                        .onStore("ui", "-no-spawn")
                        .err())
                .contains("the token is no good");
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            ArmoireRun.Outcome outcome = run.onStore("ui", "-no-spawn", "-addr", "127.0.0.1:" + taken.getLocalPort());
            assertThat(outcome.exitCode()).isEqualTo(ExitCode.IO);
            assertThat(outcome.err()).contains("cannot listen on 127.0.0.1:" + taken.getLocalPort(), "-addr");
        }
    }
}
