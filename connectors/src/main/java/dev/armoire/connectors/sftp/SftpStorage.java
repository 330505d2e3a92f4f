// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.storage.blocks.BlockCache;
import dev.armoire.connectors.storage.blocks.Ranges;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import org.apache.sshd.sftp.client.SftpClient.Attributes;
import org.apache.sshd.sftp.client.SftpClient.DirEntry;
import org.jspecify.annotations.Nullable;

/**
 * A store in a folder of a server, laid out as one in a local folder is: both Plakar's plug-in and whoever sees the folder
 * itself can use it. Files are written as {@code tmp.digits} in {@code packfiles/}, {@code states/} or the root first.
 */
final class SftpStorage implements Storage {
    private static final String CONFIG = "CONFIG";
    private static final long MAX_CONFIG_BYTES = 1 << 20;
    private static final int NAME_DIGITS = 2 * Mac.BYTES;
    private static final int OWNER_ONLY = 0700;
    /** Folders that are listed or made at the same time: most of what it takes is waiting. */
    private static final int TOGETHER = 32;

    private final SftpConnection connection;
    private final String root;
    private final String location;
    private final BlockCache blocks = new BlockCache();

    private SftpStorage(SftpConnection connection, SftpPlace place) {
        this.connection = connection;
        this.root = root(place);
        this.location = place.location();
    }

    private static String root(SftpPlace place) {
        String root = SftpConnection.wire(place.root());
        return root.equals("/") ? "" : root;
    }

    static SftpStorage open(SftpPlace place, Path home, Function<String, @Nullable String> environment)
            throws IOException {
        SftpConnection connection = SftpConnection.open(place, home, environment);
        boolean isDone = false;
        String config = root(place) + '/' + CONFIG;
        try {
            if (connection.look(config) == null) {
                throw new NoSuchFileException(
                        SftpConnection.text(config), null, place.location() + " is not a store: it has no CONFIG");
            }
            isDone = true;
            return new SftpStorage(connection, place);
        } catch (NoSuchFileException e) {
            throw e;
        } catch (IOException e) {
            throw SftpErrors.named("cannot open " + place.location(), SftpConnection.text(config), e);
        } finally {
            if (!isDone) {
                connection.close();
            }
        }
    }

    static SftpStorage create(
            SftpPlace place, Path home, Function<String, @Nullable String> environment, MemorySegment config)
            throws IOException {
        SftpStorage storage = new SftpStorage(SftpConnection.open(place, home, environment), place);
        boolean isDone = false;
        try {
            storage.make(config);
            isDone = true;
            return storage;
        } finally {
            if (!isDone) {
                storage.close();
            }
        }
    }

    private void make(MemorySegment config) throws IOException {
        String folder = root.isEmpty() ? "/" : root;
        try {
            Attributes found = connection.look(folder);
            if (found == null) {
                connection.makeFolders(folder);
                Attributes mode = new Attributes();
                mode.setPermissions(OWNER_ONLY);
                connection.channel().setStat(folder, mode);
            } else {
                refuseUsed(folder);
            }
            for (ObjectKind kind : List.of(ObjectKind.PACKFILE, ObjectKind.STATE, ObjectKind.LOCK)) {
                connection.channel().mkdir(root + '/' + kind.folder());
                if (kind != ObjectKind.LOCK) {
                    List<Callable<Boolean>> tasks = new ArrayList<>();
                    for (int bucket = 0; bucket < 256; bucket++) {
                        String path = String.format(Locale.ROOT, "%s/%s/%02x", root, kind.folder(), bucket);
                        tasks.add(() -> {
                            connection.channel().mkdir(path);
                            return true;
                        });
                    }
                    together(tasks);
                    connection.sync(root + '/' + kind.folder());
                }
            }
            if (!root.isEmpty()) {
                connection.sync(SftpConnection.parent(root));
            }
            connection.writeNew(root + '/' + CONFIG, folder.equals("/") ? "" : folder, List.of(config));
        } catch (FileAlreadyExistsException e) {
            throw new IOException(location + " is not empty: something else is being made there", e);
        } catch (FileSystemException e) {
            throw e;
        } catch (IOException e) {
            throw SftpErrors.named("cannot create a store at " + location, SftpConnection.text(folder), e);
        }
    }

    private void refuseUsed(String folder) throws IOException {
        if (!connection.channel().stat(folder).isDirectory()) {
            throw new FileSystemException(
                    SftpConnection.text(folder), null, "not a directory, so no place for a store");
        }
        for (DirEntry entry : connection.list(folder)) {
            boolean isStore = entry.getFilename().equals(CONFIG) || connection.look(root + '/' + CONFIG) != null;
            throw new FileSystemException(
                    isStore ? location + " is already a store" : "directory " + location + " is not empty");
        }
    }

