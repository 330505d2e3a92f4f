// SPDX-License-Identifier: ISC
package dev.armoire.engine.restore;

import dev.armoire.connectors.spi.ExistingFiles;
import dev.armoire.connectors.spi.ImportRecord;
import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.record.ObjectRecord;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Reads restored files and compares the MACs of their chunks with the snapshot's. For one thread. Owns a buffer. */
final class ReadBack implements AutoCloseable {
    private static final long BUFFER_BYTES = 1 << 20;

    private final ExistingFiles target;
    private final MacHasher hasher;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(BUFFER_BYTES, 4096);

    ReadBack(ExistingFiles target, MacHasher hasher) {
        this.target = target;
        this.hasher = hasher;
    }

    /**
     * Whether the file at a path is what its object says.
     *
     * @throws IOException when it cannot be read
     */
    boolean isRight(byte[] path, ObjectRecord object) throws IOException {
        try (ImportRecord.Content content = target.read(path)) {
            for (ObjectRecord.Chunk chunk : object.chunks()) {
                if (!isNext(content, chunk)) {
                    return false;
                }
            }
            return content.read(buffer.asSlice(0, 1)) == 0;
        }
    }

    private boolean isNext(ImportRecord.Content content, ObjectRecord.Chunk chunk) throws IOException {
        long left = chunk.length();
        try {
            while (left > 0) {
                MemorySegment part = buffer.asSlice(0, Math.min(left, BUFFER_BYTES));
                long read = content.read(part);
                if (read == 0) {
                    break;
                }
                hasher.update(part.asSlice(0, read));
                left -= read;
            }
        } catch (IOException e) {
            hasher.finish(); // what was read so far must not get into the next MAC
            throw e;
        }
        return hasher.finish().equals(chunk.mac()) && left == 0;
    }

    @Override
    public void close() {
        arena.close();
    }
}
