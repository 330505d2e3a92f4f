// SPDX-License-Identifier: ISC
package dev.armoire.engine.check;

import dev.armoire.connectors.spi.ObjectKind;
import dev.armoire.connectors.spi.Storage;
import dev.armoire.crypto.Mac;
import dev.armoire.engine.repository.Repository;
import dev.armoire.index.PackfileTable;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which packfiles the store has, and what its states say of them. Taken once; immutable.
 *
 * @param present ordinals of those that the storage gives out
 * @param toRead ordinals of those to be read, each one once
 * @param missing ordinals of those that hold live data and that the storage does not have
 * @param locations blobs that states place in each packfile, by ordinal
 */
record StoredPackfiles(BitSet present, List<Integer> toRead, List<Integer> missing, long[] locations) {
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
        repository.index().forEach((type, mac, packfile, offset, length) -> locations[packfile]++);
        // An archive lists its one packfile under a name of its own and gives it out under any: the states' name is the
        // one
        // by which its blobs are known.
        List<Integer> toRead = new ArrayList<>(unlisted);
        listed.keySet().stream()
                .filter(ordinal -> unlisted.isEmpty() || locations[ordinal] > 0)
                .forEach(toRead::add);
        toRead.sort((a, b) -> table.name(a).compareTo(table.name(b)));
        return new StoredPackfiles(present, toRead, missing, locations);
    }

    private static boolean answersTo(Storage storage, Mac name) throws IOException {
        try {
            return storage.size(ObjectKind.PACKFILE, name) >= 0;
        } catch (NoSuchFileException e) {
            return false;
        }
    }
}
