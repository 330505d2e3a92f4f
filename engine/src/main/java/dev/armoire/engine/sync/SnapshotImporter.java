// SPDX-License-Identifier: ISC
package dev.armoire.engine.sync;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.engine.backup.DeviceNumbers;
import dev.armoire.engine.backup.StoredContent;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.record.SnapshotPath;
import dev.armoire.engine.record.XattrItem;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.PipelineAbortedException;
import dev.armoire.engine.repository.Repository;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.engine.snapshot.Snapshot;
import dev.armoire.packfile.ResourceType;
import dev.armoire.packfile.StoreConfig;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A snapshot of another store as a source. It has the type, origin and root of what was backed up, and everything down from
 * {@code /}, the recorded errors too. Damage in it is no error of a file, but ends the whole: it is thrown as a
 * {@link CorruptDataException}.
 */
public final class SnapshotImporter implements Importer {
    /** Attribute values are at most 64 KiB on Linux. */
    private static final int MAX_XATTR_BYTES = 16 << 20;

    private final Repository store;
    private final SnapshotHeader header;
    private final ImportOptions options;
    private final Map<String, Long> deviceNumbers;
    private final Map<Thread, View> views = new ConcurrentHashMap<>();

    /** The snapshot as one thread reads it. */
    private record View(BlobReader reader, Snapshot snapshot) {}

    /**
     * Takes all that is in the snapshot. Reads nothing yet.
     *
     * @param store refreshed, and open for as long as this is used
     */
    public SnapshotImporter(Repository store, SnapshotHeader header) {
        this(store, header, new ImportOptions((path, isDirectory) -> false, true, Map.of(), List.of()));
    }

    /** Leaves out what the options say. Otherwise like {@link #SnapshotImporter(Repository, SnapshotHeader)}. */
    public SnapshotImporter(Repository store, SnapshotHeader header, ImportOptions options) {
        this.store = store;
        this.header = header;
        this.options = options;
        this.deviceNumbers = DeviceNumbers.fromContext(header.source().context());
    }

    @Override
    public String type() {
        return header.source().type();
    }

    @Override
    public String origin() {
        return header.source().origin();
    }

    @Override
    public byte[] root() {
        return view().snapshot.root();
    }

    private View view() {
        return views.computeIfAbsent(Thread.currentThread(), thread -> {
            BlobReader reader = store.newReader();
            return new View(reader, Snapshot.of(header, reader));
        });
    }

    @Override
    public void threadEnds() {
        View view = views.remove(Thread.currentThread());
        if (view != null) {
            view.reader.close();
        }
    }

    @Override
    public void scan(ImportSink sink) {
        Snapshot snapshot = view().snapshot;
        byte[] root = snapshot.root();
        snapshot.forEachError(SnapshotPath.ROOT, error -> {
            sink.error(error.path(), error.message());
            return !sink.isStopped();
        });
        Entry top = snapshot.find(SnapshotPath.ROOT);
        if (top == null) {
            throw new CorruptDataException("snapshot " + header.identifier().shortHex() + " has no root directory");
        }
        deliver(snapshot, top, sink);
        Deque<byte[]> directories = new ArrayDeque<>();
        directories.push(SnapshotPath.ROOT);
        while (!directories.isEmpty()) {
            List<byte[]> below = new ArrayList<>();
            snapshot.forEachChild(directories.pop(), (entry, mac) -> {
                boolean isBelow = entry.path().length > root.length && SnapshotPath.isWithin(entry.path(), root);
                if (isBelow && options.excludes().isExcluded(entry.path(), entry.isDirectory())) {
                    return true;
                }
                deliver(snapshot, entry, sink);
                if (entry.isDirectory()) {
                    below.add(entry.path());
                }
                return true;
            });
            below.reversed().forEach(directories::push);
        }
    }

    private void deliver(Snapshot snapshot, Entry entry, ImportSink sink) {
        if (sink.isStopped()) {
            throw new PipelineAbortedException();
        }
        // Plakar lost the values of some (format 2b §11): there is nothing to take along.
        List<byte[]> names = new ArrayList<>();
        for (byte[] name : options.readXattrs() ? entry.xattrNames() : List.<byte[]>of()) {
            XattrItem item = snapshot.xattr(entry.path(), name);
            if (item != null && store.index().findExpected(ResourceType.OBJECT, item.object()) != null) {
                names.add(name);
            }
        }
        FileInfo info = entry.info();
        if (FileMode.isDevice(info.mode())) {
            Long rdev = deviceNumbers.get(DeviceNumbers.key(entry.path()));
            info = info.withRdev(rdev == null ? FileInfo.UNKNOWN_RDEV : rdev);
        }
        sink.record(new Item(entry, info, names));
    }

    private final class Item implements ImportRecord {
        private final Entry entry;
        private final FileInfo info;
        private final List<byte[]> xattrNames;

        Item(Entry entry, FileInfo info, List<byte[]> xattrNames) {
            this.entry = entry;
            this.info = info;
            this.xattrNames = xattrNames;
        }

        @Override
        public byte[] path() {
            return entry.path();
        }

        @Override
        public FileInfo info() {
            return info;
        }

        @Override
        public byte[] linkTarget() {
            return entry.linkTarget();
        }

        @Override
        public List<byte[]> xattrNames() {
            return xattrNames;
        }

        @Override
        public byte[] readXattr(byte[] name) {
            byte[] value = view().snapshot.xattrValue(entry.path(), name, MAX_XATTR_BYTES);
            if (value == null) {
                throw new CorruptDataException("attribute " + SnapshotPath.display(name) + " of "
                        + SnapshotPath.display(entry.path()) + " has no value");
            }
            return value;
        }

        @Override
        public Content open() {
            BlobReader reader = view().reader;
            ObjectRecord object = ObjectReader.record(reader, entry.object());
            if (object.size() != info.size()) {
                throw new CorruptDataException(SnapshotPath.display(entry.path()) + ": its object has " + object.size()
                        + " bytes, its entry says " + info.size());
            }
            return new Chunks(reader, object);
        }
    }

    /** The chunks of one file, one after the other. Nothing else is read by the same thread meanwhile. */
    private final class Chunks implements StoredContent {
        private final BlobReader reader;
        private final ObjectRecord object;
        private final Iterator<ObjectRecord.Chunk> chunks;
        private MemorySegment chunk = MemorySegment.NULL;
        private long position;

        Chunks(BlobReader reader, ObjectRecord object) {
            this.reader = reader;
            this.object = object;
            this.chunks = object.chunks().iterator();
        }

        @Override
        public StoreConfig config() {
            return store.config();
        }

        @Override
        public ObjectRecord object() {
            return object;
        }

        @Override
        public MemorySegment next() {
            return ObjectReader.chunk(reader, chunks.next());
        }

        @Override
        public MemorySegment compressed() {
            return reader.compressed();
        }

        @Override
        public long read(MemorySegment into) {
            long read = 0;
            while (read < into.byteSize()) {
                if (position == chunk.byteSize()) {
                    if (!chunks.hasNext()) {
                        break;
                    }
                    chunk = next();
                    position = 0;
                }
                long part = Math.min(into.byteSize() - read, chunk.byteSize() - position);
                MemorySegment.copy(chunk, position, into, read, part);
                position += part;
                read += part;
            }
            return read;
        }

        @Override
        public void close() {
            chunk = MemorySegment.NULL;
        }
    }

    @Override
    public void close() {
        threadEnds();
    }
}
