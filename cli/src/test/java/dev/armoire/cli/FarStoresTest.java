// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Stores in buckets and on servers as commands use them: by several at once, over slow lines, and when something is wrong.
 * {@code -Darmoire.far.backups=20} says how often each of the writers writes.
 */
final class FarStoresTest {
    private static final int BACKUPS = Integer.getInteger("armoire.far.backups", 1);
    private static final int PAUSE_MILLIS = 200;
    private static final int FILE_BYTES = 200_000;

    @TempDir
    Path folder;

    private static void succeeds(ArmoireRun.Outcome outcome) {
        assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    }

    /** Gives the store under test the name {@code s}. */
    private interface Naming {
        void name(ArmoireRun run);
    }

    @Test
    void twoWritersAReaderAndMaintenanceShareABucket() throws Exception {
        try (Buckets buckets = Buckets.start(folder)) {
            share(run -> Buckets.name(run, "s", buckets.port(), "shared"));
        }
    }

    @Test
    void twoWritersAReaderAndMaintenanceShareAServer() throws Exception {
        try (Sshd server = Sshd.start(folder)) {
            share(run -> server.name(run, "s", server.port(), folder.resolve("shared")));
        }
    }

    private ArmoireRun user(String name, Naming naming) throws IOException {
        Path own = Files.createDirectories(folder.resolve(name));
        ArmoireRun run = new ArmoireRun(own).with("ARMOIRE_GRACEPERIOD", "0s");
        naming.name(run);
        return run;
    }

    private static String backUp(ArmoireRun run, Random random) throws IOException {
        byte[] content = new byte[FILE_BYTES];
        random.nextBytes(content);
        Files.createDirectories(Path.of(run.path("source")));
        Files.write(Path.of(run.path("source/file")), content);
        ArmoireRun.Outcome outcome = run.run("at", "@s", "backup", run.path("source"));
        succeeds(outcome);
        return outcome.outLines().getLast().substring(0, 8);
    }

    private static void assertRestores(ArmoireRun run, String id, byte[] content) throws IOException {
        String target = run.path("back-" + id);
        succeeds(run.run("at", "@s", "-quiet", "restore", "-to", target, id));
        assertThat(Files.readAllBytes(Path.of(target, "file"))).isEqualTo(content);
        Files.delete(Path.of(target, "file"));
    }

