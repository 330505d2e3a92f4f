// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Backups of other things than folders, and restores to them. */
class SourceKindsTest {
    @TempDir
    Path folder;

    private ArmoireRun run;

    @BeforeEach
    void makeStore() throws IOException {
        run = new ArmoireRun(folder).withStoreAndSource();
    }

    private String lastId(ArmoireRun.Outcome outcome) {
        return outcome.outLines().getLast().substring(0, 8);
    }

    @ParameterizedTest
    @ValueSource(strings = {"tar:", "tgz:"})
    void whatWasRestoredToATarFileIsBackedUpFromIt(String kind) throws IOException {
        Files.createLink(folder.resolve("source/sub/hard"), folder.resolve("source/a.txt"));
        String first = run.backup();
        String archive = kind + run.path("x.archive");

        assertThat(run.onStore("restore", "-to", archive, first + ":" + run.path("source")))
                .extracting(ArmoireRun.Outcome::exitCode, ArmoireRun.Outcome::err)
                .containsExactly(0, "");
        ArmoireRun.Outcome outcome = run.onStore("backup", archive);
        assertThat(outcome.exitCode()).as(outcome.toString()).isZero();
        assertThat(run.onStore("restore", "-to", run.path("back"), lastId(outcome))
                        .exitCode())
                .isZero();

        assertThat(run.tree("back")).isEqualTo(run.tree("source"));
        assertThat(folder.resolve("back/sub/b.txt")).hasContent("beta\n");
        assertThat(Files.getLastModifiedTime(folder.resolve("back/a.txt")))
                .isEqualTo(Files.getLastModifiedTime(folder.resolve("source/a.txt")));
        assertThat(Files.isSameFile(folder.resolve("back/a.txt"), folder.resolve("back/sub/hard")))
                .isTrue();
        assertThat(run.onStore("info", lastId(outcome)).out()).contains("Type: " + kind.replace(":", ""));
        assertThat(run.onStore("backup", "-ignore", "sub/", archive).exitCode()).isZero();
        assertThat(run.onStore("ls", "-recursive", ":").out()).doesNotContain("b.txt");
        assertThat(run.onStore("check").exitCode()).isZero();
    }

