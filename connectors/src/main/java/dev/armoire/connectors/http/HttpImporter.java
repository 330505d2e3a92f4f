// SPDX-License-Identifier: ISC
package dev.armoire.connectors.http;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Delivers the file under its path on the server. The one request is made by the scan, and its answer read when it is opened. */
final class HttpImporter implements Importer {
    private static final Duration CONNECT_PATIENCE = Duration.ofSeconds(30);
    private final HttpFile file;
    private final ImportOptions.Excludes excludes;
    private final byte[] path;
    private @Nullable HttpClient client;
    private volatile @Nullable InputStream body;

    HttpImporter(HttpFile file, ImportOptions.Excludes excludes) {
        this.file = file;
        this.excludes = excludes;
        this.path = BytePath.clean(BytePath.ROOT, file.path().getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public String type() {
        return file.scheme();
    }

    @Override
    public String origin() {
        return file.origin();
    }

    @Override
    public byte[] root() {
        return BytePath.parent(path);
    }

    @Override
    public void scan(ImportSink sink) throws IOException {
        HttpClient opened = HttpClient.newBuilder()
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(CONNECT_PATIENCE)
                .build();
        client = opened;
        HttpResponse<InputStream> response = file.get(opened);
        body = response.body();
        long size = response.headers().firstValueAsLong("content-length").orElse(-1);
        boolean isFramed = size >= 0
                || response.version() == HttpClient.Version.HTTP_2
                || response.headers().firstValue("transfer-encoding").isPresent();
        Instant changed = modified(response);
        List<byte[]> folders = new ArrayList<>();
        for (byte[] above = root(); above.length > 1; above = BytePath.parent(above)) {
            folders.add(above);
        }
        folders.add(BytePath.ROOT);
        for (byte[] folder : folders.reversed()) {
            if (folder.length > 1 && excludes.isExcluded(folder, true)) {
                return;
            }
            sink.record(new Item(folder, info(FileMode.DIRECTORY | 0755, 0, changed)));
        }
        if (excludes.isExcluded(path, false)) {
            return;
        }
        sink.record(new Item(path, info(0644, size, changed)));
        if (!isFramed) {
            sink.error(path, file + ": the server does not say how long it is, so nobody knows whether it is whole");
        }
    }

    /** When the server says that it was changed, or now. */
    private static Instant modified(HttpResponse<?> response) {
        String text = response.headers().firstValue("last-modified").orElse("");
        try {
            return text.isEmpty() ? Instant.now() : DateTimeFormatter.RFC_1123_DATE_TIME.parse(text, Instant::from);
        } catch (DateTimeException e) {
            return Instant.now();
        }
    }

    private static FileInfo info(int mode, long size, Instant time) {
        return new FileInfo(size, mode, time.getEpochSecond(), time.getNano(), 0, 0, 0, 0, 1, "", "", 0);
    }

    private final class Item implements ImportRecord {
        private final byte[] path;
        private final FileInfo info;
        private final AtomicBoolean isOpened = new AtomicBoolean();

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
            InputStream in = body;
            if (in == null || !FileMode.isRegular(info.mode()) || isOpened.getAndSet(true)) {
                throw new IOException(file + " is read once");
            }
            return new Reading(in, info.size());
        }
    }

    private final class Reading implements ImportRecord.Content {
        private static final int COPY_BYTES = 64 << 10;

        private final InputStream in;
        private final long size;
        private final byte[] copy = new byte[COPY_BYTES];
        private long position;

        Reading(InputStream in, long size) {
            this.in = in;
            this.size = size;
        }

        @Override
        public long read(MemorySegment into) throws IOException {
            long filled = 0;
            while (filled < into.byteSize()) {
                int count;
                try {
                    count = in.read(copy, 0, (int) Math.min(COPY_BYTES, into.byteSize() - filled));
                } catch (IOException e) {
                    throw new IOException(file + ": cut off after " + position + " bytes: " + e.getMessage(), e);
                }
                if (count < 0) {
                    break;
                }
                MemorySegment.copy(copy, 0, into, ValueLayout.JAVA_BYTE, filled, count);
                filled += count;
                position += count;
            }
            if (filled < into.byteSize() && size >= 0 && position != size) {
                throw new IOException(file + ": cut off after " + position + " of " + size + " bytes");
            }
            return filled;
        }

        @Override
        public void close() {
            HttpImporter.close(in);
        }
    }

    private static void close(InputStream in) {
        try {
            in.close();
        } catch (IOException e) {
            // it was only read
        }
    }

    @Override
    public void close() {
        InputStream in = body;
        if (in != null) {
            close(in);
        }
        HttpClient opened = client;
        if (opened != null) {
            opened.shutdownNow();
        }
    }
}
