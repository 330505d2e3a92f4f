// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** A real nginx on the loopback interface, which gives out a folder and lists what is in it. */
final class Nginx implements AutoCloseable {
    private final Process process;
    private final int port;
    private final Path log;

    private Nginx(Process process, int port, Path log) {
        this.process = process;
        this.port = port;
        this.log = log;
    }

    /** @param folder for its own files; what it gives out is {@code www} in there */
    static Nginx start(Path folder) throws IOException, InterruptedException {
        Path program = Stream.of("/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/bin/nginx", "/opt/homebrew/bin/nginx")
                .map(Path::of)
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
        Assumptions.assumeTrue(program != null, "nginx is not installed: tests against a real web server are skipped");
        Path www = Files.createDirectories(folder.resolve("www"));
        int port = freePort();
        Path log = folder.resolve("requests.log");
        Path settings = Files.writeString(
                folder.resolve("nginx.conf"), """
                worker_processes 1;
                %s
                pid %2$s/nginx.pid;
                events { worker_connections 512; }
                http {
                    log_format brief '$request_method $uri $status $bytes_sent "$http_range"';
                    access_log %2$s/requests.log brief;
                    client_body_temp_path %2$s/body;
                    proxy_temp_path %2$s/proxy;
                    fastcgi_temp_path %2$s/fastcgi;
                    uwsgi_temp_path %2$s/uwsgi;
                    scgi_temp_path %2$s/scgi;
                    server {
                        listen 127.0.0.1:%3$d;
                        root %4$s;
                        autoindex on;
                        location /json/ { alias %4$s/; autoindex on; autoindex_format json; }
                        location /bare/ { alias %4$s/; autoindex off; }
                        location /whole/ { alias %4$s/; max_ranges 0; }
                        location /moved/ { return 302 /$request_uri; }
                    }
                }
                """.formatted(isRoot() ? "user root;" : "", folder, port, www));
        Process process = new ProcessBuilder(List.of(
                        program.toString(), "-p", folder.toString(), "-c", settings.toString(), "-g", "daemon off;"))
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("nginx.out").toFile())
                .start();
        Nginx nginx = new Nginx(process, port, log);
        for (int i = 0; i < 200; i++) {
            try (Socket _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
                return nginx;
            } catch (IOException e) {
                if (!process.isAlive()) {
                    throw new IOException("nginx ends at once: " + Files.readString(folder.resolve("nginx.out")), e);
                }
                Thread.sleep(25);
            }
        }
        nginx.close();
        throw new IOException("nginx takes no connections");
    }

    private static boolean isRoot() {
        return "root".equals(System.getProperty("user.name"));
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    int port() {
        return port;
    }

    /** A line for each request so far: method, path, status, bytes of the answer, range. */
    List<String> requests() throws IOException {
        return Files.readAllLines(log);
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(5, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
