// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.check.Check;
import dev.armoire.engine.check.CheckEvents;
import dev.armoire.engine.check.CheckRequest;
import dev.armoire.engine.check.CheckResult;
import dev.armoire.engine.check.ReadLog;
import dev.armoire.engine.check.Target;
import dev.armoire.engine.parity.Heal;
import dev.armoire.engine.query.SnapshotQuery;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.Summary;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.repository.RepositoryLock;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** {@code check}: looks for damage. */
final class CheckCommand implements Command {
    @Override
    public String usage() {
        return "check [-fast] [-store] [-percent N] [-since-last] [-heal [-dry-run]] [FILTER...] [ID[:PATH]...]";
    }

    @Override
    public String description() {
        return """
            Looks for damage. Without arguments, every byte of every packfile and state of
            the store is read and verified, and then every snapshot. With filters, ids or
            paths only these are read, unless -store is given. Damaged files are named by
            path (`KO`), and the exit code is 65.

            Stores that are too large to be read as a whole each time are read in parts:
            -percent 10 reads a tenth of the packfiles, each time those that were read the
            longest time ago, so that ten runs go through all. -since-last reads those that
            no check has read yet. Which ones were read is kept in the cache folder; without
            it, -percent takes any. Snapshots are not gone through then, and a part is never
            said to be the whole.

            With -heal, when there is damage, all packfiles that `armoire parity` has made
            parity for are read; those that are damaged or missing are made again and
            verified, take the place of the damaged ones, and then the check is done again.
            The exit code is that of the second one. -dry-run only says what could be healed.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("fast", "only see whether all data is there; does not find changed bytes")
                .flag("store", "also verify every packfile as a whole (default without filters and ids)")
                .value("percent", "N", "verify so many of a hundred packfiles, the next ones in turn; 1 to 100")
                .flag("since-last", "verify only packfiles that no check has read and found well")
                .flag("heal", "make damaged packfiles again from parity, and check again")
                .flag("dry-run", "with -heal: only say what could be healed")
                .flag("no-verify", "do not verify signatures (snapshots have none so far)");
        FilterFlags.declareQuery(flags);
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        Report report = session.report();
        SnapshotQuery query = FilterFlags.query(arguments, report);
        boolean isWhole = arguments.words().isEmpty() && query.isEmpty();
        CheckRequest.Sample sample = sample(arguments);
        if (sample != null && (!isWhole || arguments.is("fast"))) {
            throw CommandException.usage(
                    "-percent and -since-last are about the packfiles of the whole store: no filter,"
                            + " no snapshot and no -fast goes with them");
        }
        boolean heals = arguments.is("heal");
        boolean isDryRun = arguments.is("dry-run");
        if (isDryRun && !heals) {
            throw CommandException.usage("-dry-run is about what -heal would do: check changes nothing without it");
        }
        try (Repository repository = session.openForReading()) {
            if (heals && !isDryRun && !repository.storage().isWritable()) {
                throw new CommandException(
                        ExitCode.ERROR,
                        "storage is not writable: " + repository.storage().location());
            }
            int code = check(session, repository, arguments, sample, query, isWhole);
            // What cannot be read, of a store that can, is lost as well: a bad sector.
            boolean isLost = code == ExitCode.DAMAGE || code == ExitCode.IO;
            if (heals && isLost && heal(session, repository, isDryRun)) {
                report.info("checking again");
                repository.refresh((state, problem) -> report.error(Failures.said(problem)));
                return check(session, repository, arguments, sample, query, isWhole);
            }
            return code;
        }
    }

    /** Whether anything is as it was again. */
    private static boolean heal(Session session, Repository repository, boolean isDryRun) throws IOException {
        Report report = session.report();
        RepositoryLock lock = isDryRun || session.isLockless()
                ? null
                : RepositoryLock.shared(repository, repository.random().nextMac());
        try {
            if (lock != null) {
                repository.refresh((state, problem) -> {}); // told before
            }
            Heal.Result result = Heal.run(repository, !isDryRun, new ParityCommand.Events(report, !isDryRun));
            report.summary(
                    "heal: " + result.healed() + " packfiles " + (isDryRun ? "could be" : "were") + " healed, "
                            + result.notHealed() + " not",
                    "check.heal",
                    "packfiles",
                    result.healed(),
                    "not_healed",
                    result.notHealed(),
                    "dry_run",
                    isDryRun);
            return result.healed() > 0 && !isDryRun;
        } finally {
            if (lock != null) {
                lock.close();
            }
        }
    }

    private static int check(
            Session session,
            Repository repository,
            Flags.Arguments arguments,
            CheckRequest.@Nullable Sample sample,
            SnapshotQuery query,
            boolean isWhole)
            throws IOException {
        Report report = session.report();
        if (sample != null) {
            ReadLog log = ReadLog.load(session.readLog(repository));
            return run(
                    session,
                    repository,
                    new CheckRequest(List.of(), false, true, session.readers(repository), sample, log));
        }
        Snapshots snapshots = new Snapshots(repository, report);
        List<Target> targets = new ArrayList<>();
        if (arguments.words().isEmpty()) {
            snapshots.matching(query).forEach(header -> targets.add(new Target(header, SnapshotPath.ROOT)));
        } else if (!query.isEmpty()) {
            report.warn("snapshot specified, filters will be ignored");
        }
        for (String word : arguments.words()) {
            targets.add(target(repository, snapshots, word));
        }
        boolean verifiesStore = arguments.has("store") ? arguments.is("store") : isWhole && !arguments.is("fast");
        int code = run(
                session,
                repository,
                new CheckRequest(
                        targets,
                        arguments.is("fast"),
                        verifiesStore,
                        session.readers(repository),
                        null,
                        verifiesStore && !arguments.is("fast") ? ReadLog.load(session.readLog(repository)) : null));
        return snapshots.isDamaged() ? ExitCode.DAMAGE : code;
    }

    private static CheckRequest.@Nullable Sample sample(Flags.Arguments arguments) {
        String percent = arguments.get("percent");
        if (percent == null && !arguments.is("since-last")) {
            return null;
        }
        String number =
                percent == null ? "100" : percent.endsWith("%") ? percent.substring(0, percent.length() - 1) : percent;
        if (!number.matches("[1-9][0-9]?|100")) {
            throw CommandException.usage("-percent " + percent + ": expected a whole number from 1 to 100, such as 10");
        }
        return new CheckRequest.Sample(Integer.parseInt(number), arguments.is("since-last"));
    }

    private static Target target(Repository repository, Snapshots snapshots, String word) {
        Snapshots.Name name = Snapshots.Name.parse(word);
        SnapshotHeader header = snapshots.find(name);
        if (name.path().isEmpty()) {
            return new Target(header, SnapshotPath.ROOT);
        }
        try (BlobReader reader = repository.newReader()) {
            Snapshot snapshot = Snapshot.of(header, reader);
            byte[] path = snapshot.resolve(name.pathBytes());
            Entry entry = snapshot.lookUp(path);
            if (entry == null) {
                throw new CommandException(
                        ExitCode.ERROR,
                        SnapshotPath.display(path) + ": file does not exist in snapshot "
                                + header.identifier().shortHex());
            }
            return new Target(header, entry.path());
        }
    }

    /** Checks, tells, and returns the exit code. */
    static int run(Session session, Repository repository, CheckRequest request) throws IOException {
        Report report = session.report();
        CheckResult result;
        try (LiveView view = session.show("check")) {
            result = Check.run(repository, request, new Events(session, view, request));
        }
        if (request.sample() != null) {
            tellSample(result, report);
        } else if (request.store()) {
            report.summary(
                    "store: check completed " + BackupCommand.withErrors(result.storeProblems()) + " ("
                            + GoFormat.bytes(result.bytesRead()) + " read)",
                    "check.store",
                    "errors",
                    result.storeProblems(),
                    "bytes_read",
                    result.bytesRead());
        }
        if (result.isOnlyUnreadable() && !session.isStateDamaged()) {
            report.failure(
                    "check could not read all of it, and what it read is not damaged: see to the disk, the server or the"
                            + " permissions, and check again",
                    ExitCode.IO);
            return ExitCode.IO;
        }
        if (result.failedSnapshots() > 0) {
            long failed = result.failedSnapshots();
            report.failure("check failed for " + failed + (failed == 1 ? " snapshot" : " snapshots"), ExitCode.DAMAGE);
            return ExitCode.DAMAGE;
        }
        if (result.storeProblems() > 0 || session.isStateDamaged()) {
            report.failure(
                    request.sample() != null
                            ? "check found damage in the store: `armoire check` tells which files it is about"
                            : "check found damage in the store; what every snapshot needs is whole",
                    ExitCode.DAMAGE);
            return ExitCode.DAMAGE;
        }
        return ExitCode.OK;
    }

    private static void tellSample(CheckResult result, Report report) {
        long all = result.packfilesRead() + result.packfilesLeft();
        report.summary(
                "store: " + result.packfilesRead() + " of " + all + " packfiles checked "
                        + BackupCommand.withErrors(result.storeProblems()) + " ("
                        + GoFormat.bytes(result.bytesRead()) + " read)",
                "check.sample",
                "packfiles_read",
                result.packfilesRead(),
                "packfiles_left",
                result.packfilesLeft(),
                "packfiles_never_read",
                result.neverRead(),
                "errors",
                result.storeProblems(),
                "bytes_read",
                result.bytesRead());
        if (result.packfilesLeft() > 0) {
            String oldest = result.oldestSeconds() == 0
                    ? ""
                    : "; the oldest of the others was read on " + Instant.ofEpochSecond(result.oldestSeconds());
            report.info("the other " + result.packfilesLeft() + " were not read this time, " + result.neverRead()
                    + " of them never by a check from here" + oldest);
        }
        report.info("snapshots were not gone through: `armoire check` does that");
    }

    /** Tells what a check finds. */
    private static final class Events implements CheckEvents {
        private final Session session;
        private final @Nullable LiveView view;
        private final List<Target> targets;
        private final LongAdder errors = new LongAdder();
        private final LongAdder finished = new LongAdder();

        Events(Session session, @Nullable LiveView view, CheckRequest request) {
            this.session = session;
            this.view = view;
            this.targets = request.targets();
            if (view != null) {
                // Of a whole store, first come the large files; what their chunks are is not known before.
                view.follow(() -> request.store() ? largeFiles() : snapshots(view));
            }
        }

        /** One snapshot alone is gone through item by item; of several, the same trees are not gone through again. */
        @Override
        public boolean wantsItems() {
            return session.report().showsItems() || view != null && targets.size() == 1;
        }

        private LiveView.Figures largeFiles() {
            long read = session.bytesRead();
            return new LiveView.Figures("store", "", -1, 0, read, 0, read, "large files first", errors.sum());
        }

        private LiveView.Figures snapshots(LiveView shown) {
            long read = session.bytesRead();
            if (targets.size() != 1) {
                String of = finished.sum() + " of " + targets.size() + " snapshots";
                return new LiveView.Figures("", "", -1, 0, read, 0, read, of, errors.sum());
            }
            Target only = targets.getFirst();
            Summary.Counters all = only.header().source().summary().below();
            boolean isWhole = SnapshotPath.isRoot(only.path());
            long expected = isWhole ? all.files + all.directories + all.symlinks + all.devices + all.pipes : 0;
            String id = only.header().identifier().shortHex();
            return new LiveView.Figures(id, "items", shown.items(), expected, read, 0, read, "", errors.sum());
        }

        @Override
        public void reading(LongSupplier read, long packfiles) {
            LiveView shown = view;
            if (shown != null) {
                shown.follow(() -> {
                    long done = read.getAsLong();
                    if (done == packfiles) {
                        return snapshots(shown);
                    }
                    long bytes = session.bytesRead();
                    return new LiveView.Figures(
                            "store", "packfiles", done, packfiles, bytes, 0, bytes, "", errors.sum());
                });
            }
        }

        @Override
        public void done(Mac snapshot, byte[] path) {
            session.report().ok(snapshot.shortHex(), path);
        }

        @Override
        public void failed(Mac snapshot, byte[] path, String reason) {
            errors.increment();
            session.report().ko(snapshot.shortHex(), path, reason);
        }

        @Override
        public void storeProblem(String object, String reason) {
            errors.increment();
            session.report().objectKo(object, reason);
        }

        @Override
        public void snapshotDone(Mac snapshot, long errors, long bytesRead, long nanos) {
            finished.increment();
            session.report()
                    .summary(
                            snapshot.shortHex() + ": check completed " + BackupCommand.withErrors(errors) + " in "
                                    + GoFormat.duration(nanos) + " (in: " + GoFormat.bytes(bytesRead) + ", out: 0 B)",
                            "check.done",
                            "snapshot",
                            snapshot.hex(),
                            "errors",
                            errors,
                            "store_bytes_read",
                            bytesRead,
                            "duration_nanoseconds",
                            nanos);
        }

        @Override
        public void notice(String text) {
            session.report().warn(text);
        }
    }
}
