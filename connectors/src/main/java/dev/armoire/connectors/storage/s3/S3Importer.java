// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.FileInfo;
import dev.armoire.connectors.spi.FileMode;
import dev.armoire.connectors.spi.ImportOptions;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.connectors.spi.ImportSink;
import dev.armoire.connectors.spi.Importer;
import dev.armoire.connectors.spi.SmallFilesAhead;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.S3Object;

/**
 * Delivers the objects of a bucket as files at the paths that their keys are, as Plakar's plug-in does. The listing comes in
 * the order of the bytes of the keys, so what is above a key is known without remembering all that was.
 */
final class S3Importer implements Importer {
    private static final int FILE_MODE = 0700;
    /** Left to those who read what is not small. */
    private static final int WORKERS_CONNECTIONS = 2;

    private static final int MOST_AT_ONCE = 64;

    private final S3Place place;
    private final ImportOptions.Excludes excludes;
    private final S3Client client;
    private final S3Requests requests;
    private final S3Errors errors;
    private final SmallFilesAhead ahead;

    S3Importer(S3Place place, ImportOptions.Excludes excludes) throws IOException {
        this.place = place;
        this.excludes = excludes;
        client = S3Clients.of(place);
        requests = new S3Requests(client, place);
        errors = new S3Errors(place);
        ahead = new SmallFilesAhead(Math.clamp(place.settings().connections() - WORKERS_CONNECTIONS, 1, MOST_AT_ONCE));
    }

    @Override
    public String type() {
        return "s3";
    }

    @Override
    public String origin() {
        return place.host() + '/' + place.bucket();
    }

