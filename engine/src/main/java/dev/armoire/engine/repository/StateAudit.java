// SPDX-License-Identifier: ISC
package dev.armoire.engine.repository;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.index.PackfileTable;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.ResourceType;
import dev.armoire.packfile.StateStream;
import dev.armoire.packfile.Version;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Looks for what is wrong with the states of a store beyond what merging them shows: that one known from the cache is damaged
 * in the store, lies under another name than its own, or is gone.
 */
public final class StateAudit {
    private static final int MOST_NAMES = 20;

    private final Repository repository;
    private final List<Finding> findings = new ArrayList<>();

    /**
     * What was found.
     *
     * @param object {@code state 3f54...}, or what else it is about
     * @param isDamage false for what may be as it should
     */
    public record Finding(String object, String reason, boolean isDamage) {}

    private StateAudit(Repository repository) {
        this.repository = repository;
    }

    /**
     * Reads each merged state once more, as it may have come from the cache; those that could not be merged are told by the
     * refresh.
     */
    public static List<Finding> run(Repository repository) throws IOException {
        StateAudit audit = new StateAudit(repository);
        audit.readAll();
        audit.lookForMissing();
        return audit.findings;
    }

    private void readAll() throws IOException {
        Set<Mac> merged = Set.copyOf(repository.states());
        try (BlobCodec codec = repository.newCodec()) {
            for (Mac state : merged) {
                OwnName said = new OwnName(state);
                try {
                    int version = repository.readState(state, codec, said);
                    Mac other = said.other;
                    // Plakar 1.0 put the entries of several states into one, and they kept their names. An archive has
                    // one, and gives it a name that stands in no file.
                    if (other != null && version == Version.V1_1_0 && merged.size() > 1) {
                        findings.add(new Finding(
                                "state " + state.hex(),
                                merged.contains(other)
                                        ? "it is a second copy of state " + other.hex() + ": remove states/"
                                                + state.hex().substring(0, 2) + '/' + state.hex()
                                                + ", or copy the right one back from another copy of the store"
                                        : "it is state " + other.hex() + " by what is in it: give it that name",
                                true));
                    }
                } catch (NoSuchFileException e) {
                    findings.add(new Finding("state " + state.hex(), "it was there a moment ago, and is gone", true));
                } catch (CorruptDataException e) {
                    findings.add(new Finding("state " + state.hex(), String.valueOf(e.getMessage()), true));
                }
            }
        }
    }

    /**
     * A state that is gone leaves a hole in the chain of parents, packfiles that no state names, and a trace in what this machine
     * has seen.
     */
    private void lookForMissing() throws IOException {
        SeenStates seen = repository.seenStates(); // first: what came to be since the refresh, here too, is listed then
        Set<Mac> merged = Set.copyOf(repository.states());
        Set<Mac> listed = new HashSet<>(repository.storage().list(ObjectKind.STATE));
        Set<Mac> gone = new TreeSet<>();
        boolean isUpToDate = merged.containsAll(listed);
        if (seen != null) {
            gone.addAll(seen.states());
            gone.removeAll(listed);
        }
        List<Mac> unlisted = unlistedSnapshots();
        List<Mac> lost = new ArrayList<>(unlisted);
        lost.removeIf(snapshot -> seen == null || !seen.snapshots().contains(snapshot) || !isUpToDate);
        String snapshots = names(unlisted);
        boolean isTold = false;
        for (Map.Entry<Mac, Mac> state : repository.stateParents().entrySet()) {
            Mac parent = state.getValue();
            if (parent.equals(Mac.ZERO) || listed.contains(parent)) {
                continue;
            }
            listed.add(parent);
            gone.remove(parent);
            isTold = true;
            findings.add(new Finding(
                    "state " + parent.hex(),
                    "it is missing: state " + state.getKey().hex() + " was written after it"
                            + (unlisted.isEmpty()
                                    ? "; if it removed snapshots, they are there again"
                                    : "; " + snapshots
                                            + " may have been listed there: `armoire repair` lists again what is in"
                                            + " packfiles that no state names"),
                    !unlisted.isEmpty()));
        }
        // One killed backup leaves one snapshot, and the next one lists it.
        if (merged.isEmpty() && unlisted.size() > 1) {
            findings.add(new Finding(
                    "states",
                    "none is left that can be read, and with them went the list of " + unlisted.size()
                            + " snapshots: `armoire repair` lists again what is in packfiles",
                    true));
        } else if (!isTold && !lost.isEmpty()) {
            findings.add(new Finding(
                    gone.isEmpty() ? "states" : names(gone, "state ", Mac::hex),
                    (gone.isEmpty() ? "one is" : gone.size() == 1 ? "it is" : "they are") + " missing: " + names(lost)
                            + (lost.size() == 1 ? " was" : " were")
                            + " listed when this machine last looked, and no state names the packfile any more; `armoire"
                            + " repair` lists again what is in such packfiles",
                    true));
        } else if (!isTold && !unlisted.isEmpty()) {
            findings.add(new Finding(
                    snapshots,
                    "in a packfile that no state names: a backup that goes on now or was killed in its last moment,"
                            + " or a state that is gone; `armoire repair` lists it again",
                    false));
        } else if (!gone.isEmpty()) {
            findings.add(new Finding(
                    names(gone, "state ", Mac::hex),
                    "there when this machine last looked, and gone; if it removed snapshots, they are there again"
                            + " (`armoire repair -apply` takes note of it)",
                    false));
        }
    }

    private static String names(Collection<Mac> snapshots) {
        return names(snapshots, "snapshot ", Mac::shortHex);
    }

    private static String names(Collection<Mac> all, String kind, Function<Mac, String> name) {
        String some = all.stream()
                .limit(MOST_NAMES)
                .map(mac -> kind + name.apply(mac))
                .collect(Collectors.joining(", "));
        return all.size() <= MOST_NAMES ? some : some + " and " + (all.size() - MOST_NAMES) + " more";
    }

    private List<Mac> unlistedSnapshots() throws IOException {
        List<Mac> snapshots = new ArrayList<>();
        PackfileTable packfiles = repository.index().packfiles();
        try (PackfileIndexReader indexes = new PackfileIndexReader(repository)) {
            for (int ordinal = 0; ordinal < packfiles.size(); ordinal++) {
                if (!packfiles.isListed(ordinal) || packfiles.isKnown(ordinal) || packfiles.isDeleted(ordinal)) {
                    continue;
                }
                Mac name = packfiles.name(ordinal);
                try {
                    PackfileRecords records =
                            indexes.read(name, repository.storage().size(ObjectKind.PACKFILE, name));
                    for (long record = 0; record < records.count(); record++) {
                        // What a copy of another store has left may have been copied again, and listed then.
                        if (records.type(record) == ResourceType.SNAPSHOT
                                && !repository.isMentioned(records.mac(record))) {
                            snapshots.add(records.mac(record));
                        }
                    }
                } catch (IOException | CorruptDataException e) {
                    // Whoever reads whole packfiles says what is wrong with it.
                }
            }
        }
        return snapshots;
    }

    /** Finds the name that a state has by its own word, where that is another one. */
    private static final class OwnName implements StateStream.Visitor {
        private final Mac expected;
        private @Nullable Mac other;

        OwnName(Mac expected) {
            this.expected = expected;
        }

        @Override
        public void packfile(MemorySegment stream, long packfileMacAt, long stateMacAt, long whenNanos) {
            Mac said = Mac.read(stream, stateMacAt);
            if (!said.equals(expected)) {
                other = said;
            }
        }
    }
}
