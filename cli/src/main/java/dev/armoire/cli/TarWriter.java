// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.engine.backup.DeviceNumbers;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.jspecify.annotations.Nullable;

/**
 * A tar file as GNU tar reads it: names and links of any bytes and length as they are, times with nanoseconds and extended
 * attributes in pax headers, hard links of what the archive has already.
 */
final class TarWriter implements ArchiveWriter {
    private static final int GZIP_BUFFER_BYTES = 64 << 10;
    private static final int MAX_XATTR_BYTES = 1 << 20;
    private static final int NANO_DIGITS = 9;

    private final OutputStream below;
    private final @Nullable GZIPOutputStream gzip;
    private final TarArchiveOutputStream tar;
    private final Map<List<Long>, String> firstNames = new HashMap<>();
    private @Nullable Map<String, Long> deviceNumbers;

    TarWriter(OutputStream out, boolean compresses) throws IOException {
        this.below = out;
        this.gzip = compresses ? new GZIPOutputStream(out, GZIP_BUFFER_BYTES) : null;
        this.tar = new TarArchiveOutputStream(gzip == null ? out : gzip, StandardCharsets.ISO_8859_1.name());
        tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_GNU);
        tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_STAR);
    }

    @Override
    public @Nullable String add(Snapshot snapshot, Entry entry, byte[] member) throws IOException {
        FileInfo info = entry.info();
        int mode = info.mode();
        List<String> left = new ArrayList<>();
        String name = ArchiveCommand.asLatin1(entry.isDirectory() ? ArchiveCommand.withSlash(member) : member);
        String first = entry.isRegular() && info.nlink() > 1 && info.ino() != 0
                ? firstNames.putIfAbsent(List.of(info.dev(), info.ino()), name)
                : null;
        byte type = type(mode, first != null);
        if (type == 0) {
            return "left out: a tar file has no sockets";
        }
        TarArchiveEntry made = new TarArchiveEntry(name, type, true);
        made.setMode(FileMode.unixPermissions(mode));
        made.setUserId(info.uid());
        made.setGroupId(info.gid());
        made.setUserName(info.username());
        made.setGroupName(info.groupname());
        made.setLastModifiedTime(FileTime.from(Instant.ofEpochSecond(info.mtimeSeconds(), info.mtimeNanos())));
        made.setSize(type == TarConstants.LF_NORMAL ? info.size() : 0);
        if (first != null) {
            made.setLinkName(first);
        } else if (type == TarConstants.LF_SYMLINK) {
            made.setLinkName(ArchiveCommand.asLatin1(entry.linkTarget()));
        } else if (FileMode.isDevice(mode)) {
            setNumber(snapshot, entry, made, left);
        }
        writePax(snapshot, entry, left);
        tar.putArchiveEntry(made);
        if (type == TarConstants.LF_NORMAL) {
            CatCommand.write(snapshot, entry, false, tar);
        }
        tar.closeArchiveEntry();
        return left.isEmpty() ? null : String.join("; ", left);
    }

    private static byte type(int mode, boolean isLinked) {
        if (isLinked) {
            return TarConstants.LF_LINK;
        }
        return switch (mode & FileMode.TYPE) {
            case 0 -> TarConstants.LF_NORMAL;
            case FileMode.DIRECTORY -> TarConstants.LF_DIR;
            case FileMode.SYMLINK -> TarConstants.LF_SYMLINK;
            case FileMode.PIPE -> TarConstants.LF_FIFO;
            case FileMode.DEVICE -> TarConstants.LF_BLK;
            case FileMode.DEVICE | FileMode.CHARACTER -> TarConstants.LF_CHR;
            default -> 0;
        };
    }

    private void setNumber(Snapshot snapshot, Entry entry, TarArchiveEntry made, List<String> left) {
        Map<String, Long> numbers = deviceNumbers;
        if (numbers == null) {
            numbers = DeviceNumbers.fromContext(snapshot.header().source().context());
            deviceNumbers = numbers;
        }
        Long number = numbers.get(DeviceNumbers.key(entry.path()));
        if (number == null) {
            left.add("its device number is not in the snapshot");
        } else {
            made.setDevMajor((int) (number >>> 32));
            made.setDevMinor((int) (long) number);
        }
    }

    /**
     * What does not fit into a tar header, in one of its own in front of it. The library's would cut the time to hundreds of
     * nanoseconds, and take attributes for text.
     */
    private void writePax(Snapshot snapshot, Entry entry, List<String> left) throws IOException {
        ByteArrayOutputStream records = new ByteArrayOutputStream();
        FileInfo info = entry.info();
        if (info.mtimeNanos() != 0) {
            BigDecimal seconds =
                    BigDecimal.valueOf(info.mtimeSeconds()).add(BigDecimal.valueOf(info.mtimeNanos(), NANO_DIGITS));
            record(
                    records,
                    "mtime".getBytes(StandardCharsets.US_ASCII),
                    seconds.toPlainString().getBytes(StandardCharsets.US_ASCII));
        }
        for (byte[] name : entry.xattrNames()) {
            byte[] value = snapshot.xattrValue(entry.path(), name, MAX_XATTR_BYTES);
            if (value == null || ArchiveCommand.asLatin1(name).indexOf('=') >= 0) {
                left.add("attribute " + SnapshotPath.display(name) + " left out: "
                        + (value == null ? "its value was never stored" : "there is a = in its name"));
            } else {
                ByteArrayOutputStream key = new ByteArrayOutputStream();
                key.writeBytes("SCHILY.xattr.".getBytes(StandardCharsets.US_ASCII));
                key.writeBytes(name);
                record(records, key.toByteArray(), value);
            }
        }
        if (records.size() > 0) {
            TarArchiveEntry header = new TarArchiveEntry("././@PaxHeader", TarConstants.LF_PAX_EXTENDED_HEADER_LC);
            header.setSize(records.size());
            tar.putArchiveEntry(header);
            records.writeTo(tar);
            tar.closeArchiveEntry();
        }
    }

    /** {@code LENGTH KEY=VALUE}, a line feed at the end; the length counts its own digits. */
    private static void record(ByteArrayOutputStream out, byte[] key, byte[] value) {
        int rest = key.length + value.length + 3;
        int length = rest + 1;
        while (length != rest + Integer.toString(length).length()) {
            length = rest + Integer.toString(length).length();
        }
        out.writeBytes((length + " ").getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(key);
        out.write('=');
        out.writeBytes(value);
        out.write('\n');
    }

    @Override
    public void finish() throws IOException {
        tar.finish();
        tar.flush();
        if (gzip != null) {
            gzip.finish();
        }
        below.flush();
    }
}
