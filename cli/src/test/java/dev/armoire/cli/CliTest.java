// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.atIndex;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every command on a small store, in this process: what it says, where, and its exit code. */
class CliTest {
    @TempDir
    Path folder;

    private ArmoireRun run;

    @BeforeEach
    void makeStoreAndSource() throws IOException {
        run = new ArmoireRun(folder).withStoreAndSource();
    }

    private String source() {
        return run.path("source");
    }

    /** Changes a bit in the middle of the largest object of a kind. */
    private void damage(String kind) throws IOException {
        Path largest = null;
        long most = 0;
        for (String name : run.tree("store/" + kind)) {
            Path file = folder.resolve("store/" + kind).resolve(name);
            if (Files.isRegularFile(file) && Files.size(file) > most) {
                largest = file;
                most = Files.size(file);
            }
        }
        assertThat(largest).isNotNull();
        byte[] bytes = Files.readAllBytes(largest);
        bytes[bytes.length / 2] ^= 1;
        largest.toFile().setWritable(true);
        Files.write(largest, bytes);
    }

    // The words before the command

    @ParameterizedTest
    @CsvSource({
        "'', 64, a command must be given",
        "at, 64, missing store after `at`: armoire at STORE COMMAND",
        "at x, 64, missing command after `at x`; `armoire help` lists the commands",
        "frobnicate, 64, command not found: frobnicate; `armoire help` lists the commands",
        "bakup, 64, command not found: bakup; did you mean backup?",
        "login, 64, login: Armoire has no accounts and needs no login",
        "-quiett ls, 64, unknown flag -quiett; did you mean -quiet?",
        "-concurrency 0 ls, 64, invalid -concurrency value 0: a whole number from 1 is wanted",
        "-memory 64M ls, 64, 'invalid -memory value \"64M\": 96M or more is wanted, in M or G'",
        "-memory 1073741824 ls, 64, 'invalid -memory value \"1073741824\": 96M or more'",
        "-cpu 9999 ls, 64, invalid -cpu value 9999: there are only",
        "ls -dayz 7, 64, unknown flag -dayz; did you mean -days?",
        "prune -per-sunday x, 64, invalid -per-sunday value x: a whole number from 0 is wanted",
        "prune -group-by colour, 64, invalid -group-by value colour: one of name, category, environment",
        "prune, 64, 'no filter specified, not going to prune everything'",
        "prune -policy nosuch, 1, 'policy \"nosuch\" does not exist; there is none yet'",
        "policy add p dayz=1, 64, 'failed to set key \"dayz\": invalid key; there are before, since'",
        "policy set p days=1, 1, 'policy \"p\" does not exist'",
        "at gopher://x/y ls, 66, 'no kind of store is called \"gopher\": a path, fs:PATH, FILE.ptar, http(s)://HOST/PATH, s3://HOST/BUCKET or sftp://HOST/PATH is wanted'",
        "at @none ls, 1, could not resolve repository: @none: no stores.yml names it",
    })
    void wrongWordsAreExplained(String line, int exitCode, String message) {
        ArmoireRun.Outcome outcome = run.run(line.isEmpty() ? new String[0] : line.split(" "));

        assertThat(outcome.exitCode()).isEqualTo(exitCode);
        assertThat(outcome.err()).startsWith("armoire: " + message);
        assertThat(outcome.out()).isEmpty();
    }

    @Test
    void versionIsOneLine() {
        assertThat(run.run("version").out()).matches("armoire/\\d+\\.\\d+\\.\\d+\n");
        assertThat(run.run("version", "-v").out()).contains("store format: 1.0.0\n", "encryption: AES256-GCM-SIV by ");
        assertThat(run.run("version", "x").exitCode()).isEqualTo(64);
    }

    @Test
    void helpExplainsEveryCommandAndItsFlags() {
        assertThat(run.run("help").out()).contains("  backup    make a snapshot of files\n");
        assertThat(run.run("help", "nosuch").exitCode()).isEqualTo(64);
        Commands.all().keySet().forEach(name -> {
            ArmoireRun.Outcome help = run.run("help", name);
            assertThat(help.exitCode()).isZero();
            assertThat(help.out()).contains("usage: armoire [at STORE] " + name);
            assertThat(run.run(name, "-h")).isEqualTo(help);
        });
    }

    @Test
    void aStoreThatIsNotThereIs66() {
        ArmoireRun.Outcome missing = run.run("at", run.path("nope"), "ls");
        assertThat(missing.exitCode()).isEqualTo(66);
        assertThat(missing.err())
                .startsWith("armoire: failed to open the repository at fs://" + run.path("nope") + ": ")
                .contains("To name another store use `armoire at STORE COMMAND`.");

        assertThat(run.run("at", source(), "ls").err()).contains("is not a store");
        assertThat(run.run("ls").err()).contains(".armoire", "`armoire create`");
        assertThat(run.run("at", run.path("nope"), "backup", source()).exitCode())
                .isEqualTo(66);
        assertThat(folder.resolve("nope")).doesNotExist();
    }

