// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How to make a snapshot.
 *
 * @param timestamp what the snapshot says of its time, or null for now
 * @param useParent false reads every file, whatever the latest snapshot of the same source says
 * @param workers threads that read and encode, at least 1
 * @param scratch folder for temporary files
 * @param commandLine how this program was called, without secrets; stored in the snapshot
 * @param lockless leaves the store's locks alone
 */
public record BackupOptions(
        String name,
        String category,
        String environment,
        String perimeter,
        String job,
        List<String> tags,
        @Nullable Instant timestamp,
        boolean useParent,
        int workers,
        Path scratch,
        String commandLine,
        boolean lockless) {
    /** For snapshots that are called nothing, or bring what they say of themselves with them. */
    public static BackupOptions unnamed(
            boolean useParent, int workers, Path scratch, String commandLine, boolean lockless) {
        return new BackupOptions(
                "", "", "", "", "", List.of(), null, useParent, workers, scratch, commandLine, lockless);
    }
}
