// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code schedule -cron -install} changes its own lines in a crontab, and no others. */
class CrontabTest {
    /** Behaves as Debian's and others' do. */
    private static final String PROGRAM = """
            #!/bin/sh
            case "$1" in
                -l) if [ -f %1$s ]; then cat %1$s; else echo "no crontab for somebody" >&2; exit 1; fi ;;
                -) if [ -f %1$s.refuses ]; then echo "bad minute" >&2; exit 1; fi; cat > %1$s ;;
                *) exit 2 ;;
            esac
            """;

    @TempDir
    Path folder;

    private ArmoireRun run;
    private Path crontab;
    private Path jobs;

    @BeforeEach
    void prepare() throws IOException {
        crontab = folder.resolve("crontab.txt");
        Path program = Files.createDirectory(folder.resolve("bin")).resolve("crontab");
        Files.writeString(program, PROGRAM.replace("%1$s", crontab.toString()));
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        run = new ArmoireRun(folder)
                .with("PATH", program.getParent() + ":" + System.getenv("PATH"))
                .withStoreAndSource();
        jobs = folder.resolve("jobs.yml");
        plan("daily 02:30");
    }

    private void plan(String schedule) throws IOException {
        Files.writeString(
                jobs, "at: " + run.path("store") + "\njobs: {a: {command: check, schedule: " + schedule + "}}\n");
    }

    private ArmoireRun.Outcome schedule(String flag) {
        return run.run("schedule", "-cron", flag, "-program", "/x", jobs.toString());
    }

    private String lines(String time) {
        String mark = "# Made by `armoire schedule` for " + jobs;
        return mark + '\n' + time + " /x run -wait 12h " + jobs + " a\n# End of: " + mark + '\n';
    }

    @Test
    void linesComeChangeAndGo() throws IOException {
        // No line feed at the end, and a byte that is no UTF-8.
        byte[] others = "MAILTO=me\n# caf\u00e9\n5 4 * * * true".getBytes(StandardCharsets.ISO_8859_1);
        Files.write(crontab, others);
        String before = new String(others, StandardCharsets.ISO_8859_1) + '\n';

        assertThat(schedule("-install").exitCode()).isZero();
        assertThat(read()).isEqualTo(before + lines("30 2 * * *"));
        assertThat(folder.resolve("home/.local/state/armoire/jobs/crontab.before"))
                .hasBinaryContent(others);

        Files.writeString(crontab, read() + "6 6 * * * late\n", StandardCharsets.ISO_8859_1);
        plan("hourly");
        assertThat(schedule("-install").exitCode()).isZero();
        assertThat(read()).isEqualTo(before + lines("0 * * * *") + "6 6 * * * late\n");
        assertThat(schedule("-install").toString()).contains("as it should be");

        Files.delete(jobs);
        assertThat(schedule("-uninstall").exitCode()).isZero();
        assertThat(read()).isEqualTo(before + "6 6 * * * late\n");
    }

    private String read() throws IOException {
        return Files.readString(crontab, StandardCharsets.ISO_8859_1);
    }

    @Test
    void aCrontabIsMadeWhereThereIsNone() throws IOException {
        assertThat(schedule("-install").exitCode()).isZero();
        assertThat(read()).isEqualTo(lines("30 2 * * *"));
    }

    @Test
    void whatIsNotUnderstoodIsLeftAlone() throws IOException {
        String broken = lines("30 2 * * *").replaceFirst("# End of[^\n]*\n", "") + "1 1 * * * mine\n";
        Files.writeString(crontab, broken);
        ArmoireRun.Outcome outcome = schedule("-install");
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err()).contains("crontab -e");
        assertThat(read()).isEqualTo(broken);

        Files.writeString(crontab, "1 1 * * * mine\n");
        Files.createFile(folder.resolve("crontab.txt.refuses"));
        outcome = schedule("-install");
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err()).contains("bad minute");
        assertThat(read()).isEqualTo("1 1 * * * mine\n");
    }
}
