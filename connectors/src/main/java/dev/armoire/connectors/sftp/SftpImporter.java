// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.SmallFilesAhead;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.apache.sshd.sftp.client.SftpClient.Attributes;
import org.jspecify.annotations.Nullable;

/**
 * Files of a server. SFTP tells mode, size, owner as numbers, and times in whole seconds; it does not tell inodes, so hard
 * links become files of their own, nor extended attributes and device numbers.
 */
final class SftpImporter implements Importer {
    /** Each takes two round trips, and the server a tenth of a millisecond for all. */
    private static final int FILES_AT_ONCE = 64;
    /** Files shorter than this are read at once. */
    private static final int FEW_REQUESTS = 64 << 10;
    /** Each takes three round trips. */
    private static final int FOLDERS_AT_ONCE = 16;
    /** Items of a folder that are kept until the walk comes to it; one that has more takes long for itself. */
    private static final int MOST_AHEAD = 2000;

    private final SftpPlace place;
    private final ImportOptions options;
    private final SftpConnection connection;
    private final Attributes root;
    private final SmallFilesAhead ahead = new SmallFilesAhead(FILES_AT_ONCE);
    private final ExecutorService lists = Executors.newThreadPerTaskExecutor(
            Thread.ofPlatform().daemon().name("list-", 0).factory());

    private SftpImporter(SftpPlace place, ImportOptions options, SftpConnection connection, Attributes root) {
        this.place = place;
        this.options = options;
        this.connection = connection;
        this.root = root;
    }

    static SftpImporter open(
            SftpPlace place, ImportOptions options, Path home, Function<String, @Nullable String> environment)
            throws IOException {
        SftpConnection connection = SftpConnection.open(place, home, environment);
        boolean isDone = false;
        String path = BytePath.text(place.root());
        try {
            // A link that the user names leads to what is meant.
            Attributes root = connection.channel().stat(SftpConnection.wire(place.root()));
            isDone = true;
            return new SftpImporter(place, options, connection, root);
        } catch (IOException e) {
            IOException named = SftpErrors.named("open " + place.location(), path, e);
            throw named instanceof NoSuchFileException ? named : new IOException(named.getMessage(), e);
        } finally {
            if (!isDone) {
                connection.close();
            }
        }
    }

    @Override
    public String type() {
        return "sftp";
    }

    @Override
    public String origin() {
        return place.origin();
    }

    @Override
    public byte[] root() {
        return place.root();
    }

    @Override
    public boolean isFarAway() {
        return true;
    }

    @Override
    public void scan(ImportSink sink) throws IOException {
        parents(sink);
        if (options.excludes().isExcluded(place.root(), root.isDirectory())) {
            return;
        }
        sink.record(new RemoteItem(place.root(), info(root), BytePath.EMPTY));
        Deque<Folder> folders = new ArrayDeque<>();
        if (root.isDirectory()) {
            folders.push(new Folder(place.root()));
        }
        while (!folders.isEmpty() && !sink.isStopped()) {
            folders.stream().limit(FOLDERS_AT_ONCE).forEach(Folder::listAhead);
            List<Folder> below = directory(folders.pop(), sink);
            below.reversed().forEach(folders::push);
        }
    }

    private void parents(ImportSink sink) throws IOException {
        for (byte[] path = place.root(); path.length > 1; ) {
            path = BytePath.parent(path);
            try {
                Attributes found = connection.channel().stat(SftpConnection.wire(path));
                sink.record(new RemoteItem(path, info(found), BytePath.EMPTY));
            } catch (IOException e) {
                failed("lstat", path, e, sink);
            }
        }
    }

    /** One whose list is to come, or is there before the walk is. */
    private final class Folder {
        private final byte[] path;
        /** Of null when there is too much in it to be kept for later. */
        private @Nullable Future<@Nullable FolderItems> coming;

        Folder(byte[] path) {
            this.path = path;
        }

        void listAhead() {
            if (coming == null) {
                coming = lists.submit(() -> list(MOST_AHEAD));
            }
        }

        /** The caller closes it. */
        FolderItems list() throws IOException {
            try {
                FolderItems found = coming == null ? null : coming.get();
                return found != null ? found : Objects.requireNonNull(list(Integer.MAX_VALUE));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw (IOException) new InterruptedIOException("interrupted").initCause(e);
            } catch (ExecutionException e) {
                if (e.getCause() instanceof IOException failure) {
                    throw failure;
                }
                throw new IllegalStateException(e);
            }
        }

        private @Nullable FolderItems list(int most) throws IOException {
            FolderItems found = new FolderItems();
            boolean isDone = false;
            try {
                boolean isAll = connection.list(SftpConnection.wire(path), (name, attributes) -> {
                    found.add(name, attributes);
                    return most == Integer.MAX_VALUE || (found.count() <= most && !found.isLarge());
                });
                if (isAll) {
                    found.sort();
                    readLinks(found);
                    isDone = true;
                }
                return isAll ? found : null;
            } finally {
                if (!isDone) {
                    found.close();
                }
            }
        }

