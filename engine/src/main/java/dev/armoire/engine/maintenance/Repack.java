// SPDX-License-Identifier: ISC
package dev.armoire.engine.maintenance;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.PackWriter;
import dev.armoire.engine.repository.PackWriter.Lane;
import dev.armoire.engine.repository.PackfileIndexReader;
import dev.armoire.engine.repository.PackfileRecords;
import dev.armoire.engine.repository.PendingState;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.index.BlobIndex;
import dev.armoire.index.BlobLocation;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.IntToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Copies what snapshots need out of packfiles that hold little else than what nobody needs, and writes each snapshot that is
 * touched by it anew, under a new identifier: a Plakar machine remembers by identifier which packfiles a snapshot needs, and
 * would take the new ones for garbage (format 1 §12.1, H1). Each packfile is read from front to back, so that what lay together
 * stays together, and blobs are copied as they are stored, once their MACs were found right. For one thread.
 */
final class Repack implements AutoCloseable {
    /** A new packfile costs up to as much for its padding. Without this the old headers of touched snapshots would go round. */
    private static final long MIN_UNNEEDED_BYTES = 16 << 10;

    private final Repository repository;
    private final Needs needs;
    private final BitSet victims;
    private final @Nullable Copies copies;
    private final BlobCodec codec;
    private final BooleanSupplier stopped;
    private long copiedBytes;

    /** Where the copies go, and the state that will name them. */
    private record Copies(PendingState state, PackWriter packs) {}

    /**
     * Copies nothing yet.
     *
     * @param needs what snapshots need
     * @param victims ordinals of the packfiles to be emptied
     * @param writes false to find out only what would be copied
     * @param stopped asked now and then whether to give up
     */
    Repack(Repository repository, Needs needs, BitSet victims, boolean writes, BooleanSupplier stopped) {
        this.repository = repository;
        this.needs = needs;
        this.victims = victims;
        this.stopped = stopped;
        this.codec = repository.newCodec();
        if (writes && !victims.isEmpty()) {
            PendingState state = repository.newPendingState(repository.random().nextMac());
            this.copies = new Copies(state, repository.newPackWriter(state));
        } else {
            this.copies = null;
        }
    }

    /** Size of the copies so far, as their originals were stored. */
    long copiedBytes() {
        return copiedBytes;
    }

    /** Copies all that is needed; what turns out to be needed later is copied then. */
    void copyAll() throws IOException {
        try (PackfileIndexReader indexes = new PackfileIndexReader(repository)) {
            for (int victim = victims.nextSetBit(0); victim >= 0; victim = victims.nextSetBit(victim + 1)) {
                copy(victim, indexes);
            }
        }
        needs.onFound(this::copyIfInVictim);
    }

    private void copy(int victim, PackfileIndexReader indexes) throws IOException {
        Mac name = repository.index().packfiles().name(victim);
        PackfileRecords records;
        try {
            records = indexes.read(name, repository.storage().size(ObjectKind.PACKFILE, name));
        } catch (CorruptDataException e) {
            throw new CorruptDataException(
                    "packfile " + name.hex() + " is damaged, and nothing is removed: " + e.getMessage()
                            + "; `armoire check -heal` heals it where there is parity, and maintenance without -repack goes"
                            + " on",
                    e);
        }
        for (long record = 0; record < records.count(); record++) {
            if (stopped.getAsBoolean()) {
                throw new PipelineAbortedException();
            }
            int type = records.type(record);
            Mac mac = records.mac(record);
            if (type != ResourceType.RANDOM && needs.contains(type, mac)) {
                BlobLocation place = repository.index().findStored(type, mac);
                if (place != null) {
                    copyIfIn(victim, type, mac, place);
                }
            }
        }
    }

    private void copyIfInVictim(int type, Mac mac, BlobLocation place) {
        if (victims.get(place.packfile())) {
            copyIfIn(place.packfile(), type, mac, place);
        }
    }

    /**
     * Copies a blob if readers take it from this packfile. Even if another one has it, too: that one may go as well, as nobody
     * has needed it so far. A snapshot's own header is written anew instead.
     */
    private void copyIfIn(int packfile, int type, Mac mac, BlobLocation place) {
        if (place.packfile() != packfile || type == ResourceType.SNAPSHOT) {
            return;
        }
        copiedBytes += place.length();
        if (copies != null) {
            needs.reader().read(type, mac); // verified
            copies.packs.put(
                    needs.lane(type, mac),
                    type,
                    mac,
                    codec,
                    codec.prepareEncoded(needs.reader().encoded()));
        }
    }

    /** Makes the copies durable and known. */
    void commit() throws IOException {
        if (copies != null) {
            copies.packs.flush();
            copies.state.commit();
        }
    }

    /** Those that are still there and need something that lay in a victim. */
    Set<Mac> touchedSnapshots() {
        return needs.snapshotsIn(victims);
    }

    /** Writes the headers of all touched snapshots under new identifiers, which are returned by the old ones. */
    Map<Mac, Mac> renameTouched(PackWriter target) {
        Map<Mac, Mac> renamed = new HashMap<>();
        for (Mac id : touchedSnapshots()) {
            Mac fresh = repository.random().nextMac();
            byte[] header = needs.reader().read(ResourceType.SNAPSHOT, id).toArray(ValueLayout.JAVA_BYTE);
            long length = codec.prepare(withIdentifier(header, fresh));
            target.put(Lane.METADATA, ResourceType.SNAPSHOT, fresh, codec, length);
            renamed.put(id, fresh);
        }
        return renamed;
    }

    /** The header as it is, whoever wrote it, with another identifier in the same place. */
    private static MemorySegment withIdentifier(byte[] header, Mac identifier) {
        MemorySegment copy = MemorySegment.ofArray(header);
        MsgpackReader in = new MsgpackReader(copy, "snapshot");
        for (int pairs = in.mapHeader(); pairs > 0; pairs--) {
            String key = in.string();
            if (key.equals("identifier")) {
                in.skip();
                identifier.write(copy, in.position() - Mac.BYTES);
                break;
            }
            in.skip();
        }
        if (!SnapshotHeader.decode(new MsgpackReader(copy, "snapshot"))
                .identifier()
                .equals(identifier)) {
            throw new CorruptDataException("its header has no identifier of " + Mac.BYTES + " bytes");
        }
        return copy;
    }

    @Override
    public void close() {
        codec.close();
        if (copies != null) {
            copies.packs.close();
            copies.state.close();
        }
    }

    /**
     * Which packfiles are worth it: needed, and at least so much of what is in them is not.
     *
     * @param live bytes of blobs that are needed, by ordinal
     * @param unneededPercent 1 to 100
     */
    static BitSet victims(BlobIndex index, IntToLongFunction live, int unneededPercent) {
        long[] stored = new long[index.packfiles().size()];
        index.forEach((type, mac, packfile, offset, length) -> {
            if (type != ResourceType.RANDOM) {
                stored[packfile] += length;
            }
        });
        BitSet victims = new BitSet();
        for (int packfile = 0; packfile < stored.length; packfile++) {
            long needed = live.applyAsLong(packfile);
            long unneeded = stored[packfile] - needed;
            if (needed > 0
                    && index.packfiles().isExpected(packfile)
                    && unneeded >= Math.max(MIN_UNNEEDED_BYTES, stored[packfile] / 100.0 * unneededPercent)) {
                victims.set(packfile);
            }
        }
        return victims;
    }
}
