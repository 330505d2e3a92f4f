// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.content.ContentTypes;
import dev.armoire.engine.record.Entry;
import dev.armoire.engine.record.ErrorItem;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.engine.record.XattrItem;
import dev.armoire.engine.repository.BlobReader;
import dev.armoire.engine.repository.PackWriter;
import dev.armoire.engine.repository.StageTimes;
import dev.armoire.engine.repository.StageTimes.Stage;
import dev.armoire.engine.snapshot.BlobSink;
import dev.armoire.engine.snapshot.ContentStore;
import dev.armoire.engine.snapshot.ObjectReader;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.MsgpackWriter;
import dev.armoire.packfile.ResourceType;
import dev.armoire.simd.Chunker;
import dev.armoire.simd.Entropy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * All CPU work of a backup on one thread: read, chunk, MAC, deduplicate, compress, encrypt, while the bytes are warm. Owns
 * its codec and hashers; shares the pipeline's queues, buffers and index with its siblings.
 */
final class BackupWorker implements BlobSink, ContentStore, AutoCloseable {
    private static final byte[] NO_TARGET = {};
    private static final int MAX_TRIES = 3;
    private static final long PAUSE_NANOS = 50_000_000;
    /** To read a large file again and again would take longer than it stays the same. */
    private static final long MAX_BYTES_TO_READ_AGAIN = 256L << 20;

    private final BackupPipeline pipeline;
    private final BlobCodec codec;
    private final MacHasher hasher;
    private final MacHasher contentHasher;
    private final Chunker chunker;
    private final StageTimes stages;
    private final MsgpackWriter writer = new MsgpackWriter();
    private ReadBuffers.@Nullable Lease lease;
    /** Opened when the first file that has changed is read. */
    private @Nullable BlobReader reader;

    BackupWorker(BackupPipeline pipeline) {
        this.pipeline = pipeline;
        this.codec = pipeline.repository().newCodec();
        this.hasher = pipeline.repository().keys().newMacHasher();
        this.stages = pipeline.repository().stages();
        this.contentHasher = pipeline.repository().keys().newMacHasher();
        this.chunker = pipeline.newChunker();
    }

    /** Scratch for records, free between calls. */
    MsgpackWriter writer() {
        return writer;
    }

    /**
     * Takes one item into the snapshot. A failure of the source is recorded; one of the store is thrown.
     *
     * @param old the parent's entry of a file that is unchanged
     * @param former the parent's encoded entry of a file that is not
     */
    void process(ImportRecord record, @Nullable Entry old, byte @Nullable [] former) {
        byte[] path = record.path();
        FileInfo info = record.info();
        try {
            if (!FileMode.isRegular(info.mode())) {
                add(record, Entry.withoutContent(path, info, target(record), storeXattrs(record)));
                if (FileMode.isDevice(info.mode())) {
                    pipeline.deviceNumbers().add(path, info.rdev());
                }
            } else if (old != null) {
                add(record, info, old.object(), old.contentType(), old.entropy(), old.chunks());
                pipeline.counters().unchangedFiles.increment();
                pipeline.counters().unchangedBytes.add(info.size());
            } else {
                processContent(record, former);
            }
            pipeline.done(path);
        } catch (IOException e) {
            pipeline.failed(path, e.getMessage(), this);
        }
    }

    /** Reads a file; once more if it changes meanwhile, for it may be neither the old content nor the new one. */
    private void processContent(ImportRecord record, byte @Nullable [] formerEntry) throws IOException {
        Entry former = former(formerEntry);
        for (int tries = 1; ; tries++) {
            Stored stored;
            ImportRecord.Version before;
            ImportRecord.Version after;
            try (ImportRecord.Content content = record.open()) {
                before = content.version();
                stored = content instanceof StoredContent cut && isCutAsHere(cut)
                        ? copy(cut)
                        : store(content::read, Kind.FILE, former);
                after = content.version();
            }
            ObjectRecord object = stored.record();
            boolean isWhole = Objects.equals(before, after);
            if (!isWhole && tries < MAX_TRIES && object.size() <= MAX_BYTES_TO_READ_AGAIN) {
                LockSupport.parkNanos(tries * PAUSE_NANOS); // whoever writes may be done soon
                continue;
            }
            // Its time stays the one that the walk saw: what was changed since is read again by the next backup.
            FileInfo asRead = record.info().withSize(object.size());
            int chunks = object.chunks().size();
            add(record, asRead, stored.object(), object.contentType(), object.entropy(), chunks);
            if (!isWhole) {
                String times = tries == 1 ? "" : tries + " times in a row";
                pipeline.failed(
                        record.path(),
                        ("changed while it was read " + times).strip() + "; saved as it was read, and perhaps torn",
                        this);
            }
            return;
        }
    }

