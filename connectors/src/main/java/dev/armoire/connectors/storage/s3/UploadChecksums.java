// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.NonRetryableException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.PutObjectResponse;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * Sends objects that go in one request, each with a checksum, so that the service refuses what was spoilt on its way. May be used
 * by many threads at once.
 *
 * <p>All services know {@code Content-MD5}, which takes 1.4 s of processor time for a GiB; those of today know
 * {@code x-amz-checksum-crc32}, too, which takes a tenth of that. Which kind this one is shows with small objects, which carry both until
 * one has been answered: whoever knows the CRC repeats it in the answer. Who does not, or refuses a header that is new to it,
 * gets MD5 alone. It is CRC-32 and not CRC-32C as C1 has an instruction for the first one only (decision 16).
 */
final class UploadChecksums {
    /** Of objects that carry both. */
    private static final long LARGEST_TRIAL_BYTES = 1 << 20;

    private static final int BAD_REQUEST = 400;
    private static final int NOT_IMPLEMENTED = 501;

    private final S3Client client;

    /** Whether the service compares CRCs; null as long as that has not been seen. */
    private volatile @Nullable Boolean comparesCrc;

    UploadChecksums(S3Client client) {
        this.client = client;
    }

    /** Sends an object. The request says all but the checksum. */
    void put(PutObjectRequest.Builder request, List<MemorySegment> content, RequestBody body) {
        Boolean isKnown = comparesCrc;
        if (Boolean.TRUE.equals(isKnown)) {
            putWithCrc(request.build(), content, body);
            return;
        }
        PutObjectRequest withMd5 =
                request.contentMD5(SegmentStream.contentMd5(content)).build();
        if (isKnown != null || SegmentStream.length(content) > LARGEST_TRIAL_BYTES) {
            client.putObject(withMd5, body);
            return;
        }
        try {
            putWithCrc(withMd5, content, body);
        } catch (S3Exception e) {
            boolean isRefused = e.statusCode() == NOT_IMPLEMENTED
                    || e.statusCode() == BAD_REQUEST && !S3Retries.isSpoilt(S3Errors.code(e));
            if (!isRefused) {
                throw e;
            }
            client.putObject(withMd5, body); // and fails again if something else was refused
            comparesCrc = false;
        }
    }

    private void putWithCrc(PutObjectRequest request, List<MemorySegment> content, RequestBody body) {
        String crc = SegmentStream.crc32(content);
        PutObjectResponse answer =
                client.putObject(request.toBuilder().checksumCRC32(crc).build(), body);
        String stored = answer.checksumCRC32();
        comparesCrc = stored != null;
        if (stored != null && !Objects.equals(stored, crc)) {
            throw NonRetryableException.create(
                    "the service has stored other bytes than it was sent: their CRC-32 is " + stored + ", not " + crc);
        }
    }
}
