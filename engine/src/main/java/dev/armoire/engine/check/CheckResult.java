// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

/**
 * What a check found.
 *
 * @param failedSnapshots snapshots of which something is damaged or not there
 * @param storeProblems what was wrong with the store as such, one for each call of {@link CheckEvents#storeProblem}
 * @param isOnlyUnreadable whether all of that is what could not be read, for reasons that say nothing about what is stored
 * @param bytesRead bytes fetched from the storage
 * @param packfilesRead packfiles that were read from front to back
 * @param packfilesLeft packfiles that were not, because only a sample was asked for
 * @param neverRead how many of those no check has ever read, as far as is known
 * @param oldestSeconds when the one of those was read that was read the longest time ago, in seconds since 1970; 0 for none
 */
public record CheckResult(
        long failedSnapshots,
        long storeProblems,
        boolean isOnlyUnreadable,
        long bytesRead,
        long packfilesRead,
        long packfilesLeft,
        long neverRead,
        long oldestSeconds) {
    /** Of a check that left nothing out. */
    public CheckResult(long failedSnapshots, long storeProblems, boolean isOnlyUnreadable, long bytesRead) {
        this(failedSnapshots, storeProblems, isOnlyUnreadable, bytesRead, 0, 0, 0, 0);
    }
}
