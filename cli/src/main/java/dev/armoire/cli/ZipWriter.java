// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Arrays;
import org.apache.commons.compress.archivers.zip.Zip64Mode;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveOutputStream;
import org.jspecify.annotations.Nullable;

/** A zip file: files, folders and symbolic links with their modes and times. It has no owners, hard links or devices. */
final class ZipWriter implements ArchiveWriter {
    private static final int S_IFREG = 0100000;
    private static final int S_IFDIR = 0040000;
    private static final int S_IFLNK = 0120000;

    private final OutputStream below;
    private final ZipArchiveOutputStream zip;

    ZipWriter(OutputStream out) {
        this.below = out;
        this.zip = new ZipArchiveOutputStream(out);
        zip.setEncoding(StandardCharsets.UTF_8.name());
        zip.setUseZip64(Zip64Mode.AsNeeded);
    }

    @Override
    public @Nullable String add(Snapshot snapshot, Entry entry, byte[] member) throws IOException {
        FileInfo info = entry.info();
        boolean isLink = FileMode.isSymlink(info.mode());
        if (!entry.isRegular() && !entry.isDirectory() && !isLink) {
            return "left out: a zip file has no such things";
        }
        byte[] bytes = entry.isDirectory() ? withSlash(member) : member;
        String name = new String(bytes, StandardCharsets.UTF_8);
        ZipArchiveEntry made = new ZipArchiveEntry(name);
        int type = isLink ? S_IFLNK : entry.isDirectory() ? S_IFDIR : S_IFREG;
        made.setUnixMode(type | FileMode.unixPermissions(info.mode()));
        made.setLastModifiedTime(FileTime.from(Instant.ofEpochSecond(info.mtimeSeconds(), info.mtimeNanos())));
        if (entry.isRegular()) {
            made.setSize(info.size()); // so that those of 4 GiB and more are written as such
        }
        zip.putArchiveEntry(made);
        if (isLink) {
            zip.write(entry.linkTarget());
        } else if (entry.isRegular()) {
            CatCommand.write(snapshot, entry, false, zip);
        }
        zip.closeArchiveEntry();
        boolean isText = Arrays.equals(name.getBytes(StandardCharsets.UTF_8), bytes);
        return isText
                ? null
                : "its name is not UTF-8, and is " + SnapshotPath.display(SnapshotPath.of(name)) + " there";
    }

    private static byte[] withSlash(byte[] path) {
        byte[] longer = Arrays.copyOf(path, path.length + 1);
        longer[path.length] = '/';
        return longer;
    }

    @Override
    public void finish() throws IOException {
        zip.finish();
        zip.flush();
        below.flush();
    }
}