        /** Fills in where links lead, or why nobody can tell. */
        private void readLinks(FolderItems found) throws IOException {
            List<Integer> links = new ArrayList<>();
            List<String> paths = new ArrayList<>();
            for (int i = 0; i < found.count(); i++) {
                if (FileMode.isSymlink(FileMode.fromUnix(found.attributes(i).permissions()))) {
                    byte[] name = found.name(i);
                    if (isSound(name)) {
                        links.add(i);
                        paths.add(SftpConnection.wire(BytePath.join(path, name)));
                    }
                }
            }
            List<Object> targets = paths.isEmpty() ? List.of() : connection.readLinks(paths);
            for (int i = 0; i < targets.size(); i++) {
                found.setTarget(links.get(i), targets.get(i));
            }
        }
    }

    /** Tells what is in a directory and returns the directories among it. */
    private List<Folder> directory(Folder folder, ImportSink sink) throws IOException {
        byte[] directory = folder.path;
        FolderItems listed;
        try {
            listed = folder.list();
        } catch (IOException e) {
            failed("read", directory, e, sink);
            return List.of();
        }
        List<Folder> below = new ArrayList<>();
        try (FolderItems items = listed) {
            for (int i = 0; i < items.count() && !sink.isStopped(); i++) {
                byte[] name = items.name(i);
                if (!isSound(name)) {
                    sink.error(
                            directory,
                            "read " + BytePath.text(directory) + ": the server tells a name that no file has");
                    continue;
                }
                byte[] path = BytePath.join(directory, name);
                FileInfo info = info(items.attributes(i));
                boolean isDirectory = FileMode.isDirectory(info.mode());
                if (!options.excludes().isExcluded(path, isDirectory)
                        && item(path, info, items.target(i), sink)
                        && isDirectory) {
                    below.add(new Folder(path));
                }
            }
        }
        return below;
    }

    private static boolean isSound(byte[] name) {
        for (byte each : name) {
            if (each == '/') {
                return false;
            }
        }
        return name.length > 0 && BytePath.isSound(name);
    }

    private boolean item(byte[] path, FileInfo info, Object target, ImportSink sink) throws IOException {
        if (target instanceof byte[] bytes) {
            sink.record(new RemoteItem(path, info, bytes));
            return true;
        }
        failed("readlink", path, (IOException) target, sink);
        return false;
    }

    /** A failure of one item; without the connection there are no more items. */
    private void failed(String what, byte[] path, IOException e, ImportSink sink) throws IOException {
        String text = BytePath.text(path);
        if (connection.isLost()) {
            throw new IOException(what + ' ' + text + ": the connection to the server is lost", e);
        }
        sink.error(path, what + ' ' + text + ": " + SftpErrors.itemReason(e));
    }

    static FileInfo info(Attributes attributes) {
        long mtimeSeconds = attributes.getModifyTime() == null
                ? 0
                : attributes.getModifyTime().to(TimeUnit.SECONDS);
        return info(
                attributes.getPermissions(),
                attributes.getUserId(),
                attributes.getGroupId(),
                attributes.getSize(),
                mtimeSeconds);
    }

    private static FileInfo info(RemoteAttributes attributes) {
        return info(
                attributes.permissions(),
                attributes.user(),
                attributes.group(),
                attributes.size(),
                attributes.mtimeSeconds());
    }

    private static FileInfo info(int permissions, int user, int group, long size, long mtimeSeconds) {
        int mode = FileMode.fromUnix(permissions);
        return new FileInfo(
                size,
                mode,
                mtimeSeconds,
                0,
                0,
                0,
                Integer.toUnsignedLong(user),
                Integer.toUnsignedLong(group),
                1,
                "",
                "",
                FileMode.isDevice(mode) ? FileInfo.UNKNOWN_RDEV : 0);
    }

    @Override
    public void close() {
        lists.shutdownNow();
        ahead.close();
        connection.close();
    }

    private final class RemoteItem implements ImportRecord {
        private final byte[] path;
        private final FileInfo info;
        private final byte[] target;
        private SmallFilesAhead.@Nullable File coming;

        RemoteItem(byte[] path, FileInfo info, byte[] target) {
            this.path = path;
            this.info = info;
            this.target = target;
        }

        @Override
        public byte[] path() {
            return path;
        }

        @Override
        public FileInfo info() {
            return info;
        }

        @Override
        public byte[] linkTarget() {
            return target;
        }

        @Override
        public boolean readAhead() {
            int size = (int) Math.min(info.size(), FEW_REQUESTS);
            SmallFilesAhead.Opener opener = size == FEW_REQUESTS
                    ? this::openNow
                    : () -> RemoteContent.ofSize(connection, SftpConnection.wire(path), size);
            coming = ahead.read(info.size(), opener);
            return coming != null;
        }

        @Override
        public Content open() throws IOException {
            SmallFilesAhead.File first = coming;
            coming = null; // a second time it is read anew
            return first == null ? openNow() : first.open();
        }

        private Content openNow() throws IOException {
            return new RemoteContent(connection, SftpConnection.wire(path));
        }
    }
}
