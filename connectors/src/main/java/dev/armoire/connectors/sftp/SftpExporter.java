// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import org.apache.sshd.sftp.client.SftpClient.Attributes;
import org.jspecify.annotations.Nullable;

/**
 * A folder of a server as a target. Looks for symbolic links in the way before it goes into a folder for the first time;
 * SFTP gives it no means to keep others on the server from putting one there later.
 */
final class SftpExporter implements Exporter {
    /** Folders known to be real ones; when there are more, some are looked at twice. */
    private static final int MAX_KNOWN = 20_000;

    private static final int OWNER_ALL = 0700;
    private static final int OWNER_READS_AND_WRITES = 0600;
    private static final int SET_ID = 06000;
    private static final long MAX_UNSIGNED = 0xffff_ffffL;

    private final SftpPlace place;
    private final String root;
    private final boolean restorePermissions;
    private final Problems problems;
    private final SftpConnection connection;
    private final Set<String> known = ConcurrentHashMap.newKeySet();
    /** Modes of folders that were there and got writable for the time. */
    private final Map<String, Integer> borrowed = new ConcurrentHashMap<>();
    /** Until it has refused to: far away each request is a wait. */
    private volatile boolean takesAllAtOnce = true;

    private SftpExporter(
            SftpPlace place, boolean restorePermissions, Problems problems, SftpConnection connection, String root) {
        this.place = place;
        this.root = root;
        this.restorePermissions = restorePermissions;
        this.problems = problems;
        this.connection = connection;
    }

    static SftpExporter open(
            SftpPlace place,
            boolean restorePermissions,
            Problems problems,
            Path home,
            Function<String, @Nullable String> environment)
            throws IOException {
        SftpConnection connection = SftpConnection.open(place, home, environment);
        boolean isDone = false;
        String path = SftpConnection.wire(place.root());
        try {
            connection.makeFolders(path);
            if (!connection.channel().stat(path).isDirectory()) {
                throw new IOException("not a directory; choose another place to restore to");
            }
            isDone = true;
            return new SftpExporter(place, restorePermissions, problems, connection, path.equals("/") ? "" : path);
        } catch (IOException e) {
            throw new IOException("open " + place.location() + ": " + SftpErrors.itemReason(e), e);
        } finally {
            if (!isDone) {
                connection.close();
            }
        }
    }

    /** A place below the target all of whose folders are real ones. */
    private String resolve(byte[] path) throws IOException {
        if (!BytePath.isSound(path)) {
            throw new IOException("restore to " + place.location() + ": refused the name "
                    + BytePath.text(path).replace('\0', '\uFFFD')
                    + ", which no file can have; the snapshot is not sound");
        }
        String below = SftpConnection.wire(path);
        for (int slash = below.indexOf('/'); slash >= 0; slash = below.indexOf('/', slash + 1)) {
            String folder = below.substring(0, slash);
            if (!known.contains(folder)) {
                requireFolder(folder);
            }
        }
        return path.length == 0 ? folder("") : root + '/' + below;
    }

    private String folder(String below) {
        return below.isEmpty() ? (root.isEmpty() ? "/" : root) : root + '/' + below;
    }

    private Attributes requireFolder(String below) throws IOException {
        String path = folder(below);
        Attributes found;
        try {
            // The target itself may be a link that the user means; what lies in it may not.
            found = below.isEmpty() ? connection.channel().stat(path) : connection.look(path);
        } catch (IOException e) {
            throw failure("lstat", path, e);
        }
        if (found == null || !found.isDirectory()) {
            throw new IOException("open " + SftpConnection.text(path) + ": "
                    + (found == null ? "no such directory" : "file exists and is no directory"));
        }
        know(below);
        return found;
    }

    private void know(String below) {
        if (known.size() >= MAX_KNOWN) {
            known.clear();
        }
        known.add(below);
    }

    private IOException failure(String what, String path, IOException e) {
        String reason = connection.isLost() ? "the connection to the server is lost" : SftpErrors.itemReason(e);
        return new IOException(what + ' ' + SftpConnection.text(path) + ": " + reason, e);
    }

    @Override
    public boolean isFarAway() {
        return true;
    }