    @Override
    public String location() {
        return location;
    }

    @Override
    public @Nullable Path localPath() {
        return null;
    }

    @Override
    public boolean isWritable() {
        return true;
    }

    @Override
    public MemorySegment readConfig(Arena arena) throws IOException {
        String file = root + '/' + CONFIG;
        try {
            long size = connection.channel().stat(file).getSize();
            if (size > MAX_CONFIG_BYTES) {
                throw new CorruptDataException(SftpConnection.text(file) + " has " + size + " bytes, at most "
                        + MAX_CONFIG_BYTES + " expected: this is no CONFIG of a store");
            }
            MemorySegment config = arena.allocate(size);
            long read = connection.read(file, 0, config);
            return config.asSlice(0, read).asReadOnly();
        } catch (IOException e) {
            throw SftpErrors.named("cannot read CONFIG of " + location, SftpConnection.text(file), e);
        }
    }

    @Override
    public List<Mac> list(ObjectKind kind) throws IOException {
        String folder = root + '/' + kind.folder();
        try {
            if (kind == ObjectKind.LOCK) {
                return List.copyOf(names(folder, ""));
            }
            List<Callable<List<Mac>>> tasks = new ArrayList<>();
            for (DirEntry bucket : entries(folder)) {
                if (bucket.getAttributes().isDirectory()) {
                    tasks.add(() -> names(folder + '/' + bucket.getFilename(), bucket.getFilename()));
                }
            }
            List<Mac> inPlace = new ArrayList<>();
            for (List<Mac> names : together(tasks)) {
                inPlace.addAll(names);
            }
            return inPlace;
        } catch (IOException e) {
            throw SftpErrors.named(
                    "cannot list the " + kind.folder() + " of " + location, SftpConnection.text(folder), e);
        }
    }

    private List<Mac> names(String folder, String bucket) throws IOException {
        Set<Mac> names = new HashSet<>();
        for (DirEntry entry : entries(folder)) {
            String name = entry.getFilename();
            Attributes attributes = entry.getAttributes();
            boolean isFile = !attributes.isDirectory() && !attributes.isSymbolicLink();
            if (isFile && isObjectName(name) && name.startsWith(bucket)) {
                names.add(Mac.parse(name));
            }
        }
        return List.copyOf(names);
    }

    /** What is in a folder, nothing when there is no such folder. */
    private List<DirEntry> entries(String folder) throws IOException {
        try {
            return connection.list(folder);
        } catch (IOException e) {
            if (SftpErrors.isMissing(e)) {
                return List.of();
            }
            throw e;
        }
    }

