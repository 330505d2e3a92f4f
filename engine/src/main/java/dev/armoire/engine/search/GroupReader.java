// SPDX-License-Identifier: ISC
package dev.armoire.engine.search;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.engine.record.SnapshotPath;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads groups of the index into arrays, as without C2 nothing is slower to read than a segment, and keeps the last one of names and the
 * last one of details: who goes through the blocks in their order reads each group once. Owns a codec; for one thread at a time.
 */
final class GroupReader implements AutoCloseable {
    private final FileChannel in;
    private final IndexCodec codec;
    private final Kept names = new Kept();
    private final Kept details = new Kept();

    private static final class Kept {
        private IndexFile.@Nullable Group group;
        private byte[] bytes = {};
        private int length;
    }

    /**
     * @param in borrowed
     * @param codec owned from now on
     */
    GroupReader(FileChannel in, IndexCodec codec) {
        this.in = in;
        this.codec = codec;
    }

    /** The group that holds names, valid until those of another group are asked for. */
    byte[] names(IndexFile.Part part) throws IOException {
        return bytes(names, part);
    }

    /** Details of a block, valid until those of a block of another group are asked for. */
    ChangeDetails details(IndexFile.Part part) {
        try {
            return new ChangeDetails(bytes(details, part), part.offset(), part.length());
        } catch (IOException e) {
            throw new UncheckedIOException(e); // it is asked for in the middle of a scan
        }
    }

    /** A block as it was written. */
    ChangeBlock whole(IndexFile.Block block) throws IOException {
        return new ChangeBlock(copy(names, block.names()), copy(details, block.details()));
    }

    private byte[] copy(Kept kept, IndexFile.Part part) throws IOException {
        return Arrays.copyOfRange(bytes(kept, part), part.offset(), part.offset() + part.length());
    }

    /**
     * Whether something has changed at a path, or directly in it.
     *
     * @throws CorruptDataException when the block is malformed
     */
    boolean touches(IndexFile.Block block, byte[] path) throws IOException {
        try {
            ChangeDetails its = details(block.details());
            if (its.hasFolder(path)) {
                return true;
            }
            byte[] parent = SnapshotPath.parent(path);
            if (!its.hasFolder(parent)) {
                return false;
            }
            IndexFile.Part part = block.names();
            byte[] text = names(part);
            byte[] name = SnapshotPath.name(path);
            boolean[] isThere = {false};
            NameScan.each(
                    text,
                    part.offset(),
                    part.offset() + part.length(),
                    (index, from, to) -> isThere[0] |=
                            Arrays.equals(text, from, to, name, 0, name.length) && its.isIn(index, parent));
            return isThere[0];
        } catch (IndexOutOfBoundsException | NegativeArraySizeException | ArithmeticException e) {
            throw new CorruptDataException("a block of the search index is malformed", e);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private byte[] bytes(Kept kept, IndexFile.Part part) throws IOException {
        if (!part.group().equals(kept.group)) {
            kept.group = null;
            MemorySegment plain = IndexFile.read(in, part.group(), codec);
            int length = Math.toIntExact(plain.byteSize());
            if (kept.bytes.length < length) {
                kept.bytes = new byte[length + length / 8];
            }
            MemorySegment.copy(plain, ValueLayout.JAVA_BYTE, 0, kept.bytes, 0, length);
            kept.group = part.group();
            kept.length = length;
        }
        if (part.offset() < 0 || part.length() < 0 || part.offset() + (long) part.length() > kept.length) {
            throw new CorruptDataException("a group of the search index is too short");
        }
        return kept.bytes;
    }

    @Override
    public void close() {
        codec.close();
    }
}