    /** Adds a file whose content is stored; its attributes come now, for an item that has failed has none. */
    private void add(ImportRecord record, FileInfo info, Mac object, String contentType, double entropy, long chunks) {
        List<byte[]> xattrs = storeXattrs(record);
        add(record, Entry.of(record.path(), info, NO_TARGET, object, contentType, entropy, chunks, xattrs));
    }

    private static byte[] target(ImportRecord record) {
        return FileMode.isSymlink(record.info().mode()) ? record.linkTarget() : NO_TARGET;
    }

    private void add(ImportRecord record, Entry entry) {
        FileInfo info = entry.info();
        writer.reset();
        entry.encode(writer);
        Mac mac = store(ResourceType.VFS_ENTRY, writer.written());
        pipeline.trees().add(record.path(), FileMode.isDirectory(info.mode()), mac, writer.written());
    }

    /** Stores the attributes that can be read; returns their names. */
    private List<byte[]> storeXattrs(ImportRecord record) {
        List<byte[]> names = record.xattrNames();
        if (names.isEmpty()) {
            return names;
        }
        List<byte[]> stored = new ArrayList<>(names.size());
        for (byte[] name : names) {
            byte[] value;
            Stored content;
            try {
                value = record.readXattr(name);
                content = store(new BytesReader(value), Kind.ATTRIBUTE);
            } catch (IOException e) {
                pipeline.failed(record.path(), e.getMessage(), this);
                continue;
            }
            XattrItem item = new XattrItem(record.path(), name, value.length, 0, content.object());
            writer.reset();
            item.encode(writer);
            pipeline.trees().addXattr(item, store(ResourceType.XATTR_ENTRY, writer.written()));
            stored.add(name);
        }
        return stored;
    }

    /** Stores an error entry and returns its MAC. */
    Mac storeError(byte[] path, String message) {
        writer.reset();
        new ErrorItem(path, message).encode(writer);
        return store(ResourceType.ERROR_ENTRY, writer.written());
    }

    @Override
    public Mac store(int type, MemorySegment plain) {
        Mac mac = hasher.mac(plain);
        if (pipeline.index().claim(type, mac)) {
            put(PackWriter.Lane.METADATA, type, mac, plain);
        }
        return mac;
    }

    /** Stores a blob under a name that is not its content's. */
    void storeNamed(int type, Mac name, MemorySegment plain) {
        put(PackWriter.Lane.METADATA, type, name, plain);
    }

    private void put(PackWriter.Lane lane, int type, Mac mac, MemorySegment plain) {
        long begun = stages.begin();
        long length = codec.prepare(plain);
        var _ = stages.end(Stage.ENCODE, begun);
        pipeline.packs().put(lane, type, mac, codec, length);
        pipeline.counters().newBlobs.increment();
    }

    /** Compresses, encrypts and places a chunk that this worker or another one has read. */
    void encode(BackupPipeline.NewChunk chunk) {
        try {
            put(PackWriter.Lane.DATA, ResourceType.CHUNK, chunk.mac(), chunk.data());
        } finally {
            chunk.lease().release();
        }
    }

    /** What the parent has at the path, if the store has its content. */
    private @Nullable Entry former(byte @Nullable [] encoded) {
        if (encoded == null) {
            return null;
        }
        try {
            Entry entry = Entry.decode(new MsgpackReader(MemorySegment.ofArray(encoded), "directory listing"));
            boolean isThere =
                    !entry.object().isZero() && pipeline.index().contains(ResourceType.OBJECT, entry.object());
            return isThere ? entry : null;
        } catch (CorruptDataException e) {
            return null;
        }
    }

    private @Nullable KnownCuts knownCuts(Mac object) {
        BlobReader open = reader;
        if (open == null) {
            open = reader = pipeline.repository().newReader();
        }
        try {
            return new KnownCuts(ObjectReader.record(open, object).chunks(), chunker, hasher);
        } catch (CorruptDataException | UncheckedIOException e) {
            return null; // the file is read and cut anew, which heals it
        }
    }

    /**
     * The record of a content that the parent has as one chunk, if this one is the same. It is not read: from the entry it can be made
     * again, and its MAC says whether it was.
     */
    private @Nullable ObjectRecord sameRecord(Entry former, Mac content, long length) {
        double entropy = former.entropy();
        // The entry has that of the object, which is that of the chunk but for the rounding of the weighted mean.
        for (double ofChunk : new double[] {entropy, Math.nextUp(entropy), Math.nextDown(entropy)}) {
            if (ofChunk * length / length == entropy) {
                List<ObjectRecord.Chunk> chunks = List.of(new ObjectRecord.Chunk(content, length, ofChunk));
                ObjectRecord record = new ObjectRecord(content, chunks, former.contentType(), entropy);
                writer.reset();
                record.encode(writer);
                if (hasher.mac(writer.written()).equals(former.object())) {
                    return record;
                }
            }
        }
        return null;
    }

