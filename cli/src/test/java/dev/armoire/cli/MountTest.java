// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code mount}, over HTTP everywhere and as a file system where this user may mount. */
class MountTest {
    @TempDir
    Path folder;

    private ArmoireRun run;
    private String id;

    @BeforeEach
    void makeSnapshot() throws IOException {
        run = new ArmoireRun(folder).withStoreAndSource();
        id = run.backup().substring(0, 8);
    }

    private static HttpResponse<String> get(HttpClient client, String url, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void browsersSeeFoldersAndFiles() throws Exception {
        try (RunningArmoire mount = run.start("mount", "-to", "http://127.0.0.1:0");
                HttpClient client = HttpClient.newHttpClient()) {
            String address = mount.await("HTTP serving at (http://127.0.0.1:[1-9]\\d*);");
            String source = address + '/' + id + run.path("source");

            assertThat(get(client, address + '/').body()).contains("<a href=\"" + id + "/\">");
            assertThat(get(client, source).headers().firstValue("Location"))
                    .hasValueSatisfying(to -> assertThat(to).endsWith("/source/"));
            assertThat(get(client, source + "/").body())
                    .contains("<a href=\"./a.txt\">a.txt</a>", "<a href=\"./sub/\">sub/</a>", "</a> -&gt; a.txt");
            assertThat(get(client, source + "/a.txt").body()).isEqualTo("alpha\n");
            assertThat(get(client, source + "/link").body()).isEqualTo("alpha\n");
            HttpResponse<String> part = get(client, source + "/a.txt", "Range", "bytes=1-3");
            assertThat(part.statusCode()).isEqualTo(206);
            assertThat(part.body()).isEqualTo("lph");
            assertThat(part.headers().firstValue("Content-Range")).hasValue("bytes 1-3/6");
            assertThat(get(client, source + "/a.txt", "Range", "bytes=9-").statusCode())
                    .isEqualTo(416);
            assertThat(get(client, source + "/none").statusCode()).isEqualTo(404);
            assertThat(get(client, address + "/ffffffff/").statusCode()).isEqualTo(404);
            assertThat(mount.end()).isZero();
        }
    }

    @Test
    void oneFolderIsAllThatIsServedWhenOneIsNamed() throws Exception {
        try (RunningArmoire mount = run.start("mount", "-to", "http://localhost:0", id + ":sub");
                HttpClient client = HttpClient.newHttpClient()) {
            String address = mount.await("HTTP serving at (http://localhost:[1-9]\\d*);");
            assertThat(get(client, address + "/b.txt").body()).isEqualTo("beta\n");
            assertThat(get(client, address + "/../a.txt").statusCode()).isEqualTo(404);
            assertThat(get(client, address + "/%2e%2e/a.txt").statusCode()).isEqualTo(404);
            assertThat(mount.end()).isZero();
        }
    }

    @Test
    void programsSeeFoldersAndFiles() throws Exception {
        Assumptions.assumeTrue(Files.isWritable(Path.of("/dev/fuse")), "no FUSE here");
        Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/fusermount3")), "no fusermount3 here");
        Path at = folder.resolve("mount point");
        try (RunningArmoire mount = run.start("mount", "-to", at.toString())) {
            try {
                mount.await("mounted .* at (.*);");
            } catch (AssertionError e) {
                Assumptions.abort("this user may not mount: " + e.getMessage());
            }
            Path source = at.resolve(id + run.path("source"));
            assertThat(Files.readString(source.resolve("a.txt"))).isEqualTo("alpha\n");
            assertThat(Files.readSymbolicLink(source.resolve("link"))).isEqualTo(Path.of("a.txt"));
            try (var names = Files.list(source)) {
                assertThat(names.map(path -> path.getFileName().toString()))
                        .containsExactlyInAnyOrder("a.txt", "link", "sub");
            }
            Path original = folder.resolve("source/a.txt");
            for (String attribute :
                    List.of("unix:mode", "unix:uid", "unix:gid", "unix:nlink", "lastModifiedTime", "size")) {
                assertThat(Files.getAttribute(source.resolve("a.txt"), attribute))
                        .as(attribute)
                        .isEqualTo(Files.getAttribute(original, attribute));
            }
            assertThat(source.resolve("none")).doesNotExist();
            assertThat(org.assertj.core.api.Assertions.catchThrowable(
                            () -> Files.writeString(source.resolve("x"), "x")))
                    .hasMessageContaining("Read-only file system");
            assertThat(mount.end()).isZero();
        }
        assertThat(at).doesNotExist();
    }

    @Test
    void whatCannotBeShownIsRefused() {
        assertThat(run.onStore("mount", "-to", "https://localhost:1").exitCode())
                .isEqualTo(ExitCode.USAGE);
        assertThat(run.onStore("mount", "-to", "http://localhost:0/x").exitCode())
                .isEqualTo(ExitCode.USAGE);
        assertThat(run.onStore("mount", id + ":a.txt").err()).contains("not a folder");
        assertThat(run.onStore("mount", "-name", "nobody").err()).contains("no snapshots found");
    }
}
