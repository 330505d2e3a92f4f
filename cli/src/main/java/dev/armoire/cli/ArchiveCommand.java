// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** {@code archive}: writes what a snapshot has as a tar or zip file. */
final class ArchiveCommand implements Command {
    private static final int BUFFER_BYTES = 1 << 20;

    @Override
    public String usage() {
        return "archive [-format tar|tarball|zip] [-output FILE|-] [-rebase] ID[:PATH]";
    }

    @Override
    public String description() {
        return """
            Writes files of a snapshot as a tar, tar.gz (tarball, tgz) or zip file, with folders,
            links and all else that the format can hold; tar has names, owners, nanoseconds
            and extended attributes as GNU tar reads them. -output - is standard output. The
            file is there when it is whole, and not before. Damage ends it with exit code 65.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.value("format", "tar|tarball|zip", "what to make (default tarball)")
                .value("output", "FILE", "where to (default: armoire-TIME and the ending of the format)")
                .flag("rebase", "names begin below PATH");
    }

    @Override
    public String interrupted() {
        return "interrupted; no archive was made";
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        if (arguments.words().size() != 1) {
            throw CommandException.usage("archive takes one ID[:PATH]");
        }
        Report report = session.report();
        ArchiveFormat format = ArchiveFormat.of(arguments.get("format", "tarball"));
        String output =
                arguments.get("output", "armoire-" + Instant.now().truncatedTo(ChronoUnit.SECONDS) + format.ending());
        try (Repository repository = session.openForReading();
                BlobReader reader = repository.newReader()) {
            Snapshots.Name name = Snapshots.Name.parse(arguments.words().getFirst());
            Snapshot snapshot = Snapshot.of(new Snapshots(repository, report).find(name), reader);
            Entry start = FileWalk.start(snapshot, name);
            byte[] base = arguments.is("rebase")
                    ? start.isDirectory() ? start.path() : SnapshotPath.parent(start.path())
                    : SnapshotPath.ROOT;
            if (output.equals("-")) {
                format.write(snapshot, start, base, report.contents(), report);
            } else {
                Path file;
                try {
                    file = Path.of(output).toAbsolutePath();
                } catch (InvalidPathException e) {
                    throw new CommandException(ExitCode.CANNOT_CREATE, "cannot write to " + output, e);
                }
                writeBeside(file, out -> format.write(snapshot, start, base, out, report));
            }
        }
        return session.exitCode(ExitCode.OK);
    }

    private interface Writing {
        void to(OutputStream out) throws IOException;
    }

    /** Only what is whole gets its name. */
    private static void writeBeside(Path file, Writing writing) throws IOException {
        Path folder = file.getParent();
        if (folder == null || Files.isDirectory(file)) {
            throw new CommandException(ExitCode.CANNOT_CREATE, "cannot write to " + file + ": it is a directory");
        }
        Path beside;
        try {
            beside = Files.createTempFile(
                    folder,
                    ".armoire-archive-",
                    ".tmp",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } catch (IOException e) {
            throw new CommandException(
                    ExitCode.CANNOT_CREATE, "cannot write to " + folder + ": " + Failures.message(e), e);
        }
        try {
            try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(beside), BUFFER_BYTES)) {
                writing.to(out);
            }
            Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(beside);
        }
    }
}
