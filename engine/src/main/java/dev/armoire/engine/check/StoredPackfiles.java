// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.repository.Repository;
import dev.armoire.index.PackfileTable;
import dev.armoire.packfile.ResourceType;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which packfiles the store has, and what its states say of them. Taken once; immutable.
 *
 * @param present ordinals of those that the storage gives out
 * @param toRead ordinals of those to be read, each one once, those without chunks first
 * @param missing ordinals of those that hold live data and that the storage does not have
 * @param locations blobs that states place in each packfile, by ordinal
 * @param sums of {@link #sum} of each of these, by ordinal
 * @param withChunks ordinals of those that have chunks
 */
record StoredPackfiles(
        BitSet present, List<Integer> toRead, List<Integer> missing, long[] locations, long[] sums, BitSet withChunks) {
    static StoredPackfiles of(Repository repository) throws IOException {
        Storage storage = repository.storage();
        PackfileTable table = repository.index().packfiles();
        Map<Integer, Mac> listed = new HashMap<>();
        for (Mac name : storage.list(ObjectKind.PACKFILE)) {
            listed.put(table.ordinal(name), name);
        }
        BitSet present = new BitSet();
        listed.keySet().forEach(present::set);
        List<Integer> missing = new ArrayList<>();
        List<Integer> unlisted = new ArrayList<>();
        for (int ordinal = 0; ordinal < table.size(); ordinal++) {
            if (!table.isExpected(ordinal) || listed.containsKey(ordinal)) {
                continue;
            }
            if (answersTo(storage, table.name(ordinal))) {
                unlisted.add(ordinal);
                present.set(ordinal);
            } else {
                missing.add(ordinal);
            }
        }
        long[] locations = new long[table.size()];
        long[] sums = new long[table.size()];
        BitSet withChunks = new BitSet();
        repository.index().forEach((type, mac, packfile, offset, length) -> {
            locations[packfile]++;
            sums[packfile] += sum(type, mac, offset, length);
            if (type == ResourceType.CHUNK) {
                withChunks.set(packfile);
            }
        });
        // An archive lists its one packfile under a name of its own and gives it out under any: the states' name is the
        // one
        // by which its blobs are known.
        List<Integer> toRead = new ArrayList<>(unlisted);
        listed.keySet().stream()
                .filter(ordinal -> unlisted.isEmpty() || locations[ordinal] > 0)
                .forEach(toRead::add);
        // Objects before the chunks that they name, and these about in the order in which they were written.
        toRead.sort(Comparator.comparing((Integer ordinal) -> withChunks.get(ordinal))
                .thenComparing(Comparator.naturalOrder()));
        return new StoredPackfiles(present, toRead, missing, locations, sums, withChunks);
    }

    /**
     * Of one location 64 bits that look like chance, so that the sum of many says whether they are the same ones as others,
     * in any order: to look up each of them takes a thousand times as long. Not against intent: states and packfiles have MACs.
     */
    static long sum(int type, Mac mac, long offset, long length) {
        long sum = mixed(mac.w0() + type);
        sum = mixed(sum ^ mac.w1());
        sum = mixed(sum ^ mac.w2());
        sum = mixed(sum ^ mac.w3());
        return mixed(mixed(sum ^ offset) ^ length);
    }

    /** The finaliser of SplitMix64: each bit that goes in changes half of those that come out. */
    private static long mixed(long word) {
        long mixed = (word ^ word >>> 30) * 0xbf58476d1ce4e5b9L;
        mixed = (mixed ^ mixed >>> 27) * 0x94d049bb133111ebL;
        return mixed ^ mixed >>> 31;
    }

    private static boolean answersTo(Storage storage, Mac name) throws IOException {
        try {
            return storage.size(ObjectKind.PACKFILE, name) >= 0;
        } catch (NoSuchFileException e) {
            return false;
        }
    }
}
