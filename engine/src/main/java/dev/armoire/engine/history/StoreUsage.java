// SPDX-License-Identifier: ISC
package dev.armoire.engine.history;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.history.BlobGraph.Below;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.index.BlobLocation;
import dev.armoire.index.MacTable;
import dev.armoire.packfile.ResourceType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * Bytes in packfiles that snapshots take, alone or together. Contents are not read, only the records and trees that name them,
 * and what several snapshots share is read once or twice. Memory is off-heap, 43 to 86 bytes a blob. For one thread.
 *
 * <p>Of each blob it is known which snapshot needs it, or that several do, and how often the snapshot at hand refers to it.
 * Going from one snapshot to the next adds a reference to the new one's root and takes one from the old one's: only what
 * differs between the two is walked through.
 */
public final class StoreUsage implements AutoCloseable {
    private static final int OWNER = 0;
    private static final int REFERENCES = 1;
    private static final int LENGTH = 2;
    private static final int IS_UNREADABLE = 3;
    private static final int NUMBERS = 4;
    /** In place of an owner: there are several. */
    private static final int SHARED = -1;

    /**
     * What one snapshot takes.
     *
     * @param storedBytes all that it needs, each blob once
     * @param uniqueBytes what no other snapshot needs
     * @param newBytes what the snapshots before it in the order of the walk did not need
     * @param newContentBytes the part of {@code newBytes} that is chunks of files
     * @param newPlainBytes the same chunks before compression
     */
    public record Usage(
            SnapshotHeader header,
            long storedBytes,
            long uniqueBytes,
            long newBytes,
            long newContentBytes,
            long newPlainBytes) {
        public long sharedBytes() {
            return storedBytes - uniqueBytes;
        }
    }

    private final Repository repository;
    private final BlobReader reader;
    private final BlobGraph graph;
    private final MacTable table = new MacTable(NUMBERS);
    private final BiConsumer<SnapshotHeader, CorruptDataException> damage;

    // Of the snapshot at hand; owners are numbered from 1 on.
    private SnapshotHeader header;
    private int owner;
    private long stored;
    private long newBytes;
    private long newContent;
    private long newPlain;

    private StoreUsage(
            Repository repository, SnapshotHeader first, BiConsumer<SnapshotHeader, CorruptDataException> damage) {
        this.repository = repository;
        this.header = first;
        this.damage = damage;
        this.reader = repository.newReader();
        this.graph = new BlobGraph(repository, reader);
    }

    /**
     * What each snapshot takes, oldest first. Without {@code tellsStored} it is remembered in the cache folder, for as long as the
     * store has the same states, and the blobs that all snapshots need, for as long as none is gone: then trees are not read again,
     * or those of new snapshots only, and damage in the others is not met.
     *
     * @param damage told of each blob that cannot be followed, once; what only it refers to is not counted
     * @param tellsStored whether to find out {@link Usage#storedBytes}, which takes twice the time; else it is 0, as is what
     *     follows from it
     */
    public static List<Usage> of(
            Repository repository,
            List<SnapshotHeader> headers,
            boolean tellsStored,
            BiConsumer<SnapshotHeader, CorruptDataException> damage) {
        if (headers.isEmpty()) {
            return List.of();
        }
        UsageCache cache = new UsageCache(repository, "growth-1");
        List<Usage> known = tellsStored ? null : cache.read(headers);
        Comparator<SnapshotHeader> byTime =
                Comparator.comparing(SnapshotHeader::timestamp).thenComparing(SnapshotHeader::identifier);
        if (known != null) {
            known.sort(Comparator.comparing(Usage::header, byTime));
            return known;
        }
        List<SnapshotHeader> order = new ArrayList<>(headers);
        // Snapshots of one source are alike, so it pays to have them stand together.
        order.sort(
                tellsStored
                        ? Comparator.comparing((SnapshotHeader header) ->
                                        header.source().origin())
                                .thenComparing((a, b) -> Arrays.compareUnsigned(
                                        a.source().directory(), b.source().directory()))
                                .thenComparing(byTime)
                        : byTime);
        boolean[] isDamaged = {false};
        BiConsumer<SnapshotHeader, CorruptDataException> watched = (header, problem) -> {
            isDamaged[0] = true;
            damage.accept(header, problem);
        };
        try (StoreUsage usage = new StoreUsage(repository, order.getFirst(), watched)) {
            UsageProgress progress = new UsageProgress(repository);
            List<Usage> found =
                    usage.walk(order, tellsStored ? List.of() : progress.resume(order, usage.table), tellsStored);
            found.sort(Comparator.comparing(Usage::header, byTime));
            if (!isDamaged[0] && !tellsStored) {
                cache.write(found);
                if (found.size() == repository.snapshots().size()) {
                    progress.write(found, usage.table);
                }
            }
            return found;
        }
    }

