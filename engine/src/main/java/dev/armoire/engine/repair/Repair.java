// SPDX-License-Identifier: ISC
package dev.armoire.engine.repair;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.parity.Heal;
import dev.armoire.engine.parity.ParityEvents;
import dev.armoire.engine.repository.PackfileIndexReader;
import dev.armoire.engine.repository.PackfileRecords;
import dev.armoire.engine.repository.PendingState;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.RepositoryLock;
import dev.armoire.index.PackfileTable;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Lists packfiles in a new state that no readable state names, each by its own index, and then takes away states that cannot
 * be read, because Plakar opens no store that has one. With all states lost this gives back every snapshot, also those
 * that were removed: that they were, only the states knew.
 *
 * <p>Nothing else is changed: what a readable state says stays as it is, and no packfile is touched. A repair that is stopped has
 * done a part, and the next one does the rest.
 */
public final class Repair {
    /** So many packfiles are named by one state at most: 2000 of them have some ten million blobs, a gigabyte. */
    private static final int PACKFILES_PER_STATE = 2_000;

    private final Repository repository;
    private final RepairEvents events;
    private final Map<Mac, String> damagedStates = new LinkedHashMap<>();
    private long repaired;
    private long lost;
    /** What parity covers, once somebody had to know. */
    private @Nullable Set<Mac> covered;

    private Repair(Repository repository, RepairEvents events) {
        this.repository = repository;
        this.events = events;
    }

    /**
     * What was found.
     *
     * @param repaired packfiles listed again and states taken away, or in a dry run those that would be
     * @param lost problems that stay
     */
    public record Result(long repaired, long lost) {}

    /**
     * Looks for what can be repaired and, if told to, does so under the exclusive lock.
     *
     * @param repository opened and not refreshed; closed by the caller
     * @param applies false for a dry run
     * @param patience how long to wait for others who have a lock; null to leave locks alone
     */
    public static Result run(Repository repository, boolean applies, @Nullable Duration patience, RepairEvents events)
            throws IOException {
        Repair repair = new Repair(repository, events);
        RepositoryLock lock =
                applies && patience != null ? RepositoryLock.exclusive(repository, patience, events::waiting) : null;
        try {
            repair.run(applies, lock);
        } finally {
            if (lock != null) {
                lock.close();
            }
        }
        return new Result(repair.repaired, repair.lost);
    }

    private void run(boolean applies, @Nullable RepositoryLock lock) throws IOException {
        repository.refresh((state, problem) -> damagedStates.put(state, String.valueOf(problem.getMessage())));
        // Asks for all locations, so that states behind a cache are read as well.
        repository.index().forEach((type, mac, packfile, offset, length) -> {});
        listPackfiles(applies, lock);
        for (Map.Entry<Mac, String> damaged : damagedStates.entrySet()) {
            events.damagedState(damaged.getKey(), damaged.getValue());
            repaired++;
            if (applies) {
                stopIfAsked(lock);
                repository.storage().delete(ObjectKind.STATE, damaged.getKey());
            }
        }
        if (applies) {
            repository.acceptLostStates();
        }
    }

    private void listPackfiles(boolean applies, @Nullable RepositoryLock lock) throws IOException {
        PackfileTable table = repository.index().packfiles();
        int known = table.size();
        try (PackfileIndexReader indexes = new PackfileIndexReader(repository);
                PendingState state =
                        repository.newPendingState(repository.random().nextMac())) {
            int pending = 0;
            for (int ordinal = 0; ordinal < known; ordinal++) {
                stopIfAsked(lock);
                Mac name = table.name(ordinal);
                if (table.isMissing(ordinal)) {
                    lose("packfile " + name.hex() + " is missing: "
                            + (isCovered(name)
                                    ? "there is parity of it, `armoire check -heal` makes it again if enough of it is left"
                                    : "copy it back from another copy of the store"));
                } else if (table.isListed(ordinal) && !table.isKnown(ordinal) && !table.isDeleted(ordinal)) {
                    PackfileRecords records = read(indexes, name);
                    if (records == null) {
                        continue;
                    }
                    events.unlisted(name, records.count());
                    repaired++;
                    if (applies) {
                        repository.storage().settle(ObjectKind.PACKFILE, List.of(name));
                        state.addPackfile(name, records.segment());
                        pending++;
                    }
                    if (pending == PACKFILES_PER_STATE) {
                        state.commit();
                        pending = 0;
                    }
                }
            }
            stopIfAsked(lock);
            if (lock != null) {
                lock.verifyStillThere();
            }
            state.commit();
        }
    }

    private boolean isCovered(Mac packfile) throws IOException {
        Set<Mac> known = covered;
        if (known == null) {
            known = Heal.covered(repository, new ParityEvents() {
                @Override
                public void notice(String text) {
                    // `check` tells what is wrong with parity.
                }
            });
            covered = known;
        }
        return known.contains(packfile);
    }

    private @Nullable PackfileRecords read(PackfileIndexReader indexes, Mac name) throws IOException {
        try {
            return indexes.read(name, repository.storage().size(ObjectKind.PACKFILE, name));
        } catch (CorruptDataException e) {
            lose("packfile " + name.hex() + " is in no state and does not tell what is in it: " + e.getMessage());
            return null;
        }
    }

    private void lose(String what) {
        events.lost(what);
        lost++;
    }

    private static void stopIfAsked(@Nullable RepositoryLock lock) {
        if (Thread.currentThread().isInterrupted()) {
            throw new PipelineAbortedException();
        }
        if (lock != null) {
            lock.verifyHeld();
        }
    }
}
