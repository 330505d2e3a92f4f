// SPDX-License-Identifier: ISC
package dev.armoire.engine.query;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Which snapshots a command is about. All conditions must hold; an empty string, an empty list and null are no condition.
 * Case counts everywhere.
 *
 * @param before not later than this, to the nanosecond
 * @param since not earlier than this, to the nanosecond
 * @param tags each must be there
 * @param missingTags none may be there
 * @param roots each must be the root of a source, exactly
 * @param origins one of them must be the origin of a source
 * @param types one of them must be the type of a source
 * @param dataClasses one of them must be there
 * @param latest of those that match, only the newest
 */
public record SnapshotFilter(
        @Nullable Instant before,
        @Nullable Instant since,
        String name,
        String category,
        String environment,
        String perimeter,
        String job,
        String dataset,
        List<String> tags,
        List<String> missingTags,
        List<String> roots,
        List<String> origins,
        List<String> types,
        List<String> dataClasses,
        boolean latest) {
    private static final SnapshotFilter ALL = builder().build();

    public SnapshotFilter {
        tags = List.copyOf(tags);
        missingTags = List.copyOf(missingTags);
        roots = List.copyOf(roots);
        origins = List.copyOf(origins);
        types = List.copyOf(types);
        dataClasses = List.copyOf(dataClasses);
    }

    /** No condition at all. */
    public static SnapshotFilter all() {
        return ALL;
    }

    public static Builder builder() {
        return new Builder();
    }

    /** True if this lets every snapshot pass. */
    public boolean isEmpty() {
        return equals(ALL);
    }

    /** True if nothing of a snapshot is asked for but when it was taken. */
    public boolean needsTimesOnly() {
        return equals(builder().before(before).since(since).latest(latest).build());
    }

    /** The snapshots that pass, newest first; those of the same time keep their order. {@code view} gives their fields. */
    public <T> List<T> select(List<T> snapshots, Function<? super T, ? extends SnapshotFields> view) {
        record Candidate<T>(T snapshot, Instant time) {}
        List<Candidate<T>> passed = new ArrayList<>();
        for (T snapshot : snapshots) {
            SnapshotFields fields = view.apply(snapshot);
            if (matches(fields)) {
                passed.add(new Candidate<>(snapshot, time(fields)));
            }
        }
        passed.sort(Comparator.comparing(Candidate::time, Comparator.reverseOrder()));
        return passed.stream()
                .limit(latest ? 1 : Long.MAX_VALUE)
                .map(Candidate::snapshot)
                .toList();
    }

    /** Whether one snapshot passes, {@link #latest} apart. */
    public boolean matches(SnapshotFields snapshot) {
        Instant time = time(snapshot);
        return (before == null || !time.isAfter(before))
                && (since == null || !time.isBefore(since))
                && equalsIfAsked(name, snapshot.name())
                && equalsIfAsked(category, snapshot.category())
                && equalsIfAsked(environment, snapshot.environment())
                && equalsIfAsked(perimeter, snapshot.perimeter())
                && equalsIfAsked(job, snapshot.job())
                && equalsIfAsked(dataset, snapshot.dataset())
                && (tags.isEmpty() || snapshot.tags().containsAll(tags))
                && (missingTags.isEmpty() || Collections.disjoint(snapshot.tags(), missingTags))
                && (roots.isEmpty() || snapshot.roots().containsAll(roots))
                && (origins.isEmpty() || !Collections.disjoint(origins, snapshot.origins()))
                && (types.isEmpty() || !Collections.disjoint(types, snapshot.types()))
                && (dataClasses.isEmpty() || !Collections.disjoint(dataClasses, snapshot.dataClasses()));
    }

    private static Instant time(SnapshotFields snapshot) {
        return Instant.ofEpochSecond(snapshot.timestampSeconds(), snapshot.timestampNanos());
    }

    private static boolean equalsIfAsked(String wanted, String found) {
        return wanted.isEmpty() || wanted.equals(found);
    }

    /** Collects conditions as flags give them: the last word on a single value counts, lists add up. */
    public static final class Builder {
        private @Nullable Instant before;
        private @Nullable Instant since;
        private String name = "";
        private String category = "";
        private String environment = "";
        private String perimeter = "";
        private String job = "";
        private String dataset = "";
        private final List<String> tags = new ArrayList<>();
        private final List<String> missingTags = new ArrayList<>();
        private final List<String> roots = new ArrayList<>();
        private final List<String> origins = new ArrayList<>();
        private final List<String> types = new ArrayList<>();
        private final List<String> dataClasses = new ArrayList<>();
        private boolean latest;

        private Builder() {}

        public Builder before(@Nullable Instant time) {
            before = time;
            return this;
        }

        public Builder since(@Nullable Instant time) {
            since = time;
            return this;
        }

        public Builder name(String value) {
            name = value;
            return this;
        }

        public Builder category(String value) {
            category = value;
            return this;
        }

        public Builder environment(String value) {
            environment = value;
            return this;
        }

        public Builder perimeter(String value) {
            perimeter = value;
            return this;
        }

        public Builder job(String value) {
            job = value;
            return this;
        }

        public Builder dataset(String value) {
            dataset = value;
            return this;
        }

        /** Adds tags, separated by commas; {@code !x} asks for a snapshot without the tag x. */
        public Builder tags(String list) {
            for (String tag : split(list)) {
                if (tag.startsWith("!")) {
                    missingTags.addAll(split(tag.substring(1)));
                } else {
                    tags.add(tag);
                }
            }
            return this;
        }

        /** Adds roots, separated by commas. */
        public Builder roots(String list) {
            roots.addAll(split(list));
            return this;
        }

        /** Adds origins, separated by commas. */
        public Builder origins(String list) {
            origins.addAll(split(list));
            return this;
        }

        /** Adds source types, separated by commas. */
        public Builder types(String list) {
            types.addAll(split(list));
            return this;
        }

        /** Adds data classes, separated by commas. */
        public Builder dataClasses(String list) {
            dataClasses.addAll(split(list));
            return this;
        }

        public Builder latest(boolean only) {
            latest = only;
            return this;
        }

        public SnapshotFilter build() {
            return new SnapshotFilter(
                    before,
                    since,
                    name,
                    category,
                    environment,
                    perimeter,
                    job,
                    dataset,
                    tags,
                    missingTags,
                    roots,
                    origins,
                    types,
                    dataClasses,
                    latest);
        }

        /** The words between commas, without blanks around them; empty ones are dropped. */
        private static List<String> split(String list) {
            List<String> words = new ArrayList<>();
            int from = 0;
            while (from <= list.length()) {
                int comma = list.indexOf(',', from);
                int to = comma < 0 ? list.length() : comma;
                String word = list.substring(from, to).strip();
                if (!word.isEmpty()) {
                    words.add(word);
                }
                from = to + 1;
            }
            return words;
        }
    }
}
