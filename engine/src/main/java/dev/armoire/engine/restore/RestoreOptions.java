// SPDX-License-Identifier: ISC
package dev.armoire.engine.restore;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.engine.exclude.ExcludeRules;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * How to restore.
 *
 * @param overwrite what becomes of files that are in the target
 * @param deletes whether to remove from the target what the snapshot does not have, and what is in the way of its items
 * @param preserved paths below the target that are never removed, nor anything below them, such as the store
 * @param verifies whether to read back what was written and compare it with the snapshot
 * @param restoresPermissions whether the exporter sets owners and modes, so that other ones are a difference
 * @param owners gives items the owner and group that they are to have; called by many threads
 * @param excludes what is neither restored nor removed
 * @param includes what alone is restored and removed, or null for everything
 * @param workers threads that read and write files, at least 1
 */
public record RestoreOptions(
        Overwrite overwrite,
        boolean deletes,
        List<byte[]> preserved,
        boolean verifies,
        boolean restoresPermissions,
        UnaryOperator<FileInfo> owners,
        ExcludeRules excludes,
        @Nullable ExcludeRules includes,
        int workers) {
    /** Everything, whatever is in the target. */
    public static RestoreOptions simple(int workers) {
        return new RestoreOptions(
                Overwrite.ALWAYS,
                false,
                List.of(),
                false,
                true,
                UnaryOperator.identity(),
                ExcludeRules.none(),
                null,
                workers);
    }
}
