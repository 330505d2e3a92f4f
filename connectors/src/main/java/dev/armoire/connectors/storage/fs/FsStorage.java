// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.fs;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A store in a folder, byte for byte and name for name as Plakar lays it out (format 1 §15.1):
 * <pre>
 *  CONFIG
 *  packfiles/xx/64 hex digits     xx: the first two of them
 *  states/xx/64 hex digits
 *  locks/64 hex digits
 * </pre>
 * and, once there is parity, {@code parity/xx/64 hex digits}, which Plakar does not look at. Files are written as {@code tmp.digits} in {@code packfiles/}, {@code states/} or the root first. Nothing
 * reads those that crashed writers leave behind; maintenance has them taken away when no live one can be theirs.
 */
final class FsStorage implements Storage {
    private static final String CONFIG = "CONFIG";
    private static final long MAX_CONFIG_BYTES = 1 << 20;
    private static final int OPEN_FILES = 64;
    private static final int NAME_DIGITS = 2 * Mac.BYTES;

    private final Path root;
    private final Path realRoot;
    private final String location;
    private final AtomicFiles writer;
    private final OpenFiles readers = new OpenFiles(OPEN_FILES);
    /** Blobs are read one after the other from one packfile, and to make its path takes as long as to read one. */
    private volatile @Nullable Named lastNamed;

    private FsStorage(Path root, AtomicFiles writer) throws IOException {
        this.root = root;
        this.realRoot = root.toRealPath();
        this.location = "fs://" + root.normalize();
        this.writer = writer;
    }

    static FsStorage open(Path root) throws IOException {
        BasicFileAttributes attributes;
        try {
            attributes = Files.readAttributes(root, BasicFileAttributes.class);
        } catch (NoSuchFileException e) {
            throw new NoSuchFileException(root.toString(), null, "no such directory");
        } catch (AccessDeniedException e) {
            throw new AccessDeniedException(root.toString(), null, "no permission to open this store");
        }
        if (!attributes.isDirectory()) {
            throw new FileSystemException(root.toString(), null, "not a directory, so not a store");
        }
        Path config = root.resolve(CONFIG);
        try {
            OpenFiles.readUncached(config, 0, MemorySegment.ofArray(new byte[1]));
        } catch (NoSuchFileException e) {
            throw new NoSuchFileException(config.toString(), null, root + " is not a store: it has no CONFIG");
        } catch (AccessDeniedException e) {
            throw new AccessDeniedException(config.toString(), null, "no permission to open this store");
        }
        return new FsStorage(root, new AtomicFiles(root.getFileSystem()));
    }

    static FsStorage create(Path root, MemorySegment config) throws IOException {
        AtomicFiles writer = new AtomicFiles(root.getFileSystem());
        refuseUsed(root);
        List<Path> made = new ArrayList<>();
        try {
            if (!Files.exists(root)) {
                writer.makeFolders(root);
                made.add(root);
                syncParent(writer, root);
            }
            for (ObjectKind kind : List.of(ObjectKind.PACKFILE, ObjectKind.STATE, ObjectKind.LOCK)) {
                make(writer, root.resolve(kind.folder()), made);
                for (int bucket = 0; bucket < 256 && kind != ObjectKind.LOCK; bucket++) {
                    String name = String.format(Locale.ROOT, "%02x", bucket);
                    make(writer, root.resolve(kind.folder()).resolve(name), made);
                }
                writer.sync(root.resolve(kind.folder()));
            }
            writer.sync(root);
            writer.write(root.resolve(CONFIG), root, List.of(config));
            made.clear();
        } catch (FileAlreadyExistsException e) {
            throw new IOException("directory " + root + " is not empty: something else is being made there", e);
        } catch (IOException e) {
            throw named("cannot create a store in " + root, root, e);
        } finally {
            unmake(made);
        }
        return new FsStorage(root, writer);
    }

