// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands that bring snapshots elsewhere: sync, dup. */
class TravelCommandsTest {
    @TempDir
    Path folder;

    private ArmoireRun run;

    @BeforeEach
    void makeStores() throws IOException {
        run = new ArmoireRun(folder).withStoreAndSource();
        run.run("at", run.path("other"), "create", "-plaintext");
    }

    private ArmoireRun.Outcome on(String how, String place, String... words) {
        return run.run(Stream.concat(Stream.of(how, run.path(place)), Arrays.stream(words))
                .toArray(String[]::new));
    }

    private ArmoireRun.Outcome onOther(String... words) {
        return on("at", "other", words);
    }

    private ArmoireRun.Outcome onArchive(String... words) {
        return on("-f", "x.ptar", words);
    }

    @Test
    void snapshotsTravelToFromAndBothWays() throws IOException {
        String first = run.backup("-tag", "kept");
        var outcome = run.onStore("sync", "to", run.path("other"));
        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.outLines().getLast())
                .startsWith("sync: synchronization from fs://" + run.path("store") + " to fs://" + run.path("other")
                        + " completed: 1 snapshots synchronized, 0 were there already (");
        assertThat(onOther("ls", "-tags").out())
                .isEqualTo(run.onStore("ls", "-tags").out())
                .contains(first, "kept");
        assertThat(onOther("check").exitCode()).isZero();

