// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Hands connections on to a port of this machine, and drops one when told to. */
final class FaultyLink implements AutoCloseable {
    private final ServerSocket listening;
    private final int target;
    private final AtomicLong requestBytes = new AtomicLong(Long.MAX_VALUE);
    private final AtomicLong responseBytes = new AtomicLong(Long.MAX_VALUE);
    private final AtomicInteger drops = new AtomicInteger();
    private final AtomicInteger connections = new AtomicInteger();

    private FaultyLink(ServerSocket listening, int target) {
        this.listening = listening;
        this.target = target;
    }

    static FaultyLink to(int port) throws IOException {
        FaultyLink link = new FaultyLink(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()), port);
        Thread.ofVirtual().start(link::accept);
        return link;
    }

    int port() {
        return listening.getLocalPort();
    }

    /** Drops the connection that carries the byte after these many more bytes from clients, once. */
    void dropAfterRequestBytes(long bytes) {
        requestBytes.set(bytes);
    }

    /** Drops the connection that carries the byte after these many more bytes from the server, once. */
    void dropAfterResponseBytes(long bytes) {
        responseBytes.set(bytes);
    }

    int drops() {
        return drops.get();
    }

    /** How many connections there were in all. */
    int connections() {
        return connections.get();
    }

    private void accept() {
        while (true) {
            try {
                Socket client = listening.accept();
                connections.incrementAndGet();
                Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
                Thread.ofVirtual().start(() -> carry(client, server, client, requestBytes));
                Thread.ofVirtual().start(() -> carry(server, client, client, responseBytes));
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private void carry(Socket from, Socket to, Socket client, AtomicLong left) {
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            byte[] piece = new byte[8192];
            for (int count = in.read(piece); count >= 0; count = in.read(piece)) {
                if (left.get() != Long.MAX_VALUE && left.addAndGet(-count) < 0) {
                    left.set(Long.MAX_VALUE);
                    drops.incrementAndGet();
                    client.setSoLinger(true, 0);
                    client.close(); // first, or else the other side's farewell would still get through
                    return;
                }
                out.write(piece, 0, count);
            }
        } catch (IOException e) {
            // One side is gone, so the other goes.
        }
    }

    @Override
    public void close() throws IOException {
        listening.close();
    }
}
