// SPDX-License-Identifier: ISC
package dev.armoire.cli;

import dev.armoire.connectors.spi.ForwardingStorage;
import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.Mac;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes no faster than is allowed, on the average: an object goes at full speed, once enough time has passed for it.
 * Locks are never held up, as others rely on their being renewed.
 */
final class LimitedStorage extends ForwardingStorage {
    private final @Nullable TokenBucket upload;
    private final @Nullable TokenBucket download;

    private LimitedStorage(Storage real, @Nullable TokenBucket upload, @Nullable TokenBucket download) {
        super(real);
        this.upload = upload;
        this.download = download;
    }

    /** The storage itself where there are no limits. */
    static Storage of(Storage real, @Nullable TokenBucket upload, @Nullable TokenBucket download) {
        return upload == null && download == null ? real : new LimitedStorage(real, upload, download);
    }

    @Override
    public void read(ObjectKind kind, Mac name, long offset, MemorySegment into) throws IOException {
        if (download != null && kind != ObjectKind.LOCK) {
            download.take(into.byteSize());
        }
        super.read(kind, name, offset, into);
    }

    @Override
    public void write(ObjectKind kind, Mac name, List<MemorySegment> parts) throws IOException {
        if (upload != null && kind != ObjectKind.LOCK) {
            upload.take(parts.stream().mapToLong(MemorySegment::byteSize).sum());
        }
        super.write(kind, name, parts);
    }
}
