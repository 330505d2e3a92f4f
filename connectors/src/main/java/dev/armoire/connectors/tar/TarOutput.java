// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Where a tar file is written: to a stream, or beside its place to a file that gets its name in the end. In a file, what was
 * written since a mark can be taken back; where it is compressed, each mark begins a new gzip member. For one thread at a time.
 */
final class TarOutput implements AutoCloseable {
    private static final int GZIP_BUFFER_BYTES = 64 << 10;
    private static final int BUFFER_BYTES = 1 << 20;

    private final OutputStream below;
    private final boolean compresses;
    private final @Nullable FileChannel channel;
    private final @Nullable Path beside;
    private final @Nullable Path place;
    private @Nullable GZIPOutputStream gzip;
    private TarArchiveOutputStream tar;
    private long mark;

    private TarOutput(
            OutputStream below,
            boolean compresses,
            @Nullable FileChannel channel,
            @Nullable Path beside,
            @Nullable Path place)
            throws IOException {
        this.below = below;
        this.compresses = compresses;
        this.channel = channel;
        this.beside = beside;
        this.place = place;
        this.gzip = compresses ? new GZIPOutputStream(below, GZIP_BUFFER_BYTES) : null;
        this.tar = newTar();
    }

    /** Writes to a stream, which stays open. */
    static TarOutput to(OutputStream out, boolean compresses) throws IOException {
        return new TarOutput(out, compresses, null, null, null);
    }

    /** Writes to a file, in place of one that is there, at the end and not before. */
    static TarOutput toFile(Path place, boolean compresses) throws IOException {
        Path folder = place.getParent();
        if (folder == null || Files.isDirectory(place)) {
            throw new IOException(place + " is a folder: the name of a tar file is wanted");
        }
        Path beside;
        try {
            beside = folder.getFileSystem().supportedFileAttributeViews().contains("posix")
                    ? Files.createTempFile(
                            folder,
                            ".armoire-tar-",
                            ".tmp",
                            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))
                    : Files.createTempFile(folder, ".armoire-tar-", ".tmp");
        } catch (java.nio.file.NoSuchFileException e) {
            throw new IOException("there is no folder " + folder, e);
        }
        try {
            FileChannel channel = FileChannel.open(beside, StandardOpenOption.WRITE);
            OutputStream below = new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER_BYTES);
            return new TarOutput(below, compresses, channel, beside, place);
        } catch (IOException e) {
            Files.deleteIfExists(beside);
            throw e;
        }
    }

    private TarArchiveOutputStream newTar() {
        TarArchiveOutputStream made =
                new TarArchiveOutputStream(gzip == null ? below : gzip, StandardCharsets.ISO_8859_1.name());
        made.setLongFileMode(TarArchiveOutputStream.LONGFILE_GNU);
        made.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_STAR);
        return made;
    }

    TarArchiveOutputStream tar() {
        return tar;
    }

    /** Begins something that may have to be taken back. */
    void mark() throws IOException {
        if (channel == null) {
            return;
        }
        tar.flush();
        if (gzip != null) {
            gzip.finish();
        }
        below.flush();
        mark = channel.position();
        begin();
    }

    private void begin() throws IOException {
        gzip = compresses ? new GZIPOutputStream(below, GZIP_BUFFER_BYTES) : null;
        tar = newTar();
    }

    /** Takes back what was written since the mark; false where that cannot be. */
    boolean takeBack() throws IOException {
        if (channel == null) {
            return false;
        }
        below.flush();
        channel.truncate(mark);
        channel.position(mark);
        begin();
        return true;
    }

    /** Writes the end; a file is there now. */
    void finish() throws IOException {
        tar.finish();
        tar.flush();
        if (gzip != null) {
            gzip.finish();
        }
        below.flush();
        if (channel != null && beside != null && place != null) {
            channel.force(true);
            channel.close();
            Files.move(beside, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** Without a finish before: removes what was written to a file. */
    @Override
    public void close() throws IOException {
        if (channel != null && beside != null) {
            channel.close();
            Files.deleteIfExists(beside);
        }
    }
}