    @Test
    void theStoreOfTheEnvironmentIsTaken() {
        run.with("PLAKAR_REPOSITORY", run.path("nope")).with("ARMOIRE_REPOSITORY", run.path("store"));

        assertThat(run.run("ls")).isEqualTo(new ArmoireRun.Outcome(0, "", ""));
    }

    @Test
    void aStoreThatLostItsStatesIsNotCalledEmptyOrWell() throws IOException {
        run.backup();
        Files.writeString(Path.of(source(), "another.txt"), "more");
        run.backup();
        List<String> listed = run.onStore("ls").outLines();
        try (Stream<Path> states = Files.walk(Path.of(run.path("store"), "states"))) {
            for (Path state : states.filter(Files::isRegularFile).toList()) {
                Files.delete(state);
            }
        }

        assertThat(run.onStore("ls").err()).contains("no state tells what is in the ", "`armoire repair`");
        ArmoireRun.Outcome check = run.onStore("check");
        assertThat(check.exitCode()).isEqualTo(65);
        assertThat(check.out() + check.err()).contains("with them went the list of 2 snapshots");

        assertThat(run.onStore("repair").out()).contains("to be listed again");
        assertThat(run.onStore("repair", "-apply").exitCode()).isZero();
        assertThat(run.onStore("ls").outLines()).isEqualTo(listed);
        assertThat(run.onStore("check").exitCode()).isZero();
    }

    // create

    @Test
    void createRefusesWhatIsThere() throws IOException {
        ArmoireRun.Outcome again = run.onStore("create", "-plaintext");
        assertThat(again.exitCode()).isEqualTo(1);
        assertThat(again.err()).contains("is already a store");

        ArmoireRun.Outcome full = run.run("at", source(), "create", "-plaintext");
        assertThat(full.exitCode()).isEqualTo(1);
        assertThat(full.err()).contains("is not empty");

        assertThat(run.run("at", run.path("x"), "create", "-hashing", "MD5").exitCode())
                .isEqualTo(64);
        assertThat(run.run("at", run.path("x"), "create", "y").exitCode()).isEqualTo(64);
    }

    @Test
    void createSaysHowToGoOn() {
        ArmoireRun.Outcome outcome = run.run("at", run.path("x"), "create", "-plaintext", "-hashing", "sha256");

        assertThat(outcome.out()).matches("created repository [0-9a-f-]{36} at fs://.*/x; back up into it with .*\n");
        assertThat(run.run("at", run.path("x"), "info").out())
                .contains(" - Algorithm: SHA256\n", "Snapshots: 0\n")
                .doesNotContain("Encryption:");
    }

    // backup

