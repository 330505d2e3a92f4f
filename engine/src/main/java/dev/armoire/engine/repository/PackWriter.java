// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.FastRandom;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Envelope;
import dev.armoire.packfile.PackfileTail;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Packs blobs into packfiles and packfiles into the store, and tells the pending state about each one that is durable.
 * Blobs are encrypted straight into their place in the packfile's buffer; nothing is assembled a second time. Thread-safe.
 *
 * <p>Two packfiles are open at a time: one for file data, one for everything else, so that listing and checking a tree
 * touches few packfiles. The values of attributes go with the metadata, because Plakar's maintenance keeps a packfile only
 * for what it can see in it (format 2b §11).
 */
public final class PackWriter implements AutoCloseable {
    private static final long TARGET_BYTES = 32 << 20;
    private static final int MAX_RECORDS = 60_000;
    /** What Plakar may read behind a blob of up to 16 MiB (format 1 §9.4) is at most 4 KiB; the rest hides sizes. */
    private static final int MIN_PADDING = 8 << 10;

    private static final int WRITER_THREADS = 2;

    private final Repository repository;
    private final PendingState state;
    private final SlabPool slabs;
    private final int maxSlabsPerPack;
    private final long targetBytes;
    private final ExecutorService writers;
    /** What all is written into, or null when each packfile is an object of its own. */
    private final @Nullable ArchivePackfile archive;

    private final List<Future<?>> writes = new ArrayList<>();
    private final AtomicLong storedBytes = new AtomicLong();
    private final AtomicLong packfiles = new AtomicLong();
    private @Nullable Pack data;
    private @Nullable Pack metadata;
    private volatile @Nullable Throwable failure;

    PackWriter(Repository repository, PendingState state, @Nullable ArchivePackfile archive) {
        this.repository = repository;
        this.state = state;
        this.archive = archive;
        this.maxSlabsPerPack = repository.memory().slabsOfPackfile();
        this.slabs = new SlabPool(repository.memory().slabs(), maxSlabsPerPack);
        // Into an archive one after the other: what was sealed last is last there, too.
        this.writers = Executors.newFixedThreadPool(
                archive == null ? WRITER_THREADS : 1,
                Thread.ofPlatform().name("pack-", 0).daemon().factory());
        long max = repository.config().packfile().maxSize();
        this.targetBytes = Long.compareUnsigned(max, TARGET_BYTES) < 0 && max > 0 ? max : TARGET_BYTES;
    }

    /** Which of the open packfiles a blob goes to. */
    public enum Lane {
        DATA,
        METADATA
    }

    /**
     * Places a blob that {@code codec} has prepared.
     *
     * @param length what {@link BlobCodec#prepare} returned
     */
    public void put(Lane lane, int type, Mac mac, BlobCodec codec, long length) {
        StageTimes stages = repository.stages();
        long begun = stages.begin();
        Place place = null;
        while (place == null) {
            synchronized (this) {
                rethrow();
                Pack pack = openPack(lane, length);
                place = pack == null ? null : pack.reserve(type, mac, length);
            }
            if (place == null) {
                Piece fresh = newPiece(length); // may wait, so not while holding the lock that frees slabs
                begun = stages.end(StageTimes.Stage.WAIT, begun);
                synchronized (this) {
                    Pack pack = openPack(lane, length);
                    if (pack == null) {
                        pack = new Pack(lane);
                        install(lane, pack);
                    }
                    if (pack.hasRoom(length)) {
                        fresh.release();
                    } else {
                        pack.add(fresh);
                    }
                }
            }
        }
        try {
            codec.writeTo(place.segment);
        } catch (RuntimeException | Error e) {
            fail(e);
            throw e;
        } finally {
            synchronized (this) {
                Pack pack = place.pack;
                pack.unfilled--;
                if (pack.sealed && pack.unfilled == 0) {
                    submit(pack);
                }
            }
        }
        var _ = stages.end(StageTimes.Stage.ENCODE, begun);
    }

    /** Who waits when the store fails must tell why: perhaps all do, and there is nobody else to say it. */
    private Piece newPiece(long length) {
        try {
            return new Piece(length);
        } catch (PipelineAbortedException e) {
            rethrow();
            throw e;
        }
    }

