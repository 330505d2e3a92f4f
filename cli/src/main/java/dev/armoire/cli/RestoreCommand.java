// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.ExporterFactory;
import dev.armoire.connectors.spi.Location;
import dev.armoire.engine.query.SnapshotFilter;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.restore.Restore;
import dev.armoire.engine.restore.RestoreEvents;
import dev.armoire.engine.restore.RestoreResult;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.atomic.LongAdder;

/** {@code restore}: gives back what was backed up. */
final class RestoreCommand implements Command {
    @Override
    public String usage() {
        return "restore [-to DIR|stdout:] [-skip-permissions] [FILTER...] [ID[:PATH]]";
    }

    @Override
    public String description() {
        return """
            Restores what lies at PATH in a snapshot: the contents of a folder, or a single
            file under its name. Without an id, the latest snapshot that matches. Without
            -to, into a new folder armoire-YYYYMMDDhhmmss here; `-to stdout:` writes the
            content of one file to standard output.

            Owners, modes, times, attributes, hard links, holes and special files are
            restored as far as the system allows; what it does not allow is listed (`warn`)
            and makes the exit code 3, as do items that failed (`KO`); 65 when the reason is
            damage in the store. Every file is verified before it appears under its name.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.value("to", "DIR", "where to; files that are there already are replaced, others left alone")
                .flag("skip-permissions", "leave owner and mode to this process and its umask")
                .value("o", "KEY=VALUE", "setting of the target")
                .value("name", "TEXT", "latest snapshot with this name")
                .value("category", "TEXT", "latest snapshot of this category")
                .value("environment", "TEXT", "latest snapshot of this environment")
                .value("perimeter", "TEXT", "latest snapshot of this perimeter")
                .value("job", "TEXT", "latest snapshot of this job")
                .value("tag", "LIST", "latest snapshot with these tags");
    }

    @Override
    public String interrupted() {
        return "interrupted; the files restored so far are whole";
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        Report report = session.report();
        if (arguments.words().size() > 1) {
            throw CommandException.usage("multiple snapshots found, please specify one: restore takes one ID[:PATH]");
        }
        SnapshotFilter filter = FilterFlags.of(arguments, report);
        String to = arguments.get("to");
        if (to == null) {
            LocalDateTime now = LocalDateTime.now(ZoneId.systemDefault());
            to = "armoire-"
                    + DateTimeFormatter.ofPattern("uuuuMMddHHmmss", Locale.ROOT).format(now);
        } else if (to.startsWith("@")) {
            throw new CommandException(ExitCode.ERROR, "could not resolve exporter: " + to);
        } else if (to.isEmpty()) {
            throw CommandException.usage("-to needs a folder");
        }
        try (Repository repository = session.openForReading();
                BlobReader reader = repository.newReader()) {
            Snapshots snapshots = new Snapshots(repository, report);
            Snapshots.Name name = arguments.words().isEmpty()
                    ? new Snapshots.Name("", "")
                    : Snapshots.Name.parse(arguments.words().getFirst());
            SnapshotHeader header = choose(snapshots, name, filter, report);
            Snapshot snapshot = Snapshot.of(header, reader);
            if (to.equals("stdout:")) {
                CatCommand.write(snapshot, CatCommand.find(snapshot, name), false, report.contents());
                return session.exitCode(ExitCode.OK);
            }
            Entry start = FileWalk.start(snapshot, name);
            return session.exitCode(restore(session, repository, header, start, to, arguments));
        }
    }

    private static SnapshotHeader choose(
            Snapshots snapshots, Snapshots.Name name, SnapshotFilter filter, Report report) {
        if (!name.prefix().isEmpty()) {
            if (!filter.isEmpty()) {
                report.warn("snapshot specified, filters will be ignored");
            }
            return snapshots.find(name);
        }
        if (filter.isEmpty()) {
            return snapshots.find(name);
        }
        List<SnapshotHeader> matching = snapshots.matching(filter);
        if (matching.isEmpty()) {
            throw Snapshots.none();
        }
        return matching.getFirst();
    }

    private static int restore(
            Session session,
            Repository repository,
            SnapshotHeader header,
            Entry start,
            String to,
            Flags.Arguments arguments)
            throws IOException {
        Report report = session.report();
        byte[] base = start.isDirectory() ? start.path() : SnapshotPath.parent(start.path());
        Events events = new Events(report, header.identifier().shortHex(), base);
        RestoreResult result;
        try (Exporter exporter = open(Location.parse(to), arguments, events)) {
            result = Restore.run(repository, header.identifier(), start.path(), exporter, events, session.workers());
        }
        long lost = events.lost.sum();
        report.summary(
                "restored " + result.files() + " files, " + result.folders() + " folders, "
                        + GoFormat.bytes(result.bytes()) + ", " + result.failed() + " failed"
                        + (lost == 0 ? "" : ", " + lost + " with metadata lost"),
                "restore.done",
                "snapshot",
                header.identifier().hex(),
                "target",
                to,
                "files",
                result.files(),
                "folders",
                result.folders(),
                "bytes",
                result.bytes(),
                "failed",
                result.failed(),
                "metadata_lost",
                lost);
        if (result.isDamaged()) {
            report.failure("damaged data in the store: what could be read was restored", ExitCode.DAMAGE);
            return ExitCode.DAMAGE;
        }
        return result.failed() + lost > 0 ? ExitCode.PARTIAL : ExitCode.OK;
    }

    private static Exporter open(Location target, Flags.Arguments arguments, Events events) {
        Map<String, String> settings = new LinkedHashMap<>();
        for (String text : arguments.all("o")) {
            int equals = text.indexOf('=');
            if (equals <= 0) {
                throw CommandException.usage("-o " + text + ": KEY=VALUE is wanted");
            }
            settings.put(text.substring(0, equals), text.substring(equals + 1));
        }
        for (ExporterFactory factory : ServiceLoader.load(ExporterFactory.class)) {
            if (factory.accepts(target)) {
                try {
                    return factory.open(target, !arguments.is("skip-permissions"), settings, events::lostInTarget);
                } catch (IOException e) {
                    throw new CommandException(
                            ExitCode.CANNOT_CREATE,
                            "cannot restore to " + target.path() + ": " + Failures.message(e),
                            e);
                }
            }
        }
        throw new CommandException(
                ExitCode.ERROR,
                "no kind of target is called \"" + target.scheme() + "\": a folder or stdout: is wanted");
    }

    /** Tells what a restore does, with paths as they are below the target. */
    private static final class Events implements RestoreEvents {
        private final Report report;
        private final String id;
        private final byte[] base;
        private final LongAdder lost = new LongAdder();

        Events(Report report, String id, byte[] base) {
            this.report = report;
            this.id = id;
            this.base = base;
        }

        private byte[] inTarget(byte[] path) {
            return SnapshotPath.isWithin(path, base) ? SnapshotPath.clean(SnapshotPath.relative(path, base)) : path;
        }

        @Override
        public void done(byte[] path) {
            report.ok(id, inTarget(path));
        }

        @Override
        public void failed(byte[] path, String reason, boolean isDamage) {
            report.ko(id, inTarget(path), reason);
        }

        @Override
        public void lost(byte[] path, String what) {
            lostInTarget(inTarget(path), what);
        }

        void lostInTarget(byte[] path, String what) {
            lost.increment();
            report.warn(SnapshotPath.display(SnapshotPath.clean(path)) + ": " + what);
        }
    }
}
