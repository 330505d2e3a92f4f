// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import java.io.InterruptedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.FileAlreadyExistsException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.UploadPartRequest;

/**
 * Writes objects, large ones in parts side by side. May be called from many threads at once.
 *
 * <p>No object is overwritten. Services of today refuse by themselves ({@code If-None-Match}); older ones ignore that
 * header, or refuse requests that have it. Which kind this one is shows when the first small object is written a second
 * time, with the same bytes, beside what the caller does next; whatever else is written or deleted waits for it. Until then,
 * and for older ones always, a look goes before each write: two writers of one name at the same moment are not told apart
 * there, and names are random.
 *
 * <p>A request may succeed and its answer get lost. So each write leaves a mark of its own in the object's metadata,
 * which tells an object that was there before from one that an earlier attempt wrote.
 */
final class S3Writer {
    private static final String MARK = "armoire-write";
    private static final String CONTENT_TYPE = "application/octet-stream";

    private static final long PART_BYTES = 16 << 20;

    /** The most that S3 takes, so that parts of the largest objects are larger. */
    private static final long MAX_PARTS = 10_000;

    /** Parts in flight of all writes together. */
    private static final int PARTS_AT_ONCE = 16;

    private static final long LARGEST_TRIAL_BYTES = 1 << 20;

    /** After a collision with a delete or another write S3 wants the whole upload again. */
    private static final int TRIES = 5;

    /**
     * What is not larger goes in one request. So do usual packfiles: several are under way at once anyhow, and parts would cost
     * two more round trips each, three more requests to pay for, and the service the work of joining them.
     * {@code -Darmoire.s3.whole} sets it, for tests of uploads that fail.
     */
    private final long wholeBytes = Long.getLong("armoire.s3.whole", 40 << 20);

    private final S3Client client;
    private final S3Requests requests;
    private final UploadChecksums checksums;
    private final Semaphore parts = new Semaphore(PARTS_AT_ONCE);

    /** Whether the service refuses to overwrite; null as long as it has not been seen. */
    private volatile @Nullable Boolean refusesByItself;

    private volatile boolean takesCondition = true;

    /** The second write of the first small object; null before there is one. Guarded by this. */
    private @Nullable FutureTask<Void> trial;

    S3Writer(S3Client client, S3Requests requests) {
        this.client = client;
        this.requests = requests;
        checksums = new UploadChecksums(client);
    }

    /**
     * Writes a new object.
     *
     * @throws FileAlreadyExistsException and leaves what is there, when the name is in use
     */
    void write(String key, List<MemorySegment> content, String storageClass)
            throws FileAlreadyExistsException, InterruptedIOException {
        long length = SegmentStream.length(content);
        String mark = UUID.randomUUID().toString();
        awaitTrial();
        for (int attempt = 1; ; attempt++) {
            if (!Boolean.TRUE.equals(refusesByItself) && requests.head(key) != null) {
                throw new FileAlreadyExistsException(key);
            }
            try {
                if (length <= wholeBytes) {
                    put(key, content, storageClass, mark);
                } else {
                    upload(key, shareable(content), length, storageClass, mark);
                }
                break;
            } catch (S3Exception e) {
                if (isOurs(key, mark, e)) {
                    break;
                }
                if (e.statusCode() == 412) {
                    refusesByItself = true;
                    throw (FileAlreadyExistsException) new FileAlreadyExistsException(key).initCause(e);
                }
                boolean isUnknownHeader = takesCondition && e.statusCode() == 501;
                boolean isConflict = S3Errors.code(e).equals("ConditionalRequestConflict");
                if (isUnknownHeader) {
                    takesCondition = false;
                    refusesByItself = false;
                } else if (!isConflict || attempt == TRIES) {
                    throw e;
                } else {
                    pause(attempt);
                }
            }
        }
        if (refusesByItself == null && length <= LARGEST_TRIAL_BYTES) {
            startTrial(key, content, storageClass, mark);
        }
    }

    private synchronized void startTrial(String key, List<MemorySegment> content, String storageClass, String mark) {
        FutureTask<Void> before = trial;
        if (before != null && !before.isDone()) {
            return; // of another writer, who came at the same moment
        }
        List<MemorySegment> own = content.stream()
                .map(part -> MemorySegment.ofArray(part.toArray(ValueLayout.JAVA_BYTE)))
                .toList();
        FutureTask<Void> task = new FutureTask<>(() -> tryToOverwrite(key, own, storageClass, mark), null);
        trial = task;
        Thread.ofPlatform().daemon().name("try-to-overwrite").start(task);
    }

    /** Returns when no second write is under way: it would bring back what was deleted, or overwrite what is newer. */
    void awaitTrial() throws InterruptedIOException {
        FutureTask<Void> running;
        synchronized (this) {
            running = trial;
        }
        if (running == null || running.state() == Future.State.SUCCESS) {
            return;
        }
        try {
            running.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        } catch (ExecutionException e) {
            throw new IllegalStateException(e); // what services do it has caught
        }
    }

    /** Writes an object in place of one that may be there; for what this has written, after {@link #awaitTrial}. */
    void replace(String key, List<MemorySegment> parts, String storageClass) {
        send(requests.put(key, storageClass), parts);
    }

    private void put(String key, List<MemorySegment> content, String storageClass, String mark) {
        PutObjectRequest.Builder request = requests.put(key, storageClass).metadata(Map.of(MARK, mark));
        if (takesCondition) {
            request.ifNoneMatch("*");
        }
        send(request, content);
    }

    private void send(PutObjectRequest.Builder request, List<MemorySegment> content) {
        checksums.put(request, content, body(content));
    }

