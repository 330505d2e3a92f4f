// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.Envelope;
import dev.armoire.packfile.PackfileLayout;
import dev.armoire.packfile.ResourceType;
import dev.armoire.packfile.StateStreamWriter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * What this process has added to the store and no state says yet. Only durable packfiles are listed here, and what is listed
 * becomes visible with {@link #commit} (order of writes, format 1 §13). Thread-safe.
 *
 * <p>What has come together is written as a state of its own every few minutes, and whenever it is a lot: it must not fill the
 * memory, and there must not be much to look through for {@link LeftOver} when the process is killed. A packfile with a
 * snapshot in it waits for the commit, with all that comes after it: others that the snapshot needs may not be durable yet.
 */
public final class PendingState implements AutoCloseable {
    private static final Duration CHECKPOINT_EVERY = Duration.ofMinutes(5);
    /** Some 128 packfiles: their states are few beside them. */
    static final long CHECKPOINT_BYTES = 4L << 30;
    /** Some 17 MB as a state has them: what small files come to long before their bytes do. */
    private static final int CHECKPOINT_LOCATIONS = 192 << 10;

    private final Repository repository;
    private Mac name;
    private Mac parent;
    private Instant begun;
    private StateStreamWriter locations;
    /** Whether the caller has committed all it wanted to store. */
    private boolean isComplete;

    private final List<Named> colours = new ArrayList<>();
    private final List<Named> packfiles = new ArrayList<>();
    private int deletions;
    private long bytes;
    private long locationCount;
    private boolean hasSnapshot;

    private record Named(int type, Mac mac, long whenNanos) {}

    PendingState(Repository repository, Mac name, Mac parent) {
        this.repository = repository;
        this.name = name;
        this.parent = parent;
        this.begun = Instant.now();
        this.locations = new StateStreamWriter(parent);
    }

    /**
     * Adds a packfile that is durable, and that the repository knows of if this process is to read from it.
     *
     * @param index its records, see {@link PackfileLayout}
     */
    public synchronized void addPackfile(Mac packfile, MemorySegment index) throws IOException {
        for (long at = 0; at < index.byteSize(); at += PackfileLayout.RECORD_BYTES) {
            locations.location(
                    PackfileLayout.recordType(index, at),
                    PackfileLayout.recordMac(index, at),
                    packfile,
                    PackfileLayout.recordOffset(index, at),
                    PackfileLayout.recordLength(index, at));
            bytes += PackfileLayout.recordLength(index, at);
            locationCount++;
            hasSnapshot |= PackfileLayout.recordType(index, at) == ResourceType.SNAPSHOT;
        }
        packfiles.add(new Named(ResourceType.PACKFILE, packfile, nanos(Instant.now())));
        isComplete = false;
        boolean isDue = bytes >= repository.checkpointBytes()
                || locationCount >= CHECKPOINT_LOCATIONS
                || Duration.between(begun, Instant.now()).compareTo(CHECKPOINT_EVERY) >= 0;
        if (isDue && !hasSnapshot) {
            write();
            repository.relieveMemory();
        }
    }

    /**
     * Adds what writers have left who were stopped, so that it is not sent again. Before anything else is added, with a shared lock
     * taken before the last refresh.
     */
    public void takeOverLeftOver() throws IOException {
        LeftOver.takeOver(repository, this);
    }

    /** Takes back the colour of a packfile. Before anything else is added. */
    public synchronized void uncolourPackfile(Mac packfile) {
        locations.deleteColoured(ResourceType.PACKFILE, packfile);
        deletions++;
    }

    /** Takes back a packfile and all that is said of it, for ever. Before anything else is added. */
    public synchronized void deletePackfile(Mac packfile) {
        locations.deletePackfile(packfile);
        deletions++;
    }

    /** Hides a packfile until it is deleted. */
    public synchronized void colourPackfile(Mac packfile) {
        colour(ResourceType.PACKFILE, packfile);
    }

    /** Marks a snapshot as removed. */
    public synchronized void removeSnapshot(Mac snapshot) {
        colour(ResourceType.SNAPSHOT, snapshot);
    }

    private void colour(int type, Mac mac) {
        colours.add(new Named(type, mac, nanos(Instant.now())));
    }

    /** Makes everything added so far visible, durably; returns bytes written. Nothing added, nothing is written. */
    public synchronized long commit() throws IOException {
        long written = write();
        isComplete = true;
        return written;
    }

    private long write() throws IOException {
        if (packfiles.isEmpty() && colours.isEmpty() && deletions == 0) {
            return 0;
        }
        for (Named colour : colours) {
            locations.coloured(colour.type, colour.mac, colour.whenNanos);
        }
        for (Named packfile : packfiles) {
            locations.packfile(packfile.mac, name, packfile.whenNanos);
        }
        long timestamp = nanos(begun);
        MemorySegment stream = locations.finish(timestamp, repository.config().repositoryIdBytes());
        long written;
        try (Arena arena = Arena.ofConfined();
                BlobCodec codec = repository.newCodec()) {
            MemorySegment payload = arena.allocate(codec.prepare(stream), 8);
            codec.writeTo(payload);
            MemorySegment header = arena.allocate(Envelope.HEADER_BYTES);
            MemorySegment mac = arena.allocate(Mac.BYTES);
            Envelope.writeHeader(header, ResourceType.STATE);
            MacHasher hasher = repository.keys().newMacHasher();
            hasher.update(header);
            hasher.update(payload);
            hasher.finish().write(mac, 0);
            repository.settleStates();
            repository.storage().write(ObjectKind.STATE, name, List.of(header, payload, mac));
            written = header.byteSize() + payload.byteSize() + mac.byteSize();
        }
        repository.committed(
                name,
                parent,
                timestamp,
                packfiles.stream().map(Named::mac).toList(),
                !colours.isEmpty() || deletions > 0);
        for (Named colour : colours) {
            if (colour.type == ResourceType.SNAPSHOT) {
                repository.markRemoved(colour.mac);
            }
        }
        locations.close();
        colours.clear();
        packfiles.clear();
        deletions = 0;
        bytes = 0;
        locationCount = 0;
        hasSnapshot = false;
        parent = name;
        name = repository.random().nextMac();
        begun = Instant.now();
        locations = new StateStreamWriter(parent);
        return written;
    }

    private static long nanos(Instant instant) {
        return instant.getEpochSecond() * 1_000_000_000 + instant.getNano();
    }

    /**
     * Forgets what was not committed: no state will ever name those packfiles, so nothing may count on what is in them, nor
     * on what was only going to be stored.
     */
    @Override
    public synchronized void close() {
        locations.close();
        for (Named packfile : packfiles) {
            repository.index().packfiles().markDeleted(packfile.mac);
        }
        if (!isComplete) {
            repository.index().dropClaims();
        }
    }
}