    private static void refuseUsed(Path root) throws IOException {
        if (!Files.exists(root, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (!Files.isDirectory(root)) {
            throw new FileSystemException(root.toString(), null, "not a directory, so no place for a store");
        }
        if (Files.exists(root.resolve(CONFIG), LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException(root + " is already a store");
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(root)) {
            if (entries.iterator().hasNext()) {
                throw new IOException("directory " + root + " is not empty");
            }
        } catch (AccessDeniedException e) {
            throw new AccessDeniedException(root.toString(), null, "no permission to create a store here");
        }
    }

    private static void make(AtomicFiles writer, Path folder, List<Path> made) throws IOException {
        writer.makeFolder(folder);
        made.add(folder);
    }

    private static void syncParent(AtomicFiles writer, Path path) throws IOException {
        Path parent = path.getParent();
        if (parent != null) {
            writer.sync(parent);
        }
    }

    /** Takes back what a failed creation made: folders only, so never anything that somebody else put there. */
    private static void unmake(List<Path> made) {
        for (Path folder : made.reversed()) {
            try {
                Files.deleteIfExists(folder);
            } catch (IOException e) {
                return; // not empty: it is in use
            }
        }
    }

    @Override
    public String location() {
        return location;
    }

    /** Without symbolic links. */
    @Override
    public Path localPath() {
        return realRoot;
    }

    @Override
    public boolean isWritable() {
        return Files.isWritable(root);
    }

    @Override
    public MemorySegment readConfig(Arena arena) throws IOException {
        Path file = root.resolve(CONFIG);
        try {
            long size = Files.size(file);
            if (size > MAX_CONFIG_BYTES) {
                throw new CorruptDataException(file + " has " + size + " bytes, at most " + MAX_CONFIG_BYTES
                        + " expected: this is no CONFIG of a store");
            }
            MemorySegment config = arena.allocate(size);
            long read = OpenFiles.readUncached(file, 0, config);
            return config.asSlice(0, read).asReadOnly();
        } catch (IOException e) {
            throw named("cannot read CONFIG of " + location, file, e);
        }
    }

    @Override
    public List<Mac> list(ObjectKind kind) throws IOException {
        Path folder = root.resolve(kind.folder());
        List<Mac> names = new ArrayList<>();
        Set<Mac> misplaced = new HashSet<>();
        try {
            if (kind == ObjectKind.LOCK) {
                FolderList.files(folder, name -> collect(name, "", names, misplaced));
            } else {
                for (String bucket : FolderList.folders(folder)) {
                    FolderList.files(folder.resolve(bucket), name -> collect(name, bucket, names, misplaced));
                }
            }
        } catch (IOException e) {
            throw named("cannot list the " + kind.folder() + " of " + location, folder, e);
        }
        if (!misplaced.isEmpty()) {
            // In a folder that is not theirs: told, so that whoever asks for them hears that they are not in place.
            misplaced.removeAll(new HashSet<>(names));
            names.addAll(misplaced);
        }
        return names;
    }

    private static void collect(String name, String prefix, List<Mac> names, Set<Mac> misplaced) {
        if (isObjectName(name)) {
            (name.startsWith(prefix) ? names : misplaced).add(Mac.parse(name));
        }
    }

    private static boolean isObjectName(String name) {
        if (name.length() != NAME_DIGITS) {
            return false;
        }
        for (int i = 0; i < NAME_DIGITS; i++) {
            char c = name.charAt(i);
            if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
                return false;
            }
        }
        return true;
    }

    @Override
    public long size(ObjectKind kind, Mac name) throws IOException {
        Path file = path(kind, name);
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw named("cannot find " + label(kind, name), file, e);
        }
    }

    @Override
    public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
        if (offset < 0) {
            throw new IllegalArgumentException("negative offset " + offset);
        }
        Path file = path(kind, name);
        long wanted = into.byteSize();
        try {
            // Locks are rewritten under their name, so an open channel may lead to an old one.
            long read = kind == ObjectKind.LOCK
                    ? OpenFiles.readUncached(file, offset, into)
                    : readers.read(file, offset, into);
            if (read < wanted) {
                throw new EOFException(label(kind, name) + ": wanted " + wanted + " bytes from byte " + offset
                        + ", but " + file + " has " + Files.size(file) + " bytes");
            }
        } catch (EOFException e) {
            throw e;
        } catch (IOException e) {
            throw named("cannot read " + label(kind, name), file, e);
        }
    }

