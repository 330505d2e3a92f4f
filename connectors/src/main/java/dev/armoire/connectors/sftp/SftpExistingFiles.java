// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.ExistingFiles;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.ImportRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.apache.sshd.sftp.client.SftpClient.Attributes;
import org.apache.sshd.sftp.client.SftpClient.DirEntry;
import org.jspecify.annotations.Nullable;

/** What lies in a folder of a server. */
final class SftpExistingFiles implements ExistingFiles {
    private final SftpPlace place;
    private final String root;
    private final SftpConnection connection;

    private SftpExistingFiles(SftpPlace place, SftpConnection connection) {
        this.place = place;
        this.connection = connection;
        String path = SftpConnection.wire(place.root());
        root = path.equals("/") ? "" : path;
    }

    static SftpExistingFiles open(SftpPlace place, Path home, Function<String, @Nullable String> environment)
            throws IOException {
        return new SftpExistingFiles(place, SftpConnection.open(place, home, environment));
    }

    private static IOException failure(String what, String path, IOException e) {
        return new IOException(what + ' ' + SftpConnection.text(path) + ": " + SftpErrors.itemReason(e), e);
    }

    /** What is at a path that leads through folders only, or null. */
    private @Nullable Attributes find(byte[] path) throws IOException {
        if (!BytePath.isSound(path)) {
            throw new IOException("restore to " + place.location() + ": refused the name "
                    + BytePath.text(path).replace('\0', '\uFFFD')
                    + ", which no file can have; the snapshot is not sound");
        }
        for (int i = 0; i < path.length; i++) {
            if (path[i] == '/') {
                byte[] folder = Arrays.copyOf(path, i);
                Attributes found = at(folder);
                if (found == null) {
                    return null;
                }
                if (!found.isDirectory()) {
                    throw new IOException(
                            "open " + SftpConnection.text(wire(folder)) + ": file exists and is no directory");
                }
            }
        }
        return at(path);
    }

    private @Nullable Attributes at(byte[] path) throws IOException {
        String wire = wire(path);
        try {
            if (path.length > 0) {
                return connection.look(wire);
            }
            return connection.channel().stat(wire); // a link that the user means
        } catch (IOException e) {
            if (SftpErrors.isMissing(e)) {
                return null;
            }
            throw failure("lstat", wire, e);
        }
    }

    private String wire(byte[] path) {
        return path.length == 0 ? (root.isEmpty() ? "/" : root) : root + '/' + SftpConnection.wire(path);
    }

    @Override
    public @Nullable FileInfo info(byte[] path) throws IOException {
        Attributes found = find(path);
        return found == null ? null : SftpImporter.info(found);
    }

    @Override
    public byte[] linkTarget(byte[] path) throws IOException {
        find(path);
        try {
            return SftpConnection.bytes(connection.channel().readLink(wire(path)));
        } catch (IOException e) {
            throw failure("readlink", wire(path), e);
        }
    }

    @Override
    public List<byte[]> list(byte[] path) throws IOException {
        List<byte[]> names = new ArrayList<>();
        if (find(path) == null) {
            return names;
        }
        try {
            for (DirEntry entry : connection.list(wire(path))) {
                names.add(SftpConnection.bytes(entry.getFilename()));
            }
        } catch (IOException e) {
            throw failure("read", wire(path), e);
        }
        names.sort(Arrays::compareUnsigned);
        return names;
    }

    @Override
    public ImportRecord.Content read(byte[] path) throws IOException {
        Attributes found = find(path);
        if (found == null || !found.isRegularFile()) {
            throw new IOException("open " + SftpConnection.text(wire(path)) + ": not a regular file");
        }
        return new RemoteContent(connection, wire(path));
    }

    @Override
    public void delete(byte[] path, boolean isDirectory) throws IOException {
        if (path.length == 0) {
            throw new IOException("remove " + place.location() + ": the target itself is never removed");
        }
        find(path);
        try {
            if (isDirectory) {
                connection.channel().rmdir(wire(path));
            } else {
                connection.channel().remove(wire(path));
            }
        } catch (IOException e) {
            throw failure("remove", wire(path), e);
        }
    }

    @Override
    public void close() {
        connection.close();
    }
}
