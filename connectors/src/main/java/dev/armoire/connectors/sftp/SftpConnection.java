// SPDX-License-Identifier: ISC
package dev.armoire.connectors.sftp;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.apache.sshd.common.util.buffer.Buffer;
import org.apache.sshd.common.util.buffer.BufferException;
import org.apache.sshd.common.util.buffer.ByteArrayBuffer;
import org.apache.sshd.sftp.client.FullAccessSftpClient;
import org.apache.sshd.sftp.client.SftpClient.Attribute;
import org.apache.sshd.sftp.client.SftpClient.Attributes;
import org.apache.sshd.sftp.client.SftpClient.CloseableHandle;
import org.apache.sshd.sftp.client.SftpClient.DirEntry;
import org.apache.sshd.sftp.client.SftpClient.Handle;
import org.apache.sshd.sftp.client.SftpClient.OpenMode;
import org.apache.sshd.sftp.client.SftpClientFactory;
import org.apache.sshd.sftp.client.SftpVersionSelector;
import org.apache.sshd.sftp.client.extensions.openssh.OpenSSHFsyncExtension;
import org.apache.sshd.sftp.client.impl.DefaultCloseableHandle;
import org.apache.sshd.sftp.client.impl.SftpResponse;
import org.apache.sshd.sftp.client.impl.SftpStatus;
import org.apache.sshd.sftp.common.SftpConstants;
import org.apache.sshd.sftp.common.SftpException;
import org.jspecify.annotations.Nullable;

/**
 * Owns a connection to a server, with some channels that many threads use at once. Paths are the bytes of names as
 * ISO 8859-1, so that names in any charset come through.
 *
 * <p>Reads and writes keep {@value #WINDOW} requests under way, each of a size that every server takes.
 */
final class SftpConnection implements AutoCloseable {
    static final int REQUEST_BYTES = 32 << 10;
    static final int WINDOW = 64;

    /** Of one folder, each with a hundred names from OpenSSH. */
    private static final int LISTINGS = 16;

    /** OpenSSH allows ten sessions for each connection, unless told otherwise. */
    private static final int CHANNELS = 4;

    private static final String RENAME_OVER = "posix-rename@openssh.com";
    private static final String HARD_LINK = "hardlink@openssh.com";
    private static final String SET_OF_LINK = "lsetstat@openssh.com";

    /** What the server's umask takes away is not ours to know. */
    private static final int NEW_FILE = 0666;

    private final SftpLogin.Login login;
    private final @Nullable FullAccessSftpClient[] channels = new FullAccessSftpClient[CHANNELS];
    private final AtomicInteger next = new AtomicInteger();
    private volatile boolean isClosed;
    private volatile boolean foldersSync;

    private SftpConnection(SftpLogin.Login login) {
        this.login = login;
    }

    static SftpConnection open(SftpPlace place, Path home, Function<String, @Nullable String> environment)
            throws IOException {
        SftpConnection connection = new SftpConnection(SftpLogin.login(place, home, environment));
        try {
            connection.channel();
            return connection;
        } catch (IOException e) {
            connection.close();
            throw new IOException(place.location() + ": the server has no SFTP: " + SftpErrors.reason(e), e);
        }
    }

    /** The name of bytes on the wire. */
    static String wire(byte[] path) {
        return new String(path, StandardCharsets.ISO_8859_1);
    }

