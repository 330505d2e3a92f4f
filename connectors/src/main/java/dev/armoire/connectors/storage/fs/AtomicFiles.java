// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.fs;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Writes whole files: after a crash one is there in full under its name, or not at all. A file is written under a
 * temporary name, synced, given its name, and then the folder is synced. May be called from many threads at once.
 */
public final class AtomicFiles {
    /** Bytes given to the system at a time: the JDK writes heap segments through copies of this size at most. */
    private static final long PIECE_BYTES = 8 << 20;

    /** What Linux takes in one writev. */
    private static final int PIECES = 1024;

    private final boolean posix;
    private final FileAttribute<?>[] fileMode;
    private final FileAttribute<?>[] folderMode;
    private final ReentrantLock moving = new ReentrantLock();
    private final DirectWrites direct = new DirectWrites();
    private final boolean isLocal;
    private volatile boolean foldersSync;

    public AtomicFiles(FileSystem system) {
        isLocal = system.equals(FileSystems.getDefault());
        posix = system.supportedFileAttributeViews().contains("posix");
        fileMode = mode("rw-------");
        folderMode = mode("rwx------");
    }

    private FileAttribute<?>[] mode(String permissions) {
        return posix
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
                }
                : new FileAttribute<?>[0];
    }

    /** Whether a name is one of those that files have while they are written. */
    static boolean isTemporary(Path file) {
        return String.valueOf(file.getFileName()).matches("tmp\\.[0-9]+");
    }

    /** Makes a folder for its owner only, in a folder that is there. Not durable before {@link #sync} of the latter. */
    void makeFolder(Path folder) throws IOException {
        Files.createDirectory(folder, folderMode);
    }

    /** Makes folders down to this one, as far as they are missing, for their owner only. */
    void makeFolders(Path folder) throws IOException {
        Files.createDirectories(folder, folderMode);
    }

    /**
     * Writes a new file. Both folders are made when missing, but not what is above them.
     *
     * @param temporary the folder of the temporary name, on the file system of {@code target}
     * @throws FileAlreadyExistsException and leaves what is there, when the name is in use
     */
    void write(Path target, Path temporary, List<MemorySegment> parts) throws IOException {
        if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileAlreadyExistsException(target.toString());
        }
        Path file = writeTemporary(temporary, parts);
        try {
            ensureFolder(parent(target));
            publish(file, target);
        } finally {
            deleteQuietly(file);
        }
        try {
            sync(parent(target));
        } catch (IOException | RuntimeException | Error e) {
            deleteQuietly(target);
            throw e;
        }
    }

    /** Writes a file, in place of one that may be there. */
    void replace(Path target, Path temporary, List<MemorySegment> parts) throws IOException {
        Path file = writeTemporary(temporary, parts);
        try {
            ensureFolder(parent(target));
            Files.move(file, target, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            deleteQuietly(file);
        }
        sync(parent(target));
    }

    private Path writeTemporary(Path folder, List<MemorySegment> parts) throws IOException {
        ensureFolder(folder);
        while (true) {
            Path file = folder.resolve("tmp." + ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE));
            try (FileChannel channel = create(file)) {
                try {
                    if (!isLocal || !direct.write(file, parts)) {
                        writeAll(channel, parts);
                    }
                    channel.force(true);
                } catch (IOException | RuntimeException | Error e) {
                    deleteQuietly(file);
                    throw e;
                }
                return file;
            } catch (FileAlreadyExistsException e) {
                // Another writer drew the same number, or a crashed one left it: draw again.
            }
        }
    }

    /** Makes a new file for its owner only, to be written and then published. */
    public FileChannel create(Path file) throws IOException {
        return FileChannel.open(file, Set.of(WRITE, CREATE_NEW), fileMode);
    }

    /**
     * Gives a file its name, durably. The temporary name stays if there are hard links.
     *
     * @param file synced, on the file system of {@code target}
     * @param replaces whether a file that has the name loses it
     * @throws FileAlreadyExistsException and leaves what is there, when the name is in use and not to be replaced
     */
    public void publish(Path file, Path target, boolean replaces) throws IOException {
        if (replaces) {
            Files.move(file, target, StandardCopyOption.ATOMIC_MOVE);
        } else {
            publish(file, target);
        }
        sync(parent(target));
    }

    /** Writes all bytes of the parts, in order. */
    public static void writeAll(FileChannel channel, List<MemorySegment> parts) throws IOException {
        writeAll(channel, parts, PIECE_BYTES);
    }

    static void writeAll(FileChannel channel, List<MemorySegment> parts, long pieceBytes) throws IOException {
        ByteBuffer[] pieces = new ByteBuffer[PIECES];
        int count = 0;
        long bytes = 0;
        for (MemorySegment part : parts) {
            long size = part.byteSize();
            for (long at = 0; at < size; ) {
                long length = Math.min(pieceBytes - bytes, size - at);
                pieces[count++] = part.asSlice(at, length).asByteBuffer();
                at += length;
                bytes += length;
                if (count == PIECES || bytes == pieceBytes) {
                    drain(channel, pieces, count);
                    count = 0;
                    bytes = 0;
                }
            }
        }
        drain(channel, pieces, count);
    }

    private static void drain(FileChannel channel, ByteBuffer[] pieces, int count) throws IOException {
        int from = 0;
        while (from < count) {
            channel.write(pieces, from, count - from);
            while (from < count && !pieces[from].hasRemaining()) {
                from++;
            }
        }
    }

    /** A second hard link is the one portable way to give a name atomically that does not take it from another file. */
    private void publish(Path file, Path target) throws IOException {
        try {
            Files.createLink(target, file);
        } catch (FileAlreadyExistsException | NoSuchFileException e) {
            throw e;
        } catch (UnsupportedOperationException | FileSystemException e) {
            moveWithoutLinks(file, target);
        }
    }

    /** For file systems without hard links. Only between threads of this process is it certain not to overwrite. */
    void moveWithoutLinks(Path file, Path target) throws IOException {
        moving.lock();
        try {
            if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
                throw new FileAlreadyExistsException(target.toString());
            }
            Files.move(file, target, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            moving.unlock();
        }
    }

    private void ensureFolder(Path folder) throws IOException {
        if (Files.isDirectory(folder)) {
            return;
        }
        try {
            makeFolder(folder);
        } catch (FileAlreadyExistsException e) {
            if (Files.isDirectory(folder)) {
                return;
            }
            throw new FileSystemException(folder.toString(), null, "not a directory");
        }
        sync(parent(folder));
    }

    /**
     * Makes names in a folder durable, or what a file holds. Some file systems (9p, some in user space) cannot sync folders and say so from the
     * first time on; once it has worked, a failure is a failure.
     */
    void sync(Path path) throws IOException {
        if (!posix) {
            return; // Windows opens no folders, and needs no sync of them
        }
        try (FileChannel channel = FileChannel.open(path, READ)) {
            channel.force(true);
            foldersSync = true;
        } catch (ClosedByInterruptException | NoSuchFileException e) {
            throw e;
        } catch (IOException e) {
            if (foldersSync) {
                throw e;
            }
        }
    }

    static Path parent(Path path) {
        Path parent = path.getParent();
        return parent == null ? path : parent;
    }

    private static void deleteQuietly(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // Left-over temporary files hold nobody up; what matters is the outcome that the caller reports.
        }
    }
}
