// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.jspecify.annotations.Nullable;

/**
 * A tar file as a target, as GNU tar reads it: names and links of any bytes and length as they are, times with nanoseconds and
 * extended attributes in pax headers, hard links of what the archive has already. A folder comes after what is in it, when all
 * is known of it. Small files are put together in memory and written when they are whole; a large one keeps the others waiting.
 */
final class TarExporter implements Exporter {
    private static final int SMALL_BYTES = 1 << 20;
    private static final int COPY_BYTES = 64 << 10;

    private final TarOutput output;
    private final boolean restorePermissions;
    private final Problems problems;
    private final ReentrantLock turn = new ReentrantLock();
    /** Of files with further names, which repeat it: programs apply to a file what its last name says. */
    private final Map<ByteBuffer, FileInfo> linkable = new ConcurrentHashMap<>();

    /** What was cut off in the middle, in a stream that cannot take it back. */
    private volatile @Nullable String broken;

    TarExporter(TarOutput output, boolean restorePermissions, Problems problems) {
        this.output = output;
        this.restorePermissions = restorePermissions;
        this.problems = problems;
    }

    @Override
    public void makeDirectory(byte[] path) throws IOException {
        check(path);
    }

    @Override
    public FileOutput createFile(byte[] path, FileInfo info) throws IOException {
        return createFile(path, info, List.of());
    }

    @Override
    public FileOutput createFile(byte[] path, FileInfo info, List<Xattr> xattrs) throws IOException {
        checkName(path);
        return info.size() <= SMALL_BYTES ? new SmallFile(path, info) : new LargeFile(path, info, xattrs);
    }

    @Override
    public void link(byte[] path, byte[] existing) throws IOException {
        checkName(path);
        FileInfo info = linkable.get(ByteBuffer.wrap(existing));
        if (info == null) {
            throw new IOException(
                    "link " + BytePath.text(path) + ": " + BytePath.text(existing) + " is not in the archive");
        }
        TarArchiveEntry entry = entry(path, TarConstants.LF_LINK, info);
        entry.setLinkName(asLatin1(existing));
        put(path, entry, info, List.of());
    }

    @Override
    public void symlink(byte[] path, byte[] target, FileInfo info, List<Xattr> xattrs) throws IOException {
        checkName(path);
        TarArchiveEntry entry = entry(path, TarConstants.LF_SYMLINK, info);
        entry.setLinkName(asLatin1(target));
        put(path, entry, info, xattrs);
        remember(path, info);
    }

    @Override
    public void special(byte[] path, FileInfo info, List<Xattr> xattrs) throws IOException {
        checkName(path);
        byte type = switch (info.mode() & FileMode.TYPE) {
            case FileMode.PIPE -> TarConstants.LF_FIFO;
            case FileMode.DEVICE -> TarConstants.LF_BLK;
            case FileMode.DEVICE | FileMode.CHARACTER -> TarConstants.LF_CHR;
            case FileMode.SOCKET -> throw new IOException("left out: a tar file has no sockets");
            default -> throw new IOException("left out: a tar file has no such things");
        };
        TarArchiveEntry entry = entry(path, type, info);
        if (FileMode.isDevice(info.mode())) {
            if (info.rdev() == FileInfo.UNKNOWN_RDEV) {
                problems.lost(path, "its device number is not in the snapshot");
            } else {
                entry.setDevMajor((int) (info.rdev() >>> 32));
                entry.setDevMinor((int) info.rdev());
            }
        }
        put(path, entry, info, xattrs);
        remember(path, info);
    }

    @Override
    public void finishDirectory(byte[] path, FileInfo info, List<Xattr> xattrs) throws IOException {
        check(path);
        byte[] name = path.length == 0 ? BytePath.SELF : path;
        byte[] slashed = Arrays.copyOf(name, name.length + 1);
        slashed[name.length] = '/';
        put(path, entry(slashed, TarConstants.LF_DIR, info), info, xattrs);
    }

    @Override
    public void finish() throws IOException {
        turn.lock();
        try {
            checkWhole();
            output.finish();
        } finally {
            turn.unlock();
        }
    }

    @Override
    public void close() throws IOException {
        output.close();
    }

    private void remember(byte[] path, FileInfo info) {
        if (info.nlink() > 1) {
            linkable.put(ByteBuffer.wrap(path), info);
        }
    }

    private void check(byte[] path) throws IOException {
        checkWhole();
        if (!BytePath.isSound(path)) {
            throw new IOException("unsafe name in the snapshot: " + BytePath.text(path));
        }
    }

    private void checkName(byte[] path) throws IOException {
        check(path);
        if (path.length == 0) {
            throw new IOException("an item without a name");
        }
    }

    private void checkWhole() throws IOException {
        if (broken != null) {
            throw new IOException("the archive is cut off in the middle of " + broken);
        }
    }