    @Override
    public Stored store(Reader content, Kind kind) throws IOException {
        return store(content, kind, null);
    }

    /** @param former the parent's entry of a file, whose content the store has */
    private Stored store(Reader content, Kind kind, @Nullable Entry former) throws IOException {
        try {
            boolean isOneChunk = former != null && former.chunks() == 1;
            KnownCuts known = former == null || isOneChunk ? null : knownCuts(former.object());
            return storeChunks(content, kind, known, isOneChunk ? former : null);
        } catch (IOException e) {
            contentHasher.finish(); // what was read so far must not get into the MAC of the next content
            throw e;
        }
    }

    private Stored storeChunks(Reader content, Kind kind, @Nullable KnownCuts known, @Nullable Entry former)
            throws IOException {
        List<ObjectRecord.Chunk> chunks = new ArrayList<>(1);
        Mac contentMac = Mac.ZERO;
        String contentType = ObjectRecord.DIRPACK_TYPE;
        double weightedEntropy = 0;
        long total = 0;
        long position = 0;
        long filled = 0;
        boolean atEnd = false;
        ReadBuffers.Lease buffer = emptyBuffer();
        while (true) {
            long max = chunker.maxSize();
            if (!atEnd && filled - position < max) {
                if (position > 0 && buffer.segment().byteSize() - position < max) {
                    buffer = moveToFront(buffer, position, filled);
                    filled -= position;
                    position = 0;
                }
                long wanted = buffer.segment().byteSize() - filled;
                long asked = System.nanoTime();
                long begun = stages.begin();
                long read = content.read(buffer.segment().asSlice(filled, wanted));
                if (kind == Kind.FILE) { // what a listing takes counts with the trees
                    var _ = stages.end(Stage.READ, begun);
                    pipeline.readAhead().took(read, System.nanoTime() - asked);
                }
                filled += read;
                atEnd = read < wanted;
                if (kind == Kind.FILE) {
                    pipeline.counters().sourceBytes.add(read);
                }
                pipeline.checkRunning();
                if (!atEnd && filled - position < max) {
                    continue;
                }
            }
            long ahead = filled - position;
            if (ahead == 0 && !chunks.isEmpty()) {
                break;
            }
            long begun = stages.begin();
            MemorySegment window = buffer.segment().asSlice(position, Math.min(ahead, max));
            Mac all = null;
            if (former != null
                    && chunks.isEmpty()
                    && atEnd
                    && ahead > 0
                    && ahead == former.info().size()
                    && ahead <= max) {
                all = hasher.mac(window);
                ObjectRecord same = sameRecord(former, all, ahead);
                if (same != null) {
                    var _ = stages.end(Stage.HASH, begun);
                    pipeline.counters().knownChunkBytes.add(ahead);
                    return new Stored(former.object(), same);
                }
            }
            ObjectRecord.Chunk proven = known == null || ahead == 0 ? null : known.next(window);
            long cut = proven != null ? proven.length() : ahead == 0 ? 0 : chunker.cut(window);
            MemorySegment data = window.asSlice(0, cut);
            Mac mac = proven != null ? proven.mac() : all != null && cut == ahead ? all : hasher.mac(data);
            boolean isWhole = chunks.isEmpty() && atEnd && cut == ahead;
            if (isWhole) {
                contentMac = mac;
            } else {
                contentHasher.update(data);
            }
            double entropy = proven != null ? proven.entropy() : kind == Kind.LISTING ? 0 : Entropy.ofBytes(data);
            if (chunks.isEmpty() && kind != Kind.LISTING) {
                contentType = ContentTypes.detect(data);
            }
            chunks.add(new ObjectRecord.Chunk(mac, cut, entropy));
            weightedEntropy += entropy * cut;
            total += cut;
            var _ = stages.end(Stage.HASH, begun);
            storeChunk(kind, mac, data, buffer);
            position += cut;
            if (isWhole) {
                break;
            }
        }
        if (contentMac.isZero()) {
            contentMac = contentHasher.finish();
        }
        double entropy = total == 0 ? 0 : weightedEntropy / total;
        ObjectRecord record = new ObjectRecord(contentMac, chunks, contentType, entropy);
        writer.reset();
        record.encode(writer);
        return new Stored(store(ResourceType.OBJECT, writer.written()), record);
    }

    /** Whether this store would cut a content as the other one did. No chunk is longer than this one's may be then. */
    private boolean isCutAsHere(StoredContent content) {
        return content.config().chunking().equals(pipeline.repository().config().chunking())
                && !content.object().chunks().isEmpty();
    }