    private void share(Naming naming) throws Exception {
        ArmoireRun owner = user("owner", naming);
        succeeds(owner.run("at", "@s", "create", "-plaintext"));
        String first = backUp(owner, new Random(1));
        byte[] content = Files.readAllBytes(Path.of(owner.path("source/file")));
        AtomicBoolean isOver = new AtomicBoolean();
        List<Future<Boolean>> writers = new ArrayList<>();
        List<Future<Boolean>> others = new ArrayList<>();
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            for (int number = 0; number < 2; number++) {
                ArmoireRun writer = user("writer" + number, naming);
                Random random = new Random(10 + number);
                writers.add(threads.submit(() -> {
                    for (int i = 0; i < BACKUPS; i++) {
                        String id = retried(() -> backUp(writer, random));
                        assertRestores(writer, id, Files.readAllBytes(Path.of(writer.path("source/file"))));
                    }
                    return true;
                }));
            }
            ArmoireRun reader = user("reader", naming);
            others.add(threads.submit(() -> {
                do {
                    assertRestores(reader, first, content);
                    Thread.sleep(PAUSE_MILLIS);
                } while (!isOver.get());
                return true;
            }));
            ArmoireRun keeper = user("keeper", naming);
            others.add(threads.submit(() -> {
                do {
                    succeeds(keeper.run("at", "@s", "maintenance", "-wait", "60s"));
                    Thread.sleep(PAUSE_MILLIS);
                } while (!isOver.get());
                return true;
            }));
            try {
                for (Future<Boolean> writer : writers) {
                    writer.get();
                }
            } finally {
                isOver.set(true);
            }
            for (Future<Boolean> other : others) {
                other.get();
            }
        }
        succeeds(owner.run("at", "@s", "check"));
        assertThat(owner.run("at", "@s", "ls").outLines()).hasSize(1 + 2 * BACKUPS);
        assertRestores(owner, first, content);
    }

    /** Maintenance has the store for itself for a moment: whoever comes then comes again. */
    private static String retried(Callable<String> backup) throws Exception {
        for (int attempt = 1; ; attempt++) {
            try {
                return backup.call();
            } catch (AssertionError e) {
                if (attempt == 50 || !String.valueOf(e.getMessage()).contains("is locked by maintenance")) {
                    throw e;
                }
                Thread.sleep(20);
            }
        }
    }

    @Test
    void packfilesHealInABucket() throws Exception {
        try (Buckets buckets = Buckets.start(folder)) {
            heal(
                    run -> Buckets.name(run, "s", buckets.port(), "healed"),
                    folder.resolve(Buckets.NAME).resolve("healed"));
        }
    }

    @Test
    void packfilesHealOnAServer() throws Exception {
        try (Sshd server = Sshd.start(folder)) {
            heal(run -> server.name(run, "s", server.port(), folder.resolve("healed")), folder.resolve("healed"));
        }
    }

    /** @param store where the server keeps the files of the store */
    private void heal(Naming naming, Path store) throws Exception {
        ArmoireRun owner = user("owner", naming);
        Random random = new Random(7);
        succeeds(owner.with("ARMOIRE_PASSPHRASE", "horse staple 9 battery!").run("at", "@s", "create"));
        String first = backUp(owner, random);
        byte[] content = Files.readAllBytes(Path.of(owner.path("source/file")));
        backUp(owner, random);
        succeeds(owner.run("at", "@s", "parity", "-apply"));
        Map<Path, byte[]> packfiles = packfiles(store);
        assertThat(packfiles).hasSizeGreaterThan(1);
        Path largest = packfiles.keySet().stream()
                .max(Comparator.comparingInt(file -> packfiles.get(file).length))
                .orElseThrow();
        for (boolean isLost : new boolean[] {false, true}) {
            if (isLost) {
                Files.delete(largest);
            } else {
                byte[] damaged = packfiles.get(largest).clone();
                random.ints(5000, 100_000, 110_000).forEach(at -> damaged[at] ^= 1);
                Files.write(largest, damaged);
            }
            ArmoireRun.Outcome planned = owner.run("at", "@s", "check", "-heal", "-dry-run");
            assertThat(planned.exitCode()).as("%s", planned).isEqualTo(ExitCode.DAMAGE);
            assertThat(planned.out()).contains("1 packfiles could be healed, 0 not");
            ArmoireRun.Outcome healed = owner.run("at", "@s", "check", "-heal");
            succeeds(healed);
            assertThat(healed.out()).contains("1 packfiles were healed, 0 not");
            Map<Path, byte[]> now = packfiles(store);
            assertThat(now.keySet()).isEqualTo(packfiles.keySet());
            packfiles.forEach((file, bytes) -> assertThat(Arrays.equals(now.get(file), bytes))
                    .as("%s", file)
                    .isTrue());
        }
        succeeds(owner.run("at", "@s", "check"));
        assertRestores(owner, first, content);
    }

    private static Map<Path, byte[]> packfiles(Path store) throws IOException {
        Map<Path, byte[]> contents = new TreeMap<>();
        try (Stream<Path> files = Files.walk(store.resolve("packfiles"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                contents.put(file, Files.readAllBytes(file));
            }
        }
        return contents;
    }

    @Test
    void aSlowLineSlowsTheBackupDownAndNothingElse() throws Exception {
        long bytesPerSecond = 5_000_000;
        byte[] content = new byte[4_000_000];
        new Random(4).nextBytes(content);
        try (Buckets buckets = Buckets.start(folder);
                Link slow = new Link(buckets.port(), bytesPerSecond)) {
            ArmoireRun run = new ArmoireRun(folder).withStoreAndSource();
            Files.write(folder.resolve("source/large"), content);
            Buckets.name(run, "s", slow.port(), "slow");
            succeeds(run.run("at", "@s", "create", "-plaintext"));
            long begun = System.nanoTime();
            ArmoireRun.Outcome outcome = run.run("at", "@s", "backup", run.path("source"));
            succeeds(outcome);
            assertThat(Duration.ofNanos(System.nanoTime() - begun))
                    .isBetween(Duration.ofMillis(700), Duration.ofSeconds(20));
            Buckets.name(run, "direct", buckets.port(), "slow");
            succeeds(run.run("at", "@direct", "check"));
        }
    }

    @Test
    void whatIsWrongIsSaidOnceWithTheRightCode() throws Exception {
        try (Buckets buckets = Buckets.start(folder)) {
            ArmoireRun run = new ArmoireRun(folder).withStoreAndSource();
            Buckets.name(run, "s", buckets.port(), "nothing");
            ArmoireRun.Outcome nothing = run.run("at", "@s", "ls");
            assertThat(nothing.exitCode()).isEqualTo(ExitCode.NO_STORE);
            assertThat(nothing.err())
                    .contains("this is not a store: it has no CONFIG")
                    .containsOnlyOnce(Buckets.location(buckets.port(), "nothing"))
                    .doesNotContain("no secret", "Exception");
            succeeds(run.run("store", "set", "s", "location=s3://127.0.0.1:" + buckets.port() + "/other/x"));
            ArmoireRun.Outcome missing = run.run("at", "@s", "ls");
            assertThat(missing.exitCode()).isEqualTo(ExitCode.NO_STORE);
            assertThat(missing.err())
                    .contains("there is no bucket other at 127.0.0.1")
                    .doesNotContain("no secret");
        }
    }
}
