// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.ExistingFiles;
import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.ExporterFactory;
import dev.armoire.connectors.spi.Location;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.engine.exclude.ExcludeRules;
import dev.armoire.engine.query.SnapshotFilter;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.Summary;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.restore.Overwrite;
import dev.armoire.engine.restore.Restore;
import dev.armoire.engine.restore.RestoreEvents;
import dev.armoire.engine.restore.RestoreOptions;
import dev.armoire.engine.restore.RestoreResult;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** {@code restore}: gives back what was backed up. */
final class RestoreCommand implements Command {
    @Override
    public String usage() {
        return "restore [-to DIR|@NAME|KIND:PLACE|stdout:] [-overwrite MODE] [-delete] [-dry-run] [-verify] [FILTER...]"
                + " [ID[:PATH]]";
    }

    @Override
    public String description() {
        return """
            Restores what lies at PATH in a snapshot: the contents of a folder, or a single
            file under its name. Without an id, the latest snapshot that matches. Without
            -to, into a new folder armoire-YYYYMMDDhhmmss here; `-to @NAME` is a destination of
            the configuration; `-to stdout:` writes the content of one file to standard
            output, `-to tar:FILE` and `-to tgz:FILE` make an archive, which has its name
            when it is whole.

            Owners, modes, times, attributes, hard links, holes and special files are
            restored as far as the system allows; what it does not allow is listed (`warn`)
            and makes the exit code 3, as do items that failed (`KO`); 65 when the reason is
            damage in the store. Every file is verified before it appears under its name.

            MODE is always (replace what is there), changed (what differs in kind, size, time,
            permissions, owner or link target), newer (what is older than in the snapshot) or
            never. Folders that are there are shared. -delete removes from DIR what the
            snapshot does not have, and what is in the way of its items; look at -dry-run
            first. It follows no link, enters no other file system, leaves what could not be
            read when the snapshot was made, and removes nothing if the snapshot is damaged.

            Owners are those of the stored numbers; with -owners names, users and groups of the
            stored names where this machine has them. OLD is a number or a stored name, or *
            for everybody else; NEW a number or a name here. The first -map-user that fits
            counts, then -owners. Access lists (ACL) keep their numbers.

            PATTERN is as in .gitignore, matched below PATH: *.log at any depth, one with a
            slash from PATH and from /, !PATTERN takes back. What patterns leave out is neither
            written nor deleted.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.value("to", "DIR", "where to; files that are there already are replaced, others left alone")
                .value("overwrite", "always|changed|newer|never", "replace files that are there (default always)")
                .flag("delete", "remove from DIR what the snapshot does not have")
                .flag("dry-run", "only list what would be written, overwritten and deleted")
                .value("include", "PATTERN", "restore only what matches; may be repeated")
                .value("exclude", "PATTERN", "leave alone what matches; may be repeated")
                .flag("verify", "read back what was written and compare it with the snapshot")
                .flag("skip-permissions", "leave owner and mode to this process and its umask")
                .value("owners", "numbers|names", "whose files they are: stored numbers (default), or names")
                .value("map-user", "OLD:NEW", "files of OLD become those of NEW; may be repeated")
                .value("map-group", "OLD:NEW", "the same for groups")
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
        } else if (to.isEmpty()) {
            throw CommandException.usage("-to needs a folder");
        }
        if (to.startsWith("ptar:")) {
            throw CommandException.usage(
                    "restore makes no archive: `armoire sync ID to FILE.ptar` does, and keeps all that"
                            + " the snapshot has");
        }
        boolean isStream = Location.parse(to).scheme().equals("stdout");
        checkCombination(arguments, isStream);
        PlacesFile.Place target = to.startsWith("@")
                ? session.find(PlacesFile.Kind.DESTINATION, to.substring(1))
                : new PlacesFile.Place(Location.parse(to), Map.of());
        Overwrite overwrite = overwrite(arguments);
        try (Repository repository = session.openForReading();
                BlobReader reader = repository.newReader()) {
            Snapshots snapshots = new Snapshots(repository, report);
            Snapshots.Name name = arguments.words().isEmpty()
                    ? new Snapshots.Name("", "")
                    : Snapshots.Name.parse(arguments.words().getFirst());
            SnapshotHeader header = choose(snapshots, name, filter, report);
            Snapshot snapshot = Snapshot.of(header, reader);
            if (isStream) {
                CatCommand.write(snapshot, CatCommand.find(snapshot, name), false, report.contents());
                return session.exitCode(ExitCode.OK);
            }
            Entry start = FileWalk.start(snapshot, name);
            if (arguments.is("delete") && !start.isDirectory()) {
                throw CommandException.usage("-delete is for folders, and " + SnapshotPath.display(start.path())
                        + " is none in the snapshot");
            }
            return session.exitCode(restore(session, repository, header, start, target, overwrite, arguments));
        }
    }

    private static void checkCombination(Flags.Arguments arguments, boolean isStream) {
        for (String flag : List.of("overwrite", "delete", "dry-run", "include", "exclude", "verify")) {
            if (isStream && arguments.has(flag)) {
                throw CommandException.usage("-" + flag + " is for folders, not for standard output");
            }
        }
        for (String flag : List.of("owners", "map-user", "map-group")) {
            if (arguments.has(flag) && (isStream || arguments.is("skip-permissions"))) {
                throw CommandException.usage("-" + flag + " is of no use where no owner is set: leave out "
                        + (isStream ? "it" : "it or -skip-permissions"));
            }
        }
        if (arguments.is("dry-run") && arguments.is("verify")) {
            throw CommandException.usage("-verify has nothing to read when -dry-run writes nothing; leave out one");
        }
    }

    private static Overwrite overwrite(Flags.Arguments arguments) {
        String mode = arguments.get("overwrite", "always");
        return switch (mode) {
            case "always" -> Overwrite.ALWAYS;
            case "changed", "if-changed" -> Overwrite.CHANGED;
            case "newer", "if-newer" -> Overwrite.NEWER;
            case "never" -> Overwrite.NEVER;
            default ->
                throw CommandException.usage("-overwrite " + mode + ": always, changed, newer or never is wanted");
        };
    }

    /** The rules that patterns make, or null when there are none. */
    private static @Nullable ExcludeRules rules(Flags.Arguments arguments, String flag, byte[] base, Report report) {
        if (!arguments.has(flag)) {
            return null;
        }
        ExcludeRules.Builder builder = ExcludeRules.builder().sourceRoot(base);
        arguments.all(flag).forEach(pattern -> builder.pattern(pattern, "-" + flag));
        ExcludeRules rules = builder.build();
        rules.brokenPatterns().forEach(broken -> report.warn(broken + "; it is not used"));
        return rules;
    }

    /** The store's place below the target, if it is there: it must not be taken for something superfluous. */
    private static List<byte[]> preserved(Session session, Location to) throws IOException {
        Path store = session.place().localPath();
        if (store == null || !Files.exists(store)) {
            return List.of();
        }
        Path target = Path.of(to.path());
        if (!Files.exists(target)) {
            return List.of();
        }
        Path real = target.toRealPath();
        Path place = store.toRealPath();
        return place.startsWith(real)
                ? List.of(SnapshotPath.of(real.relativize(place).toString()))
                : List.of();
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
            PlacesFile.Place place,
            Overwrite overwrite,
            Flags.Arguments arguments)
            throws IOException {
        Report report = session.report();
        byte[] base = start.isDirectory() ? start.path() : SnapshotPath.parent(start.path());
        ExcludeRules excludes = rules(arguments, "exclude", base, report);
        ExcludeRules includes = rules(arguments, "include", base, report);
        boolean isPlan = arguments.is("dry-run");
        boolean looks = isPlan || arguments.is("delete") || arguments.is("verify") || arguments.has("overwrite");
        RestoreOptions options = new RestoreOptions(
                overwrite,
                arguments.is("delete"),
                arguments.is("delete") ? preserved(session, place.location()) : List.of(),
                arguments.is("verify"),
                !arguments.is("skip-permissions"),
                OwnerMap.of(arguments),
                excludes == null ? ExcludeRules.none() : excludes,
                includes,
                session.readers(repository));
        Events events = new Events(report, header.identifier().shortHex(), base);
        Location target = place.location();
        Map<String, String> settings = new LinkedHashMap<>(place.settings());
        settings.putAll(arguments.settings("o"));
        RestoreResult result;
        try (LiveView view = isPlan ? null : session.show("restore");
                Exporter exporter = isPlan ? null : open(target, settings, arguments, events);
                ExistingFiles existing = looks ? look(target, settings) : null) {
            if (view != null) {
                events.show(view, expected(repository, header, start));
            }
            result = Restore.run(repository, header.identifier(), start.path(), exporter, existing, options, events);
        }
        for (ExcludeRules rules : new ExcludeRules[] {excludes, includes}) {
            if (rules != null) {
                rules.unmatchedPatterns().forEach(pattern -> report.warn(pattern + " matched nothing"));
            }
        }
        long lost = events.lost.sum();
        report.summary(
                summary(result, lost, looks, isPlan),
                isPlan ? "restore.plan" : "restore.done",
                "snapshot",
                header.identifier().hex(),
                "target",
                target.scheme().equals("fs") ? target.path() : target,
                "files",
                result.files(),
                "folders",
                result.folders(),
                "bytes",
                result.bytes(),
                "failed",
                result.failed(),
                "metadata_lost",
                lost,
                "overwritten",
                looks ? result.overwritten() : null,
                "kept",
                result.kept(),
                "deleted",
                result.deleted(),
                "verified",
                result.verified());
        if (result.isDamaged()) {
            report.failure("damaged data in the store: what could be read was restored", ExitCode.DAMAGE);
            return ExitCode.DAMAGE;
        }
        return result.failed() + lost > 0 ? ExitCode.PARTIAL : ExitCode.OK;
    }

    private static String summary(RestoreResult result, long lost, boolean looks, boolean isPlan) {
        StringBuilder text = new StringBuilder(isPlan ? "dry run: would restore " : "restored ")
                .append(result.files())
                .append(" files");
        if (looks) {
            text.append(" (").append(result.overwritten()).append(" in place of others)");
        }
        text.append(", ").append(result.folders()).append(" folders, ").append(GoFormat.bytes(result.bytes()));
        if (looks) {
            text.append(isPlan ? ", leave " : ", left ")
                    .append(result.kept())
                    .append(" as they were")
                    .append(isPlan ? ", delete " : ", deleted ")
                    .append(result.deleted());
        }
        if (result.verified() > 0) {
            text.append(", verified ").append(result.verified());
        }
        text.append(", ").append(result.failed()).append(" failed");
        return lost == 0
                ? text.toString()
                : text.append(", ").append(lost).append(" with metadata lost").toString();
    }

    /** Counts of what is to come: what a summary says of a directory, or a single item. */
    private static Summary expected(Repository repository, SnapshotHeader header, Entry start) {
        Summary summary = null;
        if (start.isDirectory()) {
            try (BlobReader reader = repository.newReader()) {
                summary = Snapshot.of(header, reader).summary(start.path());
            } catch (CorruptDataException e) {
                // Then nobody knows; the restore itself will tell what is damaged.
            }
        }
        Summary known = summary == null ? new Summary() : summary;
        known.below().size += start.isRegular() ? start.info().size() : 0;
        return known;
    }

    private static Exporter open(
            Location target, Map<String, String> settings, Flags.Arguments arguments, Events events) {
        try {
            return factory(target).open(target, !arguments.is("skip-permissions"), settings, events::lostInTarget);
        } catch (IOException e) {
            throw cannotRestore(target, e);
        }
    }

    private static ExistingFiles look(Location target, Map<String, String> settings) {
        try {
            return factory(target).look(target, settings);
        } catch (IOException e) {
            throw cannotRestore(target, e);
        }
    }

    private static CommandException cannotRestore(Location target, IOException e) {
        return new CommandException(
                ExitCode.CANNOT_CREATE, "cannot restore to " + target.path() + ": " + Failures.message(e), e);
    }

    /** The kind of target that understands a place. */
    static ExporterFactory factory(Location target) {
        ExporterFactory factory = ExporterFactory.find(target);
        if (factory != null) {
            return factory;
        }
        throw new CommandException(
                ExitCode.ERROR,
                "no kind of target is called \"" + target.scheme()
                        + "\": a folder, tar:FILE, tgz:FILE or stdout: is wanted");
    }

    /** Tells what a restore does, with paths as they are below the target. */
    private static final class Events implements RestoreEvents {
        private final Report report;
        private final String id;
        private final byte[] base;
        private final LongAdder lost = new LongAdder();
        private final LongAdder failed = new LongAdder();
        private @Nullable LiveView view;
        private long expectedItems;
        private long expectedBytes;

        Events(Report report, String id, byte[] base) {
            this.report = report;
            this.id = id;
            this.base = base;
        }

        /** Shows how far it is; what patterns leave out is not known before. */
        void show(LiveView shown, Summary expected) {
            view = shown;
            Summary.Counters own = expected.directory();
            Summary.Counters below = expected.below();
            expectedBytes = own.size + below.size;
            expectedItems = own.files
                    + below.files
                    + own.directories
                    + below.directories
                    + own.symlinks
                    + below.symlinks
                    + own.devices
                    + below.devices
                    + own.pipes
                    + below.pipes;
        }

        @Override
        public void progress(LongSupplier writtenBytes) {
            LiveView shown = view;
            if (shown != null) {
                shown.follow(() -> {
                    long bytes = writtenBytes.getAsLong();
                    return new LiveView.Figures(
                            id, "items", shown.items(), expectedItems, bytes, expectedBytes, bytes, "", failed.sum());
                });
            }
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
            failed.increment();
            report.ko(id, inTarget(path), reason);
        }

        @Override
        public void deleted(byte[] path) {
            report.change(id, "deleted", inTarget(path));
        }

        @Override
        public void planned(byte[] path, Change change) {
            report.planned(id, change.name().toLowerCase(Locale.ROOT), inTarget(path));
        }

        @Override
        public void notice(String text) {
            report.warn(text);
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
