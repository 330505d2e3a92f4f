// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A real sshd of OpenSSH on the loopback, which lets in who has the key that is made with it. */
final class Sshd implements AutoCloseable {
    private static final Path PROGRAM = Path.of("/usr/sbin/sshd");

    private final Path folder;
    private final int port;
    private final Process process;

    private Sshd(Path folder, int port, Process process) {
        this.folder = folder;
        this.port = port;
        this.process = process;
    }

    static Sshd start(Path folder) throws Exception {
        if (System.getenv("CI") == null) {
            assumeTrue(Files.isExecutable(PROGRAM), "skipped: there is no sshd here; install openssh-server");
        }
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        for (String key : List.of("host", "user")) {
            int status = new ProcessBuilder(
                            "ssh-keygen",
                            "-q",
                            "-t",
                            "ed25519",
                            "-N",
                            "",
                            "-f",
                            folder.resolve(key).toString())
                    .start()
                    .waitFor();
            if (status != 0) {
                throw new IOException("ssh-keygen failed");
            }
        }
        Path separation = Path.of("/run/sshd");
        if (!Files.exists(separation) && Files.isWritable(Path.of("/run"))) {
            Files.createDirectory(separation); // what the service's script does, where there is one
        }
        Path config = folder.resolve("sshd_config");
        Files.writeString(
                config,
                String.join(
                        "\n",
                        "Port " + port,
                        "ListenAddress 127.0.0.1",
                        "HostKey " + folder.resolve("host"),
                        "AuthorizedKeysFile " + folder.resolve("user.pub"),
                        "PidFile none",
                        "StrictModes no",
                        "UsePAM no",
                        "PermitRootLogin yes",
                        "PasswordAuthentication no",
                        "MaxStartups 100",
                        "Subsystem sftp internal-sftp",
                        ""));
        Path log = folder.resolve("sshd.log");
        Process process = new ProcessBuilder(PROGRAM.toString(), "-D", "-e", "-f", config.toString())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        for (int i = 0; i < 200 && process.isAlive(); i++) {
            try (var _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
                return new Sshd(folder, port, process);
            } catch (IOException e) {
                Thread.sleep(20);
            }
        }
        throw new IllegalStateException("sshd did not start:\n" + Files.readString(log));
    }

    int port() {
        return port;
    }

    /** Gives a folder that is reached through a port of this machine that name, for commands to use. */
    void name(ArmoireRun run, String name, int through, Path store) {
        ArmoireRun.Outcome outcome = run.run(
                "store",
                "add",
                name,
                "sftp://127.0.0.1:" + through + store,
                "identity=" + folder.resolve("user"),
                "insecure_ignore_host_key=true");
        if (outcome.exitCode() != 0) {
            throw new AssertionError(outcome);
        }
    }

    @Override
    public void close() {
        List<ProcessHandle> children = process.descendants().toList();
        process.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
    }
}
