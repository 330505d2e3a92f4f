// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.RetryableException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectRequest;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.UploadPartRequest;

/** Requests about objects of one bucket, with what the settings say of encryption by the service. */
final class S3Requests {
    private static final String STANDARD = "STANDARD";
    private static final int COPIED_BYTES = 64 << 10;

    private final S3Client client;
    private final String bucket;
    private final @Nullable String encryption;
    private final @Nullable String kmsKey;
    private final @Nullable String customerKey;
    private final @Nullable String customerKeyMd5;
    private final @Nullable String customerAlgorithm;

    S3Requests(S3Client client, S3Place place) {
        this.client = client;
        bucket = place.bucket();
        encryption = place.settings().text("sse");
        kmsKey = place.settings().text("sse_kms_key_id");
        customerKey = place.settings().text("sse_customer_key");
        customerKeyMd5 = customerKey == null
                ? null
                : SegmentStream.contentMd5(
                        List.of(MemorySegment.ofArray(Base64.getDecoder().decode(customerKey))));
        customerAlgorithm = customerKey == null ? null : "AES256";
    }

    String bucket() {
        return bucket;
    }

    /** What is known of an object, or null when it is not there. */
    @Nullable
    HeadObjectResponse head(String key) {
        try {
            return client.headObject(HeadObjectRequest.builder()
                    .bucket(bucket)
                    .key(key)
                    .sseCustomerAlgorithm(customerAlgorithm)
                    .sseCustomerKey(customerKey)
                    .sseCustomerKeyMD5(customerKeyMd5)
                    .build());
        } catch (S3Exception e) {
            if (e.statusCode() == 404) {
                return null;
            }
            throw e;
        }
    }

    GetObjectRequest.Builder get(String key) {
        return GetObjectRequest.builder()
                .bucket(bucket)
                .key(key)
                .sseCustomerAlgorithm(customerAlgorithm)
                .sseCustomerKey(customerKey)
                .sseCustomerKeyMD5(customerKeyMd5);
    }

    /**
     * Fills {@code into} from byte {@code offset} of an object, as far as the object goes.
     *
     * @param tag of the object that is meant, or null for whichever is there
     * @return how many bytes came
     */
    long read(String key, long offset, MemorySegment into, @Nullable String tag) {
        long end = offset + into.byteSize();
        GetObjectRequest request =
                get(key).range("bytes=" + offset + '-' + (end - 1)).ifMatch(tag).build();
        try {
            return client.getObject(request, (answer, body) -> {
                long got = copy(answer, body, offset, into);
                if (got == into.byteSize() && answer.contentRange() == null) {
                    body.abort(); // the whole object comes, of which the rest is not wanted
                }
                return got;
            });
        } catch (S3Exception e) {
            if (e.statusCode() == 416) {
                return 0;
            }
            throw e;
        }
    }

    private static long copy(GetObjectResponse answer, InputStream body, long offset, MemorySegment into) {
        byte[] piece = new byte[(int) Math.min(COPIED_BYTES, into.byteSize())];
        long got = 0;
        try {
            if (answer.contentRange() == null) { // a service that knows no ranges
                for (long skipped = 0; skipped < offset; ) {
                    long step = body.skip(offset - skipped);
                    if (step <= 0 && body.read() < 0) {
                        return 0;
                    }
                    skipped += Math.max(step, 1);
                }
            }
            while (got < into.byteSize()) {
                int count = body.read(piece, 0, (int) Math.min(piece.length, into.byteSize() - got));
                if (count < 0) {
                    return got;
                }
                MemorySegment.copy(piece, 0, into, ValueLayout.JAVA_BYTE, got, count);
                got += count;
            }
            return got;
        } catch (IOException e) {
            if (Thread.currentThread().isInterrupted()) {
                throw AbortedException.create("interrupted", e);
            }
            throw RetryableException.create("answer cut short", e);
        }
    }

    PutObjectRequest.Builder put(String key, String storageClass) {
        return PutObjectRequest.builder()
                .bucket(bucket)
                .key(key)
                .storageClass(header(storageClass))
                .serverSideEncryption(encryption)
                .ssekmsKeyId(kmsKey)
                .sseCustomerAlgorithm(customerAlgorithm)
                .sseCustomerKey(customerKey)
                .sseCustomerKeyMD5(customerKeyMd5);
    }

    CreateMultipartUploadRequest.Builder createUpload(String key, String storageClass) {
        return CreateMultipartUploadRequest.builder()
                .bucket(bucket)
                .key(key)
                .storageClass(header(storageClass))
                .serverSideEncryption(encryption)
                .ssekmsKeyId(kmsKey)
                .sseCustomerAlgorithm(customerAlgorithm)
                .sseCustomerKey(customerKey)
                .sseCustomerKeyMD5(customerKeyMd5);
    }

    /** Not all services know classes, and all put what has none in their standard one. */
    private static @Nullable String header(String storageClass) {
        return storageClass.equals(STANDARD) ? null : storageClass;
    }

    UploadPartRequest.Builder uploadPart(String key, String upload, int number) {
        return UploadPartRequest.builder()
                .bucket(bucket)
                .key(key)
                .uploadId(upload)
                .partNumber(number)
                .sseCustomerAlgorithm(customerAlgorithm)
                .sseCustomerKey(customerKey)
                .sseCustomerKeyMD5(customerKeyMd5);
    }

    CompleteMultipartUploadRequest completeUpload(
            String key, String upload, List<CompletedPart> parts, boolean onlyIfAbsent) {
        return CompleteMultipartUploadRequest.builder()
                .bucket(bucket)
                .key(key)
                .uploadId(upload)
                .multipartUpload(completed -> completed.parts(parts))
                .ifNoneMatch(onlyIfAbsent ? "*" : null)
                .sseCustomerAlgorithm(customerAlgorithm)
                .sseCustomerKey(customerKey)
                .sseCustomerKeyMD5(customerKeyMd5)
                .build();
    }
}
