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
