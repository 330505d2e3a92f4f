// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import java.lang.foreign.MemorySegment;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.HeadObjectRequest;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.UploadPartRequest;

/** Requests about objects of one bucket, with what the settings say of encryption by the service. */
final class S3Requests {
    private static final String STANDARD = "STANDARD";

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
