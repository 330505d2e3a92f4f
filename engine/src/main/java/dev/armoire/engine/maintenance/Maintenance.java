// SPDX-License-Identifier: ISC
package dev.armoire.engine.maintenance;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.parity.Parity;
import dev.armoire.engine.repository.PackWriter;
import dev.armoire.engine.repository.PackfileIndexReader;
import dev.armoire.engine.repository.PendingState;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.RepositoryLock;
import dev.armoire.index.PackfileTable;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Takes packfiles away that no snapshot needs, in two runs with a grace period between them: the first one colours a packfile,
 * which hides it, a later one removes it (format 1 §12).
 *
 * <p>What snapshots need is worked out without a lock, while backups go on. Then the exclusive lock is taken, what has come
 * meanwhile is added, and one state with all decisions is written. Files are deleted after that: a run that is stopped before
 * leaves files that its state has taken back for ever, and the next run deletes those.
 *
 * <p>If asked to, it also empties packfiles of which little is needed: see {@link Repack}.
 */
public final class Maintenance {
    private final Repository repository;
    private final MaintenanceOptions options;
    private final MaintenanceEvents events;
    private final PackfileTable packfiles;
    private final Branches branches;

    private final List<Mac> toColour = new ArrayList<>();
    private final List<Mac> toReprieve = new ArrayList<>();
    private final List<Mac> toRemove = new ArrayList<>();
    /** Taken back by an earlier state; only the files are left. */
    private final List<Mac> leftOver = new ArrayList<>();
    /** Coloured and taken back for ever: a run was stopped between its states. */
    private final List<Mac> toForget = new ArrayList<>();

    private long orphaned;
    private long waiting;

    private Maintenance(Repository repository, MaintenanceOptions options, MaintenanceEvents events) {
        this.repository = repository;
        this.options = options;
        this.events = events;
        this.packfiles = repository.index().packfiles();
        this.branches = new Branches(repository);
    }

    /**
     * Does one run. Interrupting the calling thread stops it with a {@link PipelineAbortedException}; the store is whole then.
     *
     * @param repository opened for this run only; closed by the caller
     * @throws CorruptDataException when a snapshot or state is damaged: then nothing is removed
     * @throws dev.armoire.engine.repository.RepositoryLockedException when somebody else has a lock for too long
     */
    public static MaintenanceResult run(Repository repository, MaintenanceOptions options, MaintenanceEvents events)
            throws IOException {
        return new Maintenance(repository, options, events).run();
    }

    private MaintenanceResult run() throws IOException {
        try (Needs needs = new Needs(repository, options.repackPercent() > 0, Maintenance::isStopped)) {
            repository.refresh();
            needs.addAll();
            BitSet victims = victims(needs);
            try (Repack repack = new Repack(repository, needs, victims, !options.dryRun(), Maintenance::isStopped)) {
                repack.copyAll();
                if (options.dryRun()) {
                    decide(needs.packfiles(), victims);
                    discardUnfinished();
                    return result(null, repack, victims);
                }
                branches.prepare();
                return apply(needs, victims, repack);
            }
        }
    }

    /** What is done under the exclusive lock, and the files after it. Copies become visible before anything counts on them. */
    private MaintenanceResult apply(Needs needs, BitSet victims, Repack repack) throws IOException {
        RepositoryLock lock =
                options.lockless() ? null : RepositoryLock.exclusive(repository, options.patience(), events::waiting);
        MaintenanceResult result;
        try {
            repository.refresh();
            if (!victims.isEmpty()) {
                refuseSigned();
            }
            needs.addAll();
            repack.commit();
            decide(needs.packfiles(), victims);
            result = result(lock, repack, victims);
            commit(lock, repack);
            discardUnfinished();
        } finally {
            if (lock != null) {
                lock.close();
            }
        }
        deleteFiles();
        return result;
    }

    /**
     * While the exclusive lock is held nobody writes, but for those who leave locks alone; of their writes none takes as long as
     * the grace period, or an hour where that is shorter.
     */
    private void discardUnfinished() {
        if (options.keepsFiles()) {
            return;
        }
        Duration skew = RepositoryLock.CLOCK_SKEW;
        Duration age = options.grace().compareTo(skew) < 0 ? skew : options.grace();
        try {
            int found = repository.storage().discardUnfinished(options.now().minus(age), options.dryRun());
            if (found > 0) {
                events.unfinished(found);
            }
        } catch (IOException e) {
            events.notice("what interrupted writers have left was not looked for: " + e.getMessage());
        }
    }

    private static boolean isStopped() {
        return Thread.currentThread().isInterrupted();
    }

    private BitSet victims(Needs needs) throws IOException {
        if (options.repackPercent() == 0) {
            return new BitSet();
        }
        refuseSigned();
        return Repack.victims(repository.index(), needs::liveBytes, options.repackPercent());
    }

    /** A signature is for a snapshot with its identifier: it cannot be given to one with another. */
    private void refuseSigned() throws IOException {
        for (Mac id : repository.snapshots()) {
            if (repository.index().findStored(ResourceType.SIGNATURE, id) != null) {
                throw new IOException(
                        "snapshot " + id.shortHex() + " is signed and cannot be given a new identifier, which"
                                + " repacking needs: run maintenance without it");
            }
        }
    }