    @Override
    public void makeDirectory(byte[] path) throws IOException {
        String folder = resolve(path);
        String below = SftpConnection.wire(path);
        if (path.length > 0) {
            try {
                if (connection.makeNewFolder(folder, restorePermissions ? OWNER_ALL : 0777)) {
                    know(below);
                    return;
                }
            } catch (IOException e) {
                throw failure("mkdir", folder, e);
            }
        }
        int mode = requireFolder(below).getPermissions();
        if ((mode & OWNER_ALL) != OWNER_ALL && !borrowed.containsKey(below)) {
            try {
                connection
                        .channel()
                        .setStat(folder, permissions(FileMode.unixPermissions(FileMode.fromUnix(mode)) | OWNER_ALL));
                borrowed.put(below, FileMode.unixPermissions(FileMode.fromUnix(mode)));
            } catch (IOException e) {
                // Another's folder, perhaps: whether we may write there shows when we do.
                return;
            }
        }
    }

    @Override
    public FileOutput createFile(byte[] path, FileInfo info) throws IOException {
        String file = resolveName(path);
        try {
            return new Output(
                    path.clone(),
                    info,
                    file,
                    connection.create(temporary(file), restorePermissions ? OWNER_READS_AND_WRITES : 0666));
        } catch (IOException e) {
            throw failure("open", file, e);
        }
    }

    private String resolveName(byte[] path) throws IOException {
        if (path.length == 0) {
            throw new IOException("restore to " + place.location() + ": a name is missing");
        }
        return resolve(path);
    }

    private static String temporary(String beside) {
        return beside.substring(0, beside.lastIndexOf('/') + 1) + ".armoire-"
                + Long.toHexString(ThreadLocalRandom.current().nextLong());
    }

    /** Puts what is complete in its place. */
    private void rename(String from, String to) throws IOException {
        try {
            connection.renameOver(from, to);
        } catch (IOException e) {
            if (isFolder(to)) {
                throw new IOException(
                        "rename " + SftpConnection.text(to)
                                + ": a directory of this name is in the way; move it away and restore again",
                        e);
            }
            throw failure("rename", to, e);
        }
    }

    private boolean isFolder(String path) {
        try {
            Attributes found = connection.look(path);
            return found != null && found.isDirectory();
        } catch (IOException e) {
            return false; // the failure that made us look is what counts
        }
    }

    @Override
    public void link(byte[] path, byte[] existing) throws IOException {
        String file = resolveName(path);
        String temporary = temporary(file);
        try {
            connection.hardLink(resolveName(existing), temporary);
        } catch (IOException e) {
            throw failure("link", file, e);
        }
        try {
            rename(temporary, file);
        } finally {
            // Renaming one name of a file to another name of it does nothing, and leaves both
            connection.removeQuietly(temporary);
        }
    }

    @Override
    public void symlink(byte[] path, byte[] target, FileInfo info, List<Xattr> xattrs) throws IOException {
        String file = resolveName(path);
        String temporary = temporary(file);
        try {
            connection.channel().symLink(temporary, SftpConnection.wire(target));
        } catch (IOException e) {
            throw failure("symlink", file, e);
        }
        boolean isDone = false;
        try {
            if (connection.canSetOfLinks()) {
                metadata(path, info, xattrs, attributes -> connection.setOfLink(temporary, attributes));
            } else {
                problems.lost(path, "owner and time: the server sets none of symbolic links");
            }
            rename(temporary, file);
            isDone = true;
        } finally {
            if (!isDone) {
                connection.removeQuietly(temporary);
            }
        }
    }

    @Override
    public void special(byte[] path, FileInfo info, List<Xattr> xattrs) throws IOException {
        throw new IOException("mknod " + SftpConnection.text(resolveName(path))
                + ": SFTP makes no special files; make it by hand with mknod");
    }

    @Override
    public void finishDirectory(byte[] path, FileInfo info, List<Xattr> xattrs) throws IOException {
        String folder = resolve(path);
        String below = SftpConnection.wire(path);
        requireFolder(below);
        Integer before = borrowed.remove(below);
        if (before != null && !restorePermissions) {
            connection.channel().setStat(folder, permissions(before));
        }
        metadata(path, info, xattrs, attributes -> connection.channel().setStat(folder, attributes));
        known.remove(below);
    }

    @FunctionalInterface
    private interface Item {
        void set(Attributes attributes) throws IOException;
    }