    @Test
    void backupListsItemsAndSumsUp() {
        ArmoireRun.Outcome outcome = run.onStore("backup", source());

        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.outLines())
                .filteredOn(line -> line.contains("OK ✓"))
                .map(line -> line.substring(line.indexOf('/')))
                .containsExactlyInAnyOrder(
                        source(),
                        source() + "/a.txt",
                        source() + "/link",
                        source() + "/sub",
                        source() + "/sub/b.txt",
                        source() + "/sub/deep",
                        source() + "/sub/deep/c.log");
        assertThat(outcome.outLines().getLast())
                .matches("[0-9a-f]{8}: backup completed without errors in [0-9.hmsµ]+ \\(in: 0 B, out: [0-9.]+ KiB\\)");
        assertThat(outcome.out()).contains("info: stored 3 new chunks of 17 B for 7 items;");
    }

    @Test
    void aSecondBackupStoresNothingNew() {
        run.backup();

        assertThat(run.onStore("backup", source()).out()).contains("info: stored 0 new chunks", "3 files unchanged");
        assertThat(run.onStore("backup", "-cache", "no", source()).out())
                .contains("info: stored 0 new chunks", "0 files unchanged");
    }

    @Test
    void quietAndSilentLeaveOutWhatIsWell() {
        assertThat(run.onStore("backup", "-quiet", source()).outLines()).hasSize(1);
        assertThat(run.onStore("backup", "-silent", source())).isEqualTo(new ArmoireRun.Outcome(0, "", ""));
        assertThat(run.run("-silent", "at", run.path("store"), "ls").outLines()).hasSize(2);
    }

    @Test
    void flagsOfABackupAreInItsHeader() {
        run.with("PLAKAR_TAGS", "x , y");
        String id = run.backup(
                "-name",
                "n",
                "-category",
                "c",
                "-environment",
                "e",
                "-perimeter",
                "p",
                "-job",
                "j",
                "-force-timestamp",
                "2020-01-02T03:04:05Z",
                "-o",
                "dont_traverse_fs=true");

        assertThat(run.onStore("info", id).out())
                .contains(
                        "Timestamp: 2020-01-02 03:04:05 +0000 UTC\n",
                        "Name: n\nEnvironment: e\nPerimeter: p\nCategory: c\nJob: j\nTags: x, y\n",
                        " - Directory: " + source() + "\n",
                        "-o dont_traverse_fs=***",
                        " - Files: 3\n");
        assertThat(run.onStore("ls", "-tags").out())
                .startsWith("2020-01-02T03:04:05Z   " + id)
                .endsWith(" tags=x,y\n");
    }

    @ParameterizedTest
    @CsvSource({
        "-cache some, 64, -cache some: vfs",
        "-packfiles nosuch, 64, -packfiles nosuch: memory or a folder is wanted",
        "-o novalue, 64, -o novalue: KEY=VALUE is wanted",
        "-o no=1, 1, failed to create an importer",
        "-tag a -tag b, 64, -tag once only",
        "-force-timestamp 2999-01-01, 1, forced timestamp cannot be in the future",
        "-force-timestamp soon, 64, invalid time \"soon\"",
        "-ignore-file /nosuch, 1, 'unable to open excludes file: /nosuch: no such file or directory'",
        "-ignore source, 1, pattern \"source\" (-ignore) leaves out",
    })
    void wrongFlagsOfABackupStoreNothing(String flags, int exitCode, String message) {
        String[] words = (flags + " " + source()).split(" ");
        ArmoireRun.Outcome outcome =
                run.onStore(Stream.concat(Stream.of("backup"), Stream.of(words)).toArray(String[]::new));

        assertThat(outcome.exitCode()).isEqualTo(exitCode);
        assertThat(outcome.err()).startsWith("armoire: " + message);
        assertThat(run.onStore("ls").out()).isEmpty();
    }

    @Test
    void aPlaceThatIsNotThereIsNamed() {
        ArmoireRun.Outcome outcome = run.onStore("backup", run.path("nosuch"));

        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err())
                .isEqualTo("armoire: failed to create an importer for " + run.path("nosuch") + ": lstat "
                        + run.path("nosuch") + ": no such file or directory\n");
    }

    @Test
    void patternsLeaveOutAndAreReportedWhenUseless() throws IOException {
        Files.writeString(folder.resolve("ignores"), "# logs\n*.log\n[\n");
        ArmoireRun.Outcome outcome = run.onStore(
                "backup", "-ignore-file", run.path("ignores"), "-ignore", "/sub/b.txt", "-ignore", "*.xyz", source());

        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out()).contains("/a.txt").doesNotContain("c.log", "b.txt");
        assertThat(outcome.err())
                .contains("warn: pattern \"[\"", "warn: pattern \"*.xyz\" (-ignore) matched nothing\n");
    }

    @Test
    void everythingLeftOutIsAFailure() {
        ArmoireRun.Outcome outcome =
                run.onStore("backup", "-ignore", "*.txt", "-ignore", "sub", "-ignore", "link", source());

        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err()).endsWith("armoire: everything was left out by patterns\n");
    }

    @Test
    void aDryRunWritesNothing() {
        ArmoireRun.Outcome outcome = run.onStore("backup", "-dry-run", source());

        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out())
                .contains("00000000: OK ✓ " + source() + "/a.txt\n")
                .endsWith("dry run: would back up 7 items, 17 B (17 bytes), without errors\n");
        assertThat(run.onStore("ls").out()).isEmpty();
    }

    @Test
    void theStoreItselfIsNotBackedUp() {
        ArmoireRun.Outcome outcome = run.onStore("backup", folder.toString());

        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out()).contains("/source/a.txt").doesNotContain("/store");
    }

    @Test
    void aBackupCanBeCheckedAtOnce() {
        ArmoireRun.Outcome outcome = run.onStore("backup", "-check", source());

        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out()).contains(": check completed without errors in ");
    }

    @Test
    void theDefaultStoreIsMadeWhenNoneIsNamed() {
        ArmoireRun.Outcome refused = run.run("backup", source());
        assertThat(refused.exitCode()).isEqualTo(77);
        assertThat(run.home()).doesNotExist();

        ArmoireRun.Outcome made = run.with("ARMOIRE_PASSPHRASE", "four random horses, no battery 7")
                .run("backup", source());
        assertThat(made.exitCode()).isZero();
        assertThat(made.err()).startsWith("armoire: no store yet: created repository ");
        assertThat(run.run("ls").outLines()).hasSize(1);
        assertThat(run.run("info").out()).contains("DataAlgorithm: AES256-GCM-SIV", "Algorithm: LZ4", "BLAKE3");
    }

    // ls, cat, info

    @Test
    void lsListsAFolderAndEverythingBelow() {
        String id = run.backup();

        assertThat(run.onStore("ls", id).outLines())
                .map(line -> line.replaceFirst("^\\S+Z ", "").replaceAll(" +\\S+ +\\S+ +(\\d+ B|[0-9.]+ KiB) ", " "))
                .containsExactly("-rw-r--r-- a.txt", "Lrwxrwxrwx link -> a.txt", "drwxr-xr-x sub");
        assertThat(run.onStore("ls", "-recursive", id.toUpperCase(java.util.Locale.ROOT) + ":sub")
                        .out())
                .contains(" " + source() + "/sub/deep/c.log\n");
        assertThat(run.onStore("ls", id + ":link").out()).endsWith(" a.txt\n");
    }

    @Test
    void snapshotsArePickedByPrefixAndFilter() {
        String first = run.backup("-tag", "old", "-force-timestamp", "2020-01-01");
        String second = run.backup("-name", "two");

        assertThat(run.onStore("ls", "-uuid").outLines()).hasSize(2).allMatch(line -> line.length() > 64);
        assertThat(run.onStore("ls", "-tag", "old").out()).contains(first).doesNotContain(second);
        assertThat(run.onStore("ls", "-latest").out()).contains(second).doesNotContain(first);
        assertThat(run.onStore("ls", "-before", "2021-01-01", "-root", source()).outLines())
                .hasSize(1);
        assertThat(run.onStore("ls", "-name", "none")).isEqualTo(new ArmoireRun.Outcome(0, "", ""));

        ArmoireRun.Outcome latest = run.onStore("ls", source() + "/sub");
        assertThat(latest.err()).startsWith("armoire: no snapshot named, taking the latest: " + second);
        assertThat(latest.out()).contains("b.txt");
    }

    @Test
    void anUnknownOrAmbiguousSnapshotIsAnError() {
        for (int i = 0; i < 17; i++) { // then two of them begin with the same digit
            run.backup();
        }
        assertThat(run.onStore("ls", "zz"))
                .isEqualTo(new ArmoireRun.Outcome(1, "", "armoire: no snapshot has prefix: zz\n"));
        List<String> ambiguous = "0123456789abcdef"
                .chars()
                .mapToObj(digit -> run.onStore("ls", Character.toString(digit)).err())
                .filter(text -> text.contains("ambiguous"))
                .toList();
        assertThat(ambiguous)
                .isNotEmpty()
                .allSatisfy(text -> assertThat(text)
                        .matches("(?s)armoire: snapshot ID is ambiguous: . \\(matches \\d+ snapshots\\)\n.*")
                        .contains(", " + source() + "\n"));
    }

    @Test
    void aPathThatIsNotThereIsNamed() {
        String id = run.backup();

        assertThat(run.onStore("ls", id + ":nosuch").err())
                .isEqualTo("armoire: file does not exist: " + source() + "/nosuch in snapshot " + id + "\n");
        assertThat(run.onStore("check", id + ":nosuch").exitCode()).isEqualTo(1);
        assertThat(run.onStore("restore", "-to", run.path("r"), id + ":nosuch").exitCode())
                .isEqualTo(1);
        assertThat(folder.resolve("r")).doesNotExist();
    }

    @Test
    void catWritesFilesOneAfterTheOther() {
        String id = run.backup();

        assertThat(run.onStore("cat", id + ":a.txt", id + ":sub/../link", id + ":" + source() + "/sub/b.txt"))
                .isEqualTo(new ArmoireRun.Outcome(0, "alpha\nalpha\nbeta\n", ""));
        assertThat(run.onStore("cat", id + ":a.txt", id + ":nosuch", id + ":sub", id + ":sub/b.txt"))
                .isEqualTo(new ArmoireRun.Outcome(
                        1,
                        "alpha\nbeta\n",
                        "error: cat: " + source() + "/nosuch: no such file\nerror: cat: " + source()
                                + "/sub: not a regular file\narmoire: errors occurred\n"));
        assertThat(run.onStore("cat").exitCode()).isEqualTo(64);
    }

    @Test
    void catDecompressesGzip() throws IOException {
        try (OutputStream gzip =
                new java.util.zip.GZIPOutputStream(Files.newOutputStream(folder.resolve("source/z.gz")))) {
            gzip.write("inside".getBytes(StandardCharsets.UTF_8));
        }
        String id = run.backup();

        assertThat(run.onStore("cat", "-decompress", id + ":z.gz").out()).isEqualTo("inside");
        assertThat(run.onStore("cat", "-decompress", id + ":a.txt").out()).isEqualTo("alpha\n");
    }

    @Test
    void infoOfAPathNarrowsTheSummary() {
        String id = run.backup();

        assertThat(run.onStore("info", id).out()).contains(" - Files: 3\n");
        assertThat(run.onStore("info", id + ":sub").out()).contains(" - Directories: 1\n - Files: 2\n");
        assertThat(run.onStore("info", "-errors", id)).isEqualTo(new ArmoireRun.Outcome(0, "", ""));
    }

    // restore

    @Test
    void restoreGivesBackContentsOfFoldersAndFilesByName() throws IOException {
        String id = run.backup();

        ArmoireRun.Outcome all = run.onStore("restore", "-to", run.path("r"), id);
        assertThat(all.exitCode()).as(all.err()).isZero();
        assertThat(run.tree("r")).isEqualTo(run.tree("source"));
        assertThat(all.out())
                .contains(id + ": OK ✓ /sub/b.txt\n")
                .endsWith("restored 4 files, 2 folders, 17 B, 0 failed\n");

        run.onStore("restore", "-to", run.path("one"), id + ":sub/b.txt");
        assertThat(run.tree("one")).containsExactly("b.txt");
        run.onStore("restore", "-to", run.path("sub"), id + ":sub/");
        assertThat(run.tree("sub")).containsExactly("b.txt", "deep", "deep/c.log");
        assertThat(Files.readString(folder.resolve("sub/b.txt"))).isEqualTo("beta\n");
    }

    @Test
    void restoreWritesOneFileToStandardOutput() {
        String id = run.backup();

        assertThat(run.onStore("restore", "-to", "stdout:", id + ":a.txt"))
                .isEqualTo(new ArmoireRun.Outcome(0, "alpha\n", ""));
        assertThat(run.onStore("restore", "-to", "stdout:", id + ":sub").exitCode())
                .isEqualTo(1);
    }

    @Test
    void restoreTakesTheLatestThatMatches() throws IOException {
        run.backup("-tag", "old");
        Files.writeString(folder.resolve("source/a.txt"), "changed\n");
        run.backup();

        run.onStore("restore", "-tag", "old", "-to", run.path("old"));
        run.onStore("restore", "-to", run.path("new"));

        assertThat(Files.readString(folder.resolve("old/a.txt"))).isEqualTo("alpha\n");
        assertThat(Files.readString(folder.resolve("new/a.txt"))).isEqualTo("changed\n");
        assertThat(run.onStore("restore", "-tag", "none", "-to", run.path("x")).err())
                .isEqualTo("armoire: no snapshots found\n");
        assertThat(run.onStore("restore", "a", "b").exitCode()).isEqualTo(64);
        assertThat(run.onStore("restore", "-to", "@x").exitCode()).isEqualTo(1);
    }

    // check and damage

    @Test
    void checkOfASoundStoreIsQuietOnErr() {
        String id = run.backup();

        ArmoireRun.Outcome outcome = run.onStore("check");
        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.out())
                .contains(id + ": OK ✓ " + source() + "/a.txt\n", id + ": check completed without errors in ");
        assertThat(run.onStore("check", "-fast", id + ":sub").out())
                .doesNotContain("a.txt")
                .contains("b.txt");
        assertThat(run.onStore("check", "ffff").exitCode()).isEqualTo(1);
    }

    @Test
    void damageIsFoundNamedAndNeverHandedOut() throws IOException {
        byte[] much = new byte[300_000];
        new Random(7).nextBytes(much); // does not compress, so it is most of its packfile
        Files.write(folder.resolve("source/only.bin"), much);
        String id = run.backup();
        damage("packfiles");

        ArmoireRun.Outcome check = run.onStore("check", "-quiet");
        assertThat(check.exitCode()).isEqualTo(65);
        assertThat(check.err())
                .contains(id + ": KO ✘ " + source() + "/only.bin: ")
                .endsWith("armoire: check failed for 1 snapshot\n");

        ArmoireRun.Outcome restore = run.onStore("restore", "-quiet", "-to", run.path("r"), id);
        assertThat(restore.exitCode()).isEqualTo(65);
        assertThat(restore.err()).contains(id + ": KO ✘ /only.bin: ");
        assertThat(run.onStore("cat", id + ":only.bin").exitCode()).isEqualTo(65);
        assertThat(run.onStore("cat", id + ":a.txt").exitCode()).isZero();
        assertThat(folder.resolve("r/only.bin")).doesNotExist();
        for (String name : run.tree("r")) {
            Path restored = folder.resolve("r").resolve(name);
            if (Files.isRegularFile(restored)) {
                assertThat(restored)
                        .hasSameBinaryContentAs(folder.resolve("source").resolve(name));
            }
        }
    }

    @Test
    void aStoreCompressedByZstd() throws IOException {
        assertThat(run.run("at", run.path("zstd"), "create", "-plaintext", "-compression", "zstd")
                        .exitCode())
                .isZero();
        assertThat(run.run("at", run.path("zstd"), "backup", source()).exitCode())
                .isZero();
        assertThat(run.run("at", run.path("zstd"), "check").exitCode()).isZero();
        assertThat(run.run("at", run.path("zstd"), "info").out()).contains("ZSTD");
        assertThat(run.run("at", run.path("zstd"), "restore", "-to", run.path("r"))
                        .exitCode())
                .isZero();
        assertThat(folder.resolve("r/a.txt")).hasContent("alpha\n");
        ArmoireRun.Outcome unknown = run.run("at", run.path("x"), "create", "-plaintext", "-compression", "brotli");
        assertThat(unknown.exitCode()).isEqualTo(64);
        assertThat(unknown.err()).contains("unknown compression brotli: LZ4 or ZSTD");
        assertThat(run.run("at", run.path("x"), "create", "-plaintext", "-no-compression", "-compression", "ZSTD")
                        .exitCode())
                .isEqualTo(64);
    }

    @Test
    void aListingThatIsDamagedIsMadeUpFromTheTree() throws IOException {
        String id = run.backup();
        List<String> whole = run.onStore("ls", id).outLines();
        assertThat(whole).hasSize(3);
        int madeUp = 0;
        for (String name : run.tree("store/packfiles")) {
            Path packfile = folder.resolve("store/packfiles").resolve(name);
            if (!Files.isRegularFile(packfile)) {
                continue;
            }
            packfile.toFile().setWritable(true);
            byte[] bytes = Files.readAllBytes(packfile);
            for (int at = 16; at < bytes.length; at += 181) {
                bytes[at] ^= 1;
                Files.write(packfile, bytes);
                ArmoireRun.Outcome ls = run.onStore("ls", id);
                bytes[at] ^= 1;
                assertThat(ls.exitCode()).isIn(0, 65);
                if (ls.exitCode() == 0) {
                    assertThat(ls.outLines()).isEqualTo(whole);
                } else if (ls.outLines().equals(whole)) {
                    assertThat(ls.err()).startsWith("error: " + source() + ": ");
                    madeUp++;
                }
            }
            Files.write(packfile, bytes);
        }
        assertThat(madeUp).isPositive();
    }

    @Test
    void aDamagedStateIsFoundByEveryReader() throws IOException {
        run.backup();
        damage("states");

        assertThat(run.onStore("check").exitCode()).isEqualTo(65);
        ArmoireRun.Outcome ls = run.onStore("ls");
        assertThat(ls.exitCode()).isEqualTo(65);
        assertThat(ls.err()).startsWith("error: state ");
        ArmoireRun.Outcome backup = run.onStore("backup", source());
        assertThat(backup.exitCode()).isEqualTo(65);
    }

    @Test
    void aDamagedConfigurationIsFound() throws IOException {
        Path config = folder.resolve("store/CONFIG");
        byte[] bytes = Files.readAllBytes(config);
        bytes[bytes.length - 1] ^= 1;
        config.toFile().setWritable(true);
        Files.write(config, bytes);

        assertThat(run.onStore("ls").exitCode()).isEqualTo(65);
    }

    // rm

    @Test
    void rmShowsAPlanAndRemovesWhenTold() {
        String first = run.backup("-tag", "a");
        String second = run.backup();

        ArmoireRun.Outcome plan = run.onStore("rm", first);
        assertThat(plan.exitCode()).isZero();
        assertThat(plan.outLines())
                .hasSize(2)
                .startsWith("rm: would remove these 1 snapshot(s), run with -apply to proceed")
                .last()
                .asString()
                .contains(first, "tags=a");

        assertThat(run.onStore("rm", first, "-apply").out())
                .isEqualTo("info: rm: removal of " + first + " completed successfully\n");
        assertThat(run.onStore("ls").out()).contains(second).doesNotContain(first);
        assertThat(run.onStore("check").exitCode()).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "rm -apply, 64, no filter specified",
        "rm -apply ID '', 64, an empty snapshot id",
        "rm -apply ID ffff, 1, no snapshot has prefix: ffff",
        "rm -apply ID:sub, 64, rm takes whole snapshots",
    })
    void rmRefusesWhatMayBeAMistake(String line, int exitCode, String message) {
        String id = run.backup();
        String[] words = line.replace("ID", id).replace("''", "").split(" ", -1);

        ArmoireRun.Outcome outcome = run.onStore(words);

        assertThat(outcome.exitCode()).isEqualTo(exitCode);
        assertThat(outcome.err()).startsWith("armoire: " + message);
        assertThat(run.onStore("ls").outLines()).hasSize(1);
    }

    @Test
    void rmOfNothingSaysSo() {
        run.backup();

        assertThat(run.onStore("rm", "-apply", "-tag", "none"))
                .isEqualTo(new ArmoireRun.Outcome(0, "info: rm: no snapshots matched the selection\n", ""));
    }

    // Forms of output

    @Test
    void jsonIsOneObjectALine() throws IOException {
        ArmoireRun.Outcome backup = run.onStore("backup", "-json", source());
        List<Map<String, String>> events = objects(backup.out());
        assertThat(events)
                .allSatisfy(event -> assertThat(event)
                        .containsEntry("version", "1")
                        .containsEntry("command", "backup")
                        .containsKeys("time", "type"));
        assertThat(events)
                .last()
                .satisfies(event -> assertThat(event)
                        .containsEntry("type", "backup.done")
                        .containsEntry("items", "7")
                        .containsEntry("errors", "0"));

        assertThat(objects(run.onStore("ls", "-json").out()))
                .singleElement()
                .satisfies(event -> assertThat(event).containsEntry("root", source()));
        assertThat(objects(run.onStore("info", "-json").out()))
                .extracting("name")
                .contains("Packfile.MaxSize");
        ArmoireRun.Outcome failed = run.onStore("ls", "-json", "zz");
        assertThat(failed.out()).isEmpty();
        assertThat(objects(failed.err()))
                .singleElement()
                .satisfies(event -> assertThat(event).containsEntry("exit_code", "1"));
    }

    private static List<Map<String, String>> objects(String text) throws IOException {
        List<Map<String, String>> objects = new java.util.ArrayList<>();
        for (String line : text.lines().toList()) {
            Map<String, String> fields = new HashMap<>();
            try (JsonParser json = new JsonFactory().createParser(line)) {
                assertThat(json.nextToken()).isEqualTo(JsonToken.START_OBJECT);
                while (json.nextToken() != JsonToken.END_OBJECT) {
                    String name = json.currentName();
                    json.nextToken();
                    fields.put(name, json.getText());
                    json.skipChildren();
                }
                assertThat(json.nextToken()).isNull();
            }
            objects.add(fields);
        }
        return objects;
    }

    @Test
    void namesCannotBreakLines() throws IOException {
        Files.writeString(folder.resolve("source/evil\n\u001b[2Jname"), "x");
        String id = run.backup();

        assertThat(run.onStore("ls", id).out())
                .contains(" evil\\n\\x1b[2Jname\n")
                .doesNotContain("\u001b");
    }

    @Test
    void timeIsSaidAtTheEnd() {
        assertThat(run.onStore("ls", "-time").out()).matches("time: [0-9.]+(µs|ms|s)\n");
    }

    @Test
    void timeSaysInWhichStagesItWent() {
        run.backup();

        assertThat(run.onStore("check", "-time").out())
                .containsPattern("\nstages, all threads together: .*decrypt, decompress, verify [0-9.]+(µs|ms|s)")
                .containsPattern("\ntime: [0-9.]+(µs|ms|s)\n$");
        assertThat(run.onStore("check", "-time", "-json").out())
                .containsPattern("\"type\":\"stages\",.*\"longest\":\"[a-z, ]+\".*\"fetch_nanoseconds\":[0-9]+");
    }

    @Test
    void aClosedOutputEndsAListingButNotABackup() {
        run.backup();
        OutputStream closed = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException("Broken pipe");
            }
        };
        var err = new java.io.ByteArrayOutputStream();
        Surroundings surroundings = new Surroundings(Map.of(), run.home(), closed, err, true, text -> null);

        assertThat(Cli.run(List.of("at", run.path("store"), "ls"), surroundings))
                .isEqualTo(141);
        assertThat(Cli.run(List.of("at", run.path("store"), "backup", source()), surroundings))
                .isEqualTo(141);
        assertThat(err.toString(StandardCharsets.UTF_8)).isEmpty();
        assertThat(run.onStore("ls").outLines()).hasSize(2);
    }

    // prune, policy

    private String[] threeOfOneDay() {
        for (String time : List.of("2026-11-23T08:00:00Z", "2026-11-23T09:00:00Z", "2026-11-24T09:00:00Z")) {
            assertThat(run.onStore("backup", "-force-timestamp", time, source()).exitCode())
                    .isZero();
        }
        return run.onStore("ls")
                .out()
                .lines()
                .map(line -> line.replaceFirst("^\\S+ +(\\S+) .*", "$1"))
                .toArray(String[]::new);
    }

    @Test
    void pruneShowsWhatItWouldRemoveAndWhyAndRemovesOnlyWhenToldTo() {
        String[] ids = threeOfOneDay();

        ArmoireRun.Outcome plan = run.onStore("prune", "-per-day", "1");

        assertThat(plan.out().lines().toList())
                .hasSize(4)
                .satisfies(
                        line -> assertThat(line)
                                .isEqualTo("prune: would keep 2 and delete 1 snapshot(s), run with -apply to proceed"),
                        atIndex(0))
                .satisfies(
                        line -> assertThat(line)
                                .startsWith("delete   2026-11-23T08:00:00Z   " + ids[2])
                                .endsWith("  match=day:2026-11-23 rank=2 cap=1"),
                        atIndex(3));
        assertThat(run.onStore("ls").out().lines()).hasSize(3);

        assertThat(run.onStore("prune", "-per-day", "1", "-apply").out())
                .isEqualTo("info: prune: removal of " + ids[2] + " completed successfully\n");
        assertThat(run.onStore("ls").out().lines()).hasSize(2);
        assertThat(run.onStore("check").exitCode()).isZero();
    }

    @Test
    void pruneJudgesOnlyTheSnapshotsThatIdsName() {
        String[] ids = threeOfOneDay();

        assertThat(run.onStore("prune", "-minutes", "1", ids[1]).out())
                .startsWith("prune: would keep 0 and delete 1 snapshot(s)")
                .contains("delete   2026-11-23T09:00:00Z   " + ids[1])
                .doesNotContain(ids[0], ids[2]);
        assertThat(run.onStore("prune", "-minutes", "1", "").exitCode()).isEqualTo(64);
        assertThat(run.onStore("prune", "-minutes", "1", "ffffffffff").exitCode())
                .isEqualTo(1);
    }

    @Test
    void pruneSparesTheLastSnapshotOfASourceUnlessForced() {
        String[] ids = threeOfOneDay();

        assertThat(run.onStore("prune", "-minutes", "1").out())
                .startsWith("prune: would keep 1 and delete 2 snapshot(s)")
                .containsPattern("keep .*" + ids[0] + ".*reason=the last snapshot of its source");
        assertThat(run.onStore("prune", "-minutes", "1", "-force", "-apply").exitCode())
                .isZero();
        assertThat(run.onStore("ls").out()).isEmpty();
    }

    @Test
    void policiesAreKeptForPrune() throws IOException {
        String[] ids = threeOfOneDay();
        assertThat(run.run("policy", "add", "daily", "per-day=1", "roots=" + source())
                        .exitCode())
                .isZero();
        assertThat(run.run("policy", "add", "daily").err()).contains("already exists");
        assertThat(run.run("policy", "set", "daily", "days=9999", "tags=!x").exitCode())
                .isZero();
        assertThat(run.run("policy", "unset", "daily", "days").exitCode()).isZero();

        assertThat(run.run("policy", "show", "daily").out())
                .isEqualTo("daily:\n    filters:\n        ignore_tags:\n          - x\n        roots:\n          - "
                        + source() + "\n    periods:\n        day:\n            cap: 1\n");
        assertThat(run.onStore("prune", "-policy", "daily").out())
                .startsWith("prune: would keep 2 and delete 1")
                .contains("delete   2026-11-23T08:00:00Z   " + ids[2]);
        assertThat(run.onStore("prune", "-policy", "daily", "-per-day", "5").out())
                .startsWith("prune: would keep 3 and delete 0");
        assertThat(run.run("policy", "rm", "daily").exitCode()).isZero();
        assertThat(run.run("policy", "show").out()).isEmpty();
    }

    @Test
    void windowsAndCapsAlsoChooseWhatIsListed() {
        threeOfOneDay();

        assertThat(run.onStore("ls", "-per-day", "1").out().lines()).hasSize(2);
    }

    // maintenance, repair

    @Test
    void maintenanceGivesSpaceBackInItsSecondRun() throws IOException {
        String[] ids = threeOfOneDay();
        Files.writeString(folder.resolve("other"), "x".repeat(5000));
        assertThat(run.onStore("backup", run.path("other")).exitCode()).isZero();
        assertThat(run.onStore("rm", "-apply", ids[0], ids[1], ids[2]).exitCode())
                .isZero();

        assertThat(run.onStore("maintenance", "-dry-run").out()).contains("maintenance: Would colour ");
        ArmoireRun.Outcome first = run.onStore("maintenance");
        assertThat(first.out())
                .containsPattern("maintenance: Coloured [1-9]\\d* packfiles \\(0 orphaned\\) for deletion\n")
                .contains("Coloured packfiles are scheduled to be removed in 7d\n")
                .contains("maintenance: 0 blobs and 0 packfiles were removed\n");
        run.with("PLAKAR_GRACEPERIOD", "0s");
        assertThat(run.onStore("maintenance").out())
                .contains("maintenance: Coloured 0 packfiles (0 orphaned) for deletion\n")
                .containsPattern("maintenance: [1-9]\\d* blobs and [1-9]\\d* packfiles were removed\n");
        assertThat(run.onStore("check").exitCode()).isZero();
        assertThat(run.onStore("ls").out().lines()).hasSize(1);

        assertThat(run.onStore("maintenance", "-wait", "1x").err()).contains("-wait: \"1x\" is no duration");
        run.with("PLAKAR_GRACEPERIOD", "a week");
        assertThat(run.onStore("maintenance").exitCode()).isEqualTo(64);
        assertThat(run.onStore("maintenance", "x").exitCode()).isEqualTo(64);
    }

    @Test
    void repairListsPackfilesAgainWhenStatesAreLost() throws IOException {
        threeOfOneDay();
        assertThat(run.onStore("repair").out()).isEqualTo("info: no repairs needed\n");
        for (String name : run.tree("store/states")) {
            Path state = folder.resolve("store/states").resolve(name);
            if (Files.isRegularFile(state)) {
                Files.delete(state);
            }
        }
        assertThat(run.onStore("ls").out()).isEmpty();

        assertThat(run.onStore("repair").out()).containsPattern("repair: [1-9]\\d* repairs to make, run with -apply");
        assertThat(run.onStore("ls").out()).isEmpty();
        assertThat(run.onStore("repair", "-apply").exitCode()).isZero();
        assertThat(run.onStore("ls").out().lines()).hasSize(3);
        assertThat(run.onStore("check").exitCode()).isZero();

        damage("packfiles");
        assertThat(run.onStore("repair").exitCode()).isZero();
        assertThat(run.onStore("check").exitCode()).isEqualTo(65);
    }
}
