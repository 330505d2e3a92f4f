// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.crypto.Hashing;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.backup.Backup;
import dev.armoire.engine.backup.BackupEvents;
import dev.armoire.engine.backup.BackupOptions;
import dev.armoire.engine.backup.BackupProgress;
import dev.armoire.engine.backup.BackupResult;
import dev.armoire.engine.backup.Scan;
import dev.armoire.engine.check.CheckRequest;
import dev.armoire.engine.check.Target;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.Repository;
import dev.armoire.packfile.Compression;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** {@code backup}: makes a snapshot. */
final class BackupCommand implements Command {
    @Override
    public String usage() {
        return "backup [FLAG...] [PLACE...]";
    }

    @Override
    public String description() {
        return """
            Makes one snapshot of the files at PLACE..., by default the current folder.
            Files that the last snapshot of the same place has unchanged are not read
            again. Without a store at the default place ~/.armoire and none named, one is
            made there first. A PLACE may also be tar:FILE (what is in an archive, compressed
            or not) or stdin:NAME (standard input, as a file of that name).

            What cannot be read is listed (`KO`), recorded in the snapshot, and makes the
            exit code 3. When nothing at all could be read it is 1. A file that changes while
            it is read is read again, twice at most; then it is saved as it was read, and
            listed.

            PATTERN is as in .gitignore: *.log matches at any depth, a pattern with a slash
            is matched from / and from each PLACE (one that begins with ./ only from there),
            !PATTERN takes back. With -files-from only the paths in FILE and what lies below
            them are backed up; the snapshot's root is the folder that holds them all.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.value("name", "TEXT", "name of the snapshot (default: default)")
                .value("category", "TEXT", "its category")
                .value("environment", "TEXT", "its environment")
                .value("perimeter", "TEXT", "its perimeter")
                .value("job", "TEXT", "the job it belongs to")
                .value("tag", "LIST", "its tags (default: ARMOIRE_TAGS or PLAKAR_TAGS)")
                .value("force-timestamp", "TIME", "say that it was taken at TIME")
                .value(
                        "files-from",
                        "FILE",
                        "back up the paths in FILE, one a line; - is standard input; may be repeated")
                .value("files-from0", "FILE", "the same with a NUL byte after each path, as find -print0 writes them")
                .flag("one-file-system", "do not enter other file systems below a PLACE")
                .value("o", "KEY=VALUE", "setting of the source: dont_traverse_fs=true stays on one file system")
                .flag("check", "check the snapshot when it is made")
                .flag("dry-run", "only list what would be backed up")
                .value("cache", "vfs|no|PATH", "no: read every file, whatever the last snapshot has")
                .value("packfiles", "memory|DIR", "where packfiles are put together; always in memory")
                .flag("no-progress", "no view of the progress on a terminal");
        Sources.declareOmissions(flags);
        Hooks.declare(flags);
    }

    @Override
    public String interrupted() {
        return "interrupted; no snapshot was made, and the store is as it was";
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        Report report = session.report();
        boolean usesParent = usesParent(arguments, report);
        List<String> tags = tags(session, arguments);
        Instant timestamp = timestamp(arguments, report);
        if (arguments.is("dry-run")) {
            Path local = session.place().localPath();
            try (Sources sources = Sources.open(session, arguments, local == null ? List.of() : List.of(local))) {
                return new DryRun(report, sources).run();
            }
        }
        Hooks hooks = Hooks.of(session, arguments);
        int exitCode;
        try {
            hooks.before();
            exitCode = backUp(session, arguments, usesParent, tags, timestamp, hooks);
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
            hooks.failed(e);
            throw e;
        }
        return hooks.after(exitCode);
    }

    private static int backUp(
            Session session,
            Flags.Arguments arguments,
            boolean usesParent,
            List<String> tags,
            @Nullable Instant timestamp,
            Hooks hooks)
            throws IOException {
        Session.StorePlace place = session.place();
        Path local = place.localPath();
        Path missing = place.isDefault() && local != null && !Files.exists(local) ? local : null;
        if (missing == null) {
            session.openAhead();
        }
        try (Sources sources = Sources.open(session, arguments, local == null ? List.of() : List.of(local))) {
            if (missing != null) {
                createDefault(session, missing);
            }
            // The walk goes on while the passphrase becomes a key, which takes a second or more.
            try (Scan scan = Scan.start(sources.importers());
                    Repository repository = session.openForWriting()) {
                BackupOptions options = new BackupOptions(
                        arguments.get("name", "default"),
                        arguments.get("category", ""),
                        arguments.get("environment", ""),
                        arguments.get("perimeter", ""),
                        arguments.get("job", ""),
                        tags,
                        timestamp,
                        usesParent,
                        session.workers(),
                        session.scratch(),
                        CommandLineText.of(session.invocation().words()),
                        session.isLockless());
                return backUp(session, repository, sources, scan, options, arguments.is("check"), hooks);
            }
        }
    }

    static boolean usesParent(Flags.Arguments arguments, Report report) {
        String cache = arguments.get("cache", "vfs");
        String packfiles = arguments.get("packfiles", "memory");
        if (!packfiles.equals("memory")) {
            if (!Files.isDirectory(Path.of(packfiles))) {
                throw CommandException.usage("-packfiles " + packfiles + ": memory or a folder is wanted");
            }
            report.warn(
                    "-packfiles " + packfiles + " is of no use: packfiles are put together in memory, of bounded size");
        }
        return switch (cache) {
            case "vfs" -> true;
            case "no" -> false;
            default -> {
                if (!cache.contains("/")) {
                    throw CommandException.usage(
                            "-cache " + cache + ": vfs (compare with the last snapshot), no, or a PATH is wanted");
                }
                report.warn(
                        "-cache " + cache
                                + " is of no use: files are compared with the last snapshot, and -cachedir says where caches are");
                yield true;
            }
        };
    }

    private static List<String> tags(Session session, Flags.Arguments arguments) {
        List<String> given = arguments.all("tag");
        if (given.size() > 1) {
            throw CommandException.usage("-tag once only, with commas between tags: -tag a,b");
        }
        if (!given.isEmpty()) {
            return split(given.getFirst());
        }
        String variable = session.surroundings().variable("TAGS");
        return variable == null
                ? List.of()
                : split(variable).stream()
                        .map(String::strip)
                        .filter(tag -> !tag.isEmpty())
                        .toList();
    }

    private static List<String> split(String list) {
        return Arrays.stream(list.split(",", -1)).filter(tag -> !tag.isEmpty()).toList();
    }

    private static @Nullable Instant timestamp(Flags.Arguments arguments, Report report) {
        String text = arguments.get("force-timestamp");
        if (text == null) {
            return null;
        }
        Instant now = Instant.now();
        Instant time = FilterFlags.time(text, now, report);
        if (time.isAfter(now)) {
            throw new CommandException(ExitCode.ERROR, "forced timestamp cannot be in the future");
        }
        return time;
    }

    private static void createDefault(Session session, Path path) throws IOException {
        byte[] passphrase = session.passphrases().forCreating(false, session.report());
        UUID id = CreateCommand.create(session, Hashing.BLAKE3, Compression.LZ4, passphrase);
        session.report()
                .notice("no store yet: created repository " + id + " at " + path + " (encrypted; keep the passphrase)");
    }

    private static int backUp(
            Session session,
            Repository repository,
            Sources sources,
            Scan scan,
            BackupOptions options,
            boolean checks,
            Hooks hooks)
            throws IOException {
        Report report = session.report();
        long begun = System.nanoTime();
        BackupResult result;
        try (LiveView view = session.show("backup")) {
            result = Backup.run(repository, scan, options, new Events(report, view));
        }
        long nanos = System.nanoTime() - begun;
        hooks.note(result);
        sources.warnOfUnmatchedPatterns(report);
        report.info("stored " + result.newChunks() + " new chunks of " + GoFormat.bytes(result.newChunkBytes())
                + " for " + result.items() + " items; read " + GoFormat.bytes(result.sourceBytes()) + ", "
                + result.unchangedFiles() + " files unchanged, " + result.errors() + " errors");
        String id = result.header().identifier().shortHex();
        report.summary(
                id + ": backup completed " + withErrors(result.errors()) + " in " + GoFormat.duration(nanos) + " ("
                        + session.traffic() + ")",
                "backup.done",
                "snapshot",
                result.header().identifier().hex(),
                "timestamp",
                result.header().timestamp(),
                "duration_nanoseconds",
                nanos,
                "items",
                result.items(),
                "unchanged_files",
                result.unchangedFiles(),
                "errors",
                result.errors(),
                "source_bytes",
                result.sourceBytes(),
                "new_chunks",
                result.newChunks(),
                "new_chunk_bytes",
                result.newChunkBytes(),
                "new_blobs",
                result.newBlobs(),
                "store_bytes_read",
                session.bytesRead(),
                "store_bytes_written",
                session.bytesWritten());
        int exitCode = exitCode(result, sources, report);
        if (checks) {
            repository.refresh();
            Target all = new Target(result.header(), SnapshotPath.ROOT);
            int found = CheckCommand.run(
                    session, repository, new CheckRequest(List.of(all), false, false, session.readers(repository)));
            exitCode = found == ExitCode.OK ? exitCode : found;
        }
        return exitCode;
    }

    private static int exitCode(BackupResult result, Sources sources, Report report) {
        // The root folder of a source is an item even if nothing of what is in it could be had.
        boolean isEmpty = result.items() <= sources.importers().size();
        if (isEmpty && result.errors() > 0) {
            report.failure("nothing could be read", ExitCode.ERROR);
            return ExitCode.ERROR;
        }
        if (isEmpty && sources.excluded() > 0) {
            report.failure("everything was left out by patterns", ExitCode.ERROR);
            return ExitCode.ERROR;
        }
        if (result.errors() > 0) {
            report.failure(unreadable(result.errors()), ExitCode.PARTIAL);
            return ExitCode.PARTIAL;
        }
        return ExitCode.OK;
    }

    private static String unreadable(long items) {
        return items + (items == 1 ? " item" : " items") + " could not be read";
    }

    static String withErrors(long errors) {
        return errors == 0 ? "without errors" : "with " + errors + (errors == 1 ? " error" : " errors");
    }

    /** Tells what a backup does. */
    private static final class Events implements BackupEvents {
        private final Report report;
        private final @Nullable LiveView view;
        private volatile String id = "00000000";

        Events(Report report, @Nullable LiveView view) {
            this.report = report;
            this.view = view;
        }

        @Override
        public void progress(Supplier<BackupProgress> now) {
            LiveView shown = view;
            if (shown != null) {
                shown.follow(() -> figures(now.get()));
            }
        }

        private LiveView.Figures figures(BackupProgress now) {
            long read = now.readBytes();
            long cut = now.newBytes() + now.knownBytes();
            String known = cut == 0 ? "" : ", " + now.knownBytes() * 100 / cut + "% of what was read was known";
            return new LiveView.Figures(
                    id,
                    "items",
                    now.items(),
                    now.expectedItems(),
                    read + now.unchangedBytes(),
                    now.expectedBytes(),
                    read,
                    GoFormat.bytes(now.newBytes()) + " new" + known,
                    now.errors());
        }

        @Override
        public void started(Mac snapshot) {
            id = snapshot.shortHex();
        }

        @Override
        public void done(byte[] path) {
            report.ok(id, path);
        }

        @Override
        public void failed(byte[] path, String reason) {
            report.ko(id, path, reason);
        }

        @Override
        public void notice(String text) {
            report.warn(text);
        }
    }

    /** Walks the sources and lists what it finds; opens files, so that it also finds those that cannot be read. */
    private static final class DryRun implements ImportSink {
        private static final String NO_ID = "00000000";

        private final Report report;
        private final Sources sources;
        private final List<byte[]> roots = new ArrayList<>();
        private long items;
        private long bytes;
        private long errors;

        DryRun(Report report, Sources sources) {
            this.report = report;
            this.sources = sources;
        }

        int run() throws IOException {
            for (Importer importer : sources.importers()) {
                roots.add(importer.root());
            }
            for (Importer importer : sources.importers()) {
                importer.scan(this);
            }
            sources.warnOfUnmatchedPatterns(report);
            report.summary(
                    "dry run: would back up " + items + " items, " + GoFormat.bytes(bytes) + " (" + bytes + " bytes), "
                            + withErrors(errors),
                    "dry_run.done",
                    "items",
                    items,
                    "bytes",
                    bytes,
                    "errors",
                    errors);
            if (errors > 0) {
                report.failure(unreadable(errors), ExitCode.PARTIAL);
            }
            return errors > 0 ? ExitCode.PARTIAL : ExitCode.OK;
        }

        @Override
        public synchronized void record(ImportRecord record) {
            if (roots.stream().noneMatch(root -> SnapshotPath.isWithin(record.path(), root))) {
                return;
            }
            if (FileMode.isRegular(record.info().mode())) {
                try {
                    record.open().close();
                    bytes += Math.max(0, record.info().size()); // -1 when nobody knows before it is read
                } catch (IOException e) {
                    error(record.path(), Failures.message(e));
                    return;
                }
            }
            items++;
            report.ok(NO_ID, record.path());
        }

        @Override
        public synchronized void error(byte[] path, String message) {
            errors++;
            report.ko(NO_ID, path, message);
        }

        @Override
        public boolean isStopped() {
            return Thread.currentThread().isInterrupted();
        }
    }
}
