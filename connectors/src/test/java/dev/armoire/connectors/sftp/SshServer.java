// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.armoire.connectors.spi.Location;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A real sshd of OpenSSH on the loopback, with keys of its own. {@link #home} is the home folder of a user whom it knows. */
final class SshServer {
    private static final List<Path> PLACES =
            List.of(Path.of("/usr/sbin/sshd"), Path.of("/usr/local/sbin/sshd"), Path.of("/usr/bin/sshd"));

    /** Where Debian, Fedora and Arch have it. Unlike the one in sshd itself it can say in a file what it does. */
    private static final List<Path> SERVERS = List.of(
            Path.of("/usr/lib/openssh/sftp-server"),
            Path.of("/usr/libexec/openssh/sftp-server"),
            Path.of("/usr/lib/ssh/sftp-server"));

    final Path folder;
    final Path home;
    final int port;
    private Process process;

    private SshServer(Path folder, int port) {
        this.folder = folder;
        this.home = folder.resolve("home");
        this.port = port;
    }

    static SshServer start(Path folder) throws Exception {
        boolean isThere = PLACES.stream().anyMatch(Files::isExecutable);
        if (System.getenv("CI") == null) {
            assumeTrue(isThere, "skipped: there is no sshd here; install openssh-server");
        } else if (!isThere) {
            throw new IllegalStateException("CI has no sshd: install openssh-server");
        }
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        SshServer server = new SshServer(folder, port);
        Files.createDirectories(server.home.resolve(".ssh"));
        keygen("ed25519", folder.resolve("host"));
        keygen("ed25519", server.home.resolve(".ssh/id_ed25519"));
        Files.copy(server.home.resolve(".ssh/id_ed25519.pub"), folder.resolve("authorized"));
        server.knowHostKey("host");
        server.run();
        return server;
    }

    static void keygen(String type, Path file, String... more) throws Exception {
        List<String> command = Stream.concat(
                        Stream.of("ssh-keygen", "-q", "-t", type, "-f", file.toString()),
                        more.length > 0 ? Stream.of(more) : Stream.of("-N", ""))
                .toList();
        Process keygen = new ProcessBuilder(command).inheritIO().start();
        if (keygen.waitFor() != 0) {
            throw new IOException("ssh-keygen failed");
        }
    }

    /** Writes the key of that name into known_hosts as the server's. */
    void knowHostKey(String name) throws IOException {
        String key = Files.readString(folder.resolve(name + ".pub"));
        Files.writeString(home.resolve(".ssh/known_hosts"), "[127.0.0.1]:" + port + ' ' + key);
    }

    void run() throws Exception {
        Path config = folder.resolve("sshd_config");
        Files.writeString(
                config,
                String.join(
                        "\n",
                        "Port " + port,
                        "ListenAddress 127.0.0.1",
                        "HostKey " + folder.resolve("host"),
                        "AuthorizedKeysFile " + folder.resolve("authorized"),
                        "PidFile none",
                        "StrictModes no",
                        "UsePAM no",
                        "PermitRootLogin yes",
                        "PasswordAuthentication no",
                        "KbdInteractiveAuthentication no",
                        "MaxStartups 100",
                        "Subsystem sftp "
                                + SERVERS.stream()
                                        .filter(Files::isExecutable)
                                        .findFirst()
                                        .map(server -> server + " -e -l VERBOSE 2>>" + folder.resolve("sftp.log"))
                                        .orElse("internal-sftp"),
                        ""));
        Path separation = Path.of("/run/sshd");
        if (!Files.exists(separation) && Files.isWritable(Path.of("/run"))) {
            Files.createDirectory(separation); // what the service's script does, where there is one
        }
        Path program = PLACES.stream().filter(Files::isExecutable).findFirst().orElseThrow();
        process = new ProcessBuilder(program.toString(), "-D", "-e", "-f", config.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("sshd.log").toFile())
                .start();
        for (int i = 0; i < 200; i++) {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
                return;
            } catch (IOException e) {
                if (!process.isAlive()) {
                    break;
                }
                Thread.sleep(50);
            }
        }
        throw new IllegalStateException("sshd did not start:\n" + Files.readString(folder.resolve("sshd.log")));
    }

    /** Files and folders that were synced, in order; nothing when the server does not say. */
    List<String> synced() throws IOException {
        Path log = folder.resolve("sftp.log");
        try (Stream<String> lines = Files.exists(log) ? Files.lines(log) : Stream.empty()) {
            return lines.filter(line -> line.contains("fsync \""))
                    .map(line -> line.substring(line.indexOf('"') + 1, line.lastIndexOf('"')))
                    .toList();
        }
    }

    /** Ends the server and cuts all connections. */
    void kill() throws InterruptedException {
        List<ProcessHandle> children = process.descendants().toList();
        process.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
        process.waitFor(10, TimeUnit.SECONDS);
    }

    Location at(Path path) {
        return Location.parse("sftp://127.0.0.1:" + port + path);
    }
}