    static byte[] bytes(String wire) {
        return wire.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** A name from the wire as people read it. */
    static String text(String wire) {
        return new String(bytes(wire), StandardCharsets.UTF_8);
    }

    FullAccessSftpClient channel() throws IOException {
        int at = Math.floorMod(next.getAndIncrement(), CHANNELS);
        synchronized (channels) {
            if (isClosed) {
                throw new IOException("the connection is closed");
            }
            FullAccessSftpClient channel = channels[at];
            if (channel == null || !channel.isOpen()) {
                if (!login.session().isOpen()) {
                    throw new IOException("the connection to the server is lost");
                }
                channel = (FullAccessSftpClient) SftpClientFactory.instance()
                        .createSftpClient(
                                login.session(), SftpVersionSelector.fixedVersionSelector(SftpConstants.SFTP_V3));
                channel.setNameDecodingCharset(StandardCharsets.ISO_8859_1);
                channels[at] = channel;
            }
            return channel;
        }
    }

    boolean isLost() {
        return !login.session().isOpen();
    }

    @Override
    public void close() {
        synchronized (channels) {
            isClosed = true;
        }
        login.session().close(true);
        login.client().stop();
    }

    /** What is at a path, or null when nothing is. Symbolic links are not followed. */
    @Nullable
    Attributes look(String path) throws IOException {
        try {
            return channel().lstat(path);
        } catch (IOException e) {
            if (SftpErrors.isMissing(e)) {
                return null;
            }
            throw e;
        }
    }

    /** What is in a folder. */
    List<DirEntry> list(String folder) throws IOException {
        FullAccessSftpClient channel = channel();
        List<DirEntry> entries = new ArrayList<>();
        try (CloseableHandle handle = channel.openDir(folder)) {
            for (Collection<DirEntry> some = channel.readDir(handle); some != null; some = channel.readDir(handle)) {
                for (DirEntry entry : some) {
                    if (!entry.getFilename().equals(".") && !entry.getFilename().equals("..")) {
                        entries.add(entry);
                    }
                }
            }
        }
        return entries;
    }

    /** Takes what is in a folder, as it comes. */
    @FunctionalInterface
    interface Entries {
        /** Takes one; returns false if there is to be no more. */
        boolean take(byte[] name, RemoteAttributes attributes);
    }

    /**
     * Tells what is in a folder, with several requests under way, as a folder may have thousands of answers.
     *
     * @return false if it was not told to its end
     */
    boolean list(String folder, Entries entries) throws IOException {
        FullAccessSftpClient channel = channel();
        try (CloseableHandle handle = channel.openDir(folder)) {
            ArrayDeque<Pending> pending = new ArrayDeque<>();
            int atOnce = 2; // all that most folders need
            try {
                while (true) {
                    while (pending.size() < atOnce) {
                        Buffer request = new ByteArrayBuffer(handle.length() + 32, false);
                        request.putBytes(handle.getIdentifier());
                        pending.add(new Pending(channel.send(SftpConstants.SSH_FXP_READDIR, request), 0, 0));
                    }
                    SftpResponse answer = SftpResponse.parse(
                            SftpConstants.SSH_FXP_READDIR,
                            channel.receive(pending.remove().id()));
                    if (answer.getType() != SftpConstants.SSH_FXP_NAME) {
                        SftpStatus status = SftpStatus.parse(answer);
                        if (status.getStatusCode() == SftpConstants.SSH_FX_EOF) {
                            return true;
                        }
                        throw new SftpException(status.getStatusCode(), status.getMessage());
                    }
                    Buffer names = answer.getBuffer();
                    for (int left = names.getInt(); left > 0; left--) {
                        byte[] name = names.getBytes();
                        names.getBytes(); // the same as `ls -l` would show it
                        RemoteAttributes attributes = RemoteAttributes.of(names);
                        boolean isOfAll = name.length > 0
                                && name[0] == '.'
                                && (name.length == 1 || (name.length == 2 && name[1] == '.'));
                        if (!isOfAll && !entries.take(name, attributes)) {
                            return false;
                        }
                    }
                    atOnce = Math.min(2 * atOnce, LISTINGS);
                }
            } catch (BufferException e) {
                throw new IOException("the server's list of a folder cannot be understood", e);
            } finally {
                forget(channel, pending);
            }
        }
    }

    /** What the links say, or why that cannot be had, with many requests under way. */
    List<Object> readLinks(List<String> links) throws IOException {
        FullAccessSftpClient channel = channel();
        List<Object> found = new ArrayList<>(links.size());
        ArrayDeque<Pending> pending = new ArrayDeque<>();
        try {
            for (int sent = 0; found.size() < links.size(); ) {
                while (sent < links.size() && pending.size() < WINDOW) {
                    Buffer request = new ByteArrayBuffer();
                    request.putBytes(bytes(links.get(sent++)));
                    pending.add(new Pending(channel.send(SftpConstants.SSH_FXP_READLINK, request), 0, 0));
                }
                SftpResponse answer = SftpResponse.parse(
                        SftpConstants.SSH_FXP_READLINK,
                        channel.receive(pending.remove().id()));
                if (answer.getType() == SftpConstants.SSH_FXP_NAME
                        && answer.getBuffer().getInt() == 1) {
                    found.add(answer.getBuffer().getBytes());
                } else if (answer.getType() == SftpConstants.SSH_FXP_NAME) {
                    found.add(new IOException("the server tells more than one target"));
                } else {
                    SftpStatus status = SftpStatus.parse(answer);
                    found.add(new SftpException(status.getStatusCode(), status.getMessage()));
                }
            }
            return found;
        } catch (BufferException e) {
            throw new IOException("what the server tells of a link cannot be understood", e);
        } finally {
            forget(channel, pending);
        }
    }

    /** Fills {@code into} from byte {@code offset} of a file, unless the file ends. Returns bytes read. */
    long read(String path, long offset, MemorySegment into) throws IOException {
        FullAccessSftpClient channel = channel();
        try (CloseableHandle handle = channel.open(path, OpenMode.Read)) {
            return read(channel, handle, offset, into);
        }
    }

    /** A file in full, and when the server says that it was changed. */
    record Whole(byte[] bytes, long mtimeSeconds) {}

    /**
     * Reads a file that is expected to have so many bytes in two round trips, where one step after the other takes five.
     *
     * @return null if it has not that many any more
     */
    @Nullable
    Whole readWhole(String path, int size) throws IOException {
        FullAccessSftpClient channel = channel();
        CloseableHandle handle = channel.open(path, OpenMode.Read);
        ArrayDeque<Pending> pending = new ArrayDeque<>();
        Buffer name = new ByteArrayBuffer(handle.length() + 32, false);
        name.putBytes(handle.getIdentifier());
        byte[] bytes = new byte[size];
        try {
            for (int at = 0; at < size; at += REQUEST_BYTES) {
                pending.add(ask(channel, handle, 0, at, Math.min(REQUEST_BYTES, size - at)));
            }
            pending.add(new Pending(channel.send(SftpConstants.SSH_FXP_FSTAT, copy(name)), size, 0));
            pending.add(new Pending(channel.send(SftpConstants.SSH_FXP_CLOSE, name), size, 0));
            boolean isWhole = true;
            while (pending.getFirst().length() > 0) {
                Pending first = pending.remove();
                isWhole &= receive(channel, first, MemorySegment.ofArray(bytes)) == first.length();
            }
            RemoteAttributes now = RemoteAttributes.ofAnswer(SftpResponse.parse(
                    SftpConstants.SSH_FXP_FSTAT,
                    channel.receive(pending.remove().id())));
            return isWhole && now.size() == size ? new Whole(bytes, now.mtimeSeconds()) : null;
        } finally {
            forget(channel, pending);
        }
    }

    private static Buffer copy(Buffer request) {
        Buffer copy = new ByteArrayBuffer(request.available() + 32, false);
        copy.putRawBytes(request.array(), request.rpos(), request.available());
        return copy;
    }

    private record Pending(int id, long at, int length) {}

    static long read(FullAccessSftpClient channel, Handle handle, long offset, MemorySegment into) throws IOException {
        ArrayDeque<Pending> pending = new ArrayDeque<>();
        long end = into.byteSize();
        long sent = 0;
        try {
            while (sent < end || !pending.isEmpty()) {
                while (sent < end && pending.size() < WINDOW) {
                    int length = (int) Math.min(REQUEST_BYTES, end - sent);
                    pending.add(ask(channel, handle, offset, sent, length));
                    sent += length;
                }
                Pending first = pending.remove();
                int got = receive(channel, first, into);
                if (got < 0) {
                    end = Math.min(end, first.at());
                } else if (got < first.length()) {
                    // A server may give less than was asked for; only an answer of its own says that the file ends.
                    pending.addFirst(ask(channel, handle, offset, first.at() + got, first.length() - got));
                }
            }
        } finally {
            forget(channel, pending);
        }
        return end;
    }

    private static Pending ask(FullAccessSftpClient channel, Handle handle, long offset, long at, int length)
            throws IOException {
        Buffer request = new ByteArrayBuffer(handle.length() + 32, false);
        request.putBytes(handle.getIdentifier());
        request.putLong(offset + at);
        request.putInt(length);
        return new Pending(channel.send(SftpConstants.SSH_FXP_READ, request), at, length);
    }

    /** Bytes received, or -1 at the end of the file. */
    private static int receive(FullAccessSftpClient channel, Pending asked, MemorySegment into) throws IOException {
        SftpResponse response = SftpResponse.parse(SftpConstants.SSH_FXP_READ, channel.receive(asked.id()));
        if (response.getType() != SftpConstants.SSH_FXP_DATA) {
            SftpStatus status = SftpStatus.parse(response);
            if (status.getStatusCode() == SftpConstants.SSH_FX_EOF) {
                return -1;
            }
            throw new SftpException(status.getStatusCode(), status.getMessage());
        }
        Buffer data = response.getBuffer();
        int length = data.getInt();
        if (length <= 0 || length > asked.length() || length > data.available()) {
            throw new IOException(
                    "the server answered with " + length + " bytes where " + asked.length() + " were asked for");
        }
        MemorySegment.copy(data.array(), data.rpos(), into, ValueLayout.JAVA_BYTE, asked.at(), length);
        return length;
    }

    /** Takes the answers that nobody wants any more, which would stay in memory. */
    private static void forget(FullAccessSftpClient channel, ArrayDeque<Pending> pending) {
        try {
            for (Pending asked : pending) {
                channel.receive(asked.id());
            }
        } catch (IOException e) {
            // The connection is lost, and with it what was under way.
        }
    }

    /** A file being written by one thread: requests go out, and their answers are waited for at the end. */
    final class Output implements AutoCloseable {
        final String path;
        private final FullAccessSftpClient channel;
        private final CloseableHandle handle;
        private final ArrayDeque<Pending> pending = new ArrayDeque<>();
        private long length;

        private Output(String path, int mode) throws IOException {
            this.path = path;
            this.channel = channel();
            this.handle = openNew(channel, path, mode);
        }

        void write(MemorySegment data) throws IOException {
            for (long at = 0; at < data.byteSize(); ) {
                int count = (int) Math.min(REQUEST_BYTES, data.byteSize() - at);
                byte[] copy = new byte[count];
                MemorySegment.copy(data, ValueLayout.JAVA_BYTE, at, copy, 0, count);
                Buffer request = new ByteArrayBuffer(handle.length() + count + 32, false);
                request.putBytes(handle.getIdentifier());
                request.putLong(length);
                request.putBytes(copy);
                if (pending.size() == WINDOW) {
                    confirm();
                }
                pending.add(new Pending(channel.send(SftpConstants.SSH_FXP_WRITE, request), length, count));
                length += count;
                at += count;
            }
        }

        private void confirm() throws IOException {
            Pending first = pending.remove();
            SftpStatus status =
                    SftpStatus.parse(SftpResponse.parse(SftpConstants.SSH_FXP_WRITE, channel.receive(first.id())));
            if (!status.isOk()) {
                throw new SftpException(status.getStatusCode(), status.getMessage());
            }
        }

        /** Waits until the server has everything; on its disk, if it can be told to. */
        void sync() throws IOException {
            flush();
            OpenSSHFsyncExtension fsync = channel.getExtension(OpenSSHFsyncExtension.class);
            if (fsync != null && fsync.isSupported()) {
                fsync.fsync(handle);
            }
        }

        void flush() throws IOException {
            while (!pending.isEmpty()) {
                confirm();
            }
        }

        void setAttributes(Attributes attributes) throws IOException {
            channel.setStat(handle, attributes);
        }

        @Override
        public void close() throws IOException {
            forget(channel, pending);
            pending.clear();
            handle.close();
        }
    }

    /** Begins a file that must not be there yet, with a mode that it has from the start. */
    Output create(String path, int mode) throws IOException {
        return new Output(path, mode);
    }

    /** The library opens files without a mode. */
    private static CloseableHandle openNew(FullAccessSftpClient channel, String path, int mode) throws IOException {
        byte[] name = bytes(path);
        Buffer request = new ByteArrayBuffer(name.length + 32, false);
        request.putBytes(name);
        request.putInt(SftpConstants.SSH_FXF_WRITE | SftpConstants.SSH_FXF_CREAT | SftpConstants.SSH_FXF_EXCL);
        request.putInt(SftpConstants.SSH_FILEXFER_ATTR_PERMISSIONS);
        request.putInt(mode);
        SftpResponse response = SftpResponse.parse(
                SftpConstants.SSH_FXP_OPEN, channel.receive(channel.send(SftpConstants.SSH_FXP_OPEN, request)));
        if (response.getType() != SftpConstants.SSH_FXP_HANDLE) {
            SftpStatus status = SftpStatus.parse(response);
            throw new SftpException(status.getStatusCode(), status.getMessage());
        }
        return new DefaultCloseableHandle(channel, path, response.getBuffer().getBytes());
    }

    private static void command(FullAccessSftpClient channel, int type, Buffer request) throws IOException {
        SftpResponse response = SftpResponse.parse(type, channel.receive(channel.send(type, request)));
        SftpStatus status = SftpStatus.parse(response);
        if (!status.isOk()) {
            throw new SftpException(status.getStatusCode(), status.getMessage());
        }
    }

    /** A second name for a file; the library knows no such request for this version of the protocol. */
    void hardLink(String existing, String link) throws IOException {
        FullAccessSftpClient channel = channel();
        if (!channel.getServerExtensions().containsKey(HARD_LINK)) {
            throw new IOException("the server makes no hard links (it lacks " + HARD_LINK + ")");
        }
        extended(channel, HARD_LINK, existing, link);
    }

    boolean canSetOfLinks() throws IOException {
        return channel().getServerExtensions().containsKey(SET_OF_LINK);
    }

    /** Sets owner or times of what may be a symbolic link, which is not followed. */
    void setOfLink(String path, Attributes attributes) throws IOException {
        Buffer request = new ByteArrayBuffer();
        request.putString(SET_OF_LINK);
        request.putBytes(bytes(path));
        if (attributes.getFlags().contains(Attribute.UidGid)) {
            request.putInt(SftpConstants.SSH_FILEXFER_ATTR_UIDGID);
            request.putInt(attributes.getUserId());
            request.putInt(attributes.getGroupId());
        } else {
            request.putInt(SftpConstants.SSH_FILEXFER_ATTR_ACMODTIME);
            request.putUInt(attributes.getAccessTime().to(TimeUnit.SECONDS));
            request.putUInt(attributes.getModifyTime().to(TimeUnit.SECONDS));
        }
        command(channel(), SftpConstants.SSH_FXP_EXTENDED, request);
    }

    /** Makes a folder with a mode; false when something of this name is there. */
    boolean makeNewFolder(String path, int mode) throws IOException {
        FullAccessSftpClient channel = channel();
        Buffer request = new ByteArrayBuffer();
        request.putBytes(bytes(path));
        request.putInt(SftpConstants.SSH_FILEXFER_ATTR_PERMISSIONS);
        request.putInt(mode);
        try {
            command(channel, SftpConstants.SSH_FXP_MKDIR, request);
            return true;
        } catch (SftpException e) {
            if (look(path) != null) {
                return false;
            }
            throw e;
        }
    }

    /**
     * Makes durable which names a folder has, or what a file holds. OpenSSH opens folders, too, and syncs what it has opened;
     * from the first time on that a server has done it, a failure is a failure.
     *
     * @return false if the server cannot do this
     */
    boolean sync(String path) throws IOException {
        FullAccessSftpClient channel = channel();
        OpenSSHFsyncExtension fsync = channel.getExtension(OpenSSHFsyncExtension.class);
        if (fsync == null || !fsync.isSupported()) {
            return false;
        }
        try (CloseableHandle handle = channel.open(path.isEmpty() ? "/" : path, OpenMode.Read)) {
            fsync.fsync(handle);
            foldersSync = true;
            return true;
        } catch (SftpException e) {
            if (foldersSync || SftpErrors.isMissing(e)) {
                throw e;
            }
            return false;
        }
    }

    /** Makes a name durable that a file has just been given. */
    private void syncName(String path) throws IOException {
        sync(parent(path));
    }

    static String parent(String path) {
        return path.substring(0, path.lastIndexOf('/'));
    }

    /**
     * Writes a file whose name is free, so that it is there in full or not at all, durably if the server can do that.
     *
     * @param temporaryFolder where it is written before it gets its name
     */
    void writeNew(String path, String temporaryFolder, List<MemorySegment> parts) throws IOException {
        String temporary = writeTemporary(temporaryFolder, parts);
        boolean isDone = false;
        try {
            renameToNew(temporary, path);
            isDone = true;
        } finally {
            if (!isDone) {
                removeQuietly(temporary);
            }
        }
        isDone = false;
        try {
            syncName(path);
            isDone = true;
        } finally {
            if (!isDone) {
                removeQuietly(path);
            }
        }
    }

    /** Writes a file in place of one that may be there. */
    void replace(String path, String temporaryFolder, List<MemorySegment> parts) throws IOException {
        String temporary = writeTemporary(temporaryFolder, parts);
        boolean isDone = false;
        try {
            renameOver(temporary, path);
            isDone = true;
        } finally {
            if (!isDone) {
                removeQuietly(temporary);
            }
        }
        syncName(path);
    }

    /** The library's request of this kind takes names for UTF-8, whatever they are. */
    void renameOver(String from, String to) throws IOException {
        FullAccessSftpClient channel = channel();
        if (!channel.getServerExtensions().containsKey(RENAME_OVER)) {
            throw new IOException("the server cannot replace a file in one step (it lacks " + RENAME_OVER + ")");
        }
        extended(channel, RENAME_OVER, from, to);
    }

    private static void extended(FullAccessSftpClient channel, String name, String first, String second)
            throws IOException {
        Buffer request = new ByteArrayBuffer();
        request.putString(name);
        request.putBytes(bytes(first));
        request.putBytes(bytes(second));
        command(channel, SftpConstants.SSH_FXP_EXTENDED, request);
    }

    private String writeTemporary(String folder, List<MemorySegment> parts) throws IOException {
        String path = folder + "/tmp."
                + Long.toUnsignedString(ThreadLocalRandom.current().nextLong());
        Output output = create(path, NEW_FILE);
        boolean isDone = false;
        try {
            try (output) {
                for (MemorySegment part : parts) {
                    output.write(part);
                }
                output.sync();
            }
            isDone = true;
        } finally {
            if (!isDone) {
                removeQuietly(path);
            }
        }
        return path;
    }

    /**
     * OpenSSH makes a hard link here, which never takes the place of anything. Servers that would overwrite, against the
     * protocol, are kept from it by a look before.
     */
    private void renameToNew(String from, String to) throws IOException {
        if (look(to) != null) {
            throw new java.nio.file.FileAlreadyExistsException(text(to));
        }
        try {
            channel().rename(from, to);
        } catch (SftpException e) {
            if (SftpErrors.isMissing(e)) {
                makeFolder(parent(to));
                syncName(parent(to));
                channel().rename(from, to);
            } else if (look(to) != null) {
                throw new java.nio.file.FileAlreadyExistsException(text(to));
            } else {
                throw e;
            }
        }
    }

    /** Makes a folder, or takes the one that is there. */
    void makeFolder(String path) throws IOException {
        try {
            channel().mkdir(path);
        } catch (SftpException e) {
            Attributes found = look(path);
            if (found == null || !found.isDirectory()) {
                throw e;
            }
        }
    }

    /** Makes a folder and those above it that are missing. */
    void makeFolders(String path) throws IOException {
        int slash = path.lastIndexOf('/');
        try {
            channel().stat(path);
        } catch (IOException e) {
            if (!SftpErrors.isMissing(e)) {
                throw e;
            }
            if (slash > 0) {
                makeFolders(path.substring(0, slash));
            }
            makeFolder(path);
        }
    }

    void removeQuietly(String path) {
        try {
            channel().remove(path);
        } catch (IOException e) {
            // It stays, as those of crashed writers do; nothing reads it.
        }
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "SFTP connection, %s", isClosed ? "closed" : "open");
    }
}