    /** The open packfile of a lane if it takes the blob; a full one is sealed. Callers hold the lock. */
    private @Nullable Pack openPack(Lane lane, long length) {
        Pack pack = lane == Lane.DATA ? data : metadata;
        if (pack != null && !pack.accepts(length)) {
            seal(pack);
            install(lane, null);
            return null;
        }
        return pack;
    }

    private void install(Lane lane, @Nullable Pack pack) {
        if (lane == Lane.DATA) {
            data = pack;
        } else {
            metadata = pack;
        }
    }

    /** Bytes of packfiles that are durable. */
    public long storedBytes() {
        return storedBytes.get();
    }

    /** Number of packfiles that are durable. */
    public long packfiles() {
        return packfiles.get();
    }

    /**
     * Writes what is still open and waits until every packfile is durable and in the pending state. One with the header of a
     * snapshot comes last: if this process is killed before, and {@code repair} lists what it has left, that snapshot is whole.
     */
    public void flush() {
        boolean hasHeader;
        synchronized (this) {
            rethrow();
            hasHeader = metadata != null && metadata.hasHeader;
            if (data != null) {
                seal(data);
                data = null;
            }
        }
        if (hasHeader) {
            await();
        }
        synchronized (this) {
            if (metadata != null) {
                seal(metadata);
                metadata = null;
            }
        }
        await();
    }

    private void await() {
        List<Future<?>> outstanding;
        synchronized (this) {
            outstanding = List.copyOf(writes);
        }
        for (Future<?> write : outstanding) {
            try {
                write.get();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new PipelineAbortedException();
            } catch (ExecutionException e) {
                fail(Objects.requireNonNullElse(e.getCause(), e));
            }
        }
        rethrow();
        synchronized (this) {
            writes.clear();
        }
    }

    /** Makes every further and every waiting call fail. */
    public void fail(Throwable cause) {
        if (failure == null) {
            failure = cause;
        }
        slabs.abort();
    }

