// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.parity.Parity;
import dev.armoire.engine.parity.ParityEvents;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.StateAudit;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Checks a store and its snapshots. First, if asked, every packfile from front to back; then each target: the calling thread
 * walks its trees and listings, workers verify entries and contents. Damage is told and stops nothing.
 */
public final class Check {
    /** An object of a dozen chunks or more; the few bytes of smaller ones are as quickly read twice. */
    private static final long LARGE_RECORD_BYTES = 1024;

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
        try {
            return check(repository, request, events);
        } catch (ClosedByInterruptException e) {
            throw new PipelineAbortedException();
        }
    }

    private static CheckResult check(Repository repository, CheckRequest request, CheckEvents events)
            throws IOException {
        StoredPackfiles packfiles = StoredPackfiles.of(repository);
        StoreVerdicts verdicts = new StoreVerdicts(
                request.store() ? packfiles.locations().length : 0,
                repository.newMacSet(false),
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
                otherProblems = checkStates(repository, reach, events);
                pass = new StorePass(repository, findings, request, events);
                if (!request.fast() && request.sample() == null) {
                    readAll(repository, packfiles, pass, findings, queue);
                    otherProblems += checkParity(repository, events);
                } else {
                    pass.run(null);
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

    /** Reads every packfile, and in passing works out the MACs of contents of several chunks, where that can be. */
    private static void readAll(
            Repository repository,
            StoredPackfiles packfiles,
            StorePass pass,
            Findings findings,
            WorkQueue<BlobChecker> queue) {
        if (repository.keys().hashing() != Hashing.BLAKE3) {
            pass.run(null);
            return;
        }
        try (JoinedContents joined = new JoinedContents(findings.good(), repository.newMacSet(true))) {
            addThoseAmongChunks(repository, packfiles, joined, queue);
            pass.run(joined);
            for (JoinedContents.Content content : joined.unfinished()) {
                queue.submit(tools -> tools.complete(content));
            }
            queue.await();
        }
    }

    /** Where objects lie among chunks, as in an archive and in what Plakar writes, those of many are looked for before their chunks are read. */
    private static void addThoseAmongChunks(
            Repository repository, StoredPackfiles packfiles, JoinedContents joined, WorkQueue<BlobChecker> queue) {
        List<Mac> large = new ArrayList<>();
        repository.index().forEach((type, mac, packfile, offset, length) -> {
            if (type == ResourceType.OBJECT
                    && length >= LARGE_RECORD_BYTES
                    && large.size() < JoinedContents.MAX_CONTENTS
                    && packfiles.withChunks().get(packfile)) {
                large.add(mac);
            }
        });
        for (Mac object : large) {
            queue.submit(tools -> {
                try {
                    joined.add(object, ObjectReader.record(tools.reader(), object));
                } catch (CorruptDataException | UncheckedIOException e) {
                    // Told of by those who read the packfile, and by the files that have it.
                }
                tools.account();
            });
        }
        queue.await();
    }
}
