// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.Importer;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.archive.ArchiveBuilder;
import dev.armoire.engine.backup.BackupEvents;
import dev.armoire.engine.backup.BackupOptions;
import dev.armoire.engine.backup.BackupResult;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** {@code ptar}: makes an archive. */
final class PtarCommand implements Command {
    @Override
    public String usage() {
        return "ptar -o FILE [-plaintext] [-overwrite] [-k STORE]... [PLACE...]";
    }

    @Override
    public String description() {
        return """
            Makes an archive: one file with every snapshot of each -k STORE and a new one of
            each PLACE, deduplicated, compressed and encrypted; without either, of the current
            folder. All commands that read take it: `armoire at FILE.ptar ls`. It is there when
            it is whole, and not before. -o - is standard output, and -o
            s3://HOST/BUCKET/NAME.ptar an object of a bucket; nothing is put on the disk then.
            `armoire -f FILE create PLACE...` is the same, `armoire -f FILE ls` reads it.

            Its passphrase is taken as `create` takes that of a store; those of the stores
            come from the configuration, ARMOIRE_PEER_PASSPHRASE or PLAKAR_PEER_PASSPHRASE.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.value("o", "FILE", "the archive to be made")
                .value("k", "STORE", "take the snapshots of this store; may be repeated")
                .value("kloset", "STORE", "the same as -k")
                .flag("overwrite", "replace FILE if it is there")
                .flag("plaintext", "do not encrypt")
                .flag("no-compression", "do not compress")
                .value("compression", "NAME", "LZ4 (default) or ZSTD")
                .value("hashing", "NAME", "BLAKE3 (default) or SHA256")
                .flag("weak-passphrase", "take a weak passphrase, too");
        Sources.declareOmissions(flags);
    }

    @Override
    public String interrupted() {
        return "interrupted; no archive was made";
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        String file = arguments.get("o");
        if (file == null || file.isEmpty()) {
            throw CommandException.usage("-o FILE must be given: the archive to be made");
        }
        NewArchive target = new NewArchive(NewArchive.parse(file), arguments.is("overwrite"));
        target.refuseExisting();
        List<String> stores = new ArrayList<>(arguments.all("k"));
        stores.addAll(arguments.all("kloset"));
        Path path = target.file();
        List<Path> skipped = path == null ? List.of() : List.of(path);
        boolean hasPlaces = !arguments.words().isEmpty() || stores.isEmpty();
        try (Sources sources = hasPlaces ? Sources.open(session, arguments, Map.of(), skipped) : Sources.none()) {
            byte[] passphrase = arguments.is("plaintext")
                    ? null
                    : session.passphrases().forCreating(arguments.is("weak-passphrase"), session.report());
            return make(session, arguments, target, stores, sources, passphrase);
        }
    }

    private static int make(
            Session session,
            Flags.Arguments arguments,
            NewArchive target,
            List<String> stores,
            Sources sources,
            byte @Nullable [] passphrase)
            throws IOException {
        Report report = session.report();
        BackupOptions options = BackupOptions.unnamed(
                false,
                session.workers(),
                session.scratch(),
                CommandLineText.of(session.invocation().words()),
                true);
        long errors = 0;
        long snapshots = 0;
        long begun = System.nanoTime();
        long bytes;
        try (ArchiveBuilder archive = target.begin(
                CreateCommand.hashing(arguments.get("hashing", "BLAKE3")),
                CreateCommand.compression(arguments),
                passphrase,
                session.memory(),
                options)) {
            Set<Mac> added = new HashSet<>();
            for (String store : stores) {
                addStore(archive, session, store, added, !target.isStream());
            }
            snapshots += added.size();
            for (Importer importer : sources.importers()) {
                BackupResult result = archive.add(importer, new Events(report, true, !target.isStream()));
                errors += result.errors();
                snapshots++;
            }
            bytes = target.finish(archive);
        }
        sources.warnOfUnmatchedPatterns(report);
        String done = "ptar: " + target.shown() + " has " + snapshots
                + (snapshots == 1 ? " snapshot" : " snapshots") + " in " + GoFormat.bytes(bytes) + ", made "
                + BackupCommand.withErrors(errors) + " in " + GoFormat.duration(System.nanoTime() - begun);
        if (target.isStream()) {
            report.notice(done); // standard output is the archive
        } else {
            report.summary(
                    done,
                    "ptar.done",
                    "archive",
                    target.shown(),
                    "snapshots",
                    snapshots,
                    "bytes",
                    bytes,
                    "errors",
                    errors);
        }
        if (errors > 0) {
            report.failure(errors + (errors == 1 ? " item" : " items") + " could not be read", ExitCode.PARTIAL);
            return ExitCode.PARTIAL;
        }
        return ExitCode.OK;
    }

    /** Adds every snapshot of a store that was not added from another one, the oldest first. */
    private static void addStore(
            ArchiveBuilder archive, Session session, String name, Set<Mac> added, boolean showsItems)
            throws IOException {
        try (Repository store = session.openPeer(name)) {
            store.refresh();
            Snapshots all = new Snapshots(store, session.report());
            List<SnapshotHeader> headers = new ArrayList<>(all.all());
            if (all.isDamaged()) {
                throw new CommandException(
                        ExitCode.DAMAGE,
                        "not all snapshots of " + store.storage().location() + " can be read");
            }
            headers.sort(Comparator.comparing(SnapshotHeader::timestamp));
            for (SnapshotHeader header : headers) {
                if (added.add(header.identifier())) {
                    archive.add(store, header, new Events(session.report(), false, showsItems));
                }
            }
        }
    }

    /** Tells of items; what could not be read when a snapshot of a store was made is no news. */
    private static final class Events implements BackupEvents {
        private final Report report;
        private final boolean isNew;
        private final boolean showsItems;
        private volatile String id = "";

        Events(Report report, boolean isNew, boolean showsItems) {
            this.report = report;
            this.isNew = isNew;
            this.showsItems = showsItems;
        }

        @Override
        public void started(Mac snapshot) {
            id = snapshot.shortHex();
        }

        @Override
        public void done(byte[] path) {
            if (showsItems) {
                report.ok(id, path);
            }
        }

        @Override
        public void failed(byte[] path, String reason) {
            if (isNew) {
                report.ko(id, path, reason);
            }
        }

        @Override
        public void notice(String text) {
            report.warn(text);
        }
    }
}