    @Override
    public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        Path file = path(kind, name);
        try {
            writer.write(file, temporaryFolder(kind), parts);
        } catch (IOException e) {
            throw named("cannot write " + label(kind, name), file, e);
        }
    }

    @Override
    public void settle(ObjectKind kind, Collection<Mac> names) throws IOException {
        Instant recently = Instant.now().minus(WRITTEN_BACK_AFTER);
        Set<Path> folders = new HashSet<>();
        for (Mac name : names) {
            Path file = path(kind, name);
            try {
                if (changed(file).isAfter(recently)) {
                    writer.sync(file);
                    folders.add(AtomicFiles.parent(file));
                }
            } catch (NoSuchFileException e) {
                // Removed meanwhile, or in a folder that is not its own, where nobody reads it.
            } catch (IOException e) {
                throw named("cannot sync " + label(kind, name), file, e);
            }
        }
        for (Path folder : folders) {
            try {
                writer.sync(folder);
            } catch (IOException e) {
                throw named("cannot sync the " + kind.folder() + " of " + location, folder, e);
            }
        }
    }

    /** When the file, or a name of it, came to be: unlike the time of its content that is not copied along. */
    private Instant changed(Path file) throws IOException {
        boolean isUnix = root.getFileSystem().supportedFileAttributeViews().contains("unix");
        FileTime time = isUnix ? (FileTime) Files.getAttribute(file, "unix:ctime") : Files.getLastModifiedTime(file);
        return time.toInstant();
    }

    @Override
    public void refreshLock(Mac name, MemorySegment content) throws IOException {
        Path file = path(ObjectKind.LOCK, name);
        try {
            writer.replace(file, temporaryFolder(ObjectKind.LOCK), List.of(content));
        } catch (IOException e) {
            throw named("cannot refresh " + label(ObjectKind.LOCK, name), file, e);
        }
    }

    @Override
    public void replace(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        Path file = path(kind, name);
        try {
            writer.replace(file, temporaryFolder(kind), parts);
        } catch (IOException e) {
            throw named("cannot replace " + label(kind, name), file, e);
        }
        readers.forget(file);
    }

    @Override
    public int discardUnfinished(Instant begunBefore, boolean onlyCounts) throws IOException {
        int found = 0;
        for (ObjectKind kind : ObjectKind.values()) {
            Path folder = temporaryFolder(kind);
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, AtomicFiles::isTemporary)) {
                for (Path file : files) {
                    BasicFileAttributes attributes =
                            Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
                    if (attributes.isRegularFile()
                            && attributes.lastModifiedTime().toInstant().isBefore(begunBefore)) {
                        found++;
                        if (!onlyCounts) {
                            Files.deleteIfExists(file);
                        }
                    }
                }
            } catch (NoSuchFileException e) {
                // A folder that is made when it is needed, or a file that its writer has finished.
            } catch (IOException e) {
                throw named("cannot clear away unfinished files of " + location, folder, e);
            }
        }
        return found;
    }

    @Override
    public void delete(ObjectKind kind, Mac name) throws IOException {
        Path file = path(kind, name);
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw named("cannot delete " + label(kind, name), file, e);
        }
        readers.forget(file);
    }

    @Override
    public void close() {
        readers.close();
    }

    private Path path(ObjectKind kind, Mac name) {
        Named last = lastNamed;
        if (last != null && last.kind == kind && last.name.equals(name)) {
            return last.path;
        }
        Path folder = root.resolve(kind.folder());
        String hex = name.hex();
        Path path = kind == ObjectKind.LOCK
                ? folder.resolve(hex)
                : folder.resolve(hex.substring(0, 2)).resolve(hex);
        lastNamed = new Named(kind, name, path);
        return path;
    }

    /** Where an object is. */
    private record Named(ObjectKind kind, Mac name, Path path) {}

    private Path temporaryFolder(ObjectKind kind) {
        return kind == ObjectKind.LOCK ? root : root.resolve(kind.folder());
    }

    private String label(ObjectKind kind, Mac name) {
        return kind.name().toLowerCase(Locale.ROOT) + ' ' + name.shortHex() + " of " + location;
    }

    /** The same kind of failure, with the object, the place and the reason in its message. */
    private static IOException named(String what, Path file, IOException e) {
        if (e instanceof ClosedByInterruptException) {
            return e;
        }
        IOException named = switch (e) {
            case NoSuchFileException missing -> new NoSuchFileException(file.toString(), null, what + ": no such file");
            case AccessDeniedException denied ->
                new AccessDeniedException(denied.getFile(), null, what + ": permission denied");
            case FileAlreadyExistsException exists ->
                new FileAlreadyExistsException(file.toString(), null, what + ": it is there already");
            case FileSystemException failure -> new IOException(what + ": " + failure.getMessage());
            default -> new IOException(what + ": " + file + ": " + e.getMessage());
        };
        named.initCause(e);
        return named;
    }
}
