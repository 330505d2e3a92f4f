// SPDX-License-Identifier: ISC
package dev.armoire.connectors.stdio;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.HostName;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** Delivers one file, whose size shows when it is read, and the folders that lead to it. */
final class StdinImporter implements Importer {
    private final byte[] path;
    private final InputStream in;
    private final ImportOptions.Excludes excludes;
    private final Instant now = Instant.now();
    private final AtomicBoolean isOpened = new AtomicBoolean();

    /** @param in read once, and not closed */
    StdinImporter(byte[] path, InputStream in, ImportOptions.Excludes excludes) {
        this.path = path;
        this.in = in;
        this.excludes = excludes;
    }

    @Override
    public String type() {
        return "stdin";
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
    public void scan(ImportSink sink) {
        List<byte[]> folders = new ArrayList<>();
        for (byte[] above = BytePath.parent(path); above.length > 1; above = BytePath.parent(above)) {
            folders.add(above);
        }
        sink.record(new Item(BytePath.ROOT, info(FileMode.DIRECTORY | 0755, 0)));
        for (byte[] folder : folders.reversed()) {
            if (excludes.isExcluded(folder, true)) {
                return;
            }
            sink.record(new Item(folder, info(FileMode.DIRECTORY | 0755, 0)));
        }
        if (!excludes.isExcluded(path, false)) {
            sink.record(new Item(path, info(0644, -1)));
        }
    }

    private FileInfo info(int mode, long size) {
        return new FileInfo(size, mode, now.getEpochSecond(), now.getNano(), 0, 0, 0, 0, 1, "", "", 0);
    }

    private final class Item implements ImportRecord {
        private final byte[] path;
        private final FileInfo info;

        Item(byte[] path, FileInfo info) {
            this.path = path;
            this.info = info;
        }

        @Override
        public byte[] path() {
            return path;
        }

        @Override
        public FileInfo info() {
            return info;
        }

        @Override
        public Content open() throws IOException {
            if (!FileMode.isRegular(info.mode()) || isOpened.getAndSet(true)) {
                throw new IOException("standard input is read once");
            }
            return new Reading();
        }
    }

    private final class Reading implements ImportRecord.Content {
        private static final int COPY_BYTES = 64 << 10;

        private final byte[] copy = new byte[COPY_BYTES];

        @Override
        public long read(MemorySegment into) throws IOException {
            long filled = 0;
            while (filled < into.byteSize()) {
                int count = in.read(copy, 0, (int) Math.min(COPY_BYTES, into.byteSize() - filled));
                if (count < 0) {
                    break;
                }
                MemorySegment.copy(copy, 0, into, ValueLayout.JAVA_BYTE, filled, count);
                filled += count;
            }
            return filled;
        }

        @Override
        public void close() {
            // standard input belongs to the program
        }
    }

    @Override
    public void close() {
        // holds nothing
    }
}
