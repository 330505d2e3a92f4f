// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.query.PathPattern;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.search.SearchIndex;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Finds entries in snapshots: what an index knows is taken from it, and the other snapshots are walked through. */
final class FileSearch {
    /** Results of so many trees are remembered; an unchanged source has the same tree in each of its snapshots. */
    private static final int REMEMBERED_TREES = 64;

    private final BlobReader reader;
    private final Predicate<Entry> wanted;
    private final Visitor visitor;
    private final BiConsumer<SnapshotHeader, String> damage;

    /** Told of what is found. */
    @FunctionalInterface
    interface Visitor {
        void found(Mac snapshot, Instant timestamp, Entry entry);
    }

    /**
     * @param wanted what is looked for in snapshots that the index does not know
     * @param damage told what of which snapshot cannot be read
     */
    FileSearch(BlobReader reader, Predicate<Entry> wanted, Visitor visitor, BiConsumer<SnapshotHeader, String> damage) {
        this.reader = reader;
        this.wanted = wanted;
        this.visitor = visitor;
        this.damage = damage;
    }

    /** What matches one of the patterns, and is wanted. */
    static Predicate<Entry> matching(List<PathPattern> patterns, Predicate<Entry> wanted) {
        return entry -> patterns.stream().anyMatch(pattern -> pattern.matches(entry.path(), entry.isDirectory()))
                && wanted.test(entry);
    }

    /** Looks through snapshots, in this order. */
    void search(List<SnapshotHeader> in, SearchIndex.@Nullable Results index) throws IOException {
        SequencedMap<Mac, List<Entry>> known = new LinkedHashMap<>();
        for (SnapshotHeader header : in) {
            if (index != null && index.knows(header.identifier())) {
                index.forEach(header.identifier(), entry -> found(header, entry));
                continue;
            }
            Mac tree = header.source().vfs();
            List<Entry> before = known.get(tree);
            if (before != null) {
                before.forEach(entry -> found(header, entry));
                continue;
            }
            List<Entry> found = new ArrayList<>();
            if (walk(header, found)) {
                known.put(tree, found);
                if (known.size() > REMEMBERED_TREES) {
                    known.pollFirstEntry();
                }
            }
        }
    }

    private void found(SnapshotHeader header, Entry entry) {
        visitor.found(header.identifier(), header.timestamp(), entry);
    }

    /** Returns whether all could be read. */
    private boolean walk(SnapshotHeader header, List<Entry> found) throws IOException {
        boolean[] isWhole = {true};
        try {
            Snapshot snapshot = Snapshot.of(header, reader);
            Entry top = snapshot.find(SnapshotPath.ROOT);
            if (top == null) {
                throw new CorruptDataException("it has no root directory");
            }
            FileWalk.walk(
                    snapshot,
                    top,
                    entry -> {
                        if (wanted.test(entry)) {
                            found(header, entry);
                            found.add(entry);
                        }
                    },
                    (path, problem) -> {
                        isWhole[0] = false;
                        damage.accept(header, SnapshotPath.display(path) + ": " + problem.getMessage());
                    });
        } catch (CorruptDataException e) {
            isWhole[0] = false;
            damage.accept(header, String.valueOf(e.getMessage()));
        }
        return isWhole[0];
    }
}
