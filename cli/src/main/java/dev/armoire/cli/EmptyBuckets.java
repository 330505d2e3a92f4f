// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * A service of buckets in which nothing is and nothing stays, for {@link AotTraining}: so the classes that stores far away take
 * are loaded. One connection at a time.
 */
final class EmptyBuckets implements AutoCloseable {
    private static final String LIST = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    private static final String MISSING = "<Error><Code>NoSuchKey</Code><Message>nothing is here</Message></Error>";

    private final ServerSocket listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());

    EmptyBuckets() throws IOException {
        Thread.ofPlatform().daemon().name("empty-buckets").start(this::serve);
    }

    int port() {
        return listening.getLocalPort();
    }

    private void serve() {
        while (!listening.isClosed()) {
            try (Socket client = listening.accept()) {
                answer(client);
            } catch (IOException e) {
                // The client has gone, or this was closed.
            }
        }
    }

    private static void answer(Socket client) throws IOException {
        InputStream in = new BufferedInputStream(client.getInputStream());
        String first = line(in);
        long length = 0;
        for (String header = line(in); !header.isEmpty(); header = line(in)) {
            if (header.regionMatches(true, 0, "Content-Length:", 0, 15)) {
                length = Long.parseLong(header.substring(15).strip());
            }
        }
        in.skipNBytes(length);
        boolean isList = first.startsWith("GET ") && first.contains("list-type");
        boolean isFound = isList || first.startsWith("PUT ") || first.startsWith("DELETE ");
        String body = isList ? LIST : isFound || first.startsWith("HEAD ") ? "" : MISSING;
        OutputStream out = client.getOutputStream();
        out.write(("HTTP/1.1 " + (isFound ? "200 OK" : "404 Not Found") + "\r\nETag: \"none\"\r\nContent-Length: "
                        + body.length() + "\r\nConnection: close\r\n\r\n" + body)
                .getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = in.read(); next >= 0 && next != '\n'; next = in.read()) {
            if (next != '\r') {
                line.append((char) next);
            }
        }
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        listening.close();
    }
}
