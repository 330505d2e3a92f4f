// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.ptar;

import dev.armoire.connectors.spi.ArchiveOutput;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.storage.fs.AtomicFiles;
import dev.armoire.connectors.storage.ptar.PtarLayout.Range;
import dev.armoire.crypto.Mac;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * An archive that is being written: under a temporary name in its folder, to standard output, or to another place. It gets its name when its
 * state, which is the last thing in it, and its trailer are durable. The packfile's is for one thread at a time.
 */
public final class PtarOutput implements ArchiveOutput {
    private final String location;
    private final MemorySegment config;
    private final ArchiveSink sink;
    private final @Nullable Path target;
    private final Range configRange;
    private long written;
    private boolean isComplete;

    private PtarOutput(String location, MemorySegment config, ArchiveSink sink, @Nullable Path target)
            throws IOException {
        this.location = location;
        this.config = config;
        this.sink = sink;
        this.target = target;
        this.configRange = new Range(PtarLayout.HEADER_BYTES, config.byteSize());
        append(List.of(PtarLayout.header(), config));
    }

    /** Begins an archive somewhere else than in a file of this machine. Takes over the sink, also when it fails. */
    public static ArchiveOutput to(String location, MemorySegment config, ArchiveSink sink) throws IOException {
        return begin(location, config, sink, null);
    }

    private static PtarOutput begin(String location, MemorySegment config, ArchiveSink sink, @Nullable Path target)
            throws IOException {
        try {
            return new PtarOutput(location, config, sink, target);
        } catch (IOException e) {
            sink.close();
            throw e;
        }
    }

    static PtarOutput toStandardOutput(MemorySegment config) throws IOException {
        @SuppressWarnings("resource") // standard output stays open
        FileChannel channel = new FileOutputStream(FileDescriptor.out).getChannel();
        return begin("ptar:-", config, new FileSink(channel, null, null, false), null);
    }

    static PtarOutput create(Path file, MemorySegment config, boolean replaces) throws IOException {
        Path folder = file.getParent();
        if (folder == null || Files.isDirectory(file)) {
            throw new IOException(file + " is a directory");
        }
        if (!replaces && Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileAlreadyExistsException(file.toString());
        }
        AtomicFiles files = new AtomicFiles(file.getFileSystem());
        while (true) {
            Path temporary = folder.resolve(
                    "." + file.getFileName() + "." + ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE) + ".tmp");
            FileChannel channel;
            try {
                channel = files.create(temporary);
            } catch (FileAlreadyExistsException e) {
                continue; // Another one drew the same number: draw again.
            } catch (NoSuchFileException e) {
                throw new NoSuchFileException(folder.toString(), null, "no such directory");
            } catch (AccessDeniedException e) {
                throw new AccessDeniedException(folder.toString(), null, "no permission to write here");
            }
            return begin("ptar://" + file.normalize(), config, new FileSink(channel, file, temporary, replaces), file);
        }
    }

    /** A file under its temporary name, or standard output. Owns the channel of the former. */
    private record FileSink(
            FileChannel channel,
            @Nullable Path target,
            @Nullable Path temporary,
            boolean replaces) implements ArchiveSink {
        @Override
        public void append(List<MemorySegment> parts) throws IOException {
            AtomicFiles.writeAll(channel, parts);
        }

        @Override
        public void publish() throws IOException {
            if (target != null && temporary != null) {
                channel.force(true);
                channel.close();
                new AtomicFiles(target.getFileSystem()).publish(temporary, target, replaces);
            }
        }

        @Override
        public void close() throws IOException {
            if (temporary != null) {
                channel.close();
                Files.deleteIfExists(temporary);
            }
        }
    }

    @Override
    public void append(List<MemorySegment> parts) throws IOException {
        sink.append(parts);
        for (MemorySegment part : parts) {
            written += part.byteSize();
        }
    }

    /** The state; what was appended so far is the packfile. */
    @Override
    public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        if (kind != ObjectKind.STATE || isComplete) {
            throw new IOException(location + " takes one packfile and one state, and nothing else");
        }
        long packfileAt = configRange.offset() + configRange.length();
        long stateAt = written;
        append(parts);
        append(List.of(new PtarLayout(
                        configRange, new Range(packfileAt, stateAt - packfileAt), new Range(stateAt, written - stateAt))
                .trailer()));
        sink.publish();
        isComplete = true;
    }

    @Override
    public String location() {
        return location;
    }

    @Override
    public @Nullable Path localPath() {
        return target;
    }

    @Override
    public boolean isWritable() {
        return true;
    }

    @Override
    public MemorySegment readConfig(Arena arena) {
        return config.asReadOnly();
    }

    @Override
    public List<Mac> list(ObjectKind kind) {
        return List.of();
    }

    @Override
    public long size(ObjectKind kind, Mac name) throws IOException {
        throw unreadable();
    }

    @Override
    public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
        throw unreadable();
    }

    private IOException unreadable() {
        return new IOException(location + " is being written and cannot be read yet");
    }

    @Override
    public void refreshLock(Mac name, MemorySegment content) throws IOException {
        throw new IOException("an archive has no locks");
    }

    @Override
    public void delete(ObjectKind kind, Mac name) throws IOException {
        throw new IOException(location + " gives nothing back");
    }

    @Override
    public void close() {
        try {
            sink.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
