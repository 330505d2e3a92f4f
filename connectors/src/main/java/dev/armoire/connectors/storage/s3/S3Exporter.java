// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import dev.armoire.connectors.spi.BytePath;
import dev.armoire.connectors.spi.Exporter;
import dev.armoire.connectors.spi.FileInfo;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/**
 * A bucket as a target: files become objects whose keys are their paths below the prefix, in place of those that are there.
 * A bucket has no folders, owners, modes or times of its own choosing; what is no file is refused.
 */
final class S3Exporter implements Exporter {
    private static final String NOT_TO_BE_HAD = "left out: a bucket has files only";

    /** The most that S3 takes. */
    private static final long MAX_OBJECT_BYTES = 5L << 40;

    private static final long FIRST_BUFFER_BYTES = 64 << 10;

    private final S3Place place;
    private final S3Client client;
    private final S3Writer writer;
    private final S3Errors errors;
    private final String storageClass;

    private S3Exporter(S3Place place) throws IOException {
        this.place = place;
        client = S3Clients.of(place);
        writer = new S3Writer(client, new S3Requests(client, place));
        errors = new S3Errors(place);
        storageClass = place.settings().storageClass();
    }

    /** Makes the bucket if it is not there. */
    static S3Exporter open(S3Place place) throws IOException {
        S3Exporter exporter = new S3Exporter(place);
        boolean isOpen = false;
        try {
            Buckets.make("cannot write to " + place, place, exporter.client, exporter.errors);
            isOpen = true;
            return exporter;
        } finally {
            if (!isOpen) {
                exporter.close();
            }
        }
    }

    private String key(byte[] path) throws IOException {
        if (path.length == 0 || !BytePath.isSound(path)) {
            throw new IOException("unsafe name in the snapshot: " + BytePath.text(path));
        }
        try {
            return place.prefix() + StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(path));
        } catch (CharacterCodingException e) {
            throw new IOException("left out: keys of a bucket are UTF-8, and this name is not", e);
        }
    }

    @Override
    public boolean isFarAway() {
        return true;
    }

    @Override
    public void makeDirectory(byte[] path) throws IOException {
        if (path.length > 0) {
            key(path);
        }
    }

    @Override
    public FileOutput createFile(byte[] path, FileInfo info) throws IOException {
        if (info.size() > MAX_OBJECT_BYTES) {
            throw new IOException("left out: an object has at most 5 TiB");
        }
        return new ObjectOutput(key(path), S3Writer.partBytes(info.size()));
    }

    /** The engine writes a copy then. */
    @Override
    public void link(byte[] path, byte[] existing) throws IOException {
        throw new IOException("a bucket has no links");
    }

    @Override
    public void symlink(byte[] path, byte[] target, FileInfo info, List<Xattr> xattrs) throws IOException {
        throw new IOException(NOT_TO_BE_HAD + ", and this is a symbolic link");
    }

    @Override
    public void special(byte[] path, FileInfo info, List<Xattr> xattrs) throws IOException {
        throw new IOException(NOT_TO_BE_HAD);
    }

    @Override
    public void finishDirectory(byte[] path, FileInfo info, List<Xattr> xattrs) {
        // there are no folders
    }

    @Override
    public void close() {
        client.close();
    }

    /** Goes up in one request when it is small, else part by part while it is written. */
    private final class ObjectOutput implements FileOutput {
        private final String key;
        private final long partBytes;
        /** Outside of the heap, which is small: a part is sixteen megabytes and more. */
        private Arena arena = Arena.ofConfined();

        private MemorySegment buffer = MemorySegment.NULL;
        private long filled;
        private final List<CompletedPart> parts = new ArrayList<>();
        private @Nullable String upload;
        private boolean isCommitted;

        ObjectOutput(String key, long partBytes) {
            this.key = key;
            this.partBytes = partBytes;
        }

        private String what() {
            return "cannot write " + key + " to " + place;
        }

        @Override
        public void write(MemorySegment data) throws IOException {
            for (long at = 0; at < data.byteSize(); ) {
                long step = Math.min(data.byteSize() - at, partBytes - filled);
                makeRoom(filled + step);
                MemorySegment.copy(data, at, buffer, filled, step);
                filled += step;
                at += step;
                if (filled == partBytes) {
                    send();
                }
            }
        }

        /** Grows with what has come, and not with what was said to come. */
        private void makeRoom(long bytes) {
            if (bytes <= buffer.byteSize()) {
                return;
            }
            Arena larger = Arena.ofConfined();
            long size = Math.max(FIRST_BUFFER_BYTES, Math.max(bytes, Math.min(partBytes, 2 * buffer.byteSize())));
            MemorySegment moved = larger.allocate(size);
            MemorySegment.copy(buffer, 0, moved, 0, filled);
            arena.close();
            arena = larger;
            buffer = moved;
        }

        private MemorySegment part() {
            return buffer.asSlice(0, filled);
        }

        private void send() throws IOException {
            try {
                String id = upload;
                if (id == null) {
                    id = upload = writer.beginUpload(key, storageClass);
                }
                parts.add(writer.uploadPart(key, id, parts.size() + 1, List.of(part())));
                filled = 0;
            } catch (SdkException e) {
                throw errors.named(what(), e);
            }
        }

        @Override
        public void commit(List<Xattr> xattrs) throws IOException {
            if (upload != null && filled > 0) {
                send();
            }
            try {
                if (upload == null) {
                    writer.replace(key, List.of(part()), storageClass);
                } else {
                    writer.endUpload(key, upload, parts);
                }
                isCommitted = true;
            } catch (SdkException e) {
                throw errors.named(what(), e);
            }
        }

        @Override
        public void close() {
            if (!isCommitted && upload != null) {
                writer.abort(key, upload);
                upload = null;
            }
            if (arena.scope().isAlive()) {
                arena.close();
            }
        }
    }
}
