// SPDX-License-Identifier: ISC
package dev.armoire.connectors.storage.s3;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.connectors.storage.blocks.BlockCache;
import dev.armoire.connectors.storage.blocks.Ranges;
import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.RetryableException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.MultipartUpload;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.S3Object;

/**
 * A store in a bucket, key for key as Plakar lays it out (format 1 §15.2):
 * <pre>
 *  PREFIX/CONFIG
 *  PREFIX/packfiles/xx/64 hex digits     xx: the first two of them
 *  PREFIX/states/xx/64 hex digits
 *  PREFIX/locks/64 hex digits
 * </pre>
 * Nothing else is put below these, as older Plakars would stumble over it. CONFIG and locks are of the standard storage
 * class whatever is set: they are small, and locks live for minutes.
 */
final class S3Storage implements Storage {
    private static final String CONFIG = "CONFIG";
    private static final long MAX_CONFIG_BYTES = 1 << 20;
    private static final String STANDARD = "STANDARD";
    private static final int NAME_DIGITS = 2 * Mac.BYTES;

    private final S3Place place;
    private final S3Client client;
    private final S3Requests requests;
    private final S3Writer writer;
    private final S3Errors errors;
    private final String location;
    private final BlockCache blocks = new BlockCache();
    /** Of states, as the last listing said it: each is read whole, and a look at its length would be a request more. */
    private final Map<Mac, Long> stateSizes = new ConcurrentHashMap<>();

    private byte[] config = {};
    private volatile boolean isClosed;

    private S3Storage(S3Place place, Consumer<String> notices) throws IOException {
        this.place = place;
        client = S3Clients.of(place, notices);
        requests = new S3Requests(client, place);
        writer = new S3Writer(client, requests);
        errors = new S3Errors(place);
        location = place.toString();
    }

    static S3Storage open(S3Place place, Consumer<String> notices) throws IOException {
        S3Storage storage = new S3Storage(place, notices);
        boolean isOpen = false;
        try {
            storage.config = storage.fetchConfig();
            isOpen = true;
            return storage;
        } finally {
            if (!isOpen) {
                storage.close();
            }
        }
    }

    static S3Storage create(S3Place place, MemorySegment config, Consumer<String> notices) throws IOException {
        if (place.settings().isCold()) {
            throw new IOException("cannot create a store at " + place + ": " + cold(place));
        }
        S3Storage storage = new S3Storage(place, notices);
        boolean isOpen = false;
        try {
            Buckets.make("cannot create a store at " + storage.location, place, storage.client, storage.errors);
            storage.refuseUsed();
            storage.writeConfig(config);
            isOpen = true;
            return storage;
        } finally {
            if (!isOpen) {
                storage.close();
            }
        }
    }

    private static String cold(S3Place place) {
        return "storage_class " + place.settings().storageClass()
                + " cannot be read back without thawing, so nothing is written in it; GLACIER_IR is the coldest that can";
    }

    private byte[] fetchConfig() throws IOException {
        String what = "cannot open " + location;
        try {
            return request(
                    what,
                    () -> client.getObject(requests.get(key(CONFIG)).build(), (answer, body) -> {
                        byte[] bytes;
                        try {
                            bytes = body.readNBytes((int) MAX_CONFIG_BYTES + 1);
                        } catch (IOException e) {
                            throw RetryableException.create("answer cut short", e);
                        }
                        if (bytes.length > MAX_CONFIG_BYTES) {
                            body.abort();
                            throw new CorruptDataException("CONFIG of " + location + " has more than "
                                    + MAX_CONFIG_BYTES + " bytes: this is no CONFIG of a store");
                        }
                        return bytes;
                    }));
        } catch (NoSuchFileException e) {
            if (e.getCause() instanceof S3Exception answer
                    && S3Errors.code(answer).equals("NoSuchKey")) {
                throw missing(what + ": this is not a store: it has no CONFIG", e);
            }
            throw e;
        }
    }

    private static NoSuchFileException missing(String message, Exception cause) {
        NoSuchFileException missing = new NoSuchFileException(null, null, message);
        missing.initCause(cause);
        return missing;
    }

