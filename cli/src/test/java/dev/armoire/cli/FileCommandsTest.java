// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipFile;
import org.apache.commons.compress.archivers.ArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Commands that look at files of snapshots: locate, diff, digest, archive. */
class FileCommandsTest {
    @TempDir
    Path folder;

    private ArmoireRun run;
    private Path source;
    private String id;

    @BeforeEach
    void makeSnapshot() throws IOException {
        run = new ArmoireRun(folder).withStoreAndSource();
        source = folder.resolve("source");
        Files.setLastModifiedTime(
                source.resolve("a.txt"), FileTime.from(Instant.parse("2001-02-03T04:05:06.123456789Z")));
        id = run.backup();
    }

    // locate

    @ParameterizedTest
    @CsvSource({
        "*.txt, a.txt sub/b.txt",
        "sub/*, sub/b.txt sub/deep",
        "-size +5 *.txt, a.txt",
        "-size 5 *, sub/b.txt",
        "-size -6 *.txt, sub/b.txt",
        "-mtime +7d *, a.txt",
        "-mime text/plain sub/**/*.txt, sub/b.txt",
        "dee*/, sub/deep",
        "a.* *.txt, a.txt sub/b.txt",
        "nothing, ''",
    })
    void locateFindsByPatternAndProperty(String words, String found) {
        var outcome = run.onStore(("locate " + words).split(" ", -1));

        assertThat(outcome.exitCode()).isZero();
        List<String> expected = new ArrayList<>();
        for (String name : found.split(" ", -1)) {
            if (!name.isEmpty()) {
                expected.add(id + ":" + source.resolve(name));
            }
        }
        assertThat(outcome.outLines()).containsExactlyElementsOf(expected);
    }

    @Test
    void locateLooksIntoEverySnapshotOrOne() throws IOException {
        Files.writeString(source.resolve("new.txt"), "new");
        String second = run.backup();

        assertThat(run.onStore("locate", "a.txt").outLines())
                .containsExactly(second + ":" + source.resolve("a.txt"), id + ":" + source.resolve("a.txt"));
        assertThat(run.onStore("locate", "-snapshot", id, "*.txt").outLines()).hasSize(2);
        assertThat(run.onStore("locate", "-snapshot", "ffff", "x").exitCode()).isEqualTo(1);
        assertThat(run.onStore("locate", "a[").err()).contains("could not match pattern: \"a[\" lacks a closing ]");
        assertThat(run.onStore("locate").exitCode()).isEqualTo(64);
    }

    // diff

    @Test
    void diffOfTwoSnapshotsShowsTextsAndSaysWhatElseDiffers() throws IOException {
        Files.writeString(source.resolve("a.txt"), "alpha\nomega\n");
        Files.write(source.resolve("sub/b.txt"), new byte[] {1, 0, 2});
        Files.delete(source.resolve("link"));
        Files.createSymbolicLink(source.resolve("link"), Path.of("sub"));
        Files.writeString(source.resolve("new"), "no line feed");
        String second = run.backup();

        var outcome = run.onStore("diff", "-recursive", "-exit-code", id, second);

        assertThat(outcome.exitCode()).isEqualTo(4);
        assertThat(outcome.outLines())
                .containsExactly(
                        "--- " + id + ":" + source + "/a.txt",
                        "+++ " + second + ":" + source + "/a.txt",
                        "@@ -1,1 +1,2 @@",
                        " alpha",
                        "+omega",
                        "Symbolic links " + id + ":" + source + "/link and " + second + ":" + source
                                + "/link differ: a.txt and sub",
                        "Only in " + second + ":" + source + ": new",
                        "Binary files " + id + ":" + source + "/sub/b.txt and " + second + ":" + source
                                + "/sub/b.txt differ");
        assertThat(run.onStore("diff", id, second).outLines())
                .contains("Files " + id + ":" + source + "/a.txt and " + second + ":" + source + "/a.txt differ")
                .contains("Common subdirectories: " + id + ":" + source + "/sub and " + second + ":" + source + "/sub");
        assertThat(run.onStore("diff", id + ":a.txt", second + ":new").out())
                .endsWith("-alpha\n+no line feed\n\\ No newline at end of file\n");
    }

