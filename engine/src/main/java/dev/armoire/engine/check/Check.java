// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;

/**
 * Checks a store and its snapshots. First, if asked, every packfile from front to back; then each target: the calling thread
 * walks its trees and listings, workers verify entries and contents. Damage is told and stops nothing.
 */
public final class Check {
    private Check() {}

    /**
     * Checks what is asked for. Interrupting the calling thread stops the work with a {@link
     * dev.armoire.engine.repository.PipelineAbortedException}.
     *
     * @param repository refreshed by the caller, which verifies CONFIG and every state
     * @throws IOException when the storage cannot even be listed; a packfile that cannot be read is damage
     */
    public static CheckResult run(Repository repository, CheckRequest request, CheckEvents events) throws IOException {
        StoredPackfiles packfiles = StoredPackfiles.of(repository);
        StoreVerdicts verdicts = StoreVerdicts.none();
        long storeProblems = 0;
        long bytesRead = 0;
        if (request.store()) {
            StorePass pass = new StorePass(repository, packfiles, events);
            verdicts = pass.run(request.workers());
            storeProblems = pass.problems();
            bytesRead = pass.bytesRead();
        }
        Set<Mac> failed = new HashSet<>();
        try (Findings findings = new Findings(packfiles, verdicts, request.fast());
                WorkQueue<BlobChecker> queue = new WorkQueue<>(
                        "check", request.workers(), stopped -> new BlobChecker(repository, findings, stopped));
                BlobChecker own = new BlobChecker(
                        repository, findings, () -> Thread.currentThread().isInterrupted())) {
            for (Target target : request.targets()) {
                long begun = System.nanoTime();
                Mac id = target.header().identifier();
                long errors = new TargetCheck(target, own, queue, events).run();
                own.account();
                long read = findings.bytesRead().sumThenReset();
                bytesRead += read;
                if (errors > 0) {
                    failed.add(id);
                }
                events.snapshotDone(id, errors, read, System.nanoTime() - begun);
            }
        }
        return new CheckResult(failed.size(), storeProblems, bytesRead);
    }
}
