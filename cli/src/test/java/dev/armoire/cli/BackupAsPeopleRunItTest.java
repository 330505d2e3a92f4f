// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a backup takes and leaves out, and what runs around it. */
class BackupAsPeopleRunItTest {
    private static final String SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55";

    @TempDir
    Path folder;

    private ArmoireRun run;
    private Path source;

    @BeforeEach
    void makeStoreAndSource() throws IOException {
        run = new ArmoireRun(folder).withStoreAndSource();
        source = folder.resolve("source");
    }

    /** The items that a backup with these flags and places takes, below the source. */
    private List<String> items(String... words) {
        ArmoireRun.Outcome outcome = run.onStore(
                Stream.concat(Stream.of("backup"), Arrays.stream(words)).toArray(String[]::new));
        assertThat(outcome.exitCode()).as(outcome.toString()).isZero();
        return below(outcome);
    }

    private List<String> below(ArmoireRun.Outcome outcome) {
        return outcome.outLines().stream()
                .filter(line -> line.contains("OK ✓ " + source + "/"))
                .map(line -> line.substring(
                        line.indexOf(source + "/") + source.toString().length() + 1))
                .sorted()
                .toList();
    }

    // What is left out

    @Test
    void cachesKeepOnlyTheirTag() throws IOException {
        Files.createDirectories(source.resolve("sub/cache/deep"));
        Files.writeString(source.resolve("sub/cache/CACHEDIR.TAG"), SIGNATURE + "\n# made by a test\n");
        Files.writeString(source.resolve("sub/cache/deep/x"), "x");
        Files.writeString(source.resolve("sub/deep/CACHEDIR.TAG"), "Signature: none\n");

        assertThat(items("-exclude-caches", source.toString()))
                .containsExactly(
                        "a.txt",
                        "link",
                        "sub",
                        "sub/b.txt",
                        "sub/cache",
                        "sub/cache/CACHEDIR.TAG",
                        "sub/deep",
                        "sub/deep/CACHEDIR.TAG",
                        "sub/deep/c.log");
        assertThat(items(source.toString())).contains("sub/cache/deep/x");
    }

    @Test
    void aMarkKeepsOnlyItself() throws IOException {
        Files.writeString(source.resolve("sub/.nobackup"), "");
        Files.createDirectory(source.resolve("other"));
        Files.createDirectory(source.resolve("other/.skip")); // a folder is no mark
        Files.writeString(source.resolve("other/x"), "x");

        assertThat(items("-exclude-if-present", ".nobackup", "-exclude-if-present", ".skip", source.toString()))
                .containsExactly("a.txt", "link", "other", "other/.skip", "other/x", "sub", "sub/.nobackup");
        assertThat(run.onStore("backup", "-dry-run", "-exclude-if-present", ".nobackup", source.toString())
                        .out())
                .contains("sub/.nobackup")
                .doesNotContain("sub/b.txt");
    }

    @Test
    void largeFilesAreLeftOutAndCounted() throws IOException {
        Files.write(source.resolve("exact"), new byte[1024]);
        Files.write(source.resolve("more"), new byte[1025]);

        ArmoireRun.Outcome outcome = run.onStore("backup", "-exclude-larger-than", "1K", source.toString());
        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out())
                .contains("/exact\n", "info: left out 1 file larger than 1K\n")
                .doesNotContain("/more\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "-1", "1.5.2M", "3 Z", "1iB", "99999999999G"})
    void sizesThatAreNone(String size) {
        ArmoireRun.Outcome outcome = run.onStore("backup", "-exclude-larger-than", size, source.toString());
        assertThat(outcome.exitCode()).isEqualTo(64);
        assertThat(outcome.err()).contains("invalid -exclude-larger-than value");
    }

    @Test
    void oneFileSystemIsAFlagToo() {
        assertThat(items("-one-file-system", source.toString())).contains("sub/deep/c.log");
    }

    // Lists of files

    @ParameterizedTest
    @CsvSource({"-files-from, 10", "-files-from0, 0"})
    void aListSaysWhatIsBackedUp(String flag, int end) throws IOException {
        Files.writeString(source.resolve("sub/other"), "x");
        Path list = folder.resolve("list");
        String separator = Character.toString(end);
        Files.writeString(
                list,
                String.join(separator, source + "/a.txt", "", source + "/sub/deep", source + "/sub/b.txt") + separator);

        assertThat(items(flag, list.toString()))
                .containsExactly("a.txt", "sub", "sub/b.txt", "sub/deep", "sub/deep/c.log");
        assertThat(run.onStore("ls", "-latest").out()).contains(" " + source + "\n");
        assertThat(items(flag, list.toString(), source + "/link")).contains("link", "a.txt");
        assertThat(items(flag, list.toString(), "-ignore", "*.log")).doesNotContain("sub/deep/c.log");
    }

    @Test
    void aListMayNameThingsThroughLinksAndThingsThatAreGone() throws IOException {
        Files.createSymbolicLink(folder.resolve("way"), source);
        Files.writeString(
                folder.resolve("list"), "# a comment\r\n" + folder + "/way/sub/b.txt\r\n" + source + "/gone\n");

        ArmoireRun.Outcome outcome = run.onStore("backup", "-files-from", run.path("list"));
        assertThat(outcome.exitCode()).isEqualTo(3);
        assertThat(outcome.err()).contains("KO ✘ " + source + "/gone: lstat " + source + "/gone: no such file");
        assertThat(below(outcome)).containsExactly("sub", "sub/b.txt");
    }

    @Test
    void listsThatAreNone() throws IOException {
        Files.writeString(folder.resolve("list"), "\n# nothing\n");
        assertThat(run.onStore("backup", "-files-from", run.path("list")).err())
                .isEqualTo("armoire: " + run.path("list") + ": names nothing to back up\n");
        Files.writeString(folder.resolve("list"), source + "/gone\n");
        assertThat(run.onStore("backup", "-files-from", run.path("list")).exitCode())
                .isEqualTo(1);
        assertThat(run.onStore("backup", "-files-from", run.path("none")).exitCode())
                .isEqualTo(1);
        Files.write(folder.resolve("list"), new byte[] {'/', (byte) 0xff, '\n'});
        assertThat(run.onStore("backup", "-files-from", run.path("list")).err()).contains("path 1 is not UTF-8");
        assertThat(run.onStore("ls").outLines()).isEmpty();
    }

    // Hooks

    @Test
    void aHookThatHangsIsStopped() {
        var outcome =
                run.onStore("backup", "-hook-timeout", "1s", "-pre-hook", "echo begun; sleep 60", run.path("source"));

        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err())
                .isEqualTo(
                        "armoire: pre-hook: begun\narmoire: pre-hook failed, so nothing was backed up: it was not done"
                                + " after 1s, and was stopped\n");
        assertThat(run.onStore("backup", "-hook-timeout", "soon", run.path("source"))
                        .exitCode())
                .isEqualTo(64);
    }