    private void rethrow() {
        Throwable cause = failure;
        switch (cause) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(cause);
        }
    }

    private void seal(Pack pack) {
        pack.sealed = true;
        if (pack.unfilled == 0) {
            submit(pack);
        }
    }

    private void submit(Pack pack) {
        writes.removeIf(write -> write.state() == Future.State.SUCCESS);
        writes.add(writers.submit(() -> {
            try {
                if (failure == null) {
                    long begun = repository.stages().begin();
                    store(pack);
                    var _ = repository.stages().end(StageTimes.Stage.STORE, begun);
                }
            } catch (Throwable e) {
                fail(e);
            } finally {
                pack.release();
            }
        }));
    }

    /** Ends the packfile of an archive, after a {@link #flush}; the state to be committed then names it. */
    public void finishArchive() throws IOException {
        ArchivePackfile target = archive;
        if (target == null) {
            throw new IllegalStateException("no archive is written");
        }
        storedBytes.addAndGet(target.finish());
        state.addPackfile(target.name(), target.index());
        packfiles.incrementAndGet();
    }

    private void store(Pack pack) {
        if (archive == null) {
            write(pack);
        } else {
            append(pack, archive);
        }
    }

    /** Runs on the writer thread of an archive. */
    private void append(Pack pack, ArchivePackfile target) {
        List<MemorySegment> blobs = pack.pieces.stream().map(Piece::bytes).toList();
        try {
            MemorySegment records = target.append(blobs, pack.tail.index());
            storedBytes.addAndGet(pack.used);
            repository.addPackfile(target.name(), records);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs on a writer thread: tail, MAC, store, and only then the state. */
    private void write(Pack pack) {
        FastRandom random = repository.random();
        MacHasher hasher = repository.keys().newMacHasher();
        try (Arena arena = Arena.ofConfined();
                BlobCodec codec = repository.newCodec()) {
            // The name is opaque to readers, so it is random: a MAC of the payload would cost one more pass over it.
            Mac name = random.nextMac();
            MemorySegment padding = arena.allocate(MIN_PADDING + random.nextInt(MIN_PADDING));
            random.fill(padding);
            pack.tail.add(ResourceType.RANDOM, random.nextMac(), pack.used, padding.byteSize());
            MemorySegment header = arena.allocate(Envelope.HEADER_BYTES);
            MemorySegment mac = arena.allocate(Mac.BYTES);
            Envelope.writeHeader(header, ResourceType.PACKFILE);
            MemorySegment tail = pack.tail.encode(pack.used + padding.byteSize(), pack.createdNanos, codec, hasher);
            List<MemorySegment> parts = new ArrayList<>();
            parts.add(header);
            pack.pieces.forEach(piece -> parts.add(piece.bytes()));
            parts.add(padding);
            parts.add(tail);
            parts.forEach(hasher::update);
            hasher.finish().write(mac, 0);
            parts.add(mac);
            repository.storage().write(ObjectKind.PACKFILE, name, parts);
            repository.addPackfile(name, pack.tail.index());
            if (pack.lane == Lane.METADATA) {
                repository.keepCopy(name, parts);
            }
            state.addPackfile(name, pack.tail.index());
            for (MemorySegment part : parts) {
                storedBytes.addAndGet(part.byteSize());
            }
            packfiles.incrementAndGet();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Stops the writer threads. Without a {@link #flush} before, what is open is thrown away. */
    @Override
    public void close() {
        if (data != null || metadata != null) {
            slabs.abort();
        }
        if (Thread.currentThread().isInterrupted() && repository.storage().localPath() == null) {
            writers.shutdownNow(); // over a slow line a packfile may take minutes
        } else {
            writers.shutdown();
        }
        boolean interrupted = false;
        while (!writers.isTerminated()) {
            try {
                writers.awaitTermination(1, java.util.concurrent.TimeUnit.HOURS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        for (Pack pack : new Pack[] {data, metadata}) {
            if (pack != null) {
                pack.release();
            }
        }
        slabs.close();
        if (archive != null) {
            archive.close();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** How much memory a blob takes wherever in a block it begins. */
    private static long withPlace(long length) {
        return length + Storage.BLOCK_BYTES - 1;
    }

    /** Where a blob goes. */
    private record Place(Pack pack, MemorySegment segment) {}

    /** A piece of a packfile; its used part is written. Lies in memory as it will in the packfile, modulo a block. */
    private final class Piece {
        private final SlabPool.Slab slab;
        private MemorySegment segment;
        private long used;

        Piece(long firstLength) {
            slab = slabs.take(withPlace(firstLength));
            segment = slab.segment();
        }

        /** To be called before anything is put into it. */
        void place(long offset) {
            segment = slab.segment().asSlice(offset % Storage.BLOCK_BYTES);
        }

        MemorySegment bytes() {
            return segment.asSlice(0, used);
        }

        void release() {
            slabs.give(slab);
        }
    }

    /** A packfile being filled; guarded by the writer. */
    private final class Pack {
        private final Lane lane;
        private final List<Piece> pieces = new ArrayList<>();
        private final PackfileTail tail = new PackfileTail();
        private final long createdNanos = System.currentTimeMillis() * 1_000_000;
        private long used;
        private int slabCount;
        private int unfilled;
        private boolean sealed;
        private boolean hasHeader;

        Pack(Lane lane) {
            this.lane = lane;
        }

        void add(Piece piece) {
            piece.place(Envelope.HEADER_BYTES + used);
            pieces.add(piece);
            slabCount += piece.slab.slabs();
        }

        /** Whether the packfile may take a blob, if need be into a further slab. */
        boolean accepts(long length) {
            if (tail.records() == 0) {
                return true;
            }
            return used + length <= targetBytes
                    && tail.records() < MAX_RECORDS
                    && (hasRoom(length) || slabCount + slabs.slabsOf(withPlace(length)) <= maxSlabsPerPack);
        }

        boolean hasRoom(long length) {
            if (pieces.isEmpty()) {
                return false;
            }
            Piece last = pieces.getLast();
            return last.used + length <= last.segment.byteSize();
        }

        /** A place in the last slab, or null when that has no room. */
        @Nullable
        Place reserve(int type, Mac mac, long length) {
            if (!hasRoom(length)) {
                return null;
            }
            Piece piece = pieces.getLast();
            tail.add(type, mac, used, length);
            hasHeader |= type == ResourceType.SNAPSHOT;
            MemorySegment segment = piece.segment.asSlice(piece.used, length);
            piece.used += length;
            used += length;
            unfilled++;
            return new Place(this, segment);
        }

        void release() {
            tail.close();
            pieces.forEach(Piece::release);
        }
    }
}
