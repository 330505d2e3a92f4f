// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.engine.archive.ArchiveBuilder;
import dev.armoire.engine.backup.BackupOptions;
import dev.armoire.engine.backup.BackupResult;
import dev.armoire.engine.query.SnapshotQuery;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.sync.Sync;
import dev.armoire.engine.sync.SyncEvents;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code sync}: brings snapshots to another store, or from one. */
final class SyncCommand implements Command {
    @Override
    public String usage() {
        return "sync [FILTER...] [ID...] to|from|with STORE";
    }

    @Override
    public String description() {
        return """
            Brings snapshots that are missing there to another store, from one, or both ways
            (with). Without filters and ids all are meant. A snapshot keeps its id, time, name
            and tags; the stores may differ in passphrase, hash and compression. STORE may be
            @NAME. `sync from FILE.ptar` reads an archive; `sync to FILE.ptar` makes a new one,
            hashed and compressed as the store is, and encrypted unless -plaintext is given.

            The other store's passphrase comes from the configuration, or from
            ARMOIRE_PEER_PASSPHRASE or PLAKAR_PEER_PASSPHRASE; without these it is taken to be
            that of the first.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.value("cache", "vfs|no", "no: read every file, whatever the other store has of it")
                .value("packfiles", "memory|DIR", "where packfiles are put together; always in memory")
                .flag("overwrite", "replace FILE.ptar if it is there")
                .flag("plaintext", "do not encrypt FILE.ptar")
                .flag("weak-passphrase", "take a weak passphrase for FILE.ptar, too");
        FilterFlags.declareQuery(flags);
    }

    @Override
    public String interrupted() {
        return "interrupted; the snapshots said to be synchronized are, the others are not";
    }

    /** What only concerns an archive that is made. */
    private static final List<String> ARCHIVE_FLAGS = List.of("overwrite", "plaintext", "weak-passphrase");

    private enum Direction {
        TO,
        FROM,
        WITH
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        Report report = session.report();
        SnapshotQuery query = FilterFlags.query(arguments, report);
        boolean usesParent = BackupCommand.usesParent(arguments, report);
        List<String> words = arguments.words();
        if (words.size() < 2) {
            throw CommandException.usage("sync needs a direction and a store: " + usage());
        }
        Direction direction = switch (words.get(words.size() - 2)) {
            case "to" -> Direction.TO;
            case "from" -> Direction.FROM;
            case "with" -> Direction.WITH;
            default ->
                throw CommandException.usage(
                        "invalid direction, must be to, from or with: " + words.get(words.size() - 2));
        };
        List<String> ids = words.subList(0, words.size() - 2);
        Snapshots.requireWhole("sync", ids);
        Session.StorePlace place = session.peer(words.getLast());
        if (direction == Direction.TO && place.location().scheme().equals("ptar")) {
            return makeArchive(session, arguments, place, query, ids);
        }
        for (String flag : ARCHIVE_FLAGS) {
            if (arguments.is(flag)) {
                throw CommandException.usage("-" + flag + " is for an archive that is made: sync to FILE.ptar");
            }
        }
        session.openAhead();
        try (Repository peer = session.openPeer(place);
                Repository own = direction == Direction.TO ? session.open() : session.openForWriting()) {
            refuseItself(own, peer);
            if (direction != Direction.FROM && !peer.storage().isWritable()) {
                throw new CommandException(
                        ExitCode.ERROR,
                        "storage is not writable: " + peer.storage().location());
            }
            own.refresh();
            peer.refresh();
            BackupOptions options =
                    BackupOptions.unnamed(usesParent, session.workers(), session.scratch(), "", session.isLockless());
            int code = ExitCode.OK;
            if (direction != Direction.FROM) {
                code = Math.max(code, bring(session, own, peer, query, ids, options));
            }
            if (direction != Direction.TO) {
                code = Math.max(code, bring(session, peer, own, query, ids, options));
            }
            return code;
        }
    }

    private static int makeArchive(
            Session session, Flags.Arguments arguments, Session.StorePlace place, SnapshotQuery query, List<String> ids)
            throws IOException {
        Report report = session.report();
        NewArchive target = new NewArchive(place.location(), arguments.is("overwrite"));
        Path file = target.file();
        if (file == null) {
            throw CommandException.usage("sync makes no archive on standard output: use `ptar -o - -k STORE`");
        }
        target.refuseExisting();
        session.openAhead();
        try (Repository own = session.open()) {
            if (Files.exists(file) && file.toRealPath().equals(own.storage().localPath())) {
                throw new CommandException(ExitCode.ERROR, "cannot synchronize snapshots to the same store");
            }
            own.refresh();
            Snapshots snapshots = new Snapshots(own, report);
            List<SnapshotHeader> wanted = wanted(snapshots, query, ids, report);
            if (wanted.isEmpty()) {
                throw new CommandException(
                        ExitCode.ERROR,
                        "no matching snapshot found in store " + own.storage().location() + "; no archive was made");
            }
            byte[] passphrase = arguments.is("plaintext")
                    ? null
                    : session.passphrases(place).forCreating(arguments.is("weak-passphrase"), report);
            BackupOptions options =
                    BackupOptions.unnamed(false, session.workers(), session.scratch(), "", session.isLockless());
            String here = own.storage().location();
            String there = "ptar://" + file.normalize();
            Sync.Result result;
            try (ArchiveBuilder archive = target.begin(
                    own.config().hash(), own.config().compressor(), passphrase, session.memory(), options)) {
                result = Sync.run(own, archive, wanted, new Events(report, here, there));
                if (result.synced() == 0) {
                    throw new CommandException(
                            ExitCode.PARTIAL, "no snapshot could be synchronized; no archive was made");
                }
                target.finish(archive);
            } catch (CorruptDataException e) {
                throw new CommandException(
                        ExitCode.DAMAGE, "no archive was made, as the store is damaged: " + e.getMessage(), e);
            }
            return told(result, here, there, snapshots, report);
        }
    }

    private static void refuseItself(Repository own, Repository peer) {
        if (own.storage().location().equals(peer.storage().location())) {
            throw new CommandException(ExitCode.ERROR, "cannot synchronize snapshots to the same store");
        }
        if (own.config().repositoryId().equals(peer.config().repositoryId())) {
            throw new CommandException(
                    ExitCode.ERROR,
                    "cannot synchronize snapshots from cloned stores: "
                            + own.storage().location() + " and "
                            + peer.storage().location() + " have the same repository id "
                            + own.config().repositoryId()
                            + "\nOne is a copy of the other, made by copying files. Make a new store with `armoire create`"
                            + " and synchronize to that.");
        }
    }

    private static int bring(
            Session session,
            Repository from,
            Repository to,
            SnapshotQuery query,
            List<String> ids,
            BackupOptions options)
            throws IOException {
        Report report = session.report();
        String there = to.storage().location();
        String here = from.storage().location();
        Snapshots snapshots = new Snapshots(from, report);
        List<SnapshotHeader> wanted = wanted(snapshots, query, ids, report);
        if (wanted.isEmpty()) {
            report.info("No matching snapshot found in store " + here);
        }
        Sync.Result result;
        try (LiveView view = session.show("sync")) {
            SyncProgress progress = new SyncProgress(new Events(report, here, there), session, wanted.size());
            progress.showOn(view);
            result = Sync.run(from, to, wanted, options, progress);
        }
        return told(result, here, there, snapshots, report);
    }

    private static List<SnapshotHeader> wanted(
            Snapshots snapshots, SnapshotQuery query, List<String> ids, Report report) throws IOException {
        if (ids.isEmpty()) {
            return new ArrayList<>(snapshots.matching(query));
        }
        if (!query.isEmpty()) {
            report.warn("snapshot specified, filters will be ignored");
        }
        List<SnapshotHeader> wanted = new ArrayList<>();
        for (String id : ids) {
            wanted.add(snapshots.find(Snapshots.Name.parse(id)));
        }
        return wanted;
    }

    /** Tells how it went; returns the exit code. */
    private static int told(Sync.Result result, String here, String there, Snapshots snapshots, Report report) {
        report.summary(
                "sync: synchronization from " + here + " to " + there + " completed: " + result.synced()
                        + " snapshots synchronized, " + result.present() + " were there already"
                        + (result.failed() > 0 ? ", " + result.failed() + " failed" : "") + " (" + result.newBlobs()
                        + " new blobs, " + GoFormat.bytes(result.storedBytes()) + " written)",
                "sync.done",
                "from",
                here,
                "to",
                there,
                "snapshots",
                result.synced(),
                "present",
                result.present(),
                "failed",
                result.failed(),
                "new_blobs",
                result.newBlobs(),
                "source_bytes",
                result.readBytes(),
                "store_bytes_written",
                result.storedBytes());
        if (result.failed() > 0) {
            int code = result.isDamaged() ? ExitCode.DAMAGE : ExitCode.PARTIAL;
            report.failure(result.failed() + " snapshots could not be synchronized", code);
            return code;
        }
        return snapshots.isDamaged() ? ExitCode.DAMAGE : ExitCode.OK;
    }

    private record Events(Report report, String from, String to) implements SyncEvents {
        @Override
        public void started(SnapshotHeader snapshot) {
            report.info("Synchronizing snapshot " + snapshot.identifier().hex() + " from " + from + " to " + to);
        }

        @Override
        public void done(SnapshotHeader snapshot, BackupResult result) {
            report.summary(
                    "Synchronization of " + snapshot.identifier().hex() + " finished",
                    "sync.snapshot",
                    "snapshot",
                    snapshot.identifier().hex(),
                    "new_blobs",
                    result.newBlobs(),
                    "source_bytes",
                    result.sourceBytes(),
                    "store_bytes_written",
                    result.storedBytes());
        }

        @Override
        public void failed(SnapshotHeader snapshot, String reason, boolean isDamage) {
            report.error("failed to synchronize snapshot "
                    + snapshot.identifier().shortHex() + " from " + from + " to " + to + ": " + reason);
        }

        @Override
        public void notice(String text) {
            report.warn(text);
        }
    }
}