    /** @param done what is known of the first of the snapshots, whose blobs are in the table */
    private List<Usage> walk(List<SnapshotHeader> order, List<Usage> done, boolean tellsStored) {
        List<Usage> parts = new ArrayList<>(done);
        owner = done.size();
        for (SnapshotHeader next : order.subList(done.size(), order.size())) {
            SnapshotHeader previous = header;
            header = next;
            owner++;
            newBytes = 0;
            newContent = 0;
            newPlain = 0;
            graph.forEachRoot(next, this::enter);
            if (tellsStored && owner > 1) {
                graph.forEachRoot(previous, this::leave);
            }
            parts.add(new Usage(next, tellsStored ? stored : 0, 0, newBytes, newContent, newPlain));
        }
        long[] unique = new long[order.size() + 1];
        table.forEach((type, slot) -> {
            int only = table.get(slot, OWNER);
            if (only > 0) {
                unique[only] += Integer.toUnsignedLong(table.get(slot, LENGTH));
            }
        });
        List<Usage> whole = new ArrayList<>();
        for (int i = 0; i < parts.size(); i++) {
            Usage part = parts.get(i);
            whole.add(new Usage(
                    part.header,
                    part.storedBytes,
                    unique[i + 1],
                    part.newBytes,
                    part.newContentBytes,
                    part.newPlainBytes));
        }
        return whole;
    }

    /** One more reference from the snapshot at hand. */
    private void enter(int type, Mac mac, long plainBytes, Below below) {
        long slot = table.slot(type, mac);
        int references = table.get(slot, REFERENCES);
        table.set(slot, REFERENCES, references + 1);
        boolean isNewlyShared = false;
        if (table.get(slot, OWNER) == 0) {
            table.set(slot, OWNER, owner);
            long length = length(type, mac, slot);
            newBytes += length;
            if (plainBytes > 0) {
                newContent += length;
                newPlain += plainBytes;
            }
        } else {
            isNewlyShared = becomesShared(slot);
        }
        if (references == 0) {
            stored += Integer.toUnsignedLong(table.get(slot, LENGTH));
            descend(type, mac, slot, below, this::enter);
        } else if (isNewlyShared) {
            descend(type, mac, slot, below, this::share);
        }
    }

    private long length(int type, Mac mac, long slot) {
        BlobLocation place = repository.index().find(type, mac);
        if (place == null) {
            table.set(slot, IS_UNREADABLE, 1);
            damage.accept(
                    header,
                    new CorruptDataException(
                            ResourceType.name(type) + ' ' + mac.shortHex() + " is in no packfile of this store"));
            return 0;
        }
        table.set(slot, LENGTH, (int) place.length());
        return place.length();
    }

    private boolean becomesShared(long slot) {
        int known = table.get(slot, OWNER);
        if (known == SHARED || known == owner) {
            return false;
        }
        table.set(slot, OWNER, SHARED);
        return true;
    }

    /** What a shared blob refers to is shared. */
    private void share(int type, Mac mac, long plainBytes, Below below) {
        long slot = table.slot(type, mac);
        if (becomesShared(slot)) {
            descend(type, mac, slot, below, this::share);
        }
    }

    /** One reference less from the snapshot before. */
    private void leave(int type, Mac mac, long plainBytes, Below below) {
        long slot = table.slot(type, mac);
        int references = table.get(slot, REFERENCES) - 1;
        table.set(slot, REFERENCES, references);
        if (references == 0) {
            stored -= Integer.toUnsignedLong(table.get(slot, LENGTH));
            descend(type, mac, slot, below, this::leave);
        }
    }

    private void descend(int type, Mac mac, long slot, Below below, BlobGraph.Visitor visitor) {
        if (below.equals(Below.NOTHING) || table.get(slot, IS_UNREADABLE) != 0) {
            return;
        }
        if (Thread.currentThread().isInterrupted()) {
            throw new PipelineAbortedException();
        }
        try {
            below.forEach(mac, visitor);
        } catch (CorruptDataException e) {
            table.set(table.slot(type, mac), IS_UNREADABLE, 1);
            damage.accept(header, e);
        }
    }

    @Override
    public void close() {
        reader.close();
        table.close();
    }
}
