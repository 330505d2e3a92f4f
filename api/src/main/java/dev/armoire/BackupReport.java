// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.engine.backup.BackupResult;
import java.util.List;

/** What a backup did. The snapshot is there, durably; what of the source could not be read is in {@link #problems}. */
public final class BackupReport {
    private final Snapshot snapshot;
    private final BackupResult result;
    private final List<Problem> problems;

    BackupReport(Snapshot snapshot, BackupResult result, List<Problem> problems) {
        this.snapshot = snapshot;
        this.result = result;
        this.problems = problems;
    }

    /** The snapshot that was made. */
    public Snapshot snapshot() {
        return snapshot;
    }

    /** Whether everything could be read. */
    public boolean isComplete() {
        return result.errors() == 0;
    }

    /** Items that could not be read, wholly or in part; of very many the first ten thousand. */
    public List<Problem> problems() {
        return problems;
    }

    /** How many items could not be read. */
    public long failed() {
        return result.errors();
    }

    /** Items in the snapshot, at or below the places that were backed up. */
    public long items() {
        return result.items();
    }

    /** Files that were taken over from the last snapshot without being opened. */
    public long unchangedFiles() {
        return result.unchangedFiles();
    }

    /** Bytes read from the source. */
    public long sourceBytes() {
        return result.sourceBytes();
    }

    /** Bytes of file content that the store did not have before. */
    public long newBytes() {
        return result.newChunkBytes();
    }

    /** Bytes written to the store. */
    public long storedBytes() {
        return result.storedBytes();
    }

    @Override
    public String toString() {
        return snapshot + ": " + items() + " items, " + failed() + " failed";
    }
}
