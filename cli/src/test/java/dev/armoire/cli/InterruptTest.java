// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.armoire.connectors.server.StoreServer;
import dev.armoire.connectors.spi.Location;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.spi.StorageFactory;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ctrl-C, on a process of its own. */
class InterruptTest {
    private static final long MUCH = 64L << 30; // a hole: takes no space and a long time to read

    @TempDir
    Path folder;

    @Test
    void anInterruptedBackupLeavesNoSnapshotAndNoLock() throws Exception {
        ArmoireRun run = new ArmoireRun(folder).withStoreAndSource();
        try (var file = new RandomAccessFile(run.path("source") + "/hole", "rw")) {
            file.setLength(MUCH);
        }
        Process process = start(run, "at", run.path("store"), "backup", run.path("source"));
        try {
            awaitLock(process);
            Thread.sleep(300);
            interrupt(process);
            assertThat(process.waitFor(50, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }

        String err = Files.readString(folder.resolve("err"), StandardCharsets.UTF_8);
        assertThat(process.exitValue()).as(err).isEqualTo(130);
        assertThat(err).contains("armoire: interrupted; no snapshot was made, and the store is as it was\n");
        assertThat(locks()).isEmpty();
        assertThat(run.onStore("ls")).isEqualTo(new ArmoireRun.Outcome(0, "", ""));
        assertThat(run.onStore("check").exitCode()).isZero();
    }

    /** A packfile of 32 MiB would take half a minute over the one line, and for ever over the other. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anInterruptedBackupDoesNotWaitForAServer(boolean stalls) throws Exception {
        ArmoireRun run = new ArmoireRun(folder).withStoreAndSource();
        byte[] content = new byte[80 << 20];
        new Random(1).nextBytes(content);
        Files.write(folder.resolve("source/large"), content);
        Location location = Location.parse(run.path("store"));
        try (Storage store =
                        Objects.requireNonNull(StorageFactory.find(location)).open(location);
                StoreServer server = StoreServer.start(
                        store,
                        new StoreServer.Options(
                                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), true, null, null, folder),
                        line -> {});
                Link link = new Link(server.address().getPort(), 1 << 20)) {
            Process process = start(run, "at", "http://127.0.0.1:" + link.port(), "backup", run.path("source"));
            try {
                awaitLock(process);
                Thread.sleep(1000);
                if (stalls) {
                    link.stall();
                }
                interrupt(process);
                assertThat(process.waitFor(15, TimeUnit.SECONDS)).isTrue();
            } finally {
                process.destroyForcibly();
            }
            String err = Files.readString(folder.resolve("err"), StandardCharsets.UTF_8);
            assertThat(process.exitValue()).as(err).isEqualTo(130);
            assertThat(err)
                    .contains(stalls ? "the server does not answer" : "armoire: interrupted; no snapshot was made");
            assertThat(locks()).hasSize(stalls ? 1 : 0);
        }
        assertThat(run.onStore("check").exitCode()).isZero();
    }

    /** As Ctrl-C does; a build in the background may have been told to ignore that. */
    private static void interrupt(Process process) throws Exception {
        new ProcessBuilder("kill", "-TERM", Long.toString(process.pid()))
                .start()
                .waitFor();
    }

    private Process start(ArmoireRun run, String... words) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(option -> option.startsWith("--"))
                .forEach(command::add);
        command.add("-Duser.home=" + run.home());
        command.add("-cp");
        command.add(System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
        command.add(Main.class.getName());
        command.addAll(List.of(words));
        return new ProcessBuilder(command)
                .redirectOutput(folder.resolve("out").toFile())
                .redirectError(folder.resolve("err").toFile())
                .start();
    }

    private void awaitLock(Process process) throws Exception {
        for (int i = 0; i < 600 && locks().isEmpty(); i++) {
            assertThat(process.isAlive())
                    .as(Files.readString(folder.resolve("err")))
                    .isTrue();
            Thread.sleep(50);
        }
        assertThat(locks()).isNotEmpty();
    }

    private List<Path> locks() throws IOException {
        Path locks = folder.resolve("store/locks");
        try (Stream<Path> files = Files.walk(locks)) {
            return files.filter(Files::isRegularFile).toList();
        }
    }
}
