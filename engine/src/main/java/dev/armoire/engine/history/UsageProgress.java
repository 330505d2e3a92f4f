// SPDX-License-Identifier: ISC
package dev.armoire.engine.history;

import dev.armoire.crypto.Mac;
import dev.armoire.engine.history.StoreUsage.Usage;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.CacheFile;
import dev.armoire.engine.repository.Repository;
import dev.armoire.index.MacTable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How far the last walk for {@link StoreUsage} came, in the cache folder: the blobs that the snapshots up to then need. When others
 * have been made since, and none has gone, only those are walked through. Blobs stand under their MACs: names are not in it.
 *
 * <pre>
 *  | MAC of all that follows (32) | magic (8) | repository id (16) | how many snapshots (8) |
 *  for each snapshot, the oldest first: | id (32) | new (8) | new content (8) | the same before compression (8) |
 *  the pairs of the table
 * </pre>
 */
final class UsageProgress {
    private static final long MAGIC = 0x41524d5550524f31L; // ARMUPRO1
    private static final int HEAD_BYTES = Mac.BYTES + 8 + 16 + 8;
    private static final int ROW_BYTES = Mac.BYTES + 3 * Long.BYTES;
    /** Of two million blobs; beyond that it is not worth its place. */
    private static final long MAX_BYTES = 64 << 20;

    private final Repository repository;
    private final @Nullable Path file;

    UsageProgress(Repository repository) {
        this.repository = repository;
        this.file = repository.cacheFile("growth-blobs-1");
    }

    /**
     * Goes back to where the last walk came.
     *
     * @param order the snapshots of the walk that is to be made
     * @param table empty; gets the blobs
     * @return the first of the snapshots, whose owners in the table are 1 and so on; none when all are to be walked through
     */
    List<Usage> resume(List<SnapshotHeader> order, MacTable table) {
        if (file == null) {
            return List.of();
        }
        try (FileChannel in = FileChannel.open(file);
                Arena arena = Arena.ofConfined()) {
            if (in.size() < HEAD_BYTES || in.size() > MAX_BYTES) {
                return List.of();
            }
            MemorySegment whole = in.map(MapMode.READ_ONLY, 0, in.size(), arena);
            if (!Mac.read(bytes(whole, Mac.BYTES), 0).equals(mac(whole))) {
                return List.of();
            }
            ByteBuffer rows = whole.asByteBuffer();
            List<Usage> done = rows(rows, order);
            if (!done.isEmpty()) {
                table.addAll(whole.asSlice(rows.position()));
            }
            return done;
        } catch (IOException e) {
            return List.of(); // there is none
        }
    }

    private List<Usage> rows(ByteBuffer in, List<SnapshotHeader> order) {
        in.position(Mac.BYTES);
        byte[] id = new byte[16];
        boolean isOurs = in.getLong() == MAGIC;
        in.get(id);
        long count = in.getLong();
        if (!isOurs
                || !ByteBuffer.wrap(id)
                        .equals(ByteBuffer.wrap(repository.config().repositoryIdBytes()))
                || count > order.size()) {
            return List.of();
        }
        List<Usage> done = new ArrayList<>();
        for (SnapshotHeader header : order.subList(0, (int) count)) {
            Mac known = new Mac(in.getLong(), in.getLong(), in.getLong(), in.getLong());
            if (!known.equals(header.identifier())) {
                return List.of(); // one is gone, or came from elsewhere
            }
            done.add(new Usage(header, 0, 0, in.getLong(), in.getLong(), in.getLong()));
        }
        return done;
    }

    /** Remembers a walk through all snapshots of the store. Where that cannot be, all are walked through the next time. */
    void write(List<Usage> done, MacTable table) {
        long bytes = HEAD_BYTES + (long) done.size() * ROW_BYTES + table.packedBytes();
        if (file == null || bytes > MAX_BYTES) {
            return;
        }
        byte[] whole = new byte[(int) bytes];
        ByteBuffer out = ByteBuffer.wrap(whole).position(Mac.BYTES);
        out.putLong(MAGIC).put(repository.config().repositoryIdBytes()).putLong(done.size());
        for (Usage usage : done) {
            out.put(usage.header().identifier().toBytes());
            out.putLong(usage.newBytes()).putLong(usage.newContentBytes()).putLong(usage.newPlainBytes());
        }
        MemorySegment segment = MemorySegment.ofArray(whole);
        table.copyTo(segment.asSlice(out.position()));
        mac(segment).write(segment, 0);
        try {
            CacheFile.replace(file, whole);
        } catch (IOException e) {
            // As if there were no cache.
        }
    }

    private Mac mac(MemorySegment whole) {
        return repository.keys().newMacHasher().mac(whole.asSlice(Mac.BYTES));
    }

    private static byte[] bytes(MemorySegment segment, int count) {
        return segment.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE);
    }
}