        Files.writeString(folder.resolve("source/new"), "new");
        String second = run.backup();
        assertThat(onOther("sync", second, "from", run.path("store")).exitCode())
                .isZero();
        assertThat(onOther("ls").out()).isEqualTo(run.onStore("ls").out());
        assertThat(run.onStore("sync", "with", run.path("other")).outLines())
                .hasSize(2)
                .allMatch(line -> line.contains("completed: 0"));
        assertThat(onOther("cat", second + ":new").out()).isEqualTo("new");
    }

    @Test
    void anEncryptedStoreHasItsOwnPassphrase() {
        run.backup();
        run.with("ARMOIRE_PASSPHRASE", "one correct horse battery");
        run.run("at", run.path("secret"), "create");
        run.with("ARMOIRE_PASSPHRASE", "something else").with("ARMOIRE_PEER_PASSPHRASE", "one correct horse battery");
        assertThat(run.onStore("sync", "to", run.path("secret")).exitCode()).isZero();
        run.with("ARMOIRE_PEER_PASSPHRASE", "wrong");
        var outcome = run.onStore("sync", "to", run.path("secret"));
        assertThat(outcome.exitCode()).isEqualTo(77);
        assertThat(outcome.out() + outcome.err()).doesNotContain("wrong\n");
    }

    @Test
    void mistakesAreNamed() throws IOException {
        assertThat(run.onStore("sync", "into", run.path("other")).err())
                .contains("invalid direction, must be to, from or with");
        assertThat(run.onStore("sync").exitCode()).isEqualTo(64);
        assertThat(run.onStore("sync", "to", run.path("store")).err()).contains("to the same store");
        assertThat(run.onStore("sync", "to", run.path("nosuch")).exitCode()).isEqualTo(66);
        assertThat(run.onStore("sync", "ffff", "to", run.path("other")).exitCode())
                .isEqualTo(1);
        Files.createDirectories(folder.resolve("clone"));
        try (var files = Files.walk(folder.resolve("store"))) {
            for (Path file : files.toList()) {
                Path copy =
                        folder.resolve("clone").resolve(folder.resolve("store").relativize(file));
                if (!Files.exists(copy)) {
                    Files.copy(file, copy);
                }
            }
        }
        assertThat(run.onStore("sync", "to", run.path("clone")).err()).contains("cloned stores");
    }

    @Test
    void dupMakesACopyOfTheTimeOfNow() {
        String id = run.backup("-tag", "kept");
        var outcome = run.onStore("dup", id);
        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out()).matches(id + " -> [0-9a-f]{8}\n");
        assertThat(run.onStore("ls", "-tags").outLines()).hasSize(2).allMatch(line -> line.endsWith("tags=kept"));
        assertThat(run.onStore("dup", id, "ffff").exitCode()).isEqualTo(1);
        assertThat(run.onStore("ls").outLines()).hasSize(2);
        assertThat(run.onStore("dup").exitCode()).isEqualTo(64);
    }

    @Test
    void anArchiveHasTheSnapshotsOfStoresAndNewOnes() throws IOException {
        String first = run.backup("-tag", "kept");
        Files.writeString(folder.resolve("source/new"), "new");
        String second = run.backup();
        var outcome = run.run(
                "ptar",
                "-plaintext",
                "-o",
                run.path("x.ptar"),
                "-k",
                run.path("store"),
                "-k",
                run.path("store"),
                run.path("source/sub"),
                run.path("source/a.txt"));

        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.outLines().getLast()).startsWith("ptar: " + run.path("x.ptar") + " has 4 snapshots in ");
        assertThat(onArchive("ls").outLines()).hasSize(4);
        assertThat(onArchive("ls", "-tag", "kept", "-uuid").out())
                .isEqualTo(run.onStore("ls", "-tag", "kept", "-uuid").out());
        assertThat(onArchive("check").exitCode()).isZero();
        assertThat(onArchive("cat", second + ":new", first + ":a.txt").out()).isEqualTo("newalpha\n");
        assertThat(onArchive("restore", "-to", run.path("back"), first).exitCode())
                .isZero();
        assertThat(run.tree("back")).contains("a.txt", "sub/deep/c.log").doesNotContain("new");
        assertThat(onArchive("rm", "-apply", first).err()).contains("storage is not writable");
        assertThat(onOther("sync", second, "from", run.path("x.ptar")).exitCode())
                .isZero();
        assertThat(onOther("cat", second + ":new").out()).isEqualTo("new");
    }

    @Test
    void anArchiveIsMadeAloneAndEncrypted() {
        run.with("ARMOIRE_PASSPHRASE", "one correct horse battery");
        assertThat(onArchive("create", run.path("source")).exitCode()).isZero();
        assertThat(onArchive("check").exitCode()).isZero();
        run.with("ARMOIRE_PASSPHRASE", "wrong");
        assertThat(onArchive("ls").exitCode()).isEqualTo(77);
    }

    @Test
    void anArchiveIsThereWhenItIsWholeAndReplacedWhenToldTo() throws IOException {
        assertThat(onArchive("create", "-plaintext", run.path("source")).exitCode())
                .isZero();
        byte[] before = Files.readAllBytes(folder.resolve("x.ptar"));

        var outcome = onArchive("create", "-plaintext", run.path("source"));
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err()).contains("already exists, use -overwrite");
        assertThat(onArchive("create", "-plaintext", "-overwrite", "-k", run.path("nosuch"))
                        .exitCode())
                .isEqualTo(66);
        assertThat(Files.readAllBytes(folder.resolve("x.ptar"))).isEqualTo(before);

        assertThat(onArchive("create", "-plaintext", "-overwrite", run.path("source/sub"))
                        .exitCode())
                .isZero();
        assertThat(onArchive("ls", "").exitCode()).isZero();
        assertThat(onArchive("ls").out()).contains("/source/sub");
        try (var files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString()).toList())
                    .noneMatch(name -> name.endsWith(".tmp"));
        }
        assertThat(run.run("ptar", "-plaintext", run.path("source")).exitCode()).isEqualTo(64);
        assertThat(run.run("ptar", "-plaintext", "-o", run.path("none/x.ptar"), run.path("source"))
                        .exitCode())
                .isEqualTo(73);
    }

    @Test
    void snapshotsTravelToAnArchiveAndBack() throws IOException {
        String first = run.backup("-tag", "kept");
        Files.writeString(folder.resolve("source/new"), "new");
        String second = run.backup();
        String file = run.path("x.ptar");

        var outcome = run.onStore("sync", "-plaintext", "to", file);
        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.outLines().getLast())
                .startsWith("sync: synchronization from fs://" + run.path("store") + " to ptar://" + file
                        + " completed: 2 snapshots synchronized, 0 were there already (");
        assertThat(onArchive("ls", "-tags").out())
                .isEqualTo(run.onStore("ls", "-tags").out());
        assertThat(onArchive("check").exitCode()).isZero();
        assertThat(onArchive("cat", second + ":new", first + ":a.txt").out()).isEqualTo("newalpha\n");

        byte[] before = Files.readAllBytes(folder.resolve("x.ptar"));
        outcome = run.onStore("sync", first, "to", file);
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err()).contains("already exists, use -overwrite");
        assertThat(onArchive("sync", "-overwrite", "-plaintext", "to", file).err())
                .contains("to the same store");
        assertThat(Files.readAllBytes(folder.resolve("x.ptar"))).isEqualTo(before);
        assertThat(run.onStore("sync", "with", file).err()).contains("storage is not writable");

        run.with("ARMOIRE_PEER_PASSPHRASE", "one correct horse battery");
        assertThat(run.onStore("sync", "-overwrite", first, "to", file).exitCode())
                .isZero();
        run.with("ARMOIRE_PASSPHRASE", "one correct horse battery");
        assertThat(onArchive("ls", "-uuid").out()).contains(first).doesNotContain(second);
        assertThat(onArchive("check").exitCode()).isZero();
        assertThat(onOther("sync", "from", file).exitCode()).isZero();
        assertThat(onOther("cat", first + ":a.txt").out()).isEqualTo("alpha\n");
    }

    @Test
    void noArchiveIsMadeOfNothingOrOfWhatIsDamaged() throws IOException {
        var outcome = run.onStore("sync", "-plaintext", "to", run.path("x.ptar"));
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err()).contains("no matching snapshot found", "no archive was made");
        run.backup();
        assertThat(run.onStore("sync", "-tag", "none", "-plaintext", "to", run.path("x.ptar"))
                        .exitCode())
                .isEqualTo(1);
        outcome = run.onStore("sync", "to", run.path("x.ptar"));
        assertThat(outcome.exitCode()).isEqualTo(77);
        assertThat(run.onStore("sync", "-plaintext", "to", run.path("other")).exitCode())
                .isEqualTo(64);
        assertThat(run.onStore("sync", "-plaintext", "to", run.path("none/x.ptar"))
                        .exitCode())
                .isEqualTo(73);
        try (var packfiles = Files.walk(folder.resolve("store/packfiles"))) {
            for (Path packfile : packfiles.filter(Files::isRegularFile).toList()) {
                byte[] bytes = Files.readAllBytes(packfile);
                bytes[16] ^= 1;
                Files.delete(packfile);
                Files.write(packfile, bytes);
            }
        }
        outcome = run.onStore("sync", "-plaintext", "to", run.path("x.ptar"));
        assertThat(outcome.exitCode()).isEqualTo(65);
        assertThat(outcome.err()).contains("no archive was made");
        try (var files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString()).toList())
                    .noneMatch(name -> name.endsWith(".tmp") || name.endsWith(".ptar"));
        }
    }
}
