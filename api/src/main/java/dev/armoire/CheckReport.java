// SPDX-License-Identifier: ISC
package dev.armoire;

import java.util.List;

/** What a check found. */
public final class CheckReport {
    private final List<Problem> problems;
    private final long count;
    private final long failedSnapshots;
    private final long bytesRead;

    CheckReport(List<Problem> problems, long count, long failedSnapshots, long bytesRead) {
        this.problems = problems;
        this.count = count;
        this.failedSnapshots = failedSnapshots;
        this.bytesRead = bytesRead;
    }

    /** Whether nothing is wrong with what was looked at. */
    public boolean isHealthy() {
        return count == 0 && failedSnapshots == 0;
    }

    /** Damaged items by path, and damaged objects of the store; of very many the first ten thousand. */
    public List<Problem> problems() {
        return problems;
    }

    /** Snapshots of which something is damaged or gone. */
    public long failedSnapshots() {
        return failedSnapshots;
    }

    /** Bytes read from the store. */
    public long bytesRead() {
        return bytesRead;
    }

    @Override
    public String toString() {
        return isHealthy() ? "healthy" : count + " problems, " + failedSnapshots + " damaged snapshots";
    }
}
