// SPDX-License-Identifier: ISC
package dev.armoire.cli.mount;

import dev.armoire.engine.record.SnapshotHeader;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is shown: a list of snapshots, a folder each, or one folder of one snapshot.
 *
 * @param snapshots by the names of their folders, in the order to show them
 * @param only the one snapshot of which a folder is shown, or null
 * @param folder the absolute path in it
 */
public record Exported(
        Map<String, SnapshotHeader> snapshots, @Nullable SnapshotHeader only, byte[] folder) {
    /** All of a list, called by the first eight digits of their ids, or by all digits where two are alike. */
    public static Exported all(List<SnapshotHeader> headers) {
        Map<String, Integer> times = new HashMap<>();
        headers.forEach(header -> times.merge(header.identifier().shortHex(), 1, Integer::sum));
        Map<String, SnapshotHeader> named = new LinkedHashMap<>();
        for (SnapshotHeader header : headers) {
            String name = header.identifier().shortHex();
            named.put(
                    times.getOrDefault(name, 1) == 1
                            ? name
                            : header.identifier().hex(),
                    header);
        }
        return new Exported(named, null, new byte[] {'/'});
    }

    /** A folder of one. */
    public static Exported one(SnapshotHeader header, byte[] folder) {
        return new Exported(Map.of(), header, folder);
    }
}
