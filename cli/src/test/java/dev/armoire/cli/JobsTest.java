// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.List;
import java.util.TimeZone;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobsTest {
    @TempDir
    Path folder;

    private ArmoireRun run;

    @BeforeEach
    void prepare() throws IOException {
        run = new ArmoireRun(folder).withStoreAndSource();
        run.run("store", "add", "s", run.path("store"));
        run.run("source", "add", "src", run.path("source"));
    }

    private String file(String text) throws IOException {
        String whole = text.replace("%S", run.path("source")).replace("%D", folder.toString());
        return Files.writeString(folder.resolve("jobs.yml"), whole).toString();
    }

    private Path states() {
        return run.home().resolve(".local/state/armoire/jobs");
    }

    @Test
    void jobsAreCommandsInTheirOrder() throws IOException {
        run.run("at", run.path("other"), "create", "-plaintext");
        String file = file("""
                at: "@s"
                reports: {text: out/report.txt, json: out/report.json, prometheus: out/armoire.prom}
                jobs:
                    home:
                        command: backup
                        places: ["@src", /nothing/there/]
                        ignore: ["*.log", link]
                        exclude-caches: true
                        tag: nightly
                    only:
                        command: backup
                        places: "%S/sub"
                        job: named
                    verify: {command: check}
                    copy: {command: sync, to: "%D/other", needs: only, tag: nightly}
                    thin: {command: prune, days: 7, apply: true}
                    gc: {command: maintenance}
                """.replace(", /nothing/there/", ""));
        Files.createDirectories(folder.resolve("out"));

        ArmoireRun.Outcome outcome = run.run("run", file);

        assertThat(outcome.exitCode()).as("%s", outcome).isZero();
        assertThat(outcome.out()).doesNotContain("OK ✓");
        assertThat(outcome.outLines().stream().filter(line -> line.startsWith("job ")))
                .extracting(line -> line.replaceAll(" in .*", ""))
                .containsExactly(
                        "job home: done",
                        "job only: done",
                        "job verify: done",
                        "job copy: done",
                        "job thin: done",
                        "job gc: done");
        assertThat(outcome.outLines().getLast()).startsWith("run: 6 jobs ok in ");
        List<String> listed = run.onStore("ls", "-json").outLines();
        assertThat(listed).hasSize(2);
        assertThat(listed.getFirst()).contains("\"job\":\"named\"");
        assertThat(listed.getLast()).contains("\"job\":\"home\"", "\"tags\":[\"nightly\"]");
        assertThat(run.run("at", run.path("other"), "ls").outLines()).hasSize(1);
        assertThat(run.onStore("ls", ":").exitCode()).isZero();

        assertThat(folder.resolve("out/report.txt")).content().contains("6 jobs ok", "exit code 0", "home    backup");
        assertThat(folder.resolve("out/report.json"))
                .content()
                .contains("\"type\":\"run.report\"", "\"exit_code\":0", "\"job\":\"thin\"", "\"items\":");
        Path metrics = folder.resolve("out/armoire.prom");
        assertThat(Files.getPosixFilePermissions(metrics)).isEqualTo(PosixFilePermissions.fromString("rw-r--r--"));
        assertThat(metrics)
                .content()
                .contains(
                        "# TYPE armoire_job_last_exit_code gauge\n",
                        "armoire_job_last_exit_code{job_name=\"home\",command=\"backup\",store=\"@s\"} 0\n",
                        "armoire_job_last_result{job_name=\"home\",command=\"backup\",store=\"@s\",name=\"errors\"} 0\n");
        assertThat(Files.readString(metrics).split("# TYPE armoire_job_last_exit_code", -1))
                .hasSize(2);
    }

    @Test
    void namesAndFilesThatAreNotThereAreErrors() throws IOException {
        String file = file("jobs: {first: {command: check, at: '@s'}}");
        assertThat(run.run("run", file, "frist").err()).contains("has no job \"frist\"; did you mean \"first\"?");
        assertThat(run.run("run", run.path("none.yml")).exitCode()).isEqualTo(1);
        assertThat(run.run("run").exitCode()).isEqualTo(64);
        assertThat(run.run("run", "-wait", "soon", file).exitCode()).isEqualTo(64);
        assertThat(run.run("at", "@s", "run", file).exitCode()).isEqualTo(64);
        assertThat(run.run("run", "-dry-run", file).out()).isEqualTo("first: armoire at @s check\n");
    }

    @Test
    void oneFailureStopsOnlyWhatNeedsIt() throws IOException {
        String file = file("""
                at: "@s"
                on-failure:
                    command: cat > %D/mail; echo "$ARMOIRE_EXIT_CODE $ARMOIRE_FAILED_JOBS" > %D/env
                jobs:
                    bad: {command: backup, places: %D/missing, retries: 1, retry-after: 0s}
                    after: {command: check, needs: [bad]}
                    later: {command: maintenance, needs: [after]}
                    lost: {command: check, at: %D/nowhere}
                    good: {command: backup, places: "@src"}
                """);

        ArmoireRun.Outcome outcome = run.with("ARMOIRE_PASSPHRASE", "hunter2").run("run", file);

        assertThat(outcome.exitCode()).as("%s", outcome).isEqualTo(1);
        assertThat(outcome.err())
                .contains("job bad failed with exit code 1 and is tried again in 0s (1 of 1)")
                .contains("failed to open the repository");
        assertThat(outcome.out())
                .contains("job after: not run: it needs bad, which was not done")
                .contains("job later: not run: it needs after")
                .contains("job lost: exit code 66 after")
                .contains("job good: done")
                .contains("run: 1 job ok, 2 failed, 2 skipped in");
        assertThat(folder.resolve("mail")).content().contains("exit code 1", "lost", "skipped");
        assertThat(folder.resolve("env")).hasContent("1 bad lost");
    }

    @Test
    void aSuccessLaterIsASuccess() throws IOException {
        String file = file("""
                at: "@s"
                jobs:
                    slow: {command: backup, places: "@src", retries: 3, retry-after: 1ms, pre-hook: "test -e %D/mark || { touch %D/mark; exit 1; }"}
                    hooked: {command: check, pre-hook: "exit 9"}
                    told: {command: check, post-hook: "echo $ARMOIRE_HOOK $ARMOIRE_EXIT_CODE > %D/told; exit 2"}
                """);

        ArmoireRun.Outcome outcome = run.run("run", file);

        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.out())
                .contains("job slow: done", "job hooked: exit code 1 after", "job told: exit code 3 after");
        assertThat(outcome.err()).contains("pre-hook exited with 9", "post-hook exited with 2");
        assertThat(folder.resolve("told")).hasContent("post 0");
        assertThat(run.onStore("ls").outLines()).hasSize(1);
    }

    @Test
    void hooksThatHangAreStoppedAndWhatTheyLeaveBehindIsNotWaitedFor() throws IOException {
        String file = file("""
                at: "@s"
                reports: {prometheus: armoire.prom}
                jobs:
                    before: {command: check}
                    hangs: {command: check, hook-timeout: 300ms, pre-hook: "echo begun; sleep 60; echo never"}
                    leaves: {command: check, hook-timeout: 50s, pre-hook: "sleep 50 & echo $! > %D/left"}
                """);
        long begun = System.nanoTime();

        ArmoireRun.Outcome outcome = run.run("run", file);

        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(30));
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err())
                .contains("pre-hook: begun", "so the job was not run: it was not done after", "and was stopped");
        assertThat(folder.resolve("armoire.prom"))
                .content()
                .contains("last_result{job_name=\"before\"")
                .doesNotContain("last_result{job_name=\"hangs\"");
        assertThat(outcome.out()).contains("job hangs: exit code 1 after", "job leaves: done");
        ProcessHandle.of(Long.parseLong(Files.readString(folder.resolve("left")).strip()))
                .ifPresent(ProcessHandle::destroyForcibly);
        assertThat(run.run("run", file("jobs: {a: {command: check, at: '@s', hook-timeout: soon}}"))
                        .err())
                .contains("line 1: hook-timeout: \"soon\" is no duration");
    }

    @Test
    void theWorstCodeIsThatOfTheRun() throws IOException {
        Files.writeString(folder.resolve("list"), run.path("source") + "\n" + run.path("missing") + "\n");
        String file = file("""
                at: "@s"
                jobs:
                    partly: {command: backup, files-from: %D/list}
                    well: {command: check}
                """);
        assertThat(run.run("run", file).exitCode()).isEqualTo(3);

        Path packfile;
        try (var all = Files.walk(folder.resolve("store/packfiles"))) {
            packfile = all.filter(Files::isRegularFile).findFirst().orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(packfile);
        bytes[3] ^= 1;
        Files.setPosixFilePermissions(packfile, PosixFilePermissions.fromString("rw-------"));
        Files.write(packfile, bytes);
        assertThat(run.run("run", file("""
                at: "@s"
                jobs: {lost: {command: check, at: /nowhere}, hurt: {command: check}, gone: {command: check, at: /nowhere}}
                """)).exitCode()).isEqualTo(65);
    }

    @Test
    void outsideOfItsWindowAJobIsNotRun() throws IOException {
        LocalTime now = LocalTime.now(ZoneId.systemDefault());
        String file = file("at: '@s'\njobs: {a: {command: check, window: "
                + now.plusHours(2).withSecond(0).withNano(0) + "-"
                + now.plusHours(3).withSecond(0).withNano(0) + "}}");

        ArmoireRun.Outcome outcome = run.run("run", file);

        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out()).contains("outside of its window", "run: 0 jobs ok, 1 skipped");
        JobsFile.Window night = new JobsFile.Window(LocalTime.of(22, 0), LocalTime.of(6, 0));
        assertThat(List.of(22, 23, 0, 5)).allMatch(hour -> night.contains(LocalTime.of(hour, 0)));
        assertThat(List.of(6, 12, 21)).noneMatch(hour -> night.contains(LocalTime.of(hour, 0)));
    }

    /** The clock is set, here by a change of the zone, while a job waits for its second try. */
    @Test
    void whatFailedIsNotTriedAgainOutsideOfItsWindow() throws Exception {
        LocalTime now = LocalTime.now(ZoneId.systemDefault());
        String file = file(
                "at: '@s'\njobs: {a: {command: check, retries: 3, retry-after: 2s, pre-hook: 'echo >> %D/tries; exit 1', window: "
                        + now.minusHours(1).withSecond(0).withNano(0) + "-"
                        + now.plusHours(1).withSecond(0).withNano(0) + "}}");
        TimeZone zone = TimeZone.getDefault();
        Thread clock = Thread.ofPlatform().start(() -> {
            while (Files.notExists(folder.resolve("tries"))
                    && !Thread.currentThread().isInterrupted()) {
                Thread.onSpinWait();
            }
            TimeZone.setDefault(TimeZone.getTimeZone(ZoneId.of(zone.getRawOffset() > 0 ? "-06:00" : "+06:00")));
        });
        try {
            ArmoireRun.Outcome outcome = run.run("run", file);

            assertThat(outcome.exitCode()).isEqualTo(1);
            assertThat(outcome.err()).contains("tried again in 2s (1 of 3)", "is not tried again: it is outside");
            assertThat(Files.readAllLines(folder.resolve("tries"))).hasSize(1);
        } finally {
            clock.interrupt();
            clock.join();
            TimeZone.setDefault(zone);
        }
    }

    @Test
    void twoRunsOfAFileDoNotOverlap() throws IOException {
        String file = file("at: '@s'\njobs: {a: {command: check}}");
        Report report =
                new Report(java.io.OutputStream.nullOutputStream(), java.io.OutputStream.nullOutputStream(), false);
        try (FileChannel lock = JobsState.lock(Path.of(file), states(), Duration.ZERO, report)) {
            assertThat(lock.isOpen()).isTrue();
            ArmoireRun.Outcome outcome = run.run("run", file);
            assertThat(outcome.exitCode()).isEqualTo(75);
            assertThat(outcome.err())
                    .contains(
                            "another run of",
                            "process " + ProcessHandle.current().pid() + " since");
            assertThat(run.run("run", "-wait", "1ms", file).exitCode()).isEqualTo(75);
        }
        assertThat(run.run("run", file).exitCode()).isZero();
    }

    @Test
    void whatWasDoneNeedNotBeDoneAgain() throws IOException {
        String file = file("""
                at: "@s"
                jobs:
                    first: {command: backup, places: "@src"}
                    second: {command: check, pre-hook: test -e %D/ready}
                    third: {command: check, needs: second}
                """);
        assertThat(run.run("run", file).exitCode()).isEqualTo(1);
        Files.createFile(folder.resolve("ready"));

        ArmoireRun.Outcome resumed = run.run("run", "-resume", file);

        assertThat(resumed.exitCode()).as("%s", resumed).isZero();
        assertThat(resumed.out())
                .contains("1 of 3 jobs are done", "job second: done", "job third: done")
                .doesNotContain("job first");
        assertThat(run.onStore("ls").outLines()).hasSize(1);
        assertThat(run.run("run", "-resume", file).out()).contains("job first: done"); // all was well: a new run
    }

    @Test
    void aWebhookIsToldAndItsAddressIsNot() throws IOException {
        AtomicReference<String> body = new AtomicReference<>("");
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/hunter2", exchange -> {
            body.set(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        });
        server.start();
        try {
            String address = "http://127.0.0.1:" + server.getAddress().getPort();
            String jobs = "\njobs: {a: {command: check, at: '@s'}}\n";
            assertThat(run.run("run", file("on-success: {webhook: \"" + address + "/hunter2\"}" + jobs))
                            .exitCode())
                    .isZero();
            assertThat(body.get()).startsWith("{\"version\":1").contains("\"type\":\"run.report\"", "\"text\":");

            ArmoireRun.Outcome refused =
                    run.run("run", file("on-success: {webhook: \"" + address + "/other/hunter2\"}" + jobs));
            assertThat(refused.exitCode()).isEqualTo(3);
            assertThat(refused.err())
                    .contains("the webhook at 127.0.0.1 was not told of this run: it answers 404")
                    .doesNotContain("hunter2");
            server.stop(0);
            assertThat(run.run("run", file("on-success: {webhook: \"" + address + "/hunter2\"}" + jobs))
                            .err())
                    .contains("the webhook at 127.0.0.1 was not told of this run: it refuses connections");
            assertThat(run.run("run", file("on-success: {webhook: \"http://no.host.invalid/hunter2\"}" + jobs))
                            .err())
                    .contains("the webhook at no.host.invalid was not told of this run: there is no such host");
        } finally {
            server.stop(0);
        }
    }

    @Test
    void aStateThatIsNoneIsForgotten() throws IOException {
        String file = file("at: '@s'\njobs: {a: {command: check}}");
        assertThat(run.run("run", file).exitCode()).isZero();
        Path state;
        try (var all = Files.list(states())) {
            state = all.filter(path -> path.toString().endsWith(".yml"))
                    .findFirst()
                    .orElseThrow();
        }
        for (String text : List.of("{", "run: [1]", "jobs: {a: {ended: never}}", "\0")) {
            Files.writeString(state, text);
            ArmoireRun.Outcome outcome = run.run("run", "-resume", file);
            assertThat(outcome.exitCode()).as("%s", outcome).isZero();
        }
    }

    // schedule

    @Test
    void jobsOfOneScheduleShareATimer() throws IOException {
        String file = file("""
                at: "@s"
                jobs:
                    a: {command: check, schedule: daily 02:30}
                    b: {command: maintenance, schedule: 30 2 * * *}
                    c: {command: check, schedule: sun 04:00}
                    d: {command: check}
                """);

        ArmoireRun.Outcome cron = run.run("schedule", "-cron", "-program", "/opt/my armoire", file);
        assertThat(cron.exitCode()).as("%s", cron).isZero();
        assertThat(cron.out())
                .isEqualTo("# Made by `armoire schedule` for " + file
                        + "\n30 2 * * * '/opt/my armoire' run -wait 12h " + file
                        + " a b\n0 4 * * sun '/opt/my armoire' run -wait 12h "
                        + file + " c\n");
        assertThat(cron.err()).contains("job d has no schedule");

        String units = run.run("schedule", "-program", "/usr/bin/armoire", file).out();
        assertThat(units)
                .contains("# armoire-jobs-a.timer\n", "OnCalendar=*-*-* 02:30:00\n", "Persistent=true\n")
                .contains("# armoire-jobs-a.service\n", "ExecStart=/usr/bin/armoire run -wait 12h " + file + " a b\n")
                .contains("OnCalendar=Sun *-*-* 04:00:00\n");
        assertThat(run.run("schedule", "-program", "/x", file("jobs: {a: {command: check}}"))
                        .exitCode())
                .isEqualTo(1);
    }

    @Test
    void unitsAreInstalledRenewedAndRemoved() throws IOException {
        Path units = Files.createDirectories(folder.resolve("units"));
        Files.writeString(units.resolve("armoire-other.timer"), "# Made by `armoire schedule` for /else.yml\n");
        String one = "at: '@s'\njobs: {a: {command: check, schedule: daily}, b: {command: check, schedule: hourly}}";
        String[] install = {"schedule", "-install", "-program", "/x", "-folder", units.toString(), file(one)};
        assertThat(run.run(install).exitCode()).isZero();
        assertThat(run.tree("units"))
                .containsExactly(
                        "armoire-jobs-a.service",
                        "armoire-jobs-a.timer",
                        "armoire-jobs-b.service",
                        "armoire-jobs-b.timer",
                        "armoire-other.timer");

        file("at: '@s'\njobs: {a: {command: check, schedule: weekly}}");
        assertThat(run.run(install).exitCode()).isZero();
        assertThat(run.tree("units"))
                .containsExactly("armoire-jobs-a.service", "armoire-jobs-a.timer", "armoire-other.timer");
        assertThat(units.resolve("armoire-jobs-a.timer")).content().contains("OnCalendar=Sun ");

        Files.writeString(units.resolve("armoire-jobs-a.timer"), "mine\n");
        ArmoireRun.Outcome refused = run.run(install);
        assertThat(refused.exitCode()).isEqualTo(73);
        assertThat(refused.err()).contains("was not made for");

        Files.delete(Path.of(install[6]));
        assertThat(run.run("schedule", "-uninstall", "-folder", units.toString(), install[6])
                        .exitCode())
                .isZero();
        assertThat(run.tree("units")).containsExactly("armoire-jobs-a.timer", "armoire-other.timer");
    }

    /** What systemctl was called with, which does not answer at its call number {@code failing}. */
    private List<String> callsOfSystemctl(int failing, int exitCode, String action, String file) throws IOException {
        Path calls = folder.resolve("calls");
        Files.deleteIfExists(calls);
        Path program = Files.createDirectories(folder.resolve("bin")).resolve("systemctl");
        Files.writeString(
                program,
                "#!/bin/sh\necho \"$*\" >> " + calls + "\ntest $(wc -l < " + calls + ") != " + failing
                        + " || { echo no bus; exit 1; }\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        run.with("PATH", program.getParent() + ":" + System.getenv("PATH"));
        ArmoireRun.Outcome outcome = run.run("schedule", action, "-user", "-program", "/x", file);
        assertThat(outcome.exitCode()).as("%s", outcome).isEqualTo(exitCode);
        assertThat(outcome.err()).contains(exitCode == 0 ? "" : "systemctl: no bus");
        if (exitCode != 0) {
            assertThat(outcome.err()).contains(failing == 1 ? "nothing was changed" : "not all started");
        }
        return Files.readAllLines(calls);
    }

    @Test
    void nothingIsInstalledWhereSystemdDoesNotAnswer() throws IOException {
        String file = file("at: '@s'\njobs: {a: {command: check, schedule: daily}}");
        assertThat(callsOfSystemctl(1, 1, "-install", file)).containsExactly("--user daemon-reload");
        Path units = run.home().resolve(".config/systemd/user");
        assertThat(units).doesNotExist();

        String enable = "--user enable --now armoire-jobs-a.timer";
        assertThat(callsOfSystemctl(3, 1, "-install", file))
                .containsExactly("--user daemon-reload", "--user daemon-reload", enable);
        assertThat(callsOfSystemctl(0, 0, "-install", file)).contains(enable);
        assertThat(units.resolve("armoire-jobs-a.timer")).isRegularFile();

        assertThat(callsOfSystemctl(1, 1, "-uninstall", file)).hasSize(1);
        assertThat(units.resolve("armoire-jobs-a.timer")).isRegularFile();
        assertThat(callsOfSystemctl(0, 0, "-uninstall", file))
                .containsExactly(
                        "--user daemon-reload", "--user disable --now armoire-jobs-a.timer", "--user daemon-reload");
        assertThat(units).isEmptyDirectory();
    }

    // status

    @Test
    void statusKnowsWhatIsTooOld() throws IOException {
        String file = file("""
                at: "@s"
                jobs:
                    fresh: {command: backup, places: "@src", max-age: 1h}
                    verify: {command: check, max-age: 7d}
                    copy: {command: sync, to: "%D/nowhere"}
                """);
        ArmoireRun.Outcome before = run.run("status", file);
        assertThat(before.exitCode()).isEqualTo(1);
        assertThat(before.out()).contains("fresh", "never done");
        assertThat(before.err()).isEqualTo("armoire: 2 of 2 are not as it should be\n");

        run.run("run", file, "fresh", "verify");
        ArmoireRun.Outcome after = run.run("status", file);
        assertThat(after.exitCode()).as("%s", after).isZero();
        assertThat(after.outLines().getFirst()).matches("STORE +SOURCE +LAST GOOD +AGE +LIMIT +LAST CHECK +STATE");
        assertThat(after.outLines().get(1)).matches("@s +fresh +20\\S+Z +0m\\d+s +1h +20\\S+Z +ok");
        assertThat(after.outLines().get(2)).matches("@s +verify +20\\S+Z +0m\\d+s +7d +- +ok");

        run.onStore("backup", "-force-timestamp", "2020-01-01T00:00:00Z", "-job", "old", run.path("source"));
        ArmoireRun.Outcome old = run.run("status", file("""
                at: "@s"
                jobs: {old: {command: backup, places: "@src", max-age: 30d}}
                """));
        assertThat(old.exitCode()).isEqualTo(1);
        assertThat(old.out()).containsPattern("@s +old +2020-01-01T00:00:00Z +\\d+d\\d+h +30d +- +too old");
    }

    @Test
    void statusOfStoresTellsEachSource() {
        run.onStore("backup", run.path("source"));
        run.onStore("backup", "-force-timestamp", "2020-01-01T00:00:00Z", run.path("source") + "/sub");
        run.run("store", "add", "lost", run.path("lost"));

        ArmoireRun.Outcome outcome = run.run("status", "-max-age", "2d");

        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.out())
                .containsPattern("@lost +- .*failed to open the repository")
                .containsPattern("@s +\\S+source +\\S+ +0m\\d+s +2d +- +ok")
                .containsPattern("@s +\\S+source/sub .* too old");
        ArmoireRun.Outcome json = run.onStore("status", "-json");
        assertThat(json.exitCode()).isZero();
        assertThat(json.outLines())
                .hasSize(2)
                .allMatch(line -> line.contains("\"type\":\"status\"") && line.contains("\"state\":\"ok\""));
    }
}
