// SPDX-License-Identifier: ISC
package dev.armoire.connectors.server;

import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Watches over transfers and interrupts those whose peer is too slow: an interrupt closes the channel that a thread waits for. Owns a
 * thread.
 */
final class SlowPeers implements AutoCloseable {
    private final Duration window;
    private final long bytesInWindow;
    private final Set<Transfer> transfers = ConcurrentHashMap.newKeySet();
    private final Thread watcher;

    /** A peer must take or bring so many bytes in each window. */
    SlowPeers(Duration window, long bytesInWindow) {
        this.window = window;
        this.bytesInWindow = bytesInWindow;
        watcher = Thread.ofVirtual().name("slow-peers").start(this::watch);
    }

    /** Begins to watch the calling thread. */
    Transfer watchMe() {
        Transfer transfer = new Transfer(Thread.currentThread());
        transfers.add(transfer);
        return transfer;
    }

    private void watch() {
        try {
            while (true) {
                Thread.sleep(Math.max(10, window.toMillis() / 10));
                long now = System.nanoTime();
                transfers.forEach(transfer -> transfer.judge(now));
            }
        } catch (InterruptedException e) {
            // closed
        }
    }

    @Override
    public void close() {
        watcher.interrupt();
    }

    /** One transfer, by the thread that asked for it. */
    final class Transfer implements AutoCloseable {
        private final Thread thread;
        private long begun = System.nanoTime();
        private long bytes;
        private boolean isWaiting;
        private boolean isGivenUp;

        private Transfer(Thread thread) {
            this.thread = thread;
        }

        /** The peer is to move next; what this server does itself is not counted. */
        synchronized void peersTurn() throws IOException {
            if (isGivenUp) {
                throw new IOException("the peer was too slow");
            }
            isWaiting = true;
            begun = System.nanoTime() - carried;
        }

        private long carried;

        /** The peer has moved. */
        synchronized void moved(long count) {
            isWaiting = false;
            bytes += count;
            carried = System.nanoTime() - begun;
            if (bytes >= bytesInWindow) {
                bytes = 0;
                carried = 0;
            }
        }

        private synchronized void judge(long now) {
            if (isWaiting && !isGivenUp && now - begun > window.toNanos()) {
                isGivenUp = true;
                thread.interrupt();
            }
        }

        @Override
        public void close() {
            transfers.remove(this);
            synchronized (this) {
                isWaiting = false;
                if (isGivenUp) {
                    Thread.interrupted(); // meant for this transfer only
                }
            }
        }
    }
}
