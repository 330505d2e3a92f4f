// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/** {@code cat}: writes files of snapshots to standard output. */
final class CatCommand implements Command {
    private static final int COPY_BYTES = 64 << 10;

    @Override
    public String usage() {
        return "cat [-decompress] [-highlight] ID:PATH...";
    }

    @Override
    public String description() {
        return """
            Writes files of snapshots to standard output, one after the other. Every piece
            is verified before it is written: damage ends a file, and the exit code is 65.
            Symbolic links are followed inside the snapshot.""";
    }

    @Override
    public void declare(Flags flags) {
        flags.flag("decompress", "decompress files that are gzip")
                .flag("highlight", "colour texts of known languages, on a terminal");
    }

    @Override
    public int run(Session session, Flags.Arguments arguments) throws IOException {
        if (arguments.words().isEmpty()) {
            throw CommandException.usage("cat needs at least one ID:PATH");
        }
        Report report = session.report();
        boolean isDamaged = false;
        boolean isIncomplete = false;
        try (Repository repository = session.openForReading();
                BlobReader reader = repository.newReader()) {
            Snapshots snapshots = new Snapshots(repository, report);
            OutputStream out = report.contents();
            boolean isColoured = arguments.is("highlight") && session.showsColours();
            for (String word : arguments.words()) {
                try {
                    Snapshots.Name name = Snapshots.Name.parse(word);
                    Snapshot snapshot = Snapshot.of(snapshots.find(name), reader);
                    Entry entry = find(snapshot, name);
                    SourceLanguage language = isColoured ? language(entry, arguments.is("decompress")) : null;
                    if (language == null) {
                        write(snapshot, entry, arguments.is("decompress"), out);
                    } else {
                        try (SourceColours colours = new SourceColours(language, out)) {
                            write(snapshot, entry, arguments.is("decompress"), colours);
                        }
                    }
                } catch (CommandException e) {
                    isIncomplete = true;
                    report.error("cat: " + e.getMessage());
                } catch (CorruptDataException e) {
                    isDamaged = true;
                    report.error("cat: " + word + ": " + e.getMessage());
                }
            }
        }
        if (isDamaged) {
            throw new CommandException(ExitCode.DAMAGE, "errors occurred: damaged data was left out");
        }
        if (isIncomplete) {
            throw new CommandException(ExitCode.ERROR, "errors occurred");
        }
        return session.exitCode(ExitCode.OK);
    }

    private static @Nullable SourceLanguage language(Entry entry, boolean decompresses) {
        String name = new String(entry.name(), StandardCharsets.UTF_8);
        boolean isInside = decompresses && isGzip(entry.contentType()) && name.endsWith(".gz");
        return SourceLanguage.of(isInside ? name.substring(0, name.length() - 3) : name, entry.contentType());
    }

    /** The regular file that a name leads to. */
    static Entry find(Snapshot snapshot, Snapshots.Name name) {
        byte[] path = snapshot.resolve(name.pathBytes());
        Entry entry = snapshot.follow(path);
        if (entry == null) {
            throw new CommandException(ExitCode.ERROR, SnapshotPath.display(path) + ": no such file");
        }
        if (!entry.isRegular()) {
            throw new CommandException(ExitCode.ERROR, SnapshotPath.display(path) + ": not a regular file");
        }
        return entry;
    }

    /** Writes the content of a file, every chunk verified before it goes out. */
    static void write(Snapshot snapshot, Entry entry, boolean decompresses, OutputStream out) throws IOException {
        ObjectRecord object = ObjectReader.record(snapshot.source(), entry.object());
        if (!decompresses || !isGzip(entry.contentType())) {
            byte[] copy = new byte[COPY_BYTES];
            ObjectReader.forEachChunk(snapshot.source(), object, chunk -> write(chunk, copy, out));
            return;
        }
        try (InputStream in = new GZIPInputStream(new ChunkStream(snapshot.source(), object), COPY_BYTES)) {
            in.transferTo(out);
        } catch (ZipException | java.io.EOFException e) {
            throw new CommandException(
                    ExitCode.ERROR, SnapshotPath.display(entry.path()) + ": not valid gzip: " + e.getMessage(), e);
        }
    }

    private static boolean isGzip(String contentType) {
        return contentType.equals("application/gzip") || contentType.equals("application/x-gzip");
    }

    private static void write(MemorySegment chunk, byte[] copy, OutputStream out) throws IOException {
        for (long at = 0; at < chunk.byteSize(); at += copy.length) {
            int part = (int) Math.min(copy.length, chunk.byteSize() - at);
            MemorySegment.copy(chunk, ValueLayout.JAVA_BYTE, at, copy, 0, part);
            out.write(copy, 0, part);
        }
        if (Thread.currentThread().isInterrupted()) {
            throw new java.io.InterruptedIOException("interrupted");
        }
    }
}
