// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.check.Check;
import dev.armoire.engine.check.CheckEvents;
import dev.armoire.engine.check.CheckRequest;
import dev.armoire.engine.check.CheckResult;
import dev.armoire.engine.check.Target;
import dev.armoire.engine.query.SnapshotQuery;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** {@code check}: looks for damage. */
final class CheckCommand implements Command {
    @Override
    public String usage() {
        return "check [-fast] [-store] [FILTER...] [ID[:PATH]...]";
    }

    @Override
    public String description() {
        return """
            Looks for damage. Without arguments, every byte of every packfile and state of
            the store is read and verified, and then every snapshot. With filters, ids or
            paths only these are read, unless -store is given. Damaged files are named by
            path (`KO`), and the exit code is 65.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("fast", "only see whether all data is there; does not find changed bytes")
                .flag("store", "also verify every packfile as a whole (default without filters and ids)")
                .flag("no-verify", "do not verify signatures (snapshots have none so far)");
        FilterFlags.declareQuery(flags);
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        Report report = session.report();
        SnapshotQuery query = FilterFlags.query(arguments, report);
        boolean isWhole = arguments.words().isEmpty() && query.isEmpty();
        try (Repository repository = session.openForReading()) {
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
                    new CheckRequest(targets, arguments.is("fast"), verifiesStore, session.workers()));
            return snapshots.isDamaged() ? ExitCode.DAMAGE : code;
        }
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
        CheckResult result = Check.run(repository, request, new Events(session));
        if (request.store()) {
            report.summary(
                    "store: check completed " + BackupCommand.withErrors(result.storeProblems()) + " ("
                            + GoFormat.bytes(result.bytesRead()) + " read)",
                    "check.store",
                    "errors",
                    result.storeProblems(),
                    "bytes_read",
                    result.bytesRead());
        }
        if (result.failedSnapshots() > 0) {
            long failed = result.failedSnapshots();
            report.failure("check failed for " + failed + (failed == 1 ? " snapshot" : " snapshots"), ExitCode.DAMAGE);
            return ExitCode.DAMAGE;
        }
        if (result.storeProblems() > 0 || session.isStateDamaged()) {
            report.failure("check found damage in the store; what every snapshot needs is whole", ExitCode.DAMAGE);
            return ExitCode.DAMAGE;
        }
        return ExitCode.OK;
    }

    /** Tells what a check finds. */
    private record Events(Session session) implements CheckEvents {
        @Override
        public boolean wantsItems() {
            return session.report().showsItems();
        }

        @Override
        public void done(Mac snapshot, byte[] path) {
            session.report().ok(snapshot.shortHex(), path);
        }

        @Override
        public void failed(Mac snapshot, byte[] path, String reason) {
            session.report().ko(snapshot.shortHex(), path, reason);
        }

        @Override
        public void storeProblem(String object, String reason) {
            session.report().objectKo(object, reason);
        }

        @Override
        public void snapshotDone(Mac snapshot, long errors, long bytesRead, long nanos) {
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
