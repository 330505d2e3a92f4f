// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * A service of buckets that keeps what is put into it in memory, for {@link AotTraining}: so the classes that stores far away take
 * are loaded. Knows as much of S3 as a store takes, and lets everybody in. One request for each connection.
 */
final class TrainingBuckets implements AutoCloseable {
    private static final String LIST = "<ListBucketResult><IsTruncated>false</IsTruncated>%s</ListBucketResult>";
    private static final String LISTED =
            "<Contents><Key>%s</Key><Size>%d</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>";
    private static final String MISSING = "<Error><Code>NoSuchKey</Code><Message>nothing is here</Message></Error>";
    private static final byte[] NOTHING = {};

    private final ServerSocket listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    /** By bucket and key, as they stand in the request. */
    private final Map<String, byte[]> objects = new ConcurrentSkipListMap<>();

    TrainingBuckets() throws IOException {
        Thread.ofPlatform().daemon().name("training-buckets").start(this::serve);
    }

    int port() {
        return listening.getLocalPort();
    }

    private void serve() {
        while (!listening.isClosed()) {
            try {
                Socket client = listening.accept();
                Thread.ofPlatform().daemon().name("training-bucket").start(() -> answer(client));
            } catch (IOException e) {
                // This was closed.
            }
        }
    }

    private void answer(Socket client) {
        try (client) {
            InputStream in = new BufferedInputStream(client.getInputStream());
            String[] request = line(in).split(" ", 3);
            int length = 0;
            String range = "";
            boolean isConditional = false;
            for (String header = line(in); !header.isEmpty(); header = line(in)) {
                if (header.regionMatches(true, 0, "Content-Length:", 0, 15)) {
                    length = Integer.parseInt(header.substring(15).strip());
                }
                if (header.regionMatches(true, 0, "Range: bytes=", 0, 13)) {
                    range = header.substring(13).strip();
                }
                isConditional |= header.regionMatches(true, 0, "If-None-Match:", 0, 14);
            }
            answer(client.getOutputStream(), request[0], request[1], range, isConditional, in.readNBytes(length));
        } catch (IOException e) {
            // The client has gone.
        }
    }

    private void answer(
            OutputStream out, String method, String target, String range, boolean isConditional, byte[] content)
            throws IOException {
        byte[] there = objects.get(target);
        switch (method) {
            case "PUT" -> {
                if (isConditional && there != null) {
                    send(out, "412 Precondition Failed", "", 0, NOTHING);
                } else {
                    objects.put(target, content);
                    send(out, "200 OK", "", 0, NOTHING);
                }
            }
            case "DELETE" -> {
                objects.remove(target);
                send(out, "204 No Content", "", 0, NOTHING);
            }
            case "HEAD" -> {
                boolean isFound = there != null || target.indexOf('/', 1) < 0; // the bucket itself
                send(out, isFound ? "200 OK" : "404 Not Found", "", there == null ? 0 : there.length, NOTHING);
            }
            default -> {
                if (target.contains("list-type")) {
                    byte[] list = list(target).getBytes(StandardCharsets.US_ASCII);
                    send(out, "200 OK", "", list.length, list);
                } else if (there == null) {
                    byte[] missing = MISSING.getBytes(StandardCharsets.US_ASCII);
                    send(out, "404 Not Found", "", missing.length, missing);
                } else {
                    sendObject(out, there, range);
                }
            }
        }
    }

    private static void sendObject(OutputStream out, byte[] object, String range) throws IOException {
        if (range.isEmpty()) {
            send(out, "200 OK", "", object.length, object);
            return;
        }
        String[] ends = range.split("-", 2);
        int from = Math.min(Integer.parseInt(ends[0]), object.length);
        int to = (int) Math.min(Long.parseLong(ends[1]) + 1, object.length);
        byte[] part = Arrays.copyOfRange(object, from, Math.max(from, to));
        String header = "Content-Range: bytes " + from + '-' + (to - 1) + '/' + object.length + "\r\n";
        send(out, "206 Partial Content", header, part.length, part);
    }

    private String list(String target) {
        String bucket = target.substring(0, target.indexOf('?'));
        String prefix = "";
        for (String parameter : target.substring(target.indexOf('?') + 1).split("&", -1)) {
            if (parameter.startsWith("prefix=")) {
                prefix = URLDecoder.decode(parameter.substring(7), StandardCharsets.UTF_8);
            }
        }
        StringBuilder found = new StringBuilder();
        for (Map.Entry<String, byte[]> object : objects.entrySet()) {
            String key = object.getKey()
                    .substring(Math.min(bucket.length() + 1, object.getKey().length()));
            if (object.getKey().startsWith(bucket + '/') && key.startsWith(prefix)) {
                found.append(String.format(java.util.Locale.ROOT, LISTED, key, object.getValue().length));
            }
        }
        return String.format(java.util.Locale.ROOT, LIST, found);
    }

    private static void send(OutputStream out, String status, String header, int length, byte[] body)
            throws IOException {
        out.write(("HTTP/1.1 " + status + "\r\nETag: \"none\"\r\n" + header + "Content-Length: " + length
                        + "\r\nConnection: close\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
        out.write(body);
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
