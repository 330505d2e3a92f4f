// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.repository.Repository;
import dev.armoire.index.PackfileTable;
import java.util.concurrent.atomic.LongAdder;

/** Reads every packfile of a store once, several at a time. */
final class StorePass {
    private final Repository repository;
    private final StoredPackfiles packfiles;
    private final CheckEvents events;
    private final Findings findings;
    private final LongAdder problems = new LongAdder();
    private final LongAdder bytesRead = new LongAdder();

    StorePass(Repository repository, Findings findings, CheckEvents events) {
        this.repository = repository;
        this.packfiles = findings.packfiles();
        this.findings = findings;
        this.events = events;
    }

    /** Leaves what it finds in the verdicts of the findings. */
    void run(int workers) {
        PackfileTable table = repository.index().packfiles();
        for (int packfile : packfiles.missing()) {
            problem(
                    packfile,
                    "it is missing; states place " + packfiles.locations()[packfile]
                            + " blobs in it: copy it back from another copy of the store");
        }
        try (WorkQueue<PackfileScan> queue = new WorkQueue<>(
                "check-store", workers, stopped -> new PackfileScan(repository, findings.good(), stopped))) {
            for (int packfile : packfiles.toRead()) {
                long expected = packfiles.locations()[packfile];
                if (expected == 0 && !table.isExpected(packfile)) {
                    events.notice(
                            "packfile " + table.name(packfile).hex()
                                    + " is in no state that can be read: left by an interrupted backup, or by one that goes on now");
                }
                queue.submit(scan -> take(packfile, scan.scan(packfile, expected)));
            }
            queue.await();
        }
    }

    private void take(int packfile, PackfileScan.Outcome outcome) {
        outcome.problems().forEach(text -> problem(packfile, text));
        if (outcome.doubtful() != null) {
            findings.verdicts().put(packfile, outcome.doubtful());
        }
        bytesRead.add(outcome.bytesRead());
    }

    private void problem(int packfile, String reason) {
        problems.increment();
        Mac name = repository.index().packfiles().name(packfile);
        events.storeProblem("packfile " + name.hex(), reason);
    }

    long problems() {
        return problems.sum();
    }

    long bytesRead() {
        return bytesRead.sum();
    }
}
