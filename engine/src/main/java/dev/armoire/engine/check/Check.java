// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.parity.Parity;
import dev.armoire.engine.parity.ParityEvents;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.StateAudit;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Checks a store and its snapshots. First, if asked, every packfile from front to back; then each target: the calling thread
 * walks its trees and listings, workers verify entries and contents. Damage is told and stops nothing.
 */
public final class Check {
    /** An object of a dozen chunks or more; the few bytes of smaller ones are as quickly decoded twice. */
    private static final long LARGE_RECORD_BYTES = 1024;

    /** Keeps what is held of them to some ten megabytes. */
    private static final int MAX_LARGE = 200_000;

    private Check() {}

    /**
     * Checks what is asked for. Interrupting the calling thread stops the work with a {@link
     * dev.armoire.engine.repository.PipelineAbortedException}.
     *
     * @param repository refreshed by the caller, which verifies CONFIG and every state
     * @throws IOException when the storage cannot even be listed
     * @throws java.io.UncheckedIOException when it cannot be reached any more; a packfile alone that cannot be read is told of, as
     *     damage is
     */
    public static CheckResult run(Repository repository, CheckRequest request, CheckEvents events) throws IOException {
        StoredPackfiles packfiles = StoredPackfiles.of(repository);
        StoreVerdicts verdicts = new StoreVerdicts(
                request.store() ? packfiles.locations().length : 0,
                repository.newMacSet(true),
                repository.newMacSet(true));
        Reach reach = new Reach(repository.storage());
        long storeProblems = 0;
        long otherProblems = 0;
        long bytesRead = 0;
        StorePass pass = null;
        Set<Mac> failed = new HashSet<>();
        try (Findings findings = new Findings(packfiles, verdicts, request.fast(), repository.newMacSet(false), reach);
                WorkQueue<BlobChecker> queue = new WorkQueue<>(
                        "check", request.workers(), stopped -> new BlobChecker(repository, findings, stopped));
                BlobChecker own = new BlobChecker(
                        repository, findings, () -> Thread.currentThread().isInterrupted())) {
            if (request.store()) {
                if (!request.fast() && request.sample() == null) {
                    checkLargeContents(repository, queue);
                }
                otherProblems = checkStates(repository, reach, events);
                pass = new StorePass(repository, findings, request, events);
                pass.run();
                if (!request.fast() && request.sample() == null) {
                    otherProblems += checkParity(repository, events);
                }
                storeProblems = otherProblems + pass.problems();
                bytesRead = pass.bytesRead() + findings.bytesRead().sumThenReset();
            }
            Set<Trees> well = new HashSet<>();
            for (Target target : request.targets()) {
                long begun = System.nanoTime();
                Mac id = target.header().identifier();
                long errors = 0;
                Trees trees = Trees.of(target);
                if (events.wantsItems() || !well.contains(trees)) {
                    TargetCheck check = new TargetCheck(target, own, queue, events);
                    errors = check.run();
                    if (errors == 0 && !check.hasNotices()) {
                        well.add(trees);
                    }
                    own.account();
                }
                long read = findings.bytesRead().sumThenReset();
                bytesRead += read;
                if (errors > 0) {
                    failed.add(id);
                }
                events.snapshotDone(id, errors, read, System.nanoTime() - begun);
            }
        }
        if (reach.hasDoubts()) {
            reach.confirm();
        }
        boolean isOnlyUnreadable = reach.isOnlyUnreadable() && otherProblems == 0;
        if (pass == null) {
            return new CheckResult(failed.size(), storeProblems, isOnlyUnreadable, bytesRead);
        }
        return new CheckResult(
                failed.size(),
                storeProblems,
                isOnlyUnreadable,
                bytesRead,
                pass.read(),
                pass.left(),
                pass.neverRead(),
                pass.oldestSeconds());
    }

    private static long checkStates(Repository repository, Reach reach, CheckEvents events) throws IOException {
        long problems = 0;
        List<StateAudit.Finding> findings = StateAudit.run(repository);
        if (!findings.isEmpty()) {
            reach.confirm(); // states that are gone may be so because the store is
        }
        for (StateAudit.Finding finding : findings) {
            if (finding.isDamage()) {
                events.storeProblem(finding.object(), finding.reason());
                problems++;
            } else {
                events.notice(finding.object() + ": " + finding.reason());
            }
        }
        return problems;
    }

    private static long checkParity(Repository repository, CheckEvents events) throws IOException {
        long[] problems = {0};
        Parity.verify(repository, new ParityEvents() {
            @Override
            public void notice(String text) {
                events.notice(text);
            }

            @Override
            public void damagedParity(Mac parity, String reason) {
                events.storeProblem(
                        "parity " + parity.hex(), reason + "; `armoire parity -verify -apply` makes it anew");
                problems[0]++;
            }
        });
        return problems[0];
    }

    /** What makes two targets one and the same, though they are in different snapshots: an unchanged source does. */
    private record Trees(String path, Mac vfs, Mac xattrs, Mac errors, List<SnapshotHeader.Index> indexes) {
        static Trees of(Target target) {
            SnapshotHeader.Source source = target.header().source();
            return new Trees(
                    SnapshotPath.display(target.path()),
                    source.vfs(),
                    source.xattrs(),
                    source.errors(),
                    source.indexes());
        }
    }

    /**
     * Contents of many chunks have a MAC of their own, for which the chunks are needed one after the other. Read before
     * the packfiles, those chunks need not be decoded a second time.
     */
    private static void checkLargeContents(Repository repository, WorkQueue<BlobChecker> queue) {
        List<Mac> large = new ArrayList<>();
        repository.index().forEach((type, mac, packfile, offset, length) -> {
            if (type == ResourceType.OBJECT && length >= LARGE_RECORD_BYTES && large.size() < MAX_LARGE) {
                large.add(mac);
            }
        });
        for (Mac object : large) {
            queue.submit(tools -> {
                tools.content(object);
                tools.account();
            });
        }
        queue.await();
    }
}
