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
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.apache.sshd.sftp.client.SftpClient.Attributes;
import org.apache.sshd.sftp.client.SftpClient.DirEntry;
import org.jspecify.annotations.Nullable;

/**
 * Files of a server. SFTP tells mode, size, owner as numbers, and times in whole seconds; it does not tell inodes, so hard
 * links become files of their own, nor extended attributes and device numbers.
 */
final class SftpImporter implements Importer {
    /** Each takes four round trips, and the server a tenth of a millisecond for all. */
    private static final int FILES_AT_ONCE = 16;

    private static final Comparator<DirEntry> BY_NAME = (a, b) ->
            Arrays.compareUnsigned(SftpConnection.bytes(a.getFilename()), SftpConnection.bytes(b.getFilename()));

    private final SftpPlace place;
    private final ImportOptions options;
    private final SftpConnection connection;
    private final Attributes root;
    private final SmallFilesAhead ahead = new SmallFilesAhead(FILES_AT_ONCE);

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
    public void scan(ImportSink sink) throws IOException {
        parents(sink);
        if (options.excludes().isExcluded(place.root(), root.isDirectory())) {
            return;
        }
        sink.record(new RemoteItem(place.root(), info(root), BytePath.EMPTY));
        Deque<byte[]> directories = new ArrayDeque<>();
        if (root.isDirectory()) {
            directories.push(place.root());
        }
        while (!directories.isEmpty() && !sink.isStopped()) {
            List<byte[]> below = directory(directories.pop(), sink);
            below.reversed().forEach(directories::push);
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

    /** Tells what is in a directory and returns the directories among it. */
    private List<byte[]> directory(byte[] directory, ImportSink sink) throws IOException {
        List<DirEntry> entries;
        try {
            entries = connection.list(SftpConnection.wire(directory));
        } catch (IOException e) {
            failed("read", directory, e, sink);
            return List.of();
        }
        entries.sort(BY_NAME);
        List<byte[]> below = new ArrayList<>();
        for (DirEntry entry : entries) {
            if (sink.isStopped()) {
                break;
            }
            byte[] name = SftpConnection.bytes(entry.getFilename());
            byte[] path = BytePath.join(directory, name);
            Attributes attributes = entry.getAttributes();
            if (entry.getFilename().indexOf('/') >= 0 || !BytePath.isSound(name) || name.length == 0) {
                sink.error(
                        directory, "read " + BytePath.text(directory) + ": the server tells a name that no file has");
            } else if (!options.excludes().isExcluded(path, attributes.isDirectory())
                    && item(path, attributes, sink)
                    && attributes.isDirectory()) {
                below.add(path);
            }
        }
        return below;
    }

    private boolean item(byte[] path, Attributes attributes, ImportSink sink) throws IOException {
        byte[] target = BytePath.EMPTY;
        if (attributes.isSymbolicLink()) {
            try {
                target = SftpConnection.bytes(connection.channel().readLink(SftpConnection.wire(path)));
            } catch (IOException e) {
                failed("readlink", path, e, sink);
                return false;
            }
        }
        sink.record(new RemoteItem(path, info(attributes), target));
        return true;
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
        long mtime = attributes.getModifyTime() == null
                ? 0
                : attributes.getModifyTime().to(TimeUnit.SECONDS);
        return new FileInfo(
                attributes.getSize(),
                FileMode.fromUnix(attributes.getPermissions()),
                mtime,
                0,
                0,
                0,
                Integer.toUnsignedLong(attributes.getUserId()),
                Integer.toUnsignedLong(attributes.getGroupId()),
                1,
                "",
                "",
                FileMode.isDevice(FileMode.fromUnix(attributes.getPermissions())) ? FileInfo.UNKNOWN_RDEV : 0);
    }

    @Override
    public void close() {
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
            coming = ahead.read(info.size(), this::openNow);
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
