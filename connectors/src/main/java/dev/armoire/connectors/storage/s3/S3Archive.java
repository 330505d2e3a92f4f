// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import dev.armoire.connectors.storage.blocks.BlockCache;
import dev.armoire.connectors.storage.blocks.Ranges;
import dev.armoire.connectors.storage.ptar.ArchiveBytes;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;

/** An archive that is an object of a bucket, read by ranges. Owns its client. One that is replaced meanwhile is an error. */
final class S3Archive implements ArchiveBytes, Ranges {
    private final S3Place place;
    private final S3Client client;
    private final S3Requests requests;
    private final S3Errors errors;
    private final long size;
    private final @Nullable String tag;
    private final BlockCache blocks = new BlockCache();

    private S3Archive(S3Place place, S3Client client, S3Requests requests, HeadObjectResponse found) {
        this.place = place;
        this.client = client;
        this.requests = requests;
        this.errors = new S3Errors(place);
        this.size = found.contentLength();
        this.tag = found.eTag();
    }

    static S3Archive open(S3Place place, Consumer<String> notices) throws IOException {
        S3Client client = S3Clients.of(place, notices);
        boolean isOpen = false;
        try {
            S3Requests requests = new S3Requests(client, place);
            HeadObjectResponse found = requests.head(place.objectKey());
            if (found == null) {
                throw new NoSuchFileException(place.toString(), null, "no such object");
            }
            isOpen = true;
            return new S3Archive(place, client, requests, found);
        } catch (SdkException e) {
            throw new S3Errors(place).named("cannot open " + place, e);
        } finally {
            if (!isOpen) {
                client.close();
            }
        }
    }

    @Override
    public String name() {
        return place.toString();
    }

    @Override
    public String location() {
        return place.toString();
    }

    @Override
    public @Nullable Path localPath() {
        return null;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void read(long position, MemorySegment into) throws IOException {
        long length = into.byteSize();
        if (position < 0 || length > size - position) {
            throw new EOFException("cannot read " + length + " bytes at byte " + position + " of " + place + ": it has "
                    + size + " bytes");
        }
        long read = blocks.read(this, position, into);
        if (read < length) {
            throw new IOException("cannot read " + place + ": the service sent " + read + " of " + length
                    + " bytes from byte " + position);
        }
    }

    @Override
    public long fetch(long from, MemorySegment into) throws IOException {
        MemorySegment wanted = into.asSlice(0, Math.min(into.byteSize(), size - from));
        try {
            return requests.read(place.objectKey(), from, wanted, tag);
        } catch (SdkException e) {
            throw errors.named("cannot read " + place, e);
        }
    }

    @Override
    public void close() {
        client.close();
    }
}
