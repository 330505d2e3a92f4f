// SPDX-License-Identifier: ISC
package dev.armoire.connectors.tar;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.Exporter.Xattr;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.HostName;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Delivers what is in a tar file, from {@code /} on. Folders that are not in it themselves have its own time. */
final class TarImporter implements Importer {
    private static final byte[] NONE = {};
    private static final int IMPLIED_MODE = FileMode.DIRECTORY | 0755;

    private final String type;
    private final TarFile file;
    private final ImportOptions options;
    private final Map<ByteBuffer, Boolean> folders = new HashMap<>();
    private @Nullable TarContents contents;

    TarImporter(String type, TarFile file, ImportOptions options) {
        this.type = type;
        this.file = file;
        this.options = options;
    }

    @Override
    public String type() {
        return type;
    }

    @Override
    public String origin() {
        return HostName.get();
    }

    @Override
    public byte[] root() {
        return BytePath.ROOT;
    }

    @Override
    public void scan(ImportSink sink) throws IOException {
        try {
            long device = file.path().toString().hashCode() & 0xffff_ffffL;
            TarIndex index = TarIndex.read(file, device);
            file.checkUnchanged();
            deliver(index, sink);
        } catch (java.io.InterruptedIOException e) {
            throw e;
        } catch (IOException e) {
            throw new IOException(file.path() + ": " + e.getMessage(), e);
        }
    }

    private void deliver(TarIndex index, ImportSink sink) throws IOException {
        List<TarIndex.Group> groups = new ArrayList<>();
        for (TarIndex.Group group : index.groups()) {
            List<TarItem> taken = new ArrayList<>();
            for (TarItem item : group.names()) {
                byte[] obstacle = index.obstacle(item.path());
                if (obstacle != null) {
                    sink.error(
                            item.path(),
                            "left out: it lies below " + BytePath.text(obstacle)
                                    + ", which is no folder in the archive");
                } else if (isTaken(item.path(), FileMode.isDirectory(item.info().mode()))) {
                    taken.add(item);
                }
            }
            if (!taken.isEmpty()) {
                groups.add(new TarIndex.Group(taken.getFirst(), taken));
            }
        }
        contents = file.isPlain() ? new PlainContents(file) : new StreamContents(file, groups);
        for (byte[] folder : index.impliedFolders()) {
            if (index.obstacle(folder) == null && isTaken(folder, true)) {
                sink.record(new Item(implied(folder)));
            }
        }
        for (TarIndex.Group group : groups) {
            for (TarItem item : group.names()) {
                if (sink.isStopped()) {
                    return;
                }
                sink.record(new Item(item));
                if (item.lost() != null) {
                    sink.error(item.path(), item.lost());
                }
            }
        }
        for (TarItem item : index.problems()) {
            sink.error(item.path(), String.valueOf(item.problem()));
        }
        if (!index.hasEnd()) {
            sink.error(BytePath.ROOT, file.path() + " has no mark at its end: it may be cut off");
        }
    }

    /** Whether patterns leave a path in, and all folders above it. Asks once for each folder. */
    private boolean isTaken(byte[] path, boolean isDirectory) {
        if (path.length == 1) {
            return true;
        }
        Boolean known = isDirectory ? folders.get(ByteBuffer.wrap(path)) : null;
        if (known != null) {
            return known;
        }
        boolean isTaken =
                isTaken(BytePath.parent(path), true) && !options.excludes().isExcluded(path, isDirectory);
        if (isDirectory) {
            folders.put(ByteBuffer.wrap(path), isTaken);
        }
        return isTaken;
    }

    private TarItem implied(byte[] path) {
        Instant time = file.modified();
        FileInfo info = new FileInfo(0, IMPLIED_MODE, time.getEpochSecond(), time.getNano(), 0, 0, 0, 0, 1, "", "", 0);
        return new TarItem(path, info, NONE, false, List.of(), 0, 0, null, null, null);
    }

    private final class Item implements ImportRecord {
        private final TarItem item;

        Item(TarItem item) {
            this.item = item;
        }

        @Override
        public byte[] path() {
            return item.path();
        }

        @Override
        public FileInfo info() {
            return item.info();
        }

        @Override
        public byte[] linkTarget() {
            return item.linkTarget();
        }

        @Override
        public List<byte[]> xattrNames() {
            return options.readXattrs()
                    ? item.xattrs().stream().map(Xattr::name).toList()
                    : List.of();
        }

        @Override
        public byte[] readXattr(byte[] name) throws IOException {
            return item.xattrs().stream()
                    .filter(xattr -> Arrays.equals(xattr.name(), name))
                    .findFirst()
                    .map(Xattr::value)
                    .orElseThrow(() -> new IOException("no attribute " + BytePath.text(name)));
        }

        @Override
        public Content open() throws IOException {
            TarContents open = contents;
            if (open == null || !FileMode.isRegular(item.info().mode())) {
                throw new IOException(BytePath.text(item.path()) + " is no regular file");
            }
            file.checkUnchanged();
            Content stored = open.open(item);
            long[] data = item.data();
            return new Watched(
                    data == null
                            ? stored
                            : new WithHoles(stored, data, item.info().size()));
        }
    }

    /** Notices when the archive changes while a file in it is read. */
    private final class Watched implements ImportRecord.Content {
        private final ImportRecord.Content content;

        Watched(ImportRecord.Content content) {
            this.content = content;
        }

        @Override
        public long read(MemorySegment into) throws IOException {
            return content.read(into);
        }

        @Override
        public ImportRecord.Version version() throws IOException {
            BasicFileAttributes now = Files.readAttributes(file.path(), BasicFileAttributes.class);
            Instant time = now.lastModifiedTime().toInstant();
            return new ImportRecord.Version(now.size(), time.getEpochSecond(), time.getNano());
        }

        @Override
        public void close() {
            content.close();
        }
    }

    @Override
    public void close() {
        if (contents != null) {
            contents.close();
        }
    }
}