    private void refuseUsed() throws IOException {
        String what = "cannot create a store at " + location;
        if (request(what, () -> requests.head(key(CONFIG)) != null)) {
            throw new IOException(location + " is already a store");
        }
        boolean isUsed = request(
                what,
                () -> client.listObjectsV2(list -> list.bucket(place.bucket())
                                .prefix(place.prefix())
                                .maxKeys(1))
                        .hasContents());
        if (isUsed) {
            throw new IOException(location + " is not empty");
        }
    }

    private void writeConfig(MemorySegment content) throws IOException {
        config = content.toArray(ValueLayout.JAVA_BYTE);
        try {
            writer.write(key(CONFIG), List.of(content), STANDARD);
        } catch (FileAlreadyExistsException e) {
            throw new IOException(location + " is already a store", e);
        } catch (SdkException e) {
            throw errors.named("cannot create a store at " + location, e);
        }
    }

    @Override
    public String location() {
        return location;
    }

    @Override
    public java.nio.file.@Nullable Path localPath() {
        return null;
    }

    @Override
    public boolean isWritable() {
        return !place.settings().isCold();
    }

    /** As it was when the store was opened: it never changes. */
    @Override
    public MemorySegment readConfig(Arena arena) {
        MemorySegment copy = arena.allocate(config.length);
        MemorySegment.copy(config, 0, copy, ValueLayout.JAVA_BYTE, 0, config.length);
        return copy.asReadOnly();
    }

    @Override
    public List<Mac> list(ObjectKind kind) throws IOException {
        String folder = key(kind.folder() + '/');
        int start = folder.length() + (kind == ObjectKind.LOCK ? 0 : 3); // and "xx/"
        Map<Mac, Long> found = new LinkedHashMap<>();
        request("cannot list the " + kind.folder() + " of " + location, () -> {
            ListObjectsV2Request list = ListObjectsV2Request.builder()
                    .bucket(place.bucket())
                    .prefix(folder)
                    .build();
            for (S3Object object : client.listObjectsV2Paginator(list).contents()) {
                String key = object.key();
                if (isObjectName(key, start) && (kind == ObjectKind.LOCK || key.charAt(start - 1) == '/')) {
                    found.put(Mac.parse(key.substring(start)), object.size());
                }
            }
            return true;
        });
        if (kind == ObjectKind.STATE) {
            stateSizes.keySet().retainAll(found.keySet());
            stateSizes.putAll(found);
        }
        return new ArrayList<>(found.keySet());
    }

    private static boolean isObjectName(String key, int start) {
        return key.length() == start + NAME_DIGITS
                && key.chars().skip(start).allMatch(c -> (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
    }

    @Override
    public long size(ObjectKind kind, Mac name) throws IOException {
        String what = "cannot find " + label(kind, name);
        Long listed = kind == ObjectKind.STATE ? stateSizes.get(name) : null;
        if (listed != null) {
            refuseClosed(what);
            return listed;
        }
        // Nullness cannot be said of a type variable here, so the answer is unpacked inside.
        long size = request(what, () -> {
            HeadObjectResponse found = requests.head(key(kind, name));
            return found == null ? -1L : found.contentLength();
        });
        if (size < 0) {
            throw new NoSuchFileException(key(kind, name), null, what + ": no such object");
        }
        return size;
    }

    @Override
    public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
        if (offset < 0) {
            throw new IllegalArgumentException("negative offset " + offset);
        }
        long wanted = into.byteSize();
        long got = 0;
        if (wanted > 0) {
            got = kind == ObjectKind.PACKFILE
                    ? blocks.read(new Packfile(this, name), offset, into)
                    : fetch(kind, name, offset, into);
        }
        if (got < wanted || wanted == 0) {
            long size = size(kind, name);
            if (offset + wanted > size) {
                throw new EOFException(label(kind, name) + ": wanted " + wanted + " bytes from byte " + offset
                        + ", but it has " + size + " bytes");
            }
            if (got < wanted) {
                throw new IOException("cannot read " + label(kind, name) + ": wanted " + wanted + " bytes from byte "
                        + offset + ", but " + place.host() + " sent " + got);
            }
        }
    }

    /** Blobs that belong together lie together: a request brings more than one of them. */
    private record Packfile(S3Storage storage, Mac name) implements Ranges {
        @Override
        public long fetch(long from, MemorySegment into) throws IOException {
            return storage.fetch(ObjectKind.PACKFILE, name, from, into);
        }

        @Override
        public long size() {
            return UNKNOWN;
        }
    }

    /** Returns how many bytes came. */
    private long fetch(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
        return request("cannot read " + label(kind, name), () -> requests.read(key(kind, name), offset, into, null));
    }

    @Override
    public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        String what = "cannot write " + label(kind, name);
        refuseCold(what);
        try {
            writer.write(
                    key(kind, name),
                    parts,
                    kind == ObjectKind.LOCK ? STANDARD : place.settings().storageClass());
        } catch (FileAlreadyExistsException e) {
            FileAlreadyExistsException exists =
                    new FileAlreadyExistsException(key(kind, name), null, what + ": it is there already");
            exists.initCause(e);
            throw exists;
        } catch (SdkException e) {
            throw errors.named(what, e);
        }
    }

