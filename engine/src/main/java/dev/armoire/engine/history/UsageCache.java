// SPDX-License-Identifier: ISC
package dev.armoire.engine.history;

import dev.armoire.crypto.Mac;
import dev.armoire.crypto.MacHasher;
import dev.armoire.engine.history.StoreUsage.Usage;
import dev.armoire.engine.record.SnapshotHeader;
import dev.armoire.engine.repository.CacheFile;
import dev.armoire.engine.repository.Repository;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What snapshots took when it was last asked for, in the cache folder: to find it out all their trees are read. It holds as long as
 * the store has the same states and the same snapshots are asked for, since what one takes alone depends on all others.
 *
 * <pre>
 *  | MAC of all that follows (32) | magic (8) | repository id (16) |
 *  | how many states (4) | their names, added by exclusive or (32) | how many snapshots (4) |
 *  for each snapshot: | id (32) | stored (8) | unique (8) | new (8) | new content (8) | the same before compression (8) |
 * </pre>
 *
 * Names of states are random or MACs: other ones do not add up to the same.
 */
final class UsageCache {
    private static final long MAGIC = 0x41524d5553414731L; // ARMUSAG1
    private static final int HEAD_BYTES = Mac.BYTES + 8 + 16 + 4 + Mac.BYTES + 4;
    private static final int ROW_BYTES = Mac.BYTES + 5 * Long.BYTES;

    private final Repository repository;
    private final @Nullable Path file;

    /** @param kind which figures: a folder's name */
    UsageCache(Repository repository, String kind) {
        this.repository = repository;
        this.file = repository.cacheFile(kind);
    }

    /** The figures of these snapshots, in their order; null when they are not known. */
    @Nullable
    List<Usage> read(List<SnapshotHeader> headers) {
        byte[] whole;
        try {
            if (file == null || Files.size(file) != HEAD_BYTES + (long) headers.size() * ROW_BYTES) {
                return null;
            }
            whole = Files.readAllBytes(file);
        } catch (IOException e) {
            return null; // there is none
        }
        ByteBuffer in = ByteBuffer.wrap(whole);
        if (whole.length < HEAD_BYTES
                || !Mac.read(whole, 0).equals(mac(whole))
                || !head(headers.size()).equals(in.slice(Mac.BYTES, HEAD_BYTES - Mac.BYTES))) {
            return null;
        }
        Map<Mac, SnapshotHeader> byId = new HashMap<>();
        headers.forEach(header -> byId.put(header.identifier(), header));
        Map<Mac, Usage> known = new HashMap<>();
        for (in.position(HEAD_BYTES); in.remaining() >= ROW_BYTES; ) {
            Mac id = new Mac(in.getLong(), in.getLong(), in.getLong(), in.getLong());
            SnapshotHeader header = byId.get(id);
            if (header == null) {
                return null;
            }
            known.put(id, new Usage(header, in.getLong(), in.getLong(), in.getLong(), in.getLong(), in.getLong()));
        }
        List<Usage> usages = new ArrayList<>();
        for (SnapshotHeader header : headers) {
            Usage its = known.get(header.identifier());
            if (its == null) {
                return null;
            }
            usages.add(its);
        }
        return usages;
    }

    /** Remembers figures. Where that cannot be, they are found out again. */
    void write(Collection<Usage> usages) {
        if (file == null) {
            return;
        }
        ByteBuffer out = ByteBuffer.allocate(HEAD_BYTES + usages.size() * ROW_BYTES);
        out.position(Mac.BYTES).put(head(usages.size()));
        for (Usage usage : usages) {
            out.put(usage.header().identifier().toBytes());
            out.putLong(usage.storedBytes()).putLong(usage.uniqueBytes());
            out.putLong(usage.newBytes()).putLong(usage.newContentBytes()).putLong(usage.newPlainBytes());
        }
        byte[] whole = out.array();
        mac(whole).write(MemorySegment.ofArray(whole), 0);
        try {
            CacheFile.replace(file, whole);
        } catch (IOException e) {
            // As if there were no cache.
        }
    }

    private Mac mac(byte[] whole) {
        MacHasher hasher = repository.keys().newMacHasher();
        return hasher.mac(MemorySegment.ofArray(whole).asSlice(Mac.BYTES));
    }

    private ByteBuffer head(int snapshots) {
        List<Mac> states = repository.states();
        ByteBuffer head = ByteBuffer.allocate(HEAD_BYTES - Mac.BYTES);
        head.putLong(MAGIC).put(repository.config().repositoryIdBytes()).putInt(states.size());
        return head.put(Mac.xor(states).toBytes()).putInt(snapshots).flip();
    }
}