    @Test
    void aTarFileThatIsCutOffMakesNoSnapshot() throws IOException {
        String first = run.backup();
        Path archive = folder.resolve("x.tar");
        run.onStore("restore", "-to", "tar:" + archive, first + ":" + run.path("source"));
        byte[] whole = Files.readAllBytes(archive);
        Files.write(archive, java.util.Arrays.copyOf(whole, 1400));

        ArmoireRun.Outcome outcome = run.onStore("backup", "tar:" + archive);

        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err()).contains("no snapshot was made").contains("cut off");
        assertThat(run.onStore("ls").outLines()).hasSize(1);
    }

    @Test
    void anArchiveIsTheSnapshotInIt() throws IOException {
        Files.createLink(folder.resolve("source/sub/hard"), folder.resolve("source/a.txt"));
        String archive = run.path("a.ptar");
        assertThat(run.run("ptar", "-plaintext", "-o", archive, run.path("source")))
                .extracting(ArmoireRun.Outcome::exitCode, ArmoireRun.Outcome::err)
                .containsExactly(0, "");

        ArmoireRun.Outcome whole = run.onStore("backup", "ptar:" + archive);
        assertThat(whole.exitCode()).as(whole.toString()).isZero();
        assertThat(run.onStore("info", lastId(whole)).out()).contains("Type: fs", "Directory: " + run.path("source"));
        assertThat(run.onStore("restore", "-to", run.path("back"), lastId(whole)))
                .extracting(ArmoireRun.Outcome::exitCode, ArmoireRun.Outcome::err)
                .containsExactly(0, "");
        assertThat(run.tree("back")).isEqualTo(run.tree("source"));
        assertThat(Files.isSameFile(folder.resolve("back/a.txt"), folder.resolve("back/sub/hard")))
                .isTrue();

        ArmoireRun.Outcome part = run.onStore("backup", "-ignore", "sub", "ptar:" + archive);
        assertThat(part.exitCode()).as(part.toString()).isZero();
        run.onStore("restore", "-to", run.path("part"), lastId(part));
        assertThat(run.tree("part")).containsExactly("a.txt", "link");

        // The same archive as a file.
        ArmoireRun.Outcome file = run.onStore("backup", archive);
        assertThat(file.exitCode()).as(file.toString()).isZero();
        run.onStore("restore", "-to", run.path("file"), lastId(file));
        assertThat(run.tree("file")).containsExactly("a.ptar");
    }

    @Test
    void anArchiveThatCannotBeReadMakesNoSnapshot() throws IOException {
        Path archive = folder.resolve("a.ptar");
        ArmoireRun owner = new ArmoireRun(folder).with("ARMOIRE_PASSPHRASE", "correct horse battery staple 42!");
        owner.run("ptar", "-o", archive.toString(), run.path("source"));
        ArmoireRun.Outcome locked = run.onStore("backup", "ptar:" + archive);
        assertThat(locked.exitCode()).isEqualTo(ExitCode.PASSPHRASE);
        assertThat(locked.err()).contains("is encrypted and no passphrase is given", "ARMOIRE_PEER_PASSPHRASE");
        assertThat(owner.onStore("backup", "ptar:" + archive).exitCode()).isZero();

        run.run("ptar", "-plaintext", "-overwrite", "-o", archive.toString(), run.path("source"));
        assertThat(run.onStore("backup", "-o", "snapshot=0000", "ptar:" + archive)
                        .err())
                .contains("holds no snapshot 0000");
        assertThat(run.onStore("backup", "-o", "no_such_setting=1", "ptar:" + archive)
                        .err())
                .contains("no_such_setting");
        assertThat(run.onStore("backup", "ptar:" + folder.resolve("none.ptar")).exitCode())
                .isEqualTo(ExitCode.ERROR);
        byte[] whole = Files.readAllBytes(archive);
        for (int i = whole.length / 8; i < whole.length - 200; i += 16) {
            whole[i] ^= 1;
        }
        Files.write(archive, whole);
        ArmoireRun.Outcome damaged = run.onStore("backup", "ptar:" + archive);
        // What is changed may be the number of a version, which nothing says to be damaged.
        assertThat(damaged.exitCode()).as(damaged.toString()).isIn(ExitCode.DAMAGE, ExitCode.FORMAT);
        assertThat(run.onStore("ls").outLines()).hasSize(1);
        assertThat(run.onStore("restore", "-to", "ptar:" + run.path("b.ptar")).err())
                .contains("`armoire sync ID to FILE.ptar` does");
    }

    @Test
    void standardInputIsAFile() {
        InputStream before = System.in;
        System.setIn(new ByteArrayInputStream("select 1;\n".getBytes(UTF_8)));
        try {
            ArmoireRun.Outcome outcome = run.onStore("backup", "stdin:dumps/db.sql");
            assertThat(outcome.exitCode()).as(outcome.toString()).isZero();
            assertThat(run.onStore("restore", "-to", "stdout:", lastId(outcome) + ":dumps/db.sql"))
                    .isEqualTo(new ArmoireRun.Outcome(0, "select 1;\n", ""));
        } finally {
            System.setIn(before);
        }
    }

    @Test
    void placesThatCannotBeAreErrors() throws IOException {
        assertThat(run.onStore("backup", "tar:" + run.path("none.tar")))
                .extracting(ArmoireRun.Outcome::exitCode)
                .isEqualTo(1);
        Files.writeString(folder.resolve("a.tar"), "no tar file at all");
        assertThat(run.onStore("backup", "tar:" + run.path("a.tar"), "tar:" + run.path("a.tar")))
                .extracting(ArmoireRun.Outcome::exitCode)
                .isEqualTo(64);
        assertThat(run.onStore("backup", "tar:" + run.path("a.tar")).err()).contains("it is no tar file");
        String id = run.backup();
        assertThat(run.onStore("restore", "-to", "tar:" + run.path("b.tar"), "-delete", id + ":" + run.path("source")))
                .satisfies(outcome -> assertThat(outcome.exitCode()).isNotZero())
                .satisfies(outcome -> assertThat(outcome.err()).contains("restore without -overwrite"));
        assertThat(folder.resolve("b.tar")).doesNotExist();
        assertThat(run.onStore("restore", "-to", "tar:" + run.path("no/such/b.tar"), id)
                        .exitCode())
                .isEqualTo(73);
    }
}
