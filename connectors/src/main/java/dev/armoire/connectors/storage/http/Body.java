// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.http;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.Serial;
import java.lang.foreign.MemorySegment;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of an answer, taken by the thread that asked: segments that only it may write to can be filled. Holds one read of
 * the socket at a time, whatever the peer says is to come, and gives up on one that sends too slowly.
 */
final class Body implements HttpResponse.BodySubscriber<Body>, AutoCloseable {
    /** The answer ends before its end, or does not get on. */
    static final class BrokenOff extends IOException {
        @Serial
        private static final long serialVersionUID = 1;

        BrokenOff(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    private static final Object END = new Object();

    private final Limits limits;

    /** Lists of buffers, a failure, or the end. At most one list, as one is asked for at a time. */
    private final BlockingQueue<Object> signals = new LinkedBlockingQueue<>();

    private Flow.@Nullable Subscription subscription;
    private boolean isCancelled;

    private Iterator<ByteBuffer> list = List.<ByteBuffer>of().iterator();
    private ByteBuffer buffer = ByteBuffer.allocate(0);
    private boolean isAtEnd;
    private long windowBegan = System.nanoTime();
    private long windowBytes;

    Body(Limits limits) {
        this.limits = limits;
    }

    @Override
    public CompletionStage<Body> getBody() {
        return CompletableFuture.completedStage(this);
    }

    @Override
    public synchronized void onSubscribe(Flow.Subscription given) {
        subscription = given;
        if (isCancelled) {
            given.cancel();
        } else {
            given.request(1);
        }
    }

    @Override
    public void onNext(List<ByteBuffer> item) {
        signals.add(item);
    }

    @Override
    public void onError(Throwable failure) {
        signals.add(failure);
    }

    @Override
    public void onComplete() {
        signals.add(END);
    }

    /** Fills {@code into} as far as the answer goes, and returns how many bytes came. */
    long read(MemorySegment into) throws IOException {
        long done = 0;
        while (done < into.byteSize() && hasNext()) {
            int count = (int) Math.min(buffer.remaining(), into.byteSize() - done);
            MemorySegment.copy(
                    MemorySegment.ofBuffer(buffer.duplicate().limit(buffer.position() + count)), 0, into, done, count);
            buffer.position(buffer.position() + count);
            done += count;
        }
        return done;
    }

    /** All of it, or as many bytes as {@code limit} says. */
    byte[] readAtMost(int limit) throws IOException {
        java.io.ByteArrayOutputStream all = new java.io.ByteArrayOutputStream();
        while (all.size() < limit && hasNext()) {
            byte[] piece = new byte[Math.min(buffer.remaining(), limit - all.size())];
            buffer.get(piece);
            all.writeBytes(piece);
        }
        return all.toByteArray();
    }

    /** Reads and forgets so many bytes, or the rest; returns how many there were. */
    long skip(long count) throws IOException {
        long skipped = 0;
        while (skipped < count && hasNext()) {
            int step = (int) Math.min(buffer.remaining(), count - skipped);
            buffer.position(buffer.position() + step);
            skipped += step;
        }
        return skipped;
    }

    /** Whether there is another byte; waits for it. */
    @SuppressWarnings("unchecked")
    boolean hasNext() throws IOException {
        while (!buffer.hasRemaining()) {
            if (list.hasNext()) {
                buffer = list.next();
                windowBytes += buffer.remaining();
            } else if (isAtEnd) {
                return false;
            } else {
                switch (nextSignal()) {
                    case List<?> buffers -> {
                        list = ((List<ByteBuffer>) buffers).iterator();
                        request();
                    }
                    case Throwable failure -> throw new BrokenOff(String.valueOf(failure.getMessage()), failure);
                    default -> isAtEnd = true;
                }
            }
        }
        return true;
    }

    private Object nextSignal() throws IOException {
        Object signal;
        try {
            signal = signals.poll(limits.silence().toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
        if (signal == null) {
            throw new BrokenOff("nothing came for " + limits.silence().toSeconds() + " s", null);
        }
        long now = System.nanoTime();
        if (now - windowBegan > limits.slowWindow().toNanos()) {
            if (windowBytes < limits.slowBytes() && signal != END) {
                throw new BrokenOff(
                        "only " + windowBytes + " bytes came in "
                                + limits.slowWindow().toSeconds() + " s",
                        null);
            }
            windowBegan = now;
            windowBytes = 0;
        }
        return signal;
    }

    private synchronized void request() {
        if (subscription != null) {
            subscription.request(1);
        }
    }

    /** Lets go of what was not read; the connection then ends. */
    @Override
    public void close() {
        if (isAtEnd) {
            return;
        }
        synchronized (this) {
            isCancelled = true;
            if (subscription != null) {
                subscription.cancel();
            }
        }
    }
}
