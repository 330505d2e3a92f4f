// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Backups to a real sshd, and restores from it, over a connection that is cut after so many bytes as seeds say: each run ends with
 * an error that says why, the store is whole, and the next run completes it. {@code -Darmoire.faults=200} makes 200 runs of it.
 */
final class FaultySftpTest {
    private static final int RUNS = Integer.getInteger("armoire.faults", 3);
    private static final int FILE_BYTES = 1 << 20;

    @TempDir
    static Path folder;

    private static Sshd server;
    private static ArmoireRun run;

    private int right;
    private int left;

    @BeforeAll
    static void makeStore() throws Exception {
        server = Sshd.start(folder);
        run = new ArmoireRun(folder).withStoreAndSource();
        server.name(run, "s", server.port(), folder.resolve("far"));
        succeeds("create", run.run("at", "@s", "create", "-plaintext"));
    }

    @AfterAll
    static void stop() {
        if (server != null) {
            server.close();
        }
    }

    private static void succeeds(String what, ArmoireRun.Outcome outcome) {
        assertThat(outcome.exitCode()).as(what + ": " + outcome).isZero();
    }

    private boolean wentWell(String what, ArmoireRun.Outcome outcome) {
        if (outcome.exitCode() == ExitCode.OK) {
            right++;
            return true;
        }
        assertThat(outcome.err()).as(what).isNotBlank().doesNotContain("internal error");
        assertThat(outcome.exitCode()).as(what + ": " + outcome.err()).isIn(1, 3, 65, 66, 74);
        return false;
    }

    @Test
    void eachRunEndsRightOrWithAnErrorAndAWholeStore() throws Exception {
        String snapshot = "";
        for (int seed = 0; seed < RUNS; seed++) {
            Random random = new Random(seed);
            byte[] content = new byte[FILE_BYTES];
            random.nextBytes(content);
            Files.write(folder.resolve("source/large"), content);
            int bytes = random.nextInt(2 * FILE_BYTES);
            String what = "seed " + seed + ", cut after " + bytes + " bytes";
            if (seed % 3 == 2) {
                restore(what, seed, bytes, snapshot);
            } else {
                snapshot = backup(what, seed, bytes);
            }
        }
        System.out.println(
                RUNS + " runs on SFTP, " + right + " commands went well, " + left + " unfinished files taken back");
    }

    private String backup(String what, int seed, int bytes) throws IOException {
        try (Link link = new Link(server.port(), Long.MAX_VALUE)) {
            ArmoireRun cut = new ArmoireRun(folder.resolve("cut" + seed));
            server.name(cut, "s", link.port(), folder.resolve("far"));
            link.cutAfter(bytes);
            wentWell(what, cut.run("at", "@s", "backup", run.path("source")));
        }
        succeeds(what, run.run("at", "@s", "check"));
        try (DirectoryStream<Path> locks = Files.newDirectoryStream(folder.resolve("far/locks"))) {
            for (Path lock : locks) {
                Files.delete(lock); // may be left, and would expire
            }
        }
        // As maintenance does when the writer is long dead.
        Location location = Location.parse(run.path("far"));
        try (Storage storage =
                Objects.requireNonNull(StorageFactory.find(location)).open(location)) {
            left += storage.discardUnfinished(Instant.now().plusSeconds(60), false);
        }
        ArmoireRun.Outcome again = run.run("at", "@s", "backup", run.path("source"));
        succeeds(what, again);
        String id = again.outLines().getLast().substring(0, 8);
        succeeds(what, run.run("at", "@s", "check"));
        succeeds(what, run.run("at", "@s", "restore", "-to", run.path("back" + seed), id));
        assertThat(Path.of(run.path("back" + seed), "large"))
                .as(what)
                .hasSameBinaryContentAs(folder.resolve("source/large"));
        return id;
    }

    private void restore(String what, int seed, int bytes, String snapshot) throws IOException {
        succeeds(what, run.run("at", "@s", "restore", "-to", run.path("whole" + seed), snapshot));
        try (Link link = new Link(server.port(), Long.MAX_VALUE)) {
            ArmoireRun cut = new ArmoireRun(folder.resolve("cut" + seed));
            server.name(cut, "s", link.port(), folder.resolve("far"));
            link.cutAfter(bytes);
            boolean isRight =
                    wentWell(what, cut.run("at", "@s", "-quiet", "restore", "-to", run.path("back" + seed), snapshot));
            Path restored = Path.of(run.path("back" + seed), "large");
            if (isRight || Files.exists(restored)) {
                // A file has its name only when it is whole, also where others are missing.
                assertThat(restored).as(what).hasSameBinaryContentAs(Path.of(run.path("whole" + seed), "large"));
            }
        }
    }
}
