// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import dev.armoire.connectors.storage.ptar.ArchiveSink;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileAlreadyExistsException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/** An archive that becomes an object of a bucket, part by part while it is made. Owns its client and one part's memory. */
final class S3ArchiveSink implements ArchiveSink {
    /** Nobody knows how large it gets, all parts but the last must be alike for some services, and 10,000 are the most. */
    static final long PART_BYTES = 64 << 20;

    private static final int MAX_PARTS = 10_000;

    private final S3Place place;
    private final String key;
    private final boolean replaces;
    private final long partBytes;
    private final S3Client client;
    private final S3Writer writer;
    private final S3Errors errors;
    private final Arena arena = Arena.ofShared();
    private MemorySegment buffer = MemorySegment.NULL;
    private long filled;
    private final List<CompletedPart> parts = new ArrayList<>();
    private @Nullable String upload;
    private boolean isPublished;

    private S3ArchiveSink(S3Place place, boolean replaces, long partBytes) throws IOException {
        this.place = place;
        this.key = place.objectKey();
        this.replaces = replaces;
        this.partBytes = partBytes;
        client = S3Clients.of(place);
        writer = new S3Writer(client, new S3Requests(client, place));
        errors = new S3Errors(place);
    }

    /** Makes the bucket if it is not there. */
    static S3ArchiveSink open(S3Place place, boolean replaces, long partBytes) throws IOException {
        if (place.objectKey().isEmpty()) {
            throw new IOException("s3: the archive has no name: s3://HOST/BUCKET/NAME.ptar is wanted");
        }
        S3ArchiveSink sink = new S3ArchiveSink(place, replaces, partBytes);
        boolean isOpen = false;
        try {
            Buckets.make(sink.what(), place, sink.client, sink.errors);
            if (!replaces && sink.isThere()) {
                throw new FileAlreadyExistsException(place.toString());
            }
            isOpen = true;
            return sink;
        } finally {
            if (!isOpen) {
                sink.close();
            }
        }
    }

    private String what() {
        return "cannot write " + place;
    }

    private boolean isThere() throws IOException {
        try {
            return new S3Requests(client, place).head(key) != null;
        } catch (SdkException e) {
            throw errors.named(what(), e);
        }
    }

    @Override
    public void append(List<MemorySegment> content) throws IOException {
        if (buffer.byteSize() == 0) {
            buffer = arena.allocate(partBytes);
        }
        for (MemorySegment segment : content) {
            for (long at = 0; at < segment.byteSize(); ) {
                if (filled == partBytes) {
                    send();
                }
                long step = Math.min(segment.byteSize() - at, partBytes - filled);
                MemorySegment.copy(segment, at, buffer, filled, step);
                filled += step;
                at += step;
            }
        }
    }

    private void send() throws IOException {
        if (parts.size() == MAX_PARTS) {
            throw new IOException(what() + ": an archive in a bucket has at most " + (MAX_PARTS * partBytes >> 30)
                    + " GiB; make several, or a store there");
        }
        try {
            String id = upload;
            if (id == null) {
                id = upload = writer.beginUpload(key, place.settings().storageClass());
            }
            parts.add(writer.uploadPart(key, id, parts.size() + 1, List.of(buffer.asSlice(0, filled))));
            filled = 0;
        } catch (SdkException e) {
            throw errors.named(what(), e);
        }
    }

    @Override
    public void publish() throws IOException {
        if (upload != null && filled > 0) {
            send();
        }
        try {
            String id = upload;
            String storageClass = place.settings().storageClass();
            MemorySegment whole = buffer.asSlice(0, filled);
            if (id != null) {
                writer.endUpload(key, id, parts, !replaces);
            } else if (replaces) {
                writer.replace(key, List.of(whole), storageClass);
            } else {
                writer.write(key, List.of(whole), storageClass);
            }
            isPublished = true;
        } catch (SdkException e) {
            throw errors.named(what(), e);
        }
    }

    @Override
    public void close() {
        if (!isPublished && upload != null) {
            writer.abort(key, upload);
            upload = null;
        }
        if (arena.scope().isAlive()) {
            arena.close();
        }
        client.close();
    }
}
