// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** A way to a port of this machine that is slow, or is cut in the middle of what goes over it. */
final class Link implements AutoCloseable {
    private final ServerSocket listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final int target;
    private final long bytesPerSecond;
    private volatile boolean isStalled;
    private final AtomicLong left = new AtomicLong(Long.MAX_VALUE);
    /** When what was carried last would be over, by the speed of the link. */
    private final AtomicLong busyUntil = new AtomicLong(System.nanoTime());

    /** @param bytesPerSecond both ways together, {@link Long#MAX_VALUE} for no limit */
    Link(int target, long bytesPerSecond) throws IOException {
        this.target = target;
        this.bytesPerSecond = bytesPerSecond;
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return listening.getLocalPort();
    }

    /** Cuts the connection that carries the byte after so many more, and lets nobody through any more. */
    void cutAfter(long bytes) {
        left.set(bytes);
    }

    /** Carries nothing any more, in either direction, and does not say so. */
    void stall() {
        isStalled = true;
    }

    private void accept() {
        while (true) {
            try {
                Socket client = listening.accept();
                if (left.get() < 0) {
                    client.close();
                    continue;
                }
                Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
                Thread.ofVirtual().start(() -> carry(client, server, client));
                Thread.ofVirtual().start(() -> carry(server, client, client));
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private void carry(Socket from, Socket to, Socket client) {
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            byte[] piece = new byte[16 << 10];
            for (int count = in.read(piece); count >= 0; count = in.read(piece)) {
                if (left.addAndGet(-count) < 0) {
                    client.setSoLinger(true, 0);
                    client.close(); // first, or else the other side's farewell would still get through
                    return;
                }
                pause(count);
                while (isStalled && !listening.isClosed()) {
                    LockSupport.parkNanos(10_000_000);
                }
                out.write(piece, 0, count);
            }
        } catch (IOException e) {
            // One side is gone, so the other goes.
        }
    }

    private void pause(int bytes) {
        if (bytesPerSecond < Long.MAX_VALUE) {
            long nanos = bytes * 1_000_000_000L / bytesPerSecond;
            long until = busyUntil.updateAndGet(busy -> Math.max(busy, System.nanoTime()) + nanos);
            for (long rest = until - System.nanoTime(); rest > 0; rest = until - System.nanoTime()) {
                LockSupport.parkNanos(rest);
            }
        }
    }

    @Override
    public void close() throws IOException {
        listening.close();
    }
}
