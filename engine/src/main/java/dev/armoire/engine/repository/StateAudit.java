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
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Looks for what is wrong with the states of a store beyond what merging them shows: that one known from the cache is damaged
 * in the store, lies under another name than its own, or is gone.
 */
public final class StateAudit {
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

    /** A state that is gone leaves a hole in the chain of parents, and packfiles that no state names. */
    private void lookForMissing() throws IOException {
        Set<Mac> listed = new HashSet<>(repository.storage().list(ObjectKind.STATE));
        List<String> snapshots = unlistedSnapshots();
        boolean isTold = false;
        for (Map.Entry<Mac, Mac> state : repository.stateParents().entrySet()) {
            Mac parent = state.getValue();
            if (parent.equals(Mac.ZERO) || listed.contains(parent)) {
                continue;
            }
            listed.add(parent);
            isTold = true;
            findings.add(new Finding(
                    "state " + parent.hex(),
                    "it is missing: state " + state.getKey().hex() + " was written after it"
                            + (snapshots.isEmpty()
                                    ? "; if it removed snapshots, they are there again"
                                    : "; " + String.join(", ", snapshots)
                                            + " may have been listed there: `armoire repair` lists again what is in"
                                            + " packfiles that no state names"),
                    !snapshots.isEmpty()));
        }
        // One killed backup leaves one snapshot, and the next one lists it.
        if (repository.states().isEmpty() && snapshots.size() > 1) {
            findings.add(new Finding(
                    "states",
                    "none is left that can be read, and with them went the list of " + snapshots.size()
                            + " snapshots: `armoire repair` lists again what is in packfiles",
                    true));
        } else if (!isTold && !snapshots.isEmpty()) {
            findings.add(new Finding(
                    String.join(", ", snapshots),
                    "in a packfile that no state names: a backup that goes on now or was killed in its last moment,"
                            + " or a state that is gone; `armoire repair` lists it again",
                    false));
        }
    }

    private List<String> unlistedSnapshots() throws IOException {
        List<String> snapshots = new ArrayList<>();
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
                        if (records.type(record) == ResourceType.SNAPSHOT) {
                            snapshots.add("snapshot " + records.mac(record).shortHex());
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