    @Override
    public void refreshLock(Mac name, MemorySegment content) throws IOException {
        String what = "cannot refresh " + label(ObjectKind.LOCK, name);
        refuseCold(what);
        writer.awaitTrial();
        request(what, () -> {
            writer.replace(key(ObjectKind.LOCK, name), List.of(content), STANDARD);
            return true;
        });
    }

    /** In one request: an object of a bucket is replaced in full or not at all. */
    @Override
    public void replace(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        String what = "cannot replace " + label(kind, name);
        refuseCold(what);
        writer.awaitTrial();
        request(what, () -> {
            writer.replace(key(kind, name), parts, place.settings().storageClass());
            return true;
        });
        blocks.forget(new Packfile(this, name));
        stateSizes.remove(name);
    }

    private void refuseCold(String what) throws IOException {
        refuseClosed(what);
        if (!isWritable()) {
            throw new IOException(what + ": " + cold(place));
        }
    }

    /** Parts of uploads, of which the service says when they were begun. What lies elsewhere in the bucket is not ours. */
    @Override
    public int discardUnfinished(Instant begunBefore, boolean onlyCounts) throws IOException {
        String what = "cannot take back unfinished uploads to " + location;
        return request(what, () -> {
            int found = 0;
            for (ObjectKind kind : ObjectKind.values()) {
                String folder = key(kind.folder() + '/');
                for (MultipartUpload upload : client.listMultipartUploadsPaginator(
                                list -> list.bucket(place.bucket()).prefix(folder))
                        .uploads()) {
                    String key = upload.key();
                    int start = key.length() - NAME_DIGITS;
                    if (key.startsWith(folder)
                            && start > 0
                            && isObjectName(key, start)
                            && upload.initiated().isBefore(begunBefore)) {
                        found++;
                        if (!onlyCounts) {
                            writer.abort(key, upload.uploadId());
                        }
                    }
                }
            }
            return found;
        });
    }

    @Override
    public void delete(ObjectKind kind, Mac name) throws IOException {
        writer.awaitTrial();
        request("cannot delete " + label(kind, name), () -> {
            try {
                client.deleteObject(object -> object.bucket(place.bucket()).key(key(kind, name)));
            } catch (S3Exception e) {
                if (e.statusCode() != 404 || S3Errors.code(e).equals("NoSuchBucket")) {
                    throw e;
                }
            }
            return true;
        });
        blocks.forget(new Packfile(this, name));
        stateSizes.remove(name);
    }

    @Override
    public void close() {
        isClosed = true;
        client.close();
    }

    private <T> T request(String what, Supplier<T> request) throws IOException {
        refuseClosed(what);
        try {
            return request.get();
        } catch (SdkException e) {
            if (e.getCause() instanceof CorruptDataException damage) {
                throw damage;
            }
            throw errors.named(what, e);
        }
    }

    private void refuseClosed(String what) throws IOException {
        if (isClosed) {
            throw new IOException(what + ": the store is closed");
        }
    }

    private String key(String name) {
        return place.prefix() + name;
    }

    private String key(ObjectKind kind, Mac name) {
        String hex = name.hex();
        return key(
                kind == ObjectKind.LOCK
                        ? kind.folder() + '/' + hex
                        : kind.folder() + '/' + hex.substring(0, 2) + '/' + hex);
    }

    private String label(ObjectKind kind, Mac name) {
        return kind.name().toLowerCase(Locale.ROOT) + ' ' + name.shortHex() + " of " + location;
    }
}
