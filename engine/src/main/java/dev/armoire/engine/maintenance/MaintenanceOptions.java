// SPDX-License-Identifier: ISC
package dev.armoire.engine.maintenance;

import java.time.Duration;
import java.time.Instant;

/**
 * How maintenance goes about it.
 *
 * @param now the time that ages are counted to
 * @param grace how long a packfile stays hidden before it is removed, and how old one that no state names must be
 * @param patience how long to wait for others who have a lock
 * @param dryRun only say what would be done
 * @param lockless leaves the store's locks alone
 * @param keepsFiles leaves the files of removed packfiles where they are
 * @param repackPercent from which share of unneeded bytes on a packfile is emptied, 1 to 100; 0 for none
 */
public record MaintenanceOptions(
        Instant now,
        Duration grace,
        Duration patience,
        boolean dryRun,
        boolean lockless,
        boolean keepsFiles,
        int repackPercent) {
    /** As long as Plakar's. */
    public static final Duration USUAL_GRACE = Duration.ofDays(7);
}
