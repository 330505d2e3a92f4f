// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.CacheFile;
import dev.armoire.engine.repository.Repository;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.MsgpackWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Headers of the snapshots of one store in one file of the cache folder: in a store they lie in as many packfiles as there are
 * snapshots. What is missing in it is written behind what there is; once that are many pieces, or much is of snapshots that are
 * gone, a new file takes the old one's place by a rename. A header never changes, so what is in the file is right for as long as
 * the store has the snapshot.
 *
 * <pre>
 *  section...
 *  section: | magic (8) | repository id (16) | length of the blocks (8) | MAC of these and of the blocks (32) | block... |
 *  block: | length (4) | encoded as a blob of the store: compressed and, in an encrypted store, encrypted |
 *  plain: | length (4) | header | ...
 * </pre>
 *
 * Numbers are little-endian. From the first section on that is damaged, or was not written to its end, there is nothing; a file
 * that cannot be read or written is as none. For one thread.
 */
final class HeaderCache {
    private static final long MAGIC = 0x3253524448524d41L; // AMRHDRS2
    private static final int ID_AT = 8;
    private static final int LENGTH_AT = 24;
    private static final int MAC_AT = 32;
    private static final int BLOCKS_AT = MAC_AT + Mac.BYTES;
    private static final int BLOCK_BYTES = 128 << 10;
    private static final long MAX_BLOCK_BYTES = 64L << 20; // one header can be longer than a block
    private static final long MAX_FILE_BYTES = 512L << 20;
    /** Each costs a reader a little. */
    private static final int MAX_SECTIONS = 64;
    /** So many snapshots that are gone do not matter. */
    private static final int TOLERATED_DEAD = 64;

    private final Repository repository;
    private final @Nullable Path file;
    private final Map<Mac, SnapshotHeader> headers = new HashMap<>();
    private int sections;
    /** Whether the file is there and all of it is right. */
    private boolean isWhole;

    /** Reads the file. */
    HeaderCache(Repository repository) {
        this.repository = repository;
        this.file = repository.cacheFile("headers-2");
        if (file != null) {
            read(file);
        }
    }

    /** Those that are in the file, by id; also of snapshots that the store has no longer. */
    Map<Mac, SnapshotHeader> headers() {
        return headers;
    }

    private void read(Path file) {
        try (FileChannel in = FileChannel.open(file);
                Arena arena = Arena.ofConfined();
                BlobCodec codec = repository.newCodec()) {
            long size = in.size();
            if (size > MAX_FILE_BYTES) {
                return;
            }
            MemorySegment rest = in.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
            // What machines say of themselves is the same in each of their snapshots: kept once.
            Map<List<SnapshotHeader.KeyValue>, List<SnapshotHeader.KeyValue>> contexts = new HashMap<>();
            while (rest.byteSize() > 0) {
                long end = end(rest);
                if (end < 0) {
                    return;
                }
                decode(rest.asSlice(BLOCKS_AT, end - BLOCKS_AT), codec, contexts);
                sections++;
                rest = rest.asSlice(end);
            }
            isWhole = true;
        } catch (IOException | CorruptDataException e) {
            // Then it is made anew.
        }
    }

    /** Where the section ends that stands here; negative if there is none of this store. */
    private long end(MemorySegment rest) {
        if (rest.byteSize() < BLOCKS_AT || rest.get(JAVA_LONG_UNALIGNED, 0) != MAGIC) {
            return -1;
        }
        long length = rest.get(JAVA_LONG_UNALIGNED, LENGTH_AT);
        byte[] id = rest.asSlice(ID_AT, LENGTH_AT - ID_AT).toArray(JAVA_BYTE);
        boolean isOurs = length >= 0
                && length <= rest.byteSize() - BLOCKS_AT
                && Arrays.equals(id, repository.config().repositoryIdBytes())
                && Mac.read(rest, MAC_AT).equals(mac(rest, length));
        return isOurs ? BLOCKS_AT + length : -1;
    }

