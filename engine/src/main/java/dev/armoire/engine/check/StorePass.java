// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.repository.Repository;
import dev.armoire.index.PackfileTable;
import java.nio.file.NoSuchFileException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** Reads every packfile of a store once, or a sample of them, several at a time. */
final class StorePass {
    /** What was read is noted after so many packfiles, or a fiftieth of all. */
    private static final int SAVE_AFTER = 8;

    private static final int SAVES = 50;

    private final Repository repository;
    private final StoredPackfiles packfiles;
    private final CheckEvents events;
    private final Findings findings;
    private final LongAdder problems = new LongAdder();
    private final LongAdder bytesRead = new LongAdder();
    private final LongAdder done = new LongAdder();
    private final LongAdder well = new LongAdder();
    private final AtomicInteger sinceSaved = new AtomicInteger();
    private final CheckRequest request;
    private final long nowSeconds = Instant.now().getEpochSecond();
    private List<Integer> left = List.of();
    private long chosen;

    StorePass(Repository repository, Findings findings, CheckRequest request, CheckEvents events) {
        this.request = request;
        this.repository = repository;
        this.packfiles = findings.packfiles();
        this.findings = findings;
        this.events = events;
    }

    /**
     * Leaves what it finds in the verdicts of the findings.
     *
     * @param joined given the contents of several chunks, and their chunks; null where not all is read
     */
    void run(@Nullable JoinedContents joined) {
        PackfileTable table = repository.index().packfiles();
        for (int packfile : packfiles.missing()) {
            findings.reach().failed(new NoSuchFileException(table.name(packfile).hex()));
            problem(
                    packfile,
                    "it is missing; states place " + packfiles.locations()[packfile]
                            + " blobs in it: copy it back from another copy of the store");
        }
        try (WorkQueue<PackfileScan> queue = new WorkQueue<>(
                "check-store", request.workers(), stopped -> new PackfileScan(repository, findings, joined, stopped))) {
            List<Integer> toRead = choose();
            chosen = toRead.size();
            events.reading(done::sum, chosen);
            boolean hasMetChunks = false;
            for (int packfile : toRead) {
                if (!hasMetChunks && packfiles.withChunks().get(packfile)) {
                    queue.await(); // what the packfiles without chunks have to say of them
                    hasMetChunks = true;
                }
                if (packfiles.locations()[packfile] == 0 && !table.isExpected(packfile)) {
                    events.notice(
                            "packfile " + table.name(packfile).hex()
                                    + " is in no state that can be read: left by an interrupted backup, or by one that goes on now");
                }
                queue.submit(scan -> take(packfile, scan.scan(packfile)));
            }
            queue.await();
            if (well.sum() == packfiles.toRead().size() && packfiles.missing().isEmpty()) {
                findings.verdicts().putAllWell();
            }
        } finally {
            remember(); // also what was read until it was interrupted
        }
    }

    /** Those that were read the longest time ago first, so that as many runs as there are parts go through all. */
    private List<Integer> choose() {
        CheckRequest.Sample sample = request.sample();
        if (sample == null) {
            return packfiles.toRead();
        }
        List<Integer> candidates = new ArrayList<>(packfiles.toRead());
        ReadLog log = request.log();
        if (log == null || log.problem() != null) {
            Collections.shuffle(candidates); // or else it would be the same ones each time
        } else {
            candidates.sort(Comparator.comparingLong(this::lastRead));
        }
        int count = Math.ceilDiv(candidates.size() * sample.percent(), 100);
        List<Integer> taken = candidates.subList(0, count);
        if (sample.isNewOnly()) {
            taken = taken.stream().filter(packfile -> lastRead(packfile) == 0).toList();
        }
        Set<Integer> rest = new LinkedHashSet<>(candidates);
        taken.forEach(rest::remove);
        left = List.copyOf(rest);
        return List.copyOf(taken);
    }

    private long lastRead(int packfile) {
        ReadLog log = request.log();
        return log == null ? 0 : log.lastRead(repository.index().packfiles().name(packfile));
    }

    private void remember() {
        ReadLog log = request.log();
        if (log != null) {
            saveLog(log);
            if (log.problem() != null) {
                events.notice(log.problem());
            }
        }
    }

    private void saveLog(ReadLog log) {
        Set<Mac> present = new HashSet<>();
        for (int packfile : packfiles.toRead()) {
            present.add(repository.index().packfiles().name(packfile));
        }
        log.save(present);
    }

    long read() {
        return chosen;
    }

    long left() {
        return left.size();
    }

    long neverRead() {
        return left.stream().filter(packfile -> lastRead(packfile) == 0).count();
    }

    /** When the packfile was read that is next in turn, or 0. */
    long oldestSeconds() {
        return left.stream()
                .mapToLong(this::lastRead)
                .filter(seconds -> seconds > 0)
                .min()
                .orElse(0);
    }

    private void take(int packfile, PackfileScan.Outcome outcome) {
        outcome.problems().forEach(text -> problem(packfile, text));
        if (outcome.doubtful() != null) {
            findings.verdicts().put(packfile, outcome.doubtful());
            if (outcome.problems().isEmpty() && outcome.doubtful().isEmpty()) {
                well.increment();
            }
        }
        bytesRead.add(outcome.bytesRead());
        done.increment();
        ReadLog log = request.log();
        if (log != null) {
            Mac name = repository.index().packfiles().name(packfile);
            if (outcome.problems().isEmpty()) {
                log.wasRead(name, nowSeconds);
            } else {
                log.wasDamaged(name);
            }
            if (sinceSaved.incrementAndGet() >= Math.max(SAVE_AFTER, chosen / SAVES)) {
                sinceSaved.set(0);
                saveLog(log); // a killed process forgets no more than that
            }
        }
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
