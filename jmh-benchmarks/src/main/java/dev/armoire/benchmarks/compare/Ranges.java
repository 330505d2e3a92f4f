// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.compare;

import dev.armoire.benchmarks.report.Machine;
import dev.armoire.benchmarks.report.Table;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * What reading a part of a large archive moves over the network: a {@code .ptar} of files of 1 MiB lies behind a real nginx, whose
 * log counts the requests and the bytes of each command.
 */
public final class Ranges {
    private static final double MIB = 1 << 20;
    private static final int FILES = 10 * 1024;
    private static final int FILE_BYTES = 1 << 20;
    private static final int FILES_PER_FOLDER = 128;

    private final Path root;
    private final Path work;
    private final double scale;

    /**
     * A measurement with the program of this checkout.
     *
     * @param work an existing folder, in which up to 20 GiB are made and removed
     * @param scale 1 for 10 GiB
     */
    public Ranges(Path root, Path work, double scale) {
        this.root = root;
        this.work = work;
        this.scale = scale;
    }

    /**
     * Measures, prints, and writes the report.
     *
     * @param folder where the report goes; made if it is not there
     * @param command what was typed
     */
    public void run(Path folder, String command) throws IOException, InterruptedException {
        Path nginx = Stream.of("/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/bin/nginx", "/opt/homebrew/bin/nginx")
                .map(Path::of)
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> new IOException("nginx is needed (Debian: apt install nginx-light)"));
        List<String> facts = Machine.facts(root, command);
        try (var workspace = new Workspace(work)) {
            String report = measure(nginx, workspace, facts);
            Files.createDirectories(folder);
            Files.writeString(folder.resolve("README.md"), report);
            System.out.print(report);
        }
    }

    private String measure(Path nginx, Workspace workspace, List<String> facts)
            throws IOException, InterruptedException {
        int files = Math.max(FILES_PER_FOLDER, (int) (FILES * scale));
        String program = root.resolve("armoire").toString();
        Machine.output(root, program, "version"); // builds it, if that is needed
        Path www = Files.createDirectory(workspace.resolve("www"));
        Path source = Files.createDirectory(workspace.resolve("source"));
        makeFiles(source, files);
        long archiveBytes = 0;
        var table = new Table(List.of("archive", "command", "requests", "MiB moved", "s"));
        int port = freePort();
        Process server = serve(nginx, www, port, workspace);
        try {
            for (boolean isSecret : new boolean[] {false, true}) {
                Path archive = www.resolve("large.ptar");
                String kind = isSecret ? "encrypted" : "plaintext";
                List<String> make = isSecret
                        ? List.of(program, "-quiet", "ptar", "-o", archive.toString(), source.toString())
                        : List.of(program, "-quiet", "ptar", "-plaintext", "-o", archive.toString(), source.toString());
                Measured.run(make, "", source, workspace);
                archiveBytes = Files.size(archive);
                workspace.emptyHome();
                var asked = new Asked(program, "http://127.0.0.1:" + port + "/large.ptar", kind, workspace, table);
                String middle = file(source, files / 2);
                asked.measure("`ls` of all snapshots, the first command: nothing is in the cache folder", "ls");
                asked.measure("the same again", "ls");
                asked.measure("`ls` of a folder of " + FILES_PER_FOLDER, "ls", ":" + folder(source, files / 2));
                asked.measure("`cat` of a file of 1 MiB", "cat", ":" + middle);
                asked.measure("`cat` of another one", "cat", ":" + file(source, files / 3));
                workspace.emptyHome();
                asked.measure("`cat` of one as the first command", "cat", ":" + middle);
                asked.measure(
                        "`restore` of a folder of " + FILES_PER_FOLDER + " MiB",
                        "restore",
                        "-to",
                        workspace.resolve("restored").toString(),
                        ":" + folder(source, files / 2));
                Workspace.delete(workspace.resolve("restored"));
                Files.delete(archive);
            }
        } finally {
            server.destroy();
            server.waitFor();
        }
        return String.format(
                        Locale.ROOT,
                        "# Parts of an archive of %,d files and %.1f MiB behind nginx%n%n",
                        files,
                        archiveBytes / MIB)
                + String.join("\n", facts)
                + "\n* Random files of 1 MiB in folders of " + FILES_PER_FOLDER + ", so a chunk or two each\n"
                + "* Each command is a process of its own, and its numbers include opening the archive\n\n"
                + table.markdown();
    }

    private static String folder(Path source, int number) {
        return source.resolve("folder-" + number / FILES_PER_FOLDER).toString();
    }

    private static String file(Path source, int number) {
        return folder(source, number) + "/file-" + number;
    }

    private static void makeFiles(Path source, int files) throws IOException {
        var random = new SplittableRandom(1);
        var bytes = new byte[FILE_BYTES];
        for (int i = 0; i < files; i++) {
            Files.createDirectories(Path.of(folder(source, i)));
            random.nextBytes(bytes);
            Files.write(Path.of(file(source, i)), bytes);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** Starts nginx on the loopback interface; each request becomes a line of {@code requests}: status and bytes sent. */
    private static Process serve(Path nginx, Path www, int port, Workspace workspace)
            throws IOException, InterruptedException {
        Path own = Files.createDirectory(workspace.resolve("nginx"));
        String user = "root".equals(System.getProperty("user.name")) ? "user root;" : "";
        String settings = String.format(Locale.ROOT, """
                worker_processes 1;
                %s
                pid %2$s/pid;
                error_log %2$s/errors;
                events { worker_connections 512; }
                http {
                    log_format brief '$status $bytes_sent';
                    access_log %2$s/requests brief;
                    client_body_temp_path %2$s/body;
                    proxy_temp_path %2$s/proxy;
                    fastcgi_temp_path %2$s/fastcgi;
                    uwsgi_temp_path %2$s/uwsgi;
                    scgi_temp_path %2$s/scgi;
                    keepalive_requests 100000;
                    server { listen 127.0.0.1:%3$d; root %4$s; }
                }
                """, user, own, port, www);
        Path file = Files.writeString(own.resolve("nginx.conf"), settings);
        Process process = workspace.start(
                List.of(nginx.toString(), "-p", own.toString(), "-c", file.toString(), "-g", "daemon off;"),
                own,
                own.resolve("output"));
        for (int i = 0; i < 200; i++) {
            try (Socket _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
                return process;
            } catch (IOException e) {
                if (!process.isAlive()) {
                    throw new IOException("nginx ends at once: " + Files.readString(own.resolve("output")), e);
                }
                Thread.sleep(25);
            }
        }
        process.destroy();
        throw new IOException("nginx takes no connections");
    }

    /** Commands on one archive. */
    private record Asked(String program, String url, String kind, Workspace workspace, Table table) {
        void measure(String what, String... words) throws IOException, InterruptedException {
            Path requests = workspace.resolve("nginx").resolve("requests");
            int before = Files.readAllLines(requests).size();
            Measured measured = Measured.run(
                    Stream.concat(Stream.of(program, "-quiet", "at", url), Stream.of(words))
                            .toList(),
                    "",
                    workspace.resolve("."),
                    workspace);
            List<String> lines = Files.readAllLines(requests);
            long bytes = 0;
            for (String line : lines.subList(before, lines.size())) {
                bytes += Long.parseLong(line.substring(line.indexOf(' ') + 1));
            }
            table.add(List.of(
                    kind,
                    what,
                    String.valueOf(lines.size() - before),
                    String.format(Locale.ROOT, "%.2f", bytes / MIB),
                    String.format(Locale.ROOT, "%.2f", measured.seconds())));
        }
    }
}
