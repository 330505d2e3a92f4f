// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.engine.query.SnapshotQuery;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/** {@code ls}: lists snapshots, or what is in one. */
final class LsCommand implements Command {
    private int exitCode = ExitCode.OK;

    @Override
    public String usage() {
        return """
            ls [-uuid] [-tags] [FILTER...]
            ls [-recursive] ID[:PATH]""";
    }

    @Override
    public String description() {
        return """
            Lists the snapshots of the store, newest first: time (UTC), id, size, how long
            it took, root. With an id, lists the files of that snapshot: time of change,
            mode, owner, group, size, name. ID is as many digits of the id as make it
            unique; PATH is relative to the root, or absolute.

            A mark ! at the end of a line says that the item could not be read wholly when
            the backup was made; `armoire info -errors ID` tells why.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("uuid", "whole ids")
                .flag("tags", "tags, too")
                .flag("recursive", "also what is in folders, with full paths");
        FilterFlags.declareQuery(flags);
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        Report report = session.report();
        if (arguments.words().size() > 1) {
            throw CommandException.usage("too many arguments: ls takes one ID[:PATH]");
        }
        SnapshotQuery query = FilterFlags.query(arguments, report);
        try (Repository repository = session.open()) {
            repository.refreshStates(session::tellOfState);
            Snapshots snapshots = new Snapshots(repository, report);
            if (arguments.words().isEmpty()) {
                for (SnapshotHeader header : snapshots.matching(query)) {
                    Snapshots.print(report, header, arguments.is("uuid"), arguments.is("tags"));
                }
                return session.exitCode(snapshots.isDamaged() ? ExitCode.DAMAGE : ExitCode.OK);
            }
            repository.refreshPackfiles();
            if (!query.isEmpty()) {
                report.warn("snapshot specified, filters will be ignored");
            }
            Snapshots.Name name = Snapshots.Name.parse(arguments.words().getFirst());
            try (BlobReader reader = repository.newReader()) {
                list(Snapshot.of(snapshots.find(name), reader), name, arguments.is("recursive"), report);
            }
            return session.exitCode(exitCode);
        }
    }

    private void list(Snapshot snapshot, Snapshots.Name name, boolean isRecursive, Report report) {
        Entry entry = FileWalk.start(snapshot, name);
        Troubles troubles = new Troubles(snapshot, entry.path());
        if (!entry.isDirectory()) {
            print(entry, SnapshotPath.display(isRecursive ? entry.path() : entry.name()), troubles, report);
            return;
        }
        if (troubles.contains(entry.path())) {
            report.warn(SnapshotPath.display(entry.path())
                    + ": could not be read wholly when the backup was made (`armoire info -errors "
                    + snapshot.header().identifier().shortHex() + "`)");
        }
        Deque<byte[]> open = new ArrayDeque<>();
        open.push(entry.path());
        while (!open.isEmpty() && !Thread.currentThread().isInterrupted()) {
            List<byte[]> below = listFolder(snapshot, open.pop(), isRecursive, troubles, report);
            below.reversed().forEach(open::push);
        }
    }

    /** Returns the folders in it that are to be listed, too. */
    private List<byte[]> listFolder(
            Snapshot snapshot, byte[] folder, boolean isRecursive, Troubles troubles, Report report) {
        List<byte[]> below = new ArrayList<>();
        try {
            snapshot.forEachChild(
                    folder,
                    (entry, mac) -> {
                        print(entry, SnapshotPath.display(isRecursive ? entry.path() : entry.name()), troubles, report);
                        if (isRecursive && entry.isDirectory()) {
                            below.add(entry.path());
                        }
                        return !Thread.currentThread().isInterrupted();
                    },
                    (path, problem) -> damaged(path, problem, report));
        } catch (CorruptDataException e) {
            damaged(folder, e, report);
        }
        return below;
    }

    private void damaged(byte[] path, CorruptDataException problem, Report report) {
        report.error(SnapshotPath.display(path) + ": " + problem.getMessage());
        exitCode = ExitCode.DAMAGE;
    }

    private static void print(Entry entry, String name, Troubles troubles, Report report) {
        FileInfo info = entry.info();
        boolean isLink = FileMode.isSymlink(info.mode());
        boolean isIncomplete = troubles.contains(entry.path());
        StringBuilder line = new StringBuilder(128)
                .append(GoFormat.time(Instant.ofEpochSecond(info.mtimeSeconds(), info.mtimeNanos())))
                .append(' ')
                .append(GoFormat.mode(info.mode()))
                .append(' ');
        GoFormat.right(line, info.username().isEmpty() ? Long.toString(info.uid()) : display(info.username()), 8);
        line.append(' ');
        GoFormat.right(line, info.groupname().isEmpty() ? Long.toString(info.gid()) : display(info.groupname()), 8);
        line.append(' ');
        GoFormat.right(line, GoFormat.bytes(info.size()), 8);
        line.append(' ').append(name);
        if (isLink) {
            line.append(" -> ").append(SnapshotPath.display(entry.linkTarget()));
        }
        if (isIncomplete) {
            line.append(" !");
        }
        report.result(
                line.toString(),
                "entry",
                "path",
                entry.path(),
                "mode",
                GoFormat.mode(info.mode()),
                "mtime",
                Instant.ofEpochSecond(info.mtimeSeconds(), info.mtimeNanos()),
                "uid",
                info.uid(),
                "gid",
                info.gid(),
                "owner",
                info.username(),
                "group",
                info.groupname(),
                "size",
                info.size(),
                "links",
                info.nlink(),
                "target",
                isLink ? entry.linkTarget() : null,
                "content_type",
                entry.contentType(),
                "incomplete",
                isIncomplete);
    }

    private static String display(String name) {
        return SnapshotPath.display(SnapshotPath.of(name));
    }

    /** Paths that could not be read wholly when the snapshot was made. Few, in a snapshot that is of use. */
    private static final class Troubles {
        private static final int MOST = 100_000;

        private final List<byte[]> paths = new ArrayList<>();

        Troubles(Snapshot snapshot, byte[] below) {
            try {
                snapshot.forEachError(below, item -> {
                    paths.add(item.path());
                    return paths.size() < MOST;
                });
            } catch (CorruptDataException e) {
                paths.clear(); // the marks are a courtesy; `check` is for damage
            }
            paths.sort(Arrays::compareUnsigned);
        }

        boolean contains(byte[] path) {
            int low = 0;
            int high = paths.size() - 1;
            while (low <= high) {
                int middle = (low + high) >>> 1;
                int order = Arrays.compareUnsigned(paths.get(middle), path);
                if (order == 0) {
                    return true;
                }
                if (order < 0) {
                    low = middle + 1;
                } else {
                    high = middle - 1;
                }
            }
            return false;
        }
    }
}
