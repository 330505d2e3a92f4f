// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** Goes through what lies at a path of a snapshot and below it: a directory before what is in it, names in their order. */
final class FileWalk {
    private FileWalk() {}

    /** Receives an entry. */
    @FunctionalInterface
    interface Visitor {
        void entry(Entry entry) throws IOException;
    }

    /**
     * What a name leads to, links followed if they can be.
     *
     * @throws CommandException when there is no such thing
     */
    static Entry start(Snapshot snapshot, Snapshots.Name name) {
        byte[] path = snapshot.resolve(name.pathBytes());
        Entry entry = snapshot.lookUp(path);
        if (entry == null) {
            throw new CommandException(
                    ExitCode.ERROR,
                    "file does not exist: " + SnapshotPath.display(path) + " in snapshot "
                            + snapshot.header().identifier().shortHex());
        }
        return entry;
    }

    /**
     * Visits all.
     *
     * @param damage told of what cannot be read and is left out
     */
    static void walk(Snapshot snapshot, Entry start, Visitor visitor, Snapshot.Damage damage) throws IOException {
        Deque<Entry> open = new ArrayDeque<>();
        open.push(start);
        while (!open.isEmpty()) {
            if (Thread.currentThread().isInterrupted()) {
                throw new InterruptedIOException("interrupted");
            }
            Entry entry = open.pop();
            visitor.entry(entry);
            if (entry.isDirectory()) {
                children(snapshot, entry, damage).reversed().forEach(open::push);
            }
        }
    }

    /** The entries of a directory, by name. */
    static List<Entry> children(Snapshot snapshot, Entry directory, Snapshot.Damage damage) {
        List<Entry> children = new ArrayList<>();
        try {
            snapshot.forEachChild(
                    directory.path(),
                    (entry, mac) -> {
                        children.add(entry);
                        return true;
                    },
                    damage);
        } catch (CorruptDataException e) {
            damage.damaged(directory.path(), e);
        }
        return children;
    }
}
