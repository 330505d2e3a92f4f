// SPDX-License-Identifier: ISC
package dev.armoire.connectors.fs;

import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.FileInfo;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The twin of {@link PosixExporter} for systems without it: files, directories and links with their times and, where
 * there are such, the nine permissions. Looks for symbolic links in the way before each step; unlike its twin it cannot
 * keep another process from putting one there meanwhile.
 */
final class NioExporter implements Exporter {
    private static final byte[] HERE = {};

    private final NioTarget target;
    private final boolean restorePermissions;
    private final boolean hasPermissions;

    private NioExporter(Path target, boolean restorePermissions) {
        this.target = new NioTarget(target);
        this.hasPermissions =
                target.getFileSystem().supportedFileAttributeViews().contains("posix");
        this.restorePermissions = restorePermissions && hasPermissions;
    }

    static NioExporter open(Path target, boolean restorePermissions, Problems problems) throws IOException {
        Path directory = target.toAbsolutePath().normalize();
        try {
            Files.createDirectories(directory);
        } catch (FileAlreadyExistsException e) {
            throw new IOException("open " + directory + ": not a directory; choose another place to restore to", e);
        }
        problems.lost(HERE, "owners, setuid, setgid, sticky and extended attributes: not restored on this system");
        return new NioExporter(directory, restorePermissions);
    }

    @Override
    public void makeDirectory(byte[] path) throws IOException {
        Path directory = path.length == 0 ? target.path() : target.resolve(path);
        if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS) && path.length > 0) {
            try {
                Files.createDirectory(directory);
            } catch (FileAlreadyExistsException e) {
                throw new IOException("mkdir " + directory + ": file exists and is no directory", e);
            }
        }
    }

    @Override
    public FileOutput createFile(byte[] path, FileInfo info) throws IOException {
        Path file = target.resolve(path);
        Path temporary = temporary(file);
        return new Output(
                FileChannel.open(temporary, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
                temporary,
                file,
                info);
    }

    @Override
    public void link(byte[] path, byte[] existing) throws IOException {
        Path link = target.resolve(path);
        Path temporary = temporary(link);
        Files.createLink(temporary, target.resolve(existing));
        try {
            move(temporary, link);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    @Override
    public void symlink(byte[] path, byte[] linkTarget, FileInfo info, List<Xattr> xattrs) throws IOException {
        Path link = target.resolve(path);
        Path temporary = temporary(link);
        Path text = target.decode(linkTarget);
        try {
            Files.createSymbolicLink(temporary, text);
            setTime(temporary, info);
            move(temporary, link);
        } catch (UnsupportedOperationException e) {
            throw new IOException("symlink " + link + ": this file system has no symbolic links", e);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    @Override
    public void special(byte[] path, FileInfo info, List<Xattr> xattrs) throws IOException {
        throw new IOException("mknod " + target.resolve(path) + ": special files cannot be made on this system");
    }

    @Override
    public void finishDirectory(byte[] path, FileInfo info, List<Xattr> xattrs) throws IOException {
        Path directory = path.length == 0 ? target.path() : target.resolve(path);
        if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException("open " + directory + ": not a directory");
        }
        finish(directory, info);
    }

    private void finish(Path made, FileInfo info) throws IOException {
        if (restorePermissions) {
            Files.getFileAttributeView(made, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                    .setPermissions(permissions(info.mode()));
        }
        setTime(made, info);
    }

    private static Set<PosixFilePermission> permissions(int mode) {
        var all = PosixFilePermission.values(); // owner, group, others; read, write, execute
        Set<PosixFilePermission> set = EnumSet.noneOf(PosixFilePermission.class);
        for (int i = 0; i < all.length; i++) {
            if ((mode & 0400 >> i) != 0) {
                set.add(all[i]);
            }
        }
        return set;
    }

    private static void setTime(Path made, FileInfo info) throws IOException {
        var time = FileTime.from(Instant.ofEpochSecond(info.mtimeSeconds(), info.mtimeNanos()));
        Files.getFileAttributeView(made, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                .setTimes(time, null, null);
    }

    private static Path temporary(Path beside) {
        return beside.resolveSibling(
                ".armoire-" + Long.toHexString(ThreadLocalRandom.current().nextLong()));
    }

    private static void move(Path from, Path to) throws IOException {
        if (Files.isDirectory(to, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException("rename " + to + ": a directory of this name is in the way");
        }
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void close() {
        // holds nothing
    }

    /** A file under its temporary name. Owns the channel. */
    private final class Output implements FileOutput {
        private static final long STEP = 1 << 30;

        private final FileChannel channel;
        private final Path temporary;
        private final Path file;
        private final FileInfo info;

        Output(FileChannel channel, Path temporary, Path file, FileInfo info) {
            this.channel = channel;
            this.temporary = temporary;
            this.file = file;
            this.info = info;
        }

        @Override
        public void write(MemorySegment data) throws IOException {
            for (long done = 0; done < data.byteSize(); ) {
                ByteBuffer part = data.asSlice(done, Math.min(STEP, data.byteSize() - done))
                        .asByteBuffer();
                done += channel.write(part);
            }
        }

        @Override
        public void commit(List<Xattr> xattrs) throws IOException {
            channel.close(); // first: some systems set the time when a file is closed
            finish(temporary, info);
            move(temporary, file);
        }

        @Override
        public void close() {
            try {
                channel.close();
                Files.deleteIfExists(temporary);
            } catch (IOException e) {
                System.getLogger(NioExporter.class.getName())
                        .log(System.Logger.Level.WARNING, "could not remove " + temporary, e);
            }
        }
    }
}