    private Mac mac(MemorySegment section, long length) {
        MacHasher hasher = repository.keys().newMacHasher();
        hasher.update(section.asSlice(0, MAC_AT));
        hasher.update(section.asSlice(BLOCKS_AT, length));
        return hasher.finish();
    }

    private void decode(
            MemorySegment blocks,
            BlobCodec codec,
            Map<List<SnapshotHeader.KeyValue>, List<SnapshotHeader.KeyValue>> contexts) {
        for (long at = 0; at < blocks.byteSize(); ) {
            int length = blocks.get(JAVA_INT_UNALIGNED, at);
            MemorySegment plain = codec.decode(blocks.asSlice(at + 4, length), MAX_BLOCK_BYTES);
            at += 4 + length;
            for (long from = 0; from < plain.byteSize(); ) {
                int bytes = plain.get(JAVA_INT_UNALIGNED, from);
                SnapshotHeader header = SnapshotHeader.decode(
                        new MsgpackReader(plain.asSlice(from + 4, bytes), "the cache of snapshots"));
                headers.put(
                        header.identifier(), header.withContext(contexts.computeIfAbsent(header.context(), k -> k)));
                from += 4 + bytes;
            }
        }
    }

    /**
     * Adds what is missing.
     *
     * @param all snapshots of the store
     * @param missing those of them that are not in the file
     */
    void write(Collection<SnapshotHeader> all, Collection<SnapshotHeader> missing) {
        if (file == null || missing.isEmpty()) {
            return;
        }
        int dead = headers.size() - (all.size() - missing.size());
        boolean canGrow = isWhole && sections < MAX_SECTIONS && dead <= all.size() + TOLERATED_DEAD;
        try {
            if (canGrow) {
                append(file, missing);
            } else {
                CacheFile.replace(file, section(all));
            }
        } catch (IOException e) {
            // Without it all is as it was, only slower.
        }
    }

    /** Two processes may do this at once: the system puts one behind the other. */
    private void append(Path file, Collection<SnapshotHeader> missing) throws IOException {
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.APPEND)) {
            ByteBuffer section = ByteBuffer.wrap(section(missing));
            while (section.hasRemaining()) {
                out.write(section);
            }
        }
    }

    private byte[] section(Collection<SnapshotHeader> wanted) {
        ByteArrayOutputStream blocks = new ByteArrayOutputStream();
        try (BlobCodec codec = repository.newCodec()) {
            ByteArrayOutputStream plain = new ByteArrayOutputStream(BLOCK_BYTES);
            for (SnapshotHeader header : wanted) {
                MsgpackWriter encoded = new MsgpackWriter();
                header.encode(encoded);
                put(encoded.toByteArray(), plain);
                if (plain.size() >= BLOCK_BYTES) {
                    putBlock(plain, codec, blocks);
                }
            }
            if (plain.size() > 0) {
                putBlock(plain, codec, blocks);
            }
        }
        byte[] bytes = new byte[BLOCKS_AT + blocks.size()];
        MemorySegment section = MemorySegment.ofArray(bytes);
        section.set(JAVA_LONG_UNALIGNED, 0, MAGIC);
        System.arraycopy(repository.config().repositoryIdBytes(), 0, bytes, ID_AT, LENGTH_AT - ID_AT);
        section.set(JAVA_LONG_UNALIGNED, LENGTH_AT, blocks.size());
        System.arraycopy(blocks.toByteArray(), 0, bytes, BLOCKS_AT, blocks.size());
        mac(section, blocks.size()).write(section, MAC_AT);
        return bytes;
    }

    private static void putBlock(ByteArrayOutputStream plain, BlobCodec codec, ByteArrayOutputStream blocks) {
        byte[] block = new byte[Math.toIntExact(codec.prepare(MemorySegment.ofArray(plain.toByteArray())))];
        codec.writeTo(MemorySegment.ofArray(block));
        put(block, blocks);
        plain.reset();
    }

    private static void put(byte[] bytes, ByteArrayOutputStream to) {
        byte[] length = new byte[4];
        MemorySegment.ofArray(length).set(JAVA_INT_UNALIGNED, 0, bytes.length);
        to.writeBytes(length);
        to.writeBytes(bytes);
    }
}