    private void decide(BitSet needed, BitSet victims) throws IOException {
        needed.andNot(victims);
        Map<Mac, Long> colouredSince = repository.colouredPackfiles();
        try (PackfileIndexReader indexes = new PackfileIndexReader(repository)) {
            for (int ordinal = 0; ordinal < packfiles.size(); ordinal++) {
                Mac name = packfiles.name(ordinal);
                if (repository.isOwn(ordinal)) {
                    if (packfiles.isColoured(ordinal)) {
                        toReprieve.add(name); // by another maintenance, while copying took its time
                    }
                } else if (packfiles.isDeleted(ordinal)) {
                    if (packfiles.isListed(ordinal)) {
                        leftOver.add(name);
                    }
                    if (packfiles.isColoured(ordinal)) {
                        toForget.add(name);
                    }
                } else if (packfiles.isColoured(ordinal)) {
                    decideOnColoured(name, needed.get(ordinal), colouredSince.getOrDefault(name, Long.MAX_VALUE));
                } else if (packfiles.isKnown(ordinal)) {
                    if (!needed.get(ordinal)) {
                        toColour.add(name);
                    }
                } else if (packfiles.isListed(ordinal) && isOldOrphan(name, indexes)) {
                    toColour.add(name);
                    orphaned++;
                }
            }
        }
    }

    /** A coloured packfile that is needed is made visible at once: until then a snapshot misses what is in it. */
    private void decideOnColoured(Mac name, boolean isNeeded, long sinceNanos) {
        if (isNeeded) {
            toReprieve.add(name);
            return;
        }
        Instant since = Instant.ofEpochSecond(sinceNanos / 1_000_000_000, sinceNanos % 1_000_000_000);
        if (since.isAfter(options.now().plus(RepositoryLock.CLOCK_SKEW))) {
            events.notice("packfile " + name.shortHex() + " was coloured at " + since
                    + ", which is not yet by the clock of this machine: it stays until one of the clocks is put right");
            waiting++;
        } else if (since.isAfter(options.now().minus(options.grace()))) {
            waiting++;
        } else {
            toRemove.add(name);
        }
    }

    /** What no state names may belong to a backup that still runs, on a machine whose clock is not ours. */
    private boolean isOldOrphan(Mac name, PackfileIndexReader indexes) throws IOException {
        try {
            long createdNanos = indexes.read(name, repository.storage().size(ObjectKind.PACKFILE, name))
                    .createdNanos();
            Instant created = Instant.ofEpochSecond(createdNanos / 1_000_000_000, createdNanos % 1_000_000_000);
            return created.isBefore(options.now().minus(options.grace()));
        } catch (NoSuchFileException e) {
            return false;
        } catch (CorruptDataException e) {
            events.notice("packfile " + name.hex() + " is in no state and cannot be read (" + e.getMessage()
                    + "): it is left alone");
            return false;
        }
    }

    private MaintenanceResult result(@Nullable RepositoryLock lock, Repack repack, BitSet victims) throws IOException {
        if (lock != null) {
            lock.verifyHeld();
        }
        BitSet removed = new BitSet();
        toRemove.forEach(name -> removed.set(packfiles.ordinal(name)));
        long[] blobs = {0};
        if (!removed.isEmpty()) {
            repository.index().forEach((type, mac, packfile, offset, length) -> {
                if (removed.get(packfile) && type != ResourceType.RANDOM) {
                    blobs[0]++;
                }
            });
        }
        List<Mac> files = new ArrayList<>(toRemove);
        files.addAll(leftOver);
        return new MaintenanceResult(
                toColour.size(),
                bytes(toColour),
                orphaned,
                toReprieve.size(),
                files.size(),
                blobs[0],
                bytes(files),
                waiting,
                victims.cardinality(),
                repack.copiedBytes(),
                repack.touchedSnapshots().size());
    }

    private long bytes(List<Mac> names) throws IOException {
        long bytes = 0;
        for (Mac name : names) {
            try {
                bytes += repository.storage().size(ObjectKind.PACKFILE, name);
            } catch (NoSuchFileException e) {
                // A state speaks of it, and it is gone already.
            }
        }
        return bytes;
    }

    private void commit(@Nullable RepositoryLock lock, Repack repack) throws IOException {
        if (Thread.currentThread().isInterrupted()) {
            throw new PipelineAbortedException();
        }
        Mac newest = repository.latestState();
        if (lock != null) {
            lock.verifyStillThere();
        }
        List<Mac> gone = new ArrayList<>(toRemove);
        gone.addAll(leftOver);
        branches.end(newest, gone, toReprieve);
        try (PendingState state = repository.newPendingState(repository.random().nextMac(), newest)) {
            toReprieve.forEach(state::uncolourPackfile);
            toForget.forEach(state::uncolourPackfile);
            for (Mac name : toRemove) {
                state.deletePackfile(name);
                state.uncolourPackfile(name);
            }
            toColour.forEach(state::colourPackfile);
            Map<Mac, Mac> renamed = Map.of();
            if (!repack.touchedSnapshots().isEmpty()) {
                try (PackWriter headers = repository.newPackWriter(state)) {
                    renamed = repack.renameTouched(headers);
                    headers.flush();
                }
                renamed.keySet().forEach(state::removeSnapshot);
            }
            if (lock != null) {
                lock.verifyStillThere();
            }
            state.commit();
            renamed.forEach(events::rewritten);
        }
    }

    /** Packfiles that others may have to be made again from stay till then. */
    private Set<Mac> releaseParity() throws IOException {
        List<Mac> going = new ArrayList<>(toRemove);
        going.addAll(leftOver);
        return Parity.release(repository, going, events::notice);
    }

    private void deleteFiles() throws IOException {
        if (options.keepsFiles()) {
            return;
        }
        Set<Mac> stay = releaseParity();
        for (List<Mac> names : List.of(leftOver, toRemove)) {
            for (Mac name : names) {
                if (stay.contains(name)) {
                    continue; // the next run finds it left over
                }
                if (Thread.currentThread().isInterrupted()) {
                    throw new PipelineAbortedException();
                }
                repository.storage().delete(ObjectKind.PACKFILE, name);
            }
        }
    }
}