    @Test
    void diffWithTheDiskIsEmptyUntilSomethingChanges() throws IOException {
        assertThat(run.onStore("diff", "-recursive", "-metadata", "-exit-code", id))
                .isEqualTo(new ArmoireRun.Outcome(0, "", ""));

        Files.setLastModifiedTime(source.resolve("sub/b.txt"), FileTime.from(Instant.EPOCH));
        assertThat(run.onStore("diff", "-recursive", "-exit-code", id).exitCode())
                .isZero();
        var outcome = run.onStore("diff", "-recursive", "-metadata", "-exit-code", id);
        assertThat(outcome.exitCode()).isEqualTo(4);
        assertThat(outcome.outLines())
                .singleElement()
                .asString()
                .contains("b.txt differ: time ", "1970-01-01T00:00:00Z");

        Files.delete(source.resolve("a.txt"));
        assertThat(run.onStore("diff", "-recursive", id).outLines())
                .contains("Only in " + id + ":" + source + ": a.txt");
        assertThat(run.onStore("diff", id + ":a.txt").exitCode()).isEqualTo(1);
        assertThat(run.onStore("diff", id + ":sub", id + ":a.txt").err()).contains("different file types");
    }

    // digest

    @Test
    void digestPrintsHashesOfFilesAndOfAllInFolders() {
        assertThat(run.onStore("digest", id + ":a.txt").out())
                .isEqualTo("SHA256 (" + source.resolve("a.txt") + ") = " + sha256("alpha\n") + "\n");
        assertThat(run.onStore("digest", id).outLines()).hasSize(3);
        assertThat(run.onStore("digest", "-hashing", "blake3", id + ":link").out())
                .startsWith("BLAKE3 (" + source.resolve("a.txt") + ") = ");
        assertThat(run.onStore("digest", id + ":a.txt", id + ":none").exitCode())
                .isEqualTo(3);
        assertThat(run.onStore("digest", "-hashing", "md5", id).exitCode()).isEqualTo(64);
    }

    private static String sha256(String text) {
        try {
            var digest = java.security.MessageDigest.getInstance("SHA-256");
            return java.util.HexFormat.of().formatHex(digest.digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    // archive

    @Test
    void aTarballHasEverythingAndGivesItBack() throws IOException {
        Files.createLink(source.resolve("sub/hard"), source.resolve("a.txt"));
        Files.writeString(source.resolve("x".repeat(200)), "long");
        String second = run.backup();

        var outcome = run.onStore("archive", "-rebase", "-output", run.path("x.tgz"), second);

        assertThat(outcome).isEqualTo(new ArmoireRun.Outcome(0, "", ""));
        List<String> members = new ArrayList<>();
        try (InputStream file = new BufferedInputStream(Files.newInputStream(folder.resolve("x.tgz")));
                ArchiveInputStream<TarArchiveEntry> tar = new TarArchiveInputStream(new GZIPInputStream(file))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                String content =
                        entry.isFile() ? " " + new String(tar.readAllBytes(), StandardCharsets.UTF_8).strip() : "";
                members.add(entry.getName()
                        + (entry.isLink() || entry.isSymbolicLink() ? " -> " + entry.getLinkName() : content));
                if (entry.getName().equals("a.txt")) {
                    assertThat(entry.getLastModifiedTime().toInstant())
                            .isEqualTo(Instant.parse("2001-02-03T04:05:06.123456789Z"));
                }
            }
        }
        assertThat(members)
                .containsExactly(
                        "a.txt alpha",
                        "link -> a.txt",
                        "sub/",
                        "sub/b.txt beta",
                        "sub/deep/",
                        "sub/deep/c.log gamma",
                        "sub/hard -> a.txt",
                        "x".repeat(200) + " long");
    }

    @Test
    void aZipHasFilesFoldersAndLinks() throws IOException {
        assertThat(run.onStore("archive", "-format", "zip", "-output", run.path("x.zip"), id + ":sub")
                        .exitCode())
                .isZero();
        try (ZipFile zip = new ZipFile(run.path("x.zip"))) {
            String name = source.resolve("sub/b.txt").toString().substring(1);
            assertThat(new String(zip.getInputStream(zip.getEntry(name)).readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo("beta\n");
            assertThat(zip.getEntry(name.substring(0, name.lastIndexOf('/') + 1))
                            .isDirectory())
                    .isTrue();
        }
    }

    @Test
    void whatFailsLeavesNoArchive() throws IOException {
        assertThat(run.onStore("archive", "-output", run.path("no.tgz"), id + ":none")
                        .exitCode())
                .isEqualTo(1);
        assertThat(run.onStore("archive", "-format", "rar", id).exitCode()).isEqualTo(64);
        assertThat(run.onStore("archive", "-output", run.path("none/x.tgz"), id).exitCode())
                .isEqualTo(73);
        try (var files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString()).toList())
                    .doesNotContain("no.tgz", "none")
                    .noneMatch(name -> name.startsWith(".armoire"));
        }
    }
}
