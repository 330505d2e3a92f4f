// SPDX-License-Identifier: ISC
package dev.armoire.engine.archive;

import dev.armoire.connectors.spi.ArchiveOutput;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.engine.backup.Backup;
import dev.armoire.engine.backup.BackupEvents;
import dev.armoire.engine.backup.BackupOptions;
import dev.armoire.engine.backup.BackupResult;
import dev.armoire.engine.backup.Scan;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.MemoryBudget;
import dev.armoire.engine.repository.NewStore;
import dev.armoire.engine.repository.PackWriter;
import dev.armoire.engine.repository.PendingState;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.sync.SnapshotImporter;
import java.io.IOException;
import java.util.List;

/**
 * Makes an archive of any number of snapshots, which share what they have in common (format 2b §14). It is there when {@link
 * #finish} returns; closed before that, nothing is. For one thread.
 */
public final class ArchiveBuilder implements AutoCloseable {
    private final Repository archive;
    private final PendingState state;
    private final PackWriter packs;
    private final BackupOptions options;

    private ArchiveBuilder(Repository archive, PendingState state, PackWriter packs, BackupOptions options) {
        this.archive = archive;
        this.state = state;
        this.packs = packs;
        this.options = options;
    }

    /**
     * Begins. Takes over the output, and closes it when that fails.
     *
     * @param made whose CONFIG the output begins with; opened here
     * @param memory for data under way
     * @param options of which those count that say how the work is done, and for new snapshots what they are called
     */
    public static ArchiveBuilder begin(
            NewStore made, ArchiveOutput output, String hostname, MemoryBudget memory, BackupOptions options)
            throws IOException {
        Repository archive = made.open(output, hostname);
        archive.useMemory(memory);
        PendingState state = archive.newPendingState(archive.random().nextMac());
        try {
            return new ArchiveBuilder(archive, state, archive.newArchiveWriter(state, output), options);
        } catch (IOException | RuntimeException e) {
            state.close();
            archive.close();
            throw e;
        }
    }

    /** Adds a snapshot of a source; what cannot be read of it is recorded in the snapshot. */
    public BackupResult add(Importer importer, BackupEvents events) throws IOException {
        try (Scan scan = Scan.start(List.of(importer))) {
            return Backup.into(packs, archive, scan, null, options, events);
        }
    }

    /**
     * Adds a snapshot of another store, as it is there.
     *
     * @throws dev.armoire.crypto.CorruptDataException when it is damaged: then no archive can be made of it
     */
    public BackupResult add(Repository store, SnapshotHeader snapshot, BackupEvents events) throws IOException {
        try (SnapshotImporter importer = new SnapshotImporter(store, snapshot);
                Scan scan = Scan.start(List.of(importer))) {
            return Backup.into(packs, archive, scan, snapshot, options, events);
        }
    }

    /** Ends the archive; returns the bytes of its packfile and state. */
    public long finish() throws IOException {
        packs.flush();
        packs.finishArchive();
        return state.commit() + packs.storedBytes();
    }

    @Override
    public void close() {
        packs.close();
        state.close();
        archive.close();
    }
}
