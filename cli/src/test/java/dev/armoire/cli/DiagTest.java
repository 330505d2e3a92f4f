// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code diag} and {@code info} on stores that Plakar has written. */
class DiagTest {
    private static final Path FIXTURES = Path.of("..", "testdata", "fixtures").toAbsolutePath();
    private static final String STATE = "10848ab42ec28e6744da1c59cae3113f4c00b489aceacc43fef30df9ef9ad36f";

    @TempDir
    Path folder;

    private ArmoireRun run;

    @BeforeEach
    void prepare() {
        run = new ArmoireRun(folder);
    }

    private ArmoireRun.Outcome diag(String words) {
        return run.run(("at " + FIXTURES.resolve("plaintext") + " " + words).split(" ", -1));
    }

    private List<String> lines(String words) {
        ArmoireRun.Outcome outcome = diag(words);
        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.exitCode()).isZero();
        return outcome.outLines();
    }

    @Test
    void withoutIdItIsWhatInfoSays() {
        assertThat(lines("diag")).isEqualTo(lines("diag repository")).isEqualTo(lines("info"));
        assertThat(lines("diag snapshot 3f54")).isEqualTo(lines("info 3f54"));
        assertThat(lines("info 3f54"))
                .contains(
                        "SnapshotID: 3f544fc3cda7278f9b59a3a27242d2f1fa1f3ec90b696e013d9687095b276bb7", "Job: nightly")
                .contains(" - Directory: /data/small", " - Hostname: fixture");
        assertThat(lines("info")).contains("Snapshots: 4", "RepositoryID: 8ef65387-9873-4102-bc61-99f86fcebc97");
    }

    @Test
    void stateIsListedAndTakenApart() {
        assertThat(lines("diag state")).hasSize(4).contains(STATE);
        assertThat(lines("diag state 1084"))
                .contains("Version: v1.1.0", "Creation: 2026-11-23 11:17:56.189640242 +0000 UTC")
                .contains("snapshot " + STATE
                        + " : packfile 69755a2bfbbe99a524f29d329ebd0edf8d517edc65652b962f4efad13330ad9c,"
                        + " offset 148604, length 1125");
        assertThat(diag("diag state ff").err()).contains("no state has prefix: ff");
        assertThat(diag("diag state xy").exitCode()).isEqualTo(64);
    }

    @Test
    void packfileShowsItsIndex() {
        assertThat(lines("diag packfile")).hasSize(8);
        assertThat(lines("diag packfile 07ab"))
                .startsWith(
                        "Version: v1.0.0",
                        "Timestamp: 2026-11-23 11:17:54.986575557 +0000 UTC",
                        "Index MAC: 89307a1d3ab9224b8e3af898d1264535ac78de5a98b67632e5303482614e37c5",
                        "")
                .contains("blob[1]: 7050565e728db25231ebaf78358cc827f97897577a20759f823ab7c0ff55a745 391533 229 0"
                        + " vfs-entry");
    }

    @Test
    void objectAndBlobAreFoundByPrefix() {
        assertThat(lines("diag object 96e0627a5afa2e54"))
                .containsExactly(
                        "object: 6279ac16d517da2c8b1aec7e7bcdc9bfe69ba5e2675c2a85005af65df58e2452",
                        "  type: text/plain; charset=utf-8",
                        "  chunks:",
                        "    MAC: 6279ac16d517da2c8b1aec7e7bcdc9bfe69ba5e2675c2a85005af65df58e2452");
        assertThat(lines("diag blob chunk 6279ac16")).contains("Plain length: 8", "Kind: chunk");
        assertThat(lines("diag blob vfs-entry 7050565e")).contains("Name: data", "ParentPath: /");
        assertThat(lines("diag blobsearch 96e0627a5afa2e54").getFirst())
                .startsWith("Found candidate [96e0627a5afa2e54")
                .endsWith("] at : 14126 186 object");
        assertThat(diag("diag object 96e0627a5afa2e55").exitCode()).isEqualTo(1);
        assertThat(diag("diag blob thing 7050565e").exitCode()).isEqualTo(64);
        assertThat(diag("diag blobsearch ffffffff").exitCode()).isEqualTo(1);
    }

    @Test
    void filesAreShownInAllTheirParts() {
        assertThat(lines("diag vfs 3f54:xattr.txt"))
                .startsWith("[FileEntry]", "Version: 65536", "ParentPath: /data/small", "Name: xattr.txt")
                .contains("Size: 11 B (11 bytes)", "ExtendedAttributes: [user.bin user.comment user.empty]");
        assertThat(lines("diag vfs 3f54:/"))
                .startsWith("[DirEntry]")
                .contains("Below.Symlinks: 3", "Child[0].FileInfo.Name(): data", "Directory.Children: 1");
        assertThat(lines("diag xattr 3f54"))
                .contains(
                        "/data/small/xattr.txt user.comment a comment", "/data/small/xattrdir user.dir on a directory");
        assertThat(lines("diag contenttype 3f54:/text/html")).containsExactly("/text/html/data/small/a.html");
        assertThat(lines("diag dirpack 3f54:/data"))
                .contains("/data fa46e1525500f4ba2e81781cba1d5018ef768cd84ef6bc77644499b16bb60fc1");
        assertThat(lines("diag search 3f54 text/html")).containsExactly("3f544fc3:/data/small/a.html");
        assertThat(lines("diag trace 3f54:a.html")).hasSize(3).allMatch(line -> line.endsWith(": OK"));
        assertThat(diag("diag vfs 3f54:none").err()).contains("file does not exist: /data/small/none");
    }

    @Test
    void locksAreShown() {
        assertThat(lines("diag locks"))
                .contains("[10848ab42ec28e6744da1c59cae3113f4c00b489aceacc43fef30df9ef9ad36f] Got shared access on"
                        + " 2026-11-23T11:17:56Z owner fixture");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "diag",
                "diag state",
                "diag state 1084",
                "diag packfile",
                "diag packfile 07ab",
                "diag locks",
                "diag object 96e0627a5afa",
                "diag blob vfs-entry 7050565e",
                "diag blobsearch 96e0627a5afa",
                "diag vfs 3f54:many",
                "diag xattr 3f54",
                "diag contenttype 3f54",
                "diag dirpack 3f54",
                "diag search 3f54",
                "diag trace 3f54:a.html",
                "diag errors 3f54",
                "info",
                "info 3f54",
                "info -errors",
            })
    void jsonIsOneObjectALine(String words) {
        ArmoireRun.Outcome outcome = diag(words + " -json");

        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.outLines()).allMatch(line -> line.startsWith("{\"version\":1,") && line.endsWith("}"));
    }

    @Test
    void damageIsShownWhereItIs() throws IOException {
        run.withStoreAndSource();
        String id = run.backup();
        Path packfiles = folder.resolve("store/packfiles");
        try (var files = Files.walk(packfiles)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                byte[] bytes = Files.readAllBytes(file);
                bytes[bytes.length - 1] ^= 1; // within what vouches for the whole, or the length of the footer
                bytes[bytes.length - 36] ^= 0x55;
                Files.write(file, bytes);
            }
        }

        assertThat(run.onStore("diag", "trace", id + ":a.txt").exitCode()).isZero(); // not where its blobs are
        ArmoireRun.Outcome outcome = run.onStore("diag", "blobsearch", "00");
        assertThat(outcome.exitCode()).isNotZero();
        assertThat(outcome.err()).contains("diag: packfile ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"diag nothing", "diag snapshot", "diag locks x", "diag blob x", "diag vfs 3f54 x"})
    void wrongUseIsToldWithoutOpeningTheStore(String words) {
        assertThat(diag(words).exitCode()).isEqualTo(64);
    }
}
