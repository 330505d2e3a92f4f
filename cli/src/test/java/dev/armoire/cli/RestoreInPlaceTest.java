// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Restores into a folder that has something in it. */
class RestoreInPlaceTest {
    private static final FileTime LATER = FileTime.from(Instant.parse("2040-01-02T03:04:05Z"));

    @TempDir
    Path folder;

    private ArmoireRun run;
    private String id;

    @BeforeEach
    void backUpAndRestore() throws IOException {
        run = new ArmoireRun(folder).withStoreAndSource();
        Files.createLink(folder.resolve("source/sub/hard"), folder.resolve("source/sub/b.txt"));
        id = run.backup();
        assertThat(restore().exitCode()).isZero();
    }

    private ArmoireRun.Outcome restore(String... flags) {
        return run.onStore(Stream.concat(
                        Stream.concat(Stream.of("restore", "-to", run.path("r")), Stream.of(flags)), Stream.of(id))
                .toArray(String[]::new));
    }

    private Path target(String name) {
        return folder.resolve("r").resolve(name);
    }

    private String lastLine(ArmoireRun.Outcome outcome) {
        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.exitCode()).isZero();
        return outcome.outLines().getLast();
    }

    @Test
    void changedReplacesWhatDiffersInAnyWay() throws IOException {
        assertThat(lastLine(restore("-overwrite", "changed")))
                .isEqualTo("restored 0 files (0 in place of others), 2 folders, 0 B, left 5 as they were, deleted 0,"
                        + " 0 failed");
        Files.writeString(target("a.txt"), "longer than it was");
        Files.setPosixFilePermissions(target("sub/deep/c.log"), PosixFilePermissions.fromString("rwx------"));
        Files.delete(target("link"));
        Files.createSymbolicLink(target("link"), Path.of("elsewhere"));
        assertThat(lastLine(restore("-overwrite", "changed"))).startsWith("restored 3 files (3 in place of others)");

        assertThat(Files.readString(target("a.txt"))).isEqualTo("alpha\n");
        assertThat(Files.readSymbolicLink(target("link"))).isEqualTo(Path.of("a.txt"));
        assertThat(lastLine(restore("-overwrite", "changed"))).contains("left 5 as they were");
    }

    @Test
    void changedJoinsNamesOfOneFileAgain() throws IOException {
        Files.delete(target("sub/hard"));
        Files.copy(target("sub/b.txt"), target("sub/hard"), java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);

        assertThat(lastLine(restore("-overwrite", "changed"))).startsWith("restored 1 files (1 in place of others)");
        assertThat(Files.getAttribute(target("sub/hard"), "unix:ino"))
                .isEqualTo(Files.getAttribute(target("sub/b.txt"), "unix:ino"));
    }

    @Test
    void newerLeavesWhatWasChangedLater() throws IOException {
        Files.writeString(target("a.txt"), "mine");
        Files.setLastModifiedTime(target("a.txt"), LATER);
        Files.writeString(target("sub/deep/c.log"), "old");
        Files.setLastModifiedTime(target("sub/deep/c.log"), FileTime.fromMillis(1000));

        assertThat(lastLine(restore("-overwrite", "newer")))
                .startsWith("restored 1 files (1 in place of others)")
                .contains("left 4 as they were");
        assertThat(Files.readString(target("a.txt"))).isEqualTo("mine");
        assertThat(Files.readString(target("sub/deep/c.log"))).isEqualTo("gamma\n");
    }

    @Test
    void neverOnlyAddsWhatIsMissing() throws IOException {
        Files.writeString(target("sub/b.txt"), "mine");
        Files.delete(target("sub/hard"));
        Files.delete(target("a.txt"));
        Files.createDirectory(target("a.txt"));
        Files.setPosixFilePermissions(target("sub"), PosixFilePermissions.fromString("rwx------"));

        assertThat(lastLine(restore("-overwrite", "never")))
                .startsWith("restored 1 files (0 in place of others)")
                .contains("left 4 as they were");
        assertThat(Files.readString(target("sub/b.txt"))).isEqualTo("mine");
        assertThat(Files.readString(target("sub/hard"))).isEqualTo("beta\n");
        assertThat(target("a.txt")).isDirectory();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(target("sub"))))
                .isEqualTo("rwx------");
    }

    @Test
    void deleteMakesTheTargetWhatTheSnapshotIs() throws IOException {
        Files.createDirectories(target("extra/deep"));
        Files.writeString(target("extra/deep/x"), "x");
        Files.writeString(target("sub/new"), "x");
        Files.createDirectory(folder.resolve("outside"));
        Files.writeString(folder.resolve("outside/safe"), "x");
        Files.createSymbolicLink(target("sub/away"), folder.resolve("outside"));
        Files.createSymbolicLink(target("dangling"), Path.of("nowhere"));

        assertThat(restore().exitCode()).isZero();
        assertThat(target("extra/deep/x")).exists();

        List<String> before = run.tree("r");
        ArmoireRun.Outcome plan = restore("-overwrite", "changed", "-delete", "-dry-run");
        assertThat(plan.outLines())
                .containsExactlyInAnyOrder(
                        id + ": delete /dangling",
                        id + ": delete /extra/deep/x",
                        id + ": delete /extra/deep",
                        id + ": delete /extra",
                        id + ": delete /sub/away",
                        id + ": delete /sub/new",
                        "dry run: would restore 0 files (0 in place of others), 2 folders, 0 B, leave 5 as they were,"
                                + " delete 6, 0 failed");
        assertThat(run.tree("r")).isEqualTo(before);

        ArmoireRun.Outcome done = restore("-overwrite", "changed", "-delete");
        assertThat(lastLine(done)).contains("deleted 6, 0 failed");
        assertThat(done.out()).contains(id + ": deleted /sub/away\n");
        assertThat(run.tree("r")).isEqualTo(run.tree("source"));
        assertThat(folder.resolve("outside/safe")).exists();
        assertThat(Files.getLastModifiedTime(target("sub")))
                .isEqualTo(Files.getLastModifiedTime(folder.resolve("source/sub")));
    }

    @Test
    void deleteClearsTheWay() throws IOException {
        Files.delete(target("a.txt"));
        Files.createDirectories(target("a.txt/in/the/way"));
        try (Stream<Path> all = Files.walk(target("sub/deep"))) {
            for (Path path : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
        Files.createSymbolicLink(target("sub/deep"), folder);

        ArmoireRun.Outcome refused = restore("-overwrite", "changed");
        assertThat(refused.exitCode()).isEqualTo(3);
        assertThat(refused.err())
                .contains("/a.txt: a folder of this name is in the way", "/sub/deep: something that is no folder");
        assertThat(lastLine(restore("-delete"))).contains("deleted 5, 0 failed");
        assertThat(run.tree("r")).isEqualTo(run.tree("source"));
    }

    @Test
    void deleteLeavesTheStoreAndWhatCouldNotBeRead() throws IOException {
        Path inside = folder.resolve("home2");
        Files.createDirectories(inside.resolve("data"));
        Files.writeString(inside.resolve("data/a"), "a");
        String store = inside.resolve("stores/one").toString();
        run.run("at", store, "create", "-plaintext");
        assertThat(run.run("at", store, "backup", inside.toString()).exitCode()).isZero();
        Files.writeString(inside.resolve("stores/two"), "x");

        ArmoireRun.Outcome outcome = run.run("at", store, "restore", "-delete", "-to", inside.toString());
        assertThat(outcome.exitCode()).isZero();
        assertThat(inside.resolve("stores/two")).doesNotExist();
        assertThat(run.run("at", store, "check").exitCode()).isZero();
    }

    @Test
    void deleteNeedsASoundSnapshot() throws IOException {
        Files.writeString(target("extra"), "x");
        assertThat(run.onStore("restore", "-delete", "-to", run.path("r"), id + ":a.txt")
                        .exitCode())
                .isEqualTo(64);
        assertThat(target("extra")).exists();
    }

    @Test
    void patternsSelectWhatIsWrittenAndDeleted() throws IOException {
        Files.writeString(target("sub/extra.txt"), "x");
        Files.writeString(target("sub/extra.log"), "x");
        Files.writeString(target("sub/b.txt"), "mine");

        ArmoireRun.Outcome outcome = restore("-include", "*.log", "-exclude", "sub/deep/", "-delete");
        assertThat(outcome.out()).contains("deleted 1, 0 failed");
        assertThat(target("sub/extra.txt")).exists();
        assertThat(target("sub/extra.log")).doesNotExist();
        assertThat(Files.readString(target("sub/b.txt"))).isEqualTo("mine");

        ArmoireRun.Outcome some = run.onStore(
                "restore", "-to", run.path("some"), "-include", "deep", "-include", "/a.txt", "-include", "none", id);
        assertThat(run.tree("some")).containsExactly("a.txt", "sub", "sub/deep", "sub/deep/c.log");
        assertThat(some.err()).isEqualTo("warn: pattern \"none\" (-include) matched nothing\n");
        assertThat(some.outLines().getLast()).startsWith("restored 2 files, 2 folders");

        // The names of folders above what is restored are not meant.
        run.onStore("restore", "-to", run.path("all"), "-exclude", "source", id);
        assertThat(run.tree("all")).isEqualTo(run.tree("source"));
    }

    @Test
    void verifyReadsBack() {
        assertThat(lastLine(restore("-verify"))).contains(", verified 3, 0 failed");
    }

    @Test
    void aPlanMakesNothing() {
        ArmoireRun.Outcome plan = run.onStore("restore", "-dry-run", "-to", run.path("plan"), id);
        assertThat(plan.out())
                .contains(id + ": write /sub/deep/c.log\n")
                .endsWith("dry run: would restore 5 files (0 in place of others), 2 folders, 17 B, leave 0 as they"
                        + " were, delete 0, 0 failed\n");
        assertThat(folder.resolve("plan")).doesNotExist();
        assertThat(restore("-dry-run").out()).contains(id + ": overwrite /a.txt\n", "5 files (5 in place of others)");
        assertThat(run.run("-json", "at", run.path("store"), "restore", "-dry-run", "-to", run.path("plan"), id)
                        .out())
                .contains("\"type\":\"path.change\"", "\"change\":\"write\"", "\"type\":\"restore.plan\"");
    }

    @ParameterizedTest
    @CsvSource({
        "-overwrite sometimes, '-overwrite sometimes: always, changed, newer or never is wanted'",
        "-dry-run -verify, -verify has nothing to read",
        "-to stdout: -delete, '-delete is for folders, not for standard output'",
    })
    void combinationsWithoutSenseAreRefused(String flags, String message) {
        ArmoireRun.Outcome outcome = restore(flags.split(" ", -1));
        assertThat(outcome.exitCode()).isEqualTo(64);
        assertThat(outcome.err()).startsWith("armoire: " + message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"always", "changed", "newer", "never"})
    void allModesFillAnEmptyTarget(String mode) throws IOException {
        ArmoireRun.Outcome outcome = run.onStore("restore", "-overwrite", mode, "-to", run.path("new"), id);
        assertThat(outcome.exitCode()).isZero();
        assertThat(run.tree("new")).isEqualTo(run.tree("source"));
        assertThat(Files.isSymbolicLink(folder.resolve("new/link"))).isTrue();
        assertThat(Files.getLastModifiedTime(folder.resolve("new/link"), LinkOption.NOFOLLOW_LINKS))
                .isEqualTo(Files.getLastModifiedTime(folder.resolve("source/link"), LinkOption.NOFOLLOW_LINKS));
    }

    // Owners

    @Test
    void filesCanBeGivenToOthers() throws IOException {
        Assumptions.assumeTrue(Files.getAttribute(folder, "unix:uid").equals(0), "only root can");
        String[] flags = {"-map-user", "0:4321", "-map-group", "root:4444", "-map-group", "*:4445"};
        assertThat(lastLine(restore(Stream.concat(Stream.of("-overwrite", "changed"), Stream.of(flags))
                        .toArray(String[]::new))))
                .startsWith("restored 5 files (5 in place of others)");
        for (String name : List.of("a.txt", "link", "sub", "sub/hard")) {
            assertThat(Files.getAttribute(target(name), "unix:uid", LinkOption.NOFOLLOW_LINKS))
                    .as(name)
                    .isEqualTo(4321);
            assertThat(Files.getAttribute(target(name), "unix:gid", LinkOption.NOFOLLOW_LINKS))
                    .as(name)
                    .isEqualTo(4444);
        }
        assertThat(lastLine(restore(Stream.concat(Stream.of("-overwrite", "changed"), Stream.of(flags))
                        .toArray(String[]::new))))
                .contains("left 5 as they were");

        assertThat(lastLine(restore("-owners", "names"))).contains(" 0 failed");
        assertThat(Files.getAttribute(target("a.txt"), "unix:uid")).isEqualTo(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-map-user=7", "-map-user=7:nobody of this name", "-map-group=:7", "-owners=all"})
    void anOwnerThatCannotBeMeantIsRefused(String flag) {
        assertThat(restore(flag).exitCode()).isEqualTo(ExitCode.USAGE);
    }
}
