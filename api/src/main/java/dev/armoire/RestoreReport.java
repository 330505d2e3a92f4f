// SPDX-License-Identifier: ISC
package dev.armoire;

import dev.armoire.engine.restore.RestoreResult;
import java.util.List;

/** What a restore did. */
public final class RestoreReport {
    private final RestoreResult result;
    private final List<Problem> problems;
    private final long metadataLost;

    RestoreReport(RestoreResult result, List<Problem> problems, long metadataLost) {
        this.result = result;
        this.problems = problems;
        this.metadataLost = metadataLost;
    }

    /** Whether everything is in the target, with all metadata. */
    public boolean isComplete() {
        return result.failed() + metadataLost == 0;
    }

    /** Whether something failed because data in the store are damaged. */
    public boolean isDamaged() {
        return result.isDamaged();
    }

    /** Items that failed, and metadata that could not be set; of very many the first ten thousand. */
    public List<Problem> problems() {
        return problems;
    }

    /** Items that are not in the target. */
    public long failed() {
        return result.failed();
    }

    /** Metadata that the target could not take, such as an owner when the process is not root. */
    public long metadataLost() {
        return metadataLost;
    }

    /** Items restored that are no directories. */
    public long files() {
        return result.files();
    }

    /** Directories restored. */
    public long folders() {
        return result.folders();
    }

    /** Bytes of file content restored. */
    public long bytes() {
        return result.bytes();
    }

    @Override
    public String toString() {
        return files() + " files, " + folders() + " folders, " + failed() + " failed";
    }
}
