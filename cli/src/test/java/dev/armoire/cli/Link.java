// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A way to a port of this machine that is slow, is cut in the middle of what goes over it, or spoils it. */
final class Link implements AutoCloseable {
    /** What can happen to a connection. */
    enum Fault {
        /** Every piece waits. */
        LATENCY,
        SLOW_BYTES,
        /** One side hears of the end, after some byte. */
        RESET,
        /** A bit of some byte is another one. */
        SPOILT,
        /** Nothing is carried any more from some byte on, but nothing is closed for a while. */
        STALLED,
        /** As by a server that has too many. */
        REFUSED
    }

    private static final int LATENCY_MILLIS = 2;
    private static final int STALL_MILLIS = 300;
    /** Within what is carried by a connection that does something. */
    private static final int FAULT_WITHIN_BYTES = 400 << 10;

    private final ServerSocket listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final int target;
    private final long bytesPerSecond;
    private volatile boolean isStalled;
    private final AtomicLong left = new AtomicLong(Long.MAX_VALUE);
    /** When what was carried last would be over, by the speed of the link. */
    private final AtomicLong busyUntil = new AtomicLong(System.nanoTime());

    private final Map<Fault, Integer> faults = new EnumMap<>(Fault.class);
    private volatile Runnable kill = () -> {};
    private Random random = new Random(0);
    private double share;

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

    /** Kills the client instead when it has carried so many bytes. */
    void killAfter(long bytes, Runnable kill) {
        this.kill = kill;
        left.set(bytes);
    }

    /** Something happens to a share of the connections from now on. */
    synchronized void spoil(long seed, double share) {
        this.random = new Random(seed);
        this.share = share;
    }

    /** How often what has happened. */
    synchronized Map<Fault, Integer> faults() {
        return new EnumMap<>(faults);
    }

    private synchronized @Nullable Fault draw() {
        if (random.nextDouble() >= share) {
            return null;
        }
        return Fault.values()[random.nextInt(Fault.values().length)];
    }

    private synchronized void count(Fault fault) {
        faults.merge(fault, 1, Integer::sum);
    }

    /** What happens to a connection, and at which byte of it, both ways together. */
    private record Fate(@Nullable Fault fault, AtomicLong bytesBefore) {}

    private synchronized Fate fate() {
        Fault fault = draw();
        if (fault == Fault.LATENCY || fault == Fault.SLOW_BYTES || fault == Fault.REFUSED) {
            count(fault);
        }
        return new Fate(fault, new AtomicLong(random.nextInt(FAULT_WITHIN_BYTES)));
    }

    /** Carries nothing any more, in either direction, and does not say so. */
    void stall() {
        isStalled = true;
    }

    private void accept() {
        while (true) {
            try {
                Socket client = listening.accept();
                Fate fate = fate();
                if (left.get() < 0 || fate.fault == Fault.REFUSED) {
                    client.close();
                    continue;
                }
                Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
                Thread.ofVirtual().start(() -> carry(client, server, client, fate));
                Thread.ofVirtual().start(() -> carry(server, client, client, fate));
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private void carry(Socket from, Socket to, Socket client, Fate fate) {
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            byte[] piece = new byte[16 << 10];
            for (int count = in.read(piece); count >= 0; count = in.read(piece)) {
                long rest = left.addAndGet(-count);
                if (rest < 0) {
                    if (rest + count >= 0) {
                        kill.run();
                    }
                    reset(client);
                    return;
                }
                pause(count);
                if (!spoil(piece, count, fate)) {
                    reset(client);
                    return;
                }
                while (isStalled && !listening.isClosed()) {
                    LockSupport.parkNanos(10_000_000);
                }
                out.write(piece, 0, count);
            }
        } catch (IOException e) {
            // One side is gone, so the other goes.
        }
    }

    /** First, or else the other side's farewell would still get through. */
    private static void reset(Socket client) throws IOException {
        client.setSoLinger(true, 0);
        client.close();
    }

    /** Lets what is to happen to a piece happen; false when the connection is to end. */
    private boolean spoil(byte[] piece, int count, Fate fate) {
        Fault fault = fate.fault;
        if (fault == Fault.LATENCY || fault == Fault.SLOW_BYTES) {
            long millis = fault == Fault.LATENCY ? LATENCY_MILLIS : count >> 10;
            LockSupport.parkNanos(millis * 1_000_000);
            return true;
        }
        if (fault == null) {
            return true;
        }
        long before = fate.bytesBefore.getAndAdd(-count);
        if (before < 0 || before >= count) {
            return fault == Fault.SPOILT || before >= 0;
        }
        count(fault);
        switch (fault) {
            case SPOILT -> piece[(int) before] ^= 1;
            case STALLED -> {
                LockSupport.parkNanos(STALL_MILLIS * 1_000_000L);
                return false;
            }
            default -> {
                return false;
            }
        }
        return true;
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