    private void tryToOverwrite(String key, List<MemorySegment> content, String storageClass, String mark) {
        try {
            put(key, content, storageClass, mark);
            refusesByItself = false;
        } catch (S3Exception e) {
            if (e.statusCode() == 412) {
                refusesByItself = true;
            }
        } catch (SdkException e) {
            // The object is written; the next one will show it.
        }
    }

    private static RequestBody body(List<MemorySegment> content) {
        return RequestBody.fromContentProvider(
                () -> new SegmentStream(content), SegmentStream.length(content), CONTENT_TYPE);
    }

    private boolean isOurs(String key, String mark, S3Exception e) {
        if (e.statusCode() != 412 && !S3Errors.code(e).equals("NoSuchUpload")) {
            return false;
        }
        HeadObjectResponse there = requests.head(key);
        return there != null && mark.equals(there.metadata().get(MARK));
    }

    private static void pause(int attempt) throws InterruptedIOException {
        try {
            Thread.sleep(ThreadLocalRandom.current().nextLong(100L << attempt));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }

    /** The same bytes where every thread can read them. The large segments of a packfile are such already. */
    private static List<MemorySegment> shareable(List<MemorySegment> content) {
        Thread other = Thread.ofVirtual().unstarted(() -> {});
        return content.stream()
                .map(segment -> segment.isAccessibleBy(other)
                        ? segment
                        : MemorySegment.ofArray(segment.toArray(ValueLayout.JAVA_BYTE)))
                .toList();
    }

    /** How large the parts of an object are: the largest objects may not have too many. */
    static long partBytes(long length) {
        return Math.max(PART_BYTES, (length + MAX_PARTS - 1) / MAX_PARTS);
    }

    /** Begins an upload by parts, which takes the place of an object that may be there. */
    String beginUpload(String key, String storageClass) {
        return client.createMultipartUpload(requests.createUpload(key, storageClass)
                        .contentType(CONTENT_TYPE)
                        .build())
                .uploadId();
    }

    void endUpload(String key, String upload, List<CompletedPart> parts) {
        client.completeMultipartUpload(requests.completeUpload(key, upload, parts, false));
    }

    /**
     * Ends an upload by parts.
     *
     * @param onlyIfAbsent whether what has that name stays
     * @throws FileAlreadyExistsException when it stays
     */
    void endUpload(String key, String upload, List<CompletedPart> parts, boolean onlyIfAbsent)
            throws FileAlreadyExistsException {
        if (!onlyIfAbsent) {
            endUpload(key, upload, parts);
            return;
        }
        if (requests.head(key) != null) {
            throw new FileAlreadyExistsException(key);
        }
        try {
            client.completeMultipartUpload(requests.completeUpload(key, upload, parts, true));
        } catch (S3Exception e) {
            if (e.statusCode() == 412) {
                throw (FileAlreadyExistsException) new FileAlreadyExistsException(key).initCause(e);
            }
            if (e.statusCode() != 501) {
                throw e;
            }
            endUpload(key, upload, parts); // an older service, which refuses requests that have a condition
        }
    }

    private void upload(String key, List<MemorySegment> content, long length, String storageClass, String mark)
            throws InterruptedIOException {
        String upload = client.createMultipartUpload(requests.createUpload(key, storageClass)
                        .contentType(CONTENT_TYPE)
                        .metadata(Map.of(MARK, mark))
                        .build())
                .uploadId();
        boolean isDone = false;
        try {
            List<CompletedPart> done = uploadParts(key, upload, content, length);
            client.completeMultipartUpload(requests.completeUpload(key, upload, done, takesCondition));
            isDone = true;
        } finally {
            if (!isDone) {
                abort(key, upload);
            }
        }
    }

    /** Without this the service would keep, and charge for, parts that nobody sees. */
    void abort(String key, String upload) {
        boolean wasInterrupted = Thread.interrupted(); // or else the request would not be sent
        try {
            client.abortMultipartUpload(
                    request -> request.bucket(requests.bucket()).key(key).uploadId(upload));
        } catch (SdkException e) {
            // What the caller reports is why the upload failed. If it was finished after all, there is nothing to
            // abort.
        } finally {
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private List<CompletedPart> uploadParts(String key, String upload, List<MemorySegment> content, long length)
            throws InterruptedIOException {
        long partBytes = partBytes(length);
        List<Future<CompletedPart>> sent = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            try {
                for (long at = 0; at < length; at += partBytes) {
                    List<MemorySegment> part = SegmentStream.slice(content, at, Math.min(at + partBytes, length));
                    int number = sent.size() + 1;
                    parts.acquire();
                    sent.add(threads.submit(() -> {
                        try {
                            return uploadPart(key, upload, number, part);
                        } finally {
                            parts.release();
                        }
                    }));
                }
                List<CompletedPart> done = new ArrayList<>();
                for (Future<CompletedPart> part : sent) {
                    done.add(part.get());
                }
                return done;
            } catch (InterruptedException e) {
                threads.shutdownNow();
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted");
            } catch (ExecutionException e) {
                threads.shutdownNow();
                switch (e.getCause()) {
                    case RuntimeException failure -> throw failure;
                    case Error failure -> throw failure;
                    case null, default -> throw new IllegalStateException(e);
                }
            }
        }
    }

    CompletedPart uploadPart(String key, String upload, int number, List<MemorySegment> part) {
        UploadPartRequest request = requests.uploadPart(key, upload, number)
                .contentMD5(SegmentStream.contentMd5(part))
                .build();
        String tag = client.uploadPart(request, body(part)).eTag();
        return CompletedPart.builder().partNumber(number).eTag(tag).build();
    }
}
