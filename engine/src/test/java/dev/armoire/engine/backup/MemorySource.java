// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.engine.record.SnapshotPath;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A source that tests make up: what it delivers, in which order, and how its items fail. Names are ISO 8859-1 text. */
public final class MemorySource implements Importer {
    private final byte[] root;
    private final List<Item> items = new ArrayList<>();
    private final List<Item> errors = new ArrayList<>();
    private long inode = 100;
    private long seconds = 1_700_000_000;
    /** Items that were opened, so that tests can see what was read. */
    public final AtomicInteger opened = new AtomicInteger();

    public MemorySource(String root) {
        this.root = bytes(root);
    }

    /** Opens the content of a file, or fails. */
    @FunctionalInterface
    public interface Opener {
        ImportRecord.Content open() throws IOException;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** A directory. */
    public MemorySource directory(String path) {
        return add(new Item(bytes(path), info(0, FileMode.DIRECTORY | 0755, 2), "", Map.of(), null, opened));
    }

    /** A regular file. */
    public MemorySource file(String path, byte[] content) {
        return file(path, content.length, () -> new Bytes(content));
    }

    /** A regular file of text. */
    public MemorySource file(String path, String content) {
        return file(path, bytes(content));
    }

    /** A regular file whose size and content need not agree. */
    public MemorySource file(String path, long size, Opener opener) {
        return add(new Item(bytes(path), info(size, 0644, 1), "", Map.of(), opener, opened));
    }

    /** A regular file with attributes; a null value fails when read. */
    public MemorySource file(String path, byte[] content, Map<String, byte @Nullable []> xattrs) {
        return add(new Item(bytes(path), info(content.length, 0644, 1), "", xattrs, () -> new Bytes(content), opened));
    }

    /** Several names of one file. */
    public MemorySource hardLinks(byte[] content, String... paths) {
        FileInfo info = info(content.length, 0644, paths.length);
        for (String path : paths) {
            add(new Item(bytes(path), info, "", Map.of(), () -> new Bytes(content), opened));
        }
        return this;
    }

    /** A symbolic link. */
    public MemorySource link(String path, String target) {
        return add(new Item(
                bytes(path), info(target.length(), FileMode.SYMLINK | 0777, 1), target, Map.of(), null, opened));
    }

    /** Something that is neither directory, file nor link. */
    public MemorySource special(String path, int mode, long rdev) {
        FileInfo plain = info(0, mode, 1);
        FileInfo info = new FileInfo(0, mode, plain.mtimeSeconds(), 0, 1, plain.ino(), 0, 0, 1, "root", "root", rdev);
        return add(new Item(bytes(path), info, "", Map.of(), null, opened));
    }

    /** A path that the source cannot read. */
    public MemorySource error(String path, String message) {
        errors.add(new Item(bytes(path), info(0, 0, 1), message, Map.of(), null, opened));
        return this;
    }

    private FileInfo info(long size, int mode, long nlink) {
        inode++;
        seconds++;
        return new FileInfo(size, mode, seconds, 123, 1, inode, 0, 0, nlink, "root", "root", 0);
    }

    private MemorySource add(Item item) {
        items.add(item);
        return this;
    }

    /** What is delivered, in this order; a test may change it. */
    public List<Item> items() {
        return items;
    }

    /** The content of each regular file that can be read, by path. */
    public Map<String, byte[]> contents() throws IOException {
        Map<String, byte[]> contents = new LinkedHashMap<>();
        for (Item item : items) {
            if (item.opener != null) {
                try (ImportRecord.Content content = item.opener.open()) {
                    MemorySegment buffer = MemorySegment.ofArray(new byte[(int) item.info.size()]);
                    content.read(buffer);
                    contents.put(new String(item.path, StandardCharsets.ISO_8859_1), (byte[])
                            buffer.heapBase().orElseThrow());
                }
            }
        }
        return contents;
    }

    @Override
    public String type() {
        return "fs";
    }

    @Override
    public String origin() {
        return "testhost";
    }

    @Override
    public byte[] root() {
        return root.clone();
    }

    @Override
    public void scan(ImportSink sink) throws IOException {
        for (Item item : items) {
            if (sink.isStopped()) {
                return;
            }
            sink.record(item);
        }
        for (Item error : errors) {
            sink.error(error.path, error.target);
        }
    }

    @Override
    public void close() {}

    /** One thing that is delivered. */
    public record Item(
            byte[] path,
            FileInfo info,
            String target,
            Map<String, byte @Nullable []> xattrs,
            @Nullable Opener opener,
            AtomicInteger opened)
            implements ImportRecord {
        @Override
        public byte[] linkTarget() {
            return bytes(target);
        }

        @Override
        public List<byte[]> xattrNames() {
            return xattrs.keySet().stream().map(MemorySource::bytes).toList();
        }

        @Override
        public byte[] readXattr(byte[] name) throws IOException {
            byte[] value = xattrs.get(new String(name, StandardCharsets.ISO_8859_1));
            if (value == null) {
                throw new IOException("getxattr " + SnapshotPath.display(path) + ": input/output error");
            }
            return value;
        }

        @Override
        public Content open() throws IOException {
            opened.incrementAndGet();
            if (opener == null) {
                throw new AssertionError("opened " + SnapshotPath.display(path) + ", which has no content");
            }
            return opener.open();
        }
    }

    /** Content in memory. */
    public static class Bytes implements ImportRecord.Content {
        private final byte[] content;
        private int at;

        public Bytes(byte[] content) {
            this.content = content;
        }

        @Override
        public long read(MemorySegment into) throws IOException {
            int part = (int) Math.min(into.byteSize(), content.length - at);
            MemorySegment.copy(MemorySegment.ofArray(content), at, into, 0, part);
            at += part;
            return part;
        }

        @Override
        public void close() {}
    }

    /** Gives some bytes and then fails. */
    public static final class Failing implements ImportRecord.Content {
        private final byte[] first;
        private boolean isGiven;

        public Failing(byte[] first) {
            this.first = first;
        }

        @Override
        public long read(MemorySegment into) throws IOException {
            if (isGiven || first.length < into.byteSize()) {
                throw new IOException("read: input/output error");
            }
            isGiven = true;
            MemorySegment.copy(MemorySegment.ofArray(first), 0, into, 0, into.byteSize());
            return into.byteSize();
        }

        @Override
        public void close() {}
    }
}
