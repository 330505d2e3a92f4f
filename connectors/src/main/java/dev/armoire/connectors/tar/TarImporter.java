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
import java.nio.file.Files;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Delivers what is in a tar file, from {@code /} on. Folders that are not in it themselves have its own time. */
final class TarImporter implements Importer {
    private final String type;
    private final TarFile file;
    private final ImportOptions options;
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
        long device = file.path().toString().hashCode() & 0xffff_ffffL;
        try (TarIndex index = TarIndex.read(file, device, options.scratch())) {
            file.checkUnchanged();
            deliver(index, sink);
        } catch (java.io.InterruptedIOException e) {
            throw e;
        } catch (IOException e) {
            throw new IOException(file.path() + ": " + e.getMessage(), e);
        }
    }

    private void deliver(TarIndex index, ImportSink sink) throws IOException {
        Choice choice = new Choice(index);
        ContentOrder order = file.isPlain() ? null : new ContentOrder();
        contents = order == null ? new PlainContents(file) : new StreamContents(file, order);
        index.forEach((i, item) -> {
            byte[] obstacle = index.obstacle(item.path());
            if (obstacle != null && index.isImplied(i)) {
                return; // what lies in it is told
            }
            if (obstacle != null) {
                sink.error(
                        item.path(),
                        "left out: it lies below " + BytePath.text(obstacle) + ", which is no folder in the archive");
            } else if (choice.take(i, item) && order != null) {
                order.add(item);
            }
        });
        index.forEachProblem((i, item) -> sink.error(item.path(), String.valueOf(item.problem())));
        if (!index.hasEnd()) {
            sink.error(BytePath.ROOT, file.path() + " has no mark at its end: it may be cut off");
        }
        index.forEachLast((i, item) -> {
            if (choice.isTaken(i) && !sink.isStopped()) {
                sink.record(new Item(item));
                if (item.lost() != null) {
                    sink.error(item.path(), item.lost());
                }
            }
        });
    }

    /** Which items patterns leave in, with all folders above them. Asks once for each. */
    private final class Choice {
        private final TarIndex index;
        private final BitSet isKnown = new BitSet();
        private final BitSet isTaken = new BitSet();

        Choice(TarIndex index) {
            this.index = index;
        }

        boolean isTaken(int item) {
            return isTaken.get(item);
        }

        boolean take(int i, TarItem item) {
            if (!isKnown.get(i)) {
                isKnown.set(i);
                boolean isLeftIn = item.path().length == 1
                        || (isFolderTaken(BytePath.parent(item.path()))
                                && !options.excludes()
                                        .isExcluded(
                                                item.path(),
                                                FileMode.isDirectory(item.info().mode())));
                isTaken.set(i, isLeftIn);
            }
            return isTaken.get(i);
        }

        private boolean isFolderTaken(byte[] path) {
            int i = index.find(path);
            return isKnown.get(i) ? isTaken.get(i) : take(i, index.get(i));
        }
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