    private static boolean isObjectName(String name) {
        return name.length() == NAME_DIGITS
                && name.chars().allMatch(c -> (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
    }

    private static <T> List<T> together(List<Callable<T>> tasks) throws IOException {
        List<T> results = new ArrayList<>();
        try (ExecutorService threads =
                Executors.newFixedThreadPool(TOGETHER, Thread.ofVirtual().factory())) {
            for (Future<T> result : threads.invokeAll(tasks)) {
                results.add(result.get());
            }
            return results;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new IOException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }

    @Override
    public long size(ObjectKind kind, Mac name) throws IOException {
        String file = path(kind, name);
        try {
            return connection.channel().stat(file).getSize();
        } catch (IOException e) {
            throw SftpErrors.named("cannot find " + label(kind, name), SftpConnection.text(file), e);
        }
    }

    /** Blobs that belong together lie together: a request brings more than one of them. */
    private record Packfile(SftpConnection connection, String path) implements Ranges {
        @Override
        public long fetch(long from, MemorySegment into) throws IOException {
            return connection.read(path, from, into);
        }

        @Override
        public long size() {
            return UNKNOWN;
        }
    }

    @Override
    public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
        if (offset < 0) {
            throw new IllegalArgumentException("negative offset " + offset);
        }
        String file = path(kind, name);
        try {
            long read = kind == ObjectKind.PACKFILE
                    ? blocks.read(new Packfile(connection, file), offset, into)
                    : connection.read(file, offset, into);
            if (read < into.byteSize()) {
                throw new EOFException(label(kind, name) + ": wanted " + into.byteSize() + " bytes from byte " + offset
                        + ", but " + SftpConnection.text(file) + " has "
                        + connection.channel().stat(file).getSize() + " bytes");
            }
        } catch (EOFException e) {
            throw e;
        } catch (IOException e) {
            throw SftpErrors.named("cannot read " + label(kind, name), SftpConnection.text(file), e);
        }
    }

    @Override
    public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        String file = path(kind, name);
        try {
            if (kind == ObjectKind.PARITY) {
                makeFolder(root + '/' + kind.folder());
                makeFolder(SftpConnection.parent(file));
            }
            connection.writeNew(file, temporaryFolder(kind), parts);
        } catch (IOException e) {
            throw SftpErrors.named("cannot write " + label(kind, name), SftpConnection.text(file), e);
        }
    }

    @Override
    public void settle(ObjectKind kind, Collection<Mac> names) throws IOException {
        Instant recently = Instant.now().minus(WRITTEN_BACK_AFTER);
        Set<String> folders = ConcurrentHashMap.newKeySet();
        List<Callable<Boolean>> tasks = new ArrayList<>();
        for (Mac name : names) {
            tasks.add(() -> settle(kind, name, recently, folders));
        }
        together(tasks);
        for (String folder : folders) {
            try {
                connection.sync(folder);
            } catch (IOException e) {
                throw SftpErrors.named(
                        "cannot sync the " + kind.folder() + " of " + location, SftpConnection.text(folder), e);
            }
        }
    }

    private boolean settle(ObjectKind kind, Mac name, Instant recently, Set<String> folders) throws IOException {
        String file = path(kind, name);
        try {
            FileTime written = connection.channel().stat(file).getModifyTime();
            boolean isNew = written == null || written.toInstant().isAfter(recently);
            if (isNew && connection.sync(file)) {
                folders.add(SftpConnection.parent(file));
            }
            return isNew;
        } catch (IOException e) {
            if (SftpErrors.isMissing(e)) {
                return false; // removed meanwhile
            }
            throw SftpErrors.named("cannot sync " + label(kind, name), SftpConnection.text(file), e);
        }
    }

    /** Somebody else may make it at the same time. */
    private void makeFolder(String folder) throws IOException {
        if (connection.look(folder) != null) {
            return;
        }
        try {
            connection.makeFolders(folder);
            connection.sync(SftpConnection.parent(folder));
        } catch (IOException e) {
            Attributes there = connection.look(folder);
            if (there == null || !there.isDirectory()) {
                throw e;
            }
        }
    }

    @Override
    public void refreshLock(Mac name, MemorySegment content) throws IOException {
        String file = path(ObjectKind.LOCK, name);
        try {
            connection.replace(file, temporaryFolder(ObjectKind.LOCK), List.of(content));
        } catch (IOException e) {
            throw SftpErrors.named("cannot refresh " + label(ObjectKind.LOCK, name), SftpConnection.text(file), e);
        }
    }

    @Override
    public void replace(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        String file = path(kind, name);
        try {
            connection.replace(file, temporaryFolder(kind), parts);
        } catch (IOException e) {
            throw SftpErrors.named("cannot replace " + label(kind, name), SftpConnection.text(file), e);
        }
        blocks.forget(new Packfile(connection, file));
    }

    @Override
    public int discardUnfinished(Instant begunBefore, boolean onlyCounts) throws IOException {
        int found = 0;
        for (ObjectKind kind : ObjectKind.values()) {
            String folder = temporaryFolder(kind);
            try {
                for (DirEntry entry : entries(folder.isEmpty() ? "/" : folder)) {
                    FileTime written = entry.getAttributes().getModifyTime();
                    if (entry.getFilename().matches("tmp\\.[0-9]+")
                            && entry.getAttributes().isRegularFile()
                            && written != null
                            && written.toInstant().isBefore(begunBefore)) {
                        found++;
                        if (!onlyCounts) {
                            connection.channel().remove(folder + '/' + entry.getFilename());
                        }
                    }
                }
            } catch (IOException e) {
                if (!SftpErrors.isMissing(e)) { // else its writer has finished it meanwhile
                    throw SftpErrors.named(
                            "cannot clear away unfinished files of " + location, SftpConnection.text(folder), e);
                }
            }
        }
        return found;
    }

    @Override
    public void delete(ObjectKind kind, Mac name) throws IOException {
        String file = path(kind, name);
        try {
            connection.channel().remove(file);
        } catch (IOException e) {
            if (!SftpErrors.isMissing(e)) {
                throw SftpErrors.named("cannot delete " + label(kind, name), SftpConnection.text(file), e);
            }
        }
        blocks.forget(new Packfile(connection, file));
    }

    @Override
    public void close() {
        connection.close();
    }

    private String path(ObjectKind kind, Mac name) {
        String folder = root + '/' + kind.folder() + '/';
        String hex = name.hex();
        return kind == ObjectKind.LOCK ? folder + hex : folder + hex.substring(0, 2) + '/' + hex;
    }

    private String temporaryFolder(ObjectKind kind) {
        return kind == ObjectKind.LOCK ? root : root + '/' + kind.folder();
    }

    private String label(ObjectKind kind, Mac name) {
        return kind.name().toLowerCase(Locale.ROOT) + ' ' + name.shortHex() + " of " + location;
    }
}