    /** The bytes as a text whose characters they are: the library, told ISO-8859-1, writes them as they are. */
    private static String asLatin1(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private TarArchiveEntry entry(byte[] name, byte type, FileInfo info) {
        TarArchiveEntry entry = new TarArchiveEntry(asLatin1(name), type, true);
        if (restorePermissions) {
            entry.setMode(FileMode.unixPermissions(info.mode()));
            entry.setUserId(info.uid());
            entry.setGroupId(info.gid());
            entry.setUserName(asLatin1(info.username().getBytes(StandardCharsets.UTF_8)));
            entry.setGroupName(asLatin1(info.groupname().getBytes(StandardCharsets.UTF_8)));
        } else {
            entry.setMode(type == TarConstants.LF_DIR ? 0755 : 0644);
        }
        entry.setLastModifiedTime(FileTime.from(Instant.ofEpochSecond(info.mtimeSeconds(), info.mtimeNanos())));
        entry.setSize(type == TarConstants.LF_NORMAL ? info.size() : 0);
        return entry;
    }

    private void put(byte[] path, TarArchiveEntry entry, FileInfo info, List<Xattr> xattrs) throws IOException {
        turn.lock();
        try {
            putHeader(entry, info, xattrs).closeArchiveEntry();
        } catch (IOException e) {
            broken = broken == null ? BytePath.text(path) : broken;
            throw e;
        } finally {
            turn.unlock();
        }
    }

    /**
     * What does not fit into a tar header goes into one of its own in front of it. The library's would cut the time to hundreds
     * of nanoseconds, and take attributes for text.
     */
    private TarArchiveOutputStream putHeader(TarArchiveEntry entry, FileInfo info, List<Xattr> xattrs)
            throws IOException {
        checkWhole();
        ByteArrayOutputStream records = new ByteArrayOutputStream();
        if (info.mtimeNanos() != 0) {
            PaxRecords.write(
                    records,
                    "mtime".getBytes(StandardCharsets.US_ASCII),
                    PaxRecords.text(info.mtimeSeconds(), info.mtimeNanos()));
        }
        for (Xattr xattr : xattrs) {
            String key = "SCHILY.xattr." + PaxRecords.encodeName(asLatin1(xattr.name()));
            PaxRecords.write(records, key.getBytes(StandardCharsets.ISO_8859_1), xattr.value());
        }
        TarArchiveOutputStream tar = output.tar();
        if (records.size() > 0) {
            TarArchiveEntry header = new TarArchiveEntry("././@PaxHeader", TarConstants.LF_PAX_EXTENDED_HEADER_LC);
            header.setSize(records.size());
            tar.putArchiveEntry(header);
            records.writeTo(tar);
            tar.closeArchiveEntry();
        }
        tar.putArchiveEntry(entry);
        return tar;
    }

    private static IOException wrongSize(byte[] path, long written, FileInfo info) {
        return new IOException(BytePath.text(path) + " has " + written + " bytes, and " + info.size() + " were said");
    }

    private final class SmallFile implements FileOutput {
        private final byte[] path;
        private final FileInfo info;
        private final ByteArrayOutputStream content = new ByteArrayOutputStream();

        SmallFile(byte[] path, FileInfo info) {
            this.path = path;
            this.info = info;
        }

        @Override
        public void write(MemorySegment data) throws IOException {
            if (data.byteSize() > info.size() - content.size()) {
                throw wrongSize(path, content.size() + data.byteSize(), info);
            }
            content.writeBytes(data.toArray(ValueLayout.JAVA_BYTE));
        }

        @Override
        public void commit(List<Xattr> xattrs) throws IOException {
            if (content.size() != info.size()) {
                throw wrongSize(path, content.size(), info);
            }
            turn.lock();
            try {
                TarArchiveOutputStream tar = putHeader(entry(path, TarConstants.LF_NORMAL, info), info, xattrs);
                content.writeTo(tar);
                tar.closeArchiveEntry();
            } catch (IOException e) {
                broken = broken == null ? BytePath.text(path) : broken;
                throw e;
            } finally {
                turn.unlock();
            }
            remember(path, info);
        }

        @Override
        public void close() {
            // nothing was written
        }
    }

    /** Has the turn from the beginning to the end. */
    private final class LargeFile implements FileOutput {
        private final byte[] path;
        private final FileInfo info;
        private final List<Xattr> told;
        private final byte[] copy = new byte[COPY_BYTES];
        private final TarArchiveOutputStream tar;
        private long written;
        private boolean isCommitted;

        LargeFile(byte[] path, FileInfo info, List<Xattr> xattrs) throws IOException {
            this.path = path;
            this.info = info;
            this.told = xattrs;
            turn.lock();
            try {
                output.mark();
                this.tar = putHeader(entry(path, TarConstants.LF_NORMAL, info), info, xattrs);
            } catch (IOException | RuntimeException e) {
                turn.unlock();
                throw e;
            }
        }

        @Override
        public void write(MemorySegment data) throws IOException {
            if (data.byteSize() > info.size() - written) {
                throw wrongSize(path, written + data.byteSize(), info);
            }
            for (long at = 0; at < data.byteSize(); at += COPY_BYTES) {
                int part = (int) Math.min(COPY_BYTES, data.byteSize() - at);
                MemorySegment.copy(data, ValueLayout.JAVA_BYTE, at, copy, 0, part);
                tar.write(copy, 0, part);
            }
            written += data.byteSize();
        }

        @Override
        public void commit(List<Xattr> xattrs) throws IOException {
            if (written != info.size()) {
                throw wrongSize(path, written, info);
            }
            tar.closeArchiveEntry();
            isCommitted = true;
            if (told.isEmpty() && !xattrs.isEmpty()) {
                problems.lost(path, "extended attributes: they came after the content, and a tar file has them before");
            }
            remember(path, info);
        }

        @Override
        public void close() {
            if (!turn.isHeldByCurrentThread()) {
                return; // closed before
            }
            try {
                if (!isCommitted && !output.takeBack()) {
                    broken = BytePath.text(path);
                }
            } catch (IOException e) {
                broken = BytePath.text(path);
            } finally {
                turn.unlock();
            }
        }
    }
}
