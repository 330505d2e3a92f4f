// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.cli.ffi.FuseConnection;
import dev.armoire.cli.mount.Exported;
import dev.armoire.cli.mount.FuseServer;
import dev.armoire.cli.mount.SnapshotFiles;
import dev.armoire.cli.web.HttpFace;
import dev.armoire.cli.web.WebServer;
import dev.armoire.engine.query.SnapshotQuery;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** {@code mount}: shows snapshots as a read-only file system, or over HTTP. */
final class MountCommand implements Command {
    private static final int MOST_THREADS = 4;
    /** Each file that cannot be read is named once; of so many. */
    private static final int MOST_TROUBLES = 10_000;
    /** What is left to the threads when the mount is gone. They stay behind only when somebody still has a file open. */
    private static final long PATIENCE_MILLIS = 2_000;

    @Override
    public String usage() {
        return """
            mount [-to DIR] [-allow-others] [FILTER...] [ID[:PATH]]
            mount -to http://HOST:PORT [FILTER...] [ID[:PATH]]""";
    }

    @Override
    public String description() {
        return """
            Shows snapshots as read-only folders until it is interrupted (Ctrl-C) or
            `fusermount3 -u DIR`. Without ID there is one folder for each snapshot, called
            by its id, with the whole tree from / in it; with ID the folder PATH of that
            snapshot is shown, by default the one that was backed up. Without -to a new
            folder is made here. A folder that was made is removed at the end.

            With -to http://HOST:PORT the same is shown to browsers; port 0 takes a free
            one, which is printed. There is no password: whoever reaches the port reads all.

            Data that is damaged is an input/output error to whoever reads it, and the path
            is told here (`KO`).""";
    }

    @Override
    public void declare(Flags flags) {
        flags.value("to", "DIR", "where to show them; http://HOST:PORT for browsers")
                .flag("allow-others", "let other users in, each with the rights that the files' modes give them");
        FilterFlags.declareQuery(flags);
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        Report report = session.report();
        if (arguments.words().size() > 1) {
            throw CommandException.usage("too many arguments: mount takes one ID[:PATH]");
        }
        SnapshotQuery query = FilterFlags.query(arguments, report);
        String to = arguments.get("to");
        if (to != null && to.startsWith("https://")) {
            throw CommandException.usage(
                    "-to " + to + ": there is no https here; use http:// behind a proxy that has it");
        }
        try (Repository repository = session.openForReading()) {
            Exported exported = exported(repository, arguments.words(), query, report);
            Set<String> told = ConcurrentHashMap.newKeySet();
            FuseServer.Troubles troubles = (snapshot, path, reason) -> {
                String id = snapshot.identifier().shortHex();
                if (told.size() < MOST_TROUBLES && told.add(id + ':' + SnapshotPath.display(path))) {
                    report.ko(id, path, reason);
                }
            };
            try (SnapshotFiles files = new SnapshotFiles(repository)) {
                if (to != null && to.startsWith("http://")) {
                    serve(session, exported, files, to, troubles);
                } else {
                    mount(session, exported, files, to, arguments.is("allow-others"), troubles);
                }
            }
            return session.exitCode(told.isEmpty() ? ExitCode.OK : ExitCode.DAMAGE);
        }
    }

    private static Exported exported(Repository repository, List<String> words, SnapshotQuery query, Report report) {
        Snapshots snapshots = new Snapshots(repository, report);
        if (words.isEmpty()) {
            List<SnapshotHeader> found = snapshots.matching(query);
            if (found.isEmpty()) {
                throw Snapshots.none();
            }
            return Exported.all(found);
        }
        if (!query.isEmpty()) {
            report.warn("snapshot specified, filters will be ignored");
        }
        Snapshots.Name name = Snapshots.Name.parse(words.getFirst());
        SnapshotHeader header = snapshots.find(name);
        try (BlobReader reader = repository.newReader()) {
            Entry entry = FileWalk.start(Snapshot.of(header, reader), name);
            if (!entry.isDirectory()) {
                throw new CommandException(
                        ExitCode.ERROR,
                        SnapshotPath.display(entry.path()) + ": not a folder; `armoire cat` gives a file");
            }
            return Exported.one(header, entry.path());
        }
    }

    // As a file system

