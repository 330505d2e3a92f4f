// SPDX-License-Identifier: ISC
package dev.armoire.engine.restore;

import dev.armoire.connectors.spi.Exporter;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.StageTimes;
import dev.armoire.engine.repository.StageTimes.Stage;
import dev.armoire.engine.snapshot.BlobSource;
import dev.armoire.engine.snapshot.ObjectReader;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A file whose parts are restored by all workers that have nothing else to do. Thread-safe. */
final class LargeFile {
    /** Smaller ones are done before anybody else has begun. */
    static final long LEAST_BYTES = 64 << 20;

    private static final long PART_BYTES = 16 << 20;

    private final List<ObjectRecord.Chunk> chunks;
    private final Exporter.FileOutput out;
    private final StageTimes stages;
    private final LongAdder written;
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    // Guarded by this.
    private int nextChunk;
    private long nextByte;
    private int running;

    /** @param written counts what goes to the target */
    LargeFile(ObjectRecord object, Exporter.FileOutput out, StageTimes stages, LongAdder written) {
        this.chunks = object.chunks();
        this.out = out;
        this.stages = stages;
        this.written = written;
    }

    /** Chunks {@code from} to {@code to - 1}, which begin at a byte of the file. */
    private record Stretch(int from, int to, long offset) {}

    private synchronized @Nullable Stretch take() {
        if (failure.get() != null || nextChunk == chunks.size()) {
            return null;
        }
        int from = nextChunk;
        long offset = nextByte;
        while (nextChunk < chunks.size() && nextByte - offset < PART_BYTES) {
            nextByte += chunks.get(nextChunk).length();
            nextChunk++;
        }
        running++;
        return new Stretch(from, nextChunk, offset);
    }

    private synchronized void give() {
        running--;
        notifyAll();
    }

    /**
     * Restores one part.
     *
     * @return false when none is left
     */
    boolean help(BlobSource source) {
        Stretch stretch = take();
        if (stretch == null) {
            return false;
        }
        try (Exporter.Part part = out.part(stretch.offset)) {
            if (part == null) {
                throw new IllegalStateException("a target that takes no parts");
            }
            for (ObjectRecord.Chunk chunk : chunks.subList(stretch.from, stretch.to)) {
                var data = ObjectReader.chunk(source, chunk);
                long begun = stages.begin();
                part.write(data);
                written.add(data.byteSize());
                var _ = stages.end(Stage.WRITE, begun);
            }
        } catch (IOException | RuntimeException | Error e) {
            failure.compareAndSet(null, e);
        } finally {
            give();
        }
        return true;
    }

    /**
     * Waits for the parts that others have begun, once none is left.
     *
     * @param isAborted asked now and then
     * @throws IOException what the first part that failed did, or another exception of it
     */
    void await(BooleanSupplier isAborted) throws IOException {
        boolean wasInterrupted = false;
        synchronized (this) {
            while (running > 0) { // they use the file: nothing may close it before
                try {
                    wait(100);
                } catch (InterruptedException e) {
                    wasInterrupted = true;
                }
            }
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
        switch (failure.get()) {
            case null -> {
                if (isAborted.getAsBoolean()) {
                    throw new PipelineAbortedException();
                }
            }
            case IOException e -> throw e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable e -> throw new IllegalStateException(e);
        }
    }
}
