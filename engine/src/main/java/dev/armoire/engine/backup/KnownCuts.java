// SPDX-License-Identifier: ISC
package dev.armoire.engine.backup;

import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.simd.Chunker;
import java.lang.foreign.MemorySegment;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The chunks that a file had in the parent snapshot, for reading it again: while its bytes are the same, each chunk is
 * proven by its MAC and a look at its end, and need not be searched for. From the first one that is not, this has no more to
 * give. For one file and one thread.
 */
final class KnownCuts {
    private final Iterator<ObjectRecord.Chunk> chunks;
    private final Chunker chunker;
    private final MacHasher hasher;
    private boolean isOver;

    /** @param chunks in the order of the file, cut by the chunker of this store */
    KnownCuts(List<ObjectRecord.Chunk> chunks, Chunker chunker, MacHasher hasher) {
        this.chunks = chunks.iterator();
        this.chunker = chunker;
        this.hasher = hasher;
    }

    /** The next chunk if the window, as {@link Chunker#cut} takes it, begins with it and is cut at its end, else null. */
    ObjectRecord.@Nullable Chunk next(MemorySegment window) {
        if (isOver || !chunks.hasNext()) {
            return null;
        }
        ObjectRecord.Chunk chunk = chunks.next();
        long length = chunk.length();
        // Where the last chunk ended, the file did, too: that proves nothing if it goes on now.
        boolean isProven = length <= window.byteSize()
                && (chunks.hasNext() || length == window.byteSize())
                && hasher.mac(window.asSlice(0, length)).equals(chunk.mac())
                && chunker.cutsAt(window, length);
        isOver = !isProven;
        return isProven ? chunk : null;
    }
}