    /** Owner first: a change of owner clears setuid. What cannot be set is told and left. */
    private void metadata(byte[] path, FileInfo info, List<Xattr> xattrs, Item item) {
        if (takesAllAtOnce && xattrs.isEmpty() && hasNoRisk(info)) {
            try {
                item.set(all(info));
                return;
            } catch (IOException e) {
                takesAllAtOnce = false; // one by one it shows what is not allowed, here and most likely for all others
            }
        }
        boolean isOwned = restorePermissions && owner(path, info, item);
        for (Xattr xattr : xattrs) {
            problems.lost(path, "attribute " + BytePath.text(xattr.name()) + ": SFTP has none");
        }
        if (restorePermissions && !FileMode.isSymlink(info.mode())) {
            int bits = FileMode.unixPermissions(info.mode());
            if (!isOwned && (bits & SET_ID) != 0) {
                bits &= ~SET_ID; // would run with the rights of whoever restores
                problems.lost(path, "setuid and setgid bits: not set for another owner than the stored one");
            }
            set(path, "permissions " + Integer.toOctalString(bits), permissions(bits), item);
        }
        if (info.mtimeSeconds() < 0 || info.mtimeSeconds() > MAX_UNSIGNED) {
            problems.lost(path, "time of last change: SFTP has times of 1970 to 2106 only");
        } else {
            Attributes times = new Attributes();
            times.accessTime(info.mtimeSeconds());
            times.modifyTime(info.mtimeSeconds());
            set(path, "time of last change", times, item);
        }
    }

    /** Whether owner, permissions and times may be set in one request, in whatever order the server does it. */
    private boolean hasNoRisk(FileInfo info) {
        return restorePermissions
                && !FileMode.isSymlink(info.mode())
                && (FileMode.unixPermissions(info.mode()) & SET_ID) == 0
                && hasOwner(info)
                && info.mtimeSeconds() >= 0
                && info.mtimeSeconds() <= MAX_UNSIGNED;
    }

    private static Attributes all(FileInfo info) {
        Attributes all = permissions(FileMode.unixPermissions(info.mode()));
        all.owner((int) info.uid(), (int) info.gid());
        all.accessTime(info.mtimeSeconds());
        all.modifyTime(info.mtimeSeconds());
        return all;
    }

    /** To chown the highest number means "as it is": it can be no owner. */
    private static boolean hasOwner(FileInfo info) {
        return info.uid() >= 0 && info.uid() < MAX_UNSIGNED && info.gid() >= 0 && info.gid() < MAX_UNSIGNED;
    }

    private boolean owner(byte[] path, FileInfo info, Item item) {
        String what = "owner " + info.uid() + ":" + info.gid();
        if (!hasOwner(info)) {
            problems.lost(path, what + ": invalid argument");
            return false;
        }
        Attributes owner = new Attributes();
        owner.owner((int) info.uid(), (int) info.gid());
        return set(path, what, owner, item);
    }

    private boolean set(byte[] path, String what, Attributes attributes, Item item) {
        try {
            item.set(attributes);
            return true;
        } catch (IOException e) {
            problems.lost(path, what + ": " + SftpErrors.itemReason(e));
            return false;
        }
    }

    private static Attributes permissions(int bits) {
        Attributes attributes = new Attributes();
        attributes.setPermissions(bits);
        return attributes;
    }

    @Override
    public void close() {
        borrowed.forEach((below, mode) -> {
            try {
                connection.channel().setStat(folder(below), permissions(mode));
            } catch (IOException e) {
                problems.lost(
                        SftpConnection.bytes(below),
                        "permissions " + Integer.toOctalString(mode) + " as before: " + SftpErrors.itemReason(e));
            }
        });
        connection.close();
    }

    /** A file under its temporary name. Owns its handle. */
    private final class Output implements FileOutput {
        private final byte[] path;
        private final FileInfo info;
        private final String file;
        private final SftpConnection.Output out;
        private boolean isClosed;
        private boolean isCommitted;

        Output(byte[] path, FileInfo info, String file, SftpConnection.Output out) {
            this.path = path;
            this.info = info;
            this.file = file;
            this.out = out;
        }

        @Override
        public void write(MemorySegment data) throws IOException {
            try {
                out.write(data);
            } catch (IOException e) {
                throw failure("write", file, e);
            }
        }

        @Override
        public void commit(List<Xattr> xattrs) throws IOException {
            try {
                metadata(path, info, xattrs, out::setAttributes); // the server does it after what was sent before
                out.flush();
                isClosed = true;
                out.close(); // may be where a server tells that its disk is full
            } catch (IOException e) {
                throw failure("write", file, e);
            }
            rename(out.path, file);
            isCommitted = true;
        }

        @Override
        public void close() {
            if (!isClosed) {
                isClosed = true;
                try {
                    out.close();
                } catch (IOException e) {
                    // It is thrown away.
                }
            }
            if (!isCommitted) {
                connection.removeQuietly(out.path);
            }
        }
    }
}
