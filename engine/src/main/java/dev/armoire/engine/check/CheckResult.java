// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

/**
 * What a check found.
 *
 * @param failedSnapshots snapshots of which something is damaged or not there
 * @param storeProblems what was wrong with packfiles as such, one for each call of {@link CheckEvents#storeProblem}
 * @param bytesRead bytes fetched from the storage
 */
public record CheckResult(long failedSnapshots, long storeProblems, long bytesRead) {}
