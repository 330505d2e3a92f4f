// SPDX-License-Identifier: ISC
package dev.armoire.engine.maintenance;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.repository.PendingState;
import dev.armoire.engine.repository.Repository;
import dev.armoire.index.PackfileTable;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.ResourceType;
import dev.armoire.packfile.StateStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Has what is taken back taken back on every branch of the states. Plakar applies states in the order of their parents and no
 * other (format 1 §10.4): what a state on another branch adds or colours may come after the one state that takes it back, and
 * is there again. When several write at once, branches are what comes of it. So each that adds one of these packfiles is given
 * an end of its own which takes it back; whoever applies parents first then comes to that last.
 *
 * <p>Of removals that were not written so, by an older version or by Plakar, those that branches have undone are written anew.
 * To Armoire itself none of this matters: a removal is final.
 */
final class Branches {
    private final Repository repository;
    private final PackfileTable packfiles;
    /** Of each state that was read, what it says of packfiles that are coloured or removed, in its order. */
    private final Map<Mac, List<Change>> changes = new HashMap<>();
    /** What was neither coloured nor removed when a state was read, its changes lack. */
    private final Set<Mac> watched = new HashSet<>();

    private enum Kind {
        ADDED,
        REMOVED,
        COLOURED,
        UNCOLOURED
    }

    private record Change(Kind kind, Mac packfile) {}

    Branches(Repository repository) {
        this.repository = repository;
        this.packfiles = repository.index().packfiles();
    }

    /**
     * Reads the states beside the line that leads to the newest one, for {@link #end} to find little to read under the lock.
     *
     * @throws dev.armoire.crypto.CorruptDataException when one is damaged
     */
    void prepare() throws IOException {
        if (repository.colouredPackfiles().isEmpty()) {
            return;
        }
        Map<Mac, Mac> parents = repository.stateParents();
        Set<Mac> apart = new HashSet<>(parents.keySet());
        apart.removeAll(line(repository.latestState(), parents, Set.of()));
        watched.addAll(repository.colouredPackfiles().keySet());
        read(apart);
    }

    /**
     * Writes the states that end branches.
     *
     * @param newest what will be taken back by a state that builds on this one
     * @param removed packfiles that are taken back
     * @param uncoloured packfiles whose colours are
     */
    void end(Mac newest, Collection<Mac> removed, Collection<Mac> uncoloured) throws IOException {
        if (removed.isEmpty() && uncoloured.isEmpty()) {
            return;
        }
        Map<Mac, Mac> parents = repository.stateParents();
        Set<Mac> settled = new HashSet<>(line(newest, parents, Set.of()));
        Set<Mac> apart = new HashSet<>(parents.keySet());
        apart.removeAll(settled);
        if (!watched.containsAll(removed) || !watched.containsAll(uncoloured)) {
            changes.clear(); // coloured by somebody else since
            watched.addAll(removed);
            watched.addAll(uncoloured);
        }
        read(apart);
        Set<Mac> ends = new HashSet<>(apart);
        ends.removeAll(parents.values());
        Set<Mac> gone = new HashSet<>(removed);
        Set<Mac> plain = new HashSet<>(uncoloured);
        for (Mac end : ends) {
            List<Mac> branch = line(end, parents, settled);
            settled.addAll(branch);
            endBranch(end, branch.reversed(), gone, plain);
        }
    }

    private boolean isWatched(Mac packfile) {
        return watched.contains(packfile) || packfiles.isDeleted(packfiles.ordinal(packfile));
    }

    /** A state and those before it, the younger first, as far as they are not in {@code known}. */
    private static List<Mac> line(Mac state, Map<Mac, Mac> parents, Set<Mac> known) {
        List<Mac> line = new ArrayList<>();
        Set<Mac> seen = new HashSet<>();
        for (Mac at = state; at != null && parents.containsKey(at) && !known.contains(at) && seen.add(at); ) {
            line.add(at);
            at = parents.get(at);
        }
        return line;
    }

    private void read(Set<Mac> states) throws IOException {
        try (BlobCodec codec = repository.newCodec()) {
            for (Mac state : states) {
                if (!changes.containsKey(state)) {
                    List<Change> found = new ArrayList<>();
                    repository.readState(state, codec, new Finder(found));
                    changes.put(state, found);
                }
            }
        }
    }

    private void endBranch(Mac end, List<Mac> branch, Set<Mac> gone, Set<Mac> plain) throws IOException {
        Set<Mac> there = new HashSet<>();
        Set<Mac> coloured = new HashSet<>();
        for (Mac state : branch) {
            for (Change change : changes.getOrDefault(state, List.of())) {
                switch (change.kind) {
                    case ADDED -> there.add(change.packfile);
                    case REMOVED -> there.remove(change.packfile);
                    case COLOURED -> coloured.add(change.packfile);
                    case UNCOLOURED -> coloured.remove(change.packfile);
                }
            }
        }
        there.removeIf(name -> !gone.contains(name) && !packfiles.isDeleted(packfiles.ordinal(name)));
        coloured.removeIf(
                name -> !gone.contains(name) && !plain.contains(name) && !packfiles.isDeleted(packfiles.ordinal(name)));
        try (PendingState state = repository.newPendingState(repository.random().nextMac(), end)) {
            there.forEach(state::deletePackfile);
            coloured.forEach(state::uncolourPackfile);
            state.commit(); // nothing, where there is nothing to take back
        }
    }

    /** Takes note of what a state says of packfiles that are watched. */
    private final class Finder implements StateStream.Visitor {
        private final List<Change> found;

        Finder(List<Change> found) {
            this.found = found;
        }

        private void add(Kind kind, Mac packfile) {
            if (isWatched(packfile)) {
                found.add(new Change(kind, packfile));
            }
        }

        @Override
        public void packfile(MemorySegment stream, long packfileMacAt, long stateMacAt, long whenNanos) {
            add(Kind.ADDED, Mac.read(stream, packfileMacAt));
        }

        @Override
        public void coloured(int type, MemorySegment stream, long macAt, long whenNanos) {
            if (type == ResourceType.PACKFILE) {
                add(Kind.COLOURED, Mac.read(stream, macAt));
            }
        }

        @Override
        public void deleted(int entryType, int blobType, MemorySegment stream, long blobMacAt, long packfileMacAt) {
            if (entryType == StateStream.PACKFILE) {
                add(Kind.REMOVED, Mac.read(stream, packfileMacAt));
            } else if (entryType == StateStream.COLOURED && blobType == ResourceType.PACKFILE) {
                add(Kind.UNCOLOURED, Mac.read(stream, blobMacAt));
            }
        }
    }
}
