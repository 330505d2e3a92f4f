// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import java.io.IOException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** Makes buckets. */
final class Buckets {
    private Buckets() {}

    /**
     * Makes the bucket of a place if it is not there.
     *
     * @param what what cannot be done without it, for a message
     */
    static void make(String what, S3Place place, S3Client client, S3Errors errors) throws IOException {
        try {
            client.headBucket(head -> head.bucket(place.bucket()));
        } catch (S3Exception e) {
            if (e.statusCode() != 404) {
                askForReason(what, place, client, errors);
                return;
            }
            try {
                client.createBucket(bucket -> {
                    bucket.bucket(place.bucket());
                    if (!place.region().equals("us-east-1")) { // which this request must not name
                        bucket.createBucketConfiguration(where -> where.locationConstraint(place.region()));
                    }
                });
            } catch (SdkException failure) {
                throw errors.named(what + ": cannot make bucket " + place.bucket(), failure);
            } catch (IllegalArgumentException failure) { // the SDK looks at names before it asks
                throw new IOException(
                        what + ": cannot make bucket " + place.bucket() + ": " + failure.getMessage(), failure);
            }
        } catch (SdkException e) {
            throw errors.named(what, e);
        }
    }

    /** What answers HEAD has no words in it. */
    private static void askForReason(String what, S3Place place, S3Client client, S3Errors errors) throws IOException {
        try {
            client.listObjectsV2(
                    list -> list.bucket(place.bucket()).prefix(place.prefix()).maxKeys(1));
        } catch (SdkException e) {
            throw errors.named(what, e);
        }
    }
}
