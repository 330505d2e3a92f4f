// SPDX-License-Identifier: ISC
package dev.armoire.engine.snapshot;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.armoire.crypto.CorruptDataException;
import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.Repository;
import dev.armoire.packfile.BlobCodec;
import dev.armoire.packfile.MsgpackReader;
import dev.armoire.packfile.MsgpackWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Headers of the snapshots of one store in one file of the cache folder: in a store they lie in as many packfiles as there are
 * snapshots. The file is written as a whole once enough is missing in it, and takes the old one's place by a rename. A header
 * never changes, so what is in the file is right for as long as the store has the snapshot.
 *
 * <pre>
 *  | magic (8) | repository id (16) | MAC of these and of all blocks (32) | block... |
 *  block: | length (4) | encoded as a blob of the store: compressed and, in an encrypted store, encrypted |
 *  plain: | length (4) | header | ...
 * </pre>
 *
 * Numbers are little-endian. A file that is damaged, or that cannot be read or written, is as none.
 */
final class HeaderCache {
    private static final long MAGIC = 0x3153524448524d41L; // AMRHDRS1
    private static final int ID_AT = 8;
    private static final int MAC_AT = 24;
    private static final int BLOCKS_AT = MAC_AT + Mac.BYTES;
    private static final int BLOCK_BYTES = 128 << 10;
    private static final long MAX_BLOCK_BYTES = 64L << 20; // one header can be longer than a block
    private static final long MAX_FILE_BYTES = 512L << 20;
    /** Fewer are read from the store in no time. The run that trains the JVM wants to see a file made. */
    static final int WORTH_A_FILE = Boolean.getBoolean("armoire.cache.eager") ? 1 : 32;

    private final Repository repository;
    private final @Nullable Path file;

    private final int worth;

    /** @param worth how many must be missing in the file, and more if it has many */
    HeaderCache(Repository repository, int worth) {
        this.repository = repository;
        this.worth = worth;
        this.file = repository.cacheFile("headers-1");
    }

    /** Those that are in the file, by id; also of snapshots that the store has no longer. */
    Map<Mac, SnapshotHeader> read() {
        if (file == null) {
            return Map.of();
        }
        try (FileChannel in = FileChannel.open(file);
                Arena arena = Arena.ofConfined();
                BlobCodec codec = repository.newCodec()) {
            long size = in.size();
            if (size < BLOCKS_AT || size > MAX_FILE_BYTES) {
                return Map.of();
            }
            MemorySegment all = in.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
            return isOurs(all) ? decode(all.asSlice(BLOCKS_AT), codec) : Map.of();
        } catch (IOException | CorruptDataException e) {
            return Map.of();
        }
    }

    private boolean isOurs(MemorySegment all) {
        MacHasher hasher = repository.keys().newMacHasher();
        hasher.update(all.asSlice(0, MAC_AT));
        hasher.update(all.asSlice(BLOCKS_AT));
        return all.get(JAVA_LONG_UNALIGNED, 0) == MAGIC
                && all.asSlice(ID_AT, MAC_AT - ID_AT)
                                .mismatch(MemorySegment.ofArray(
                                        repository.config().repositoryIdBytes()))
                        < 0
                && Mac.read(all, MAC_AT).equals(hasher.finish());
    }

    private static Map<Mac, SnapshotHeader> decode(MemorySegment blocks, BlobCodec codec) {
        Map<Mac, SnapshotHeader> headers = new HashMap<>();
        // What machines say of themselves is the same in each of their snapshots: kept once.
        Map<List<SnapshotHeader.KeyValue>, List<SnapshotHeader.KeyValue>> contexts = new HashMap<>();
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
        return headers;
    }

    /**
     * Writes the file anew if that is worth it.
     *
     * @param headers all snapshots of the store
     * @param missing how many of them were not in the file
     */
    void write(Collection<SnapshotHeader> headers, int missing) {
        if (file == null || missing < worth + (headers.size() - missing) / 16) {
            return;
        }
        Path next = null;
        try {
            Path folder = Files.createDirectories(file.toAbsolutePath().getParent());
            next = Files.createTempFile(folder, "headers-", ".new"); // readable by its owner only
            Files.write(next, encode(headers));
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            delete(next); // without it all is as it was, only slower
        }
    }

    private byte[] encode(Collection<SnapshotHeader> headers) {
        ByteArrayOutputStream blocks = new ByteArrayOutputStream();
        try (BlobCodec codec = repository.newCodec()) {
            ByteArrayOutputStream plain = new ByteArrayOutputStream(BLOCK_BYTES);
            for (SnapshotHeader header : headers) {
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
        byte[] file = new byte[BLOCKS_AT + blocks.size()];
        MemorySegment all = MemorySegment.ofArray(file);
        all.set(JAVA_LONG_UNALIGNED, 0, MAGIC);
        System.arraycopy(repository.config().repositoryIdBytes(), 0, file, ID_AT, MAC_AT - ID_AT);
        System.arraycopy(blocks.toByteArray(), 0, file, BLOCKS_AT, blocks.size());
        MacHasher hasher = repository.keys().newMacHasher();
        hasher.update(all.asSlice(0, MAC_AT));
        hasher.update(all.asSlice(BLOCKS_AT));
        hasher.finish().write(all, MAC_AT);
        return file;
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

    private static void delete(@Nullable Path unfinished) {
        try {
            if (unfinished != null) {
                Files.deleteIfExists(unfinished);
            }
        } catch (IOException e) {
            // A file of no use in a folder that may be deleted.
        }
    }
}