    /**
     * Takes over the chunks of another store. Their MACs are made with that store's key, so they are made anew; to do so a chunk
     * is decompressed, which also shows that it is whole. Where both stores compress alike it is not compressed again.
     */
    private Stored copy(StoredContent content) {
        ObjectRecord there = content.object();
        boolean isCompressedAlike =
                content.config().compressor() == pipeline.repository().config().compressor();
        boolean isWhole = there.chunks().size() == 1;
        Mac contentMac = Mac.ZERO;
        List<ObjectRecord.Chunk> chunks = new ArrayList<>(there.chunks().size());
        for (ObjectRecord.Chunk from : there.chunks()) {
            MemorySegment data = content.next();
            pipeline.counters().sourceBytes.add(data.byteSize());
            pipeline.checkRunning();
            long begun = stages.begin();
            Mac mac = hasher.mac(data);
            if (isWhole) {
                contentMac = mac;
            } else {
                contentHasher.update(data);
            }
            begun = stages.end(Stage.HASH, begun);
            chunks.add(new ObjectRecord.Chunk(mac, data.byteSize(), from.entropy()));
            if (!pipeline.index().claim(ResourceType.CHUNK, mac)) {
                continue;
            }
            pipeline.counters().newChunks.increment();
            pipeline.counters().newChunkBytes.add(data.byteSize());
            long length = isCompressedAlike ? codec.prepareCompressed(content.compressed()) : codec.prepare(data);
            var _ = stages.end(Stage.ENCODE, begun);
            pipeline.packs().put(PackWriter.Lane.DATA, ResourceType.CHUNK, mac, codec, length);
            pipeline.counters().newBlobs.increment();
        }
        if (!isWhole) {
            contentMac = contentHasher.finish();
        }
        ObjectRecord object = new ObjectRecord(contentMac, chunks, there.contentType(), there.entropy());
        writer.reset();
        object.encode(writer);
        return new Stored(store(ResourceType.OBJECT, writer.written()), object);
    }

    private void storeChunk(Kind kind, Mac mac, MemorySegment data, ReadBuffers.Lease buffer) {
        if (!pipeline.index().claim(ResourceType.CHUNK, mac)) {
            pipeline.counters().knownChunkBytes.add(kind == Kind.FILE ? data.byteSize() : 0);
            return;
        }
        if (kind != Kind.FILE) {
            put(PackWriter.Lane.METADATA, ResourceType.CHUNK, mac, data);
            return;
        }
        pipeline.counters().newChunks.increment();
        pipeline.counters().newChunkBytes.add(data.byteSize());
        buffer.retain();
        BackupPipeline.NewChunk chunk = new BackupPipeline.NewChunk(mac, data, buffer);
        if (!pipeline.offer(chunk)) {
            encode(chunk);
        }
    }

    /** This worker's buffer, if no sibling still encodes from it, else another one. */
    private ReadBuffers.Lease emptyBuffer() {
        ReadBuffers.Lease held = lease;
        if (held != null && !held.isShared()) {
            return held;
        }
        if (held != null) {
            held.release();
        }
        return lease = takeBuffer();
    }

    private ReadBuffers.Lease takeBuffer() {
        while (true) {
            ReadBuffers.Lease taken = pipeline.buffers().tryTake();
            if (taken != null) {
                return taken;
            }
            pipeline.checkRunning();
            // All buffers wait for their chunks to be encoded: help with that.
            if (!pipeline.encodeOne(this)) {
                Thread.onSpinWait();
            }
        }
    }

    private ReadBuffers.Lease moveToFront(ReadBuffers.Lease from, long position, long filled) {
        ReadBuffers.Lease to = from;
        if (from.isShared()) {
            to = takeBuffer();
            lease = to;
        }
        MemorySegment.copy(from.segment(), position, to.segment(), 0, filled - position);
        if (to != from) {
            from.release();
        }
        return to;
    }

    /** A value that is in memory already. */
    private static final class BytesReader implements Reader {
        private final MemorySegment bytes;
        private long position;

        BytesReader(byte[] bytes) {
            this.bytes = MemorySegment.ofArray(bytes);
        }

        @Override
        public long read(MemorySegment into) {
            long part = Math.min(into.byteSize(), bytes.byteSize() - position);
            MemorySegment.copy(bytes, position, into, 0, part);
            position += part;
            return part;
        }
    }

    /** Runs until the pipeline has no more work. */
    void run() {
        try {
            pipeline.work(this);
        } catch (RuntimeException | Error e) {
            pipeline.fail(e);
        } finally {
            pipeline.threadEnds();
            if (reader != null) {
                reader.close(); // by the thread that opened it
                reader = null;
            }
        }
    }

    @Override
    public void close() {
        codec.close();
    }
}