    @Test
    void hooksRunAroundABackup() throws IOException {
        run.with("ARMOIRE_PASSPHRASE", "secret words of mine").with("PATH", System.getenv("PATH"));
        String log = run.path("log");
        ArmoireRun.Outcome outcome = run.onStore(
                "backup",
                "-pre-hook",
                "env | grep -c PASSPHRASE; echo made > " + source + "/fresh; echo pre $ARMOIRE_HOOK > " + log,
                "-post-hook",
                "echo $ARMOIRE_HOOK $ARMOIRE_SNAPSHOT $ARMOIRE_EXIT_CODE $ARMOIRE_ERRORS $ARMOIRE_STORE >> " + log,
                "-fail-hook",
                "echo never >> " + log,
                source.toString());

        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.err()).isEqualTo("armoire: pre-hook: 0\n");
        assertThat(below(outcome)).contains("fresh");
        String id = run.onStore("ls", "-uuid").out().split(" +", -1)[1];
        assertThat(Files.readString(Path.of(log)))
                .isEqualTo("pre pre\npost " + id + " 0 0 fs://" + run.path("store") + "\n");
    }

    @Test
    void aPreHookCanStopABackup() throws IOException {
        ArmoireRun.Outcome outcome = run.onStore(
                "backup",
                "-pre-hook",
                "exit 7",
                "-post-hook",
                "echo post > " + run.path("log"),
                "-fail-hook",
                "echo $ARMOIRE_EXIT_CODE $ARMOIRE_FAILURE > " + run.path("log"),
                source.toString());

        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err()).isEqualTo("armoire: pre-hook exited with 7, so nothing was backed up: exit 7\n");
        assertThat(Files.readString(folder.resolve("log")))
                .isEqualTo("1 pre-hook exited with 7, so nothing was backed up: exit 7\n");
        assertThat(run.onStore("ls").outLines()).isEmpty();
    }

    @Test
    void aPostHookThatFailsIsNotSilent() {
        ArmoireRun.Outcome outcome = run.onStore("backup", "-post-hook", "exit 2", source.toString());

        assertThat(outcome.exitCode()).isEqualTo(3);
        assertThat(outcome.err()).isEqualTo("error: post-hook exited with 2: exit 2\n");
        assertThat(run.onStore("ls").outLines()).hasSize(1);
    }

    @Test
    void aBackupThatFailsRunsTheFailHook() throws IOException {
        ArmoireRun.Outcome outcome =
                run.onStore("backup", "-fail-hook", "echo $ARMOIRE_HOOK > " + run.path("log"), run.path("nowhere"));

        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(Files.readString(folder.resolve("log"))).isEqualTo("fail\n");
    }

    // Files that change

    @Test
    void aFileThatKeepsChangingIsSavedAndTold() throws Exception {
        Path busy = source.resolve("busy");
        Files.write(busy, new byte[24 << 20]);
        Thread writer = Thread.ofPlatform().daemon().start(() -> {
            byte[] text = "x".getBytes(StandardCharsets.UTF_8);
            try (var file = new RandomAccessFile(busy.toFile(), "rw")) {
                while (!Thread.currentThread().isInterrupted()) {
                    file.seek(0);
                    file.write(text);
                }
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        try {
            ArmoireRun.Outcome outcome = run.onStore("backup", source.toString());
            assertThat(outcome.exitCode()).isEqualTo(3);
            assertThat(outcome.err())
                    .contains("KO ✘ " + busy + ": changed while it was read 3 times in a row; saved as it was read");
            assertThat(below(outcome)).contains("busy");
        } finally {
            writer.interrupt();
            writer.join();
        }
        assertThat(items(source.toString())).contains("busy");
        assertThat(run.onStore("check").exitCode()).isZero();
    }
}