    @Override
    public byte[] root() {
        return BytePath.clean(BytePath.ROOT, bytes(place.prefix()));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public boolean isFarAway() {
        return true;
    }

    @Override
    public void scan(ImportSink sink) throws IOException {
        Walk walk = new Walk(sink);
        try {
            ListObjectsV2Request list = ListObjectsV2Request.builder()
                    .bucket(place.bucket())
                    .prefix(place.prefix())
                    .build();
            boolean isEmpty = true;
            for (S3Object object : client.listObjectsV2Paginator(list).contents()) {
                isEmpty = false;
                if (sink.isStopped()) {
                    return;
                }
                walk.take(object.key(), object.size(), object.lastModified(), object.eTag());
            }
            if (isEmpty && place.prefix().isEmpty()) {
                walk.enter(BytePath.ROOT);
            } else if (isEmpty) {
                takeAlone(walk);
            }
        } catch (SdkException e) {
            throw errors.named("cannot list " + place, e);
        }
    }

    /** The location may name one object. */
    private void takeAlone(Walk walk) throws IOException {
        String key = place.prefix().substring(0, place.prefix().length() - 1);
        HeadObjectResponse found = requests.head(key);
        if (found == null) {
            throw new NoSuchFileException(place.toString(), null, "there is nothing in " + place);
        }
        walk.take(key, found.contentLength(), found.lastModified(), found.eTag());
    }

    /** Goes through keys in their order. */
    private final class Walk {
        private final ImportSink sink;
        /** The folder of the last key and those above it, which are delivered, the innermost first. */
        private final Deque<byte[]> folders = new ArrayDeque<>();
        /** Delivered files whose paths the paths of further keys may begin with. */
        private final Deque<byte[]> files = new ArrayDeque<>();
        /** The last folder that is left out, or null. */
        private byte @Nullable [] excluded;

        Walk(ImportSink sink) {
            this.sink = sink;
        }

        void take(String key, long size, @Nullable Instant modified, @Nullable String tag) {
            if (key.endsWith("/") && size == 0) {
                return; // made by programs that show buckets as folders
            }
            byte[] path = BytePath.clean(BytePath.ROOT, bytes(key));
            if (!Arrays.equals(path, bytes("/" + key)) || key.indexOf(0) >= 0) {
                sink.error(path, "left out: the key \"" + key + "\" cannot be a path");
                return;
            }
            while (!files.isEmpty() && !startsWith(path, files.getFirst())) {
                files.pop();
            }
            for (byte[] file : files) {
                if (BytePath.isBelow(path, file)) {
                    sink.error(path, "left out: " + BytePath.text(file) + " is an object, and cannot be a folder, too");
                    return;
                }
            }
            if (enter(BytePath.parent(path)) && !excludes.isExcluded(path, false)) {
                Instant time = modified == null ? Instant.EPOCH : modified;
                files.push(path);
                sink.record(new Item(key, path, info(FILE_MODE, size, time), tag));
            }
        }

        /** Delivers a folder and those above it, unless it was or they are left out; returns whether it is there. */
        boolean enter(byte[] folder) {
            if (excluded != null && BytePath.isBelow(folder, excluded)) {
                return false;
            }
            while (!folders.isEmpty() && !BytePath.isBelow(folder, folders.getFirst())) {
                folders.pop();
            }
            if (!folders.isEmpty() && folders.getFirst().length == folder.length) {
                return true;
            }
            if (folder.length > 1) {
                if (!enter(BytePath.parent(folder))) {
                    return false;
                }
                if (excludes.isExcluded(folder, true)) {
                    excluded = folder;
                    return false;
                }
            }
            folders.push(folder);
            sink.record(new Item("", folder, info(FileMode.DIRECTORY | FILE_MODE, 0, Instant.EPOCH), null));
            return true;
        }
    }

    private static boolean startsWith(byte[] path, byte[] start) {
        return path.length >= start.length && Arrays.equals(path, 0, start.length, start, 0, start.length);
    }

    private static FileInfo info(int mode, long size, Instant time) {
        return new FileInfo(size, mode, time.getEpochSecond(), time.getNano(), 0, 0, 0, 0, 1, "", "", 0);
    }

    private final class Item implements ImportRecord {
        private final String key;
        private final byte[] path;
        private final FileInfo info;
        private final @Nullable String tag;
        private SmallFilesAhead.@Nullable File coming;

        Item(String key, byte[] path, FileInfo info, @Nullable String tag) {
            this.key = key;
            this.path = path;
            this.info = info;
            this.tag = tag;
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
        public boolean readAhead() {
            coming = ahead.read(info.size(), this::openNow);
            return coming != null;
        }

        @Override
        public Content open() throws IOException {
            SmallFilesAhead.File first = coming;
            coming = null; // a second time it is read anew
            return first == null ? openNow() : first.open();
        }

        private Content openNow() {
            return new Reading(key, info.size(), tag);
        }
    }

    /** An object being read. A connection that breaks is made anew where it broke, as long as the object is the same. */
    private final class Reading implements ImportRecord.Content {
        private static final int COPY_BYTES = 64 << 10;
        private static final int TRIES = 5;

        private final String key;
        private final long size;
        private final @Nullable String tag;
        private final byte[] copy = new byte[COPY_BYTES];
        private @Nullable ResponseInputStream<GetObjectResponse> body;
        private long position;
        private int tries;

        Reading(String key, long size, @Nullable String tag) {
            this.key = key;
            this.size = size;
            this.tag = tag;
        }

        private String what() {
            return "cannot read " + key + " of " + place;
        }

        void connect() throws IOException {
            if (position == size) {
                return; // nothing is left, and of nothing there is no range
            }
            try {
                var request = requests.get(key).ifMatch(tag);
                if (position > 0) {
                    request.range("bytes=" + position + '-');
                }
                body = client.getObject(request.build());
            } catch (S3Exception e) {
                if (e.statusCode() == 412) {
                    throw new IOException(what() + ": it has changed since it was listed", e);
                }
                throw errors.named(what(), e);
            } catch (SdkException e) {
                throw errors.named(what(), e);
            }
        }

        @Override
        public long read(MemorySegment into) throws IOException {
            if (body == null) {
                connect();
            }
            long filled = 0;
            while (filled < into.byteSize() && position < size) {
                int wanted = (int) Math.min(COPY_BYTES, Math.min(into.byteSize() - filled, size - position));
                int count;
                try {
                    count = stream().read(copy, 0, wanted);
                    if (count < 0) {
                        throw new IOException("it ends after " + position + " of " + size + " bytes");
                    }
                } catch (IOException | SdkException e) {
                    connectAgain(e);
                    continue;
                }
                MemorySegment.copy(copy, 0, into, ValueLayout.JAVA_BYTE, filled, count);
                filled += count;
                position += count;
            }
            return filled;
        }

        private InputStream stream() {
            return Objects.requireNonNull(body, "connected");
        }

        private void connectAgain(Exception e) throws IOException {
            abandon();
            if (Thread.currentThread().isInterrupted()) {
                throw (IOException) new java.io.InterruptedIOException("interrupted").initCause(e);
            }
            if (++tries == TRIES) {
                throw new IOException(what() + ": " + e.getMessage(), e);
            }
            connect();
        }

        private void abandon() {
            ResponseInputStream<GetObjectResponse> open = body;
            if (open != null) {
                open.abort(); // to close it would read what is left
                body = null;
            }
        }

        @Override
        public void close() {
            ResponseInputStream<GetObjectResponse> open = body;
            if (open != null && position == size) {
                body = null;
                try {
                    open.close(); // nothing is left, so the connection goes on to serve
                } catch (IOException | SdkException e) {
                    open.abort();
                }
            }
            abandon();
        }
    }

    @Override
    public void close() {
        ahead.close();
        client.close();
    }
}
