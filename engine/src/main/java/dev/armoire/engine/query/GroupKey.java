// SPDX-License-Identifier: ISC
package dev.armoire.engine.query;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What snapshots are grouped by before windows and caps are applied to each group. */
public enum GroupKey {
    NAME,
    CATEGORY,
    ENVIRONMENT,
    PERIMETER,
    JOB,
    DATASET,
    TAG,
    DATA_CLASS,
    ORIGIN,
    TYPE,
    ROOT;

    /** Its name on the command line, such as {@code data-class}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    public static Optional<GroupKey> of(String label) {
        return Arrays.stream(values()).filter(key -> key.label().equals(label)).findFirst();
    }

    /** The groups that a snapshot is in: one for each of several values, that of the empty word for none. */
    List<String> groups(SnapshotFields snapshot) {
        List<String> groups = switch (this) {
            case NAME -> List.of(snapshot.name());
            case CATEGORY -> List.of(snapshot.category());
            case ENVIRONMENT -> List.of(snapshot.environment());
            case PERIMETER -> List.of(snapshot.perimeter());
            case JOB -> List.of(snapshot.job());
            case DATASET -> List.of(snapshot.dataset());
            case TAG -> snapshot.tags();
            case DATA_CLASS -> snapshot.dataClasses();
            case ORIGIN -> snapshot.origins();
            case TYPE -> snapshot.types();
            case ROOT -> snapshot.roots();
        };
        return groups.isEmpty() ? List.of("") : groups;
    }
}
