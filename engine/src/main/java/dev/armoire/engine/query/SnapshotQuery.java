// SPDX-License-Identifier: ISC
package dev.armoire.engine.query;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** A filter, and windows and caps on what passes it. */
public record SnapshotQuery(SnapshotFilter filter, Retention retention) {
    /** True if this lets every snapshot pass. */
    public boolean isEmpty() {
        return filter.isEmpty() && retention.isEmpty();
    }

    /** True if nothing of a snapshot is asked for but when it was taken. */
    public boolean needsTimesOnly() {
        return filter.needsTimesOnly() && retention.groupBy() == null;
    }

    /** The snapshots that pass the filter, newest first, with what becomes of them. {@code view} gives their fields. */
    public <T> Map<T, Retention.Verdict> judge(
            List<T> snapshots, Function<? super T, ? extends SnapshotFields> view, Instant now) {
        return retention.judge(filter.select(snapshots, view), view, now);
    }

    /** The snapshots that pass the filter and are kept, newest first. */
    public <T> List<T> select(List<T> snapshots, Function<? super T, ? extends SnapshotFields> view, Instant now) {
        if (retention.isEmpty()) {
            return filter.select(snapshots, view);
        }
        return judge(snapshots, view, now).entrySet().stream()
                .filter(judged -> judged.getValue().keeps())
                .map(Map.Entry::getKey)
                .toList();
    }
}
