// SPDX-License-Identifier: ISC
package dev.armoire.benchmarks.compare;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A way to a web server of this machine on which every answer comes so much later, as from far away. Counts what goes over it.
 * HTTP/1.1 without pipelining is what it understands: bytes from the client after bytes from the server begin something new.
 */
final class LatencyLink implements AutoCloseable {
    /** Those that cost as much as storing does; the others cost as much as reading. */
    private static final List<String> DEAR = List.of("PUT ", "POST ");

    private final ServerSocket listening = new ServerSocket(0, 256, InetAddress.getLoopbackAddress());
    private final int target;
    private final long latencyMillis;
    private final AtomicLong dear = new AtomicLong();
    private final AtomicLong cheap = new AtomicLong();
    private final AtomicLong sent = new AtomicLong();
    private final AtomicLong received = new AtomicLong();

    /**
     * What went over the link.
     *
     * @param dear requests that store or list
     * @param cheap other requests, those that delete apart, which cost nothing
     * @param sent bytes to the server
     * @param received bytes from the server
     */
    record Traffic(long dear, long cheap, long sent, long received) {
        Traffic minus(Traffic earlier) {
            return new Traffic(
                    dear - earlier.dear, cheap - earlier.cheap, sent - earlier.sent, received - earlier.received);
        }
    }

    LatencyLink(int target, long latencyMillis) throws IOException {
        this.target = target;
        this.latencyMillis = latencyMillis;
        Thread.ofPlatform().daemon().start(this::accept);
    }

    int port() {
        return listening.getLocalPort();
    }

    Traffic traffic() {
        return new Traffic(dear.get(), cheap.get(), sent.get(), received.get());
    }

    private void accept() {
        while (true) {
            try {
                Socket client = listening.accept();
                Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
                client.setTcpNoDelay(true);
                server.setTcpNoDelay(true);
                var turn = new Turn();
                Thread.ofPlatform().daemon().start(() -> carry(client, server, sent, turn, true));
                Thread.ofPlatform().daemon().start(() -> carry(server, client, received, turn, false));
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    /** Whose turn it is on one connection. */
    private static final class Turn {
        volatile boolean isServers = true;
    }

    private void carry(Socket from, Socket to, AtomicLong bytes, Turn turn, boolean isRequest) {
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            var piece = new byte[64 << 10];
            for (int count = in.read(piece); count >= 0; count = in.read(piece)) {
                bytes.addAndGet(count);
                if (isRequest && turn.isServers) {
                    turn.isServers = false;
                    count(new String(piece, 0, Math.min(count, 256), StandardCharsets.ISO_8859_1));
                    Thread.sleep(latencyMillis);
                } else if (!isRequest) {
                    turn.isServers = true;
                }
                out.write(piece, 0, count);
            }
        } catch (IOException e) {
            // One side is gone, so the other goes.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void count(String head) {
        String line = head.lines().findFirst().orElse("");
        boolean lists = line.startsWith("GET ") && (line.contains("list-type=") || line.contains("?prefix="));
        if (lists || DEAR.stream().anyMatch(line::startsWith)) {
            dear.incrementAndGet();
        } else if (line.startsWith("GET ") || line.startsWith("HEAD ")) {
            cheap.incrementAndGet();
        }
    }

    @Override
    public void close() throws IOException {
        listening.close();
    }
}
