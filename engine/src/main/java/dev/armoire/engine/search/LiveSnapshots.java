// SPDX-License-Identifier: ISC
package dev.armoire.engine.search;

import dev.armoire.crypto.Mac;
import dev.armoire.crypto.StoreKeys;
import dev.armoire.engine.repository.CacheFile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Which snapshots a store has, as long as it has the same states: they alone say so, and to list them takes a fraction of what it
 * takes to learn what they say.
 *
 * <pre>
 *  | magic (8) | repository id (16) | how many states (4) | their names, added by exclusive or (32) |
 *  | CRC-32C of the ids (4) | MAC of all this (32) | id of each snapshot (32), the newest first |
 * </pre>
 *
 * Names of states are random or MACs: other ones do not add up to the same. Ids are names of objects of the store, not of files.
 */
final class LiveSnapshots {
    private static final long MAGIC = 0x41524d4c49564531L; // ARMLIVE1
    private static final int CRC_AT = 8 + 16 + 4 + Mac.BYTES;
    private static final int MAC_AT = CRC_AT + 4;
    private static final int HEAD_BYTES = MAC_AT + Mac.BYTES;

    private final Path file;
    private final byte[] repositoryId;
    private final StoreKeys keys;

    LiveSnapshots(Path file, byte[] repositoryId, StoreKeys keys) {
        this.file = file;
        this.repositoryId = repositoryId;
        this.keys = keys;
    }

    /** The snapshots that these states make, the newest first; null when they are not the ones that were written down. */
    @Nullable
    List<Mac> read(Collection<Mac> states) {
        byte[] whole;
        try {
            whole = Files.readAllBytes(file);
        } catch (IOException e) {
            return null; // there is none
        }
        if (whole.length < HEAD_BYTES || (whole.length - HEAD_BYTES) % Mac.BYTES != 0) {
            return null;
        }
        ByteBuffer wanted = head(states, crc(whole));
        if (!wanted.equals(ByteBuffer.wrap(whole, 0, HEAD_BYTES))) {
            return null;
        }
        List<Mac> snapshots = new ArrayList<>();
        for (int at = HEAD_BYTES; at < whole.length; at += Mac.BYTES) {
            snapshots.add(Mac.read(whole, at));
        }
        return snapshots;
    }

    /** Writes down what {@link #read} gives from now on. Where that cannot be, nothing is lost but time. */
    void write(Collection<Mac> states, List<Mac> snapshots) {
        byte[] whole = new byte[HEAD_BYTES + snapshots.size() * Mac.BYTES];
        MemorySegment out = MemorySegment.ofArray(whole);
        for (int i = 0; i < snapshots.size(); i++) {
            snapshots.get(i).write(out, HEAD_BYTES + (long) i * Mac.BYTES);
        }
        head(states, crc(whole)).get(whole, 0, HEAD_BYTES);
        try {
            CacheFile.replace(file, whole);
        } catch (IOException e) {
            // The next one finds it out as this one did.
        }
    }

    private static int crc(byte[] whole) {
        CRC32C sum = new CRC32C();
        sum.update(whole, HEAD_BYTES, whole.length - HEAD_BYTES);
        return (int) sum.getValue();
    }

    private ByteBuffer head(Collection<Mac> states, int crc) {
        ByteBuffer head = ByteBuffer.allocate(HEAD_BYTES);
        head.putLong(MAGIC).put(repositoryId).putInt(states.size());
        head.put(Mac.xor(states).toBytes()).putInt(crc);
        Mac mac = keys.newMacHasher().mac(MemorySegment.ofArray(head.array()).asSlice(0, MAC_AT));
        return head.put(mac.toBytes()).flip();
    }
}
