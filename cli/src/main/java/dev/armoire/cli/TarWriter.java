// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.ExporterFactory;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.Location;
import dev.armoire.engine.backup.DeviceNumbers;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.Snapshot;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A tar file, as the target of that kind makes it, but in the order of the walk. */
final class TarWriter implements ArchiveWriter {
    private static final int MAX_XATTR_BYTES = 1 << 20;

    private final Exporter tar;
    private final Map<List<Long>, byte[]> firstNames = new HashMap<>();
    private final List<String> left = new ArrayList<>();
    private @Nullable Map<String, Long> deviceNumbers;

    TarWriter(OutputStream out, boolean compresses) throws IOException {
        Location kind = new Location(compresses ? "tgz" : "tar", "");
        ExporterFactory factory = ExporterFactory.find(kind);
        if (factory == null) {
            throw new IllegalStateException("no kind of target makes tar files");
        }
        this.tar = factory.stream(kind, out, true, (path, what) -> left.add(what));
    }

    @Override
    public @Nullable String add(Snapshot snapshot, Entry entry, byte[] member) throws IOException {
        FileInfo info = entry.info();
        int mode = info.mode();
        left.clear();
        if ((mode & (FileMode.SOCKET | FileMode.IRREGULAR)) != 0) {
            return "left out: a tar file has no sockets";
        }
        byte[] first = entry.isRegular() && info.nlink() > 1 && info.ino() != 0
                ? firstNames.putIfAbsent(List.of(info.dev(), info.ino()), member)
                : null;
        List<Exporter.Xattr> xattrs = first == null ? xattrs(snapshot, entry) : List.of();
        if (first != null) {
            tar.link(member, first);
        } else if (entry.isDirectory()) {
            tar.makeDirectory(member);
            tar.finishDirectory(member, info, xattrs);
        } else if (FileMode.isSymlink(mode)) {
            tar.symlink(member, entry.linkTarget(), info, xattrs);
        } else if (entry.isRegular()) {
            ObjectRecord object = ObjectReader.record(snapshot.source(), entry.object());
            try (Exporter.FileOutput out = tar.createFile(member, info, xattrs)) {
                ObjectReader.forEachChunk(snapshot.source(), object, out::write);
                out.commit(xattrs);
            }
        } else {
            tar.special(member, withNumber(snapshot, entry), xattrs);
        }
        return left.isEmpty() ? null : String.join("; ", left);
    }

    private FileInfo withNumber(Snapshot snapshot, Entry entry) {
        if (!FileMode.isDevice(entry.info().mode())) {
            return entry.info();
        }
        Map<String, Long> numbers = deviceNumbers;
        if (numbers == null) {
            numbers = DeviceNumbers.fromContext(snapshot.header().source().context());
            deviceNumbers = numbers;
        }
        Long number = numbers.get(DeviceNumbers.key(entry.path()));
        return entry.info().withRdev(number == null ? FileInfo.UNKNOWN_RDEV : number);
    }

    private List<Exporter.Xattr> xattrs(Snapshot snapshot, Entry entry) {
        List<Exporter.Xattr> xattrs = new ArrayList<>();
        for (byte[] name : entry.xattrNames()) {
            byte[] value = snapshot.xattrValue(entry.path(), name, MAX_XATTR_BYTES);
            if (value == null) {
                left.add("attribute " + SnapshotPath.display(name) + " left out: its value was never stored");
            } else {
                xattrs.add(new Exporter.Xattr(name, value));
            }
        }
        return xattrs;
    }

    @Override
    public void finish() throws IOException {
        tar.finish();
    }
}
