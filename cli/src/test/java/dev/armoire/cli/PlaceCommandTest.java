// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlaceCommandTest {
    private static final String SECRET = "correct horse battery staple 42!";

    @TempDir
    Path folder;

    private ArmoireRun run;

    @BeforeEach
    void prepare() {
        run = new ArmoireRun(folder);
    }

    private Path configuration(String program) {
        return run.home().resolve(".config").resolve(program);
    }

    private String ours(String file) throws IOException {
        return Files.readString(configuration("armoire").resolve(file));
    }

    private void plakars(String file, String text) throws IOException {
        Files.createDirectories(configuration("plakar"));
        Files.writeString(configuration("plakar").resolve(file), text);
    }

    private static void succeeds(ArmoireRun.Outcome outcome) {
        assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    }

    @Test
    void theFileIsAsPlakarWritesIt() throws IOException {
        ArmoireRun.Outcome added = run.run(
                "store", "add", "@b", "location=s3://h/b", "use_tls=false", "n=007", "none=~", "odd=a: b #c", "empty=");
        succeeds(added);
        assertThat(added.out()).isEmpty();
        assertThat(added.err()).isEmpty();
        succeeds(run.run("store", "add", "a", "/data/store", "passphrase_cmd=pass show a"));

        assertThat(ours("stores.yml")).isEqualTo("""
                version: v1.0.0
                stores:
                    a:
                        location: /data/store
                        passphrase_cmd: pass show a
                    b:
                        empty: ''
                        location: s3://h/b
                        n: '007'
                        none: '~'
                        odd: 'a: b #c'
                        use_tls: 'false'
                """);
        assertThat(Files.getPosixFilePermissions(configuration("armoire").resolve("stores.yml")))
                .isEqualTo(PosixFilePermissions.fromString("rw-------"));
        assertThat(Files.getPosixFilePermissions(configuration("armoire")))
                .isEqualTo(PosixFilePermissions.fromString("rwx------"));
        // Plakar writes empty files over all three where one is missing.
        assertThat(ours("sources.yml")).isEqualTo("version: v1.0.0\nsources: {}\n");
        assertThat(ours("destinations.yml")).isEqualTo("version: v1.0.0\ndestinations: {}\n");
    }

    @Test
    void settingsAreChangedOneByOne() throws IOException {
        succeeds(run.run("source", "add", "s", "/a", "x=1", "y=2"));
        succeeds(run.run("source", "set", "@s", "x=3", "z=4=5", "location=/b"));
        succeeds(run.run("source", "unset", "s", "y", "never-there"));

        assertThat(run.run("source", "show", "s").out()).isEqualTo("""
                s:
                    location: /b
                    x: '3'
                    z: 4=5
                """);
        ArmoireRun.Outcome unset = run.run("source", "unset", "s", "location");
        assertThat(unset).isEqualTo(new ArmoireRun.Outcome(1, "", "armoire: cannot unset location\n"));
        succeeds(run.run("source", "rm", "@s"));
        assertThat(run.run("source", "show").out()).isEmpty();
        assertThat(ours("sources.yml")).isEqualTo("version: v1.0.0\nsources: {}\n");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "store add s1 /y           | 1  | store \"s1\" already exists",
                "destination rm x          | 1  | destination \"x\" does not exist",
                "store set s2 a=b          | 1  | store \"s2\" does not exist; did you mean \"s1\"?",
                "store add x               | 64 | usage: armoire store add NAME LOCATION [KEY=VALUE...]",
                "store add x /y hunter2    | 64 | a setting is not KEY=VALUE; usage: armoire store add",
                "store add a:b /y          | 64 | \"a:b\" is no name for a store",
                "store add x location=     | 64 | store \"x\" has no location",
                "store set s1 location=    | 64 | store \"s1\" has no location",
                "store                     | 64 | no action specified",
                "store fly                 | 64 | usage: armoire store [add|check|import|ping|rm|set|show|unset]",
                "store ping s1 s1          | 64 | usage: armoire store ping NAME",
                "store rm s1 -secrets      | 64 | -secrets is for store show, not for rm",
                "store show -yaml -ini     | 64 | -yaml, -json and -ini: only one of them",
                "store check odd           | 66 | no kind of store is called \"gopher\"",
                "store check extra         | 1  | store \"extra\": fs: unknown setting b; a store of this kind has no settings",
                "store ping nothing        | 66 | failed to open the repository at",
                "source check missing      | 1  | source \"missing\": lstat ",
                "source ping missing       | 1  | source \"missing\": lstat ",
                "destination ping file     | 1  | destination \"file\": ",
                "restore -to @nowhere      | 1  | could not resolve exporter: @nowhere: no destinations.yml names it",
                "backup @nothing           | 1  | could not resolve importer: @nothing: no sources.yml names it",
            })
    void mistakesAreExplained(String words, int exitCode, String message) throws IOException {
        run.run("store", "add", "s1", "/x");
        run.run("store", "add", "odd", "gopher://x");
        run.run("store", "add", "extra", "/x", "b=1");
        run.run("store", "add", "nothing", run.path("nothing"));
        run.run("source", "add", "missing", run.path("missing"));
        run.run(
                "destination",
                "add",
                "file",
                Files.writeString(folder.resolve("file"), "x").toString());
        String before = ours("stores.yml");

        ArmoireRun.Outcome outcome = run.run(words.split(" "));

        assertThat(outcome.exitCode()).as("%s", outcome).isEqualTo(exitCode);
        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.err()).startsWith("armoire: " + message).doesNotContain("hunter2");
        assertThat(ours("stores.yml")).isEqualTo(before);
    }

    @Test
    void secretsAreHiddenUnlessAskedFor() {
        ArmoireRun.Outcome added = run.run(
                "store",
                "add",
                "s",
                "sftp://me:pw@h/x",
                "passphrase=hunter2",
                "Password=hunter2",
                "my_auth_token=hunter2",
                "client_id=hunter2",
                "sse_customer_key=hunter2",
                "passphrase_cmd=echo x",
                "compass=north");
        assertThat(added.err()).contains("in clear").doesNotContain("hunter2");

        for (String format : new String[] {"-yaml", "-ini", "-json"}) {
            assertThat(run.run("store", "show", format, "s").out())
                    .contains("********", "sftp://me:********@h/x", "echo x", "north")
                    .doesNotContain("hunter2");
            assertThat(run.run("store", "show", format, "-secrets", "s").out())
                    .contains("hunter2", "sftp://me:pw@h/x")
                    .doesNotContain("********");
        }
    }

    @Test
    void whatWillNotWorkIsWarnedOf() {
        assertThat(run.run("store", "add", "g", "gopher://x").err())
                .isEqualTo("warn: this version of Armoire knows no kind of store called \"gopher\"; store \"g\" was"
                        + " written all the same\n");
        assertThat(run.run("source", "add", "here", "some/folder").err()).contains("some/folder is not absolute");
        assertThat(run.run("store", "add", "s", "/s", "passphrase=x").err())
                .isEqualTo("armoire: store \"s\": passphrase stands in the file in clear; passphrase_cmd='secret-tool"
                        + " lookup armoire s' would ask a key ring, and passphrase_env=VARIABLE the environment\n");
    }

    @Test
    void namesWorkWhereverAPlaceIsNamed() throws IOException {
        run.withStoreAndSource();
        succeeds(run.run("store", "add", "s", run.path("store")));
        succeeds(run.run("source", "add", "src", run.path("source"), "dont_traverse_fs=true"));
        succeeds(run.run("destination", "add", "out", run.path("out")));
        for (String kind : new String[] {"store s", "source src", "destination out"}) {
            String[] words = kind.split(" ", -1);
            succeeds(run.run(words[0], "check", words[1]));
            assertThat(run.run(words[0], "ping", words[1]))
                    .isEqualTo(new ArmoireRun.Outcome(0, "configuration OK\n", ""));
        }
        assertThat(folder.resolve("out")).doesNotExist();

        succeeds(run.run("at", "@s", "backup", "@src:sub/deep"));
        succeeds(run.run("at", "@s", "backup", "@src"));
        assertThat(run.run("at", "@s", "ls").outLines())
                .hasSize(2)
                .first()
                .asString()
                .endsWith("/source");
        succeeds(run.run("at", "@s", "restore", "-to", "@out:there", ":"));
        assertThat(run.tree("out/there")).contains("a.txt", "sub/deep/c.log");
        succeeds(run.run("at", "@s", "restore", "-to", "@out:" + run.path("else"), ":"));
        assertThat(run.tree("else")).contains("a.txt", "sub/deep/c.log");
        ArmoireRun.Outcome wrong = run.run("at", "@s", "backup", "-o", "dont_traverse_fs=maybe", "@src");
        assertThat(wrong.exitCode()).isEqualTo(1);
        assertThat(wrong.err())
                .contains("true or false, not maybe"); // the word on the command line goes before the file
    }

    @Test
    void aSourceThatCannotBeReadDoesNotAnswer() throws IOException {
        Path empty = Files.createDirectories(folder.resolve("empty"));
        succeeds(run.run("source", "add", "empty", empty.toString()));
        succeeds(run.run("source", "ping", "empty"));
    }

    @Test
    void secretsComeFromCommandsAndTheEnvironment() {
        run.with("ARMOIRE_PASSPHRASE", SECRET);
        succeeds(run.run("at", run.path("e"), "create"));
        run.with("ARMOIRE_PASSPHRASE", "");
        succeeds(run.run("store", "add", "cmd", run.path("e"), "passphrase_cmd=printf '%s' '" + SECRET + "'"));
        succeeds(run.run("store", "add", "env", run.path("e"), "passphrase_env=OFFSITE"));

        succeeds(run.run("store", "ping", "cmd"));
        ArmoireRun.Outcome unset = run.run("store", "ping", "env");
        assertThat(unset.exitCode()).isEqualTo(77);
        assertThat(unset.err())
                .isEqualTo("armoire: passphrase_env: the environment variable OFFSITE is not set, or empty\n");
        run.with("OFFSITE", SECRET);
        succeeds(run.run("store", "ping", "env"));
        run.with("OFFSITE", "wrong");
        assertThat(run.run("store", "ping", "env").exitCode()).isEqualTo(77);

        Surroundings surroundings = new Surroundings(
                java.util.Map.of("KEY", "from variable"), folder, System.out, System.err, false, text -> null);
        assertThat(Secrets.resolved(
                        java.util.Map.of(
                                "access_key_env", "KEY",
                                "secret_access_key_cmd", "echo from command",
                                "token", "in clear",
                                "token_env", "NOT_SET",
                                "passphrase_cmd", "never run; exit 1",
                                "other_cmd", "no secret"),
                        surroundings))
                .isEqualTo(java.util.Map.of(
                        "access_key", "from variable",
                        "secret_access_key", "from command",
                        "token", "in clear",
                        "passphrase_cmd", "never run; exit 1",
                        "other_cmd", "no secret"));
    }

    @Test
    void plakarsFilesAreReadUntilThereAreOurs() throws IOException {
        plakars("stores.yml", """
                version: v1.0.0
                default: p
                stores:
                    p:
                        location: /p
                        passphrase: "hunter2"
                        "n": "007"
                """);
        plakars("sources.yml", "version: v1.0.0\nsources:\n    src:\n        location: /src\n");
        assertThat(run.run("store", "show", "-secrets").out()).contains("hunter2", "'007'");

        ArmoireRun.Outcome added = run.run("store", "add", "q", "/q");
        succeeds(added);
        assertThat(added.err()).contains("now has what", "plakar/stores.yml says", "stays as it is");
        assertThat(ours("stores.yml")).contains("default: p", "passphrase: hunter2", "location: /q");
        assertThat(ours("sources.yml")).contains("location: /src");
        assertThat(Files.readString(configuration("plakar").resolve("stores.yml")))
                .doesNotContain("/q");

        plakars("stores.yml", "version: v1.0.0\nstores:\n    late:\n        location: /late\n");
        assertThat(run.run("store", "show", "late").exitCode()).isEqualTo(1);
        succeeds(run.run("store", "rm", "p"));
        assertThat(ours("stores.yml")).doesNotContain("default", "hunter2");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'stores:\n  a: {location: /x, n: 1}\n'             | 0  | a",
                "'a: {location: /x, .isDefault: yes}'               | 0  | a",
                "'stores: {location: /x}'                           | 0  | stores",
                "'version: v1.0.0\nstores:\n'                        | 0  | ''",
                "''                                                 | 0  | ''",
                "'version: v2.0.0\nstores: {}'                       | 78 | has version v2.0.0",
                "'version: v1.0.0\nstores: {a: {b: [1]}}'            | 1  | value of b is no text",
                "'version: v1.0.0\nstores: {a: hunter2}'             | 1  | store \"a\" is no map",
                "'[]'                                               | 1  | holds no stores",
                "'version: v1.0.0\nstores: {a: {b: \"hunter2}'       | 1  | is not valid YAML, line",
            })
    void filesOfManyAgesAndShapesAreReadOrRefused(String text, int exitCode, String said) throws IOException {
        plakars("stores.yml", text);

        ArmoireRun.Outcome outcome = run.run("store", "show");

        assertThat(outcome.exitCode()).as("%s", outcome).isEqualTo(exitCode);
        assertThat(exitCode == 0 ? outcome.out() : outcome.err()).contains(said).doesNotContain("hunter2");
        if (exitCode != 0) {
            assertThat(run.run("store", "add", "new", "/new").exitCode()).isEqualTo(exitCode);
            assertThat(configuration("armoire").resolve("stores.yml")).doesNotExist();
        }
    }

    @Test
    void aLinkToTheFileStays() throws IOException {
        Path real = Files.writeString(folder.resolve("dotfile.yml"), "version: v1.0.0\nstores: {}\n");
        Files.createDirectories(configuration("armoire"));
        Path link = Files.createSymbolicLink(configuration("armoire").resolve("stores.yml"), real);

        succeeds(run.run("store", "add", "a", "/a"));

        assertThat(link).isSymbolicLink();
        assertThat(real).content().contains("location: /a");
    }

    // import

    private ArmoireRun.Outcome imports(String text, String... words) throws IOException {
        String file = Files.writeString(folder.resolve("import"), text).toString();
        String[] all = new String[words.length + 4];
        System.arraycopy(new String[] {"store", "import", "-config", file}, 0, all, 0, 4);
        System.arraycopy(words, 0, all, 4, words.length);
        return run.run(all);
    }

    @Test
    void whatOneShowsTheOtherImports() throws IOException {
        succeeds(run.run("store", "add", "a", "/a", "k=  blanks ; and #", "m=two\nlines", "b=tick ` tock", "q='x'"));
        succeeds(run.run("store", "add", "b", "/b", "token=hunter2"));
        String before = ours("stores.yml");
        for (String format : new String[] {"-yaml", "-ini", "-json"}) {
            String shown = run.run("store", "show", "-secrets", format).out();
            succeeds(run.run("store", "rm", "a"));
            succeeds(run.run("store", "rm", "b"));
            succeeds(imports(shown));
            assertThat(ours("stores.yml")).as("%s", shown).isEqualTo(before);
            succeeds(imports(shown)); // once more changes nothing
        }
        succeeds(run.run("store", "rm", "a"));
        succeeds(imports(before, "a"));
        assertThat(ours("stores.yml")).isEqualTo(before);
    }

    @Test
    void whatIsThereIsOverwrittenOnlyWhenAskedFor() throws IOException {
        succeeds(run.run("store", "add", "a", "/a"));
        String other = "a: {location: /other}\nb: {location: /b}\nc: {k: v}\nother: 1\n";

        ArmoireRun.Outcome outcome = imports(other);
        assertThat(outcome.exitCode()).isEqualTo(3);
        assertThat(outcome.err())
                .contains("error: store \"a\" already exists, skipping")
                .contains("error: store \"c\" has no location, skipping");
        assertThat(ours("stores.yml")).contains("location: /a", "location: /b").doesNotContain("/other");

        succeeds(imports(other, "-overwrite", "a", "b:second"));
        assertThat(ours("stores.yml")).contains("second:", "location: /other").doesNotContain("location: /a\n");

        assertThat(imports(other, "nowhere").exitCode()).isEqualTo(1);
        assertThat(imports("just words").err()).contains("no valid stores found");
        assertThat(imports("[x]\nlocation = /x ; a comment?\n").err()).contains("line 2: put the value in");
    }

    @Test
    void rclonesConfigurationBecomesPlakars() throws IOException {
        ArmoireRun.Outcome outcome = imports("[drive]\ntype = drive\nclient_secret = s\n", "-rclone", "drive:d");

        succeeds(outcome);
        assertThat(outcome.err()).contains("called \"rclone\"");
        assertThat(run.run("store", "show", "d").out()).isEqualTo("""
                d:
                    location: rclone://
                    rclone_client_secret: '********'
                    rclone_type: drive
                """);
    }

    @Test
    void anAddressCanBeImportedFrom() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/good", exchange -> {
            byte[] body = "{\"w\": {\"location\": \"/w\"}}".getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        try {
            String address = "http://127.0.0.1:" + server.getAddress().getPort();
            succeeds(run.run("store", "import", "-config", address + "/good"));
            assertThat(ours("stores.yml")).contains("location: /w");
            assertThat(run.run("store", "import", "-config", address + "/bad").err())
                    .contains("/bad: the server answers 404");
        } finally {
            server.stop(0);
        }
    }
}
