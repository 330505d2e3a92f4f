// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.record.ObjectRecord;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.ResourceType;
import java.lang.foreign.MemorySegment;

/** Contents of files, attributes and directory listings: an object record and then its chunks, one after the other. */
public final class ObjectReader {
    private ObjectReader() {}

    /** Receives the chunks of a content; {@code chunk} is borrowed for the call. */
    @FunctionalInterface
    public interface ChunkVisitor<X extends Exception> {
        void chunk(MemorySegment chunk) throws X;
    }

    public static ObjectRecord record(BlobSource source, Mac object) {
        if (object.isZero()) {
            throw new CorruptDataException("a regular file without an object");
        }
        return ObjectRecord.decode(
                new MsgpackReader(source.read(ResourceType.OBJECT, object), "object " + object.shortHex()));
    }

    /** Gives the chunks in order, each one verified. */
    public static <X extends Exception> void forEachChunk(
            BlobSource source, ObjectRecord record, ChunkVisitor<X> visitor) throws X {
        for (ObjectRecord.Chunk chunk : record.chunks()) {
            visitor.chunk(chunk(source, chunk));
        }
    }

    /** One chunk, its MAC and its length verified; readable until the source's next read. */
    public static MemorySegment chunk(BlobSource source, ObjectRecord.Chunk chunk) {
        MemorySegment data = source.read(ResourceType.CHUNK, chunk.mac());
        if (data.byteSize() != chunk.length()) {
            throw new CorruptDataException("chunk " + chunk.mac().shortHex() + " has " + data.byteSize()
                    + " bytes, its object says " + chunk.length());
        }
        return data;
    }

    /**
     * A whole content as bytes, for small ones such as attribute values.
     *
     * @throws CorruptDataException when it is longer than {@code limit}
     */
    public static byte[] bytes(BlobSource source, Mac object, int limit) {
        ObjectRecord record = record(source, object);
        long size = record.size();
        if (size > limit) {
            throw new CorruptDataException(
                    "object " + object.shortHex() + ": " + size + " bytes where at most " + limit + " can be");
        }
        byte[] bytes = new byte[(int) size];
        long[] at = {0};
        forEachChunk(source, record, chunk -> {
            MemorySegment.copy(chunk, 0, MemorySegment.ofArray(bytes), at[0], chunk.byteSize());
            at[0] += chunk.byteSize();
        });
        return bytes;
    }
}