    private static void mount(
            Session session,
            Exported exported,
            SnapshotFiles files,
            @org.jspecify.annotations.Nullable String to,
            boolean allowsOthers,
            FuseServer.Troubles troubles)
            throws IOException {
        if (!System.getProperty("os.name").equals("Linux")) {
            throw new CommandException(
                    ExitCode.ERROR,
                    "mounting works on Linux only; `-to http://localhost:0` shows the same to a browser");
        }
        Report report = session.report();
        Path folder = Path.of(to == null ? UUID.randomUUID().toString() : to).toAbsolutePath();
        boolean isNew = prepare(folder, report);
        try {
            // Without -allow-others only this user gets in, who may read the whole store anyway.
            String options = "ro,nosuid,nodev,auto_unmount,subtype=armoire,fsname=armoire"
                    + (allowsOthers ? ",allow_other,default_permissions" : "");
            try (FuseServer server = new FuseServer(exported, files, troubles)) {
                FuseConnection connection;
                try {
                    connection = FuseConnection.mount(folder.toString().getBytes(StandardCharsets.UTF_8), options);
                } catch (IOException e) {
                    throw new CommandException(
                            ExitCode.ERROR,
                            "cannot mount at " + folder + ": " + e.getMessage()
                                    + "\n`-to http://localhost:0` shows the same to a browser and needs no mount.",
                            e);
                }
                try (connection) {
                    run(session, exported, server, connection, folder);
                }
            }
        } finally {
            if (isNew) {
                remove(folder, report);
            }
        }
        report.info("unmounted " + folder);
    }

    /** Sees to it that there is a folder; returns whether it was made. */
    private static boolean prepare(Path folder, Report report) throws IOException {
        if (!Files.exists(folder)) {
            Files.createDirectory(folder);
            return true;
        }
        if (!Files.isDirectory(folder)) {
            throw new CommandException(
                    ExitCode.CANNOT_CREATE, folder + ": not a folder, so nothing can be mounted there");
        }
        try (DirectoryStream<Path> items = Files.newDirectoryStream(folder)) {
            if (items.iterator().hasNext()) {
                report.warn(folder + " is not empty; what is in it cannot be seen while the mount is there");
            }
        }
        return false;
    }

    private static void remove(Path folder, Report report) {
        try {
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            report.warn(
                    "the folder " + folder + ", which was made for the mount, is still there: " + Failures.message(e));
        }
    }

    private static void run(
            Session session, Exported exported, FuseServer server, FuseConnection connection, Path folder)
            throws IOException {
        List<Thread> threads = new ArrayList<>();
        int count = Math.max(2, Math.min(MOST_THREADS, session.workers()));
        for (int i = 0; i < count; i++) {
            threads.add(Thread.ofPlatform().daemon().name("fuse-" + i).start(() -> server.serve(connection)));
        }
        Thread limiter = Thread.ofPlatform().daemon().name("fuse-limit").start(() -> server.limitMemory(connection));
        session.report()
                .result(
                        "mounted " + session.place().location() + " at " + folder
                                + "; to unmount: Ctrl-C, or fusermount3 -u " + folder,
                        "mounted",
                        "location",
                        session.place().location().toString(),
                        "at",
                        folder.toString(),
                        "snapshots",
                        exported.only() == null ? exported.snapshots().size() : 1);
        session.report().finish(); // it may be long until the next line
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            // The usual end: the interrupt has done what it is for.
            limiter.interrupt();
            awaitEnd(limiter);
            connection.close();
            for (Thread thread : threads) {
                awaitEnd(thread);
            }
        } finally {
            limiter.interrupt();
            awaitEnd(limiter);
        }
    }

    private static void awaitEnd(Thread thread) {
        try {
            thread.join(PATIENCE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // Over HTTP

    private static void serve(
            Session session, Exported exported, SnapshotFiles files, String to, FuseServer.Troubles troubles)
            throws IOException {
        try (WebServer face = HttpFace.start(to, exported, files, troubles)) {
            session.report()
                    .result("HTTP serving at " + face.address() + "; to end: Ctrl-C", "serving", "at", face.address());
            session.report().finish();
            new java.util.concurrent.CountDownLatch(1).await();
        } catch (IllegalArgumentException e) {
            throw CommandException.usage("-to " + to + ": " + e.getMessage() + ": http://HOST:PORT is wanted");
        } catch (java.net.BindException e) {
            throw new CommandException(ExitCode.ERROR, "cannot serve at " + to + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            // The usual end: the interrupt has done what it is for.
        }
    }
}
